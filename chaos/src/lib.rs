//! The machine that tries to refute tocsin's promise.
//!
//! A claim counts as shown only when the layer that could refute it was made to fail by a planted
//! bug; see [`zoo`].

#![expect(
    clippy::cast_possible_truncation,
    reason = "the harness works on images of kilobytes; every number here fits"
)]

pub mod checker;
pub mod demo;
pub mod disk;
pub mod example;
mod harness;
pub mod history;
pub mod hunt;
pub mod kill;
pub mod log;
pub mod program;
pub mod report;
pub mod simulate;
pub mod syscalls;
pub mod table;
pub mod zoo;
