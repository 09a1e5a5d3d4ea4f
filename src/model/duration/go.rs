//! The durations of Go: `1h30m`, `1.5s`, `-5ms`.

use std::fmt;

/// Why a text is no duration, in the words of Go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoDurationError {
    what: String,
    text: String,
}

impl fmt::Display for GoDurationError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "time: {} {}", self.what, quote(&self.text))
    }
}

impl std::error::Error for GoDurationError {}

/// The micro sign, and the Greek letter that looks like it.
pub(super) const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", super::MICROSECOND),
    ("\u{b5}s", super::MICROSECOND),
    ("\u{3bc}s", super::MICROSECOND),
    ("ms", super::MILLISECOND),
    ("s", super::SECOND),
    ("m", super::MINUTE),
    ("h", super::HOUR),
];

/// With those that kingpin adds.
pub(super) const UNITS_WITH_DAYS: [(&str, u64); 10] = [
    UNITS[0],
    UNITS[1],
    UNITS[2],
    UNITS[3],
    UNITS[4],
    UNITS[5],
    UNITS[6],
    UNITS[7],
    ("d", super::DAY),
    ("w", super::WEEK),
];

/// The magnitude of the most negative duration.
const MOST: u64 = 1 << 63;

/// The nanoseconds of a duration.
pub(super) fn parse(text: &str, units: &[(&str, u64)]) -> Result<i64, GoDurationError> {
    let failed = |what: String| GoDurationError {
        what,
        text: text.to_owned(),
    };
    let invalid = || failed("invalid duration".to_owned());
    let is_negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total = 0u64;
    while !rest.is_empty() {
        let (whole, behind) = super::split_at_first(rest, |c| !c.is_ascii_digit());
        let (fraction, behind) = match behind.strip_prefix('.') {
            Some(behind) => super::split_at_first(behind, |c| !c.is_ascii_digit()),
            None => ("", behind),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let number: u64 = match whole {
            "" => 0,
            _ => whole.parse().map_err(|_| invalid())?,
        };
        let (unit, behind) = super::split_at_first(behind, |c| c == '.' || c.is_ascii_digit());
        if unit.is_empty() {
            // A number too large is told of before the unit that is missing behind it.
            let what = if number > MOST {
                "invalid duration"
            } else {
                "missing unit in duration"
            };
            return Err(failed(what.to_owned()));
        }
        let Some((_, scale)) = units.iter().find(|(name, _)| *name == unit) else {
            let what = if number > MOST {
                "invalid duration".to_owned()
            } else {
                format!("unknown unit {} in duration", quote(unit))
            };
            return Err(failed(what));
        };
        total = number
            .checked_mul(*scale)
            .and_then(|part| part.checked_add(part_of(*scale, fraction)))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= MOST)
            .ok_or_else(invalid)?;
        rest = behind;
    }
    let nanos = i128::from(total) * if is_negative { -1 } else { 1 };
    i64::try_from(nanos).map_err(|_| invalid())
}

/// That fraction of a unit, cut to whole nanoseconds: digits count as far as 63 bits hold them.
fn part_of(scale: u64, fraction: &str) -> u64 {
    let mut value = 0u64;
    let mut tens = 1.0;
    for digit in fraction.bytes() {
        let next = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(u64::from(digit - b'0')));
        match next.filter(|next| *next <= MOST) {
            Some(next) => value = next,
            None => break,
        }
        tens *= 10.0;
    }
    // Go reckons in floating point here, and a nanosecond more or less would be another duration.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rounding is the rule; the result is less than one unit"
    )]
    let nanos = (value as f64 * (scale as f64 / tens)) as u64;
    nanos
}

/// As Go's `time` quotes: bytes that are not printable ASCII in hexadecimal.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=0x7F => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn durations_are_read_and_refused_as_go_does() {
        let cases = [
            ("90s", "1m30s"),
            ("1h30m", "1h30m0s"),
            ("1.5s", "1.5s"),
            ("-5s", "-5s"),
            ("+.5h", "30m0s"),
            ("0", "0s"),
            ("1\u{b5}s1\u{3bc}s", "2\u{b5}s"),
            ("0.3333333333333333333h", "20m0s"),
            ("-9223372036854775808ns", "-2562047h47m16.854775808s"),
            (
                "9223372036854775808ns",
                "time: invalid duration \"9223372036854775808ns\"",
            ),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("60", "time: missing unit in duration \"60\""),
            ("", "time: invalid duration \"\""),
            (".s", "time: invalid duration \".s\""),
            (
                "1\u{e9}",
                "time: unknown unit \"\\xc3\\xa9\" in duration \"1\\xc3\\xa9\"",
            ),
        ];
        let seen = cases.map(|(text, _)| match super::super::Duration::parse_go(text) {
            Ok(duration) => duration.go(),
            Err(error) => error.to_string(),
        });
        assert_eq!(seen, cases.map(|(_, expected)| expected.to_owned()));
    }
}
