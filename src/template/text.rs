//! Functions on strings: case, base64, URLs, joining.

use gotemplate::unicode::is_known;
use gotemplate::{Call, Fault, Slice, Stop, Value};

/// The strings with the separator between them.
pub(super) fn join(call: &Call<'_>, separator: &[u8], strings: &Slice) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for (at, text) in strings.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        out.extend_from_slice(text.as_bytes());
        if out.len() > call.max_bytes() {
            return Err(Stop::Output.into());
        }
    }
    Ok(out)
}

/// Each character's own upper case: `ß` and ligatures, which have none, stay.
pub(super) fn to_upper(text: &str) -> String {
    text.chars().map(upper).collect()
}

fn upper(c: char) -> char {
    if !is_known(c) {
        return c;
    }
    let mut all = c.to_uppercase();
    match (all.next(), all.next()) {
        (Some(upper), None) if is_known(upper) => upper,
        // The letters with an iota below have a capital with the iota beside it.
        _ => capital_with_iota(c).unwrap_or(c),
    }
}

/// Each character's own lower case.
pub(super) fn to_lower(text: &str) -> String {
    text.chars()
        .map(|c| c.to_lowercase().next().filter(|_| is_known(c)).unwrap_or(c))
        .collect()
}

pub(super) fn capital_with_iota(c: char) -> Option<char> {
    let capital = match u32::from(c) {
        code @ 0x1F80..=0x1FAF => code | 8,
        0x1FB3 | 0x1FBC => 0x1FBC,
        0x1FC3 | 0x1FCC => 0x1FCC,
        0x1FF3 | 0x1FFC => 0x1FFC,
        _ => return None,
    };
    char::from_u32(capital)
}

const URL_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 in the alphabet of URLs, with padding.
pub(super) fn base64_encode(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = usize::try_from(group >> (18 - 6 * at) & 63).unwrap_or_default();
            let letter = URL_ALPHABET.get(index).copied().unwrap_or(b'=');
            out.push(if at > chunk.len() { b'=' } else { letter });
        }
    }
    out
}

/// The reverse of [`base64_encode`]; the error is the place of the first wrong byte. Line ends are
/// ignored.
pub(super) fn base64_decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    let next = |at: &mut usize| {
        while let Some(&byte) = text.get(*at) {
            *at += 1;
            if !matches!(byte, b'\r' | b'\n') {
                return Some(byte);
            }
        }
        None
    };
    loop {
        let mut group: u32 = 0;
        let mut count: u32 = 0;
        let mut is_padded = false;
        while count < 4 {
            let Some(byte) = next(&mut at) else {
                return if count == 0 {
                    Ok(out)
                } else {
                    Err(at - usize::try_from(count).unwrap_or_default())
                };
            };
            let Some(value) = URL_ALPHABET.iter().position(|&letter| letter == byte) else {
                if byte != b'=' || count < 2 {
                    return Err(at - 1);
                }
                if count == 2 {
                    match next(&mut at) {
                        None => return Err(text.len()),
                        Some(b'=') => {}
                        Some(_) => return Err(at - 1),
                    }
                }
                is_padded = true;
                break;
            };
            group = group << 6 | u32::try_from(value).unwrap_or_default();
            count += 1;
        }
        let bytes = (group << (6 * (4 - count))).to_be_bytes();
        let kept = usize::try_from(count).unwrap_or_default();
        out.extend_from_slice(bytes.get(1..kept).unwrap_or_default());
        if is_padded {
            let before = at;
            return match next(&mut at) {
                None => Ok(out),
                Some(_) => Err((at - 1).max(before)),
            };
        }
    }
}

/// A query's escapes resolved; the error is the text of the first wrong one.
pub(super) fn query_unescape(text: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
    let hex = |at: usize| {
        text.get(at)
            .and_then(|&byte| char::from(byte).to_digit(16))
            .and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 3;
                continue;
            }
            (b'%', ..) => {
                let end = (at + 3).min(text.len());
                return Err(text.get(at..end).unwrap_or_default().to_vec());
            }
            (b'+', ..) => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    Ok(out)
}

