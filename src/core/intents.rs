//! Notifications from the intent to the result, and what a result does to the group.

use std::sync::Arc;

use crate::bugs::{Bug, planted};
use crate::model::Fingerprint;
use crate::record::{
    AlertForgottenV1, EndsAtExtendedV1, FlushIntentV1, GroupTimerV1, Lsn, NotifyResultV1,
};
use crate::sys::WallTime;

use super::alerts::InGroups;
use super::counts::Mark;
use super::event::Event;
use super::groups::{GroupId, GroupName};
use super::notification::Outcome;
use super::notification_log::{LogEntry, LogKey};
use super::tenant::{Tenant, unreadable};

/// What is known of a notification that was not delivered for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IntentState {
    /// It has no result: it is on its way, or a crash came in between.
    InDoubt,
    /// As in doubt, and sent again since: that this failed does not say that the first was not taken.
    Resent,
    /// It failed.
    Failed,
    /// It does harm.
    Quarantined,
}

impl IntentState {
    /// Whether the receiver may have it.
    #[must_use]
    pub fn is_in_doubt(self) -> bool {
        matches!(self, Self::InDoubt | Self::Resent) && !planted(Bug::DoubtIgnored)
    }
}

/// A notification that was decided and not delivered for certain. There is one of an integration and a
/// group at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its number.
    pub flush_id: u64,
    /// How often it was begun.
    pub attempt: u32,
    /// Why, as templates see it.
    pub reason: String,
    /// The hashes of what fired, sorted.
    pub firing: Vec<u64>,
    /// The hashes of what was resolved, sorted.
    pub resolved: Vec<u64>,
    /// Its key.
    pub idempotency_key: [u8; 32],
    /// When it was decided.
    pub decided_at: WallTime,
    /// What is known of it.
    pub state: IntentState,
}

impl Tenant {
    pub(super) fn set_timer(&mut self, timer: &GroupTimerV1) {
        let Some(id) = self.group_in_record(&timer.group_key, timer.ordinal) else {
            return;
        };
        self.groups.change(id, |group| {
            group.created_at = WallTime(timer.created_at_ns);
            group.next_flush_at = WallTime(timer.next_flush_at_ns);
            if timer.flush_index > group.flush_index {
                group.frozen = Vec::new();
            }
            group.flush_index = timer.flush_index;
            if let Some(flight) = &mut group.flight {
                flight.is_timer_pending = false;
            }
        });
        self.end_flight(id);
    }

    pub(super) fn intend(&mut self, intent: FlushIntentV1) {
        self.next_flush_id = self.next_flush_id.max(intent.flush_id.saturating_add(1));
        self.allocated_flush_id = self.allocated_flush_id.max(self.next_flush_id);
        let key = LogKey::of(&intent.key);
        let before = self.intents.remove(&key);
        let in_doubt = before.filter(|it| it.state.is_in_doubt());
        let is_again = in_doubt
            .as_ref()
            .is_some_and(|it| it.idempotency_key == intent.idempotency_key);
        if let Some(other) = in_doubt.filter(|_| !is_again) {
            self.leave_in_doubt(&key, &other);
        }
        let state = match is_again {
            true => IntentState::Resent,
            false => IntentState::InDoubt,
        };
        let open = Intent {
            flush_id: intent.flush_id,
            attempt: intent.attempt,
            reason: intent.reason,
            firing: intent.firing,
            resolved: intent.resolved,
            idempotency_key: intent.idempotency_key,
            decided_at: WallTime(intent.decided_at_ns),
            state,
        };
        self.intents.insert(key, open);
    }

    pub(super) fn finish(&mut self, result: &NotifyResultV1, events: &mut Vec<Event>) {
        self.next_flush_id = self.next_flush_id.max(result.flush_id.saturating_add(1));
        self.allocated_flush_id = self.allocated_flush_id.max(self.next_flush_id);
        let key = LogKey::of(&result.key);
        let outcome = Outcome::read(&result.outcome).unwrap_or(Outcome::Failed);
        let is_intended = self
            .intents
            .get(&key)
            .is_some_and(|intent| intent.flush_id == result.flush_id);
        let left = match outcome {
            Outcome::Failed if self.was_resent(&key) => Some(IntentState::InDoubt),
            Outcome::Failed => Some(IntentState::Failed),
            Outcome::Quarantined => Some(IntentState::Quarantined),
            _ => None,
        };
        match (left, self.intents.get_mut(&key)) {
            (Some(state), Some(intent)) if is_intended => intent.state = state,
            (None, Some(_)) if is_intended => {
                let done = self.intents.remove(&key);
                let in_doubt = done.filter(|_| outcome == Outcome::Superseded);
                if let Some(intent) = in_doubt.filter(|it| it.state.is_in_doubt()) {
                    self.leave_in_doubt(&key, &intent);
                }
            }
            _ => {}
        }
        if !result.entry.is_empty() && !planted(Bug::EntryNotLogged) {
            match LogEntry::read(&result.entry) {
                Ok((_, entry)) => self.log_told(key, entry),
                Err(fault) => events.push(unreadable("notify_result", &fault)),
            }
        }
        self.answer(result.flush_id, left.is_some());
    }

