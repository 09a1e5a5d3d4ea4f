//! Reading times by a layout, with Go's error texts.

use super::civil::{days_before, days_in, is_leap};
use super::layout::{OffsetForm, Part, next_chunk};
use super::units::{MONTHS, WEEKDAYS};
use super::{Civil, Time, Zone};

/// Reads a time. Without a zone in the text it is in `zone`, whose name and offset are also
/// recognised there; other offsets make a zone of their own.
///
/// ```
/// use gotemplate::time::{Zone, parse};
/// let time = parse(b"2006-01-02 -0700", b"2024-02-29 +0530", &Zone::utc()).unwrap();
/// assert_eq!(time.to_string(), "2024-02-29 00:00:00 +0530 +0530");
/// let error = parse(b"2006-01-02", b"2024-13-01", &Zone::utc()).unwrap_err();
/// assert_eq!(error, r#"parsing time "2024-13-01": month out of range"#);
/// ```
///
/// # Errors
/// Go's text for a value that does not fit the layout.
pub fn parse(layout: &[u8], value: &[u8], zone: &Zone) -> Result<Time, String> {
    let mut fields = Fields::default();
    let mut rest = value;
    let mut layout_rest = layout;
    loop {
        let chunk = next_chunk(layout_rest);
        rest =
            skip(rest, chunk.prefix).map_err(|at| cannot_parse(layout, value, chunk.prefix, at))?;
        let Some(part) = chunk.part else {
            if !rest.is_empty() {
                return Err(out_of_order(value, &format!("extra text: {}", quote(rest))));
            }
            return fields.finish(value, zone);
        };
        layout_rest = chunk.suffix;
        let before = rest;
        match fields.read(part, rest, layout_rest) {
            Ok(after) => rest = after,
            Err(Problem::Syntax) => {
                return Err(cannot_parse(layout, value, chunk.source, before));
            }
            Err(Problem::Range(what)) => {
                return Err(out_of_order(value, &format!("{what} out of range")));
            }
        }
    }
}

fn cannot_parse(layout: &[u8], value: &[u8], part: &[u8], at: &[u8]) -> String {
    let [value, layout, at, part] = [value, layout, at, part].map(quote);
    format!("parsing time {value} as {layout}: cannot parse {at} as {part}")
}

fn out_of_order(value: &[u8], message: &str) -> String {
    format!("parsing time {}: {message}", quote(value))
}

