//! What came of an attempt.

use std::collections::BTreeMap;
use std::fmt;

/// The most that the text of a failure may have. It goes into the log, into records and onto pages;
/// what a receiver answers beyond that helps nobody.
pub const DETAIL_BYTES_MAX: usize = 4096;

/// What an integration wants to find again at the next notification of the same group: ids of
/// messages, for instance. It is kept in the notification log.
pub type ReceiverData = BTreeMap<String, ReceiverValue>;

/// A value of [`ReceiverData`].
#[derive(Debug, Clone, PartialEq)]
pub enum ReceiverValue {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Double(f64),
}

/// Why a notification failed, as the label `reason` of `alertmanager_notifications_failed_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// None of the others: the network, a template, a file.
    Other,
    /// The receiver answered 4xx.
    ClientError,
    /// The receiver answered 5xx.
    ServerError,
    /// The configuration was changed, or the program ends.
    ContextCanceled,
    /// There was no answer in time.
    ContextDeadlineExceeded,
    /// The receiver answered 401 or 403.
    AuthError,
    /// The receiver answered 429.
    RateLimited,
}

impl Reason {
    /// All of them, in the order of Alertmanager's.
    pub const ALL: [Self; 7] = [
        Self::Other,
        Self::ClientError,
        Self::ServerError,
        Self::ContextCanceled,
        Self::ContextDeadlineExceeded,
        Self::AuthError,
        Self::RateLimited,
    ];

    /// The value of the label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::ClientError => "clientError",
            Self::ServerError => "serverError",
            Self::ContextCanceled => "contextCanceled",
            Self::ContextDeadlineExceeded => "contextDeadlineExceeded",
            Self::AuthError => "authError",
            Self::RateLimited => "rateLimited",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Failure {
    /// For the metric.
    pub reason: Reason,
    text: String,
    status: Option<u16>,
}

impl Failure {
    /// A failure with a text for operators, which must not hold a secret. What is longer than
    /// [`DETAIL_BYTES_MAX`] is cut and ends in `…`.
    #[must_use]
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > DETAIL_BYTES_MAX {
            let mark = '…';
            text.truncate(text.floor_char_boundary(DETAIL_BYTES_MAX - mark.len_utf8()));
            text.push(mark);
        }
        Self {
            reason,
            text,
            status: None,
        }
    }

    /// A failure for which there is no reason of its own.
    #[must_use]
    pub fn other(text: impl Into<String>) -> Self {
        Self::new(Reason::Other, text)
    }

    /// The same, with the status of the answer.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    /// The status of the answer, if there was one that has one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What happened.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The receiver has it. The data replace those of the notification before.
    Delivered(ReceiverData),
    /// It may work if tried again.
    Retryable(Failure),
    /// It will not work with this content and this configuration.
    Permanent(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let failure = Failure::other("é".repeat(3000));
        let expected = format!("{}…", "é".repeat((DETAIL_BYTES_MAX - 3) / 2));
        assert_eq!(failure.text(), expected);
    }
}
