//! The real program as a process: killed, stopped, reloaded, fed what it should not get. A webhook on the
//! loopback notes what it is told. Each test is one scenario and ends in one comparison; a name begins
//! with the numbers of what it shows (`reference/durability.md` §6, `reference/hazards.md`).
//!
//! Time is real here, so nothing waits for time to pass where there is something to wait for, and every
//! wait ends ([`support::PATIENCE`]).
#![expect(
    clippy::disallowed_methods,
    reason = "these tests are about a real process on a real disk, in real time"
)]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

mod bad_input;
mod crash;
mod hazards;
mod ingest;
mod recovery;
mod secrets;
mod soak;
mod start;
mod stop;
mod support;
mod templates;
