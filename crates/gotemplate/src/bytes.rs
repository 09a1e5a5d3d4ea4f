//! Byte strings as Go has them.
//!
//! A Go string is an immutable run of bytes that is usually, but not necessarily, UTF-8: `slice`
//! may cut a character in two and `"\xff"` makes a byte that no character has. Everything a
//! template reads or writes is therefore a [`GoString`], and characters are only decoded where Go
//! decodes them, a malformed byte counting as one U+FFFD of width one.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// An immutable, cheaply cloned byte string.
///
/// ```
/// use gotemplate::GoString;
/// let s = GoString::from("é");
/// assert_eq!((s.len(), s.to_string()), (2, "é".to_owned()));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoString(Arc<[u8]>);

impl GoString {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of bytes, which is what Go's `len` counts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that go when this string goes.
    pub(crate) fn own_bytes(&self) -> usize {
        /// The two counts of a shared block and the least that an allocator rounds up.
        const OVERHEAD: usize = 32;
        match Arc::strong_count(&self.0) {
            1 => self.0.len() + OVERHEAD,
            _ => 0,
        }
    }

    /// The text, with U+FFFD for what is not UTF-8.
    #[must_use]
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        lossy(&self.0)
    }
}

impl Default for GoString {
    fn default() -> Self {
        Self(Arc::from(&[][..]))
    }
}

impl From<&str> for GoString {
    fn from(text: &str) -> Self {
        Self(Arc::from(text.as_bytes()))
    }
}

impl From<String> for GoString {
    fn from(text: String) -> Self {
        Self(Arc::from(text.into_bytes()))
    }
}

impl From<&[u8]> for GoString {
    fn from(bytes: &[u8]) -> Self {
        Self(Arc::from(bytes))
    }
}

impl From<Vec<u8>> for GoString {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::from(bytes))
    }
}

impl Borrow<[u8]> for GoString {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq<str> for GoString {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl fmt::Display for GoString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.to_lossy())
    }
}

impl fmt::Debug for GoString {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.to_lossy())
    }
}

/// The text of bytes as Go converts them: one U+FFFD for each malformed byte, where Rust's own
/// conversion has one for each malformed sequence.
pub(crate) fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => chars(bytes).map(|(_, c, _)| c).collect(),
    }
}

/// What stands for a malformed byte.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// The first character of `bytes` and its width; a malformed byte is U+FFFD of width one and the
/// end is U+FFFD of width zero.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else {
        return (REPLACEMENT, 0);
    };
    let width = match first {
        0..=0x7F => return (char::from(first), 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (REPLACEMENT, 1),
    };
    bytes
        .get(..width)
        .and_then(|sequence| std::str::from_utf8(sequence).ok())
        .and_then(|text| text.chars().next())
        .map_or((REPLACEMENT, 1), |c| (c, width))
}

/// The last character of `bytes` and its width, by the same rules as [`decode`].
pub(crate) fn decode_last(bytes: &[u8]) -> (char, usize) {
    let lowest = bytes.len().saturating_sub(4);
    for start in (lowest..bytes.len()).rev() {
        if let Some(tail) = bytes.get(start..) {
            let (c, width) = decode(tail);
            if width == tail.len() && (c != REPLACEMENT || width > 1) {
                return (c, width);
            }
        }
    }
    (REPLACEMENT, usize::from(!bytes.is_empty()))
}

/// The characters of a byte string with their offsets and widths.
pub(crate) fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (c, width) = decode(bytes.get(at..)?);
        if width == 0 {
            return None;
        }
        let start = at;
        at += width;
        Some((start, c, width))
    })
}

/// Whether a character that came out of [`decode`] stands for a malformed byte.
pub(crate) fn is_malformed(c: char, width: usize) -> bool {
    c == REPLACEMENT && width == 1
}

/// Appends a character as UTF-8.
pub(crate) fn push_char(out: &mut Vec<u8>, c: char) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// The offset of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [] => Some(0),
        [one] => haystack.iter().position(|byte| byte == one),
        [first, ..] => {
            let mut from = 0;
            while let Some(step) = haystack.get(from..)?.iter().position(|byte| byte == first) {
                let at = from + step;
                if haystack.get(at..)?.starts_with(needle) {
                    return Some(at);
                }
                from = at + 1;
            }
            None
        }
    }
}

/// The offset of the first byte that is one of the ASCII bytes in `set`.
pub(crate) fn find_any(haystack: &[u8], set: &[u8]) -> Option<usize> {
    haystack.iter().position(|byte| set.contains(byte))
}

/// The bytes without Unicode white space at both ends.
pub(crate) fn trim_unicode_space(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        let (c, width) = decode(rest);
        if width == 0 || !c.is_whitespace() {
            break;
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    loop {
        let (c, width) = decode_last(rest);
        if width == 0 || !c.is_whitespace() {
            return rest;
        }
        rest = rest.get(..rest.len() - width).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_byte_is_one_replacement_of_width_one() {
        let seen: Vec<_> = chars(b"a\xff\xe2\x82\xc3\xa9").collect();
        assert_eq!(
            seen,
            [
                (0, 'a', 1),
                (1, REPLACEMENT, 1),
                (2, REPLACEMENT, 1),
                (3, REPLACEMENT, 1),
                (4, 'é', 2)
            ]
        );
    }

    #[test]
    fn the_last_character_is_found_behind_malformed_bytes() {
        assert_eq!(
            [
                decode_last(b""),
                decode_last(b"\xa9"),
                decode_last("é".as_bytes())
            ],
            [(REPLACEMENT, 0), (REPLACEMENT, 1), ('é', 2)]
        );
    }
}
