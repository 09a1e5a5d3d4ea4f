//! After a downtime, or a jump of the clock, which looks the same from inside.
//!
//! Two steps, because everything that changes is a record:
//!
//! ```text
//!  replay ─► plan(last alive, now) ─► append, apply ─► resume(now) ─► listener opens ─► decide …
//! ```
//!
//! **Rules**
//! * Downtime resolves nothing. An alert that was firing when the process was last alive may go on firing
//!   for as long as it then had left, at most [`recovery_grace`](super::Policy::recovery_grace), counted
//!   from now. Times of being up are counted once: a process that crashes again and again uses up what an
//!   alert has left, and does not renew it. For that, the record of an extension is itself a sign of life.
//! * A clock that went back was no downtime: timers keep what they had left. What had ended has ended.
//!   Ends that this server guessed by its clock go back with it; those that a sender gave stand, because
//!   nobody knows whose clock was wrong, and an alert that fires too long does less harm than one that
//!   ends too early.
//! * Groups that were due while the process was down are frozen as they are now, before anyone can change
//!   them, and stay so until they have been flushed, through any number of crashes: what is frozen follows
//!   from the record `recovered`. So are groups with a notification in doubt, but these in memory only: the
//!   doubt itself is in the log. They are flushed oldest first, [`CATCH_UP_PER_SECOND_MAX`] at most.
//! * What was told of alerts in groups that they are not in any more is owed to those that they are in: the
//!   configuration may have changed meanwhile, or since records that were replayed (see [`super::owed`]).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::bugs::{Bug, planted};
use crate::model::{Duration, Fingerprint};
use crate::record::{EndsAtExtendedV1, FlushOccasion, GroupTimerV1, Record, RecoveredV1};
use crate::sys::WallTime;

use super::Core;
use super::alert::Alert;
use super::event::{Decision, Tick, Verdict};
use super::flush::{Due, Occasion};
use super::groups::{Group, GroupName};
use super::notification::TellAlert;
use super::tenant::Tenant;
use super::time::{after, between};

/// Groups flushed in a second while catching up: ten thousand within a minute, and the log and the
/// receivers keep room for what happens now.
pub const CATCH_UP_PER_SECOND_MAX: i64 = 200;

/// The time between two of them.
const CATCH_UP_STEP: Duration = Duration::from_nanos(1_000_000_000 / CATCH_UP_PER_SECOND_MAX);

/// A shorter wait is not worth a word.
const WAIT_TO_EXPLAIN: Duration = Duration::from_secs(1);

/// Alerts of one record of extensions: half a megabyte.
const EXTENDED_PER_RECORD_MAX: usize = 20_000;

/// Bytes of keys in one record of groups that were due, and one key beyond. A record may have 16 MiB.
const OVERDUE_KEY_BYTES_MAX: usize = 1 << 20;

/// A group that waits to catch up.
#[derive(Debug, Clone)]
pub(super) struct CatchUp {
    pub(super) tenant: Arc<str>,
    pub(super) name: GroupName,
    pub(super) occasion: Occasion,
    pub(super) due: WallTime,
    /// As in [`Due::frozen`].
    pub(super) frozen: Option<Vec<TellAlert>>,
}

/// What was found after a downtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecoveryReport {
    /// Alerts in all.
    pub alerts: usize,
    /// Groups in all.
    pub groups: usize,
    /// Groups that were due meanwhile.
    pub overdue_groups: usize,
    /// Notifications of which it is not known whether the receiver has them.
    pub in_doubt: usize,
}

