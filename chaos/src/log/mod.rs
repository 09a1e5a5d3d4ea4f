//! The proof of the log.
pub mod enumerate;
pub mod images;
pub mod model;
pub mod rot;
pub mod suites;
pub mod workload;
