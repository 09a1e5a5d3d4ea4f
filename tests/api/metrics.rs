//! What is on the page of metrics? (`metrics.md` §1 to §7, §10; `http-api.md` §9.)

use std::io::Read;
use std::sync::Arc;

use prometheus_client::registry::Registry;
use tocsin::api::Options;
use tocsin::api::metrics::{
    self, BuildInfo, LimitedLabels, NamedOptions, ReasonLabels, ServerMetrics, StateLabels,
    WalReading,
};

use http_body_util::{BodyExt, Full};
use hyper::Request;

use crate::memory::{ask, service};

fn build() -> BuildInfo {
    BuildInfo::of_this("0.34.0", "abc", "main")
}

fn page(options: NamedOptions, change: impl FnOnce(&ServerMetrics)) -> String {
    let mut registry = Registry::default();
    change(&ServerMetrics::register(&mut registry, &build(), options));
    metrics::page(&registry).expect("a page")
}

/// Names and kinds of the families of a page.
fn families(page: &str) -> Vec<&str> {
    page.lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .collect()
}

/// The samples of a page of the metrics whose names begin so.
fn samples<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.lines().filter(|line| line.starts_with(name)).collect()
}

#[test]
fn every_metric_that_needs_no_first_event_is_there_from_the_start() {
    let page = page(NamedOptions::default(), |_| ());
    assert_eq!(
        families(&page),
        [
            "alertmanager_alerts_per_alert_limit gauge",
            "alertmanager_build_info gauge",
            "alertmanager_cluster_enabled gauge",
            "alertmanager_config_hash gauge",
            "alertmanager_config_last_reload_success_timestamp_seconds gauge",
            "alertmanager_config_last_reload_successful gauge",
            "alertmanager_dispatcher_aggregation_group_creation_given_up_total counter",
            "alertmanager_dispatcher_aggregation_group_creation_retries_total counter",
            "alertmanager_dispatcher_aggregation_group_limit_reached_total counter",
            "alertmanager_dispatcher_aggregation_groups gauge",
            "alertmanager_dispatcher_alert_processing_duration_seconds summary",
            "alertmanager_inhibition_rules gauge",
            "alertmanager_integrations gauge",
            "alertmanager_nflog_gc_duration_seconds summary",
            "alertmanager_nflog_gossip_messages_propagated_total counter",
            "alertmanager_nflog_maintenance_errors_total counter",
            "alertmanager_nflog_maintenance_total counter",
            "alertmanager_nflog_queries_total counter",
            "alertmanager_nflog_query_duration_seconds histogram",
            "alertmanager_nflog_query_errors_total counter",
            "alertmanager_nflog_snapshot_duration_seconds summary",
            "alertmanager_nflog_snapshot_size_bytes gauge",
            "alertmanager_notification_latency_seconds histogram",
            "alertmanager_notification_requests_failed_total counter",
            "alertmanager_notification_requests_total counter",
            "alertmanager_notifications_failed_total counter",
            "alertmanager_notifications_total counter",
            "alertmanager_receivers gauge",
            "alertmanager_silences gauge",
            "alertmanager_silences_gc_duration_seconds summary",
            "alertmanager_silences_gc_errors_total counter",
            "alertmanager_silences_gossip_messages_propagated_total counter",
            "alertmanager_silences_maintenance_errors_total counter",
            "alertmanager_silences_maintenance_total counter",
            "alertmanager_silences_matcher_compile_errors_total counter",
            "alertmanager_silences_matcher_index_size gauge",
            "alertmanager_silences_queries_total counter",
            "alertmanager_silences_query_duration_seconds histogram",
            "alertmanager_silences_query_errors_total counter",
            "alertmanager_silences_query_silences_scanned_total counter",
            "alertmanager_silences_query_silences_skipped_total counter",
            "alertmanager_silences_snapshot_duration_seconds summary",
            "alertmanager_silences_snapshot_size_bytes gauge",
            "alertmanager_silences_state_size gauge",
            "alertmanager_silences_version_index_size gauge",
            "tocsin_history_begin_timestamp_seconds gauge",
            "tocsin_history_degraded gauge",
            "tocsin_history_dropped_total counter",
            "tocsin_history_entries gauge",
            "tocsin_history_fell_behind_total counter",
            "tocsin_history_lag_records gauge",
            "tocsin_history_lag_seconds gauge",
            "tocsin_history_rebuilds_total counter",
            "tocsin_history_size_bytes gauge",
            "tocsin_wal_batches_total counter",
            "tocsin_wal_bytes_total counter",
            "tocsin_wal_checkpoint_failures_total counter",
            "tocsin_wal_durable_lsn gauge",
            "tocsin_wal_encoded_ahead_total counter",
            "tocsin_wal_explanations_dropped_total counter",
            "tocsin_wal_records_total counter",
            "tocsin_wal_refused_total counter",
            "tocsin_wal_spare_failures_total counter",
            "tocsin_wal_waiting_requests gauge",
        ]
    );
}

