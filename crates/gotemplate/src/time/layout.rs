//! Go's time layouts: the parts of the reference time `Mon Jan 2 15:04:05 MST 2006` in a text.
//!
//! A layout is scanned from left to right; at each byte the first part that matches is taken and
//! all else is literal.

use super::Time;
use super::units::{MONTHS, WEEKDAYS};

/// A part of the reference time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    /// A numeric offset; `z` writes `Z` for none.
    Offset {
        z: bool,
        form: OffsetForm,
    },
    /// A fraction of the second with that many digits; `trim` drops zeros at the end.
    Fraction {
        digits: usize,
        trim: bool,
    },
}

/// How an offset is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetForm {
    Hours,
    Minutes,
    ColonMinutes,
    Seconds,
    ColonSeconds,
}

/// The literal text before the first part, the part, its source and what follows; no part at all
/// leaves everything literal.
pub(super) struct Chunk<'l> {
    pub(super) prefix: &'l [u8],
    pub(super) part: Option<Part>,
    pub(super) source: &'l [u8],
    pub(super) suffix: &'l [u8],
}

pub(super) fn next_chunk(layout: &[u8]) -> Chunk<'_> {
    for start in 0..layout.len() {
        let (_, rest) = layout.split_at(start);
        if let Some((part, skip, len)) = part_at(rest) {
            let (prefix, _) = layout.split_at(start + skip);
            let (source, suffix) = rest.get(skip..).unwrap_or_default().split_at(len);
            return Chunk {
                prefix,
                part: Some(part),
                source,
                suffix,
            };
        }
    }
    Chunk {
        prefix: layout,
        part: None,
        source: &[],
        suffix: &[],
    }
}

const OFFSETS: [(&[u8], OffsetForm); 5] = [
    (b"070000", OffsetForm::Seconds),
    (b"07:00:00", OffsetForm::ColonSeconds),
    (b"0700", OffsetForm::Minutes),
    (b"07:00", OffsetForm::ColonMinutes),
    (b"07", OffsetForm::Hours),
];

/// The part a text begins with, how many bytes before it are literal all the same, and its length.
fn part_at(text: &[u8]) -> Option<(Part, usize, usize)> {
    let whole = |part, len| Some((part, 0, len));
    let no_lower = |len: usize| !text.get(len).is_some_and(u8::is_ascii_lowercase);
    match text {
        [b'J', ..] if text.starts_with(b"January") => whole(Part::LongMonth, 7),
        [b'J', b'a', b'n', ..] if no_lower(3) => whole(Part::Month, 3),
        [b'M', ..] if text.starts_with(b"Monday") => whole(Part::LongWeekday, 6),
        [b'M', b'o', b'n', ..] if no_lower(3) => whole(Part::Weekday, 3),
        [b'M', b'S', b'T', ..] => whole(Part::ZoneName, 3),
        [b'0', b'1', ..] => whole(Part::ZeroMonth, 2),
        [b'0', b'2', ..] => whole(Part::ZeroDay, 2),
        [b'0', b'3', ..] => whole(Part::ZeroHour12, 2),
        [b'0', b'4', ..] => whole(Part::ZeroMinute, 2),
        [b'0', b'5', ..] => whole(Part::ZeroSecond, 2),
        [b'0', b'6', ..] => whole(Part::Year, 2),
        [b'0', b'0', b'2', ..] => whole(Part::ZeroYearDay, 3),
        [b'1', b'5', ..] => whole(Part::Hour, 2),
        [b'1', ..] => whole(Part::NumMonth, 1),
        [b'2', ..] if text.starts_with(b"2006") => whole(Part::LongYear, 4),
        [b'2', ..] => whole(Part::Day, 1),
        [b'_', ..] if text.starts_with(b"_2006") => Some((Part::LongYear, 1, 4)),
        [b'_', b'2', ..] => whole(Part::UnderDay, 2),
        [b'_', b'_', b'2', ..] => whole(Part::UnderYearDay, 3),
        [b'3', ..] => whole(Part::Hour12, 1),
        [b'4', ..] => whole(Part::Minute, 1),
        [b'5', ..] => whole(Part::Second, 1),
        [b'P', b'M', ..] => whole(Part::UpperPm, 2),
        [b'p', b'm', ..] => whole(Part::LowerPm, 2),
        [sign @ (b'-' | b'Z'), digits @ ..] => {
            let (form, shape) = OFFSETS
                .iter()
                .find(|(shape, _)| digits.starts_with(shape))
                .map(|(shape, form)| (*form, shape.len()))?;
            whole(
                Part::Offset {
                    z: *sign == b'Z',
                    form,
                },
                shape + 1,
            )
        }
        [b'.' | b',', digit @ (b'0' | b'9'), ..] => {
            let digits = text
                .iter()
                .skip(1)
                .take_while(|byte| *byte == digit)
                .count();
            if text.get(digits + 1).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            whole(
                Part::Fraction {
                    digits,
                    trim: *digit == b'9',
                },
                digits + 1,
            )
        }
        _ => None,
    }
}

pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let civil = time.civil();
    let zone = time.zone().at(time.unix());
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut rest = layout;
    loop {
        let chunk = next_chunk(rest);
        out.extend_from_slice(chunk.prefix);
        rest = chunk.suffix;
        let Some(part) = chunk.part else {
            return out;
        };
        let text = match part {
            Part::LongMonth => name_of(&MONTHS, civil.month - 1).to_owned(),
            Part::Month => short_name_of(&MONTHS, civil.month - 1).to_owned(),
            Part::NumMonth => civil.month.to_string(),
            Part::ZeroMonth => format!("{:02}", civil.month),
            Part::LongWeekday => name_of(&WEEKDAYS, civil.weekday()).to_owned(),
            Part::Weekday => short_name_of(&WEEKDAYS, civil.weekday()).to_owned(),
            Part::Day => civil.day.to_string(),
            Part::UnderDay => format!("{:2}", civil.day),
            Part::ZeroDay => format!("{:02}", civil.day),
            Part::UnderYearDay => format!("{:3}", civil.day_of_year()),
            Part::ZeroYearDay => format!("{:03}", civil.day_of_year()),
            Part::Hour => format!("{:02}", civil.hour),
            Part::Hour12 => hour12(civil.hour).to_string(),
            Part::ZeroHour12 => format!("{:02}", hour12(civil.hour)),
            Part::Minute => civil.minute.to_string(),
            Part::ZeroMinute => format!("{:02}", civil.minute),
            Part::Second => civil.second.to_string(),
            Part::ZeroSecond => format!("{:02}", civil.second),
            Part::LongYear if civil.year < 0 => format!("-{:04}", civil.year.unsigned_abs()),
            Part::LongYear => format!("{:04}", civil.year),
            Part::Year => format!("{:02}", civil.year.unsigned_abs() % 100),
            Part::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
            Part::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
            Part::ZoneName if zone.abbreviation.is_empty() => {
                offset_text(zone.offset, OffsetForm::Minutes)
            }
            // The database names zones without letters by their offset; Go shows those as they are.
            Part::ZoneName => zone.abbreviation.clone(),
            Part::Offset { z: true, .. } if zone.offset == 0 => "Z".to_owned(),
            Part::Offset { form, .. } => offset_text(zone.offset, form),
            Part::Fraction { digits, trim } => {
                let all = format!("{:09}", civil.nanos);
                let kept = all.get(..digits).unwrap_or(&all);
                let kept = if trim {
                    kept.trim_end_matches('0')
                } else {
                    kept
                };
                let point = chunk.source.first().copied().map_or('.', char::from);
                if kept.is_empty() {
                    String::new()
                } else {
                    format!("{point}{kept}")
                }
            }
        };
        out.extend_from_slice(text.as_bytes());
    }
}

fn hour12(hour: i64) -> i64 {
    if hour % 12 == 0 { 12 } else { hour % 12 }
}

fn name_of(names: &[&'static str], at: i64) -> &'static str {
    usize::try_from(at)
        .ok()
        .and_then(|at| names.get(at))
        .copied()
        .unwrap_or_default()
}

fn short_name_of(names: &[&'static str], at: i64) -> &'static str {
    name_of(names, at).get(..3).unwrap_or_default()
}

fn offset_text(offset: i32, form: OffsetForm) -> String {
    // The sign is that of the whole minutes, as in Go.
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let minutes = (offset / 60).unsigned_abs();
    let seconds = if sign == '-' {
        (-offset) % 60
    } else {
        offset % 60
    };
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match form {
        OffsetForm::Hours => format!("{sign}{hours:02}"),
        OffsetForm::Minutes => format!("{sign}{hours:02}{minutes:02}"),
        OffsetForm::ColonMinutes => format!("{sign}{hours:02}:{minutes:02}"),
        OffsetForm::Seconds => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        OffsetForm::ColonSeconds => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
    }
}
