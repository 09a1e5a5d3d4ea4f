//! `match`, `match_re` and `matchers`: three ways to say which alerts are meant.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gotemplate::strconv::quote;

use super::block::{Refusal, Show};
use super::yaml::{Decode, Decoded, Decoder, Item, MatcherWarning, NodeId, Problem, read_map};
use crate::model::regex::AnchoredRegex;
use crate::model::{Matcher, Matchers, NameRule, Operator};

/// `matchers`: texts with any number of matchers each, all of which have to hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MatcherList(pub Matchers);

impl Decode for MatcherList {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "common.Matchers".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut lines: Vec<String> = Vec::new();
        let problems_before = decoder.problem_count();
        decoder.read(at, &mut lines)?;
        if decoder.problem_count() > problems_before {
            return Ok(false);
        }
        let places: Vec<_> = decoder.elements(at).unwrap_or_default().to_vec();
        let mut matchers = std::mem::take(&mut self.0).into_vec();
        for (index, line) in lines.into_iter().enumerate() {
            let place = decoder.place(places.get(index).copied().unwrap_or(at));
            let parsed = decoder.mode.parse_matchers(&line);
            let parsed =
                parsed.map_err(|error| Box::new(Problem::new(error.to_string()).at(place)))?;
            if let Some(warning) = parsed.warning {
                decoder.warnings.push(MatcherWarning {
                    input: line,
                    place,
                    warning,
                });
            }
            matchers.extend(parsed.value);
        }
        self.0 = Matchers::new(matchers).sorted();
        Ok(true)
    }
}

impl Show for MatcherList {
    fn item(&self) -> Item {
        Item::List(
            self.0
                .iter()
                .map(|matcher| Item::Text(matcher.to_string()))
                .collect(),
        )
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

/// `match_re`: labels and patterns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MatchRegexps(pub BTreeMap<String, Pattern>);

/// A pattern that the whole of a value has to match.
#[derive(Debug, Clone, Default)]
pub struct Pattern(Option<(Box<str>, AnchoredRegex)>);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Pattern {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_ref().map_or("", |(text, _)| text)
    }
}

impl Decode for Pattern {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "common.Regexp".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let mut text = String::new();
        if !decoder.read(at, &mut text)? {
            return Ok(false);
        }
        match AnchoredRegex::new(&text) {
            Ok(regex) => self.0 = Some((text.into(), regex)),
            Err(error) => {
                return Err(Box::new(
                    Problem::new(error.to_string()).at(decoder.place(at)),
                ));
            }
        }
        Ok(true)
    }
}

impl Show for Pattern {
    fn item(&self) -> Item {
        match self.text() {
            "" => Item::Null,
            text => text.into(),
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_none()
    }
}

impl Decode for MatchRegexps {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        "common.MatchRegexps".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        let problems_before = decoder.problem_count();
        read_map(&mut self.0, at, decoder, "common.plain")?;
        if decoder.problem_count() > problems_before {
            return Ok(false);
        }
        for (name, pattern) in &self.0 {
            let text = match (is_legacy(name), pattern.is_zero()) {
                (false, _) => format!("invalid label name {}", quote(name.as_bytes())),
                (_, true) => format!("invalid regexp value for {}", quote(name.as_bytes())),
                _ => continue,
            };
            return Err(Box::new(Problem::new(text).at(decoder.place(at))));
        }
        Ok(true)
    }
}

impl Show for MatchRegexps {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

fn is_legacy(name: &str) -> bool {
    NameRule::Classic.allows(name)
}

/// Whether the keys of `match` are names that labels had before UTF-8, in every mode.
///
/// # Errors
/// The first that is none.
pub(super) fn check_names(
    key: &'static str,
    labels: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    match labels.keys().find(|name| !is_legacy(name)) {
        None => Ok(()),
        Some(name) => Err(Refusal::at(
            key,
            format!("invalid label name {}", quote(name.as_bytes())),
        )),
    }
}

/// All three ways as one list, in their order.
///
/// A pattern of `match_re` becomes a matcher whose value is `^(?:pattern)$`: Alertmanager 0.34 does
/// so, and the keys of groups are made of it.
#[must_use]
pub(super) fn combined(
    equal: &BTreeMap<String, String>,
    patterns: &MatchRegexps,
    matchers: &MatcherList,
) -> Matchers {
    let equal = equal.iter().filter_map(|(name, value)| {
        Matcher::new(name.as_str(), Operator::Equal, value.as_str()).ok()
    });
    let patterns = patterns.0.iter().filter_map(|(name, pattern)| {
        let value = format!("^(?:{})$", pattern.text());
        Matcher::new(name.as_str(), Operator::Regex, value).ok()
    });
    equal
        .chain(patterns)
        .chain(matchers.0.iter().cloned())
        .collect()
}
