//! The HTTP surface, question by question, against `http-api.md` and what Go makes of the same bytes.
#![expect(
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

mod alerts;
mod connections;
mod decode;
mod groups;
mod limits;
mod memory;
mod metrics;
mod pages;
mod receivers;
mod requests;
mod silences;
mod web;
