//! What became of a notification: its attempts, and those of the ones that took its place.
//!
//! A notification that failed is sent anew at the next flush, with the same key if it is the same. So its
//! story goes on over several intents, until one is delivered or given up.

use std::ops::ControlFlow;

use super::SCANNED_MAX;
use crate::core::Outcome;
use crate::history::entry::{Attempt, Entry, GroupHash, Integration, Position, Subject, What};
use crate::history::timeline::{Order, Span, Timeline, TimelineError};
use crate::record::group_hash;
use crate::sys::WallTime;

/// The story of a notification, up to what is known now.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) to: Integration,
    /// When it was decided first.
    pub(super) since: WallTime,
    /// Why, in Alertmanager's words.
    pub(super) reason: String,
    /// How many attempts failed.
    pub(super) failures: u32,
    /// The last attempt that failed.
    pub(super) last_failure: Option<Attempt>,
    /// What the last result says of the failure.
    pub(super) detail: String,
    /// How it stands.
    pub(super) state: State,
    pub(super) idempotency_key: [u8; 32],
    /// Whether the last intent tells that the alert has ended.
    pub(super) is_end_told: bool,
    /// Everything that belongs to it, the oldest first.
    pub(super) entries: Vec<Entry>,
    /// Whether the attempts of the intent at hand are known.
    has_attempts: bool,
}

/// How a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// There is no result of it, since then.
    Open(WallTime),
    /// It ended so, then.
    Ended(Outcome, WallTime),
}

impl Sending {
    /// Follows an intent.
    pub(super) fn follow(
        timeline: &dyn Timeline,
        intent: &Entry,
        hash: u64,
    ) -> Result<Option<Self>, TimelineError> {
        let What::Intended {
            group_key,
            to,
            reason,
            idempotency_key,
            ..
        } = &intent.what
        else {
            return Ok(None);
        };
        let mut sending = Self {
            to: to.clone(),
            since: intent.position.at,
            reason: reason.clone(),
            failures: 0,
            last_failure: None,
            detail: String::new(),
            state: State::Open(intent.position.at),
            idempotency_key: *idempotency_key,
            is_end_told: false,
            entries: Vec::new(),
            has_attempts: false,
        };
        let mut scanned = 0;
        let mut visit = |entry: Entry| {
            scanned += 1;
            match sending.take(entry, hash) && scanned < SCANNED_MAX {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        };
        let subject = Subject::Group(GroupHash(group_hash(group_key, 0)));
        let span = Span {
            from: Position {
                place: 0,
                ..intent.position
            },
            to: Span::ALL.to,
        };
        timeline.scan(&subject, span, Order::OldestFirst, &mut visit)?;
        Ok(Some(sending))
    }

    /// Whether the story may go on.
    fn take(&mut self, entry: Entry, hash: u64) -> bool {
        match &entry.what {
            What::Intended {
                to,
                idempotency_key,
                resolved,
                ..
            } if *to == self.to => {
                if !entry.what.is_about(hash) {
                    return true;
                }
                self.idempotency_key = *idempotency_key;
                self.is_end_told = resolved.binary_search(&hash).is_ok();
                self.state = State::Open(entry.position.at);
                self.has_attempts = false;
            }
            What::Attempted {
                to,
                attempts,
                count,
                ..
            } if *to == self.to => {
                self.has_attempts = true;
                let mut failed = attempts.iter().filter(|it| !it.error.is_empty());
                let has_worked = attempts.last().is_some_and(|it| it.error.is_empty());
                let failures = count.saturating_sub(u32::from(has_worked));
                self.failures = self.failures.saturating_add(failures);
                self.last_failure = failed.next_back().cloned().or(self.last_failure.take());
            }
            What::Ended {
                to,
                outcome,
                detail,
                ..
            } if *to == self.to => {
                let outcome = Outcome::read(outcome).unwrap_or(Outcome::Failed);
                self.state = State::Ended(outcome, entry.position.at);
                if outcome == Outcome::Failed {
                    let unknown = u32::from(!self.has_attempts);
                    self.failures = self.failures.saturating_add(unknown);
                    self.detail.clone_from(detail);
                }
            }
            _ => return true,
        }
        let goes_on = !matches!(self.state, State::Ended(outcome, _) if outcome != Outcome::Failed);
        self.entries.push(entry);
        goes_on
    }

    /// How often it failed and how, in few words: `7 times (503)`.
    pub(super) fn failed_how_often(&self) -> String {
        let times = match self.failures {
            1 => "once".to_owned(),
            failures => format!("{failures} times"),
        };
        match self.cause() {
            Some(cause) => format!("{times} ({cause})"),
            None => times,
        }
    }

    /// The status of the last failure, or the class of its error.
    fn cause(&self) -> Option<String> {
        let last = self.last_failure.as_ref()?;
        Some(match last.status {
            0 => last.error.clone(),
            status => status.to_string(),
        })
    }
}
