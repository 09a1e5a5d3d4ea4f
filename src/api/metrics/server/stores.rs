//! The notification log and the silences.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;

use super::super::kinds::{Histogram, Labelled, Level, Registrar, Summary};
use super::StateLabels;

/// The notification log.
#[derive(Debug, Clone)]
pub struct NotificationLogMetrics {
    /// `alertmanager_nflog_gc_duration_seconds`.
    pub gc_duration_seconds: Summary,
    /// `alertmanager_nflog_snapshot_duration_seconds`.
    pub snapshot_duration_seconds: Summary,
    /// `alertmanager_nflog_snapshot_size_bytes`.
    pub snapshot_size_bytes: Level,
    /// `alertmanager_nflog_maintenance_total`.
    pub maintenance_total: Counter,
    /// `alertmanager_nflog_maintenance_errors_total`.
    pub maintenance_errors_total: Counter,
    /// `alertmanager_nflog_queries_total`.
    pub queries_total: Counter,
    /// `alertmanager_nflog_query_errors_total`; a query that finds nothing counts as one.
    pub query_errors_total: Counter,
    /// `alertmanager_nflog_query_duration_seconds`.
    pub query_duration_seconds: Histogram,
    /// `alertmanager_nflog_gossip_messages_propagated_total`.
    pub gossip_messages_propagated_total: Counter,
}

impl NotificationLogMetrics {
    pub(super) fn register(to: &mut Registrar<'_>) -> Self {
        Self {
            gc_duration_seconds: to.summary(
                "alertmanager_nflog_gc_duration_seconds",
                "Duration of the last notification log garbage collection cycle.",
            ),
            snapshot_duration_seconds: to.summary(
                "alertmanager_nflog_snapshot_duration_seconds",
                "Duration of the last notification log snapshot.",
            ),
            snapshot_size_bytes: to.level(
                "alertmanager_nflog_snapshot_size_bytes",
                "Size of the last notification log snapshot in bytes.",
            ),
            maintenance_total: to.counter(
                "alertmanager_nflog_maintenance_total",
                "How many maintenances were executed for the notification log.",
            ),
            maintenance_errors_total: to.counter(
                "alertmanager_nflog_maintenance_errors_total",
                "How many maintenances were executed for the notification log that failed.",
            ),
            queries_total: to.counter(
                "alertmanager_nflog_queries_total",
                "Number of notification log queries were received.",
            ),
            query_errors_total: to.counter(
                "alertmanager_nflog_query_errors_total",
                "Number notification log received queries that failed.",
            ),
            query_duration_seconds: to.durations(
                "alertmanager_nflog_query_duration_seconds",
                "Duration of notification log query evaluation.",
            ),
            gossip_messages_propagated_total: to.counter(
                "alertmanager_nflog_gossip_messages_propagated_total",
                "Number of received gossip messages that have been further gossiped.",
            ),
        }
    }
}

/// Silences.
#[derive(Debug, Clone)]
pub struct SilenceMetrics {
    /// `alertmanager_silences`: `active`, `pending`, `expired`.
    pub by_state: Labelled<StateLabels, Level>,
    /// `alertmanager_silences_gc_duration_seconds`.
    pub gc_duration_seconds: Summary,
    /// `alertmanager_silences_gc_errors_total`.
    pub gc_errors_total: Counter,
    /// `alertmanager_silences_snapshot_duration_seconds`.
    pub snapshot_duration_seconds: Summary,
    /// `alertmanager_silences_snapshot_size_bytes`.
    pub snapshot_size_bytes: Level,
    /// `alertmanager_silences_maintenance_total`.
    pub maintenance_total: Counter,
    /// `alertmanager_silences_maintenance_errors_total`.
    pub maintenance_errors_total: Counter,
    /// `alertmanager_silences_matcher_compile_errors_total`.
    pub matcher_compile_errors_total: Labelled<StageLabels, Counter>,
    /// `alertmanager_silences_queries_total`.
    pub queries_total: Counter,
    /// `alertmanager_silences_query_errors_total`.
    pub query_errors_total: Counter,
    /// `alertmanager_silences_query_duration_seconds`.
    pub query_duration_seconds: Histogram,
    /// `alertmanager_silences_query_silences_scanned_total`.
    pub query_silences_scanned_total: Counter,
    /// `alertmanager_silences_query_silences_skipped_total`.
    pub query_silences_skipped_total: Counter,
    /// `alertmanager_silences_gossip_messages_propagated_total`.
    pub gossip_messages_propagated_total: Counter,
    /// `alertmanager_silences_state_size`.
    pub state_size: Level,
    /// `alertmanager_silences_matcher_index_size`.
    pub matcher_index_size: Level,
    /// `alertmanager_silences_version_index_size`.
    pub version_index_size: Level,
}

