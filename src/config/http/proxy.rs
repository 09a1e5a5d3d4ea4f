//! Proxies, of `http_config` and of `oauth2`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::block::{Refusal, Show};
use crate::config::values::{ProxyUrl, Secret};
use crate::config::yaml::{Decode, Decoded, Decoder, Item, NodeId, read_map};

/// Headers for a proxy; their values are secrets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProxyHeader(pub BTreeMap<String, SecretList>);

/// Values of such a header.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SecretList(pub Vec<Secret>);

impl Decode for ProxyHeader {
    fn go_type() -> Cow<'static, str> {
        "config.ProxyHeader".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        read_map(&mut self.0, at, decoder, "config.ProxyHeader")
    }
}

impl Decode for SecretList {
    fn go_type() -> Cow<'static, str> {
        "[]config.Secret".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        self.0.decode(at, decoder)
    }
}

impl Show for ProxyHeader {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl Show for SecretList {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether the ways to a proxy agree with each other.
pub(super) fn check(
    proxy_url: Option<&ProxyUrl>,
    no_proxy: &str,
    is_from_environment: bool,
    header: &ProxyHeader,
) -> Result<(), Refusal> {
    let has_url = proxy_url.is_some_and(|url| !url.0.exposed().is_empty());
    let text = if !header.0.is_empty() && !is_from_environment && !has_url {
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured"
    } else if is_from_environment && has_url {
        "if proxy_from_environment is configured, proxy_url must not be configured"
    } else if is_from_environment && !no_proxy.is_empty() {
        "if proxy_from_environment is configured, no_proxy must not be configured"
    } else if proxy_url.is_none() && !no_proxy.is_empty() {
        "if no_proxy is configured, proxy_url must also be configured"
    } else {
        return Ok(());
    };
    let words = text
        .strip_prefix("if ")
        .and_then(|text| text.split(' ').next());
    match words {
        Some("proxy_connect_header") => Err(Refusal::at("proxy_connect_header", text)),
        Some("no_proxy") => Err(Refusal::at("no_proxy", text)),
        _ => Err(Refusal::at("proxy_from_environment", text)),
    }
}
