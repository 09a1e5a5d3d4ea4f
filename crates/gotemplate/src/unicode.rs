//! The few Unicode properties the language asks about.
//!
//! Letters (category L) and decimal digits (Nd) make identifiers; printable characters (L, M, N,
//! P, S and the ASCII space) are what `%q` and `js` leave alone.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

type Ranges = Vec<(char, char)>;

static LETTERS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\p{L}"));
static DIGITS: LazyLock<Ranges> = LazyLock::new(|| ranges(r"\p{Nd}"));

fn ranges(class: &str) -> Ranges {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(set))) => set
            .iter()
            .map(|range| (range.start(), range.end()))
            .collect(),
        _ => Vec::new(),
    }
}

fn contains(ranges: &[(char, char)], c: char) -> bool {
    ranges
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

/// Whether `c` may stand in an identifier.
pub(crate) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        c == '_' || c.is_ascii_alphanumeric()
    } else {
        contains(&LETTERS, c) || contains(&DIGITS, c)
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
    text.escape_debug().eq(text.chars())
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
            'é', '\u{301}', '\u{ad}', '\u{a0}', '\u{2028}', '☃', '\u{e000}',
        ]
        .map(is_print);
        assert_eq!(seen, [true, true, false, false, false, true, false]);
    }
}
