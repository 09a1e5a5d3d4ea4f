//! Label sets.
//!
//! A server holds a hundred thousand alerts, and each is little more than two label sets. So a set is
//! one allocation, shared by its clones, and not a map of strings:
//!
//! ```text
//!  w │ count │ end of name, end of value │ … once per pair │ name value name value …
//! ```
//!
//! Every number is `w` characters of 7 bits, most significant first, where `w` is the least that
//! suffices for this set; ends are counted from the beginning of the texts. Characters below U+0080
//! are one byte each, so all of it is one `str`, and reading a name is slicing. Eight labels cost 35
//! bytes beside their texts (and 16 for the reference counts), where a vector of strings costs 384.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use gotemplate::strconv::quote;

use super::Fingerprint;

/// Which names a label may have.
///
/// Alertmanager 0.34: `classic-mode` keeps the names that Prometheus 2 knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// ASCII letters, digits and `_`, no digit first.
    Classic,
    /// Any text that is not empty.
    Utf8,
}

impl NameRule {
    /// Whether a label may have that name.
    #[must_use]
    pub fn allows(self, name: &str) -> bool {
        match self {
            Self::Classic => {
                !name.starts_with(|c: char| c.is_ascii_digit())
                    && !name.is_empty()
                    && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
            }
            Self::Utf8 => !name.is_empty(),
        }
    }
}

/// Names and values, sorted by name (bytewise), no name twice.
///
/// Cheap to clone. Two sets are ordered as Alertmanager orders alerts: fewer labels first, then the
/// first difference in the order of names, where the set that lacks the name comes first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LabelSet {
    packed: Arc<str>,
}

/// The bits of a character of a number.
const DIGIT_BITS: usize = 7;

impl LabelSet {
    /// The set of these pairs, in any order; of two with one name the later counts.
    pub fn new<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut pairs: Vec<(N, V)> = pairs.into_iter().collect();
        pairs.reverse();
        pairs.sort_by(|(one, _), (other, _)| one.as_ref().cmp(other.as_ref()));
        pairs.dedup_by(|(later, _), (kept, _)| later.as_ref() == kept.as_ref());
        pack(&pairs)
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.number(0)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of the label of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            let (found, value) = self.pair(middle);
            match found.cmp(name) {
                Ordering::Equal => return Some(value),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The value of the label of that name; that of a missing one is empty.
    #[must_use]
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Names and values, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        (0..self.len()).map(|index| self.pair(index))
    }

    /// The labels whose names `keep` wants.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept: Vec<_> = self.iter().filter(|(name, _)| keep(name)).collect();
        if kept.len() == self.len() {
            return self.clone();
        }
        pack(&kept)
    }

    /// The identity of the set.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.iter())
    }

    /// The bytes of heap that the set holds, together with its clones.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.packed.len() + 2 * size_of::<usize>()
    }

    fn width(&self) -> usize {
        usize::from(self.packed.as_bytes().first().copied().unwrap_or(1))
    }

    /// The number at that place: the count first, then the ends.
    fn number(&self, place: usize) -> usize {
        let start = 1 + place * self.width();
        let digits = self.packed.as_bytes().get(start..start + self.width());
        digits
            .unwrap_or_default()
            .iter()
            .fold(0, |sum, &digit| sum << DIGIT_BITS | usize::from(digit))
    }

    fn pair(&self, index: usize) -> (&str, &str) {
        let texts = 1 + self.width() * (1 + 2 * self.len());
        let start = match index {
            0 => 0,
            _ => self.number(2 * index),
        };
        let (middle, end) = (self.number(2 * index + 1), self.number(2 * index + 2));
        let text = |from: usize, to: usize| {
            let text = self.packed.get(texts + from..texts + to);
            text.unwrap_or_default()
        };
        (text(start, middle), text(middle, end))
    }
}

/// The set of pairs that are sorted and have different names.
fn pack<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> LabelSet {
    let texts_len: usize = pairs
        .iter()
        .map(|(name, value)| name.as_ref().len() + value.as_ref().len())
        .sum();
    let largest = texts_len.max(pairs.len());
    let bits = (usize::BITS - largest.leading_zeros()) as usize;
    let width = bits.div_ceil(DIGIT_BITS).max(1);
    let mut packed = String::with_capacity(1 + width * (1 + 2 * pairs.len()) + texts_len);
    let push = |packed: &mut String, number: usize| {
        for digit in (0..width).rev() {
            packed.push(digit_char(number >> (digit * DIGIT_BITS)));
        }
    };
    packed.push(digit_char(width));
    push(&mut packed, pairs.len());
    let mut end = 0;
    for (name, value) in pairs {
        end += name.as_ref().len();
        push(&mut packed, end);
        end += value.as_ref().len();
        push(&mut packed, end);
    }
    for (name, value) in pairs {
        packed.push_str(name.as_ref());
        packed.push_str(value.as_ref());
    }
    LabelSet {
        packed: packed.into(),
    }
}

