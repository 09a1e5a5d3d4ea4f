//! What integrations are owed beyond what the notification log says of them.
//!
//! Alertmanager's entry of the notification log lists what was told last, and nothing else: an alert that
//! was told firing and is kept back by a silence while others of its group are told is not in it any
//! more, and its end is never told. So beside each entry stand hashes of alerts about which the
//! integration may believe something else than its entry says. Nearly always there are none.
//!
//! ```text
//!  told firing once, not in the entry    its end is owed
//!  firing in the entry                   its end may have been told: that it fires is owed
//! ```
//!
//! **Rules**
//! * They never decide where Alertmanager's table has an answer; see [`super::dedup::reason_in_doubt`].
//! * An entry settles what it lists. What the one before it listed as firing and the new one does not
//!   mention stays owed as long as a group of that key has the alert.
//! * A notification in doubt that another takes the place of leaves its alerts owed, and so does an entry
//!   that is collected.
//! * An alert that comes into another group with the same receiver, because of a new configuration, takes
//!   along what its receiver is owed: see [`Tenant::strays`].
//!
//! All of it follows from records and policy. Peers and Alertmanager know nothing of it: they read the
//! entries, and each server works out for itself what these leave owed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::model::{Fingerprint, RouteIndex};
use crate::sys::WallTime;

use super::alert::{Alert, notification_hash};
use super::dedup::Told;
use super::groups::GroupName;
use super::intents::Intent;
use super::notification_log::{LogEntry, LogKey};
use super::tenant::Tenant;

/// Hashes of alerts by the integration and group that is owed something of them. No list is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Owed {
    by_key: BTreeMap<LogKey, BTreeSet<u64>>,
}

impl Owed {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&LogKey, &BTreeSet<u64>)> {
        self.by_key.iter()
    }

    pub(super) fn get(&self, key: &LogKey) -> Option<&BTreeSet<u64>> {
        self.by_key.get(key)
    }

    pub(super) fn set(&mut self, key: LogKey, hashes: BTreeSet<u64>) {
        match hashes.is_empty() {
            true => self.by_key.remove(&key),
            false => self.by_key.insert(key, hashes),
        };
    }

    pub(super) fn add(&mut self, key: LogKey, hashes: impl IntoIterator<Item = u64>) {
        let mut all = self.by_key.remove(&key).unwrap_or_default();
        all.extend(hashes);
        self.set(key, all);
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&LogKey) -> bool) {
        self.by_key.retain(|key, _| keep(key));
    }
}

/// An integration of a receiver, whatever the group.
type Whom = (Arc<str>, Arc<str>, u32);

fn whom(key: &LogKey) -> Whom {
    let (receiver, integration) = (&key.receiver, &key.integration);
    (Arc::clone(receiver), Arc::clone(integration), key.index)
}

impl Tenant {
    /// Puts what was told into the notification log.
    pub(super) fn log_told(&mut self, key: LogKey, entry: LogEntry) {
        let mut open: BTreeSet<u64> = self.owed.get(&key).cloned().unwrap_or_default();
        if let Some(before) = self.log.get(&key) {
            open.extend(before.told().firing);
        }
        if !open.is_empty() {
            let told = entry.told();
            for settled in told.firing.iter().chain(&told.resolved) {
                open.remove(settled);
            }
            self.keep_those_in_group(&key, &mut open);
            self.owed.set(key.clone(), open);
        }
        self.log.put(key, entry);
    }

    /// A notification in doubt gives way to another one, or to none.
    pub(super) fn leave_in_doubt(&mut self, key: &LogKey, intent: &Intent) {
        let told = self.log.get(key).map(LogEntry::told);
        let mut doubtful = doubtful(told.as_ref(), intent);
        self.keep_those_in_group(key, &mut doubtful);
        if !doubtful.is_empty() {
            self.owed.add(key.clone(), doubtful);
        }
    }

