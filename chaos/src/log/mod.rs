//! The proof of the log.
pub mod enumerate;
pub mod images;
pub mod listing;
pub mod model;
pub mod progress;
pub mod rot;
pub mod suites;
pub mod threads;
pub mod workload;
