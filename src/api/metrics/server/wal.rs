//! The log on disk, as it counts itself. Read before each scrape.

use std::sync::atomic::Ordering;

use prometheus_client::metrics::counter::Counter;

use super::super::kinds::{Labelled, Level, Registrar};
use super::ReasonLabels;

/// What the log has counted since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalReading {
    /// Batches made durable.
    pub batches: u64,
    /// Requests that were encoded while the disk took the batch before.
    pub encoded_ahead: u64,
    /// Records made durable.
    pub records: u64,
    /// Bytes made durable.
    pub bytes: u64,
    /// Requests refused because too much waited.
    pub overloaded: u64,
    /// Requests refused for want of room on the disk.
    pub full: u64,
    /// Requests refused because the log is poisoned.
    pub poisoned: u64,
    /// Records that explain decisions, and that the log had no room or time for.
    pub explanations_dropped: u64,
    /// Spare segments that could not be made.
    pub spare_failures: u64,
    /// Checkpoints that could not be made.
    pub checkpoint_failures: u64,
    /// The last record that is durable.
    pub durable_lsn: u64,
    /// Requests that wait.
    pub waiting: u64,
}

/// The log on disk.
#[derive(Debug, Clone)]
pub struct WalMetrics {
    batches_total: Counter,
    encoded_ahead_total: Counter,
    records_total: Counter,
    bytes_total: Counter,
    refused_total: Labelled<ReasonLabels, Counter>,
    explanations_dropped_total: Counter,
    spare_failures_total: Counter,
    checkpoint_failures_total: Counter,
    durable_lsn: Level,
    waiting_requests: Level,
}

impl WalMetrics {
    pub(super) fn register(to: &mut Registrar<'_>) -> Self {
        let metrics = Self {
            batches_total: to.counter(
                "tocsin_wal_batches_total",
                "Batches of records made durable, each with one write and one sync.",
            ),
            encoded_ahead_total: to.counter(
                "tocsin_wal_encoded_ahead_total",
                "Requests that were encoded while the disk took the batch before.",
            ),
            records_total: to.counter(
                "tocsin_wal_records_total",
                "Records made durable, those of the log itself not counted.",
            ),
            bytes_total: to.counter("tocsin_wal_bytes_total", "Bytes made durable."),
            refused_total: to.labelled(
                "tocsin_wal_refused_total",
                "Requests that were not made durable, and whose senders were told so.",
                Counter::default,
            ),
            explanations_dropped_total: to.counter(
                "tocsin_wal_explanations_dropped_total",
                "Records that explain decisions, dropped because the log had no room or time for them.",
            ),
            spare_failures_total: to.counter(
                "tocsin_wal_spare_failures_total",
                "Spare segments that could not be made ahead of need.",
            ),
            checkpoint_failures_total: to.counter(
                "tocsin_wal_checkpoint_failures_total",
                "Checkpoints that could not be made.",
            ),
            durable_lsn: to.level(
                "tocsin_wal_durable_lsn",
                "Number of the last record that is durable.",
            ),
            waiting_requests: to.level(
                "tocsin_wal_waiting_requests",
                "Requests that wait to be made durable.",
            ),
        };
        for reason in ["overloaded", "full", "poisoned"] {
            metrics.refused_total.prepare(&ReasonLabels { reason });
        }
        metrics
    }

    /// Shows what the log has counted.
    pub fn set(&self, reading: &WalReading) {
        let refused = |reason| self.refused_total.with(&ReasonLabels { reason });
        for (counter, value) in [
            (&self.batches_total, reading.batches),
            (&self.encoded_ahead_total, reading.encoded_ahead),
            (&self.records_total, reading.records),
            (&self.bytes_total, reading.bytes),
            (&refused("overloaded"), reading.overloaded),
            (&refused("full"), reading.full),
            (&refused("poisoned"), reading.poisoned),
            (
                &self.explanations_dropped_total,
                reading.explanations_dropped,
            ),
            (&self.spare_failures_total, reading.spare_failures),
            (&self.checkpoint_failures_total, reading.checkpoint_failures),
        ] {
            counter.inner().store(value, Ordering::Relaxed);
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "the page holds numbers of 53 bits; years of records fit"
        )]
        let (durable_lsn, waiting) = (reading.durable_lsn as f64, reading.waiting as f64);
        self.durable_lsn.set(durable_lsn);
        self.waiting_requests.set(waiting);
    }
}
