//! The metrics page: what parts count themselves, read before each scrape.
//!
//! Nothing is kept twice: the core, delivery and the log count, and this reads them. What Alertmanager
//! counts about its snapshots is here about checkpoints, which take their place.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::TENANT;
use super::reload::Reloader;
use super::shared::Shared;
use crate::api::metrics::{
    BuildInfo, FailedLabels, HistoryReading, IntegrationLabels, LimitedLabels, NamedOptions,
    ReasonLabels, ServerMetrics, StateLabels, SubscriberLabels, WalReading,
};
use crate::cli::serve::flags::{HistoryMode, ServeOptions};
use crate::core::SilenceState;
use crate::delivery::{Counts as Sent, Delivery, LATENCY_BOUNDS_SECONDS};
use crate::history::index::keeper::Keeper;
use crate::receivers::Reason;

/// Fills the page.
#[derive(Debug)]
pub(super) struct Meters {
    metrics: ServerMetrics,
    names_receivers: bool,
    source: OnceLock<Source>,
    /// Buckets and sum of what was added to each histogram so far: they can only be added to.
    latencies: Mutex<BTreeMap<(String, String), Added>>,
}

/// What a histogram has got so far.
#[derive(Debug, Default)]
struct Added {
    buckets: [u64; LATENCY_BOUNDS_SECONDS.len() + 1],
    seconds: f64,
}

/// Where the numbers come from.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) shared: Arc<Shared>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) delivery: Delivery,
    pub(super) history: Arc<Option<Keeper>>,
}

fn set(counter: &Counter, value: u64) {
    counter.inner().store(value, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the page holds numbers of 53 bits; nothing here is counted beyond them"
)]
fn number(value: u64) -> f64 {
    value as f64
}

impl Meters {
    pub(super) fn register(registry: &mut Registry, options: &ServeOptions) -> Self {
        let names_receivers = options.features.receiver_name_in_metrics;
        let build = BuildInfo::of_this(super::backend::VERSION, "", "");
        let named = NamedOptions {
            receiver_names: names_receivers,
        };
        let metrics = ServerMetrics::register(registry, &build, named);
        let limit = options.alerts_per_name_max.unwrap_or(0);
        metrics.alerts.per_alert_limit.set(f64::from(limit));
        metrics.history.mode(match options.history {
            HistoryMode::Sled => "sled",
            HistoryMode::Memory => "memory",
            HistoryMode::Off => "off",
        });
        Self {
            metrics,
            names_receivers,
            source: OnceLock::new(),
            latencies: Mutex::default(),
        }
    }

    /// From here on there is something to read.
    pub(super) fn begin(&self, source: Source) {
        // It is called once.
        let _ = self.source.set(source);
    }

    /// Reads everything.
    pub(super) fn fill(&self) {
        let Some(source) = self.source.get() else {
            return;
        };
        self.fill_config(source);
        self.fill_state(&source.shared);
        self.fill_counts(&source.shared);
        self.fill_notifications(&source.delivery);
        self.fill_log(&source.shared);
        self.fill_history(source.history.as_ref().as_ref());
    }

    fn fill_history(&self, keeper: Option<&Keeper>) {
        let Some(keeper) = keeper else {
            return;
        };
        let condition = keeper.condition();
        self.metrics.history.set(&HistoryReading {
            is_degraded: condition.is_degraded,
            lag_records: condition.lag_records,
            lag_seconds: condition.lag.as_secs_f64(),
            size_bytes: condition.size_bytes,
            entries: condition.contents.entries,
            known_since_seconds: condition.known_since.map(|it| it.0 / 1_000_000_000),
            rebuilds: condition.rebuilds,
            dropped: [
                ("expired", condition.expired),
                ("missing", condition.missing),
                ("unknown", condition.unknown),
            ],
            fell_behind: condition.fell_behind,
        });
    }

    fn fill_config(&self, source: &Source) {
        let config = &self.metrics.config;
        let plan = source.shared.plan();
        let is_successful = source.reloader.is_last_successful.load(Ordering::Acquire);
        let last_success_ns = source.reloader.last_success_at.load(Ordering::Acquire);
        config.hash.set(number(plan.hash));
        config
            .last_reload_successful
            .set(f64::from(u8::from(is_successful)));
        let seconds = u64::try_from(last_success_ns / 1_000_000_000).unwrap_or(0);
        config
            .last_reload_success_timestamp_seconds
            .set(number(seconds));
        config
            .receivers
            .set(number(plan.policy.receivers.len() as u64));
        config
            .integrations
            .set(number(plan.installations.len() as u64));
        config
            .inhibition_rules
            .set(number(plan.policy.inhibit_rules.len() as u64));
        config.cluster_enabled.set(0.0);
    }

