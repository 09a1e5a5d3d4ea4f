//! An alertmanager that does not forget: the rooms of the house (see `README.md`).

pub mod api;
pub mod bugs;
pub mod cli;
pub mod config;
pub mod core;
pub mod delivery;
pub mod history;
pub mod model;
pub mod node;
pub mod receivers;
pub mod record;
pub mod sys;
pub mod template;
pub mod wal;
