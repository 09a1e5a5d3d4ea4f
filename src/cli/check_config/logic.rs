//! What follows from matchers that all hold.
//!
//! Everything here is on the safe side: what is said to follow does follow. A pattern is only compared
//! with texts and with itself, so some things that follow are not seen.

use std::collections::BTreeSet;

use crate::model::{Matcher, Operator};

/// Matchers that all hold of some alert.
#[derive(Debug, Clone, Default)]
pub(super) struct Known<'m> {
    matchers: Vec<&'m Matcher>,
}

/// Patterns that match whatever a label may reasonably hold. (A line end is matched by neither.)
const ANYTHING: [&str; 2] = [".*", "^(?:.*)$"];

impl<'m> Known<'m> {
    pub(super) fn new(matchers: impl IntoIterator<Item = &'m Matcher>) -> Self {
        Self {
            matchers: matchers.into_iter().collect(),
        }
    }

    fn of(&self, name: &str) -> impl Iterator<Item = &'m Matcher> {
        self.matchers
            .iter()
            .copied()
            .filter(move |matcher| matcher.name() == name)
    }

    /// The names of the labels that something is known of.
    pub(super) fn names(&self) -> BTreeSet<&'m str> {
        self.matchers.iter().map(|matcher| matcher.name()).collect()
    }

    /// All values that the label can have, if they can be listed.
    pub(super) fn values(&self, name: &str) -> Option<Vec<&'m str>> {
        let listed = self.of(name).find_map(Matcher::only_values)?;
        let possible = listed
            .into_iter()
            .filter(|value| self.of(name).all(|matcher| matcher.matches_value(value)));
        Some(possible.collect())
    }

    /// The matchers of a label that no value satisfies together, if there is one.
    pub(super) fn contradiction(&self) -> Option<Vec<&'m Matcher>> {
        self.names().into_iter().find_map(|name| {
            let all: Vec<_> = self.of(name).collect();
            let is_opposed = all.iter().any(|one| {
                is_never(one)
                    || all.iter().any(|other| {
                        one.value() == other.value()
                            && one.operator().is_equal() != other.operator().is_equal()
                            && one.operator().is_regex() == other.operator().is_regex()
                    })
            });
            let is_empty = self.values(name).is_some_and(|values| values.is_empty());
            (is_opposed || is_empty).then_some(all)
        })
    }

    /// Whether that matcher holds as well.
    pub(super) fn implies(&self, matcher: &Matcher) -> bool {
        if matcher.operator() == Operator::Regex && ANYTHING.contains(&matcher.value()) {
            return true;
        }
        if let Some(values) = self.values(matcher.name()) {
            return values.iter().all(|value| matcher.matches_value(value));
        }
        self.of(matcher.name()).any(|known| {
            let excludes =
                matcher.operator() == Operator::NotEqual && !known.matches_value(matcher.value());
            known == matcher || excludes
        })
    }

    /// Whether all these hold as well.
    pub(super) fn implies_all<'a>(&self, matchers: impl IntoIterator<Item = &'a Matcher>) -> bool {
        matchers.into_iter().all(|matcher| self.implies(matcher))
    }
}

fn is_never(matcher: &Matcher) -> bool {
    matcher.operator() == Operator::NotRegex && ANYTHING.contains(&matcher.value())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Matchers, Mode};

    fn matchers(text: &str) -> Matchers {
        Mode::default().parse_matchers(text).unwrap().value
    }

    #[test]
    fn contradictions_are_found_where_no_value_is_left() {
        let cases = [
            (r#"a="1",a="2""#, true),
            (r#"a="1",a!="1""#, true),
            (r#"a=~"1|2",a!~"1|2""#, true),
            (r#"a=~"x.*",a!~"x.*""#, true),
            (r#"a=~"1|2",a!="1",a!="2""#, true),
            (r#"a="xy",a!~"x.*""#, true),
            (r#"a!~".*""#, true),
            (r#"a=~"1|2",a!="1""#, false),
            (r#"a=~"x.*",a=~"y.*""#, false),
            (r#"a="1",b="2""#, false),
        ];
        let seen = cases.map(|(text, _)| Known::new(&matchers(text)).contradiction().is_some());
        assert_eq!(seen, cases.map(|(_, expected)| expected));
    }

    #[test]
    fn what_follows_is_seen_where_values_can_be_listed() {
        let cases = [
            (r#"a="1""#, r#"a=~"1|2""#, true),
            (r#"a="1",b="2""#, r#"a="1""#, true),
            (r#"a="1""#, r#"a!="2""#, true),
            (r#"a="1""#, r#"b="""#, false),
            (r#"a=~"x.*""#, r#"a=~"x.*""#, true),
            (r#"a=~"x.*""#, r#"a!="y""#, true),
            (r#"a=~"x.*""#, r#"a!="xy""#, false),
            (r#"a=~"1|2""#, r#"a="1""#, false),
            (r#"a="1""#, r#"b=~".*""#, true),
        ];
        let seen = cases.map(|(known, text, _)| {
            let (known, then) = (matchers(known), matchers(text));
            Known::new(&known).implies_all(&then)
        });
        assert_eq!(seen, cases.map(|(.., expected)| expected));
    }
}
