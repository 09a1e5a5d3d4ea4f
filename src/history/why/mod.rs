//! Why somebody was told of an alert, or not: one sentence, what it rests on, and what happened.
//!
//! ```text
//!   question ─► alert ─► groups it was placed in ─► last flush before the time asked ─► verdict
//!      │ not received     │ routed elsewhere          │ none: not due yet               │ sent: its attempts
//! ```
//!
//! **Rules**
//! * Only what was recorded is told. Where history does not reach, the answer says so, and guesses nothing.
//! * Pure: the same history and question give the same answer, to the letter.
//! * Bounded: see [`SCANNED_MAX`] and [`LINES_MAX`].

mod answer;
mod ask;
mod flushes;
mod life;
mod line;
mod say;
mod sending;

pub use answer::{Answer, Because, Evidence, Line, ShownAlert};
pub use ask::why;

use crate::core::Policy;
use crate::model::{Fingerprint, Matchers};
use crate::sys::WallTime;

use super::timeline::TimelineError;

/// Entries of one subject that an answer looks at: at one flush in five minutes that is a month, and what is
/// repeated without news counts once.
pub const SCANNED_MAX: usize = 10_000;

/// Lines of the timeline of an answer: more than anybody reads.
pub const LINES_MAX: usize = 50;

/// Alerts that a question may be about; the answer is about one of them and names the others.
pub const ALERTS_MAX: usize = 100;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// About which alert.
    pub alert: Asked,
    /// About which receiver; `None` for whichever was to be told last.
    pub receiver: Option<String>,
    /// At what time; `None` for now.
    pub at: Option<WallTime>,
}

/// About which alert a question is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The one whose labels match; of several, the one that was received last.
    Matchers(Matchers),
    /// This one.
    Fingerprint(Fingerprint),
}

/// What an answer needs beside history.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of asking.
    pub now: WallTime,
    /// The configuration in force, if there is one.
    pub policy: Option<&'a Policy>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyError {
    /// History cannot be read.
    #[error("history cannot be read: {0}")]
    Timeline(#[from] TimelineError),
    /// Nobody knows.
    #[error("the time {at} is in the future: it is {now}")]
    Future {
        /// The time asked.
        at: WallTime,
        /// The time of asking.
        now: WallTime,
    },
    /// It is neither in the configuration nor in history.
    #[error("there is no receiver \"{name}\"{}", listed(.known))]
    UnknownReceiver {
        /// The name asked.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
}

fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("; there are: {}", names.join(", ")),
    }
}
