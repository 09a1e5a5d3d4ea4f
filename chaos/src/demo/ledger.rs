//! What was said and acknowledged, against what was told.
//!
//! An alert *changes* when it is said to fire after it was over, or to be over after it fired; the first
//! time it fires is a change too. Only what was acknowledged counts: between two of those, what was
//! refused, or left without an answer, owes nobody anything.
//!
//! ```text
//!  said          F F - R R - F F F R        - refused
//!  changes       F     R     F     R        each told between its first request and
//!                └───── told ─────┘         the change after the next, which is the same again
//! ```
//!
//! **Rules**
//! * A change is owed if the server then was up for [`SETTLE`] before the opposite was said, or if nothing
//!   else was said to the end. Alertmanager tells a group at most once per `group_interval`; what comes
//!   and goes in between is not told.
//! * An end is false if no request said that this alert was over at just that time.
//! * Two notifications of one group, one after the other, with different keys do not say the same.
//! * Two notifications with the same key say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::nemesis::Outage;

/// How long the server has for a change: the `group_interval` of a second, and a busy machine.
pub const SETTLE: Duration = Duration::from_secs(3);

/// Labels, as a text.
pub type AlertName = String;

/// What an alert is said to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It fires.
    Firing,
    /// It is over, since then.
    Over(Timestamp),
}

impl State {
    fn is_firing(self) -> bool {
        self == Self::Firing
    }

    fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Over(_) => "resolved",
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// With 200.
    Acknowledged,
    /// It certainly had no effect: nobody was listening, or the answer was 503.
    Refused,
    /// Nobody knows: there was no answer, or another one.
    Unknown,
}

/// A request of the sender.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// When it came.
    pub asked_at: Duration,
    /// When its end was known.
    pub answered_at: Duration,
    /// How it ended.
    pub answer: Answer,
    /// What it says.
    pub alerts: Vec<(AlertName, State)>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// When it came.
    pub at: Duration,
    /// `Idempotency-Key`; Alertmanager sends none.
    pub key: Option<String>,
    /// The key of its group.
    pub group: String,
    /// What it says.
    pub alerts: BTreeMap<AlertName, State>,
}

impl Telling {
    /// What matters when notifications are compared: when an alert ended does not.
    fn content(&self) -> BTreeMap<&str, bool> {
        let alerts = self.alerts.iter();
        alerts
            .map(|(name, state)| (name.as_str(), state.is_firing()))
            .collect()
    }
}

/// Everything that happened.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Requests, in the order in which they came.
    pub statements: Vec<Statement>,
    /// Notifications, in the order in which they came.
    pub tellings: Vec<Telling>,
    /// Times without a server.
    pub outages: Vec<Outage>,
}

/// What must not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// Changes that were acknowledged and not told.
    pub missing: Vec<String>,
    /// Ends that nobody said.
    pub false_ends: Vec<String>,
    /// Notifications that say what was said before, under another key.
    pub told_again: Vec<String>,
    /// Keys under which different things were said.
    pub keys_used_twice: Vec<String>,
    /// Requests that were not acknowledged although the server was up.
    pub refused_while_up: Vec<String>,
}

/// What it came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Requests that were acknowledged.
    pub acknowledged: usize,
    /// Alerts in them.
    pub alerts_acknowledged: usize,
    /// Requests that had no effect.
    pub refused: usize,
    /// Requests of which nobody knows.
    pub unknown: usize,
    /// Changes that were acknowledged.
    pub changes: usize,
    /// Of these, told.
    pub changes_told: usize,
    /// Of these, over again too soon to be told.
    pub changes_too_short: usize,
    /// Notifications.
    pub tellings: usize,
    /// Of these, with a key that was used before.
    pub repeated: usize,
    /// What must not be.
    pub faults: Faults,
}

/// A change that was acknowledged.
#[derive(Debug, Clone, Copy)]
struct Change {
    state: State,
    asked_at: Duration,
    answered_at: Duration,
    /// When something else was said that may have had an effect.
    ended_at: Option<Duration>,
}

impl Ledger {
    /// Compares.
    #[must_use]
    pub fn judged(&self) -> Judged {
        let mut judged = Judged {
            tellings: self.tellings.len(),
            ..Judged::default()
        };
        self.judge_statements(&mut judged);
        self.judge_changes(&mut judged);
        self.judge_ends(&mut judged);
        self.judge_keys(&mut judged);
        judged
    }

