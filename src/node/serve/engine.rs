//! The core's thread: applies what is durable, decides what is due.
//!
//! ```text
//!   arrivals ─► apply ─► decide ─► records ─► journal ─► (durable) ─► arrivals ─► notifications out
//!      ▲ durable records
//! ```
//!
//! **Invariants**
//! * Only this thread applies records, in LSN order, and only it decides.
//! * What was decided is never forgotten: what the log refuses for want of room or time is handed in
//!   again, in its order, before anything new is decided.
//! * What explains the decisions rides with them. If the log refuses it, it is dropped, counted and logged
//!   once: it is not state, and nobody waits for it.
//! * The lock on the core is held for one piece of work at a time ([`ARRIVALS_AT_ONCE_MAX`]): who reads
//!   waits for a few hundred microseconds at most.
//!
//! A crash at any point: see `core` (nothing that is not durable has left this thread).

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tracing::{debug, error, warn};

use super::arrivals::Arrivals;
use super::dispatch::Dispatcher;
use super::journal::{Arrival, Decided};
use super::shared::Shared;
use crate::core::explain::{Explanations, RECORD_BYTES_TARGET};
use crate::core::{AT_ONCE, Action, Core, Event, Verdict};
use crate::record::{ConfigAppliedV1, Record};
use crate::sys::WallTime;
use crate::wal::{AppendError, Lane};

/// Arrivals that are applied under one lock.
const ARRIVALS_AT_ONCE_MAX: usize = 64;

/// The longest sleep: the clock may be set while we sleep, and what is due by it must not wait.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// How long to wait before handing in again what the log had no room or time for.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How long to wait if something is said to be due and nothing comes of it.
const PAUSE: Duration = Duration::from_millis(10);

/// Records of one request to the log: far below what a batch holds.
const RECORDS_AT_ONCE_MAX: usize = 256;

/// How long explanations wait for a record that they can ride with.
const EXPLANATIONS_WAIT_NS: i64 = 1_000_000_000;

/// A clock that is this far from where it should be was set. Slewing never comes near it.
const JUMP_MIN_NS: u64 = 5_000_000_000;

/// Records after a jump of the clock that are handed in together: each is half a megabyte at most, and
/// more than a few would not fit into a batch of the log.
const RECORDS_AFTER_JUMP_MAX: usize = 4;

/// Hashes and texts of one request to the log, about: a notification of a group of ten thousand alerts
/// has twice that many hashes.
const BYTES_AT_ONCE_MAX: usize = 256 * 1024;

/// The thread.
pub(super) struct Engine {
    pub(super) shared: Arc<Shared>,
    pub(super) arrivals: Arc<Arrivals>,
    pub(super) dispatcher: Dispatcher,
    /// What the log refused, oldest first.
    unsent: VecDeque<Decided>,
    /// The last look at the clocks: wall and monotonic.
    seen: (WallTime, Duration),
    /// Whether the records about a jump of the clock are on their way.
    is_settling: bool,
    is_refusal_logged: bool,
    /// What explains what was decided, until it is handed in.
    explanations: Explanations,
    tenant: Arc<str>,
}

impl Engine {
    pub(super) fn new(
        shared: Arc<Shared>,
        arrivals: Arc<Arrivals>,
        dispatcher: Dispatcher,
    ) -> Self {
        let seen = (shared.clock.wall(), shared.clock.monotonic());
        Self {
            seen,
            is_settling: false,
            shared,
            arrivals,
            dispatcher,
            unsent: VecDeque::new(),
            is_refusal_logged: false,
            explanations: Explanations::default(),
            tenant: super::TENANT.into(),
        }
    }

    /// Works until it is told to stop.
    pub(super) fn run(mut self) {
        let mut sleep = Duration::ZERO;
        while let Some(arrived) = self.arrivals.take(ARRIVALS_AT_ONCE_MAX, sleep) {
            sleep = self.work(arrived);
        }
    }

