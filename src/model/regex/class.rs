//! Classes: `[…]`, `[:alpha:]`, `\d`, `\pL`.

use super::RegexError;
use super::reader::Reader;
use super::unicode;

const INVALID_RANGE: &str = "invalid character class range";

/// The names between `[:` and `:]`, which mean the same to the crate.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// A class of the crate that contains nothing.
pub(super) const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
/// And one that contains everything.
const EVERYTHING: &str = r"[\x{0}-\x{10FFFF}]";

/// Code points that are no characters: to Go they can be written, but no text contains them.
const SURROGATES: std::ops::RangeInclusive<u32> = 0xD800..=0xDFFF;

impl Reader<'_> {
    /// `\d` and its like, or `\pL`.
    pub(super) fn class_escape(&mut self) -> Result<Option<String>, RegexError> {
        let Some(letter) = self.rest().chars().nth(1) else {
            return Ok(None);
        };
        let ascii = match letter {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0c\r ]",
            'S' => r"[^\t\n\x0c\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => return self.unicode_class(letter == 'P').map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(ascii.to_owned()))
    }

    fn unicode_class(&mut self, is_negative: bool) -> Result<String, RegexError> {
        let rest = self.rest();
        let body = rest.get(2..).unwrap_or_default();
        let (name, len) = match body.strip_prefix('{') {
            Some(braced) => match braced.split_once('}') {
                Some((name, _)) => (name, name.len() + 4),
                None => return Err(RegexError::new(INVALID_RANGE, rest)),
            },
            None => {
                let len = body.chars().next().map_or(0, char::len_utf8);
                (body.get(..len).unwrap_or_default(), len + 2)
            }
        };
        let (name, is_negative) = match name.strip_prefix('^') {
            Some(name) => (name, !is_negative),
            None => (name, is_negative),
        };
        let Some(class) = unicode::class(name) else {
            let fragment = rest.get(..len).unwrap_or(rest);
            return Err(RegexError::new(INVALID_RANGE, fragment));
        };
        self.at += len;
        Ok(match (class, is_negative) {
            (unicode::Class::Named(name), false) => format!("\\p{{{name}}}"),
            (unicode::Class::Named(name), true) => format!("\\P{{{name}}}"),
            (unicode::Class::Empty, false) => NOTHING.to_owned(),
            (unicode::Class::Empty, true) => EVERYTHING.to_owned(),
        })
    }

    /// A class in brackets, in the syntax of the crate.
    pub(super) fn class(&mut self) -> Result<String, RegexError> {
        let whole = self.rest();
        self.at += 1;
        let is_negative = self.peek() == Some('^');
        self.at += usize::from(is_negative);
        let mut items = String::new();
        let mut is_first = true;
        // A bracket that comes first is one of the characters.
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if let Some(class) = self.posix_class()? {
                items.push_str(&class);
                continue;
            }
            if self.peek() == Some('\\')
                && let Some(class) = self.class_escape()?
            {
                items.push_str(&class);
                continue;
            }
            let start = self.at;
            let low = self.class_character(whole)?;
            let mut high = low;
            let rest = self.rest();
            if rest.starts_with('-') && !rest.starts_with("-]") && 1 < rest.len() {
                self.at += 1;
                high = self.class_character(whole)?;
                if high < low {
                    return Err(RegexError::new(INVALID_RANGE, self.since(start)));
                }
            }
            push_range(&mut items, low, high);
        }
        self.at += 1;
        Ok(match (items.is_empty(), is_negative) {
            (true, false) => NOTHING.to_owned(),
            (true, true) => EVERYTHING.to_owned(),
            (false, false) => format!("[{items}]"),
            (false, true) => format!("[^{items}]"),
        })
    }

    fn class_character(&mut self, whole: &str) -> Result<u32, RegexError> {
        match self.peek() {
            None => Err(RegexError::new("missing closing ]", whole)),
            Some('\\') => self.character_escape(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(c.into())
            }
        }
    }

    /// `[:alpha:]` within a class.
    fn posix_class(&mut self) -> Result<Option<String>, RegexError> {
        let Some((name, _)) = self
            .rest()
            .strip_prefix("[:")
            .and_then(|body| body.split_once(":]"))
        else {
            return Ok(None);
        };
        let class = format!("[:{name}:]");
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(RegexError::new(INVALID_RANGE, class));
        }
        self.at += class.len();
        Ok(Some(class))
    }
}

/// Appends a range without the surrogates in it.
fn push_range(items: &mut String, low: u32, high: u32) {
    let (first, last) = (*SURROGATES.start(), *SURROGATES.end());
    for (low, high) in [(low, high.min(first - 1)), (low.max(last + 1), high)] {
        if low == high {
            items.push_str(&character(low));
        } else if low < high {
            items.push_str(&format!("{}-{}", character(low), character(high)));
        }
    }
}

/// A character, escaped so that it means itself everywhere.
pub(super) fn character(code: u32) -> String {
    match char::from_u32(code) {
        Some(c) if c.is_ascii_alphanumeric() => c.into(),
        _ => format!("\\x{{{code:X}}}"),
    }
}
