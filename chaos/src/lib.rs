//! The machine that tries to refute tocsin's promise.
//!
//! A claim counts as shown only when the layer that could refute it was made to fail by a planted
//! bug; see [`zoo`].

pub mod log;