/// The quoting of this package: every byte that is not printable ASCII in hexadecimal.
fn quote(text: &[u8]) -> String {
    let mut out = String::from('"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' '..=b'\x7f' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

enum Problem {
    Syntax,
    Range(&'static str),
}

/// What a value has given so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    is_pm: Option<bool>,
    is_utc: bool,
    offset: Option<i32>,
    zone_name: Vec<u8>,
}

type Read<'v> = Result<&'v [u8], Problem>;

impl Fields {
    fn read<'v>(&mut self, part: Part, value: &'v [u8], layout_rest: &[u8]) -> Read<'v> {
        let range = |good: bool, what| {
            if good {
                Ok(())
            } else {
                Err(Problem::Range(what))
            }
        };
        let mut rest = value;
        match part {
            Part::Year => {
                let (text, after) = split(value, 2)?;
                let year = number(text)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                rest = after;
            }
            Part::LongYear => {
                if !value.first().is_some_and(u8::is_ascii_digit) {
                    return Err(Problem::Syntax);
                }
                let (text, after) = split(value, 4)?;
                self.year = number(text)?;
                rest = after;
            }
            Part::Month | Part::LongMonth => {
                let (at, after) = lookup(&MONTHS, value, part == Part::Month)?;
                self.month = Some(at + 1);
                rest = after;
            }
            Part::NumMonth | Part::ZeroMonth => {
                let (month, after) = two_digits(value, part == Part::ZeroMonth)?;
                range((1..=12).contains(&month), "month")?;
                self.month = Some(month);
                rest = after;
            }
            Part::Weekday | Part::LongWeekday => {
                (_, rest) = lookup(&WEEKDAYS, value, part == Part::Weekday)?;
            }
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                if part == Part::UnderDay {
                    rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                let (day, after) = two_digits(rest, part == Part::ZeroDay)?;
                self.day = Some(day);
                rest = after;
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                if part == Part::UnderYearDay {
                    rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                let digits = rest
                    .iter()
                    .take(3)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                if digits == 0 || (part == Part::ZeroYearDay && digits != 3) {
                    return Err(Problem::Syntax);
                }
                let (text, after) = split(rest, digits)?;
                self.year_day = Some(number(text)?);
                rest = after;
            }
            Part::Hour => {
                (self.hour, rest) = two_digits(value, false)?;
                range(self.hour < 24, "hour")?;
            }
            Part::Hour12 | Part::ZeroHour12 => {
                (self.hour, rest) = two_digits(value, part == Part::ZeroHour12)?;
                range(self.hour <= 12, "hour")?;
            }
            Part::Minute | Part::ZeroMinute => {
                (self.minute, rest) = two_digits(value, part == Part::ZeroMinute)?;
                range(self.minute < 60, "minute")?;
            }
            Part::Second | Part::ZeroSecond => {
                (self.second, rest) = two_digits(value, part == Part::ZeroSecond)?;
                range(self.second < 60, "second")?;
                // A fraction may follow though the layout has none.
                let in_layout = matches!(next_chunk(layout_rest).part, Some(Part::Fraction { .. }));
                if fraction_len(rest) > 1 && !in_layout {
                    rest = self.fraction(rest, fraction_len(rest))?;
                }
            }
            Part::Fraction {
                digits,
                trim: false,
            } => rest = self.fraction(value, digits + 1)?,
            Part::Fraction { trim: true, .. } => {
                if fraction_len(value) > 1 {
                    rest = self.fraction(value, fraction_len(value))?;
                }
            }
            Part::UpperPm | Part::LowerPm => {
                let (text, after) = split(value, 2)?;
                self.is_pm = Some(match (part, text) {
                    (Part::UpperPm, b"PM") | (Part::LowerPm, b"pm") => true,
                    (Part::UpperPm, b"AM") | (Part::LowerPm, b"am") => false,
                    _ => return Err(Problem::Syntax),
                });
                rest = after;
            }
            Part::Offset { z: true, .. } if value.first() == Some(&b'Z') => {
                self.is_utc = true;
                rest = value.get(1..).unwrap_or_default();
            }
            Part::Offset { form, .. } => rest = self.offset(value, form)?,
            Part::ZoneName if value.starts_with(b"UTC") => {
                self.is_utc = true;
                rest = value.get(3..).unwrap_or_default();
            }
            Part::ZoneName => {
                let len = zone_name_len(value).ok_or(Problem::Syntax)?;
                let (name, after) = split(value, len)?;
                self.zone_name = name.to_vec();
                rest = after;
            }
        }
        Ok(rest)
    }

    fn fraction<'v>(&mut self, value: &'v [u8], len: usize) -> Read<'v> {
        let (text, rest) = split(value, len)?;
        let Some((b'.' | b',', digits)) = text.split_first() else {
            return Err(Problem::Syntax);
        };
        let mut nanos = digits.get(..9).unwrap_or(digits).to_vec();
        nanos.resize(9, b'0');
        self.nanos = u32::try_from(number(&nanos)?).map_err(|_| Problem::Syntax)?;
        Ok(rest)
    }

    fn offset<'v>(&mut self, value: &'v [u8], form: OffsetForm) -> Read<'v> {
        let (len, minutes, seconds) = match form {
            OffsetForm::Hours => (3, None, None),
            OffsetForm::Minutes => (5, Some(3), None),
            OffsetForm::ColonMinutes => (6, Some(4), None),
            OffsetForm::Seconds => (7, Some(3), Some(5)),
            OffsetForm::ColonSeconds => (9, Some(4), Some(7)),
        };
        let (text, rest) = split(value, len)?;
        let colons: &[usize] = match form {
            OffsetForm::ColonMinutes => &[3],
            OffsetForm::ColonSeconds => &[3, 6],
            _ => &[],
        };
        if colons.iter().any(|&at| text.get(at) != Some(&b':')) {
            return Err(Problem::Syntax);
        }
        let pair = |at: usize| {
            let digits = text.get(at..at + 2).ok_or(Problem::Syntax)?;
            two_digits(digits, true).map(|(number, _)| number)
        };
        // Each pair is only read if those before it were good, but a number out of range is
        // reported before anything that is no number, the last one first.
        let hours = pair(1);
        let minutes = match (&hours, minutes) {
            (Ok(_), Some(at)) => pair(at),
            _ => Ok(0),
        };
        let seconds = match (&hours, &minutes, seconds) {
            (Ok(_), Ok(_), Some(at)) => pair(at),
            _ => Ok(0),
        };
        let fields = [
            (&hours, 24, "time zone offset hour"),
            (&minutes, 60, "time zone offset minute"),
            (&seconds, 60, "time zone offset second"),
        ];
        let beyond =
            |field: &Result<i64, Problem>, most: i64| matches!(field, Ok(field) if *field > most);
        if let Some((_, _, what)) = fields
            .iter()
            .rev()
            .find(|(field, most, _)| beyond(field, *most))
        {
            return Err(Problem::Range(what));
        }
        let (hours, minutes, seconds) = (hours?, minutes?, seconds?);
        let magnitude =
            i32::try_from((hours * 60 + minutes) * 60 + seconds).map_err(|_| Problem::Syntax)?;
        self.offset = Some(match text.first() {
            Some(b'+') => magnitude,
            Some(b'-') => -magnitude,
            _ => return Err(Problem::Syntax),
        });
        Ok(rest)
    }

    fn finish(mut self, value: &[u8], zone: &Zone) -> Result<Time, String> {
        match self.is_pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(year_day) = self.year_day {
            self.set_year_day(year_day, value)?;
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if day < 1 || day > days_in(month, self.year) {
            return Err(out_of_order(value, "day out of range"));
        }
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            nanos: self.nanos,
        };
        if self.is_utc {
            return Ok(Time::from_civil(&civil, Zone::utc()));
        }
        let name = String::from_utf8_lossy(&self.zone_name).into_owned();
        if let Some(offset) = self.offset {
            let unix = civil.to_seconds() - i64::from(offset);
            let here = zone.at(unix);
            let known = here.offset == offset && (name.is_empty() || here.abbreviation == name);
            let zone = if known {
                zone.clone()
            } else {
                Zone::fixed(&name, offset)
            };
            return Ok(Time::from_unix(unix, self.nanos, zone));
        }
        if !name.is_empty() {
            return Ok(in_named_zone(&civil, zone, &name));
        }
        Ok(Time::from_civil(&civil, zone.clone()))
    }

    fn set_year_day(&mut self, year_day: i64, value: &[u8]) -> Result<(), String> {
        let leap_day = is_leap(self.year) && year_day == 60;
        if year_day < 1 || (year_day > 365 && !(is_leap(self.year) && year_day == 366)) {
            return Err(out_of_order(value, "day-of-year out of range"));
        }
        let month = (1..=12)
            .rev()
            .find(|&month| days_before(month, self.year) < year_day)
            .unwrap_or(1);
        let month = if leap_day { 2 } else { month };
        let day = year_day - days_before(month, self.year);
        if self.month.is_some_and(|seen| seen != month) {
            return Err(out_of_order(value, "day-of-year does not match month"));
        }
        if self.day.is_some_and(|seen| seen != day) {
            return Err(out_of_order(value, "day-of-year does not match day"));
        }
        (self.month, self.day) = (Some(month), Some(day));
        Ok(())
    }
}

