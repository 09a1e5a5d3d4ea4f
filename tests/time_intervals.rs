//! Every conformance case of the time intervals: whether Alertmanager 0.34 finds an instant inside.
#![expect(
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use tocsin::model::TimeInterval;
use tocsin::model::time_interval::{
    DayOfMonthRange, Location, MonthRange, TimeRange, WeekdayRange, YearRange,
};

#[derive(Deserialize)]
struct Case {
    interval: String,
    time: String,
    contains: bool,
}

/// A value in the little of YAML that the cases use: `{a: b}`, `[a, b]`, `'a'`, `a`, `~`.
#[derive(Debug, Clone, PartialEq)]
enum Yaml {
    Null,
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// Reads a value from the front of a text, which then lacks it.
    fn read(text: &mut &str) -> Self {
        *text = text.trim_start();
        if let Some(rest) = text.strip_prefix('[') {
            *text = rest;
            let mut items = Vec::new();
            while !end(text, ']') {
                items.push(Self::read(text));
            }
            return Self::List(items);
        }
        if let Some(rest) = text.strip_prefix('{') {
            *text = rest;
            return Self::Map(Self::pairs(text));
        }
        if let Some(rest) = text.strip_prefix('\'') {
            let (word, rest) = rest.split_once('\'').expect("a quote is closed");
            *text = rest;
            return Self::Text(word.to_owned());
        }
        match word(text, &[',', ']', '}']) {
            "~" | "" => Self::Null,
            word => Self::Text(word.to_owned()),
        }
    }

    /// Reads keys and values up to the end, or to the brace that closes them.
    fn pairs(text: &mut &str) -> Vec<(String, Self)> {
        let mut pairs = Vec::new();
        while !end(text, '}') {
            let key = word(text, &[':']).to_owned();
            *text = text.strip_prefix(':').expect("a key has a value");
            pairs.push((key, Self::read(text)));
        }
        pairs
    }

    fn list(self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn word<'t>(text: &mut &'t str, ends: &[char]) -> &'t str {
    let (word, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
    *text = rest;
    word.trim()
}

/// Whether a list ends here; takes what closes it, or the comma that continues it.
fn end(text: &mut &str, closes: char) -> bool {
    *text = text.trim_start_matches([' ', ',']);
    match text.strip_prefix(closes) {
        Some(rest) => *text = rest,
        None => return text.is_empty(),
    }
    true
}

/// The ranges of a field; one that is null is the default one.
macro_rules! ranges {
    ($range:ty, $value:expr) => {
        $value.list().map(|items| {
            let texts = items.into_iter().map(Yaml::text);
            texts
                .map(|text| match text {
                    Some(text) => <$range>::parse(&text).expect("the range is valid"),
                    None => <$range>::default(),
                })
                .collect()
        })
    };
}

fn time_range(value: Yaml) -> TimeRange {
    let Yaml::Map(pairs) = value else {
        return TimeRange::default();
    };
    let text = |key: &str| {
        let value = pairs.iter().find(|(name, _)| name == key);
        value.and_then(|(_, value)| value.clone().text())
    };
    let (start, end) = (text("start_time"), text("end_time"));
    TimeRange::parse(&start.unwrap_or_default(), &end.unwrap_or_default())
        .expect("the times are valid")
}

fn interval(text: &str) -> TimeInterval {
    let mut text = text.trim().strip_prefix('{').unwrap_or(text);
    let mut interval = TimeInterval::default();
    for (key, value) in Yaml::pairs(&mut text) {
        match &*key {
            "times" => {
                let items = value.list();
                interval.times = items.map(|items| items.into_iter().map(time_range).collect());
            }
            "weekdays" => interval.weekdays = ranges!(WeekdayRange, value),
            "days_of_month" => interval.days_of_month = ranges!(DayOfMonthRange, value),
            "months" => interval.months = ranges!(MonthRange, value),
            "years" => interval.years = ranges!(YearRange, value),
            "location" => {
                let name = value.text().unwrap_or_default();
                let zone = Location::parse(&name, &TimeZone::UTC).expect("the zone is known");
                interval.location = Some(zone);
            }
            _ => panic!("{key} is no field of a time interval"),
        }
    }
    interval
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
    assert_eq!((cases.len(), different), (62, Vec::new()));
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
