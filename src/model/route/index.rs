//! Which children of a route can match an alert, without asking each.
//!
//! A child that wants `team="a"` or `team=~"a|b"` can only match an alert that has one of these values,
//! so it is found by the labels of the alert; of several such matchers of a child the one that it
//! shares with the fewest siblings is taken. One that wants `team=~"db-.*"` is found by that beginning.
//! Whatever has no such matcher, or is content with a missing label, is asked always. Candidates come in the order of the children, and each is asked
//! whether all its matchers match.

use std::collections::{BTreeSet, HashMap};

use crate::model::{LabelSet, Matcher, Matchers};

/// With fewer children than this, asking each is as fast.
const CHILDREN_MIN: usize = 8;

/// The children of a route by what they want.
#[derive(Debug, Clone)]
pub(super) struct ChildIndex {
    /// Name of a label, value, places of children in rising order.
    by_value: HashMap<Box<str>, HashMap<Box<str>, Vec<u32>>>,
    by_prefix: HashMap<Box<str>, Prefixes>,
    /// The places of those that are asked always, in rising order.
    always: Vec<u32>,
}

/// Children by the beginning of the value that they want.
#[derive(Debug, Clone, Default)]
struct Prefixes {
    /// The lengths of all beginnings.
    lens: BTreeSet<usize>,
    places: HashMap<Box<str>, Vec<u32>>,
}

impl Prefixes {
    fn insert(&mut self, prefix: &str, place: u32) {
        self.lens.insert(prefix.len());
        self.places.entry(prefix.into()).or_default().push(place);
    }

    fn find<'s>(&'s self, value: &'s str) -> impl Iterator<Item = &'s u32> {
        let prefixes = self
            .lens
            .iter()
            .map_while(move |len| match value.get(..*len) {
                Some(prefix) => Some(prefix),
                // Within a character: nothing begins so, but a longer one may.
                None if *len < value.len() => Some(""),
                None => None,
            });
        prefixes
            .filter_map(|prefix| self.places.get(prefix))
            .flatten()
    }
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
            by_value: HashMap::new(),
            by_prefix: HashMap::new(),
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
            if let Some((name, values)) = rarest {
                let of_name = index.by_value.entry(name.into()).or_default();
                for value in values {
                    of_name.entry(value.into()).or_default().push(place);
                }
                continue;
            }
            let longest = matchers
                .iter()
                .max_by_key(|matcher| matcher.only_prefix().len());
            match longest.filter(|matcher| !matcher.only_prefix().is_empty()) {
                Some(matcher) => {
                    let of_name = index.by_prefix.entry(matcher.name().into());
                    of_name.or_default().insert(matcher.only_prefix(), place);
                }
                None => index.always.push(place),
            }
        }
        Some(index)
    }

    /// The places of the children that could match, in rising order.
    pub(super) fn candidates(&self, labels: &LabelSet) -> Vec<u32> {
        let mut places = self.always.clone();
        for (name, value) in labels.iter() {
            let of_name = self.by_value.get(name);
            if let Some(found) = of_name.and_then(|of_name| of_name.get(value)) {
                places.extend_from_slice(found);
            }
            if let Some(prefixes) = self.by_prefix.get(name) {
                places.extend(prefixes.find(value));
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
