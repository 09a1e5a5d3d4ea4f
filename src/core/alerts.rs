//! The store of alerts of a tenant.
//!
//! An alert lives here once; groups know it by its fingerprint. It is collected by need: when it has been
//! resolved for [`KEPT_RESOLVED`] and no group has to tell of it any more, however long that takes
//! (Alertmanager drops it by age, and a reload then loses what was still to be told: hazard H13).
//!
//! The maps here are never iterated where the order could show.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::bugs::{Bug, planted};
use crate::model::{Duration, Fingerprint};
use crate::sys::WallTime;

use super::alert::Alert;
use super::counts::Mark;
use super::groups::GroupId;
use super::time::after;

/// How long a resolved alert stays at least: Prometheus sends it again for 15 minutes, and each time it
/// then is a touch. Alertmanager 0.34: at most `--alerts.gc-interval`, which is this.
pub const KEPT_RESOLVED: Duration = Duration::from_secs(30 * 60);

/// The label by which alerts are limited.
pub(super) const NAME_LABEL: &str = "alertname";

/// The groups that an alert is in: nearly always one, which then costs no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum InGroups {
    #[default]
    None,
    One(GroupId),
    Many(Box<[GroupId]>),
}

impl InGroups {
    pub(super) fn as_slice(&self) -> &[GroupId] {
        match self {
            Self::None => &[],
            Self::One(group) => std::slice::from_ref(group),
            Self::Many(groups) => groups,
        }
    }

    pub(super) fn add(&mut self, group: GroupId) {
        if !self.as_slice().contains(&group) {
            self.set(self.as_slice().iter().copied().chain([group]).collect());
        }
    }

    pub(super) fn remove(&mut self, group: GroupId) {
        let kept = self.as_slice().iter().filter(|other| **other != group);
        self.set(kept.copied().collect());
    }

    fn set(&mut self, groups: Vec<GroupId>) {
        *self = match groups.as_slice() {
            [] => Self::None,
            [one] => Self::One(*one),
            _ => Self::Many(groups.into()),
        };
    }
}

/// An alert and its places.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) alert: Arc<Alert>,
    pub(super) groups: InGroups,
    /// Whether it is missing from a group that it would be routed to: it was told and forgotten there,
    /// or the group could not be made. When it is received again it is routed again.
    pub(super) is_partial: bool,
    /// Whether it is a source of an inhibition rule.
    pub(super) is_source: bool,
    /// What its last flush found. Not part of the state.
    pub(super) mark: Mark,
}

/// Alerts of one name by their ends.
type Ends = BTreeSet<(WallTime, Fingerprint)>;

/// All alerts of a tenant.
#[derive(Debug, Clone, Default)]
pub(super) struct Alerts {
    stored: HashMap<Fingerprint, Stored>,
    /// Links are the same for all alerts of a rule, so one text serves them all.
    urls: HashSet<Arc<str>>,
    /// The ends of the alerts of each name, if their number is limited.
    by_name: Option<HashMap<Box<str>, Ends>>,
}

impl Alerts {
    pub(super) fn len(&self) -> usize {
        self.stored.len()
    }

    pub(super) fn get(&self, fingerprint: Fingerprint) -> Option<&Stored> {
        self.stored.get(&fingerprint)
    }

    pub(super) fn get_mut(&mut self, fingerprint: Fingerprint) -> Option<&mut Stored> {
        self.stored.get_mut(&fingerprint)
    }

    pub(super) fn alert(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.stored.get(&fingerprint).map(|stored| &stored.alert)
    }

