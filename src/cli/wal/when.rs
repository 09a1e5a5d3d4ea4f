//! Points in time as people write them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

use crate::sys::WallTime;

/// A point in time, or how long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    At(WallTime),
    Ago { ns: i64 },
}

impl When {
    /// Reads RFC 3339, a date or a date and time (in UTC), or a duration such as `2h` or `1d12h`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return at(timestamp);
        }
        // A date alone is midnight. (A `Date` would read a time behind it and forget it.)
        if let Ok(time) = text.parse::<DateTime>() {
            return at_utc(time);
        }
        let duration = text
            .parse::<Span>()
            .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
        let ns = duration
            .ok()
            .and_then(|duration| i64::try_from(duration.abs().as_nanos()).ok());
        ns.map(|ns| Self::Ago { ns }).ok_or_else(|| {
            "it is neither a time such as 2026-11-22T03:00:00Z, nor a date such as 2026-11-22, nor a duration such as 2h".to_owned()
        })
    }

    /// The point in time, seen from `now`.
    pub(super) fn seen_from(self, now: WallTime) -> WallTime {
        match self {
            Self::At(wall) => wall,
            Self::Ago { ns } => WallTime(now.0.saturating_sub(ns)),
        }
    }
}

fn at_utc(time: DateTime) -> Result<When, String> {
    let zoned = time
        .to_zoned(TimeZone::UTC)
        .map_err(|error| error.to_string())?;
    at(zoned.timestamp())
}

fn at(timestamp: Timestamp) -> Result<When, String> {
    let ns = i64::try_from(timestamp.as_nanosecond());
    ns.map(|ns| When::At(WallTime(ns)))
        .map_err(|_| "it is outside of the years 1678 to 2261".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_dates_and_durations_are_read_and_other_words_are_not() {
        let now = WallTime(1_763_784_000_000_000_000);
        let seen = |text: &str| {
            When::parse(text)
                .map(|when| when.seen_from(now).to_string())
                .map_err(|_| ())
        };
        let got = [
            "2025-11-22T03:00:00Z",
            "2025-11-22T03:00:00+01:00",
            "2025-11-22T03:00",
            "2025-11-22",
            "2h",
            "1d12h30m",
            "90s",
            "yesterday",
            "",
        ]
        .map(seen);
        let expected = [
            Ok("2025-11-22T03:00:00Z"),
            Ok("2025-11-22T02:00:00Z"),
            Ok("2025-11-22T03:00:00Z"),
            Ok("2025-11-22T00:00:00Z"),
            Ok("2025-11-22T02:00:00Z"),
            Ok("2025-11-20T15:30:00Z"),
            Ok("2025-11-22T03:58:30Z"),
            Err(()),
            Err(()),
        ];
        assert_eq!(got, expected.map(|result| result.map(str::to_owned)));
    }
}
