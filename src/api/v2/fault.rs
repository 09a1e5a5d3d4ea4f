//! What is wrong with a request, and in which dialect that is said.

use hyper::StatusCode;

use crate::api::answer::{Answer, refused, said};

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The framework refuses it.
    Refused {
        /// 400, or 600 and above.
        code: u16,
        /// Its text.
        message: String,
    },
    /// A handler refuses it.
    Said {
        /// The status.
        status: StatusCode,
        /// Its text.
        message: String,
    },
}

impl Fault {
    /// That something is missing, such as `comment in body`.
    #[must_use]
    pub fn required(what: &str) -> Self {
        Self::Refused {
            code: 602,
            message: format!("{what} is required"),
        }
    }

    /// That the body, which stands for something, cannot be read.
    #[must_use]
    pub fn unread(what: &str, why: &str) -> Self {
        Self::Refused {
            code: 400,
            message: format!("parsing {what} body from \"\" failed, because {why}"),
        }
    }

    /// That a handler does not take it.
    #[must_use]
    pub fn bad(message: impl Into<String>) -> Self {
        Self::Said {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Refused { code, message } => refused(code, &message),
            Fault::Said { status, message } => said(status, &message),
        }
    }
}
