//! The configuration: what Alertmanager 0.34 takes, refuses and shows.
#![expect(
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

#[path = "config/cases.rs"]
mod cases;
#[path = "config/files.rs"]
mod files;
#[path = "config/secrets.rs"]
mod secrets;
