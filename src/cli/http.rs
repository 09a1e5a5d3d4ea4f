//! Requests that commands make, through a handle that `node` fills in.

use std::time::Duration;

use bytes::Bytes;
use http::Method;

use super::World;
use crate::config::http::HttpConfig;

/// The most of an answer that is read: a hundred thousand alerts of two kilobytes each.
pub const ANSWER_BYTES_MAX: usize = 256 << 20;

/// A request.
#[derive(Debug)]
pub struct HttpCall<'a> {
    /// How.
    pub method: Method,
    /// Where; may hold a password.
    pub url: &'a str,
    /// JSON to be sent, if anything.
    pub body: Option<Bytes>,
    /// How long it may take, until the whole answer is there.
    pub timeout: Duration,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// How it went.
    pub status: u16,
    /// What was said.
    pub body: Bytes,
}

/// Why there is no answer. No text shows the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpFault {
    /// What was configured cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// The request failed.
    #[error("{0}")]
    Failed(String),
}

/// Makes a request as that configuration says.
pub type MakeRequest = fn(&HttpConfig, &HttpCall<'_>, &World) -> Result<HttpAnswer, HttpFault>;
