//! What a server counts: a named handle for every metric of Alertmanager 0.34 that there is without a
//! cluster (`metrics.md` §1 to §7), and those of the log.
//!
//! ```text
//!   metrics.notifications.total.with(&labels).inc()
//!   metrics.config.last_reload_successful.set(1.0)
//!   metrics.alerts.by_state.with(&StateLabels::of("active")).set(12.0)      before a scrape
//! ```
//!
//! What is marked "appears with the first …" upstream is absent here until its handle is asked for.

mod history;
mod notifications;
mod stores;
mod wal;

pub use history::{HistoryMetrics, HistoryReading};
pub use notifications::{
    FailedLabels, INTEGRATIONS, IntegrationLabels, NotificationMetrics, ReasonLabels,
};
pub use stores::{NotificationLogMetrics, SilenceMetrics, StageLabels};
pub use wal::{WalMetrics, WalReading};

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::kinds::{Labelled, Level, Registrar, Summary};

/// Which labels metrics have. Alertmanager 0.34: `--enable-feature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamedOptions {
    /// Notifications name their receiver: `receiver-name-in-metrics`. Then nothing is on the page until
    /// [`NotificationMetrics::reset`] has told which receivers there are.
    pub receiver_names: bool,
}

/// What was built. Alertmanager 0.34: the labels of `alertmanager_build_info`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct BuildInfo {
    /// The branch it was built from.
    pub branch: String,
    /// The processor, by Go's name.
    pub goarch: String,
    /// The operating system, by Go's name.
    pub goos: String,
    /// The compiler.
    pub goversion: String,
    /// The commit.
    pub revision: String,
    /// Marks of the build.
    pub tags: String,
    /// The version.
    pub version: String,
}

impl BuildInfo {
    /// Of this build, as far as it knows itself.
    #[must_use]
    pub fn of_this(version: &str, revision: &str, branch: &str) -> Self {
        let goarch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self {
            branch: branch.to_owned(),
            goarch: goarch.to_owned(),
            goos: std::env::consts::OS.to_owned(),
            goversion: "none".to_owned(),
            revision: revision.to_owned(),
            tags: "tocsin".to_owned(),
            version: version.to_owned(),
        }
    }
}

/// What a server counts.
#[derive(Debug, Clone)]
pub struct ServerMetrics {
    /// The configuration.
    pub config: ConfigMetrics,
    /// Alerts in the store.
    pub alerts: AlertMetrics,
    /// Aggregation groups.
    pub dispatcher: DispatcherMetrics,
    /// Notifications.
    pub notifications: NotificationMetrics,
    /// The notification log.
    pub notification_log: NotificationLogMetrics,
    /// Silences.
    pub silences: SilenceMetrics,
    /// The log on disk.
    pub wal: WalMetrics,
    /// The index of history.
    pub history: HistoryMetrics,
}

impl ServerMetrics {
    /// Registers them all, those with known labels at 0.
    pub fn register(registry: &mut Registry, build: &BuildInfo, options: NamedOptions) -> Self {
        let mut to = Registrar(registry);
        let info: Labelled<BuildInfo, Level> = to.labelled(
            "alertmanager_build_info",
            "A metric with a constant '1' value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.",
            Level::default,
        );
        info.with(build).set(1.0);
        Self {
            config: ConfigMetrics::register(&mut to),
            alerts: AlertMetrics::register(&mut to),
            dispatcher: DispatcherMetrics::register(&mut to),
            notifications: NotificationMetrics::register(&mut to, options),
            notification_log: NotificationLogMetrics::register(&mut to),
            silences: SilenceMetrics::register(&mut to),
            wal: WalMetrics::register(&mut to),
            history: HistoryMetrics::register(&mut to),
        }
    }
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct ConfigMetrics {
    /// `alertmanager_config_hash`: 48 bits of the MD5 of the file's text.
    pub hash: Level,
    /// `alertmanager_config_last_reload_successful`: 1 or 0.
    pub last_reload_successful: Level,
    /// `alertmanager_config_last_reload_success_timestamp_seconds`.
    pub last_reload_success_timestamp_seconds: Level,
    /// `alertmanager_receivers`: those that a route refers to.
    pub receivers: Level,
    /// `alertmanager_integrations`: of those receivers.
    pub integrations: Level,
    /// `alertmanager_inhibition_rules`.
    pub inhibition_rules: Level,
    /// `alertmanager_cluster_enabled`.
    pub cluster_enabled: Level,
}

impl ConfigMetrics {
    fn register(to: &mut Registrar<'_>) -> Self {
        Self {
            hash: to.level(
                "alertmanager_config_hash",
                "Hash of the currently loaded alertmanager configuration. Note that this is not a cryptographically strong hash.",
            ),
            last_reload_successful: to.level(
                "alertmanager_config_last_reload_successful",
                "Whether the last configuration reload attempt was successful.",
            ),
            last_reload_success_timestamp_seconds: to.level(
                "alertmanager_config_last_reload_success_timestamp_seconds",
                "Timestamp of the last successful configuration reload.",
            ),
            receivers: to.level("alertmanager_receivers", "Number of configured receivers."),
            integrations: to.level(
                "alertmanager_integrations",
                "Number of configured integrations.",
            ),
            inhibition_rules: to.level(
                "alertmanager_inhibition_rules",
                "Number of configured inhibition rules.",
            ),
            cluster_enabled: to.level(
                "alertmanager_cluster_enabled",
                "Indicates whether the clustering is enabled or not.",
            ),
        }
    }
}

/// Alerts in the store.
#[derive(Debug, Clone)]
pub struct AlertMetrics {
    /// `alertmanager_alerts`. Absent until groups are at work; cleared and set before each scrape if
    /// groups are named.
    pub by_state: Labelled<StateLabels, Level>,
    /// `alertmanager_alerts_per_alert_limit`: the flag's value.
    pub per_alert_limit: Level,
    /// `alertmanager_alerts_limited_total`. Appears with the first alert that was refused.
    pub limited_total: Labelled<LimitedLabels, Counter>,
    /// `alertmanager_alerts_subscriber_channel_writes_total`. Appears with the first write.
    pub subscriber_channel_writes_total: Labelled<SubscriberLabels, Counter>,
}

/// A state, and the group if groups are named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StateLabels {
    /// `active`, `suppressed`, `unprocessed`, `pending`, `expired`.
    pub state: &'static str,
    /// The group. Alertmanager 0.34: with the feature `group-key-in-metrics`.
    pub group_key: Option<Arc<str>>,
}

