//! Notifications on their way: from an order to what a receiver sees.
//!
//! Retries run in virtual time against scripted integrations; what goes over the wire is seen by real
//! servers on the loopback.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

mod client;
mod faults;
mod files;
mod limits;
mod proxy;
mod reload;
mod retry;
mod sink;
mod support;
mod tls;
mod webhook;
