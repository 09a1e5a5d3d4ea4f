//! The web configuration file (`--web.config.file`): how the server itself is reached.
//!
//! Facts from exporter-toolkit 0.17, which Alertmanager 0.34 uses. Strict, like the configuration.

use std::collections::BTreeMap;

use gotemplate::strconv::quote;

use super::block::{Block, Checked, Refusal, block};
use super::paths::Directory;
use super::tls::TlsVersion;
use super::values::{GoDuration, Secret};
use super::yaml::{self, Decoder, Int};

block! {
    /// The whole file.
    WebConfig "web.Config" {
        tls_server_config: TlsServerConfig = TlsServerConfig::with_defaults();
        http_server_config: HttpServerConfig = HttpServerConfig::with_defaults();
        rate_limit: RateLimitConfig;
        basic_auth_users: BTreeMap<String, Secret>;
    }
}

block! {
    /// How connections are secured. Certificates and keys are PEM; a file counts more than an inline one.
    TlsServerConfig "web.TLSConfig" {
        cert: String;
        key: Secret;
        client_ca: String;
        cert_file: String;
        key_file: String;
        client_auth_type: String;
        client_ca_file: String;
        cipher_suites: Vec<String>;
        curve_preferences: Vec<String>;
        min_version: Option<TlsVersion>;
        max_version: Option<TlsVersion>;
        prefer_server_cipher_suites: bool = true;
        client_allowed_sans: Vec<String>;
    }
}

block! {
    /// What is said in every answer, and in which protocol.
    HttpServerConfig "web.HTTPConfig" {
        http2: bool = true;
        headers: BTreeMap<String, String>;
    }
}

block! {
    /// How many requests at most: one in each interval, after as many as a burst may have.
    RateLimitConfig "web.RateLimiterConfig" {
        burst: Int;
        interval: GoDuration;
    }
}

impl Checked for WebConfig {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        for (name, value) in &self.http_server_config.headers {
            check_header(name, value)?;
        }
        Ok(())
    }
}

impl Checked for TlsServerConfig {
    const IS_CUSTOM: bool = false;
}

impl Checked for HttpServerConfig {
    const IS_CUSTOM: bool = false;
}

impl Checked for RateLimitConfig {
    const IS_CUSTOM: bool = false;
}

/// The headers that may be set, with the values that they may have; none for any value.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
    ("Content-Security-Policy", &[]),
];

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let Some((_, values)) = HEADERS.iter().find(|(known, _)| *known == name) else {
        let name = quote(name.as_bytes());
        return Err(format!("HTTP header {name} can not be configured"));
    };
    if values.is_empty() || value.is_empty() || values.contains(&value) {
        return Ok(());
    }
    let values: Vec<String> = values.iter().map(|value| quote(value.as_bytes())).collect();
    let value = quote(value.as_bytes());
    Err(format!(
        "invalid value for {name}. Expected one of: [{}], but got: {value}",
        values.join(" ")
    ))
}

impl WebConfig {
    /// Reads the file's text. Relative paths in it are joined to the directory of `path`.
    ///
    /// # Errors
    /// What is wrong with it, in Alertmanager's words.
    pub fn parse(text: &[u8], path: &str) -> Result<Self, yaml::Error> {
        let document = yaml::parse(text)?;
        let mut config = Self::with_defaults();
        Decoder::plain(&document).read_document(&mut config)?;
        let directory = Directory::of(path);
        let tls = &mut config.tls_server_config;
        directory.join(&mut tls.cert_file);
        directory.join(&mut tls.key_file);
        directory.join(&mut tls.client_ca_file);
        Ok(config)
    }
}

impl TlsServerConfig {
    /// Whether connections are to be secured.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let texts = [
            &self.cert,
            &self.cert_file,
            &self.key_file,
            &self.client_ca,
            &self.client_ca_file,
            &self.client_auth_type,
        ];
        texts.iter().any(|text| !text.is_empty()) || !self.key.is_empty()
    }
}
