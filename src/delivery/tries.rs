//! How an order was tried, for those who ask why afterwards.
//!
//! The record rides with the result. An order may be tried some hundred times before its deadline, and the
//! beginning and the end say most: the rest is counted only.

use std::time::Duration;

use crate::receivers::{Failure, Outcome};
use crate::record::{ATTEMPT_DETAIL_BYTES_MAX, AttemptV1, AttemptsV1, FlushIntentV1, Record};
use crate::sys::WallTime;

/// Attempts that are kept from the beginning.
const FIRST_MAX: usize = 8;

/// Attempts that are kept from the end.
const LAST_MAX: usize = 24;

/// The attempts of an order so far.
#[derive(Debug, Default)]
pub(super) struct Tries {
    /// When the first began.
    started_at: Option<WallTime>,
    count: u32,
    kept: Vec<AttemptV1>,
}

impl Tries {
    /// Takes one: when it began, how long it took, and why it failed if it did.
    pub(super) fn push(&mut self, at: WallTime, took: Duration, failure: Option<&Failure>) {
        let first = *self.started_at.get_or_insert(at);
        self.count = self.count.saturating_add(1);
        if self.kept.len() >= FIRST_MAX + LAST_MAX {
            self.kept.remove(FIRST_MAX);
        }
        let after_ns = u64::try_from(at.0.saturating_sub(first.0)).unwrap_or(0);
        let mut detail = failure.map_or(String::new(), |failure| failure.text().to_owned());
        detail.truncate(detail.floor_char_boundary(ATTEMPT_DETAIL_BYTES_MAX));
        self.kept.push(AttemptV1 {
            number: self.count,
            after_ms: after_ns / 1_000_000,
            duration_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            status: failure.and_then(Failure::status).map_or(0, u32::from),
            error: failure.map_or(String::new(), |failure| failure.reason.as_str().to_owned()),
            detail,
        });
    }

    /// The record; none if nothing was tried.
    pub(super) fn record(&mut self, intent: &FlushIntentV1) -> Option<Record> {
        let started_at = self.started_at?;
        Some(Record::Attempts(AttemptsV1 {
            flush_id: intent.flush_id,
            key: intent.key.clone(),
            idempotency_key: intent.idempotency_key,
            started_at_ns: started_at.0,
            count: self.count,
            attempts: std::mem::take(&mut self.kept),
        }))
    }
}

/// Why it failed, if it did.
pub(super) fn failure_of(outcome: &Outcome) -> Option<&Failure> {
    match outcome {
        Outcome::Delivered(_) => None,
        Outcome::Retryable(failure) | Outcome::Permanent(failure) => Some(failure),
    }
}
