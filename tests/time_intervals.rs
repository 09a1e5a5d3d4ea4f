//! Every conformance case of the time intervals: whether Alertmanager 0.34 finds an instant inside.
#![expect(
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tocsin::config::Interval;
use tocsin::config::yaml::{self, Decoder};
use tocsin::model::time_interval::{
    DayOfMonthRange, Location, MonthRange, TimeRange, WeekdayRange, YearRange,
};
use tocsin::model::{Mode, TimeInterval};

#[derive(Deserialize)]
struct Case {
    interval: String,
    time: String,
    contains: bool,
}

fn interval(text: &str) -> TimeInterval {
    let document = yaml::parse(text.as_bytes()).expect("the interval is YAML");
    let mut decoder = Decoder::new(&document, Mode::default(), TimeZone::UTC);
    let mut interval = Interval::default();
    decoder
        .read_document(&mut interval)
        .expect("the interval is valid");
    interval.value()
}

#[test]
fn an_instant_is_inside_when_alertmanager_says_so() {
    let lines = include_str!("conformance/config/time_intervals.jsonl").lines();
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).expect("a case is an object"))
        .collect();
    let different: Vec<_> = cases
        .iter()
        .filter(|case| {
            let time: Timestamp = case.time.parse().expect("the time is a time");
            interval(&case.interval).contains(time) != case.contains
        })
        .map(|case| (&case.interval, &case.time))
        .collect();
    assert_eq!((cases.is_empty(), different), (false, Vec::new()));
}

#[test]
fn wrong_ranges_fail_with_the_text_of_alertmanager() {
    let seen = [
        TimeRange::parse("", "10:00").map(|_| ()),
        TimeRange::parse("9:00", "10:00").map(|_| ()),
        TimeRange::parse("09:00", "24:01").map(|_| ()),
        TimeRange::parse("09:00:00", "10:00").map(|_| ()),
        TimeRange::parse("10:00", "10:00").map(|_| ()),
        WeekdayRange::parse("Mon").map(|_| ()),
        WeekdayRange::parse(" monday").map(|_| ()),
        WeekdayRange::parse("friday:monday").map(|_| ()),
        WeekdayRange::parse("Monday:friday:sunday").map(|_| ()),
        DayOfMonthRange::parse("0").map(|_| ()),
        DayOfMonthRange::parse("40:32").map(|_| ()),
        DayOfMonthRange::parse("-1:1").map(|_| ()),
        DayOfMonthRange::parse("28:-1").map(|_| ()),
        DayOfMonthRange::parse("A").map(|_| ()),
        MonthRange::parse("Jan").map(|_| ()),
        MonthRange::parse("march:january").map(|_| ()),
        MonthRange::parse("14:13").map(|_| ()),
        YearRange::parse("2021:2020").map(|_| ()),
        YearRange::parse("99999999999999999999").map(|_| ()),
    ]
    .map(|result| result.map_err(|error| error.to_string()).err());
    let expected = [
        "both start and end times must be provided",
        "couldn't parse timestamp 9:00, invalid format",
        "couldn't parse timestamp 24:01, invalid format",
        "couldn't parse timestamp 09:00:00, invalid format",
        "start time cannot be equal or greater than end time",
        "mon is not a valid weekday",
        " monday is not a valid weekday",
        "start day cannot be before end day",
        "couldn't parse range monday:friday:sunday, invalid format",
        "0 is not a valid day of the month: out of range",
        "40 is not a valid day of the month: out of range",
        "end day must be negative if start day is negative",
        "end day -1 is always before start day 28",
        "strconv.Atoi: parsing \"a\": invalid syntax",
        "jan is not a valid month",
        "end month january is before start month march",
        "end month  is before start month ",
        "end year 2020 is before start year 2021",
        "strconv.Atoi: parsing \"99999999999999999999\": value out of range",
    ];
    assert_eq!(seen, expected.map(|text| Some(text.to_owned())));
}

#[test]
fn ranges_print_in_the_form_that_the_status_page_shows() {
    let seen = [
        WeekdayRange::parse("Monday:FRIDAY").map(|range| range.to_string()),
        WeekdayRange::parse("saturday").map(|range| range.to_string()),
        DayOfMonthRange::parse("-3:-1").map(|range| range.to_string()),
        DayOfMonthRange::parse("+1").map(|range| range.to_string()),
        DayOfMonthRange::parse("01:27").map(|range| range.to_string()),
        DayOfMonthRange::parse("27:-1").map(|range| range.to_string()),
        MonthRange::parse("january:3").map(|range| range.to_string()),
        MonthRange::parse("December").map(|range| range.to_string()),
        YearRange::parse("2020:2020").map(|range| range.to_string()),
        TimeRange::parse("09:00", "24:00")
            .map(|range| format!("{} {}", range.start(), range.end())),
    ]
    .map(Result::ok);
    let expected = [
        "monday:friday",
        "saturday",
        "-3:-1",
        "1",
        "1:27",
        "27:-1",
        "1:3",
        "12",
        "2020",
        "09:00 24:00",
    ];
    assert_eq!(seen, expected.map(|text| Some(text.to_owned())));
}

#[test]
fn zones_are_known_by_their_exact_names() {
    let local = TimeZone::fixed(jiff::tz::offset(2));
    let names = [
        "",
        "UTC",
        "Local",
        "Europe/Berlin",
        "europe/berlin",
        "../x",
        "/etc",
        "Nowhere",
    ];
    let seen = names.map(|name| match Location::parse(name, &local) {
        Ok(location) => location.to_string(),
        Err(error) => error.to_string(),
    });
    assert_eq!(
        seen,
        [
            "UTC",
            "UTC",
            "Local",
            "Europe/Berlin",
            "unknown time zone europe/berlin",
            "time: invalid location name",
            "time: invalid location name",
            "unknown time zone Nowhere",
        ]
    );
}
