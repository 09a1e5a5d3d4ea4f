//! Patterns of matchers.

use regex::Regex;

use super::{RegexError, compile};

/// A pattern that has to match the whole of a text.
///
/// Alertmanager 0.34 puts `^(?:` before it and `)$` behind, as texts: `a)|(?:b` is a pattern.
#[derive(Debug, Clone)]
pub struct AnchoredRegex {
    text: Box<str>,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// `a|b|c`, sorted: most patterns of most configurations, and far cheaper to hold and to ask.
    Literals(Box<[Box<str>]>),
    Regex(Regex),
}

const OPEN: &str = "^(?:";
const CLOSE: &str = ")$";

impl AnchoredRegex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If Go would not compile it, or the result is too large.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let kind = match literals(pattern) {
            Some(literals) => Kind::Literals(literals),
            None => Kind::Regex(compile(format!("{OPEN}{pattern}{CLOSE}").as_bytes())?.0),
        };
        Ok(Self {
            text: pattern.into(),
            kind,
        })
    }

    /// The pattern as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole text matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Literals(literals) => literals.binary_search_by(|it| (**it).cmp(text)).is_ok(),
            Kind::Regex(regex) => regex.is_match(text),
        }
    }

    /// What a text must begin with to match, as far as that is easily seen.
    #[must_use]
    pub fn prefix(&self) -> &str {
        match self.kind {
            Kind::Literals(_) => "",
            Kind::Regex(_) => prefix(&self.text),
        }
    }

    /// The texts that match, if the pattern is but a list of them.
    #[must_use]
    pub fn literals(&self) -> Option<Vec<&str>> {
        match &self.kind {
            Kind::Literals(literals) => Some(literals.iter().map(|text| &**text).collect()),
            Kind::Regex(_) => None,
        }
    }
}

/// What every text begins with that a pattern matches. It is read off patterns without alternatives
/// only, up to the first character that means something.
fn prefix(pattern: &str) -> &str {
    if pattern.contains(['|', '\\']) {
        return "";
    }
    let special = ['.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$'];
    let end = pattern.find(special).unwrap_or(pattern.len());
    let (plain, rest) = pattern.split_at(end);
    if !rest.starts_with(['*', '?', '{']) {
        return plain;
    }
    // The last character may be missing.
    let mut chars = plain.chars();
    chars.next_back();
    chars.as_str()
}

/// The alternatives of a pattern that has nothing but them, sorted. `match_re` wraps its patterns once
/// more, which makes no difference to what they match.
fn literals(pattern: &str) -> Option<Box<[Box<str>]>> {
    let mut list = pattern;
    while let Some(inner) = list.strip_prefix(OPEN) {
        list = inner.strip_suffix(CLOSE)?;
    }
    let mut found = Vec::new();
    let mut literal = String::new();
    let mut chars = list.chars();
    while let Some(c) = chars.next() {
        match c {
            '|' => found.push(std::mem::take(&mut literal).into()),
            '\\' => literal.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '+' | '*' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            _ => literal.push(c),
        }
    }
    found.push(literal.into());
    found.sort_unstable();
    found.dedup();
    Some(found.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_what_stands_before_the_first_special_character() {
        let cases = [
            ("db-.*", "db-"),
            ("db-?x", "db"),
            ("é*", ""),
            ("db{2}", "d"),
            ("db+", "db"),
            ("a.*|b", ""),
            (r"a\.b.*", ""),
            ("(?i)db.*", ""),
            ("^(?:db-.*)$", ""),
        ];
        let seen =
            cases.map(|(pattern, _)| AnchoredRegex::new(pattern).unwrap().prefix().to_owned());
        assert_eq!(seen, cases.map(|(_, prefix)| prefix.to_owned()));
    }

    #[test]
    fn a_list_of_texts_is_known_as_one() {
        let cases = ["a|b", "b|a|b", r"a\.b", "^(?:a|)$", "a.b", "(a)", r"\d"];
        let seen = cases.map(|pattern| {
            let regex = AnchoredRegex::new(pattern).unwrap();
            regex.literals().map(|literals| literals.join(","))
        });
        let expected = [
            Some("a,b"),
            Some("a,b"),
            Some("a.b"),
            Some(",a"),
            None,
            None,
            None,
        ];
        assert_eq!(seen, expected.map(|texts| texts.map(str::to_owned)));
    }
}