/// Where a matcher could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StageLabels {
    /// `index`, `load_snapshot`.
    pub stage: &'static str,
}

impl SilenceMetrics {
    pub(super) fn register(to: &mut Registrar<'_>) -> Self {
        let metrics = Self {
            by_state: to.labelled(
                "alertmanager_silences",
                "How many silences by state.",
                Level::default,
            ),
            gc_duration_seconds: to.summary(
                "alertmanager_silences_gc_duration_seconds",
                "Duration of the last silence garbage collection cycle.",
            ),
            gc_errors_total: to.counter(
                "alertmanager_silences_gc_errors_total",
                "How many silence GC errors were encountered.",
            ),
            snapshot_duration_seconds: to.summary(
                "alertmanager_silences_snapshot_duration_seconds",
                "Duration of the last silence snapshot.",
            ),
            snapshot_size_bytes: to.level(
                "alertmanager_silences_snapshot_size_bytes",
                "Size of the last silence snapshot in bytes.",
            ),
            maintenance_total: to.counter(
                "alertmanager_silences_maintenance_total",
                "How many maintenances were executed for silences.",
            ),
            maintenance_errors_total: to.counter(
                "alertmanager_silences_maintenance_errors_total",
                "How many maintenances were executed for silences that failed.",
            ),
            matcher_compile_errors_total: to.labelled(
                "alertmanager_silences_matcher_compile_errors_total",
                "How many silence matcher compilations failed.",
                Counter::default,
            ),
            queries_total: to.counter(
                "alertmanager_silences_queries_total",
                "How many silence queries were received.",
            ),
            query_errors_total: to.counter(
                "alertmanager_silences_query_errors_total",
                "How many silence received queries did not succeed.",
            ),
            query_duration_seconds: to.durations(
                "alertmanager_silences_query_duration_seconds",
                "Duration of silence query evaluation.",
            ),
            query_silences_scanned_total: to.counter(
                "alertmanager_silences_query_silences_scanned_total",
                "How many silences were scanned during query evaluation.",
            ),
            query_silences_skipped_total: to.counter(
                "alertmanager_silences_query_silences_skipped_total",
                "How many silences were skipped during query evaluation using the version index.",
            ),
            gossip_messages_propagated_total: to.counter(
                "alertmanager_silences_gossip_messages_propagated_total",
                "Number of received gossip messages that have been further gossiped.",
            ),
            state_size: to.level(
                "alertmanager_silences_state_size",
                "The number of silences in the state map.",
            ),
            matcher_index_size: to.level(
                "alertmanager_silences_matcher_index_size",
                "The number of entries in the matcher cache index.",
            ),
            version_index_size: to.level(
                "alertmanager_silences_version_index_size",
                "The number of entries in the version index.",
            ),
        };
        for state in ["active", "pending", "expired"] {
            metrics.by_state.prepare(&StateLabels::of(state));
        }
        for stage in ["index", "load_snapshot"] {
            metrics
                .matcher_compile_errors_total
                .prepare(&StageLabels { stage });
        }
        metrics
    }
}
