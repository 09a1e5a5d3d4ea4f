//! The index of history. Read before each scrape.

use std::sync::atomic::Ordering;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;

use super::super::kinds::{Labelled, Level, Registrar};
use super::ReasonLabels;

/// Where the index is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ModeLabels {
    /// `sled`, `memory` or `off`.
    pub mode: &'static str,
}

/// How the index of history is doing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HistoryReading {
    /// Whether it is in memory although it should be on disk.
    pub is_degraded: bool,
    /// Records that are durable and not in it.
    pub lag_records: u64,
    /// For how long it has not had all.
    pub lag_seconds: f64,
    /// Bytes that it takes.
    pub size_bytes: u64,
    /// Entries in it.
    pub entries: u64,
    /// Since when it knows everything, in seconds since 1970; `None` if it knows nothing.
    pub known_since_seconds: Option<i64>,
    /// How often it was made anew, by reason.
    pub rebuilds: Vec<(&'static str, u64)>,
    /// What is not in it, by reason.
    pub dropped: [(&'static str, u64); 3],
    /// How often it had to read the log because it was too slow.
    pub fell_behind: u64,
}

/// The index of history.
#[derive(Debug, Clone)]
pub struct HistoryMetrics {
    mode: Labelled<ModeLabels, Level>,
    degraded: Level,
    lag_records: Level,
    lag_seconds: Level,
    size_bytes: Level,
    entries: Level,
    known_since: Level,
    rebuilds_total: Labelled<ReasonLabels, Counter>,
    dropped_total: Labelled<ReasonLabels, Counter>,
    fell_behind_total: Counter,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the page holds numbers of 53 bits; nothing here is counted beyond them"
)]
fn number(value: u64) -> f64 {
    value as f64
}

impl HistoryMetrics {
    pub(super) fn register(to: &mut Registrar<'_>) -> Self {
        let metrics = Self {
            mode: to.labelled(
                "tocsin_history_mode",
                "Where the index of history is to be kept: the mode that is 1.",
                Level::default,
            ),
            degraded: to.level(
                "tocsin_history_degraded",
                "Whether the index of history is in memory because the disk could not be used.",
            ),
            lag_records: to.level(
                "tocsin_history_lag_records",
                "Records that are durable and not yet in the index of history.",
            ),
            lag_seconds: to.level(
                "tocsin_history_lag_seconds",
                "For how long the index of history has not had everything that is durable.",
            ),
            size_bytes: to.level(
                "tocsin_history_size_bytes",
                "Bytes that the index of history takes on disk or in memory.",
            ),
            entries: to.level(
                "tocsin_history_entries",
                "Entries in the index of history.",
            ),
            known_since: to.level(
                "tocsin_history_begin_timestamp_seconds",
                "Since when the index of history knows everything that happened.",
            ),
            rebuilds_total: to.labelled(
                "tocsin_history_rebuilds_total",
                "How often the index of history was discarded and made anew.",
                Counter::default,
            ),
            dropped_total: to.labelled(
                "tocsin_history_dropped_total",
                "What is not in the index of history: entries that expired, records that the log had no more, records of unknown kinds.",
                Counter::default,
            ),
            fell_behind_total: to.counter(
                "tocsin_history_fell_behind_total",
                "How often the index of history was too slow and had to read the log.",
            ),
        };
        for reason in ["error", "panic", "hang", "mismatch", "foreign"] {
            metrics.rebuilds_total.prepare(&ReasonLabels { reason });
        }
        for reason in ["expired", "missing", "unknown"] {
            metrics.dropped_total.prepare(&ReasonLabels { reason });
        }
        metrics
    }

    /// Says where the index is to be kept.
    pub fn mode(&self, mode: &'static str) {
        for of in ["sled", "memory", "off"] {
            let level = self.mode.with(&ModeLabels { mode: of });
            level.set(f64::from(u8::from(of == mode)));
        }
    }

    /// Shows how the index is doing.
    pub fn set(&self, reading: &HistoryReading) {
        self.degraded.set(f64::from(u8::from(reading.is_degraded)));
        self.lag_records.set(number(reading.lag_records));
        self.lag_seconds.set(reading.lag_seconds);
        self.size_bytes.set(number(reading.size_bytes));
        self.entries.set(number(reading.entries));
        let since = reading.known_since_seconds.unwrap_or_default();
        self.known_since
            .set(number(u64::try_from(since).unwrap_or_default()));
        let rebuilds = reading.rebuilds.iter().map(|it| (&self.rebuilds_total, it));
        let dropped = reading.dropped.iter().map(|it| (&self.dropped_total, it));
        for (of, (reason, count)) in rebuilds.chain(dropped) {
            let counter = of.with(&ReasonLabels { reason });
            counter.inner().store(*count, Ordering::Relaxed);
        }
        let fell_behind = self.fell_behind_total.inner();
        fell_behind.store(reading.fell_behind, Ordering::Relaxed);
    }
}