/// A time in a zone known by its abbreviation only: that of `zone` if it is in force there, else
/// one without an offset, except that `GMT+3` says its own.
fn in_named_zone(civil: &Civil, zone: &Zone, name: &str) -> Time {
    let local = Time::from_civil(civil, zone.clone());
    if zone.at(local.unix()).abbreviation == name {
        return local;
    }
    let hours = name
        .strip_prefix("GMT")
        .and_then(|hours| hours.parse::<i32>().ok());
    let unix = civil.to_seconds();
    Time::from_unix(
        unix,
        civil.nanos,
        Zone::fixed(name, hours.unwrap_or(0) * 3600),
    )
}

/// Skips literal text of the layout; any run of spaces there stands for any run of spaces.
fn skip<'v>(value: &'v [u8], prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    let (mut value, mut prefix) = (value, prefix);
    while let Some((&wanted, more)) = prefix.split_first() {
        if wanted == b' ' {
            if value.first().is_some_and(|&byte| byte != b' ') {
                return Err(value);
            }
            prefix = trim_spaces(prefix);
            value = trim_spaces(value);
        } else {
            match value.split_first() {
                Some((&found, after)) if found == wanted => value = after,
                _ => return Err(value),
            }
            prefix = more;
        }
    }
    Ok(value)
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    let spaces = text.iter().take_while(|&&byte| byte == b' ').count();
    text.get(spaces..).unwrap_or_default()
}