    /// All alerts, in no order.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Alert>> {
        self.stored.values().map(|stored| &stored.alert)
    }

    /// All alerts with their places, in no order.
    pub(super) fn stored(&self) -> impl Iterator<Item = &Stored> {
        self.stored.values()
    }

    /// All fingerprints in their order.
    pub(super) fn sorted(&self) -> Vec<Fingerprint> {
        let mut all: Vec<Fingerprint> = self.stored.keys().copied().collect();
        if !planted(Bug::UnorderedState) {
            all.sort_unstable();
        }
        all
    }

    /// The shared text of a link.
    pub(super) fn url(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.urls.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.urls.insert(Arc::clone(&new));
        new
    }

    /// Puts an alert in the place of the one with its labels.
    pub(super) fn put(&mut self, fingerprint: Fingerprint, alert: Arc<Alert>) {
        if self.by_name.is_some() {
            let before = self.alert(fingerprint).map(|known| known.ends_at);
            self.count(fingerprint, &alert, before);
        }
        match self.stored.get_mut(&fingerprint) {
            Some(stored) => stored.alert = alert,
            None => {
                let stored = Stored {
                    alert,
                    groups: InGroups::None,
                    is_partial: true,
                    is_source: false,
                    mark: Mark::Unprocessed,
                };
                self.stored.insert(fingerprint, stored);
            }
        }
    }

    /// Changes an alert in place where no reader holds it; whether it is there.
    pub(super) fn change(
        &mut self,
        fingerprint: Fingerprint,
        change: impl FnOnce(&mut Alert),
    ) -> Option<&Stored> {
        let stored = self.stored.get_mut(&fingerprint)?;
        let before = stored.alert.ends_at;
        change(Arc::make_mut(&mut stored.alert));
        if self.by_name.is_some() {
            let alert = Arc::clone(&stored.alert);
            self.count(fingerprint, &alert, Some(before));
        }
        self.stored.get(&fingerprint)
    }

    /// Whether [`Self::collect`] would remove something.
    pub(super) fn has_expired(&self, now: WallTime) -> bool {
        self.stored.values().any(|stored| is_over(stored, now))
    }

    /// Removes what nobody needs, and returns it.
    pub(super) fn collect(&mut self, now: WallTime) -> Vec<(Fingerprint, Stored)> {
        let gone: Vec<_> = self
            .stored
            .extract_if(|_, stored| is_over(stored, now))
            .collect();
        if let Some(by_name) = &mut self.by_name {
            for (fingerprint, stored) in &gone {
                let name = stored.alert.labels.value(NAME_LABEL);
                if let Some(ends) = by_name.get_mut(name) {
                    ends.remove(&(stored.alert.ends_at, *fingerprint));
                }
            }
            by_name.retain(|_, ends| !ends.is_empty());
        }
        self.urls.retain(|url| Arc::strong_count(url) > 1);
        gone
    }

    /// Counts alerts by their names from now on, or not any more.
    pub(super) fn count_names(&mut self, is_wanted: bool) {
        self.by_name = is_wanted.then(HashMap::new);
        if !is_wanted {
            return;
        }
        for fingerprint in self.sorted() {
            if let Some(alert) = self.alert(fingerprint).map(Arc::clone) {
                self.count(fingerprint, &alert, None);
            }
        }
    }

    /// How many alerts of that name fire, if they are counted.
    pub(super) fn firing_of_name(&self, name: &str, now: WallTime) -> usize {
        let ends = self.by_name.as_ref().and_then(|by_name| by_name.get(name));
        ends.map_or(0, |ends| {
            ends.range((WallTime(now.0.saturating_add(1)), Fingerprint(0))..)
                .count()
        })
    }

    fn count(&mut self, fingerprint: Fingerprint, alert: &Alert, before: Option<WallTime>) {
        let Some(by_name) = &mut self.by_name else {
            return;
        };
        let name = alert.labels.value(NAME_LABEL);
        let ends = by_name.entry(name.into()).or_default();
        if let Some(before) = before {
            ends.remove(&(before, fingerprint));
        }
        ends.insert((alert.ends_at, fingerprint));
    }
}

fn is_over(stored: &Stored, now: WallTime) -> bool {
    stored.groups == InGroups::None && after(stored.alert.ends_at, KEPT_RESOLVED) <= now
}
