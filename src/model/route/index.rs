//! Which children of a route can match an alert, without asking each.
//!
//! A child that wants `team="a"` or `team=~"a|b"` can only match an alert that has one of these values,
//! so it is found by the labels of the alert; one that wants `team=~"db-.*"` is found by that beginning.
//! Of several such matchers of a child the one that it shares with the fewest siblings is taken.
//! Whatever has no such matcher, or is content with a missing label, is asked always. Candidates come
//! in the order of the children, and each is asked whether all its matchers match.

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
        let mut sharing: HashMap<(&str, Text<'_>), u32> = HashMap::new();
        for matcher in children.clone().flatten() {
            for text in wanted(matcher) {
                *sharing.entry((matcher.name(), text)).or_default() += 1;
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
                .map(|matcher| (matcher.name(), wanted(matcher)));
            let usable = usable.filter(|(_, texts)| !texts.is_empty());
            let rarest = usable.min_by_key(|(name, texts)| {
                let counts = texts.iter().filter_map(|text| sharing.get(&(*name, *text)));
                counts.max().copied()
            });
            match rarest {
                Some((name, texts)) => index.insert(name, &texts, place),
                None => index.always.push(place),
            }
        }
        Some(index)
    }

    fn insert(&mut self, name: &str, texts: &[Text<'_>], place: u32) {
        for text in texts {
            match text {
                Text::Value(value) => {
                    let of_name = self.by_value.entry(name.into()).or_default();
                    of_name.entry((*value).into()).or_default().push(place);
                }
                Text::Prefix(prefix) => {
                    let of_name = self.by_prefix.entry(name.into()).or_default();
                    of_name.insert(prefix, place);
                }
            }
        }
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

/// What a label must be, or begin with. Never empty, so that the label must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Text<'m> {
    Value(&'m str),
    Prefix(&'m str),
}

/// Of which texts a matcher wants one; none if that cannot be said.
fn wanted(matcher: &Matcher) -> Vec<Text<'_>> {
    match matcher.only_values() {
        Some(values) if values.contains(&"") => Vec::new(),
        Some(values) => values.into_iter().map(Text::Value).collect(),
        None => match matcher.only_prefix() {
            "" => Vec::new(),
            prefix => vec![Text::Prefix(prefix)],
        },
    }
}