    /// How many changes were acknowledged.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.names()
            .iter()
            .map(|name| self.changes_of(name).len())
            .sum()
    }

    /// All alerts there are.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&AlertName> {
        let alerts = self.statements.iter().flat_map(|it| &it.alerts);
        alerts.map(|(name, _)| name).collect()
    }

    fn judge_statements(&self, judged: &mut Judged) {
        for statement in &self.statements {
            match statement.answer {
                Answer::Acknowledged => {
                    judged.acknowledged += 1;
                    judged.alerts_acknowledged += statement.alerts.len();
                    continue;
                }
                Answer::Refused => judged.refused += 1,
                Answer::Unknown => judged.unknown += 1,
            }
            let was_down = |outage: &Outage| {
                statement.asked_at <= outage.ready_at && outage.killed_at <= statement.answered_at
            };
            if !self.outages.iter().any(was_down) {
                judged.faults.refused_while_up.push(format!(
                    "at {}, {:?}",
                    seconds(statement.asked_at),
                    statement.answer
                ));
            }
        }
    }

    /// The changes of an alert, in order.
    fn changes_of(&self, name: &str) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for statement in &self.statements {
            let said = statement.alerts.iter().find(|(it, _)| it == name);
            let Some((_, state)) = said else { continue };
            let is_news = changes
                .last()
                .is_none_or(|last| last.state.is_firing() != state.is_firing());
            match statement.answer {
                Answer::Refused => {}
                _ if !is_news => {}
                Answer::Unknown => {
                    if let Some(last) = changes.last_mut() {
                        last.ended_at.get_or_insert(statement.asked_at);
                    }
                }
                Answer::Acknowledged => {
                    if let Some(last) = changes.last_mut() {
                        last.ended_at.get_or_insert(statement.asked_at);
                    }
                    changes.push(Change {
                        state: *state,
                        asked_at: statement.asked_at,
                        answered_at: statement.answered_at,
                        ended_at: None,
                    });
                }
            }
        }
        // An end of which nobody heard a beginning is no news.
        if changes.first().is_some_and(|it| !it.state.is_firing()) {
            changes.remove(0);
        }
        changes
    }

    fn judge_changes(&self, judged: &mut Judged) {
        for name in self.names() {
            let changes = self.changes_of(name);
            for (index, change) in changes.iter().enumerate() {
                judged.changes += 1;
                let same_again_at = changes.get(index + 2).map(|it| it.asked_at);
                if self.is_told(name, change, same_again_at) {
                    judged.changes_told += 1;
                } else if self.is_owed(change) {
                    let (word, at) = (change.state.word(), seconds(change.answered_at));
                    let fault = format!("{name} {word}, acknowledged at {at}");
                    judged.faults.missing.push(fault);
                } else {
                    judged.changes_too_short += 1;
                }
            }
        }
    }

    fn is_told(&self, name: &str, change: &Change, before: Option<Duration>) -> bool {
        self.tellings.iter().any(|telling| {
            let said = telling.alerts.get(name);
            said.is_some_and(|state| state.is_firing() == change.state.is_firing())
                && change.asked_at <= telling.at
                && before.is_none_or(|before| telling.at < before)
        })
    }

    fn is_owed(&self, change: &Change) -> bool {
        let Some(ended_at) = change.ended_at else {
            return true;
        };
        let down = self.outages.iter().map(|outage| {
            let from = outage.killed_at.max(change.answered_at);
            outage.ready_at.min(ended_at).saturating_sub(from)
        });
        let up = ended_at
            .saturating_sub(change.answered_at)
            .saturating_sub(down.sum());
        up >= SETTLE
    }

    fn judge_ends(&self, judged: &mut Judged) {
        let said: BTreeSet<(&AlertName, State)> = self
            .statements
            .iter()
            .flat_map(|statement| &statement.alerts)
            .map(|(name, state)| (name, *state))
            .collect();
        for telling in &self.tellings {
            for (name, state) in &telling.alerts {
                if let State::Over(at) = state
                    && !said.contains(&(name, *state))
                {
                    let told_at = seconds(telling.at);
                    let fault = format!("{name}, told at {told_at} to be over since {at}");
                    judged.faults.false_ends.push(fault);
                }
            }
        }
    }

    fn judge_keys(&self, judged: &mut Judged) {
        let mut by_key: BTreeMap<&str, &Telling> = BTreeMap::new();
        let mut last_of_group: BTreeMap<&str, &Telling> = BTreeMap::new();
        for telling in &self.tellings {
            let at = seconds(telling.at);
            let group = telling.group.as_str();
            let known = telling.key.as_deref().and_then(|key| by_key.get(key));
            match known {
                Some(first) => {
                    judged.repeated += 1;
                    if first.alerts != telling.alerts {
                        let (first_at, said) = (seconds(first.at), &first.alerts);
                        let now = &telling.alerts;
                        let fault = format!("{group}: {said:?} at {first_at}, {now:?} at {at}");
                        judged.faults.keys_used_twice.push(fault);
                    }
                }
                None => {
                    let last = last_of_group.get(group);
                    if last.is_some_and(|last| last.content() == telling.content()) {
                        judged.faults.told_again.push(format!("{group} at {at}"));
                    }
                    last_of_group.insert(group, telling);
                }
            }
            if let Some(key) = &telling.key {
                by_key.entry(key).or_insert(telling);
            }
        }
    }
}

fn seconds(at: Duration) -> String {
    format!("{:.1} s", at.as_secs_f64())
}
