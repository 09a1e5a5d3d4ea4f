//! Time intervals: no text and no instant makes them panic, and what is printed is read again.
//!
//! The input is eight bytes of an instant, then lines: one for each field.
#![no_main]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tocsin::model::TimeInterval;
use tocsin::model::time_interval::{
    DayOfMonthRange, Location, MonthRange, TimeRange, WeekdayRange, YearRange,
};

/// Reads the ranges of a line, and each of them again from print.
macro_rules! ranges {
    ($range:ty, $line:expr) => {
        $line.map(|line| {
            let read = line.split(',').filter_map(|text| <$range>::parse(text).ok());
            read.inspect(|range| assert_eq!(<$range>::parse(&range.to_string()), Ok(*range)))
                .collect::<Vec<_>>()
        })
    };
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((second, text)) = input.split_first_chunk::<8>() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (first, last) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let second = first + i64::from_le_bytes(*second).rem_euclid(last - first);
    let mut lines = text.lines();
    let times = lines.next().map(|line| {
        let pairs = line.split(',').filter_map(|pair| pair.split_once('-'));
        let read = pairs.filter_map(|(start, end)| TimeRange::parse(start, end).ok());
        read.inspect(|range| assert_eq!(TimeRange::parse(&range.start(), &range.end()), Ok(*range)))
            .collect::<Vec<_>>()
    });
    let interval = TimeInterval {
        times,
        weekdays: ranges!(WeekdayRange, lines.next()),
        days_of_month: ranges!(DayOfMonthRange, lines.next()),
        months: ranges!(MonthRange, lines.next()),
        years: ranges!(YearRange, lines.next()),
        location: lines.next().and_then(|name| Location::parse(name, &TimeZone::UTC).ok()),
    };
    let at = Timestamp::from_second(second).expect("it is in the range");
    let _ = interval.contains(at);
});
