//! JSON as Go's `encoding/json` writes it (1.22 and later).

use gotemplate::time::Civil;

use crate::model::LabelSet;
use crate::sys::WallTime;

/// What is escaped beside what must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// Nothing.
    Plain,
    /// `<`, `>`, `&`.
    Html,
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes a text as a string.
pub fn string(out: &mut Vec<u8>, text: &str, escape: Escape) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let is_plain = match byte {
            b'<' | b'>' | b'&' => escape == Escape::Plain,
            // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
            0xE2 => !matches!(bytes.get(at + 1..at + 3), Some([0x80, 0xA8 | 0xA9])),
            0..0x20 | b'"' | b'\\' => false,
            _ => true,
        };
        if is_plain {
            continue;
        }
        out.extend_from_slice(bytes.get(written..at).unwrap_or_default());
        written = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            0xE2 => {
                let last = bytes.get(at + 2).copied().unwrap_or_default();
                out.extend_from_slice(b"\\u202");
                out.push(hex(last & 0x0F));
                written = at + 3;
            }
            _ => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[hex(byte >> 4), hex(byte & 0x0F)]);
            }
        }
    }
    out.extend_from_slice(bytes.get(written..).unwrap_or_default());
    out.push(b'"');
}

fn hex(digit: u8) -> u8 {
    HEX.get(usize::from(digit & 0x0F)).copied().unwrap_or(b'0')
}

/// Writes an object of labels.
pub fn labels(out: &mut Vec<u8>, labels: &LabelSet, escape: Escape) {
    out.push(b'{');
    for (index, (name, value)) in labels.iter().enumerate() {
        comma(out, index);
        string(out, name, escape);
        out.push(b':');
        string(out, value, escape);
    }
    out.push(b'}');
}

/// Writes a comma before all elements but the first.
pub fn comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

/// Writes an instant in UTC with milliseconds, cut and not rounded.
pub fn instant(out: &mut Vec<u8>, time: WallTime) {
    const SECOND_NS: i64 = 1_000_000_000;
    let millis = time.0.rem_euclid(SECOND_NS) / 1_000_000;
    let civil = Civil::from_seconds(time.0.div_euclid(SECOND_NS), 0);
    out.push(b'"');
    digits::<4>(out, civil.year);
    out.push(b'-');
    digits::<2>(out, civil.month);
    out.push(b'-');
    digits::<2>(out, civil.day);
    out.push(b'T');
    digits::<2>(out, civil.hour);
    out.push(b':');
    digits::<2>(out, civil.minute);
    out.push(b':');
    digits::<2>(out, civil.second);
    out.push(b'.');
    digits::<3>(out, millis);
    out.extend_from_slice(b"Z\"");
}

/// Writes the last `N` digits of a number that is not negative.
fn digits<const N: usize>(out: &mut Vec<u8>, mut number: i64) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + number.rem_euclid(10).to_le_bytes()[0];
        number /= 10;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let write = |text: &str, escape| {
            let mut out = Vec::new();
            string(&mut out, text, escape);
            String::from_utf8(out).unwrap()
        };
        let text = "<é>&\"\\\u{7f}\u{1}\u{8}\u{c}\n\r\t\u{2028}\u{2029}\u{2027}/🙂";
        assert_eq!(
            [write(text, Escape::Html), write(text, Escape::Plain)],
            [
                "\"\\u003cé\\u003e\\u0026\\\"\\\\\u{7f}\\u0001\\b\\f\\n\\r\\t\\u2028\\u2029\u{2027}/🙂\"",
                "\"<é>&\\\"\\\\\u{7f}\\u0001\\b\\f\\n\\r\\t\\u2028\\u2029\u{2027}/🙂\"",
            ]
        );
    }

    #[test]
    fn instants_are_cut_to_milliseconds() {
        let write = |ns| {
            let mut out = Vec::new();
            instant(&mut out, WallTime(ns));
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            [write(1_795_318_794_509_999_999), write(-1), write(0)],
            [
                "\"2026-11-22T03:39:54.509Z\"",
                "\"1969-12-31T23:59:59.999Z\"",
                "\"1970-01-01T00:00:00.000Z\"",
            ]
        );
    }
}
