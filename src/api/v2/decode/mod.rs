//! Request bodies, read exactly as Alertmanager 0.34 reads them: by the rules of Go's `encoding/json`
//! and with its error texts.
//!
//! **Rules** (`http-api.md` §4.3, and Go 1.26 where that is silent)
//! * The first value counts; what follows it is not looked at. An empty body is no body.
//! * Names of fields match in any case, and an unknown one is skipped. Of two fields with one name the
//!   last wins, but objects of labels are merged, and lists write over their earlier elements.
//! * Malformed UTF-8 and lone surrogates become U+FFFD, one per byte.
//! * A syntax error anywhere wins over every other error. Of the others, what a date or an address has
//!   wrong with it wins over what stands before it, because Go stops there and not at the rest.
//!
//! **Bounds:** one pass, no recursion by the sender's leave (Go's [`json::DEPTH_MAX`] levels are held
//! in a list), and no tree: strings borrow from the body unless an escape forces a copy.

mod alerts;
mod date_time;
mod json;
mod object;
mod silence;
mod text;
mod uri;

pub use alerts::{Pair, PostedAlert, PostedAlerts, decode_alerts};
pub use date_time::DateTime;
pub use json::SyntaxError;
pub use silence::{PostedMatcher, PostedSilence, decode_silence};
pub use uri::is_request_uri;

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// There is nothing in it but space.
    #[error("the body is empty")]
    Empty,
    /// Go's text about it.
    #[error("{0}")]
    Malformed(String),
}

impl From<SyntaxError> for BodyError {
    fn from(error: SyntaxError) -> Self {
        match error {
            SyntaxError::Nothing => Self::Empty,
            SyntaxError::End | SyntaxError::Byte { .. } => Self::Malformed(error.to_string()),
        }
    }
}
