//! Go's quoted literals: reading them (`"…"`, backquotes, `'c'`) and writing them (`%q`).

use crate::bytes::{chars, decode, is_malformed, push_char};
use crate::unicode::is_print;

/// How `%q` writes characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Printable characters as they are.
    Unicode,
    /// Only ASCII as it is (`%+q`).
    Ascii,
}

/// The bytes as a double-quoted literal.
pub(crate) fn quote(bytes: &[u8]) -> String {
    quote_with(bytes, '"', Charset::Unicode)
}

/// The bytes as a literal between `mark`s.
pub(crate) fn quote_with(bytes: &[u8], mark: char, charset: Charset) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(mark);
    for (at, c, width) in chars(bytes) {
        if is_malformed(c, width) {
            let byte = bytes.get(at).copied().unwrap_or_default();
            out.push_str(&format!("\\x{byte:02x}"));
        } else {
            push_escaped(&mut out, c, mark, charset);
        }
    }
    out.push(mark);
    out
}

/// A code point as a character literal; what is no character is U+FFFD.
pub(crate) fn quote_char(code: u64, charset: Charset) -> String {
    let c = u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or('\u{FFFD}');
    let mut out = String::from('\'');
    push_escaped(&mut out, c, '\'', charset);
    out.push('\'');
    out
}

fn push_escaped(out: &mut String, c: char, mark: char, charset: Charset) {
    if c == mark || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    let shown = match charset {
        Charset::Unicode => is_print(c),
        Charset::Ascii => c.is_ascii() && is_print(c),
    };
    if shown {
        out.push(c);
        return;
    }
    match c {
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ => {
            let code = u32::from(c);
            out.push_str(&match code {
                0..=0x1F | 0x7F => format!("\\x{code:02x}"),
                0x80..=0xFFFF => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// Whether `%#q` may use backquotes: valid UTF-8 without control characters, backquotes or a
/// byte order mark.
pub(crate) fn can_backquote(bytes: &[u8]) -> bool {
    chars(bytes).all(|(_, c, width)| {
        !is_malformed(c, width)
            && c != '\u{FEFF}'
            && (width > 1 || c == '\t' || (c >= ' ' && c != '`' && c != '\u{7F}'))
    })
}

/// The value of a string literal with its quotes; `None` is Go's `invalid syntax`.
pub(crate) fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&mark, rest) = literal.split_first()?;
    let (&end, body) = rest.split_last()?;
    if mark != end {
        return None;
    }
    if mark == b'`' {
        return Some(body.iter().copied().filter(|&byte| byte != b'\r').collect());
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        if rest.first() == Some(&b'\n') {
            return None;
        }
        let (unit, tail) = unquote_unit(rest, mark)?;
        match unit {
            Unit::Byte(byte) => out.push(byte),
            Unit::Char(c) => push_char(&mut out, c),
        }
        rest = tail;
    }
    Some(out)
}

/// What one element of a literal stands for.
pub(crate) enum Unit {
    /// A raw byte, from `\x` or an octal escape, or malformed in the source.
    Byte(u8),
    /// A character.
    Char(char),
}

/// Reads one character or escape of a literal that ends in `mark`.
pub(crate) fn unquote_unit(text: &[u8], mark: u8) -> Option<(Unit, &[u8])> {
    let (&first, rest) = text.split_first()?;
    if first == mark {
        return None;
    }
    if first != b'\\' {
        let (c, width) = decode(text);
        let unit = if is_malformed(c, width) {
            Unit::Byte(first)
        } else {
            Unit::Char(c)
        };
        return Some((unit, text.get(width..)?));
    }
    let (&kind, rest) = rest.split_first()?;
    let plain = |c: char| Some((Unit::Char(c), rest));
    match kind {
        b'a' => plain('\u{7}'),
        b'b' => plain('\u{8}'),
        b'f' => plain('\u{c}'),
        b'n' => plain('\n'),
        b'r' => plain('\r'),
        b't' => plain('\t'),
        b'v' => plain('\u{b}'),
        b'\\' => plain('\\'),
        b'\'' | b'"' if kind == mark => plain(char::from(kind)),
        b'x' => {
            let byte = u8::try_from(digits(rest.get(..2)?, 16)?).ok()?;
            Some((Unit::Byte(byte), rest.get(2..)?))
        }
        b'u' => Some((
            Unit::Char(char::from_u32(digits(rest.get(..4)?, 16)?)?),
            rest.get(4..)?,
        )),
        b'U' => Some((
            Unit::Char(char::from_u32(digits(rest.get(..8)?, 16)?)?),
            rest.get(8..)?,
        )),
        b'0'..=b'7' => {
            let value = digits(text.get(1..4)?, 8)?;
            Some((Unit::Byte(u8::try_from(value).ok()?), text.get(4..)?))
        }
        _ => None,
    }
}

fn digits(text: &[u8], radix: u32) -> Option<u32> {
    text.iter().try_fold(0u32, |sum, &byte| {
        let digit = char::from(byte).to_digit(radix)?;
        sum.checked_mul(radix)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_by_the_rules_of_the_language() {
        let cases: [&[u8]; 8] = [
            br#""a\x41\u00e9\101\"""#,
            b"`a\r\nb\\`",
            br#""\'""#,
            br#""\q""#,
            br#""\xff""#,
            br#""\ud800""#,
            br#""\400""#,
            b"\"",
        ];
        let seen: Vec<_> = cases.iter().map(|case| unquote(case)).collect();
        let expected = [
            Some("aAéA\"".as_bytes().to_vec()),
            Some(b"a\nb\\".to_vec()),
            None,
            None,
            Some(vec![0xFF]),
            None,
            None,
            None,
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn quoting_escapes_what_does_not_print() {
        let seen = [
            quote("a\"\\\n\u{7f}\u{ad}é☃\u{10ffff}".as_bytes()),
            quote(b"\xc3"),
            quote_with("é\u{1f525}".as_bytes(), '"', Charset::Ascii),
            quote_char(0xA7, Charset::Unicode),
        ];
        let expected = [
            r#""a\"\\\n\x7f\u00adé☃\U0010ffff""#,
            r#""\xc3""#,
            r#""\u00e9\U0001f525""#,
            "'§'",
        ];
        assert_eq!(seen.map(|text| text), expected.map(str::to_owned));
    }
}