#[test]
fn notifications_of_every_integration_are_there_before_the_first() {
    let page = page(NamedOptions::default(), |metrics| {
        let labels = metrics.notifications.labels("webhook", "team");
        metrics.notifications.total.with(&labels).inc();
        metrics
            .notifications
            .latency_seconds
            .with(&labels)
            .observe(0.5);
    });
    let counts = ["_total", "_failed_total"]
        .map(|name| samples(&page, &format!("alertmanager_notifications{name}")).len());
    assert_eq!(
        (
            counts,
            samples(&page, "alertmanager_notifications_total{integration=\"we"),
            samples(&page, "alertmanager_notifications_failed_total{integration=\"sns\""),
            samples(&page, "alertmanager_notification_latency_seconds_bucket{integration=\"webhook\""),
        ),
        (
            [18, 18 * 7],
            vec![
                "alertmanager_notifications_total{integration=\"webex\"} 0",
                "alertmanager_notifications_total{integration=\"webhook\"} 1",
                "alertmanager_notifications_total{integration=\"wechat\"} 0",
            ],
            [
                "authError",
                "clientError",
                "contextCanceled",
                "contextDeadlineExceeded",
                "other",
                "rateLimited",
                "serverError"
            ]
            .map(|reason| format!(
                "alertmanager_notifications_failed_total{{integration=\"sns\",reason=\"{reason}\"}} 0"
            ))
            .iter()
            .map(String::as_str)
            .collect(),
            ["1", "5", "10", "15", "20", "+Inf"]
                .map(|bound| format!(
                    "alertmanager_notification_latency_seconds_bucket{{integration=\"webhook\",le=\"{bound}\"}} 1"
                ))
                .iter()
                .map(String::as_str)
                .collect(),
        )
    );
}

#[test]
fn with_named_receivers_there_is_what_is_configured_and_counts_begin_anew() {
    let named = NamedOptions {
        receiver_names: true,
    };
    let mut before = Vec::new();
    let page = page(named, |metrics| {
        let notifications = &metrics.notifications;
        notifications.reset([("webhook", "a"), ("email", "a")]);
        notifications
            .total
            .with(&notifications.labels("webhook", "a"))
            .inc();
        before = vec![
            notifications
                .total
                .with(&notifications.labels("webhook", "a"))
                .get(),
        ];
        notifications.reset([("webhook", "b"), ("webhook", "a")]);
    });
    assert_eq!(
        (before, samples(&page, "alertmanager_notifications_total")),
        (
            vec![1],
            vec![
                "alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"a\"} 0",
                "alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"b\"} 0",
            ]
        )
    );
}

