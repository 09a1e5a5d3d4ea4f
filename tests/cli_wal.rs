//! `tocsin wal`: the real program on real directories. Each test is one scenario and ends in one
//! comparison.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about the real disk: they make, damage and compare real files"
)]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

#[path = "cli_wal/check.rs"]
mod check;
#[path = "cli_wal/dump.rs"]
mod dump;
#[path = "cli_wal/errors.rs"]
mod errors;
#[path = "cli_wal/live.rs"]
mod live;
#[path = "cli_wal/repair.rs"]
mod repair;
#[path = "cli_wal/stats.rs"]
mod stats;
#[path = "cli_wal/store.rs"]
mod store;
