//! What everything that runs a real server needs: HTTP on the loopback, processes that do not outlive
//! their handles, and waiting.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

pub(crate) mod address;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod wait;