impl Core {
    /// The records that a downtime makes necessary: ends of alerts; timers if the clock went back or an
    /// interval became shorter; and that the process is up again, if that changes anything. In this order,
    /// in one batch. `last_alive` is the last sign of life in the log.
    #[must_use]
    pub fn plan_recovery(&self, last_alive: WallTime, now: WallTime) -> Vec<Record> {
        let mut records = Vec::new();
        for tenant in self.tenants() {
            let moved = tenant.plan_ends(last_alive, now, &mut records);
            let mut overdue = tenant.plan_timers(last_alive, now, &moved, &mut records);
            if planted(Bug::OverdueNotFrozen) {
                overdue.clear();
            }
            if !overdue.is_empty() || tenant.has_strays() {
                tenant.plan_frozen(&overdue, now, &mut records);
            }
        }
        records
    }

    /// Takes over from the downtime, when the records of [`Self::plan_recovery`] have been applied: from
    /// here on `decide` catches up, but flushes nothing before `not_before`
    /// (Alertmanager 0.34: `--dispatch.start-delay`).
    pub fn resume(&mut self, now: WallTime, not_before: WallTime) -> RecoveryReport {
        let mut report = RecoveryReport::default();
        let mut waiting = Vec::new();
        for tenant in self.tenants_mut() {
            tenant.freeze_overdue(now, &mut waiting, &mut report);
        }
        waiting.sort_by(|one, other| {
            let key = |it: &CatchUp| (it.due, Arc::clone(&it.tenant), it.name.clone());
            key(one).cmp(&key(other))
        });
        self.catch_up.extend(waiting);
        self.next_catch_up = now;
        self.not_before = not_before;
        self.said_to_wait.clear();
        report
    }

    /// Flushes what is due of the groups that wait to catch up.
    pub(super) fn catch_up(&mut self, now: WallTime, out: &mut Vec<super::Action>) {
        while self.next_catch_up.max(self.not_before) <= now
            && let Some(next) = self.catch_up.pop_front()
        {
            let store = self.store;
            let Some(tenant) = self.tenant_mut(&next.tenant) else {
                continue;
            };
            let Some(group) = tenant.groups.find(&next.name) else {
                continue;
            };
            let due = Due {
                group,
                occasion: next.occasion,
                frozen: next.frozen,
            };
            tenant.flush(due, &store, now, out);
            self.next_catch_up = after(self.next_catch_up, CATCH_UP_STEP);
        }
    }
}

impl Core {
    /// Says once of each group that is due that it has to wait, if it does for long.
    pub(super) fn explain_waiting(&mut self, now: WallTime, out: &mut Vec<super::Action>) {
        let is_held = now < self.not_before;
        if self.catch_up.is_empty() && !is_held {
            self.said_to_wait.clear();
            return;
        }
        let mut said = std::mem::take(&mut self.said_to_wait);
        let mut flushed_at = self.next_catch_up.max(self.not_before);
        for next in &self.catch_up {
            let at = flushed_at;
            flushed_at = after(flushed_at, CATCH_UP_STEP);
            let Some(tenant) = self.tenants.get(&next.tenant) else {
                continue;
            };
            let group = tenant.groups.find(&next.name);
            let group = group.and_then(|id| tenant.groups.get(id));
            let is_long = after(now, WAIT_TO_EXPLAIN) <= at;
            if let Some(group) = group.filter(|_| is_long) {
                tenant.explain_wait(group, next.due, now, at, &mut said, out);
            }
        }
        if is_held {
            for tenant in self.tenants.values() {
                for group in tenant.groups.due_by(now) {
                    let due = group.next_flush_at;
                    tenant.explain_wait(group, due, now, self.not_before, &mut said, out);
                }
            }
        }
        self.said_to_wait = said;
    }
}

impl Tenant {
    fn explain_wait(
        &self,
        group: &Group,
        due_at: WallTime,
        now: WallTime,
        next_at: WallTime,
        said: &mut BTreeSet<(Arc<str>, GroupName)>,
        out: &mut Vec<super::Action>,
    ) {
        if !said.insert((Arc::clone(&self.name), group.name.clone())) {
            return;
        }
        out.push(super::Action::Explain(Decision {
            tenant: Arc::clone(&self.name),
            group_key: Arc::clone(&group.name.key),
            ordinal: group.name.ordinal,
            receiver: Arc::clone(&self.policy.routes.route(group.route).receiver),
            at: now,
            tick: Tick {
                occasion: FlushOccasion::NotReady,
                due_at,
                next_at,
                firing: 0,
                resolved: 0,
            },
            verdict: Verdict::NotReady,
        }));
    }