    /// What is owed to an integration: what is known for certain, and what one in doubt adds to it.
    pub(super) fn owed_to(&self, key: &LogKey, in_doubt: Option<&Intent>) -> BTreeSet<u64> {
        let mut owed = self.owed.get(key).cloned().unwrap_or_default();
        if let Some(intent) = in_doubt {
            let told = self.log.get(key).map(LogEntry::told);
            owed.append(&mut doubtful(told.as_ref(), intent));
        }
        owed
    }

    /// Removes entries that have expired, but for those of integrations with a notification that was not
    /// delivered. What they leave open stays owed.
    pub(super) fn collect_log(&mut self, now: WallTime) {
        for (key, entry) in self.log.collect(now, |key| self.intents.contains_key(key)) {
            let mut firing: BTreeSet<u64> = entry.told().firing.into_iter().collect();
            self.keep_those_in_group(&key, &mut firing);
            if !firing.is_empty() {
                self.owed.add(key, firing);
            }
        }
    }

    /// Takes over what is owed of groups that alerts are not in any more, and forgets what is owed to
    /// receivers that have no group of that key.
    pub(super) fn take_strays(&mut self) {
        for (key, hash) in self.strays() {
            self.owed.add(key, [hash]);
        }
        self.forget_owed_without_group();
    }

    /// Whether [`Self::take_strays`] would change anything.
    pub(super) fn has_strays(&self) -> bool {
        let known = self.receivers_by_key();
        let is_stray = |key: &LogKey| !is_known(&known, key);
        self.owed.iter().any(|(key, _)| is_stray(key))
            || self.intents.keys().any(is_stray)
            || !self.strays().is_empty()
    }

    fn forget_owed_without_group(&mut self) {
        let known = self.receivers_by_key();
        let has = |key: &LogKey| is_known(&known, key);
        self.owed.retain(has);
        self.intents.retain(|key, _| has(key));
    }

    /// The receivers of the groups with each key.
    fn receivers_by_key(&self) -> HashMap<Arc<str>, Vec<Arc<str>>> {
        let mut known: HashMap<Arc<str>, Vec<Arc<str>>> = HashMap::new();
        for (_, group) in self.groups.iter() {
            let receiver = &self.policy.routes.route(group.route).receiver;
            let receivers = known.entry(Arc::clone(&group.name.key)).or_default();
            receivers.push(Arc::clone(receiver));
        }
        known
    }

    /// Whether the receiver of a route is owed the end of an alert because of groups that it was in.
    pub(super) fn is_end_owed(
        &self,
        alert: &Alert,
        route: RouteIndex,
        places: &[GroupName],
    ) -> bool {
        let hash = notification_hash(&alert.labels);
        let is_owed = |key: &LogKey| {
            let told = self.log.get(key).map(LogEntry::told).unwrap_or_default();
            let in_doubt = self.intents.get(key).filter(|it| it.state.is_in_doubt());
            told.firing.binary_search(&hash).is_ok() || self.owed_to(key, in_doubt).contains(&hash)
        };
        let integrations = self.policy.integrations(route).unwrap_or_default();
        integrations.iter().any(|integration| {
            places.iter().any(|place| {
                is_owed(&LogKey {
                    group_key: Arc::clone(&place.key),
                    receiver: Arc::clone(&self.policy.routes.route(route).receiver),
                    integration: Arc::clone(&integration.name),
                    index: integration.index,
                })
            })
        })
    }

