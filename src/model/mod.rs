//! What alerts are made of, and the rules by which they are told apart: labels, fingerprints,
//! matchers, durations, time intervals, routes.
//!
//! **Invariants**
//! * Values only: nothing here opens a file or a socket, asks a clock, logs, or keeps state between
//!   calls. A warning is returned as a value, and the caller logs it. (Names of time zones are looked
//!   up in jiff's database, which is part of the program where the system has none.)
//! * A value that exists is valid: its constructor refused everything else.
//! * What is printed is what Alertmanager 0.34 prints, to the byte: keys of the notification log,
//!   hashes and status pages are made of these texts.

pub mod duration;
mod fingerprint;
pub mod labels;
pub mod matcher;
pub mod regex;
pub mod route;
pub mod time_interval;

pub use duration::Duration;
pub use fingerprint::Fingerprint;
pub use labels::{LabelSet, NameRule};
pub use matcher::{Matcher, Matchers, Mode, Operator};
pub use route::{RouteIndex, RouteTree};
pub use time_interval::TimeInterval;