    /// Which alerts' ends move is given back.
    fn plan_ends(
        &self,
        last_alive: WallTime,
        now: WallTime,
        records: &mut Vec<Record>,
    ) -> HashSet<Fingerprint> {
        // One that is ahead of now was written before the clock went back.
        let last_alive = match self.extended_at <= now {
            true => last_alive.max(self.extended_at),
            false => last_alive,
        };
        let grace = self.policy.recovery_grace;
        let moved = |alert: &Alert| {
            let ends_at = match now < last_alive {
                _ if planted(Bug::EndsNotExtended) => alert.ends_at,
                true => end_by_clock_set_back(alert, last_alive, now),
                false => end_after_downtime(alert, last_alive, now, grace),
            };
            (ends_at != alert.ends_at).then(|| (alert.fingerprint().0, ends_at.0))
        };
        let mut extended: Vec<(u64, i64)> =
            self.alerts().filter_map(|alert| moved(alert)).collect();
        extended.sort_unstable();
        for alerts in extended.chunks(EXTENDED_PER_RECORD_MAX) {
            records.push(Record::EndsAtExtended(EndsAtExtendedV1 {
                tenant: self.name.to_string(),
                decided_at_ns: now.0,
                alerts: alerts.to_vec(),
            }));
        }
        let moved = extended.into_iter();
        moved.map(|(alert, _)| Fingerprint(alert)).collect()
    }

    /// The groups that are overdue, and not frozen as they have to be, are given back: those too that were
    /// frozen before with ends that move now.
    fn plan_timers(
        &self,
        last_alive: WallTime,
        now: WallTime,
        moved: &HashSet<Fingerprint>,
        records: &mut Vec<Record>,
    ) -> Vec<GroupName> {
        let mut overdue = Vec::new();
        let then = last_alive.min(now);
        let shift = between(last_alive, now).as_nanos().min(0);
        for (_, group) in self.groups.sorted() {
            let route = self.policy.routes.route(group.route);
            let wait = match group.flush_index {
                0 => route.group_wait,
                _ => route.group_interval,
            };
            let shifted = WallTime(group.next_flush_at.0.saturating_add(shift));
            let latest = after(now, wait).max(then);
            let next = match () {
                () if planted(Bug::TimersReset) => after(now, route.group_wait),
                () if planted(Bug::PhaseLost) => after(now, wait),
                () => shifted.min(latest),
            };
            let is_as_it_has_to_be = || {
                let has_moved = group.alerts.iter().any(|alert| moved.contains(alert));
                !has_moved && self.frozen_anew(group, now).is_none()
            };
            if next <= now && !is_as_it_has_to_be() {
                overdue.push(group.name.clone());
            }
            if next == group.next_flush_at {
                continue;
            }
            records.push(Record::GroupTimer(GroupTimerV1 {
                tenant: self.name.to_string(),
                group_key: group.name.key.to_string(),
                ordinal: group.name.ordinal,
                created_at_ns: group.created_at.0,
                next_flush_at_ns: next.0,
                flush_index: group.flush_index,
            }));
        }
        overdue
    }

    fn plan_frozen(&self, overdue: &[GroupName], now: WallTime, records: &mut Vec<Record>) {
        let mut bytes = 0;
        let mut record = RecoveredV1 {
            tenant: self.name.to_string(),
            at_ns: now.0,
            groups: Vec::new(),
        };
        for name in overdue {
            if bytes >= OVERDUE_KEY_BYTES_MAX {
                records.push(Record::Recovered(record.clone()));
                record.groups.clear();
                bytes = 0;
            }
            bytes += name.key.len();
            record.groups.push((name.key.to_string(), name.ordinal));
        }
        records.push(Record::Recovered(record));
    }

