//! `wal-format.md` and the code say the same, and files of every released format open for ever.
//!
//! With `TOCSIN_WRITE_GOLDEN` in the environment the dumps in the document are written anew, and golden
//! files that are not there yet; one that is there is never overwritten. That is for a new format
//! version, and goes best with `--test-threads=1`.
#![expect(
    clippy::disallowed_methods,
    reason = "the document and the golden files are real files"
)]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

#[path = "wal_format/document.rs"]
mod document;
#[path = "wal_format/golden.rs"]
mod golden;
#[path = "wal_format/limits.rs"]
mod limits;
#[path = "wal_format/payload.rs"]
mod payload;
#[path = "wal_format/render.rs"]
mod render;
#[path = "wal_format/samples.rs"]
mod samples;
#[path = "wal_format/scenarios.rs"]
mod scenarios;
#[path = "wal_format/store.rs"]
mod store;
#[path = "wal_format/tables.rs"]
mod tables;
#[path = "wal_format/worked.rs"]
mod worked;

/// Whether golden files are to be written.
fn is_writing() -> bool {
    std::env::var_os("TOCSIN_WRITE_GOLDEN").is_some()
}
