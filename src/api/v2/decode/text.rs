//! The insides of strings.

use std::borrow::Cow;

const WORD: usize = size_of::<u64>();
const LOW_BITS: u64 = u64::from_ne_bytes([0x01; WORD]);
const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; WORD]);

/// How many bytes there are before the first that is a quote, a backslash or a control character.
pub fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut len = 0;
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return len + (found.trailing_zeros() / u8::BITS) as usize;
        }
        len += WORD;
    }
    let is_special = |byte: &u8| matches!(byte, 0..0x20 | b'"' | b'\\');
    len + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// A word whose lowest set bit is the high bit of its first special byte. (A borrow may set bits of
/// bytes that follow one, never of bytes before.)
fn special(word: u64) -> u64 {
    let zero_bytes = |word: u64| word.wrapping_sub(LOW_BITS) & !word;
    let equal = |byte: u8| zero_bytes(word ^ (LOW_BITS * u64::from(byte)));
    let control = word.wrapping_sub(LOW_BITS * 0x20) & !word;
    (control | equal(b'"') | equal(b'\\')) & HIGH_BITS
}

/// The text that the inside of a string stands for. Its syntax has been checked.
pub fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\')
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(escape) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escaped) = rest.split_at(escape);
        push_lossy(&mut text, plain);
        rest = push_escape(&mut text, escaped);
    }
    push_lossy(&mut text, rest);
    Cow::Owned(text)
}

/// Every byte that belongs to no character becomes U+FFFD. (Rust's own conversion makes one of
/// several.)
fn push_lossy(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Appends what the escape at the beginning stands for, and returns what is behind it.
fn push_escape<'a>(text: &mut String, escaped: &'a [u8]) -> &'a [u8] {
    let Some((&[_, letter], rest)) = escaped.split_first_chunk() else {
        return &[];
    };
    let (c, rest) = match letter {
        b'b' => ('\u{8}', rest),
        b'f' => ('\u{c}', rest),
        b'n' => ('\n', rest),
        b'r' => ('\r', rest),
        b't' => ('\t', rest),
        b'u' => unicode(escaped),
        _ => (char::from(letter), rest),
    };
    text.push(c);
    rest
}

/// The character of the `\uXXXX` at the beginning, or of two of them if they are a pair of surrogates,
/// and what is behind.
fn unicode(escaped: &[u8]) -> (char, &[u8]) {
    let (first, rest) = code_unit(escaped).unwrap_or((0, &[]));
    if let Some(c) = char::from_u32(u32::from(first)) {
        return (c, rest);
    }
    if let Some((second, behind)) = code_unit(rest)
        && let Some(Ok(c)) = char::decode_utf16([first, second]).next()
    {
        return (c, behind);
    }
    (char::REPLACEMENT_CHARACTER, rest)
}

fn code_unit(escaped: &[u8]) -> Option<(u16, &[u8])> {
    let digits = escaped.strip_prefix(b"\\u")?;
    let (digits, rest) = digits.split_first_chunk::<4>()?;
    let digits = std::str::from_utf8(digits).ok()?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn words_and_bytes_find_the_same_end(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let is_special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
            let expected = bytes.iter().position(is_special).unwrap_or(bytes.len());
            prop_assert_eq!(plain_len(&bytes), expected);
        }
    }
}
