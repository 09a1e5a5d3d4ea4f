//! `oauth2`: a token that is fetched from a server.

use std::collections::BTreeMap;

use super::proxy::{self, ProxyHeader};
use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::paths::Directory;
use crate::config::tls::TlsConfig;
use crate::config::values::{ProxyUrl, Secret};
use crate::config::yaml::{Any, Decoder};

/// The only grant that needs to be named; anything else means client credentials.
pub const JWT_GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

block! {
    /// Where a token comes from, and how it is asked for.
    OAuth2 "config.plain" {
        client_id: String;
        client_secret: Secret;
        client_secret_file: String;
        client_secret_ref: String;
        client_certificate_key_id: String;
        client_certificate_key: Secret;
        client_certificate_key_file: String;
        client_certificate_key_ref: String;
        grant_type: String;
        signature_algorithm: String;
        iss: String;
        audience: String;
        claims: BTreeMap<String, Any>;
        scopes: Vec<String>;
        token_url: String;
        endpoint_params: BTreeMap<String, String>;
        tls_config: TlsConfig;
        proxy_url: Option<ProxyUrl>;
        no_proxy: String;
        proxy_from_environment: bool;
        proxy_connect_header: ProxyHeader;
    }
}

impl Checked for OAuth2 {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        proxy::check(
            self.proxy_url.as_ref(),
            &self.no_proxy,
            self.proxy_from_environment,
            &self.proxy_connect_header,
        )
    }
}

impl OAuth2 {
    /// What the block around it checks.
    pub(super) fn check_grant(&self) -> Result<(), Refusal> {
        if self.client_id.is_empty() {
            return Err(Refusal::at("oauth2", "oauth2 client_id must be configured"));
        }
        if self.token_url.is_empty() {
            return Err(Refusal::at("oauth2", "oauth2 token_url must be configured"));
        }
        if self.grant_type != JWT_GRANT {
            return at_most_one(
                &[
                    ("oauth2", !self.client_secret.is_empty()),
                    ("oauth2", !self.client_secret_file.is_empty()),
                    ("oauth2", !self.client_secret_ref.is_empty()),
                ],
                "oauth2 client_secret, client_secret_file & client_secret_ref",
            )
            .map_err(|refusal| refusal.with(" using grant-type=client_credentials"));
        }
        at_most_one(
            &[
                ("oauth2", !self.client_certificate_key.is_empty()),
                ("oauth2", !self.client_certificate_key_file.is_empty()),
                ("oauth2", !self.client_certificate_key_ref.is_empty()),
            ],
            "oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref",
        )
        .map_err(|refusal| refusal.with(&format!(" using grant-type={JWT_GRANT}")))?;
        if !["", "RS256", "RS384", "RS512"].contains(&self.signature_algorithm.as_str()) {
            return Err(Refusal::at(
                "oauth2",
                "valid signature algorithms are RS256, RS384 and RS512",
            ));
        }
        Ok(())
    }

    pub(super) fn resolve(&mut self, directory: &Directory) {
        directory.join(&mut self.client_secret_file);
        self.tls_config.resolve(directory);
    }
}
