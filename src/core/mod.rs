//! The core: the owner of state. Alerts, groups, silences, inhibition, notification log, timers.
//!
//! ```text
//!            record (durable, in LSN order)                     now
//!                      │                                         │
//!                      ▼                                         ▼
//!                apply(lsn, record) ──► state ◄── read ── decide(now)
//!                      │                                         │
//!                      ▼                                         ▼
//!                   events                  records to append, notifications to send, reasons
//! ```
//!
//! **Invariants**
//! * No clock, no file, no socket, no thread, no randomness: a function of records, policy and the times
//!   that it is told.
//! * Everything that changes state is a record. What `decide` wants to change comes back through `apply`;
//!   until then the group is marked as decided, so that deciding twice decides nothing new. The marks are
//!   not part of the state.
//! * Replaying the log into an empty core with the same policy gives the same state, byte for byte
//!   ([`Core::state_hash`]).
//! * Downtime resolves nothing; what is owed stays owed (see [`recovery`], [`flush`], [`regroup`]).
//!
//! Where a crash comes between a decision and its record, it is decided again; between the record of an
//! intent and that of its result, the notification is in doubt, and sent again with the same key.

mod admission;
mod alert;
mod alerts;
mod counts;
pub mod dedup;
mod event;
pub mod explain;
mod flush;
mod groups;
pub mod idempotency;
mod inhibit;
mod intents;
mod limits;
mod mute;
mod notification;
mod notification_log;
mod owed;
mod policy;
pub mod proto;
mod receive;
mod recovery;
mod regroup;
mod silence;
mod silence_change;
mod silences;
mod snapshot;
mod tenant;
mod time;
mod told;

pub use admission::{Admission, NewAlert};
pub use alert::{Alert, notification_hash};
pub use alerts::KEPT_RESOLVED;
pub use counts::AlertCounts;
pub use event::{Action, Decision, Event, InhibitedBy, Tick, To, Verdict};
pub use groups::{Group, GroupId, GroupName};
pub use intents::{Intent, IntentState};
pub use limits::Limits;
pub use mute::Prediction;
pub use notification::{Notification, Outcome, TellAlert};
pub use notification_log::{LogEntry, LogKey, NotificationLog};
pub use policy::{InhibitRule, Integration, OnInDoubt, Policy};
pub use recovery::{CATCH_UP_PER_SECOND_MAX, RecoveryReport};
pub use silence::{Silence, SilenceState};
pub use silence_change::{SilenceChange, SilenceDraft, SilenceError};
pub use silences::Silences;
pub use snapshot::{
    Remembered, RememberedAlert, Restore, RestoreError, SECTION_BYTES_TARGET, Section, remembered,
};
pub use tenant::Tenant;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::{Duration, NameRule};
use crate::record::{CollectedV1, Lsn, Record};
use crate::sys::WallTime;

use flush::{Due, Occasion};
use recovery::CatchUp;
use silence_change::Change;
use time::after;

/// How often what has expired is looked for. Alertmanager 0.34: `--data.maintenance-interval`.
const COLLECT_EVERY: Duration = Duration::from_secs(15 * 60);

/// What `next_wake` says when something can be decided at once.
pub const AT_ONCE: WallTime = WallTime(i64::MIN);

/// The state of all tenants.
#[derive(Debug, Clone)]
pub struct Core {
    store: [u8; 16],
    /// Of tenants without one of their own.
    default_policy: Arc<Policy>,
    policies: BTreeMap<Arc<str>, Arc<Policy>>,
    tenants: BTreeMap<Arc<str>, Tenant>,
    catch_up: VecDeque<CatchUp>,
    next_catch_up: WallTime,
    not_before: WallTime,
    /// The groups of which it was said that they are due and have to wait. Not part of the state.
    said_to_wait: BTreeSet<(Arc<str>, GroupName)>,
}

impl Core {
    /// An empty core. `store` is the identity of the log, which idempotency keys cover.
    #[must_use]
    pub fn new(store: [u8; 16], default_policy: Arc<Policy>) -> Self {
        Self {
            store,
            default_policy,
            policies: BTreeMap::new(),
            tenants: BTreeMap::new(),
            catch_up: VecDeque::new(),
            next_catch_up: AT_ONCE,
            not_before: AT_ONCE,
            said_to_wait: BTreeSet::new(),
        }
    }

    /// That all groups came into being and all alerts came to them: for those who were told nothing of it.
    #[must_use]
    pub fn placements(&self) -> Vec<Event> {
        let mut events = Vec::new();
        for tenant in self.tenants() {
            for group in tenant.groups() {
                let (name, due_at) = (&group.name, group.next_flush_at);
                let policy = &tenant.policy;
                events.push(policy.group_created(name.clone(), group.route, due_at));
                events.extend(group.alerts.iter().map(|alert| Event::AlertPlaced {
                    group: name.clone(),
                    alert: *alert,
                }));
            }
        }
        events
    }

    /// All tenants that are known.
    pub fn tenants(&self) -> impl Iterator<Item = &Tenant> {
        self.tenants.values()
    }

