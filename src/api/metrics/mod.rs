//! What is counted, under Alertmanager's names (`metrics.md`) and under tocsin's own, and the page that
//! shows it.
//!
//! | | Counted by |
//! |---|---|
//! | [`Metrics`]: HTTP, received alerts, scrapes | this room |
//! | [`ServerMetrics`]: configuration, alerts, groups, notifications, notification log, silences, log | whoever runs the server, through handles |
//! | [`ProcessMetrics`] | the operating system, asked at each scrape |
//!
//! What is known only when somebody asks (how many alerts there are) is put into its handle by a hook that
//! runs before each scrape, see [`Metrics::before_scrape`].
//!
//! The values of all labels come from closed sets, or from the configuration: an unknown path or method
//! cannot add a series.

mod exposition;
mod kinds;
mod negotiation;
mod process;
mod server;

pub use exposition::page;
pub use kinds::{Histogram as AddableHistogram, Labelled, Level, Summary};
pub use negotiation::{gzip, likes_gzip, media_type};
pub use process::ProcessMetrics;
pub use server::{
    AlertMetrics, BuildInfo, ConfigMetrics, DispatcherMetrics, FailedLabels, HistoryMetrics,
    HistoryReading, INTEGRATIONS, IntegrationLabels, LimitedLabels, NamedOptions,
    NotificationLogMetrics, NotificationMetrics, ReasonLabels, ServerMetrics, SilenceMetrics,
    StageLabels, StateLabels, SubscriberLabels, WalMetrics, WalReading,
};

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::v2::post_alerts::Received;

const SIZES_BYTES: [f64; 7] = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    handler: &'static str,
    method: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sized {
    handler: &'static str,
    method: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertStatus {
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

/// What the API counts.
#[derive(Debug)]
pub struct Metrics {
    durations: Family<Request, Histogram, fn() -> Histogram>,
    sizes: Family<Sized, Histogram, fn() -> Histogram>,
    /// GETs that are being answered.
    pub gets: Gauge,
    /// GETs that were one too many.
    pub gets_refused: Counter,
    received: Family<AlertStatus, Counter>,
    invalid: Counter,
    scrapes: Family<Code, Counter>,
    /// Scrapes that are being answered.
    pub scrapes_in_flight: Gauge,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were one too many.
    pub connections_refused: Counter<u64, AtomicU64>,
    hooks: Hooks,
}

/// What is to be done before each scrape.
#[derive(Default)]
struct Hooks(Mutex<Vec<Arc<dyn Fn() + Send + Sync>>>);

impl fmt::Debug for Hooks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hooks")
    }
}

impl Metrics {
    /// Registers them all, those with known labels at 0.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            durations: Family::new_with_constructor(|| {
                Histogram::new(kinds::DURATIONS_S.iter().copied())
            }),
            sizes: Family::new_with_constructor(|| Histogram::new(SIZES_BYTES)),
            gets: Gauge::default(),
            gets_refused: Counter::default(),
            received: Family::default(),
            invalid: Counter::default(),
            scrapes: Family::default(),
            scrapes_in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_refused: Counter::default(),
            hooks: Hooks::default(),
        };
        registry.register(
            "alertmanager_http_request_duration_seconds",
            "Histogram of latencies for HTTP requests.",
            metrics.durations.clone(),
        );
        registry.register(
            "alertmanager_http_response_size_bytes",
            "Histogram of response size for HTTP requests.",
            metrics.sizes.clone(),
        );
        let gets = registry.sub_registry_with_label(("method".into(), "get".into()));
        gets.register(
            "alertmanager_http_requests_in_flight",
            "Current number of HTTP requests being processed.",
            metrics.gets.clone(),
        );
        gets.register(
            "alertmanager_http_concurrency_limit_exceeded",
            "Total number of times an HTTP request failed because the concurrency limit was reached.",
            metrics.gets_refused.clone(),
        );
        let alerts = registry.sub_registry_with_label(("version".into(), "v2".into()));
        alerts.register(
            "alertmanager_alerts_received",
            "The total number of received alerts.",
            metrics.received.clone(),
        );
        alerts.register(
            "alertmanager_alerts_invalid",
            "The total number of received alerts that were invalid.",
            metrics.invalid.clone(),
        );
        registry.register(
            "promhttp_metric_handler_requests",
            "Total number of scrapes by HTTP status code.",
            metrics.scrapes.clone(),
        );
        registry.register(
            "promhttp_metric_handler_requests_in_flight",
            "Current number of scrapes being served.",
            metrics.scrapes_in_flight.clone(),
        );
        registry.register(
            "tocsin_http_connections",
            "Number of open HTTP connections.",
            metrics.connections.clone(),
        );
        registry.register(
            "tocsin_http_connections_refused",
            "Total number of HTTP connections that were refused because too many were open.",
            metrics.connections_refused.clone(),
        );
        for status in ["firing", "resolved"] {
            drop(metrics.received.get_or_create(&AlertStatus { status }));
        }
        for code in [200, 500, 503] {
            drop(metrics.scrapes.get_or_create(&Code { code }));
        }
        metrics
    }

    /// Counts a request. The size is that of the answers of pages; API v2 does not tell.
    pub fn observe(&self, seen: &Seen, seconds: f64, size_bytes: Option<u64>) {
        let Seen {
            handler,
            method,
            code,
        } = *seen;
        let request = Request {
            handler,
            method,
            code,
        };
        self.durations.get_or_create(&request).observe(seconds);
        if let Some(bytes) = size_bytes {
            let sizes = self.sizes.get_or_create(&Sized { handler, method });
            sizes.observe(f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
        }
    }

    /// Counts the alerts of a body.
    pub fn received(&self, received: &Received) {
        for (status, count) in [("firing", received.firing), ("resolved", received.resolved)] {
            self.received
                .get_or_create(&AlertStatus { status })
                .inc_by(count);
        }
        self.invalid.inc_by(received.errors.len() as u64);
    }

    /// Has something done before each scrape, such as reading how much there is of something. It has to
    /// be quick: it runs where requests are answered.
    pub fn before_scrape(&self, hook: impl Fn() + Send + Sync + 'static) {
        let mut hooks = self.hooks.0.lock().unwrap_or_else(PoisonError::into_inner);
        hooks.push(Arc::new(hook));
    }

    /// Does what is to be done before a scrape.
    pub fn prepare_scrape(&self) {
        let hooks = self
            .hooks
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for hook in hooks {
            hook();
        }
    }

    /// Counts a scrape.
    pub fn scraped(&self, status: StatusCode) {
        let code = status.as_u16();
        self.scrapes.get_or_create(&Code { code }).inc();
    }
}

/// The labels of a request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The pattern of its path.
    pub handler: &'static str,
    /// Its method.
    pub method: &'static str,
    /// The status of the answer.
    pub code: u16,
}

/// A method as metrics name it: one of those that Go knows, or `unknown`.
#[must_use]
pub fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "PUT" => "put",
        "HEAD" => "head",
        "POST" => "post",
        "DELETE" => "delete",
        "CONNECT" => "connect",
        "OPTIONS" => "options",
        "TRACE" => "trace",
        "PATCH" => "patch",
        _ => "unknown",
    }
}