    /// What the record of a recovery does.
    pub(super) fn recover(&mut self, recovered: &RecoveredV1) {
        self.take_strays();
        let at = WallTime(recovered.at_ns);
        for (key, ordinal) in &recovered.groups {
            let Some(id) = self.group_in_record(key, *ordinal) else {
                continue;
            };
            let group = self.groups.get(id);
            if let Some(frozen) = group.and_then(|group| self.frozen_anew(group, at)) {
                self.groups.change(id, |group| group.frozen = frozen);
            }
        }
    }

    /// What is to be told of a group that is overdue, unless that is frozen already: its alerts as they
    /// are; but one that fired when the process came up before, and was not told yet, fires.
    fn frozen_anew(&self, group: &Group, at: WallTime) -> Option<Vec<TellAlert>> {
        let mut frozen = self.freeze(group, at);
        let fired = group.frozen.iter().filter(|it| !it.is_resolved);
        let fired: HashMap<u64, &TellAlert> = fired.map(|it| (it.hash, it)).collect();
        for it in frozen.iter_mut().filter(|it| it.is_resolved) {
            if let Some(before) = fired.get(&it.hash) {
                it.clone_from(before);
            }
        }
        (frozen != group.frozen).then_some(frozen)
    }

    fn freeze_overdue(
        &mut self,
        now: WallTime,
        waiting: &mut Vec<CatchUp>,
        report: &mut RecoveryReport,
    ) {
        report.alerts += self.alerts.len();
        report.groups += self.groups.len();
        let in_doubt: HashSet<(Arc<str>, Arc<str>)> = self
            .intents
            .iter()
            .filter(|(_, intent)| intent.state.is_in_doubt())
            .filter(|(_, intent)| !self.flights.contains_key(&intent.flush_id))
            .inspect(|_| report.in_doubt += 1)
            .map(|(key, _)| (Arc::clone(&key.group_key), Arc::clone(&key.receiver)))
            .collect();
        let mut found = Vec::new();
        for (id, group) in self.groups.sorted() {
            let receiver = &self.policy.routes.route(group.route).receiver;
            let place = (Arc::clone(&group.name.key), Arc::clone(receiver));
            let is_overdue = group.next_flush_at <= now;
            let occasion = match (is_overdue, in_doubt.contains(&place)) {
                (true, _) => Occasion::CatchUp,
                (false, true) => Occasion::InDoubt,
                (false, false) => continue,
            };
            if group.flight.is_some() || group.is_catching_up {
                continue;
            }
            report.overdue_groups += usize::from(is_overdue);
            found.push(id);
            waiting.push(CatchUp {
                tenant: Arc::clone(&self.name),
                name: group.name.clone(),
                occasion,
                due: group.next_flush_at.min(now),
                frozen: (!is_overdue).then(|| self.freeze(group, now)),
            });
        }
        for id in found {
            self.groups.change(id, |group| group.is_catching_up = true);
        }
    }
}

/// Downtime does not count: what was left is left, up to a grace.
fn end_after_downtime(
    alert: &Alert,
    last_alive: WallTime,
    now: WallTime,
    grace: Duration,
) -> WallTime {
    if alert.ends_at <= last_alive {
        return alert.ends_at;
    }
    let left = match planted(Bug::EndsRenewed) {
        true => grace,
        false => between(last_alive, alert.ends_at).min(grace),
    };
    after(now, left).max(alert.ends_at)
}

/// A clock that was set back makes nothing fire again, and guesses were made by it.
fn end_by_clock_set_back(alert: &Alert, last_alive: WallTime, now: WallTime) -> WallTime {
    if alert.ends_at <= last_alive {
        return alert.ends_at.min(now);
    }
    match alert.is_timeout {
        true => after(now, between(last_alive, alert.ends_at)),
        false => alert.ends_at,
    }
}
