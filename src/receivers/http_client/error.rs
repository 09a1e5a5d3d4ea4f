//! Errors of the client.

use std::error::Error;
use std::io;

use http::Method;

/// A client cannot be made of its configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BuildError(pub String);

/// There was no answer. The text holds neither the URL nor a secret; what `source` there was has
/// become part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct HttpError {
    text: String,
    is_deadline: bool,
}

impl HttpError {
    /// With a text of ours.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_deadline: false,
        }
    }

    /// There was no time left.
    pub(super) fn deadline() -> Self {
        Self {
            text: "context deadline exceeded".to_owned(),
            is_deadline: true,
        }
    }

    /// Of an error of the libraries below: the whole chain, but for the first link, which says only
    /// that there was an error. Their texts are of the network, not of the request.
    pub(super) fn of_chain(error: &(dyn Error + 'static)) -> Self {
        let mut texts: Vec<String> = Vec::new();
        let mut next = error.source().or(Some(error));
        while let Some(error) = next {
            let text = match error.downcast_ref::<io::Error>() {
                // It shows what it holds, and the next link is what it holds.
                Some(io) if io.get_ref().is_some() => String::new(),
                Some(io) => describe(io),
                None => error.to_string(),
            };
            if !text.is_empty() && !texts.iter().any(|said| said.contains(&text)) {
                texts.push(text);
            }
            next = match error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        Self::new(texts.join(": "))
    }

    /// As Go words it: what was tried, and at a URL that is not told.
    pub(super) fn during(mut self, method: &Method) -> Self {
        let mut name = method.as_str().to_ascii_lowercase();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        self.text = format!("{name} \"<redacted>\": {}", self.text);
        self
    }

    /// Whether the deadline was what ended it.
    #[must_use]
    pub fn is_deadline(&self) -> bool {
        self.is_deadline
    }
}

/// An error of the operating system, without its number.
pub(super) fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ => error.to_string(),
    }
}
