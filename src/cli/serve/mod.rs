//! `tocsin` without a sub-command: the server.

pub mod flags;
