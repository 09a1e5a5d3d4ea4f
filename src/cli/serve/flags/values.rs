//! Values of flags, read as kingpin and Go read them.

use gotemplate::strconv::parse_float;

use super::options::{TornTail, WalSync};
use crate::model::Duration;

/// Least severity that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What an operator may want to know.
    #[default]
    Info,
    /// What may become an error.
    Warn,
    /// What went wrong.
    Error,
}

/// Shape of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// `key=value`.
    #[default]
    Logfmt,
    /// One JSON object a line.
    Json,
}

/// A value that is none, in the words of whoever reads it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ValueError(String);

/// `5d`, `1h30m`: Go's durations with days and weeks.
pub(super) fn duration(text: &str) -> Result<Duration, ValueError> {
    Duration::parse_go_with_days(text).map_err(|error| ValueError(error.to_string()))
}

/// A whole number. kingpin reads it as a floating-point number and cuts it off: `1e3` is 1000.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is too large becomes the largest, and no number is 0"
)]
pub(super) fn int(text: &str) -> Result<i64, ValueError> {
    float(text).map(|value| value as i64)
}

/// A floating-point number of Go.
pub(super) fn float(text: &str) -> Result<f64, ValueError> {
    parse_float(text).map_err(ValueError)
}

/// The case does not matter.
pub(super) fn log_level(text: &str) -> Result<LogLevel, ValueError> {
    match text.to_lowercase().as_str() {
        "debug" => Ok(LogLevel::Debug),
        "info" => Ok(LogLevel::Info),
        "warn" => Ok(LogLevel::Warn),
        "error" => Ok(LogLevel::Error),
        _ => Err(ValueError(format!("unrecognized log level {text}"))),
    }
}

/// The case matters.
pub(super) fn log_format(text: &str) -> Result<LogFormat, ValueError> {
    match text {
        "logfmt" => Ok(LogFormat::Logfmt),
        "json" => Ok(LogFormat::Json),
        _ => Err(ValueError(format!("unrecognized log format {text}"))),
    }
}

pub(super) fn torn_tail(text: &str) -> Result<TornTail, ValueError> {
    match text {
        "tail" => Ok(TornTail::Cut),
        "none" => Ok(TornTail::Refuse),
        "salvage" => Err(ValueError(
            "--wal.repair=salvage is not done while starting: run `tocsin wal repair salvage` on the data directory"
                .to_owned(),
        )),
        _ => Err(ValueError(format!(
            "unrecognized value for --wal.repair: {text} (tail or none)"
        ))),
    }
}

pub(super) fn wal_sync(text: &str) -> Result<WalSync, ValueError> {
    match text {
        "always" => Ok(WalSync::Always),
        _ => Err(ValueError(format!(
            "--wal.sync={text} is not part of this version: only `always` is"
        ))),
    }
}
