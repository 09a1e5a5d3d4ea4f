//! The function `title`: words with a capital letter.
//!
//! Alertmanager 0.34 uses x/text's title case of American English with the tables of Unicode 15. The
//! first *cased* character of a word gets its title case and the other ones their lower case. Words
//! are divided by a rule simpler than Unicode's: letters, digits and what joins them never divide,
//! the marks that may stand within a word (`'`, `.`, `:`) divide next to another of their kind, and
//! everything else divides.

use std::sync::LazyLock;

use gotemplate::unicode::{CharSet, is_known};

use super::text::capital_with_iota;

static LETTERS: LazyLock<CharSet> = LazyLock::new(|| {
    CharSet::of(
        r"[[\p{WB=ALetter}\p{WB=Hebrew_Letter}\p{WB=Numeric}\p{WB=ExtendNumLet}\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}--\x{19da}]&&\p{Age:15.0}]",
    )
});
static MIDS: LazyLock<CharSet> = LazyLock::new(|| {
    CharSet::of(r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}:\x{fe13}\x{fe55}\x{ff1a}]")
});
static CASED: LazyLock<CharSet> =
    LazyLock::new(|| CharSet::of(r"[[\p{Cased}\x{295}]&&\p{Age:15.0}]"));
static IGNORED: LazyLock<CharSet> = LazyLock::new(|| CharSet::of(r"\p{Case_Ignorable}"));

/// How a character takes part in the division into words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Never divides.
    Letter,
    /// Divides only next to another of its kind.
    Mid,
    /// Divides.
    Break,
}

fn class(c: char) -> Class {
    if LETTERS.contains(c) {
        Class::Letter
    } else if MIDS.contains(c) {
        Class::Mid
    } else {
        Class::Break
    }
}

/// The text with each word's first cased character in title case and the others in lower case.
/// Malformed bytes stay as they are, and divide words.
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out.extend_from_slice(well_formed(chunk.valid()).as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    out
}

fn well_formed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut is_inside = false;
    let mut was_mid = false;
    for (at, c) in text.char_indices() {
        let class = class(c);
        match class {
            Class::Break => is_inside = false,
            Class::Mid if was_mid => is_inside = false,
            Class::Mid | Class::Letter => {}
        }
        was_mid = class == Class::Mid;
        if !CASED.contains(c) {
            out.push(c);
        } else if is_inside {
            let rest = text.get(at + c.len_utf8()..).unwrap_or_default();
            push_lower(&mut out, c, rest);
        } else {
            push_title(&mut out, c);
            is_inside = true;
        }
    }
    out
}

fn push_title(out: &mut String, c: char) {
    match c {
        'Ǆ'..='ǆ' => out.push('ǅ'),
        'Ǉ'..='ǉ' => out.push('ǈ'),
        'Ǌ'..='ǌ' => out.push('ǋ'),
        'Ǳ'..='ǳ' => out.push('ǲ'),
        'ა'..='ჿ' => out.push(c),
        'ŉ' => out.push_str("ʼN"),
        _ => {
            if let Some(capital) = capital_with_iota(c) {
                return out.push(capital);
            }
            let mut upper = c.to_uppercase();
            let Some(first) = upper.next().filter(|&first| is_known(first)) else {
                return out.push(c);
            };
            out.push(first);
            for more in upper {
                match more {
                    // An iota that stood below stays there, as a mark.
                    'Ι' => out.push('\u{345}'),
                    more => out.extend(more.to_lowercase()),
                }
            }
        }
    }
}

/// Lower case within a word; a sigma at its end has a form of its own.
fn push_lower(out: &mut String, c: char, rest: &str) {
    if c == 'Σ' {
        let next = rest.chars().find(|&next| !IGNORED.contains(next));
        let ends = next.is_none_or(|next| !CASED.contains(next));
        out.push(if ends { 'ς' } else { 'σ' });
    } else {
        out.extend(c.to_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_with_their_first_cased_character() {
        let seen =
            well_formed("foo_bar foo-bar a.b a..b don't WORLD 2nd 1.a ß ﬁx ΑΣ ǆ ᾲ ʕx \u{1c8a}x");
        assert_eq!(
            seen,
            "Foo_bar Foo-Bar A.b A..B Don't World 2Nd 1.A Ss Fix Ας ǅ Ὰͅ ʕx \u{1c8a}X"
        );
    }

    #[test]
    fn malformed_bytes_stay_and_divide_words() {
        assert_eq!(title(b"a\xffb\xe2\x82c"), b"A\xffB\xe2\x82C");
    }
}
