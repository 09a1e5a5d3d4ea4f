//! Notifications, by integration and, if a feature says so, by receiver.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, LabelSetEncoder};
use prometheus_client::metrics::counter::Counter;

use super::super::kinds::{Histogram, Labelled, Registrar};
use super::{NamedOptions, put};

/// All integrations of Alertmanager 0.34: their metrics are there from the start, configured or not.
pub const INTEGRATIONS: [&str; 18] = [
    "email",
    "pagerduty",
    "wechat",
    "pushover",
    "slack",
    "opsgenie",
    "webhook",
    "victorops",
    "sns",
    "telegram",
    "discord",
    "webex",
    "msteams",
    "msteamsv2",
    "incidentio",
    "jira",
    "rocketchat",
    "mattermost",
];

/// Why notifications fail, in Alertmanager's order.
const REASONS: [&str; 7] = [
    "other",
    "clientError",
    "serverError",
    "contextCanceled",
    "contextDeadlineExceeded",
    "authError",
    "rateLimited",
];

/// Upper bounds of latencies. Alertmanager 0.34.
const LATENCIES_S: &[f64] = &[1.0, 5.0, 10.0, 15.0, 20.0];

/// Which integration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IntegrationLabels {
    /// Its kind, `webhook` for instance.
    pub integration: Arc<str>,
    /// Its receiver, if receivers are named.
    pub receiver_name: Option<Arc<str>>,
}

/// Which integration, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FailedLabels {
    /// Which integration.
    pub of: IntegrationLabels,
    /// Why: `other`, `clientError`, `serverError` and so on.
    pub reason: &'static str,
}

/// Why nobody was told: `silence`, `inhibition`, `mute_time_interval`, `active_time_interval`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// Why.
    pub reason: &'static str,
}

impl IntegrationLabels {
    fn put(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        put(encoder, "integration", Some(&self.integration))?;
        put(encoder, "receiver_name", self.receiver_name.as_deref())
    }
}

impl EncodeLabelSet for IntegrationLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.put(encoder)
    }
}

impl EncodeLabelSet for FailedLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        self.of.put(encoder)?;
        put(encoder, "reason", Some(self.reason))
    }
}

/// Notifications.
#[derive(Debug, Clone)]
pub struct NotificationMetrics {
    /// `alertmanager_notifications_total`: flushes to an integration, not attempts.
    pub total: Labelled<IntegrationLabels, Counter>,
    /// `alertmanager_notifications_failed_total`.
    pub failed_total: Labelled<FailedLabels, Counter>,
    /// `alertmanager_notification_requests_total`: attempts.
    pub requests_total: Labelled<IntegrationLabels, Counter>,
    /// `alertmanager_notification_requests_failed_total`.
    pub requests_failed_total: Labelled<IntegrationLabels, Counter>,
    /// `alertmanager_notification_latency_seconds`: of attempts.
    pub latency_seconds: Labelled<IntegrationLabels, Histogram>,
    /// `alertmanager_notifications_suppressed_total`: alerts. Appears with the first of a reason.
    pub suppressed_total: Labelled<ReasonLabels, Counter>,
    options: NamedOptions,
}

impl NotificationMetrics {
    pub(super) fn register(to: &mut Registrar<'_>, options: NamedOptions) -> Self {
        let metrics = Self {
            total: to.labelled(
                "alertmanager_notifications_total",
                "The total number of attempted notifications.",
                Counter::default,
            ),
            failed_total: to.labelled(
                "alertmanager_notifications_failed_total",
                "The total number of failed notifications.",
                Counter::default,
            ),
            requests_total: to.labelled(
                "alertmanager_notification_requests_total",
                "The total number of attempted notification requests.",
                Counter::default,
            ),
            requests_failed_total: to.labelled(
                "alertmanager_notification_requests_failed_total",
                "The total number of failed notification requests.",
                Counter::default,
            ),
            latency_seconds: to.labelled(
                "alertmanager_notification_latency_seconds",
                "The latency of notifications in seconds.",
                || Histogram::new(LATENCIES_S),
            ),
            suppressed_total: to.labelled(
                "alertmanager_notifications_suppressed_total",
                "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.",
                Counter::default,
            ),
            options,
        };
        if !options.receiver_names {
            for integration in INTEGRATIONS {
                metrics.prepare(&metrics.labels(integration, ""));
            }
        }
        metrics
    }

    /// The labels of an integration of a receiver.
    #[must_use]
    pub fn labels(&self, integration: &str, receiver: &str) -> IntegrationLabels {
        IntegrationLabels {
            integration: Arc::from(integration),
            receiver_name: self.options.receiver_names.then(|| Arc::from(receiver)),
        }
    }

    /// Tells which integrations which receivers have, when a configuration has come into force. If
    /// receivers are named, all counts begin anew, as Alertmanager's do; if not, nothing happens.
    pub fn reset<'a>(&self, configured: impl IntoIterator<Item = (&'a str, &'a str)>) {
        if !self.options.receiver_names {
            return;
        }
        self.total.clear();
        self.failed_total.clear();
        self.requests_total.clear();
        self.requests_failed_total.clear();
        self.latency_seconds.clear();
        for (integration, receiver) in configured {
            self.prepare(&self.labels(integration, receiver));
        }
    }

    fn prepare(&self, labels: &IntegrationLabels) {
        self.total.prepare(labels);
        self.requests_total.prepare(labels);
        self.requests_failed_total.prepare(labels);
        self.latency_seconds.prepare(labels);
        for reason in REASONS {
            let of = labels.clone();
            self.failed_total.prepare(&FailedLabels { of, reason });
        }
    }
}
