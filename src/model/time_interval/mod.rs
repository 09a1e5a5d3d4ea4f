//! Time intervals: when notifications are muted or let through.
//!
//! ```text
//!  times           {start_time: HH:MM, end_time: HH:MM}   start ≤ minute of the day < end, at most 24:00
//!  weekdays        monday:friday                          both included, sunday = 0
//!  days_of_month   1:5, -3:-1                             -1 is the last day
//!  months          january:march, 1:3
//!  years           2020:2022
//!  location        a name of the time zone database
//! ```
//!
//! A field that is absent does not restrict; one that is an empty list never matches. Within a field
//! one element is enough; all fields have to match.

mod location;
mod parse;
mod ranges;

pub use location::{Location, LocationError};
pub use ranges::{DayOfMonthRange, MonthRange, RangeError, TimeRange, WeekdayRange, YearRange};

use jiff::Timestamp;

/// One specification of a named interval.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TimeInterval {
    /// Times of the day.
    pub times: Option<Vec<TimeRange>>,
    /// Days of the week.
    pub weekdays: Option<Vec<WeekdayRange>>,
    /// Days of the month.
    pub days_of_month: Option<Vec<DayOfMonthRange>>,
    /// Months.
    pub months: Option<Vec<MonthRange>>,
    /// Years.
    pub years: Option<Vec<YearRange>>,
    /// Where the clock hangs; UTC if absent.
    pub location: Option<Location>,
}

impl TimeInterval {
    /// Whether an instant is inside.
    #[must_use]
    pub fn contains(&self, at: Timestamp) -> bool {
        let zone = self.location.as_ref().map_or_else(
            || jiff::tz::TimeZone::UTC,
            |location| location.zone().clone(),
        );
        let civil = zone.to_datetime(at);
        any(self.times.as_deref(), |range| range.contains(civil))
            && any(self.days_of_month.as_deref(), |range| range.contains(civil))
            && any(self.months.as_deref(), |range| range.contains(civil))
            && any(self.weekdays.as_deref(), |range| range.contains(civil))
            && any(self.years.as_deref(), |range| range.contains(civil))
    }
}

/// Whether a field lets the time through.
fn any<T>(ranges: Option<&[T]>, contains: impl Fn(&T) -> bool) -> bool {
    ranges.is_none_or(|ranges| ranges.iter().any(contains))
}
