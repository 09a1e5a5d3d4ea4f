//! An alertmanager that does not forget.
pub mod bugs;
pub mod cli;
pub mod node;
pub mod record;
pub mod sys;
pub mod wal;
