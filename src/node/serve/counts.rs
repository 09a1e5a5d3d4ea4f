//! What the server counts beside what its parts count themselves.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::dedup::Reason;
use crate::core::{Decision, Event, Verdict};
use crate::record::Record;

/// Counters since the process began.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Alerts that were not told, by the reason.
    pub(super) silenced: AtomicU64,
    pub(super) inhibited: AtomicU64,
    pub(super) in_mute_interval: AtomicU64,
    pub(super) outside_active_interval: AtomicU64,
    /// Alerts in no group of a route because there are too many.
    pub(super) groups_limited: AtomicU64,
    /// Alerts that were refused because of the limit of their name.
    pub(super) alerts_limited: AtomicU64,
    /// Notifications of which a crash left unknown whether they were sent: sent again, superseded,
    /// taken as sent.
    pub(super) in_doubt_resent: AtomicU64,
    pub(super) in_doubt_superseded: AtomicU64,
    pub(super) in_doubt_skipped: AtomicU64,
    /// Integrations that knew all of it already.
    pub(super) deduplicated: AtomicU64,
    /// Alerts that came, known or not.
    pub(super) alerts_applied: AtomicU64,
    /// How often the notification log was asked, and how often it knew nothing.
    pub(super) log_queries: AtomicU64,
    pub(super) log_queries_in_vain: AtomicU64,
    /// Records that explain and were dropped, because the log had no room or time for them.
    pub(super) explanations_dropped: AtomicU64,
    /// Checkpoints that were taken, and the length of the last one.
    pub(super) checkpoints: AtomicU64,
    pub(super) checkpoint_bytes: AtomicU64,
}

fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}

impl Counts {
    /// Counts a decision of the core.
    pub(super) fn decided(&self, decision: &Decision) {
        match &decision.verdict {
            Verdict::Silenced { alerts } => add(&self.silenced, alerts.len()),
            Verdict::Inhibited { alerts } => add(&self.inhibited, alerts.len()),
            Verdict::InMuteIntervals { alerts, .. } => add(&self.in_mute_interval, *alerts),
            Verdict::OutsideActiveIntervals { alerts, .. } => {
                add(&self.outside_active_interval, *alerts);
            }
            Verdict::Deduplicated { .. } => {
                add(&self.deduplicated, 1);
                add(&self.log_queries, 1);
            }
            Verdict::Superseded { .. } => add(&self.in_doubt_superseded, 1),
            Verdict::AssumedDelivered { .. } => add(&self.in_doubt_skipped, 1),
            Verdict::Notify { reason, .. } | Verdict::NothingToSend { reason, .. } => {
                add(&self.log_queries, 1);
                add(
                    &self.log_queries_in_vain,
                    usize::from(*reason == Reason::FirstNotification),
                );
            }
            Verdict::Quarantined { .. }
            | Verdict::UnknownInterval { .. }
            | Verdict::ReceiverMissing
            | Verdict::NotReady => {}
        }
    }

    /// Counts a record that was applied.
    pub(super) fn applied(&self, record: &Record) {
        match record {
            Record::AlertBatch(batch) => add(&self.alerts_applied, batch.alerts.len()),
            Record::AlertTouch(touches) => add(&self.alerts_applied, touches.touches.len()),
            _ => {}
        }
    }

    /// Counts what a record did.
    pub(super) fn happened(&self, event: &Event) {
        if let Event::GroupLimited { .. } = event {
            add(&self.groups_limited, 1);
        }
    }
}
