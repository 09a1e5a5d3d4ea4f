//! What happened, and why: for those who ask afterwards.
//!
//! ```text
//!   log ─► read(lsn, record) ─► entries, by subject ─► a keeper (sled, memory, a scan of the log)
//!                                                              │ trait Timeline
//!                                                              ▼
//!                                            why(timeline, question) ─► sentence, evidence, timeline
//! ```
//!
//! **Invariants**
//! * The log is the only source. What is kept here can be thrown away and read from it again.
//! * Nothing here is asked for a decision.
//! * `entry`, `timeline` and `why` are pure: they are told the time and do no I/O.

pub mod ask;
pub mod entry;
pub mod index;
mod read;
pub(crate) mod shown;
pub mod timeline;
pub mod why;

pub use entry::{
    Attempt, Course, End, Entry, Flush, GroupHash, Inhibited, Integration, Muted, Position,
    Silenced, Subject, Told, Touch, What,
};
pub use read::{Facts, GroupFacts, Noted, read, touches};
pub(crate) use read::{of_place, of_receipt, received};
pub use timeline::{Order, Span, Timeline, TimelineError};
