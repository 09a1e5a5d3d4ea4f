//! Lengths of time as configuration files write them.
//!
//! Two grammars are in use, and two ways of printing:
//!
//! ```text
//!  Prometheus   1d12h     units y w d h m s ms, falling, each once, whole numbers, no sign
//!  Go           36h0m0s   units h m s ms us µs ns, any order, fractions, a sign
//! ```

mod go;

pub use go::GoDurationError;

use std::fmt;
use std::time::Duration as StdDuration;

use gotemplate::strconv::quote;

/// A length of time in nanoseconds. Printed in the grammar of Prometheus (`1d12h`); [`Self::go`]
/// prints that of Go (`36h0m0s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

/// Why a text is no duration, in the words of Prometheus or Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing at all.
    #[error("empty duration string")]
    Empty,
    /// Not numbers with units, or units out of order.
    #[error("not a valid duration string: {}", quote(.0.as_bytes()))]
    Invalid(String),
    /// A unit that there is not.
    #[error("unknown unit {} in duration {}", quote(.unit.as_bytes()), quote(.text.as_bytes()))]
    UnknownUnit {
        /// What stands where the unit belongs.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than 292 years.
    #[error("duration out of range")]
    OutOfRange,
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const WEEK: u64 = 7 * DAY;

/// The units of Prometheus from the largest to the smallest, and whether one is printed only when
/// nothing remains: 90d is easier to read than 12w6d.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * DAY, true),
    ("w", WEEK, true),
    ("d", DAY, false),
    ("h", HOUR, false),
    ("m", MINUTE, false),
    ("s", SECOND, false),
    ("ms", MILLISECOND, false),
];

impl Duration {
    /// No time.
    pub const ZERO: Duration = Duration(0);

    /// That many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// That many seconds, at most some 292 years.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// In nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// For the standard library, to which no length is negative.
    #[must_use]
    pub fn to_std(self) -> StdDuration {
        StdDuration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads the grammar of Prometheus.
    ///
    /// # Errors
    /// If the text is no duration; the words are those of prometheus/common.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Self::ZERO),
            _ => {}
        }
        let invalid = || DurationError::Invalid(text.to_owned());
        let mut total = 0u64;
        let mut units_left = UNITS.as_slice();
        let mut rest = text;
        while !rest.is_empty() {
            let (digits, behind) = split_at_first(rest, |c| !c.is_ascii_digit());
            let (unit, behind) = split_at_first(behind, |c| c.is_ascii_digit());
            let number: u64 = digits.parse().map_err(|_| invalid())?;
            if unit.is_empty() {
                return Err(invalid());
            }
            if !UNITS.iter().any(|(name, ..)| *name == unit) {
                return Err(DurationError::UnknownUnit {
                    unit: unit.to_owned(),
                    text: text.to_owned(),
                });
            }
            // Only the units below the one before may follow.
            let at = units_left.iter().position(|(name, ..)| *name == unit);
            let below = at.and_then(|at| units_left.get(at..));
            let ((_, scale, _), below) = below.and_then(<[_]>::split_first).ok_or_else(invalid)?;
            units_left = below;
            total = number
                .checked_mul(*scale)
                .and_then(|part| total.checked_add(part))
                .filter(|total| i64::try_from(*total).is_ok())
                .ok_or(DurationError::OutOfRange)?;
            rest = behind;
        }
        i64::try_from(total)
            .map(Self)
            .map_err(|_| DurationError::OutOfRange)
    }

    /// Reads the grammar of Go.
    ///
    /// # Errors
    /// If the text is no duration; the words are those of Go.
    pub fn parse_go(text: &str) -> Result<Self, GoDurationError> {
        go::parse(text, &go::UNITS).map(Self)
    }

    /// Reads the grammar of Go with days and weeks (`1w2d`), as the flags of Prometheus' programs
    /// have it.
    ///
    /// # Errors
    /// If the text is no duration; the words are those of Go.
    pub fn parse_go_with_days(text: &str) -> Result<Self, GoDurationError> {
        go::parse(text, &go::UNITS_WITH_DAYS).map(Self)
    }

    /// In the grammar of Go: `36h0m0s`.
    #[must_use]
    pub fn go(self) -> String {
        gotemplate::time::format_duration(self.0)
    }
}

/// The text before the first character that `ends` accepts, and the rest.
fn split_at_first(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

impl fmt::Display for Duration {
    /// As Prometheus prints it: milliseconds and up; years and weeks only where nothing remains.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.unsigned_abs() / MILLISECOND;
        if rest == 0 {
            return out.write_str("0s");
        }
        if self.0 < 0 {
            out.write_str("-")?;
        }
        for (unit, nanos, only_whole) in UNITS {
            let scale = nanos / MILLISECOND;
            let number = rest / scale;
            if number == 0 || (only_whole && !rest.is_multiple_of(scale)) {
                continue;
            }
            write!(out, "{number}{unit}")?;
            rest -= number * scale;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(text: &str) -> String {
        match Duration::parse(text) {
            Ok(duration) => duration.to_string(),
            Err(error) => format!("E: {error}"),
        }
    }

    #[test]
    fn durations_are_read_and_printed_as_prometheus_does() {
        let cases = [
            ("0", "0s"),
            ("0s", "0s"),
            ("1d12h", "1d12h"),
            ("90d", "90d"),
            ("366d1ms", "366d1ms"),
            ("14d", "2w"),
            ("36h", "1d12h"),
            ("365d", "1y"),
            ("1y2w3d4h5m6s7ms", "382d4h5m6s7ms"),
            ("", "E: empty duration string"),
            ("5", "E: not a valid duration string: \"5\""),
            ("-5s", "E: not a valid duration string: \"-5s\""),
            ("1m1m", "E: not a valid duration string: \"1m1m\""),
            ("1s1m", "E: not a valid duration string: \"1s1m\""),
            ("x", "E: not a valid duration string: \"x\""),
            (
                "99999999999999999999s",
                "E: not a valid duration string: \"99999999999999999999s\"",
            ),
            ("5x", "E: unknown unit \"x\" in duration \"5x\""),
            ("1.5h", "E: unknown unit \".\" in duration \"1.5h\""),
            ("5 m", "E: unknown unit \" m\" in duration \"5 m\""),
            ("5M", "E: unknown unit \"M\" in duration \"5M\""),
            ("1:30", "E: unknown unit \":\" in duration \"1:30\""),
            ("300y", "E: duration out of range"),
            ("292y300d", "E: duration out of range"),
        ];
        let seen = cases.map(|(text, _)| printed(text));
        assert_eq!(seen, cases.map(|(_, expected)| expected.to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(ms in 0..=i64::MAX / 1_000_000) {
            let duration = Duration::from_nanos(ms * 1_000_000);
            prop_assert_eq!(Duration::parse(&duration.to_string()), Ok(duration));
        }
    }
}
