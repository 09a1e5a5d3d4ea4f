//! A flush of a group: what passes, who is told of it and why, and what leaves the group.
//!
//! ```text
//!  freeze ─► inhibition ─► intervals ─► silences ─► per integration: the decision table ─► intent
//! ```
//!
//! **Rules**
//! * Everything that is to change is a record. Until the records are back, the group is in flight.
//! * A resolved alert leaves the group when every integration was told, or needed not be. One that is
//!   kept back leaves only if no integration was told that it fires: else its end is owed, and told when
//!   nothing keeps it back any more (Alertmanager forgets it: hazard H12).
//! * A notification whose content is that of an open intent has its key, and the next attempt's number.
//!   If the content has changed it is another notification, and the open one is superseded.
//! * A notification in doubt may have been taken. Where its receiver would then be owed something (the end
//!   of what it said fires, the firing of what it said had ended), that is told, as if it had been taken:
//!   see [`super::owed`].

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::{Duration, Fingerprint, LabelSet, RouteIndex};
use crate::record::{AlertForgottenV1, FlushOccasion, GroupTimerV1, Lsn, Record};
use crate::sys::WallTime;

use super::dedup::{Reason, Telling, Told, reason, reason_in_doubt};
use super::event::{Action, Decision, Tick, To, Verdict};
use super::groups::{Flight, GroupId, GroupName};
use super::idempotency::{self, Content};
use super::intents::{Intent, IntentState};
use super::notification::{Notification, Outcome, TellAlert};
use super::notification_log::{LogEntry, LogKey};
use super::policy::{Integration, OnInDoubt, Policy};
use super::tenant::Tenant;
use super::time::{after, between};

/// A flush may take as long as this at least, however short the interval. Alertmanager 0.34:
/// `notify.MinTimeout`.
const FLUSH_TIME_MIN: Duration = Duration::from_secs(10);

/// Alerts of one record of forgotten ones: two megabytes at most.
const FORGOTTEN_PER_RECORD_MAX: usize = 50_000;

/// A group without an interval would be flushed without end.
const INTERVAL_MIN: Duration = Duration::from_nanos(1_000_000);

/// Why a group is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occasion {
    /// Its timer.
    Tick,
    /// Its timer went off while the process was down.
    CatchUp,
    /// A notification of it is in doubt; its timer stays.
    InDoubt,
}

/// A flush that is due.
#[derive(Debug, Clone)]
pub(super) struct Due {
    pub(super) group: GroupId,
    pub(super) occasion: Occasion,
    /// Its alerts as they were when the process came up, if a notification of them is in doubt.
    pub(super) frozen: Option<Vec<TellAlert>>,
}

/// A flush under way.
struct Flush<'a> {
    tenant: &'a mut Tenant,
    out: &'a mut Vec<Action>,
    store: &'a [u8; 16],
    policy: Arc<Policy>,
    now: WallTime,
    occasion: Occasion,
    group: GroupId,
    name: GroupName,
    route: RouteIndex,
    labels: LabelSet,
    alerts: Arc<[TellAlert]>,
    firing: Arc<[u64]>,
    resolved: Arc<[u64]>,
    flight: Flight,
    has_told: bool,
    due_at: WallTime,
    next_at: WallTime,
    verdicts: Vec<Verdict>,
}

impl Tenant {
    /// Decides a flush, and marks the group as decided.
    pub(super) fn flush(
        &mut self,
        due: Due,
        store: &[u8; 16],
        now: WallTime,
        out: &mut Vec<Action>,
    ) {
        let Some(group) = self.groups.get(due.group) else {
            return;
        };
        let frozen = match due.frozen {
            Some(frozen) => frozen,
            None if group.frozen.is_empty() => self.freeze(group, now),
            None => group.frozen.clone(),
        };
        let (name, route, labels) = (group.name.clone(), group.route, group.labels.clone());
        let due_at = match due.occasion {
            Occasion::InDoubt => now,
            Occasion::Tick | Occasion::CatchUp => group.next_flush_at,
        };
        let passed = self.let_pass(route, frozen.clone(), now);
        self.mark(&frozen, &passed);
        let hashes = |is_resolved: bool| {
            let of_kind = passed
                .alerts
                .iter()
                .filter(|it| it.is_resolved == is_resolved);
            let mut hashes: Vec<u64> = of_kind.map(|it| it.hash).collect();
            hashes.sort_unstable();
            hashes.into()
        };
        let (firing, resolved) = (hashes(false), hashes(true));
        let muted_by = Arc::clone(&passed.muted_by);
        let mut flush = Flush {
            policy: Arc::clone(&self.policy),
            tenant: self,
            out,
            store,
            now,
            occasion: due.occasion,
            group: due.group,
            name,
            route,
            labels,
            alerts: passed.alerts.into(),
            firing,
            resolved,
            flight: Flight {
                has_failed: passed.has_failed,
                ..Flight::default()
            },
            has_told: false,
            due_at,
            next_at: now,
            verdicts: passed.verdicts,
        };
        flush.tell_integrations();
        if due.occasion != Occasion::InDoubt {
            flush.find_forgettable(&frozen);
            flush.rearm();
        }
        flush.explain_all();
        let Flush { flight, group, .. } = flush;
        self.groups.change(group, |group| {
            group.muted_by = muted_by;
            group.is_catching_up = false;
            group.flight = Some(flight);
        });
        self.end_flight(group);
        self.decide_forgotten(out);
    }