impl StateLabels {
    /// A state of everything.
    #[must_use]
    pub fn of(state: &'static str) -> Self {
        Self {
            state,
            group_key: None,
        }
    }
}

/// Whose alerts there were too many of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct LimitedLabels {
    /// The alert's name. Alertmanager 0.34: with the feature `alert-names-in-metrics`.
    pub alertname: Option<Arc<str>>,
}

/// Who is told of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SubscriberLabels {
    /// `dispatcher`, `inhibitor`.
    pub subscriber: &'static str,
}

impl EncodeLabelSet for StateLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put(encoder, "state", Some(self.state))?;
        put(encoder, "group_key", self.group_key.as_deref())
    }
}

impl EncodeLabelSet for LimitedLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put(encoder, "alertname", self.alertname.as_deref())
    }
}

/// Writes a label, unless it is absent.
fn put(
    encoder: &mut LabelSetEncoder<'_>,
    name: &str,
    value: Option<&str>,
) -> Result<(), fmt::Error> {
    match value {
        Some(value) => (name, value).encode(encoder.encode_label()),
        None => Ok(()),
    }
}

impl AlertMetrics {
    fn register(to: &mut Registrar<'_>) -> Self {
        Self {
            by_state: to.labelled(
                "alertmanager_alerts",
                "How many alerts by state.",
                Level::default,
            ),
            per_alert_limit: to.level(
                "alertmanager_alerts_per_alert_limit",
                "Current limit on number of alerts per alert name",
            ),
            limited_total: to.labelled(
                "alertmanager_alerts_limited_total",
                "Total number of alerts that were dropped due to per alert name limit",
                Counter::default,
            ),
            subscriber_channel_writes_total: to.labelled(
                "alertmanager_alerts_subscriber_channel_writes_total",
                "Number of times alerts were written to subscriber channels",
                Counter::default,
            ),
        }
    }
}

/// Aggregation groups.
#[derive(Debug, Clone)]
pub struct DispatcherMetrics {
    /// `alertmanager_dispatcher_aggregation_groups`.
    pub aggregation_groups: Level,
    /// `alertmanager_dispatcher_alert_processing_duration_seconds`: per alert that was routed.
    pub alert_processing_duration_seconds: Summary,
    /// `alertmanager_dispatcher_aggregation_group_limit_reached_total`.
    pub group_limit_reached_total: Counter,
    /// `alertmanager_dispatcher_aggregation_group_creation_retries_total`.
    pub group_creation_retries_total: Counter,
    /// `alertmanager_dispatcher_aggregation_group_creation_given_up_total`.
    pub group_creation_given_up_total: Counter,
}

impl DispatcherMetrics {
    fn register(to: &mut Registrar<'_>) -> Self {
        Self {
            aggregation_groups: to.level(
                "alertmanager_dispatcher_aggregation_groups",
                "Number of active aggregation groups",
            ),
            alert_processing_duration_seconds: to.summary(
                "alertmanager_dispatcher_alert_processing_duration_seconds",
                "Summary of latencies for the processing of alerts.",
            ),
            group_limit_reached_total: to.counter(
                "alertmanager_dispatcher_aggregation_group_limit_reached_total",
                "Number of times when dispatcher failed to create new aggregation group due to limit.",
            ),
            group_creation_retries_total: to.counter(
                "alertmanager_dispatcher_aggregation_group_creation_retries_total",
                "Number of CAS retries while creating aggregation groups under contention.",
            ),
            group_creation_given_up_total: to.counter(
                "alertmanager_dispatcher_aggregation_group_creation_given_up_total",
                "Number of alerts dropped because aggregation group creation exceeded the retry limit.",
            ),
        }
    }
}
