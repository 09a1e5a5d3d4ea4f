//! `tls_config`: certificates of both sides.

use std::borrow::Cow;

use super::block::{Checked, Refusal, Show, at_most_one, block};
use super::paths::Directory;
use super::values::Secret;
use super::yaml::{Decode, Decoded, Decoder, Item, NodeId, Problem};

block! {
    /// How a connection is secured. Certificates and keys are PEM; `*_ref` names a secret of a
    /// secret manager, of which there is none.
    TlsConfig "config.plain" {
        ca: String;
        cert: String;
        key: Secret;
        ca_file: String;
        cert_file: String;
        key_file: String;
        ca_ref: String;
        cert_ref: String;
        key_ref: String;
        server_name: String;
        insecure_skip_verify: bool = false, always;
        min_version: Option<TlsVersion>;
        max_version: Option<TlsVersion>;
    }
}

impl Checked for TlsConfig {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let given = |text: &String| !text.is_empty();
        at_most_one(
            &[
                ("ca", given(&self.ca)),
                ("ca_file", given(&self.ca_file)),
                ("ca_ref", given(&self.ca_ref)),
            ],
            "ca, ca_file & ca_ref",
        )?;
        at_most_one(
            &[
                ("cert", given(&self.cert)),
                ("cert_file", given(&self.cert_file)),
                ("cert_ref", given(&self.cert_ref)),
            ],
            "cert, cert_file & cert_ref",
        )?;
        at_most_one(
            &[
                ("key", !self.key.is_empty()),
                ("key_file", given(&self.key_file)),
                ("key_ref", given(&self.key_ref)),
            ],
            "key and key_file",
        )?;
        let has_cert = given(&self.cert) || given(&self.cert_file) || given(&self.cert_ref);
        let has_key = !self.key.is_empty() || given(&self.key_file) || given(&self.key_ref);
        match (has_cert, has_key) {
            (true, false) => Err(
                "exactly one of key or key_file must be configured when a client certificate is configured"
                    .into(),
            ),
            (false, true) => Err(
                "exactly one of cert or cert_file must be configured when a client key is configured"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}

impl TlsConfig {
    pub(super) fn resolve(&mut self, directory: &Directory) {
        directory.join(&mut self.ca_file);
        directory.join(&mut self.cert_file);
        directory.join(&mut self.key_file);
    }
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsVersion {
    /// 1.0
    #[default]
    Tls10,
    /// 1.1
    Tls11,
    /// 1.2
    Tls12,
    /// 1.3
    Tls13,
}

impl Decode for TlsVersion {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "config.TLSVersion".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut text = String::new();
        if !decoder.read(at, &mut text)? {
            return Ok(false);
        }
        *self = match text.as_str() {
            "TLS10" => Self::Tls10,
            "TLS11" => Self::Tls11,
            "TLS12" => Self::Tls12,
            "TLS13" => Self::Tls13,
            _ => {
                let problem = Problem::new(format!("unknown TLS version: {text}"));
                return Err(Box::new(problem.at(decoder.place(at))));
            }
        };
        Ok(true)
    }
}

impl Show for TlsVersion {
    fn item(&self) -> Item {
        match self {
            Self::Tls10 => "TLS10",
            Self::Tls11 => "TLS11",
            Self::Tls12 => "TLS12",
            Self::Tls13 => "TLS13",
        }
        .into()
    }

    fn is_zero(&self) -> bool {
        false
    }
}
