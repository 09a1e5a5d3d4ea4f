//! The few Unicode properties the language asks about, as of the Unicode version Go knows.
//!
//! Letters (category L) and decimal digits (Nd) make identifiers; printable characters (L, M, N,
//! P, S and the ASCII space) are what `%q` and `js` leave alone.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// The characters of Unicode 15, which is the version of Go 1.26. To Go later ones are unassigned:
/// not printable, and without upper or lower case.
static KNOWN: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(r"\p{Age:15.0}"));
static LETTERS: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(r"[\p{L}&&\p{Age:15.0}]"));
static DIGITS: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(r"[\p{Nd}&&\p{Age:15.0}]"));

/// A set of characters, for hosts whose functions depend on properties of characters too.
///
/// ```
/// use gotemplate::unicode::CharSet;
/// assert!(CharSet::of(r"[\p{WB=MidLetter}:]").contains(':'));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CharSet(Vec<(char, char)>);

impl CharSet {
    /// The set that a class of a regular expression means, with the general categories, ages,
    /// binary properties and word breaks (`WB`); the empty set if it is no class.
    #[must_use]
    pub fn of(class: &str) -> Self {
        match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(set))) => Self(
                set.iter()
                    .map(|range| (range.start(), range.end()))
                    .collect(),
            ),
            _ => Self::default(),
        }
    }

    /// Whether the character is in the set.
    #[must_use]
    pub fn contains(&self, c: char) -> bool {
        self.0
            .binary_search_by(|&(low, high)| {
                if high < c {
                    std::cmp::Ordering::Less
                } else if low > c {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Equal
                }
            })
            .is_ok()
    }
}

/// Whether the character is one of the Unicode version that Go knows.
#[must_use]
pub fn is_known(c: char) -> bool {
    c.is_ascii() || KNOWN.contains(c)
}

/// Whether `c` may stand in an identifier.
pub(crate) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        c == '_' || c.is_ascii_alphanumeric()
    } else {
        LETTERS.contains(c) || DIGITS.contains(c)
    }
}

/// Whether `c` is shown as itself by `%q`.
pub(crate) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // The standard library escapes exactly the unprintable ones in the middle of a string; only
    // a leading combining mark is treated differently, hence the letter before it.
    let mut buffer = ['a'; 2];
    if let Some(last) = buffer.last_mut() {
        *last = c;
    }
    let text: String = buffer.iter().collect();
    text.escape_debug().eq(text.chars()) && is_known(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_are_judged_by_general_category() {
        let seen =
            ['é', '٣', '日', '\u{24b6}', '\u{2160}', '\u{93e}', '_', '-'].map(is_alphanumeric);
        assert_eq!(seen, [true, true, true, false, false, false, true, false]);
    }

    #[test]
    fn printing_excludes_controls_formats_and_wide_spaces() {
        let seen = [
            'é', '\u{301}', '\u{ad}', '\u{a0}', '\u{2028}', '☃', '\u{e000}', '\u{1c89}',
        ]
        .map(is_print);
        assert_eq!(seen, [true, true, false, false, false, true, false, false]);
    }
}
