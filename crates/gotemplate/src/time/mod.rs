//! Go's `time.Time`, `time.Location`, `time.Duration`, `time.Month` and `time.Weekday`.
//!
//! An instant is counted in seconds and nanoseconds from 1970, over the whole range of Go; its
//! calendar is the proleptic Gregorian one. Zone rules come from jiff, which knows the years
//! -9999 to 9999; beyond them the rules of the nearest known year apply.

mod civil;
mod duration;
mod layout;
mod methods;
mod parse;
mod units;
mod zone;

pub use civil::Civil;
pub use duration::format_duration;
pub use methods::{LOCATION, LOCATION_POINTER, TIME};
pub use parse::parse;
pub use units::{DURATION, MONTH, WEEKDAY};
pub use zone::Zone;

use crate::json::quote_into;

/// Nanoseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000_000;

/// The layout of `String`.
const DEFAULT_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// An instant and the zone it is shown in.
///
/// ```
/// use gotemplate::time::{Time, Zone};
/// let time = Time::from_unix(1_709_296_496, 789_000_000, Zone::utc());
/// assert_eq!(time.to_string(), "2024-03-01 12:34:56.789 +0000 UTC");
/// assert_eq!(time.format("Mon 2 Jan 15:04"), "Fri 1 Mar 12:34");
/// ```
#[derive(Clone, Debug)]
pub struct Time {
    unix: i64,
    nanos: u32,
    zone: Zone,
    /// The reading of a clock that only goes forward, in nanoseconds: the current time has it.
    monotonic: Option<i64>,
}

impl Time {
    /// The zero time, the beginning of the year 1.
    pub const ZERO: Self = Self {
        unix: -62_135_596_800,
        nanos: 0,
        zone: Zone::utc(),
        monotonic: None,
    };

    /// The instant that many seconds and nanoseconds after 1970 began.
    #[must_use]
    pub fn from_unix(seconds: i64, nanos: u32, zone: Zone) -> Self {
        let carry = i64::from(nanos / 1_000_000_000);
        let unix = seconds.saturating_add(carry);
        Self {
            unix,
            nanos: nanos % 1_000_000_000,
            zone,
            monotonic: None,
        }
    }

    /// The instant at which clocks in a zone show that. Fields beyond their range carry over.
    #[must_use]
    pub fn from_civil(civil: &Civil, zone: Zone) -> Self {
        let local = civil.to_seconds();
        // The offset is that of the zone at the time if it was UTC, unless the resulting instant
        // lies in another period of the zone, whose offset is then the one.
        let guess = local.saturating_sub(zone.at(local).offset.into());
        let unix = local.saturating_sub(zone.at(guess).offset.into());
        Self::from_unix(unix, civil.nanos, zone)
    }

    /// The same instant with a monotonic reading, as the current time has it: it is printed after
    /// the rest.
    #[must_use]
    pub fn with_monotonic(mut self, nanos: i64) -> Self {
        self.monotonic = Some(nanos);
        self
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix(&self) -> i64 {
        self.unix
    }

    /// Nanoseconds of the second.
    #[must_use]
    pub fn nanos(&self) -> u32 {
        self.nanos
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The same instant in another zone.
    #[must_use]
    pub fn in_zone(&self, zone: Zone) -> Self {
        Self::from_unix(self.unix, self.nanos, zone)
    }

    /// What clocks and calendars in its zone show.
    #[must_use]
    pub fn civil(&self) -> Civil {
        let offset = self.zone.at(self.unix).offset;
        Civil::from_seconds(self.unix.saturating_add(offset.into()), self.nanos)
    }

    /// Whether this is the zero time.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        (self.unix, self.nanos) == (Self::ZERO.unix, 0)
    }

    /// By instant, whatever the zones.
    #[must_use]
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        match (self.monotonic, other.monotonic) {
            (Some(mine), Some(theirs)) => mine.cmp(&theirs),
            _ => (self.unix, self.nanos).cmp(&(other.unix, other.nanos)),
        }
    }

    /// Go's `==`: the same instant in the same zone, not merely in one of the same rules.
    #[must_use]
    pub fn is_identical(&self, other: &Self) -> bool {
        (self.unix, self.nanos, self.monotonic) == (other.unix, other.nanos, other.monotonic)
            && self.zone.is_identical(&other.zone)
    }

    fn plus(&self, nanos: i128) -> Self {
        let all = i128::from(self.unix) * i128::from(SECOND) + i128::from(self.nanos) + nanos;
        let unix = all.div_euclid(SECOND.into());
        let bound = if unix < 0 { i64::MIN } else { i64::MAX };
        let monotonic = self
            .monotonic
            .and_then(|own| i64::try_from(i128::from(own) + nanos).ok());
        Self {
            unix: i64::try_from(unix).unwrap_or(bound),
            nanos: u32::try_from(all.rem_euclid(SECOND.into())).unwrap_or_default(),
            zone: self.zone.clone(),
            monotonic,
        }
    }

    /// The nanoseconds from the other time to this one, within the range of a duration.
    #[must_use]
    pub fn since(&self, other: &Self) -> i64 {
        let difference = match (self.monotonic, other.monotonic) {
            (Some(mine), Some(theirs)) => i128::from(mine) - i128::from(theirs),
            _ => {
                (i128::from(self.unix) - i128::from(other.unix)) * i128::from(SECOND)
                    + i128::from(self.nanos)
                    - i128::from(other.nanos)
            }
        };
        let bound = if difference < 0 { i64::MIN } else { i64::MAX };
        i64::try_from(difference).unwrap_or(bound)
    }

    /// The time written by Go's reference layout.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        String::from_utf8_lossy(&self.format_bytes(layout.as_bytes())).into_owned()
    }

    /// The same for a layout that need not be UTF-8.
    #[must_use]
    pub fn format_bytes(&self, layout: &[u8]) -> Vec<u8> {
        layout::format(self, layout)
    }

    pub(crate) fn to_json(&self) -> Result<String, String> {
        let year = self.civil().year;
        if !(0..=9999).contains(&year) {
            return Err("Time.MarshalJSON: year outside of range [0,9999]".to_owned());
        }
        let mut out = Vec::new();
        quote_into(&mut out, self.format(RFC3339_NANO).as_bytes());
        Ok(String::from_utf8_lossy(&out).into_owned())
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.format(DEFAULT_LAYOUT))?;
        let Some(reading) = self.monotonic else {
            return Ok(());
        };
        let sign = if reading < 0 { '-' } else { '+' };
        let reading = reading.unsigned_abs();
        write!(
            out,
            " m={sign}{}.{:09}",
            reading / 1_000_000_000,
            reading % 1_000_000_000
        )
    }
}
