//! `email_configs`: letters, by SMTP.

use std::collections::{BTreeMap, BTreeSet};

use gotemplate::strconv::quote;

use crate::config::block::{Checked, Refusal, block};
use crate::config::global::Global;
use crate::config::header::canonical;
use crate::config::inherit::{Inherit, or};
use crate::config::tls::TlsConfig;
use crate::config::values::{HostPort, Secret};
use crate::config::yaml::Decoder;

block! {
    /// Somebody who gets letters.
    Email "config.plain" of "config.EmailConfig" {
        send_resolved: bool = false, always;
        to: String;
        from: String;
        hello: String;
        smarthost: HostPort;
        auth_username: String;
        auth_password: Secret;
        auth_password_file: String;
        auth_secret: Secret;
        auth_secret_file: String;
        auth_identity: String;
        /// By their canonical names.
        headers: BTreeMap<String, String>;
        html: String = "{{ template \"email.default.html\" . }}";
        text: String;
        require_tls: Option<bool>;
        tls_config: Option<TlsConfig>;
        /// Unset: the port decides.
        force_implicit_tls: Option<bool>;
        threading: Threading;
    }
}

block! {
    /// How letters of a group hang together.
    Threading "config.ThreadingConfig" {
        enabled: bool;
        /// `none` or `daily`.
        thread_by_date: String;
    }
}

impl Checked for Threading {
    const IS_CUSTOM: bool = false;
}

impl Checked for Email {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.to.is_empty() {
            return Err("missing to address in email config".into());
        }
        self.name_headers()?;
        if !self.threading.enabled {
            return Ok(());
        }
        for name in ["References", "In-Reply-To"] {
            if self.headers.contains_key(name) {
                return Err(Refusal::at(
                    "threading",
                    format!(
                        "conflicting configuration: threading.enabled conflicts with custom {name} header"
                    ),
                ));
            }
        }
        if !["none", "daily"].contains(&self.threading.thread_by_date.as_str()) {
            return Err(Refusal::at(
                "threading",
                "threading.thread_by_date must be either 'none' or 'daily'",
            ));
        }
        Ok(())
    }
}

impl Email {
    fn name_headers(&mut self) -> Result<(), Refusal> {
        let mut named = BTreeMap::new();
        let mut twice = BTreeSet::new();
        for (name, value) in std::mem::take(&mut self.headers) {
            let name = canonical(&name);
            if named.insert(name.clone(), value).is_some() {
                twice.insert(name);
            }
        }
        self.headers = named;
        match twice.first() {
            None => Ok(()),
            Some(name) => {
                let name = quote(name.as_bytes());
                Err(Refusal::at(
                    "headers",
                    format!("duplicate header {name} in email config"),
                ))
            }
        }
    }
}

impl Inherit for Email {
    const NAME: &'static str = "email";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        or(&mut self.tls_config, &global.smtp_tls_config);
        or(&mut self.smarthost, &global.smtp_smarthost);
        if self.smarthost == HostPort::default() {
            return Err("no global SMTP smarthost set".into());
        }
        or(&mut self.from, &global.smtp_from);
        if self.from.is_empty() {
            return Err("no global SMTP from set".into());
        }
        or(&mut self.hello, &global.smtp_hello);
        or(&mut self.auth_username, &global.smtp_auth_username);
        or(&mut self.auth_identity, &global.smtp_auth_identity);
        if self.auth_password.is_empty() && self.auth_password_file.is_empty() {
            self.auth_password = global.smtp_auth_password.clone();
            self.auth_password_file = global.smtp_auth_password_file.clone();
        }
        if self.auth_secret.is_empty() && self.auth_secret_file.is_empty() {
            self.auth_secret = global.smtp_auth_secret.clone();
            self.auth_secret_file = global.smtp_auth_secret_file.clone();
        }
        self.require_tls.get_or_insert(global.smtp_require_tls);
        or(
            &mut self.force_implicit_tls,
            &global.smtp_force_implicit_tls,
        );
        Ok(())
    }
}