    /// The records of what is forgotten after flights that ended well.
    pub(super) fn decide_forgotten(&mut self, out: &mut Vec<Action>) {
        for name in std::mem::take(&mut self.forgetting) {
            let Some(group) = self.groups.find(&name).and_then(|id| self.groups.get(id)) else {
                continue;
            };
            let to_forget = group.flight.as_ref().map(|it| it.to_forget.as_slice());
            for alerts in to_forget
                .unwrap_or_default()
                .chunks(FORGOTTEN_PER_RECORD_MAX)
            {
                out.push(Action::Append(Record::AlertForgotten(AlertForgottenV1 {
                    tenant: self.name.to_string(),
                    group_key: name.key.to_string(),
                    ordinal: name.ordinal,
                    alerts: alerts.iter().map(|(it, lsn)| (it.0, lsn.0)).collect(),
                })));
            }
        }
    }
}

impl Flush<'_> {
    fn tell_integrations(&mut self) {
        let policy = Arc::clone(&self.policy);
        let Some(integrations) = policy.integrations(self.route) else {
            self.flight.has_failed = true;
            self.explain(Verdict::ReceiverMissing);
            return;
        };
        for integration in integrations {
            self.tell(integration);
        }
    }

    /// Decides whether one integration is told, and of what.
    fn tell(&mut self, integration: &Integration) {
        let key = self.log_key(integration);
        let open = self.tenant.intents.get(&key).cloned();
        let in_doubt = open.as_ref().filter(|intent| intent.state.is_in_doubt());
        if self.occasion == Occasion::InDoubt && in_doubt.is_none() {
            return;
        }
        let entry = self.tenant.log.get(&key);
        let telling = Telling {
            firing: &self.firing,
            resolved: &self.resolved,
            send_resolved: integration.send_resolved,
            repeat_interval: self.policy.routes.route(self.route).repeat_interval,
            now: self.now,
        };
        // What is kept back altogether stays in doubt until something can be told again.
        if self.alerts.is_empty() {
            return;
        }
        let told = entry.map(LogEntry::told);
        let reason = match reason(told.as_ref(), &telling) {
            Reason::None => {
                let owed = self.tenant.owed_to(&key, in_doubt);
                reason_in_doubt(told.as_ref(), &owed, &telling)
            }
            known => known,
        };
        let news = News::since(told.as_ref(), &telling);
        let receiver_data = match reason {
            Reason::FirstNotification => None,
            _ => entry.map(LogEntry::receiver_data),
        };
        let to = To {
            integration: Arc::clone(&integration.name),
            index: integration.index,
        };
        if reason == Reason::None {
            if let Some(in_doubt) = in_doubt {
                self.supersede(&key, in_doubt, &to);
            }
            self.explain(Verdict::Deduplicated { to });
            return;
        }
        let same = open.as_ref().filter(|intent| self.is_same(intent, reason));
        if let (None, Some(in_doubt)) = (same, in_doubt) {
            self.supersede(&key, in_doubt, &to);
        }
        let mut notification = Notification {
            key: key.in_record(&self.tenant.name),
            flush_id: 0,
            attempt: same.map_or(1, |intent| intent.attempt.saturating_add(1)),
            is_recovered: same.is_some_and(|intent| intent.state.is_in_doubt()),
            idempotency_key: [0; 32],
            reason,
            route: self.route,
            group_labels: self.labels.clone(),
            alerts: Arc::clone(&self.alerts),
            send_resolved: integration.send_resolved,
            firing: Arc::clone(&self.firing),
            resolved: Arc::clone(&self.resolved),
            decided_at: self.now,
            deadline: after(self.now, self.interval().max(FLUSH_TIME_MIN)),
            entry_lifetime: self.entry_lifetime(),
            receiver_data: receiver_data.unwrap_or_default(),
        };
        if !integration.send_resolved && self.firing.is_empty() {
            notification.flush_id = self.new_flush_id();
            self.settle(&notification, Outcome::NothingToSend);
            self.explain(Verdict::NothingToSend { to, reason });
            return;
        }
        match same {
            Some(intent) if intent.state == IntentState::Quarantined => {
                let flush_id = intent.flush_id;
                self.flight.has_failed = true;
                self.explain(Verdict::Quarantined { to, flush_id });
            }
            Some(intent)
                if intent.state.is_in_doubt() && integration.on_in_doubt == OnInDoubt::Skip =>
            {
                let flush_id = intent.flush_id;
                notification.flush_id = flush_id;
                self.settle(&notification, Outcome::AssumedDelivered);
                self.explain(Verdict::AssumedDelivered { to, flush_id });
            }
            _ => {
                notification.idempotency_key = match same {
                    Some(intent) => intent.idempotency_key,
                    None => self.new_key(&notification),
                };
                self.send(notification, to, news);
            }
        }
    }

    /// The intent, and what is sent once it is durable.
    fn send(&mut self, mut notification: Notification, to: To, news: News) {
        notification.flush_id = self.new_flush_id();
        self.wait_for(notification.flush_id);
        self.has_told = true;
        self.append(Record::FlushIntent(notification.intent()));
        self.explain(Verdict::Notify {
            to,
            reason: notification.reason,
            flush_id: notification.flush_id,
            attempt: notification.attempt,
            added: news.added,
            ended: news.ended,
        });
        self.out.push(Action::Notify(Box::new(notification)));
    }

    /// The result of what needs no sending. Its entry counts as told.
    fn settle(&mut self, notification: &Notification, outcome: Outcome) {
        self.wait_for(notification.flush_id);
        let data = notification.receiver_data.clone();
        let entry = notification.entry(self.now, data);
        self.append(notification.result(self.now, outcome, String::new(), entry));
    }

    fn supersede(&mut self, key: &LogKey, intent: &Intent, to: &To) {
        self.append(Record::NotifyResult(crate::record::NotifyResultV1 {
            flush_id: intent.flush_id,
            key: key.in_record(&self.tenant.name),
            outcome: Outcome::Superseded.as_str().to_owned(),
            detail: String::new(),
            entry: Vec::new(),
            finished_at_ns: self.now.0,
        }));
        self.explain(Verdict::Superseded {
            to: to.clone(),
            flush_id: intent.flush_id,
        });
    }

    fn is_same(&self, intent: &Intent, reason: Reason) -> bool {
        intent.reason == reason.as_str()
            && *intent.firing == *self.firing
            && *intent.resolved == *self.resolved
    }

    fn new_key(&self, notification: &Notification) -> [u8; 32] {
        let content = Content {
            reason: notification.reason.as_str(),
            firing: &notification.firing,
            resolved: &notification.resolved,
        };
        // The flushes of a group are counted anew when it comes again; this number never is.
        let flush_id = self.tenant.allocated_flush_id;
        idempotency::key(self.store, &notification.key, flush_id, &content)
    }

    fn new_flush_id(&mut self) -> u64 {
        let id = self.tenant.allocated_flush_id;
        self.tenant.allocated_flush_id += 1;
        id
    }

    fn wait_for(&mut self, flush_id: u64) {
        self.flight.waiting.insert(flush_id);
        self.tenant.flights.insert(flush_id, self.name.clone());
    }

    /// The resolved alerts that leave the group when this flush ends well.
    fn find_forgettable(&mut self, frozen: &[TellAlert]) {
        let integrations = self.policy.integrations(self.route).unwrap_or_default();
        let keys: Vec<LogKey> = integrations.iter().map(|it| self.log_key(it)).collect();
        let mut owed: HashSet<u64> = HashSet::new();
        for key in &keys {
            owed.extend(
                self.tenant
                    .log
                    .get(key)
                    .into_iter()
                    .flat_map(|it| it.told().firing),
            );
            owed.extend(self.tenant.owed.get(key).into_iter().flatten());
            let open = self.tenant.intents.get(key).into_iter();
            owed.extend(open.flat_map(|intent| intent.firing.iter().chain(&intent.resolved)));
        }
        let is_owed = |hash: u64| owed.contains(&hash);
        let passed: HashSet<u64> = self.resolved.iter().copied().collect();
        let resolved = frozen.iter().filter(|it| it.is_resolved);
        let to_forget = resolved.filter(|it| passed.contains(&it.hash) || !is_owed(it.hash));
        self.flight.to_forget = to_forget
            .map(|it| -> (Fingerprint, Lsn) { (it.alert.fingerprint(), it.alert.version) })
            .collect();
    }

    /// The next tick: one interval after this one. If it caught up and told nothing, the old phase goes on.
    fn rearm(&mut self) {
        let interval = self.interval();
        let Some(group) = self.tenant.groups.get(self.group) else {
            return;
        };
        let next = match self.occasion == Occasion::CatchUp && !self.has_told {
            true => next_in_phase(group.next_flush_at, interval, self.now),
            false => after(self.now, interval),
        };
        self.next_at = next;
        let timer = GroupTimerV1 {
            tenant: self.tenant.name.to_string(),
            group_key: self.name.key.to_string(),
            ordinal: self.name.ordinal,
            created_at_ns: group.created_at.0,
            next_flush_at_ns: next.0,
            flush_index: group.flush_index + 1,
        };
        self.flight.is_timer_pending = true;
        self.append(Record::GroupTimer(timer));
    }

    fn interval(&self) -> Duration {
        let route = self.policy.routes.route(self.route);
        route.group_interval.max(INTERVAL_MIN)
    }

    /// Alertmanager 0.34: twice the repeat interval, at most the retention.
    fn entry_lifetime(&self) -> Duration {
        let repeat = self.policy.routes.route(self.route).repeat_interval;
        let twice = Duration::from_nanos(repeat.as_nanos().saturating_mul(2));
        match twice > Duration::ZERO {
            true => twice.min(self.policy.retention),
            false => self.policy.retention,
        }
    }

    fn log_key(&self, integration: &Integration) -> LogKey {
        LogKey {
            group_key: Arc::clone(&self.name.key),
            receiver: Arc::clone(&self.policy.routes.route(self.route).receiver),
            integration: Arc::clone(&integration.name),
            index: integration.index,
        }
    }

    fn append(&mut self, record: Record) {
        self.out.push(Action::Append(record));
    }

    fn explain(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    fn explain_all(&mut self) {
        let tick = Tick {
            occasion: match self.occasion {
                Occasion::Tick => FlushOccasion::Tick,
                Occasion::CatchUp => FlushOccasion::CatchUp,
                Occasion::InDoubt => FlushOccasion::InDoubt,
            },
            due_at: self.due_at,
            next_at: self.next_at,
            firing: u32::try_from(self.firing.len()).unwrap_or(u32::MAX),
            resolved: u32::try_from(self.resolved.len()).unwrap_or(u32::MAX),
        };
        for verdict in std::mem::take(&mut self.verdicts) {
            self.out.push(Action::Explain(Decision {
                tenant: Arc::clone(&self.tenant.name),
                group_key: Arc::clone(&self.name.key),
                ordinal: self.name.ordinal,
                receiver: Arc::clone(&self.policy.routes.route(self.route).receiver),
                at: self.now,
                tick,
                verdict,
            }));
        }
    }
}

/// What is told that was not told before.
struct News {
    added: Vec<u64>,
    ended: Vec<u64>,
}

impl News {
    /// Nothing was told, so that all of it is news: the intent lists it.
    fn since(told: Option<&Told>, telling: &Telling<'_>) -> Self {
        let without = |all: &[u64], known: &[u64]| -> Vec<u64> {
            let news = all.iter().filter(|it| known.binary_search(it).is_err());
            news.copied().collect()
        };
        match told {
            None => Self {
                added: Vec::new(),
                ended: Vec::new(),
            },
            Some(told) => Self {
                added: without(telling.firing, &told.firing),
                ended: without(&told.firing, telling.firing),
            },
        }
    }
}

/// The first tick after now of those that are whole intervals after one that was due.
fn next_in_phase(due: WallTime, interval: Duration, now: WallTime) -> WallTime {
    let late = between(due, now).as_nanos().max(0);
    let missed = late / interval.as_nanos() + 1;
    WallTime(
        due.0
            .saturating_add(missed.saturating_mul(interval.as_nanos())),
    )
}
