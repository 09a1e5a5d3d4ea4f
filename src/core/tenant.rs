//! Everything that the core knows of one tenant, and how records change it.
//!
//! What is *state* is a function of the records and the policy, is in the snapshot, and makes the state
//! hash. What is *volatile* is what the running core has decided and not yet got back as a record; a
//! crash loses it, and it is decided anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::Fingerprint;
use crate::record::{Lsn, MergeV1, Record};
use crate::sys::WallTime;

use super::alert::Alert;
use super::alerts::Alerts;
use super::event::Event;
use super::groups::{Group, GroupId, GroupName, Groups};
use super::inhibit::Inhibitor;
use super::intents::Intent;
use super::notification_log::{LogEntry, LogKey, NotificationLog};
use super::owed::Owed;
use super::policy::Policy;
use super::silence::Silence;
use super::silences::Silences;

/// One tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    pub(super) name: Arc<str>,
    pub(super) policy: Arc<Policy>,
    // State.
    pub(super) alerts: Alerts,
    pub(super) groups: Groups,
    pub(super) silences: Silences,
    pub(super) log: NotificationLog,
    pub(super) intents: BTreeMap<LogKey, Intent>,
    /// What integrations are owed beyond what the notification log says.
    pub(super) owed: Owed,
    pub(super) inhibitor: Inhibitor,
    /// Greater than the number of every intent so far.
    pub(super) next_flush_id: u64,
    /// When downtime last moved the ends of alerts: a sign of life like any other.
    pub(super) extended_at: WallTime,
    /// The time of the last record that had one.
    pub(super) last_at: Option<WallTime>,
    /// The hash of the last configuration in the log.
    pub(super) config_hash: u64,
    // Volatile.
    /// Greater than the number of every intent decided.
    pub(super) allocated_flush_id: u64,
    /// The groups in flight, by what they wait for.
    pub(super) flights: HashMap<u64, GroupName>,
    /// The groups whose flight has ended well, with alerts to be forgotten.
    pub(super) forgetting: Vec<GroupName>,
    /// The alerts that are on their way in full, and how often: they must not be touched meanwhile.
    pub(super) coming: HashMap<Fingerprint, u32>,
    /// When to look for what has expired.
    pub(super) collect_at: Option<WallTime>,
}