fn split(value: &[u8], len: usize) -> Result<(&[u8], &[u8]), Problem> {
    value.split_at_checked(len).ok_or(Problem::Syntax)
}

fn number(text: &[u8]) -> Result<i64, Problem> {
    let text = std::str::from_utf8(text).map_err(|_| Problem::Syntax)?;
    text.parse().map_err(|_| Problem::Syntax)
}

/// One digit or two; `fixed` insists on two.
fn two_digits(value: &[u8], fixed: bool) -> Result<(i64, &[u8]), Problem> {
    let digits = value
        .iter()
        .take(2)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits == 0 || (fixed && digits == 1) {
        return Err(Problem::Syntax);
    }
    let (text, rest) = split(value, digits)?;
    Ok((number(text)?, rest))
}

/// The length of a point or comma and the digits behind it.
fn fraction_len(value: &[u8]) -> usize {
    match value.split_first() {
        Some((b'.' | b',', digits)) => {
            1 + digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count()
        }
        _ => 0,
    }
}

/// A name at the start of the value, without regard to the case of letters.
fn lookup<'v>(names: &[&str], value: &'v [u8], short: bool) -> Result<(i64, &'v [u8]), Problem> {
    for (at, name) in (0..).zip(names) {
        let name = if short {
            name.get(..3).unwrap_or(name)
        } else {
            name
        };
        if let Some((text, rest)) = value.split_at_checked(name.len())
            && text.eq_ignore_ascii_case(name.as_bytes())
        {
            return Ok((at, rest));
        }
    }
    Err(Problem::Syntax)
}

/// The length of what may be the abbreviation of a zone.
fn zone_name_len(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_len(rest));
    }
    if matches!(value.first(), Some(b'+' | b'-')) {
        return Some(signed_offset_len(value)).filter(|&len| len > 0);
    }
    let upper = value
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    match upper {
        5 => (value.get(4) == Some(&b'T')).then_some(5),
        4 => (value.get(3) == Some(&b'T') || value.starts_with(b"WITA")).then_some(4),
        3 => Some(3),
        _ => None,
    }
}

/// The length of a sign and hours below 24; zero if there is no such thing.
fn signed_offset_len(value: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = value.split_first() else {
        return 0;
    };
    let len = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let hours = digits.get(..len).and_then(|digits| number(digits).ok());
    if hours.is_some_and(|hours| hours <= 23) {
        len + 1
    } else {
        0
    }
}
