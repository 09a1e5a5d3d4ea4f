//! The core in virtual time, one file per question. Names that begin with a number are scenarios of the
//! catalogue; what is missing here is listed in `docs/decisions/0006-scenarios-of-the-server.md`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its world is small"
)]

mod admission;
mod dedup;
mod hashes;
mod history;
mod inhibition;
mod merging;
mod muting;
mod notification_log;
mod random;
mod recovery;
mod reload;
mod silences;
mod snapshot;
mod support;
mod ticks;