    /// One piece of work; how long there is nothing to do after it.
    fn work(&mut self, arrived: Vec<Arrival>) -> Duration {
        let mut events = Vec::new();
        let mut release = Vec::new();
        let mut applied = None;
        self.take_back_refused();
        for (at, event) in self.shared.take_happened() {
            self.explanations.happened(super::TENANT, at, &event);
        }
        let shared = Arc::clone(&self.shared);
        let mut core = shared.core();
        for arrival in arrived {
            let mut lsn = arrival.first;
            if let Some(sender) = &arrival.sender {
                let at = arrival.records.first().and_then(Record::at);
                let at = at.unwrap_or(self.seen.0);
                self.explanations.received(&self.tenant, at, lsn, sender);
            }
            for record in arrival.records {
                self.shared.counts.applied(&record);
                let at = record.at();
                let tenant = record.tenant().to_owned();
                let happened = core.apply(lsn, record);
                for event in happened {
                    let at = at.unwrap_or(self.seen.0);
                    self.explanations.happened(&tenant, at, &event);
                    events.push(event);
                }
                applied = Some(lsn);
                lsn = lsn.next();
            }
            release.extend(arrival.release);
            if arrival.resumes {
                let now = self.shared.clock.wall();
                core.resume(now, now);
                self.is_settling = false;
            }
        }
        let now = self.shared.clock.wall();
        let after_jump = self.after_jump(&core, now);
        let is_stopping = self.shared.is_stopping.load(Ordering::Acquire);
        let is_ready = self.unsent.is_empty() && !is_stopping && !self.is_settling;
        let actions = match is_ready {
            true => core.decide(now),
            false => Vec::new(),
        };
        let wake = core.next_wake();
        if let Some(lsn) = applied {
            // Under the lock, so that a checkpoint knows what is in the state that it copies.
            self.shared.applied_up_to(lsn);
        }
        drop(core);
        for event in events {
            self.report(event);
        }
        if !release.is_empty() {
            self.dispatcher.send(release);
        }
        for decided in after_jump {
            self.hand_in(decided);
        }
        let has_decided = !actions.is_empty();
        self.carry_out(actions, now);
        self.sleep(wake, now, has_decided)
    }

