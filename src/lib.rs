//! An alertmanager that does not forget.
