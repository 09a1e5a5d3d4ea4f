//! An alertmanager that does not forget.

pub mod template;
