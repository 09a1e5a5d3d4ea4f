//! `http_config`: how a receiver is called.

mod oauth2;
mod proxy;

use std::borrow::Cow;
use std::collections::BTreeMap;

use gotemplate::strconv::quote;

use super::block::{Block, Checked, Refusal, Show, at_most_one, block};
use super::header::canonical;
use super::paths::Directory;
use super::tls::TlsConfig;
use super::values::{ProxyUrl, Secret};
use super::yaml::{self, Decode, Decoded, Decoder, Item, NodeId, read_map};

pub use oauth2::{JWT_GRANT, OAuth2};
pub use proxy::ProxyHeader;

/// Headers that belong to the connection or to the one who sends.
const RESERVED: [&str; 18] = [
    "Authorization",
    "Host",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Www-Authenticate",
    "Accept-Encoding",
    "X-Prometheus-Remote-Write-Version",
    "X-Prometheus-Remote-Read-Version",
    "X-Prometheus-Scrape-Timeout-Seconds",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-Content-Sha256",
];

block! {
    /// How requests are made.
    HttpConfig "config.plain" {
        basic_auth: Option<BasicAuth>;
        authorization: Option<Authorization>;
        oauth2: Option<Box<OAuth2>>;
        /// Always empty: it becomes an `authorization`.
        bearer_token: Secret;
        /// Always empty: it becomes an `authorization`.
        bearer_token_file: String;
        tls_config: TlsConfig;
        follow_redirects: bool = true, always;
        enable_http2: bool = true, always;
        proxy_url: Option<ProxyUrl>;
        no_proxy: String;
        proxy_from_environment: bool;
        proxy_connect_header: ProxyHeader;
        http_headers: Option<Headers>;
    }
}

block! {
    /// A name and a password.
    BasicAuth "config.plain" {
        username: String;
        username_file: String;
        username_ref: String;
        password: Secret;
        password_file: String;
        password_ref: String;
    }
}

impl Checked for BasicAuth {}

block! {
    /// The `Authorization` header.
    Authorization "config.Authorization" {
        kind as "type": String;
        credentials: Secret;
        credentials_file: String;
        credentials_ref: String;
    }
}

impl Checked for Authorization {
    const IS_CUSTOM: bool = false;
}

block! {
    /// The values of a header.
    Header "config.Header" {
        values: Vec<String>;
        secrets: Vec<Secret>;
        files: Vec<String>;
    }
}

impl Checked for Header {
    const IS_CUSTOM: bool = false;
}

/// Headers by their names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Headers(pub BTreeMap<String, Header>);

impl Decode for Headers {
    fn go_type() -> Cow<'static, str> {
        "config.Headers".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        read_map(&mut self.0, at, decoder, "config.Headers")
    }
}

impl Show for Headers {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        false
    }
}

impl Checked for HttpConfig {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let has_bearer = !self.bearer_token.is_empty() || !self.bearer_token_file.is_empty();
        at_most_one(
            &[
                ("bearer_token", !self.bearer_token.is_empty()),
                ("bearer_token_file", !self.bearer_token_file.is_empty()),
            ],
            "bearer_token & bearer_token_file",
        )?;
        let has_other = self.basic_auth.is_some() || self.oauth2.is_some();
        if has_other && has_bearer {
            return Err(
                "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured"
                    .into(),
            );
        }
        if let Some(basic_auth) = &self.basic_auth {
            basic_auth.check_pairs()?;
        }
        self.check_authorization(has_bearer, has_other)?;
        if let Some(oauth2) = &self.oauth2 {
            if self.basic_auth.is_some() {
                return Err(ONE_OF_THREE.into());
            }
            oauth2.check_grant()?;
        }
        proxy::check(
            self.proxy_url.as_ref(),
            &self.no_proxy,
            self.proxy_from_environment,
            &self.proxy_connect_header,
        )?;
        for name in self
            .http_headers
            .iter()
            .flat_map(|headers| headers.0.keys())
        {
            let name = canonical(name);
            if RESERVED.contains(&name.as_str()) {
                let name = quote(name.as_bytes());
                return Err(Refusal::at(
                    "http_headers",
                    format!("setting header {name} is not allowed"),
                ));
            }
        }
        if has_bearer {
            self.authorization = Some(Authorization {
                kind: "Bearer".to_owned(),
                credentials: std::mem::take(&mut self.bearer_token),
                credentials_file: std::mem::take(&mut self.bearer_token_file),
                credentials_ref: String::new(),
            });
        }
        Ok(())
    }
}

const ONE_OF_THREE: &str = "at most one of basic_auth, oauth2 & authorization must be configured";

impl HttpConfig {
    /// Reads a document that is nothing but this block. Relative paths in it are joined to the directory
    /// of that file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(text: &[u8], file: &str) -> Result<Self, yaml::Error> {
        let document = yaml::parse(text)?;
        let mut config = Self::with_defaults();
        yaml::Decoder::plain(&document).read_document(&mut config)?;
        config.resolve(&Directory::of(file));
        Ok(config)
    }

    fn check_authorization(&mut self, has_bearer: bool, has_other: bool) -> Result<(), Refusal> {
        let Some(authorization) = &mut self.authorization else {
            return Ok(());
        };
        if has_bearer {
            return Err(Refusal::at(
                "authorization",
                "authorization is not compatible with bearer_token & bearer_token_file",
            ));
        }
        at_most_one(
            &[
                ("authorization", !authorization.credentials.is_empty()),
                ("authorization", !authorization.credentials_file.is_empty()),
                ("authorization", !authorization.credentials_ref.is_empty()),
            ],
            "authorization credentials & credentials_file",
        )?;
        authorization.kind = authorization.kind.trim().to_owned();
        if authorization.kind.is_empty() {
            "Bearer".clone_into(&mut authorization.kind);
        }
        if authorization.kind.to_lowercase() == "basic" {
            return Err(Refusal::at(
                "authorization",
                "authorization type cannot be set to \"basic\", use \"basic_auth\" instead",
            ));
        }
        match has_other {
            true => Err(Refusal::at("authorization", ONE_OF_THREE)),
            false => Ok(()),
        }
    }

    pub(super) fn resolve(&mut self, directory: &Directory) {
        self.tls_config.resolve(directory);
        if let Some(basic_auth) = &mut self.basic_auth {
            directory.join(&mut basic_auth.username_file);
            directory.join(&mut basic_auth.password_file);
        }
        if let Some(authorization) = &mut self.authorization {
            directory.join(&mut authorization.credentials_file);
        }
        if let Some(oauth2) = &mut self.oauth2 {
            oauth2.resolve(directory);
        }
        let headers = self.http_headers.iter_mut();
        for header in headers.flat_map(|headers| headers.0.values_mut()) {
            header
                .files
                .iter_mut()
                .for_each(|file| directory.join(file));
        }
    }
}

impl BasicAuth {
    fn check_pairs(&self) -> Result<(), Refusal> {
        at_most_one(
            &[
                ("basic_auth", !self.username.is_empty()),
                ("basic_auth", !self.username_file.is_empty()),
                ("basic_auth", !self.username_ref.is_empty()),
            ],
            "basic_auth username, username_file & username_ref",
        )?;
        at_most_one(
            &[
                ("basic_auth", !self.password.is_empty()),
                ("basic_auth", !self.password_file.is_empty()),
                ("basic_auth", !self.password_ref.is_empty()),
            ],
            "basic_auth password, password_file & password_ref",
        )
    }
}
