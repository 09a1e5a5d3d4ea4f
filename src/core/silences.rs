//! All silences of a tenant, and which of them mute an alert.
//!
//! Each matcher set is filed under the values of one of its matchers that can only match these
//! (`team="a"`, `team=~"a|b"`); an alert is compared with the sets filed under its own labels, and with
//! those that cannot be filed. So there is no cache per alert, as Alertmanager has one, and nothing to
//! invalidate: the answer is always that of the silences as they are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{LabelSet, Matchers};
use crate::sys::WallTime;

use super::silence::{Silence, SilenceState};

/// Ids of silences.
type Ids = BTreeSet<Arc<str>>;

/// Silences by id, filed by what they match.
#[derive(Debug, Clone, Default)]
pub struct Silences {
    by_id: BTreeMap<Arc<str>, Arc<Silence>>,
    /// Name of a label, value, ids.
    by_label: HashMap<Box<str>, HashMap<Box<str>, Ids>>,
    /// The ids of those that are compared with every alert.
    always: BTreeSet<Arc<str>>,
}

impl Silences {
    /// All silences in the order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Silence>> {
        self.by_id.values()
    }

    /// How many there are, expired ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The silence of that id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Silence>> {
        self.by_id.get(id)
    }

    /// The ids of the silences that mute alerts of these labels, in their order.
    #[must_use]
    pub fn muting(&self, labels: &LabelSet, now: WallTime) -> Vec<Arc<str>> {
        if self.by_id.is_empty() {
            return Vec::new();
        }
        let filed = labels.iter().filter_map(|(name, value)| {
            let of_name = self.by_label.get(name)?;
            of_name.get(value)
        });
        let mut candidates: Vec<&Arc<str>> = filed.flatten().chain(&self.always).collect();
        candidates.sort_unstable();
        candidates.dedup();
        let mutes = |id: &&Arc<str>| {
            self.by_id.get(*id).is_some_and(|silence| {
                silence.state_at(now) == SilenceState::Active && silence.matches(labels)
            })
        };
        candidates.into_iter().filter(mutes).cloned().collect()
    }

    /// Puts a silence in the place of the one with its id.
    pub(super) fn put(&mut self, silence: Silence) {
        self.remove(&Arc::clone(&silence.id));
        for set in &silence.matcher_sets {
            self.file(&silence.id, set);
        }
        self.by_id
            .insert(Arc::clone(&silence.id), Arc::new(silence));
    }

    /// Takes what a peer sent, if it is news and has not expired.
    pub(super) fn merge(&mut self, silence: Silence, now: WallTime) -> bool {
        let known = self.by_id.get(&silence.id);
        if silence.expires_at < now
            || known.is_some_and(|known| known.updated_at >= silence.updated_at)
        {
            return false;
        }
        self.put(silence);
        true
    }

    pub(super) fn has_expired(&self, now: WallTime) -> bool {
        self.by_id.values().any(|silence| silence.expires_at <= now)
    }

    pub(super) fn collect(&mut self, now: WallTime) {
        let gone = self.by_id.values().filter(|it| it.expires_at <= now);
        let gone: Vec<Arc<str>> = gone.map(|silence| Arc::clone(&silence.id)).collect();
        for id in gone {
            self.remove(&id);
        }
    }

    fn remove(&mut self, id: &Arc<str>) {
        let Some(silence) = self.by_id.remove(id) else {
            return;
        };
        for set in &silence.matcher_sets {
            let Some((name, values)) = filed_under(set) else {
                self.always.remove(id);
                continue;
            };
            let Some(of_name) = self.by_label.get_mut(name) else {
                continue;
            };
            for value in values {
                if let Some(ids) = of_name.get_mut(value) {
                    ids.remove(id);
                }
            }
            of_name.retain(|_, ids| !ids.is_empty());
            if of_name.is_empty() {
                self.by_label.remove(name);
            }
        }
    }

    fn file(&mut self, id: &Arc<str>, set: &Matchers) {
        let Some((name, values)) = filed_under(set) else {
            self.always.insert(Arc::clone(id));
            return;
        };
        let of_name = self.by_label.entry(name.into()).or_default();
        for value in values {
            let ids = of_name.entry(value.into()).or_default();
            ids.insert(Arc::clone(id));
        }
    }
}

/// The matcher with the fewest values, if a label has to exist for it.
fn filed_under(set: &Matchers) -> Option<(&str, Vec<&str>)> {
    set.iter()
        .filter_map(|matcher| {
            let values = matcher.only_values()?;
            (!values.contains(&"")).then_some((matcher.name(), values))
        })
        .min_by_key(|(_, values)| values.len())
}