impl Tenant {
    pub(super) fn new(name: Arc<str>, policy: Arc<Policy>) -> Self {
        let mut alerts = Alerts::default();
        alerts.count_names(policy.limits.alerts_per_name.is_some());
        Self {
            name,
            alerts,
            groups: Groups::default(),
            silences: Silences::default(),
            log: NotificationLog::default(),
            intents: BTreeMap::new(),
            owed: Owed::default(),
            inhibitor: Inhibitor::new(&policy.inhibit_rules),
            next_flush_id: 1,
            extended_at: WallTime(i64::MIN),
            last_at: None,
            config_hash: 0,
            allocated_flush_id: 1,
            flights: HashMap::new(),
            forgetting: Vec::new(),
            coming: HashMap::new(),
            collect_at: None,
            policy,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its configuration.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The hash of the last configuration that the log tells of; 0 if there is none.
    #[must_use]
    pub fn config_hash(&self) -> u64 {
        self.config_hash
    }

    /// Its alerts, in no order. A reader clones what it needs and lets go of the core.
    pub fn alerts(&self) -> impl ExactSizeIterator<Item = &Arc<Alert>> {
        self.alerts.iter()
    }

    /// One alert.
    #[must_use]
    pub fn alert(&self, fingerprint: Fingerprint) -> Option<&Arc<Alert>> {
        self.alerts.alert(fingerprint)
    }

    /// The groups that an alert is in.
    pub fn groups_of(&self, fingerprint: Fingerprint) -> impl Iterator<Item = &Group> {
        let groups = self.alerts.get(fingerprint).map(|it| it.groups.as_slice());
        let groups: &[GroupId] = groups.unwrap_or_default();
        groups.iter().filter_map(|id| self.groups.get(*id))
    }

    /// Its groups, in no order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().map(|(_, group)| group)
    }

    /// The alerts of a group, in the order in which they are told.
    #[must_use]
    pub fn alerts_of(&self, group: &Group) -> Vec<Arc<Alert>> {
        let alerts = group.alerts.iter().filter_map(|it| self.alert(*it));
        let mut alerts: Vec<Arc<Alert>> = alerts.map(Arc::clone).collect();
        alerts.sort_by(|one, other| super::told::order(one, other));
        alerts
    }

    /// Its silences.
    #[must_use]
    pub fn silences(&self) -> &Silences {
        &self.silences
    }

    /// Its notification log.
    #[must_use]
    pub fn notification_log(&self) -> &NotificationLog {
        &self.log
    }

    /// The notifications of which it is not known whether the receiver has them, or that failed.
    pub fn open_intents(&self) -> impl ExactSizeIterator<Item = (&LogKey, &Intent)> {
        self.intents.iter()
    }

    /// What a record does.
    pub(super) fn apply(&mut self, lsn: Lsn, record: Record, events: &mut Vec<Event>) {
        self.last_at = record.at().or(self.last_at);
        match record {
            Record::AlertBatch(batch) => self.receive_batch(lsn, batch, events),
            Record::AlertTouch(touches) => self.receive_touches(lsn, &touches, events),
            Record::EndsAtExtended(extended) => self.extend_ends(&extended),
            Record::GroupTimer(timer) => self.set_timer(&timer),
            Record::AlertForgotten(forgotten) => self.forget(&forgotten, events),
            Record::FlushIntent(intent) => self.intend(intent),
            Record::NotifyResult(result) => self.finish(&result, events),
            Record::SilenceSet(set) => match Silence::read(&set.silence) {
                Ok(silence) => self.silences.put(silence),
                Err(fault) => events.push(unreadable("silence_set", &fault)),
            },
            Record::SilenceExpire(expire) => {
                let now = WallTime(expire.received_at_ns);
                let known = self.silences.get(&expire.silence_id);
                let ended = known.and_then(|known| known.expired(now, self.policy.retention));
                if let Some(ended) = ended {
                    self.silences.put(ended);
                }
            }
            Record::NflogMerge(merge) => self.merge_log(&merge, events),
            Record::SilenceMerge(merge) => self.merge_silences(&merge, events),
            Record::ConfigApplied(applied) => self.config_hash = applied.hash,
            Record::Collected(collected) => self.collect(WallTime(collected.at_ns)),
            Record::Recovered(recovered) => self.recover(&recovered),
            Record::TenantCreated(_)
            | Record::TenantDeleted(_)
            | Record::Decisions(_)
            | Record::Attempts(_)
            | Record::Receipts(_) => {}
        }
    }

    fn merge_log(&mut self, merge: &MergeV1, events: &mut Vec<Event>) {
        let now = WallTime(merge.received_at_ns);
        for encoded in &merge.entries {
            match LogEntry::read(encoded) {
                Ok((key, entry)) if self.log.is_news(&key, &entry, now) => {
                    self.log_told(key, entry);
                }
                Ok(_) => {}
                Err(fault) => events.push(unreadable("nflog_merge", &fault)),
            }
        }
    }

    fn merge_silences(&mut self, merge: &MergeV1, events: &mut Vec<Event>) {
        let now = WallTime(merge.received_at_ns);
        for encoded in &merge.entries {
            match Silence::read(encoded) {
                Ok(silence) => {
                    self.silences.merge(silence, now);
                }
                Err(fault) => events.push(unreadable("silence_merge", &fault)),
            }
        }
    }

    /// Whether a record of a collection would change anything.
    pub(super) fn has_expired(&self, now: WallTime) -> bool {
        self.silences.has_expired(now)
            || self.alerts.has_expired(now)
            || self
                .log
                .has_expired(now, |key| self.intents.contains_key(key))
    }

    fn collect(&mut self, now: WallTime) {
        self.collect_log(now);
        self.silences.collect(now);
        for (fingerprint, stored) in self.alerts.collect(now) {
            let labels = &stored.alert.labels;
            self.inhibitor
                .removed(&self.policy.inhibit_rules, fingerprint, labels);
        }
    }
}

pub(super) fn unreadable(record: &'static str, fault: &dyn std::error::Error) -> Event {
    Event::Unreadable {
        record,
        fault: fault.to_string(),
    }
}
