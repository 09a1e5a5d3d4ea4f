//! Matchers: conditions on labels, written `name operator value`.
//!
//! Two parsers read them: the classic one, and the UTF-8 one of Alertmanager 0.27 and later. Which is
//! asked is the [`Mode`]; by default both are, and where they disagree the classic one is right, with
//! a [`Warning`]. [`Mode::parse_matchers`] reads texts that may hold any number of matchers (the lists
//! of a configuration), [`Mode::parse_matcher`] those that hold one (filters, arguments).

mod classic;
mod lexer;
mod mode;
mod utf8;

pub use mode::{Mode, Parsed, Warning};

use std::cmp::Ordering;
use std::fmt;

use gotemplate::strconv::quote;

use super::LabelSet;
use super::regex::{AnchoredRegex, RegexError};

/// How a matcher compares. The order is the one in which matchers of equal name and value are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `=`: the value is this.
    Equal,
    /// `!=`: the value is not this.
    NotEqual,
    /// `=~`: the whole value matches this pattern.
    Regex,
    /// `!~`: it does not.
    NotRegex,
}

impl Operator {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether the value is a pattern.
    #[must_use]
    pub fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }

    /// Whether what is like the value matches, as opposed to what is unlike it.
    #[must_use]
    pub fn is_equal(self) -> bool {
        matches!(self, Self::Equal | Self::Regex)
    }

    /// The operator that the API describes with two flags.
    #[must_use]
    pub fn from_flags(is_regex: bool, is_equal: bool) -> Self {
        match (is_regex, is_equal) {
            (false, true) => Self::Equal,
            (false, false) => Self::NotEqual,
            (true, true) => Self::Regex,
            (true, false) => Self::NotRegex,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// A condition on one label. A label that is missing counts as empty.
///
/// Equal and ordered by name, value, operator.
#[derive(Clone)]
pub struct Matcher {
    name: Box<str>,
    value: Box<str>,
    operator: Operator,
    /// Of the operators that have one.
    regex: Option<AnchoredRegex>,
}

impl Matcher {
    /// A matcher of these parts.
    ///
    /// # Errors
    /// If the value is to be a pattern and is none.
    pub fn new(
        name: impl Into<Box<str>>,
        operator: Operator,
        value: impl Into<Box<str>>,
    ) -> Result<Self, RegexError> {
        let value = value.into();
        let regex = match operator.is_regex() {
            true => Some(AnchoredRegex::new(&value)?),
            false => None,
        };
        Ok(Self {
            name: name.into(),
            value,
            operator,
            regex,
        })
    }

    /// The name of the label.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    #[must_use]
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// With what it is compared.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The values that alone can match, if they can be listed: that of `=`, and the alternatives of a
    /// pattern such as `a|b`.
    #[must_use]
    pub fn only_values(&self) -> Option<Vec<&str>> {
        match self.operator {
            Operator::Equal => Some(vec![&self.value]),
            Operator::Regex => self.regex.as_ref()?.literals(),
            Operator::NotEqual | Operator::NotRegex => None,
        }
    }

    /// What a value must begin with to match, as far as that is easily seen: `db-` of `=~"db-.*"`.
    #[must_use]
    pub fn only_prefix(&self) -> &str {
        match self.operator {
            Operator::Regex => self.regex.as_ref().map_or("", AnchoredRegex::prefix),
            Operator::Equal | Operator::NotEqual | Operator::NotRegex => "",
        }
    }

    /// Whether a label of that value matches.
    #[must_use]
    pub fn matches_value(&self, value: &str) -> bool {
        let is_like = match &self.regex {
            Some(regex) => regex.is_match(value),
            None => *self.value == *value,
        };
        is_like == self.operator.is_equal()
    }

    /// Whether these labels match.
    #[must_use]
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.matches_value(labels.value(&self.name))
    }

    fn parts(&self) -> (&str, &str, Operator) {
        (&self.name, &self.value, self.operator)
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Matcher {}

impl Ord for Matcher {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for Matcher {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::hash::Hash for Matcher {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

/// What has a meaning in the UTF-8 grammar, and so must be quoted in a name.
fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

impl fmt::Display for Matcher {
    /// `name="value"`. A name that must be quoted is, and then the value is quoted as Go does it; else
    /// only `\`, `"` and line ends in the value are escaped.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value, operator) = self.parts();
        if name.contains(is_reserved) {
            let (name, value) = (quote(name.as_bytes()), quote(value.as_bytes()));
            return write!(out, "{name}{operator}{value}");
        }
        write!(out, "{name}{operator}\"")?;
        for part in value.split_inclusive(['\\', '\n', '"']) {
            let plain = part.trim_end_matches(['\\', '\n', '"']);
            out.write_str(plain)?;
            match part.get(plain.len()..) {
                Some("\n") => out.write_str("\\n")?,
                Some("") | None => {}
                Some(special) => write!(out, "\\{special}")?,
            }
        }
        out.write_str("\"")
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Matcher({self})")
    }
}

/// Matchers all of which have to match.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Matchers(Vec<Matcher>);

impl Matchers {
    /// These matchers, in this order.
    #[must_use]
    pub fn new(matchers: Vec<Matcher>) -> Self {
        Self(matchers)
    }

    /// These matchers, sorted by name, value, operator: the order of routes and rules.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort();
        self
    }

    /// Whether these labels match all of them. None at all match everything.
    #[must_use]
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels))
    }

    /// The matchers themselves.
    #[must_use]
    pub fn into_vec(self) -> Vec<Matcher> {
        self.0
    }
}

impl std::ops::Deref for Matchers {
    type Target = [Matcher];

    fn deref(&self) -> &[Matcher] {
        &self.0
    }
}

impl FromIterator<Matcher> for Matchers {
    fn from_iter<I: IntoIterator<Item = Matcher>>(matchers: I) -> Self {
        Self(matchers.into_iter().collect())
    }
}

impl Extend<Matcher> for Matchers {
    fn extend<I: IntoIterator<Item = Matcher>>(&mut self, matchers: I) {
        self.0.extend(matchers);
    }
}

impl IntoIterator for Matchers {
    type Item = Matcher;
    type IntoIter = std::vec::IntoIter<Matcher>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Matchers {
    type Item = &'a Matcher;
    type IntoIter = std::slice::Iter<'a, Matcher>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Display for Matchers {
    /// `{a="1",b=~"2"}`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{}}}", joined(&self.0))
    }
}

impl fmt::Debug for Matchers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Matchers{self}")
    }
}

/// The texts of matchers with commas between them.
fn joined(matchers: &[Matcher]) -> String {
    let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// Why a text is no matcher, in the words of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatcherError(String);

impl From<RegexError> for MatcherError {
    fn from(error: RegexError) -> Self {
        Self(error.to_string())
    }
}