    fn fill_state(&self, shared: &Shared) {
        let now = shared.clock.wall();
        let mut silences = [
            (SilenceState::Active, "active", 0),
            (SilenceState::Pending, "pending", 0),
            (SilenceState::Expired, "expired", 0),
        ];
        let core = shared.core();
        let tenant = core.tenant(TENANT);
        for silence in tenant.into_iter().flat_map(|it| it.silences().iter()) {
            let state = silence.state_at(now);
            for (other, _, count) in &mut silences {
                *count += u64::from(*other == state);
            }
        }
        let groups = tenant.map_or(0, |tenant| tenant.groups().count() as u64);
        let alerts = tenant.map(|tenant| tenant.alert_counts(now));
        drop(core);
        let alerts = alerts.unwrap_or_default();
        for (state, count) in [
            ("active", alerts.active),
            ("suppressed", alerts.suppressed),
            ("unprocessed", alerts.unprocessed),
        ] {
            let level = self.metrics.alerts.by_state.with(&StateLabels::of(state));
            level.set(number(count as u64));
        }
        let all = silences.iter().map(|(_, _, count)| count).sum();
        for (_, state, count) in silences {
            let level = self.metrics.silences.by_state.with(&StateLabels::of(state));
            level.set(number(count));
        }
        let silences = &self.metrics.silences;
        silences.state_size.set(number(all));
        silences.matcher_index_size.set(number(all));
        silences.version_index_size.set(number(all));
        self.metrics
            .dispatcher
            .aggregation_groups
            .set(number(groups));
    }

    fn fill_counts(&self, shared: &Shared) {
        let counts = &shared.counts;
        let suppressed = [
            ("silence", read(&counts.silenced)),
            ("inhibition", read(&counts.inhibited)),
            ("mute_time_interval", read(&counts.in_mute_interval)),
            (
                "active_time_interval",
                read(&counts.outside_active_interval),
            ),
        ];
        for (reason, count) in suppressed.into_iter().filter(|(_, count)| *count > 0) {
            let of = &self.metrics.notifications.suppressed_total;
            set(&of.with(&ReasonLabels { reason }), count);
        }
        let alerts = &self.metrics.alerts;
        let limited = read(&counts.alerts_limited);
        if limited > 0 {
            set(
                &alerts.limited_total.with(&LimitedLabels::default()),
                limited,
            );
        }
        let written = read(&counts.alerts_applied);
        if written > 0 {
            for subscriber in ["dispatcher", "inhibitor"] {
                let writes = &alerts.subscriber_channel_writes_total;
                set(&writes.with(&SubscriberLabels { subscriber }), written);
            }
        }
        let groups_limited = read(&counts.groups_limited);
        set(
            &self.metrics.dispatcher.group_limit_reached_total,
            groups_limited,
        );
        let nflog = &self.metrics.notification_log;
        set(&nflog.queries_total, read(&counts.log_queries));
        set(&nflog.query_errors_total, read(&counts.log_queries_in_vain));
    }

    fn fill_notifications(&self, delivery: &Delivery) {
        if self.names_receivers {
            for (lane, sent) in delivery.counts() {
                self.fill_lane(&lane.integration.kind, &lane.receiver, &sent);
            }
            return;
        }
        for (kind, sent) in delivery.counts_of_kinds() {
            self.fill_lane(&kind, "", &sent);
        }
    }

    fn fill_lane(&self, kind: &str, receiver: &str, sent: &Sent) {
        let of = &self.metrics.notifications;
        let labels: IntegrationLabels = of.labels(kind, receiver);
        set(&of.total.with(&labels), sent.notifications);
        set(&of.requests_total.with(&labels), sent.requests);
        set(
            &of.requests_failed_total.with(&labels),
            sent.requests_failed,
        );
        for (reason, count) in Reason::ALL.iter().zip(sent.notifications_failed) {
            let failed = FailedLabels {
                of: labels.clone(),
                reason: reason.as_str(),
            };
            set(&of.failed_total.with(&failed), count);
        }
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let added = latencies
            .entry((kind.to_owned(), receiver.to_owned()))
            .or_default();
        let now = sent.latency.counts.iter().zip(added.buckets);
        let news: Vec<u64> = now
            .map(|(now, before)| now.saturating_sub(before))
            .collect();
        let seconds = sent.latency.sum.as_secs_f64();
        let more = (seconds - added.seconds).max(0.0);
        of.latency_seconds.with(&labels).add(&news, more);
        *added = Added {
            buckets: sent.latency.counts,
            seconds,
        };
    }

    fn fill_log(&self, shared: &Shared) {
        let reading = shared.journal.with_log(|log| {
            let counters = log.counters();
            WalReading {
                batches: read(&counters.batches),
                encoded_ahead: read(&counters.encoded_ahead),
                records: read(&counters.records),
                bytes: read(&counters.bytes),
                overloaded: read(&counters.overloaded),
                full: read(&counters.full),
                poisoned: read(&counters.poisoned),
                explanations_dropped: read(&shared.counts.explanations_dropped),
                spare_failures: read(&counters.spare_failures),
                checkpoint_failures: read(&counters.checkpoint_failures),
                durable_lsn: log.durable().0,
                waiting: log.waiting() as u64,
            }
        });
        let Some(reading) = reading else {
            return;
        };
        self.metrics.wal.set(&reading);
        let (nflog, silences) = (&self.metrics.notification_log, &self.metrics.silences);
        let taken = read(&shared.counts.checkpoints);
        let all = taken + reading.checkpoint_failures;
        let bytes = number(read(&shared.counts.checkpoint_bytes));
        set(&nflog.maintenance_total, all);
        set(&nflog.maintenance_errors_total, reading.checkpoint_failures);
        nflog.snapshot_size_bytes.set(bytes);
        set(&silences.maintenance_total, all);
        set(
            &silences.maintenance_errors_total,
            reading.checkpoint_failures,
        );
        silences.snapshot_size_bytes.set(bytes);
    }
}
