//! Dates: the layouts that go-openapi's `strfmt` reads, and the one it writes.

use gotemplate::time::{Zone, parse};

use crate::sys::WallTime;

/// Layouts tried in this order; the error is that of the last. (`http-api.md` §4.4.)
const LAYOUTS: [&str; 10] = [
    "2006-01-02T15:04:05.000000Z07:00",
    "2006-01-02T15:04:05.000000Z0700",
    "2006-01-02T15:04:05.000Z07:00",
    "2006-01-02T15:04:05.000Z0700",
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02T15:04:05",
    "2006-01-02T15:04Z",
    "2006-01-02T15:04",
    "2006-01-02 15:04:05",
    "2006-01-02",
];

const SECOND_NS: i128 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// An instant within the range of Go's `time.Time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime {
    /// Seconds since 1970 began in UTC.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanos: u32,
}

impl DateTime {
    /// The instant that a text names; 1970 for an empty one.
    ///
    /// # Errors
    /// Go's text if it names none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self {
                seconds: 0,
                nanos: 0,
            });
        }
        if let Some(date) = rfc3339(text.as_bytes()) {
            return Ok(date);
        }
        let mut error = String::new();
        for layout in LAYOUTS {
            match parse(layout.as_bytes(), text.as_bytes(), &Zone::utc()) {
                Ok(time) => {
                    return Ok(Self {
                        seconds: time.unix(),
                        nanos: time.nanos(),
                    });
                }
                Err(text) => error = text,
            }
        }
        Err(error)
    }

    /// Whether it is Go's zero time, the beginning of the year 1, which means that there is none.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.seconds == -62_135_596_800 && self.nanos == 0
    }

    /// The same instant, or the end of the range (1677, 2262) that is nearest.
    #[must_use]
    pub fn to_wall(self) -> WallTime {
        let ns = i128::from(self.seconds) * SECOND_NS + i128::from(self.nanos);
        let limit = if ns < 0 { i64::MIN } else { i64::MAX };
        WallTime(i64::try_from(ns).unwrap_or(limit))
    }
}

/// RFC 3339 as senders write it, which nearly all dates are: what is unusual is left to the layouts.
fn rfc3339(text: &[u8]) -> Option<DateTime> {
    let (date, rest) = text.split_first_chunk::<19>()?;
    let separators = [date[4], date[7], date[10], date[13], date[16]];
    if separators != *b"--T::" {
        return None;
    }
    let year = i64::from(number(&date[..4])?);
    let (month, day) = (number(&date[5..7])?, number(&date[8..10])?);
    let (hour, minute) = (number(&date[11..13])?, number(&date[14..16])?);
    let second = number(&date[17..])?;
    let in_range =
        (1..=month_days(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    if !in_range {
        return None;
    }
    let second_of_day = i64::from(hour * 3600 + minute * 60 + second);
    let digits = match rest.strip_prefix(b".") {
        Some(fraction) => fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count(),
        None => 0,
    };
    if digits > 9 || (digits == 0 && rest.first() == Some(&b'.')) {
        return None;
    }
    let (fraction, zone) = match digits {
        0 => (0, rest),
        _ => (number(rest.get(1..=digits)?)?, rest.get(1 + digits..)?),
    };
    let scale = 10_u32.pow(9 - u32::try_from(digits).ok()?);
    Some(DateTime {
        seconds: days(year, month, day) * DAY_SECONDS + second_of_day - offset(zone)?,
        nanos: fraction * scale,
    })
}

/// How many days a month has; none if there is no such month.
fn month_days(year: i64, month: u32) -> u32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// The days from 1970 to a date of the years 0 to 9999. Years are taken to begin in March, so that the
/// leap day is the last.
fn days(year: i64, month: u32, day: u32) -> i64 {
    let (year, month) = match month {
        1 | 2 => (year - 1, i64::from(month) + 9),
        _ => (year, i64::from(month) - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    365 * year + leap_days + day_of_year - 719_468
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours >= 24 || minutes >= 60 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// Up to nine digits as a number.
fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, digit| {
        digit
            .is_ascii_digit()
            .then(|| sum * 10 + u32::from(digit - b'0'))
    })
}
