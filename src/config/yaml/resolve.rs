//! What a scalar is: YAML 1.1 as gopkg.in/yaml.v2 understands it.

/// The kind of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tag {
    /// Nothing.
    Null,
    /// `yes`, `no` and their like.
    Bool,
    /// A whole number.
    Int,
    /// Any other number.
    Float,
    /// Text.
    Str,
    /// A date, which stays text wherever it goes.
    Timestamp,
}

impl Tag {
    /// Its short form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool => "!!bool",
            Self::Int => "!!int",
            Self::Float => "!!float",
            Self::Str => "!!str",
            Self::Timestamp => "!!timestamp",
        }
    }
}

/// A scalar's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number that fits into 64 bits with a sign.
    Int(i64),
    /// A larger one.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Its own text.
    Str,
    /// Its own text, which looks like a date.
    Timestamp,
}

impl Resolved {
    /// Its kind.
    #[must_use]
    pub fn tag(&self) -> Tag {
        match self {
            Self::Null => Tag::Null,
            Self::Bool(_) => Tag::Bool,
            Self::Int(_) | Self::Uint(_) => Tag::Int,
            Self::Float(_) => Tag::Float,
            Self::Str => Tag::Str,
            Self::Timestamp => Tag::Timestamp,
        }
    }
}

/// What a plain scalar of that text is. `may_be_date`: without a tag, or with that of a date.
#[must_use]
pub fn resolve(text: &str, may_be_date: bool) -> Resolved {
    if let Some(word) = word(text) {
        return word;
    }
    match text.as_bytes().first() {
        Some(b'.') => match parse_float(&without_separators(text)) {
            Some(number) => Resolved::Float(number),
            None => Resolved::Str,
        },
        Some(b'+' | b'-' | b'0'..=b'9') => {
            if may_be_date && is_date(text) {
                return Resolved::Timestamp;
            }
            number(&text.replace('_', ""))
        }
        _ => Resolved::Str,
    }
}

/// Whether older readers would take that text for a number to the base 60, so that it is quoted when
/// it is written.
#[must_use]
pub fn is_base_60(text: &str) -> bool {
    // ^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut pieces = text.split(':');
    let is_head = pieces.next().is_some_and(|head| {
        head.starts_with(|c: char| c.is_ascii_digit())
            && head.chars().all(|c| c.is_ascii_digit() || c == '_')
    });
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, others)) = pieces.split_last() else {
        return false;
    };
    let (last, fraction) = last.split_once('.').unwrap_or((last, ""));
    is_head
        && fraction.chars().all(|c| c.is_ascii_digit() || c == '_')
        && others
            .iter()
            .chain([&last])
            .all(|piece| matches!(piece.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

fn word(text: &str) -> Option<Resolved> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(plain: &str) -> Resolved {
    if let Some(number) = whole(plain) {
        return number;
    }
    if is_float(plain)
        && let Some(number) = parse_float(plain)
    {
        return Resolved::Float(number);
    }
    Resolved::Str
}

/// A whole number as Go reads it when the base is left to the text: `0x`, `0o`, `0b`, and a leading
/// zero for eight.
fn whole(plain: &str) -> Option<Resolved> {
    let (is_negative, has_sign, digits) = match plain.as_bytes().first()? {
        b'-' => (true, true, &plain[1..]),
        b'+' => (false, true, &plain[1..]),
        _ => (false, false, plain),
    };
    let lower = |at: usize| digits.as_bytes().get(at).map(u8::to_ascii_lowercase);
    let (base, digits) = match (lower(0), lower(1)) {
        (Some(b'0'), Some(b'x')) => (16, &digits[2..]),
        (Some(b'0'), Some(b'o')) => (8, &digits[2..]),
        (Some(b'0'), Some(b'b')) => (2, &digits[2..]),
        (Some(b'0'), Some(_)) => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    match u64::from_str_radix(digits, base) {
        Ok(number) if is_negative => 0_i64.checked_sub_unsigned(number).map(Resolved::Int),
        Ok(number) => match i64::try_from(number) {
            Ok(number) => Some(Resolved::Int(number)),
            // Go reads what does not fit once more as a number without a sign, which `+` is not.
            Err(_) if has_sign => None,
            Err(_) => Some(Resolved::Uint(number)),
        },
        Err(_) => None,
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && digits(text);
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => some_digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => some_digits(mantissa),
    };
    is_mantissa
        && exponent.is_none_or(|exponent| {
            some_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))
        })
}

fn parse_float(text: &str) -> Option<f64> {
    if !is_float(text) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A number without the `_` between its digits; elsewhere they stay, and make it a text.
fn without_separators(text: &str) -> String {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    text.char_indices()
        .filter(|(at, c)| *c != '_' || !is_digit(at.checked_sub(1)) || !is_digit(Some(at + 1)))
        .map(|(_, c)| c)
        .collect()
}

/// The four forms of a date that the library knows, with one or two digits for each part but the
/// year.
fn is_date(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else {
        return false;
    };
    if year.len() != 4 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let Some((month, rest)) = small(rest) else {
        return false;
    };
    let Some((day, rest)) = rest.strip_prefix('-').and_then(small) else {
        return false;
    };
    if !is_day(year, month, day) {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => time(&rest[1..]).is_some_and(is_zone),
        Some(b' ') => time(rest.trim_start_matches(' ')).is_some_and(str::is_empty),
        _ => false,
    }
}

/// One or two digits, and what follows.
fn small(text: &str) -> Option<(u32, &str)> {
    let count = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let number = text[..count].parse().ok()?;
    Some((number, &text[count..]))
}

fn is_day(year: &str, month: u32, day: u32) -> bool {
    let year: u32 = year.parse().unwrap_or_default();
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Hours, minutes, seconds and perhaps a fraction; gives what follows.
fn time(text: &str) -> Option<&str> {
    let (hour, rest) = small(text)?;
    let (minute, rest) = rest.strip_prefix(':').and_then(small)?;
    let (second, rest) = rest.strip_prefix(':').and_then(small)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction = rest.strip_prefix(['.', ',']).unwrap_or(rest);
    let after = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    if fraction.len() == rest.len() || after.len() == fraction.len() {
        return Some(rest);
    }
    Some(after)
}

/// `Z` or `±hh:mm`.
fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        [b'Z'] => true,
        [b'+' | b'-', hours @ .., b':', m1, m2] => {
            hours.len() == 2
                && hours.iter().chain([m1, m2]).all(u8::is_ascii_digit)
                && (hours[0] - b'0') * 10 + (hours[1] - b'0') <= 24
                && *m1 <= b'6'
        }
        _ => false,
    }
}
