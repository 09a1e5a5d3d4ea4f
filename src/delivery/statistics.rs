//! What there is to count about an integration. The metrics page reads it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::receivers::Reason;

/// The upper bounds of `alertmanager_notification_latency_seconds`, as in Alertmanager 0.34.
pub const LATENCY_BOUNDS_SECONDS: [u64; 5] = [1, 5, 10, 15, 20];

/// Counts of one integration of one receiver. Only ever added to.
#[derive(Debug, Default)]
pub struct Statistics {
    notifications: AtomicU64,
    notifications_failed: [AtomicU64; Reason::ALL.len()],
    requests: AtomicU64,
    requests_failed: AtomicU64,
    latency: Mutex<Latency>,
    refused: AtomicU64,
    quarantined: AtomicU64,
    recovered: AtomicU64,
    panics: AtomicU64,
    hangs: AtomicU64,
}

/// A histogram of durations.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Latency {
    /// How many were not longer than the bound, each counted once, and at the end those that were
    /// longer than all bounds.
    pub counts: [u64; LATENCY_BOUNDS_SECONDS.len() + 1],
    /// All of them together.
    pub sum: Duration,
}

/// The counts at some moment.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Counts {
    /// `alertmanager_notifications_total`.
    pub notifications: u64,
    /// `alertmanager_notifications_failed_total`, in the order of [`Reason::ALL`].
    pub notifications_failed: [u64; Reason::ALL.len()],
    /// `alertmanager_notification_requests_total`.
    pub requests: u64,
    /// `alertmanager_notification_requests_failed_total`.
    pub requests_failed: u64,
    /// `alertmanager_notification_latency_seconds`.
    pub latency: Latency,
    /// Orders that were not taken because too many were waiting.
    pub refused: u64,
    /// Notifications that were not sent because of a quarantine.
    pub quarantined: u64,
    /// Notifications sent that an earlier life of the process may have sent.
    pub recovered: u64,
    /// Attempts that ended in a panic.
    pub panics: u64,
    /// Attempts that had to be abandoned after their deadline.
    pub hangs: u64,
}

impl Statistics {
    pub(super) fn count_notification(&self) {
        self.notifications.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_failed(&self, reason: Reason) {
        let place = Reason::ALL.iter().position(|&other| other == reason);
        if let Some(counter) = place.and_then(|place| self.notifications_failed.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn count_request(&self, took: Duration, is_failed: bool) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if is_failed {
            self.requests_failed.fetch_add(1, Ordering::Relaxed);
        }
        let is_within = |&bound: &u64| took <= Duration::from_secs(bound);
        let bucket = LATENCY_BOUNDS_SECONDS.iter().position(is_within);
        let mut latency = self
            .latency
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        latency.sum += took;
        if let Some(count) = latency
            .counts
            .get_mut(bucket.unwrap_or(LATENCY_BOUNDS_SECONDS.len()))
        {
            *count += 1;
        }
    }

    pub(super) fn count_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_quarantined(&self) {
        self.quarantined.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_recovered(&self) {
        self.recovered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_hang(&self) {
        self.hangs.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now. They are read one after the other while others may be counting.
    #[must_use]
    pub fn read(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let latency = self
            .latency
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Counts {
            notifications: load(&self.notifications),
            notifications_failed: self.notifications_failed.each_ref().map(load),
            requests: load(&self.requests),
            requests_failed: load(&self.requests_failed),
            latency: latency.clone(),
            refused: load(&self.refused),
            quarantined: load(&self.quarantined),
            recovered: load(&self.recovered),
            panics: load(&self.panics),
            hangs: load(&self.hangs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_counted_in_the_first_bucket_that_holds_it() {
        let statistics = Statistics::default();
        for ms in [0, 1000, 1001, 20_000, 20_001] {
            statistics.count_request(Duration::from_millis(ms), false);
        }
        let expected = Latency {
            counts: [2, 1, 0, 0, 1, 1],
            sum: Duration::from_millis(42_002),
        };
        assert_eq!(statistics.read().latency, expected);
    }
}
