//! The ranges of each field.

use std::fmt;

use jiff::civil::DateTime;

use super::parse::{integer, range};

/// Why a text is no range, in the words of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RangeError(String);

impl RangeError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Minutes of the day, the last one excluded. The default one is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first minute.
    pub start_minute: u16,
    /// The one after the last; 1440 is midnight.
    pub end_minute: u16,
}

impl TimeRange {
    /// From `HH:MM` to `HH:MM`, at most `24:00`.
    ///
    /// # Errors
    /// If one is missing or malformed, or the end is not after the start.
    pub fn parse(start: &str, end: &str) -> Result<Self, RangeError> {
        if start.is_empty() || end.is_empty() {
            let text = "both start and end times must be provided";
            return Err(RangeError::new(text));
        }
        let (start_minute, end_minute) = (minute(start)?, minute(end)?);
        if start_minute >= end_minute {
            let text = "start time cannot be equal or greater than end time";
            return Err(RangeError::new(text));
        }
        Ok(Self {
            start_minute,
            end_minute,
        })
    }

    /// The start as it is written.
    #[must_use]
    pub fn start(self) -> String {
        clock(self.start_minute)
    }

    /// The end as it is written.
    #[must_use]
    pub fn end(self) -> String {
        clock(self.end_minute)
    }

    pub(super) fn contains(self, at: DateTime) -> bool {
        let minute = i32::from(at.hour()) * 60 + i32::from(at.minute());
        (i32::from(self.start_minute)..i32::from(self.end_minute)).contains(&minute)
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn minute(text: &str) -> Result<u16, RangeError> {
    let parsed = || {
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str, limit: u16| {
            let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            let number: u16 = text.parse().ok().filter(|_| is_plain)?;
            (number < limit).then_some(number)
        };
        if text == "24:00" {
            return Some(24 * 60);
        }
        Some(number(hours, 24)? * 60 + number(minutes, 60)?)
    };
    parsed()
        .ok_or_else(|| RangeError::new(format!("couldn't parse timestamp {text}, invalid format")))
}

/// A type of range with both ends included.
macro_rules! inclusive_range {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $name {
            /// The first member.
            pub begin: i64,
            /// The last member.
            pub end: i64,
        }

        impl $name {
            fn includes(self, member: impl Into<i64>) -> bool {
                (self.begin..=self.end).contains(&member.into())
            }
        }
    };
}

inclusive_range! {
    /// Days of the week, 0 (Sunday) to 6.
    WeekdayRange
}
inclusive_range! {
    /// Days of the month, 1 to 31 or, counted from the end, -1 to -31.
    DayOfMonthRange
}
inclusive_range! {
    /// Months, 1 to 12. Alertmanager does not check numbers, so neither does this.
    MonthRange
}
inclusive_range! {
    /// Years.
    YearRange
}

impl WeekdayRange {
    /// Reads `monday` or `monday:friday`.
    ///
    /// # Errors
    /// If a name is not a weekday, or the range runs backwards.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let (begin, end) = range(text, |name| {
            named(&WEEKDAYS, name)
                .ok_or_else(|| RangeError::new(format!("{name} is not a valid weekday")))
        })?;
        if end < begin {
            return Err(RangeError::new("start day cannot be before end day"));
        }
        Ok(Self { begin, end })
    }

    pub(super) fn contains(self, at: DateTime) -> bool {
        self.includes(at.weekday().to_sunday_zero_offset())
    }
}

impl DayOfMonthRange {
    /// Reads `5` or `1:5`, `-3:-1`, `10:-10`.
    ///
    /// # Errors
    /// If a number is malformed or out of range, or the range runs backwards in every month.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let (begin, end) = range(text, integer)?;
        for day in [begin, end] {
            if day == 0 || !(-31..=31).contains(&day) {
                return Err(RangeError::new(format!(
                    "{day} is not a valid day of the month: out of range"
                )));
            }
        }
        if begin < 0 && 0 < end {
            let text = "end day must be negative if start day is negative";
            return Err(RangeError::new(text));
        }
        // In the shortest month; in a longer one the range is longer too.
        let from_front = |day: i64| if day < 0 { 28 + day } else { day };
        if from_front(end) < from_front(begin) {
            return Err(RangeError::new(format!(
                "end day {end} is always before start day {begin}"
            )));
        }
        Ok(Self { begin, end })
    }

    pub(super) fn contains(self, at: DateTime) -> bool {
        let days = i64::from(at.days_in_month());
        let from_front = |day: i64| if day < 0 { days + day + 1 } else { day };
        let (begin, end) = (from_front(self.begin), from_front(self.end));
        if days < begin {
            return false;
        }
        let clamped = Self {
            begin: begin.clamp(-days, days),
            end: end.clamp(-days, days),
        };
        clamped.includes(at.day())
    }
}

impl MonthRange {
    /// Reads `january`, `january:march`, `1:3`.
    ///
    /// # Errors
    /// If a name is no month, or the range runs backwards.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let (begin, end) = range(text, |name| {
            named(&MONTHS, name)
                .map(|index| index + 1)
                .or_else(|| integer(name).ok())
                .ok_or_else(|| RangeError::new(format!("{name} is not a valid month")))
        })?;
        if end < begin {
            let name = |month: i64| {
                let index = usize::try_from(month - 1).ok();
                index
                    .and_then(|index| MONTHS.get(index))
                    .copied()
                    .unwrap_or_default()
            };
            return Err(RangeError::new(format!(
                "end month {} is before start month {}",
                name(end),
                name(begin)
            )));
        }
        Ok(Self { begin, end })
    }

    pub(super) fn contains(self, at: DateTime) -> bool {
        self.includes(at.month())
    }
}

impl YearRange {
    /// Reads `2026` or `2020:2022`.
    ///
    /// # Errors
    /// If a number is malformed, or the range runs backwards.
    pub fn parse(text: &str) -> Result<Self, RangeError> {
        let (begin, end) = range(text, integer)?;
        if end < begin {
            return Err(RangeError::new(format!(
                "end year {end} is before start year {begin}"
            )));
        }
        Ok(Self { begin, end })
    }

    pub(super) fn contains(self, at: DateTime) -> bool {
        self.includes(at.year())
    }
}

fn named(names: &[&str], name: &str) -> Option<i64> {
    let index = names.iter().position(|known| *known == name)?;
    i64::try_from(index).ok()
}

/// `first:last`, or one member for both.
fn print(out: &mut fmt::Formatter<'_>, begin: &str, end: &str) -> fmt::Result {
    if begin == end {
        return out.write_str(begin);
    }
    write!(out, "{begin}:{end}")
}

impl fmt::Display for WeekdayRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: i64| {
            let index = usize::try_from(day).ok();
            index
                .and_then(|index| WEEKDAYS.get(index))
                .copied()
                .unwrap_or_default()
        };
        print(out, name(self.begin), name(self.end))
    }
}

macro_rules! print_numbers {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                print(out, &self.begin.to_string(), &self.end.to_string())
            }
        }
    )*};
}

print_numbers!(DayOfMonthRange MonthRange YearRange);