    /// What becomes owed to the groups that alerts are in now, because of what was told of them in groups
    /// that they are not in any more. A configuration that changed while the process was down, or in a
    /// part of the log that is replayed under the new one, leaves the same as one that changed now.
    pub(super) fn strays(&self) -> Vec<(LogKey, u64)> {
        let strays = self.stray_beliefs();
        if strays.is_empty() {
            return Vec::new();
        }
        let mut found = Vec::new();
        for (_, group) in self.groups.sorted() {
            let receiver = &self.policy.routes.route(group.route).receiver;
            for integration in self.policy.integrations(group.route).unwrap_or_default() {
                let key = LogKey {
                    group_key: Arc::clone(&group.name.key),
                    receiver: Arc::clone(receiver),
                    integration: Arc::clone(&integration.name),
                    index: integration.index,
                };
                let Some(beliefs) = strays.get(&whom(&key)) else {
                    continue;
                };
                let told = self.log.get(&key).map(LogEntry::told).unwrap_or_default();
                let owed = self.owed.get(&key);
                let is_news = |hash: u64, at: WallTime| {
                    told.firing.binary_search(&hash).is_err()
                        && (told.at < at || told.resolved.binary_search(&hash).is_err())
                        && owed.is_none_or(|owed| !owed.contains(&hash))
                };
                for hash in self.hashes_of(group.alerts.iter()) {
                    if beliefs.get(&hash).is_some_and(|at| is_news(hash, *at)) {
                        found.push((key.clone(), hash));
                    }
                }
            }
        }
        found
    }

    /// What receivers were told firing in groups that do not have the alert, and when.
    fn stray_beliefs(&self) -> HashMap<Whom, HashMap<u64, WallTime>> {
        let known = self.receivers_by_key();
        let mut present: HashMap<&Arc<str>, HashSet<u64>> = HashMap::new();
        for (_, group) in self.groups.iter() {
            let hashes = self.hashes_of(group.alerts.iter());
            present.entry(&group.name.key).or_default().extend(hashes);
        }
        let mut strays: HashMap<Whom, HashMap<u64, WallTime>> = HashMap::new();
        let mut note = |key: &LogKey, hash: u64, at: WallTime| {
            let here = present.get(&key.group_key);
            if is_known(&known, key) && here.is_some_and(|here| here.contains(&hash)) {
                return;
            }
            let latest = strays
                .entry(whom(key))
                .or_default()
                .entry(hash)
                .or_insert(at);
            *latest = at.max(*latest);
        };
        for (key, entry) in self.log.iter() {
            for hash in entry.told().firing {
                note(key, hash, entry.told_at);
            }
        }
        for (key, hashes) in self.owed.iter() {
            let at = self
                .log
                .get(key)
                .map_or(WallTime(i64::MAX), |it| it.told_at);
            hashes.iter().for_each(|hash| note(key, *hash, at));
        }
        let in_doubt = self.intents.iter().filter(|(_, it)| it.state.is_in_doubt());
        for (key, intent) in in_doubt {
            let all = intent.firing.iter();
            all.for_each(|hash| note(key, *hash, intent.decided_at));
        }
        strays
    }

    fn keep_those_in_group(&self, key: &LogKey, hashes: &mut BTreeSet<u64>) {
        if hashes.is_empty() {
            return;
        }
        let groups = self.groups.of_key(&key.group_key, self.policy.ordinals());
        let here: HashSet<u64> = groups
            .flat_map(|group| self.hashes_of(group.alerts.iter()))
            .collect();
        hashes.retain(|hash| here.contains(hash));
    }

    fn hashes_of<'a>(
        &'a self,
        alerts: impl Iterator<Item = &'a Fingerprint>,
    ) -> impl Iterator<Item = u64> {
        alerts
            .filter_map(|it| self.alerts.alert(*it))
            .map(|alert| notification_hash(&alert.labels))
    }
}

fn is_known(known: &HashMap<Arc<str>, Vec<Arc<str>>>, key: &LogKey) -> bool {
    let receivers = known.get(&key.group_key);
    receivers.is_some_and(|receivers| receivers.contains(&key.receiver))
}

/// Of which alerts a notification in doubt may have said something else than the entry.
fn doubtful(told: Option<&Told>, intent: &Intent) -> BTreeSet<u64> {
    let fires = |hash: &&u64| told.is_some_and(|told| told.firing.binary_search(hash).is_ok());
    let firing = intent.firing.iter().filter(|hash| !fires(hash));
    let resolved = intent.resolved.iter().filter(fires);
    firing.chain(resolved).copied().collect()
}
