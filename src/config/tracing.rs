//! `tracing`: where traces go.

use std::borrow::Cow;

use super::block::{Checked, Refusal, Show, block};
use super::http::Headers;
use super::tls::TlsConfig;
use super::yaml::{Decode, Decoded, Decoder, Item, NodeId, Problem};
use crate::model::Duration;

block! {
    /// Where traces go, if anywhere.
    Tracing "tracing.plain" of "tracing.TracingConfig" {
        client_type: ClientType = ClientType::Grpc;
        endpoint: String;
        sampling_fraction: f64;
        insecure: bool;
        tls_config: Option<TlsConfig>;
        headers: Option<Headers>;
        compression: String;
        timeout: Duration;
    }
}

/// How traces are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientType {
    /// Not said; Alertmanager takes `grpc`.
    #[default]
    Unset,
    /// `http`
    Http,
    /// `grpc`
    Grpc,
}

impl Decode for ClientType {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "tracing.TracingClientType".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if decoder.scalar(at)?.is_none() {
            return decoder.wrong_kind(at, "tracing.plain");
        }
        let mut text = String::new();
        decoder.read(at, &mut text)?;
        *self = match text.as_str() {
            "http" => Self::Http,
            "grpc" => Self::Grpc,
            _ => {
                let text = format!(
                    "expected tracing client type to be to be http or grpc, but got {text}"
                );
                return Err(Box::new(Problem::new(text).at(decoder.place(at))));
            }
        };
        Ok(true)
    }
}

impl Show for ClientType {
    fn item(&self) -> Item {
        match self {
            Self::Unset => "",
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
        .into()
    }

    fn is_zero(&self) -> bool {
        *self == Self::Unset
    }
}

impl Checked for Tracing {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.endpoint.is_empty() {
            return Err("tracing endpoint must be set".into());
        }
        match self.compression.as_str() {
            "" | "gzip" => Ok(()),
            other => Err(Refusal::at(
                "compression",
                format!("invalid compression type {other} provided, valid options: gzip"),
            )),
        }
    }
}