/// A text without Unicode white space at its ends, whatever bytes it holds.
pub(super) fn trim_space(text: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(text) {
        Ok(text) => text.trim().as_bytes().to_vec(),
        // Malformed bytes are no white space, so trimming what is well-formed is enough.
        Err(_) => {
            let mut rest = text;
            while let Some(chunk) = rest.utf8_chunks().next() {
                let kept = chunk.valid().trim_start().len();
                let dropped = chunk.valid().len() - kept;
                rest = rest.get(dropped..).unwrap_or_default();
                if kept > 0 || !chunk.invalid().is_empty() || dropped == 0 {
                    break;
                }
            }
            let tail = rest.utf8_chunks().last().map_or(0, |chunk| {
                if chunk.invalid().is_empty() {
                    chunk.valid().len() - chunk.valid().trim_end().len()
                } else {
                    0
                }
            });
            rest.get(..rest.len() - tail).unwrap_or_default().to_vec()
        }
    }
}

/// A duration in seconds in the units people use.
pub(super) fn humanize_duration(value: &Value) -> Result<String, Fault> {
    use gotemplate::strconv::{format_general, parse_float, shown};
    use gotemplate::types::{FLOAT64, INT, INT64, STRING, UINT, UINT64, same};
    let allowed = value.ty().is_some_and(|ty| {
        [
            &FLOAT64,
            &INT,
            &INT64,
            &UINT,
            &UINT64,
            &STRING,
            &gotemplate::time::DURATION,
        ]
        .iter()
        .any(|known| same(known, ty))
    });
    let seconds = match value {
        Value::Float(seconds) if allowed => *seconds,
        Value::Int(nanos, ty) if same(ty, &gotemplate::time::DURATION) => {
            let whole = nanos / 1_000_000_000;
            to_float(whole) + to_float(nanos % 1_000_000_000) / 1e9
        }
        Value::Int(seconds, _) if allowed => to_float(*seconds),
        Value::Uint(seconds, _) if allowed => {
            parse_float(seconds.to_string()).map_err(Fault::new)?
        }
        Value::String(text, _) if allowed => parse_float(text.as_bytes()).map_err(Fault::new)?,
        other => {
            return Err(Fault::new(format!(
                "can't convert {} to float",
                other.type_name()
            )));
        }
    };
    if !seconds.is_finite() {
        return Ok(shown(&Value::Float(seconds)));
    }
    if seconds == 0.0 {
        return Ok(format!("{}s", format_general(seconds, 4)));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    if seconds < 1.0 {
        let mut value = seconds;
        let mut prefix = "";
        for next in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if value >= 1.0 {
                break;
            }
            prefix = next;
            value *= 1000.0;
        }
        return Ok(format!("{sign}{}{prefix}s", format_general(value, 4)));
    }
    let whole = truncate(seconds);
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    let rest = whole % 60;
    // What overflowed has negative parts, which count as well.
    Ok(if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {rest}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {rest}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {rest}s")
    } else {
        format!("{sign}{}s", format_general(seconds, 4))
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rounding to the nearest float is meant"
)]
fn to_float(number: i64) -> f64 {
    number as f64
}

/// Towards zero; what is too large becomes the least integer, as on Go's usual platforms.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncate(number: f64) -> i64 {
    /// 2^63, the first float beyond the range.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if number < BOUND {
        number as i64
    } else {
        i64::MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_mapped_by_character_of_unicode_15() {
        let seen = [
            to_upper("straße ŉ ﬁ ᾳ \u{19b}"),
            to_lower("İSTANBUL ΑΣ Ǆ \u{a7dc}"),
        ];
        let expected = ["STRAßE ŉ ﬁ ᾼ \u{19b}", "istanbul ασ ǆ \u{a7dc}"];
        assert_eq!(seen.map(|text| text), expected.map(str::to_owned));
    }

    #[test]
    fn base64_reports_the_place_of_the_first_wrong_byte() {
        let cases = [
            "YQ==", "YWI=", "YWJj", "YQ", "a+/=", "YQ==x", "Y=", "YQ=a", "Y\nQ==",
        ];
        let seen: Vec<_> = cases
            .iter()
            .map(|case| base64_decode(case.as_bytes()))
            .collect();
        let expected = [
            Ok(b"a".to_vec()),
            Ok(b"ab".to_vec()),
            Ok(b"abc".to_vec()),
            Err(0),
            Err(1),
            Err(4),
            Err(1),
            Err(3),
            Ok(b"a".to_vec()),
        ];
        assert_eq!(seen, expected);
    }
}