/// The lowest bits of a number as a character.
fn digit_char(number: usize) -> char {
    char::from(number.to_le_bytes()[0] & 0x7F)
}

impl Default for LabelSet {
    fn default() -> Self {
        pack::<&str, &str>(&[])
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for LabelSet {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self::new(pairs)
    }
}

impl Ord for LabelSet {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = self.len().cmp(&other.len());
        let differing = || {
            let mut both = self.iter().zip(other.iter());
            both.find_map(|((name, value), (other_name, other_value))| {
                // The one whose name is greater lacks the lesser name.
                let order = other_name.cmp(name).then_with(|| value.cmp(other_value));
                (order != Ordering::Equal).then_some(order)
            })
        };
        by_size.then_with(|| differing().unwrap_or(Ordering::Equal))
    }
}

impl PartialOrd for LabelSet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for LabelSet {
    /// `{a="b", c="d"}`: names as they are, values as Go quotes them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(out, "{separator}{name}={}", quote(value.as_bytes()))?;
        }
        out.write_str("}")
    }
}

impl fmt::Debug for LabelSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LabelSet{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        let sets = [
            LabelSet::default(),
            LabelSet::new([("foo", "bar")]),
            LabelSet::new([("ok", "1")]),
            LabelSet::new([("node", "bar"), ("alertname", "foo")]),
            LabelSet::new([
                ("job", "prometheus"),
                ("instance", "localhost:9090"),
                ("alertname", "InstanceDown"),
            ]),
        ];
        assert_eq!(
            sets.map(|set| set.fingerprint().to_string()),
            [
                "cbf29ce484222325",
                "3fff2c2d7595e046",
                "8d4653b8b9db0024",
                "980a6a0e0facf311",
                "b263407b9809ae48",
            ]
        );
    }

    #[test]
    fn a_set_prints_its_names_bare_and_its_values_quoted() {
        let set = LabelSet::new([("b c", "x"), ("a", "1"), ("a", "\"\n\u{7f}é")]);
        assert_eq!(set.to_string(), r#"{a="\"\n\x7fé", b c="x"}"#);
    }

    #[test]
    fn sets_are_ordered_by_size_then_by_the_first_difference() {
        let mut sets = [
            LabelSet::new([("a", "1"), ("b", "2")]),
            LabelSet::new([("a", "1"), ("c", "1")]),
            LabelSet::new([("a", "2"), ("b", "1")]),
            LabelSet::new([("z", "1")]),
            LabelSet::default(),
        ];
        sets.sort();
        assert_eq!(
            sets.map(|set| set.to_string()),
            [
                "{}",
                r#"{z="1"}"#,
                r#"{a="1", c="1"}"#,
                r#"{a="1", b="2"}"#,
                r#"{a="2", b="1"}"#,
            ]
        );
    }

    #[test]
    fn names_are_judged_by_the_rule_of_the_mode() {
        let names = ["a_1", "_", "1a", "a:b", "é", ""];
        let seen = names.map(|name| (NameRule::Classic.allows(name), NameRule::Utf8.allows(name)));
        assert_eq!(
            seen,
            [
                (true, true),
                (true, true),
                (false, true),
                (false, true),
                (false, true),
                (false, false),
            ]
        );
    }

    #[test]
    fn eight_labels_cost_little_beside_their_texts() {
        let pairs: Vec<_> = (0..8)
            .map(|at| (format!("label_{at}"), "x".repeat(20)))
            .collect();
        let texts: usize = pairs
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        let set = LabelSet::new(pairs);
        assert_eq!(set.heap_bytes() - texts, 1 + 2 * (1 + 16) + 16);
    }

    proptest! {
        #[test]
        fn a_set_is_a_map(pairs in prop::collection::vec(("[a-c]{0,2}|\\PC{0,3}", "\\PC{0,200}"), 0..12)) {
            let map: BTreeMap<String, String> = pairs.iter().cloned().collect();
            let set = LabelSet::new(pairs.iter().map(|(name, value)| (name, value)));
            let seen: Vec<_> = set.iter().collect();
            let expected: Vec<_> = map.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            prop_assert_eq!(seen, expected);
            for (name, value) in &map {
                prop_assert_eq!(set.get(name), Some(value.as_str()));
            }
            prop_assert_eq!(set.get("absent"), None);
        }
    }
}