    /// What a jump of the clock makes necessary: from inside it looks like a downtime.
    fn after_jump(&mut self, core: &Core, now: WallTime) -> Vec<Decided> {
        let (wall, monotonic) = self.seen;
        let passed = self.shared.clock.monotonic().saturating_sub(monotonic);
        self.seen = (now, monotonic + passed);
        let passed_ns = i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX);
        let jumped_ns = now.0.saturating_sub(wall.0.saturating_add(passed_ns));
        if self.is_settling || jumped_ns.unsigned_abs() < JUMP_MIN_NS {
            return Vec::new();
        }
        warn!(
            seconds = jumped_ns / 1_000_000_000,
            "The clock was set. Alerts and timers keep what they had left."
        );
        self.is_settling = true;
        let expected = WallTime(wall.0.saturating_add(passed_ns));
        let mut records = core.plan_recovery(expected, now);
        if records.is_empty() {
            // Something has to come back, so that the core resumes at its place in the log.
            records.push(Record::ConfigApplied(ConfigAppliedV1 {
                tenant: super::TENANT.to_owned(),
                applied_at_ns: now.0,
                hash: self.shared.plan().hash,
                text: String::new(),
            }));
        }
        let together = match records.len() {
            0..=RECORDS_AFTER_JUMP_MAX => vec![records],
            _ => records.into_iter().map(|record| vec![record]).collect(),
        };
        let mut pieces: Vec<Decided> = together
            .into_iter()
            .map(|records| Decided {
                records,
                ..Decided::default()
            })
            .collect();
        if let Some(last) = pieces.last_mut() {
            last.resumes = true;
        }
        pieces
    }

    fn sleep(&self, wake: Option<WallTime>, now: WallTime, has_decided: bool) -> Duration {
        if !self.unsent.is_empty() {
            return RETRY_AFTER;
        }
        let Some(wake) = wake else {
            return SLEEP_MAX;
        };
        if has_decided {
            return Duration::ZERO;
        }
        if wake == AT_ONCE || wake <= now {
            return PAUSE;
        }
        let left = u64::try_from(wake.0.saturating_sub(now.0)).unwrap_or(0);
        Duration::from_nanos(left).min(SLEEP_MAX)
    }

    /// Hands in what was refused before, then what was decided, in pieces.
    fn carry_out(&mut self, actions: Vec<Action>, now: WallTime) {
        let refused = std::mem::take(&mut self.unsent);
        if refused.is_empty() {
            self.is_refusal_logged = false;
        }
        for decided in refused {
            self.hand_in(decided);
        }
        let mut piece = Decided::default();
        let mut bytes = 0;
        for action in actions {
            match action {
                Action::Append(record) => {
                    bytes += size_of(&record);
                    piece.records.push(record);
                }
                // It follows the record of its intent, and is in one piece with it.
                Action::Notify(notification) => piece.release.push(*notification),
                Action::Explain(decision) => {
                    self.shared.counts.decided(&decision);
                    self.explanations.decided(&decision);
                    explain(&decision);
                    continue;
                }
            }
            if piece.records.len() >= RECORDS_AT_ONCE_MAX || bytes >= BYTES_AT_ONCE_MAX {
                // A notification comes right after its record: it must not be cut off from it.
                bytes = 0;
                let last = piece.records.pop();
                self.hand_in(std::mem::take(&mut piece));
                piece.records.extend(last);
            }
        }
        self.explain_in(piece, bytes, now);
    }

    /// Hands in the last piece, and what explains it and those before.
    fn explain_in(&mut self, mut piece: Decided, mut bytes: usize, now: WallTime) {
        let since = self.explanations.waiting_since();
        let is_old = since.is_some_and(|since| {
            now < since || since.0.saturating_add(EXPLANATIONS_WAIT_NS) <= now.0
        });
        if !piece.records.is_empty() || is_old || self.explanations.is_plenty() {
            let (records, dropped) = self.explanations.take();
            self.note_dropped(dropped);
            for record in records {
                if bytes >= BYTES_AT_ONCE_MAX {
                    bytes = 0;
                    self.hand_in(std::mem::take(&mut piece));
                }
                bytes += RECORD_BYTES_TARGET;
                piece.records.push(record);
                piece.explanations += 1;
            }
        }
        self.hand_in(piece);
    }

    fn note_dropped(&mut self, dropped: u64) {
        if dropped == 0 {
            return;
        }
        let counter = &self.shared.counts.explanations_dropped;
        if counter.fetch_add(dropped, Ordering::Relaxed) == 0 {
            warn!(
                records = dropped,
                "The log has no room or time for records that explain what was decided; they are dropped. What was decided is not affected. This is said once."
            );
        }
    }

    fn hand_in(&mut self, decided: Decided) {
        if decided.records.is_empty() {
            debug_assert!(decided.release.is_empty(), "a notification has an intent");
            return;
        }
        let shared = Arc::clone(&self.shared);
        let then = move |result: Result<(), (AppendError, Decided)>| match result {
            Ok(()) => {}
            Err((error, decided)) if error.is_retryable() => {
                shared.refused(decided);
            }
            // The log takes nothing any more; what was decided will be decided anew.
            Err((AppendError::Closed, _)) => {}
            Err((error, _)) => shared.fail(&error),
        };
        let journal = &self.shared.journal;
        journal.submit_decided(Lane::Priority, decided, then);
        // Refusals at once are there already.
        self.take_back_refused();
    }

    /// What the log refused, at once or later.
    fn take_back_refused(&mut self) {
        for mut refused in self.shared.take_refused() {
            let kept = refused.records.len() - refused.explanations;
            refused.records.truncate(kept);
            self.note_dropped(std::mem::take(&mut refused.explanations) as u64);
            if refused.records.is_empty() {
                continue;
            }
            if !self.is_refusal_logged {
                warn!(
                    records = refused.records.len(),
                    "The log has no room or time for what was decided; it is tried again."
                );
                self.is_refusal_logged = true;
            }
            self.unsent.push_back(refused);
        }
    }

    fn report(&self, event: Event) {
        self.shared.counts.happened(&event);
        match event {
            Event::AlertCreated(alert) => {
                debug!(component = "dispatcher", alert = %alert.labels, "Received alert");
            }
            Event::AlertResolved { .. }
            | Event::GroupCreated { .. }
            | Event::AlertPlaced { .. } => {}
            Event::GroupLimited { group_key, alert } => error!(
                component = "dispatcher",
                aggrGroup = &*group_key,
                alert = %alert,
                "too many aggregation groups, cannot create new group for alert"
            ),
            Event::UnknownTouched { alert } => error!(
                alert = %alert,
                "A touched alert is not known: the log lacks what came before."
            ),
            Event::GroupDropped { group_key, unsent } if unsent > 0 => warn!(
                component = "dispatcher",
                aggrGroup = &*group_key,
                unsent,
                "A group has no place in the new configuration; of some of its alerts nobody was told the end."
            ),
            Event::GroupDropped { .. } => {}
            Event::Unreadable { record, fault } => error!(
                record,
                err = fault,
                "A message in a record could not be read; it has no effect."
            ),
        }
    }
}

/// About how long a record is.
fn size_of(record: &Record) -> usize {
    match record {
        Record::FlushIntent(intent) => 9 * (intent.firing.len() + intent.resolved.len()) + 256,
        Record::NotifyResult(result) => result.entry.len() + result.detail.len() + 256,
        Record::AlertForgotten(forgotten) => 18 * forgotten.alerts.len() + 256,
        _ => 256,
    }
}

fn explain(decision: &crate::core::Decision) {
    let (group, receiver) = (&*decision.group_key, &*decision.receiver);
    match &decision.verdict {
        Verdict::UnknownInterval { name } => error!(
            component = "dispatcher",
            aggrGroup = group,
            receiver,
            "time interval {name} doesn't exist in config"
        ),
        Verdict::ReceiverMissing => error!(
            component = "dispatcher",
            aggrGroup = group,
            receiver,
            "The route names a receiver that there is not."
        ),
        verdict => debug!(
            component = "dispatcher",
            aggrGroup = group,
            receiver,
            decision = ?verdict,
            "flushing"
        ),
    }
}