    fn was_resent(&self, key: &LogKey) -> bool {
        let open = self.intents.get(key);
        open.is_some_and(|intent| intent.state == IntentState::Resent)
    }

    /// An integration of a flight has answered.
    fn answer(&mut self, flush_id: u64, has_failed: bool) {
        let Some(name) = self.flights.remove(&flush_id) else {
            return;
        };
        let Some(id) = self.groups.find(&name) else {
            return;
        };
        self.groups.change(id, |group| {
            if let Some(flight) = &mut group.flight {
                flight.waiting.remove(&flush_id);
                flight.has_failed |= has_failed;
            }
        });
        self.end_flight(id);
    }

    /// Ends the flight of a group if nothing is waited for any more; what is to be forgotten is decided
    /// next, and waited for too.
    pub(super) fn end_flight(&mut self, id: GroupId) {
        let forgetting = self.groups.change(id, |group| {
            let flight = group.flight.as_mut()?;
            if !flight.waiting.is_empty() || flight.is_timer_pending || flight.is_forgetting {
                return None;
            }
            let has_failed = flight.has_failed && !planted(Bug::ForgottenUntold);
            if has_failed || flight.to_forget.is_empty() {
                group.flight = None;
                return None;
            }
            flight.is_forgetting = true;
            Some(group.name.clone())
        });
        self.forgetting.extend(forgetting.flatten());
    }

    pub(super) fn forget(&mut self, forgotten: &AlertForgottenV1, events: &mut Vec<Event>) {
        let Some(id) = self.group_in_record(&forgotten.group_key, forgotten.ordinal) else {
            return;
        };
        let group_key = Arc::<str>::from(forgotten.group_key.as_str());
        for (fingerprint, version) in &forgotten.alerts {
            let fingerprint = Fingerprint(*fingerprint);
            let Some(stored) = self.alerts.get_mut(fingerprint) else {
                continue;
            };
            // One that changed since, fires again perhaps, stays.
            if stored.alert.version != Lsn(*version) || !stored.groups.as_slice().contains(&id) {
                continue;
            }
            stored.groups.remove(id);
            stored.is_partial = true;
            if stored.groups == InGroups::None {
                stored.mark = Mark::Unprocessed;
            }
            events.push(Event::AlertResolved {
                group_key: Arc::clone(&group_key),
                alert: Arc::clone(&stored.alert),
            });
            self.groups
                .change(id, |group| group.alerts.remove(&fingerprint));
        }
        let is_empty = self.groups.change(id, |group| {
            if group.flight.as_ref().is_some_and(|it| it.is_forgetting) {
                group.flight = None;
            }
            group.alerts.is_empty()
        });
        if is_empty == Some(true) {
            self.destroy(id);
        }
    }

    /// Removes a group, and what failed of it: there is nothing left to be told.
    fn destroy(&mut self, id: GroupId) {
        let Some(group) = self.groups.remove(id) else {
            return;
        };
        let receiver = &self.policy.routes.route(group.route).receiver;
        let is_of = |key: &LogKey| key.group_key == group.name.key && key.receiver == *receiver;
        self.intents
            .retain(|key, intent| intent.state.is_in_doubt() || !is_of(key));
        let of_key = |ordinals| self.groups.of_key(&group.name.key, ordinals);
        if of_key(self.policy.ordinals()).next().is_none() {
            self.owed.retain(|key| !is_of(key));
        }
    }

    pub(super) fn extend_ends(&mut self, extended: &EndsAtExtendedV1) {
        self.extended_at = WallTime(extended.decided_at_ns);
        for (fingerprint, ends_at_ns) in &extended.alerts {
            self.alerts.change(Fingerprint(*fingerprint), |alert| {
                alert.ends_at = WallTime(*ends_at_ns);
                // The new end is a guess, which the sender's next word overrules.
                alert.is_timeout = true;
            });
        }
    }

    pub(super) fn group_in_record(&self, key: &str, ordinal: u32) -> Option<GroupId> {
        let key = key.into();
        self.groups.find(&GroupName { key, ordinal })
    }
}
