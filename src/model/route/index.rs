//! Which children of a route can match an alert, without asking each.
//!
//! A child that wants `team="a"` or `team=~"a|b"` can only match an alert that has one of these values,
//! so it is found by the labels of the alert; of several such matchers of a child the one that it
//! shares with the fewest siblings is taken. Whatever has no such matcher, or is content with a
//! missing label, is asked always. Candidates come in the order of the children, and each is asked
//! whether all its matchers match.

use std::collections::HashMap;

use crate::model::{LabelSet, Matcher, Matchers};

/// With fewer children than this, asking each is as fast.
const CHILDREN_MIN: usize = 8;

/// The children of a route by what they want.
#[derive(Debug, Clone)]
pub(super) struct ChildIndex {
    /// Name of a label, value, places of children in rising order.
    by_label: HashMap<Box<str>, HashMap<Box<str>, Vec<u32>>>,
    /// The places of those that are asked always, in rising order.
    always: Vec<u32>,
}

impl ChildIndex {
    /// The index of the children with these matchers, if there are enough of them.
    pub(super) fn new<'m>(
        children: impl ExactSizeIterator<Item = &'m Matchers> + Clone,
    ) -> Option<Self> {
        if children.len() < CHILDREN_MIN {
            return None;
        }
        let mut sharing: HashMap<(&str, &str), u32> = HashMap::new();
        for matcher in children.clone().flatten() {
            for value in wanted(matcher).unwrap_or_default() {
                *sharing.entry((matcher.name(), value)).or_default() += 1;
            }
        }
        let mut index = Self {
            by_label: HashMap::new(),
            always: Vec::new(),
        };
        for (place, matchers) in (0u32..).zip(children) {
            let usable = matchers
                .iter()
                .filter_map(|matcher| Some((matcher.name(), wanted(matcher)?)));
            let rarest = usable.min_by_key(|(name, values)| {
                let counts = values
                    .iter()
                    .filter_map(|value| sharing.get(&(*name, *value)));
                counts.max().copied()
            });
            let Some((name, values)) = rarest else {
                index.always.push(place);
                continue;
            };
            let of_name = index.by_label.entry(name.into()).or_default();
            for value in values {
                of_name.entry(value.into()).or_default().push(place);
            }
        }
        Some(index)
    }

    /// The places of the children that could match, in rising order.
    pub(super) fn candidates(&self, labels: &LabelSet) -> Vec<u32> {
        let mut places = self.always.clone();
        for (name, value) in labels.iter() {
            if let Some(found) = self
                .by_label
                .get(name)
                .and_then(|of_name| of_name.get(value))
            {
                places.extend_from_slice(found);
            }
        }
        places.sort_unstable();
        places
    }
}

/// The values one of which a label must have, which it therefore must exist for.
fn wanted(matcher: &Matcher) -> Option<Vec<&str>> {
    matcher.only_values().filter(|values| !values.contains(&""))
}