#[test]
fn what_appears_with_its_first_event_appears_with_it() {
    let page = page(NamedOptions::default(), |metrics| {
        let alerts = &metrics.alerts;
        for (state, count) in [("active", 2.0), ("suppressed", 1.0), ("unprocessed", 0.0)] {
            alerts.by_state.with(&StateLabels::of(state)).set(count);
        }
        alerts.limited_total.with(&LimitedLabels::default()).inc();
        let silence = ReasonLabels { reason: "silence" };
        metrics
            .notifications
            .suppressed_total
            .with(&silence)
            .inc_by(3);
        metrics
            .dispatcher
            .alert_processing_duration_seconds
            .observe(0.5);
        metrics
            .silences
            .by_state
            .with(&StateLabels::of("active"))
            .set(4.0);
    });
    let seen = [
        "alertmanager_alerts{",
        "alertmanager_alerts_limited_total",
        "alertmanager_notifications_suppressed_total",
        "alertmanager_dispatcher_alert_processing",
        "alertmanager_silences{",
        "alertmanager_build_info",
    ]
    .map(|name| samples(&page, name).join("\n"));
    assert_eq!(
        seen,
        [
            "alertmanager_alerts{state=\"active\"} 2\nalertmanager_alerts{state=\"suppressed\"} 1\nalertmanager_alerts{state=\"unprocessed\"} 0".to_owned(),
            "alertmanager_alerts_limited_total 1".to_owned(),
            "alertmanager_notifications_suppressed_total{reason=\"silence\"} 3".to_owned(),
            "alertmanager_dispatcher_alert_processing_duration_seconds_sum 0.5\nalertmanager_dispatcher_alert_processing_duration_seconds_count 1".to_owned(),
            "alertmanager_silences{state=\"active\"} 4\nalertmanager_silences{state=\"expired\"} 0\nalertmanager_silences{state=\"pending\"} 0".to_owned(),
            format!(
                "alertmanager_build_info{{branch=\"main\",goarch=\"{}\",goos=\"linux\",goversion=\"none\",revision=\"abc\",tags=\"tocsin\",version=\"0.34.0\"}} 1",
                build().goarch
            ),
        ]
    );
}

#[test]
fn the_log_is_shown_as_it_counts_itself() {
    let page = page(NamedOptions::default(), |metrics| {
        for batches in [7, 9] {
            metrics.wal.set(&WalReading {
                batches,
                encoded_ahead: 1,
                records: 2,
                bytes: 3,
                overloaded: 4,
                full: 5,
                poisoned: 6,
                explanations_dropped: 12,
                spare_failures: 7,
                checkpoint_failures: 8,
                durable_lsn: 10,
                waiting: 11,
            });
        }
    });
    assert_eq!(
        samples(&page, "tocsin_wal"),
        [
            "tocsin_wal_batches_total 9",
            "tocsin_wal_bytes_total 3",
            "tocsin_wal_checkpoint_failures_total 8",
            "tocsin_wal_durable_lsn 10",
            "tocsin_wal_encoded_ahead_total 1",
            "tocsin_wal_explanations_dropped_total 12",
            "tocsin_wal_records_total 2",
            "tocsin_wal_refused_total{reason=\"full\"} 5",
            "tocsin_wal_refused_total{reason=\"overloaded\"} 4",
            "tocsin_wal_refused_total{reason=\"poisoned\"} 6",
            "tocsin_wal_spare_failures_total 7",
            "tocsin_wal_waiting_requests 11",
        ]
    );
}

#[tokio::test]
async fn the_page_is_compressed_if_asked_for_and_hooks_run_before_it() {
    let api = service(&Arc::default(), Options::default());
    let gauge = api.metrics().connections.clone();
    api.metrics().before_scrape(move || {
        gauge.inc();
    });
    let plain = ask(&api, "GET /metrics", &[], "").await;
    let request = Request::builder()
        .uri("/metrics")
        .header("accept-encoding", "gzip")
        .header("accept", "*/*;escaping=dots")
        .body(Full::<bytes::Bytes>::default())
        .expect("a request");
    let (parts, body) = api.answer(request).await.into_parts();
    let head = ["content-type", "content-encoding"].map(|name| parts.headers[name].clone());
    let body = body.collect().await.expect("bodies do not fail").to_bytes();
    let mut text = String::new();
    flate2::read::GzDecoder::new(body.as_ref())
        .read_to_string(&mut text)
        .expect("gzip");
    assert_eq!(
        (
            plain.0.lines().take(2).collect::<Vec<_>>(),
            samples(&plain.0, "tocsin_http_connections "),
            head,
            samples(&text, "tocsin_http_connections "),
        ),
        (
            vec![
                "200",
                "content-type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            ],
            vec!["tocsin_http_connections 1"],
            [
                "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
                "gzip"
            ]
            .map(http::HeaderValue::from_static),
            vec!["tocsin_http_connections 2"],
        )
    );
}
