//! Values of flags, read as kingpin and Go read them.

use gotemplate::strconv::parse_float;

use super::options::{HistoryMode, TornTail, WalSync};
use crate::model::Duration;
use crate::wal::segment::{SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

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

pub(super) fn segment_bytes(text: &str) -> Result<u64, ValueError> {
    let bytes = text.parse().ok();
    let fits = bytes.filter(|bytes| (SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(bytes));
    fits.ok_or_else(|| {
        ValueError(format!(
            "--wal.segment-bytes: {text} is not between {SEGMENT_BYTES_MIN} and {SEGMENT_BYTES_MAX}"
        ))
    })
}

pub(super) fn history_mode(text: &str) -> Result<HistoryMode, ValueError> {
    match text {
        "sled" => Ok(HistoryMode::Sled),
        "memory" => Ok(HistoryMode::Memory),
        "off" => Ok(HistoryMode::Off),
        _ => Err(ValueError(format!(
            "unrecognized value for --history: {text} (sled, memory or off)"
        ))),
    }
}

/// How much history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryRetention {
    /// For how long; more than 0.
    pub time: Duration,
    /// In how many bytes.
    pub bytes: u64,
}

/// What `--history.retention` leaves out of its two parts.
const HISTORY_RETENTION: HistoryRetention = HistoryRetention {
    time: Duration::from_secs(30 * 24 * 60 * 60),
    bytes: 1_000_000_000,
};

/// Less holds no day of anything.
const HISTORY_BYTES_MIN: u64 = 1_000_000;

/// `30d`, `1GB`, or both with a comma between them, in any order.
pub(super) fn history_retention(text: &str) -> Result<HistoryRetention, ValueError> {
    let mut retention = HISTORY_RETENTION;
    for part in text.split(',').map(str::trim) {
        match bytes(part) {
            Some(bytes) if bytes >= HISTORY_BYTES_MIN => retention.bytes = bytes,
            Some(_) => {
                return Err(ValueError(format!(
                    "--history.retention: {part} is too little; 1MB is the least"
                )));
            }
            None => match Duration::parse_go_with_days(part) {
                Ok(time) if time > Duration::ZERO => retention.time = time,
                _ => {
                    return Err(ValueError(format!(
                        "--history.retention: {part} is no time and no number of bytes; examples: 30d, 500MB, 30d,1GB"
                    )));
                }
            },
        }
    }
    Ok(retention)
}

/// A number with a unit of bytes.
fn bytes(text: &str) -> Option<u64> {
    let units = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
    ];
    units.iter().find_map(|(unit, factor)| {
        let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
        number.checked_mul(*factor)
    })
}