    /// One tenant.
    #[must_use]
    pub fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.get(name)
    }

    /// One tenant, made if it is not known: for [`Tenant::admit`].
    pub fn tenant_entry(&mut self, name: &str) -> &mut Tenant {
        let name: Arc<str> = name.into();
        let policy = self.policy_of(&name);
        self.tenants
            .entry(Arc::clone(&name))
            .or_insert_with(|| Tenant::new(name, policy))
    }

    /// Gives a tenant a policy of its own, or all others a new one (`None`). Groups whose route key and
    /// labels are there again keep timers and what is still to be told.
    pub fn set_policy(
        &mut self,
        tenant: Option<&str>,
        policy: Arc<Policy>,
        now: WallTime,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        match tenant {
            Some(name) => {
                self.policies.insert(name.into(), Arc::clone(&policy));
                if let Some(tenant) = self.tenants.get_mut(name) {
                    tenant.set_policy(policy, now, &mut events);
                }
            }
            None => {
                self.default_policy = Arc::clone(&policy);
                for (name, tenant) in &mut self.tenants {
                    if !self.policies.contains_key(name) {
                        tenant.set_policy(Arc::clone(&policy), now, &mut events);
                    }
                }
            }
        }
        events
    }

    /// What a durable record does to the state: in the running server, and in recovery alike.
    pub fn apply(&mut self, lsn: Lsn, record: Record) -> Vec<Event> {
        let mut events = Vec::new();
        if record.is_explanation() {
            return events;
        }
        if let Record::TenantDeleted(gone) = &record {
            self.tenants.remove(gone.tenant.as_str());
            return events;
        }
        let name = record.tenant().to_owned();
        self.tenant_entry(&name).apply(lsn, record, &mut events);
        events
    }

    /// What is due: the records to be appended as one batch, the notifications to be sent once they are
    /// durable, and the reasons of everything.
    pub fn decide(&mut self, now: WallTime) -> Vec<Action> {
        let mut out = Vec::new();
        for tenant in self.tenants.values_mut() {
            tenant.decide_forgotten(&mut out);
            tenant.decide_collection(now, &mut out);
        }
        if now < self.not_before {
            self.explain_waiting(now, &mut out);
            return out;
        }
        self.catch_up(now, &mut out);
        self.explain_waiting(now, &mut out);
        let store = self.store;
        for tenant in self.tenants.values_mut() {
            while let Some((due, group)) = tenant.groups.first_due()
                && due <= now
            {
                let due = Due {
                    group,
                    occasion: Occasion::Tick,
                    frozen: None,
                };
                tenant.flush(due, &store, now, &mut out);
            }
        }
        out
    }

    /// When `decide` has something to do next, if nothing else happens; [`AT_ONCE`] if it has now.
    #[must_use]
    pub fn next_wake(&self) -> Option<WallTime> {
        let catch_up = self.catch_up.front().map(|_| self.next_catch_up);
        let flushes = self
            .tenants()
            .filter_map(|tenant| Some(tenant.groups.first_due()?.0))
            .chain(catch_up)
            .map(|at| at.max(self.not_before));
        let others = self.tenants().filter_map(Tenant::next_upkeep);
        flushes.chain(others).min()
    }

    /// The records that create or change a silence. `new_id` is a random UUID (version 4) for a new one.
    ///
    /// # Errors
    /// That the silence cannot be like that, in the words of Alertmanager.
    pub fn set_silence(
        &mut self,
        tenant: &str,
        draft: &SilenceDraft,
        names: NameRule,
        new_id: &str,
        now: WallTime,
    ) -> Result<SilenceChange, SilenceError> {
        let tenant = self.tenant_entry(tenant);
        tenant
            .change(names, now)
            .set(&tenant.silences, draft, new_id)
    }

    /// The record that expires a silence; none if it has expired already.
    ///
    /// # Errors
    /// That there is no such silence.
    pub fn expire_silence(
        &mut self,
        tenant: &str,
        id: &str,
        now: WallTime,
    ) -> Result<Option<Record>, SilenceError> {
        let tenant = self.tenant_entry(tenant);
        let silence = tenant.silences.get(id).ok_or(SilenceError::NotFound)?;
        Ok(tenant.change(NameRule::Utf8, now).expire(silence))
    }

    fn tenants_mut(&mut self) -> impl Iterator<Item = &mut Tenant> {
        self.tenants.values_mut()
    }

    fn tenant_mut(&mut self, name: &str) -> Option<&mut Tenant> {
        self.tenants.get_mut(name)
    }

    fn new_tenant(&self, name: &str) -> Tenant {
        Tenant::new(name.into(), self.policy_of(name))
    }

    fn put_tenant(&mut self, tenant: Tenant) {
        self.tenants.insert(Arc::clone(&tenant.name), tenant);
    }

    fn policy_of(&self, tenant: &str) -> Arc<Policy> {
        let own = self.policies.get(tenant);
        Arc::clone(own.unwrap_or(&self.default_policy))
    }
}

impl Tenant {
    fn change(&self, names: NameRule, now: WallTime) -> Change<'_> {
        Change {
            tenant: &self.name,
            policy: &self.policy,
            names,
            now,
        }
    }

    /// Looks now and then for what has expired. Nothing is written if nothing has.
    fn decide_collection(&mut self, now: WallTime, out: &mut Vec<Action>) {
        let at = *self.collect_at.get_or_insert(after(now, COLLECT_EVERY));
        if now < at {
            return;
        }
        self.collect_at = Some(after(now, COLLECT_EVERY));
        if self.has_expired(now) {
            out.push(Action::Append(Record::Collected(CollectedV1 {
                tenant: self.name.to_string(),
                at_ns: now.0,
            })));
        }
    }

    fn next_upkeep(&self) -> Option<WallTime> {
        if !self.forgetting.is_empty() {
            return Some(AT_ONCE);
        }
        let has_any =
            self.alerts.len() > 0 || !self.silences.is_empty() || self.log.iter().len() > 0;
        self.collect_at.filter(|_| has_any)
    }
}
