//! Where is what, outside API v2? (`http-api.md` §1, §2, §8 to §10.)

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tocsin::api::Options;

use crate::memory::{Memory, ask, service, set};

const NOWHERE: &str = "404\ncontent-type: text/plain; charset=utf-8\nx-content-type-options: nosniff\n\n404 page not found\n";
const TEXT: &str = "content-type: text/plain; charset=utf-8";

fn wrong_method(allow: &str) -> String {
    format!("405\nallow: {allow}\n{TEXT}\nx-content-type-options: nosniff\n\nMethod Not Allowed\n")
}

fn moved(status: u16, reason: &str, to: &str) -> String {
    let html = "content-type: text/html; charset=utf-8";
    format!("{status}\nlocation: {to}\n{html}\n\n<a href=\"{to}\">{reason}</a>.\n\n")
}

async fn all(options: Options, lines: &[&str]) -> Vec<String> {
    let api = service(&Arc::default(), options);
    let mut told = Vec::new();
    for line in lines {
        told.push(ask(&api, line, &[], "").await.0);
    }
    told
}

#[tokio::test]
async fn pages_have_their_methods() {
    let lines = [
        "GET /nosuch",
        "OPTIONS /nosuch",
        "PUT /metrics",
        "HEAD /metrics",
        "OPTIONS /metrics",
        "GET /-/reload",
        "GET /-/healthy",
        "HEAD /-/ready",
        "OPTIONS /-/ready",
        "POST /favicon.ico",
        "POST /-/healthy/",
        "GET /debug/x",
        "POST /debug/x",
        "GET /assets",
        "GET /api/v1/alertz",
        "PUT /api/v1/silence/x",
        "OPTIONS *",
    ];
    let ok = format!("200\n{TEXT}\n\nOK");
    assert_eq!(
        all(Options::default(), &lines).await,
        [
            NOWHERE.to_owned(),
            NOWHERE.to_owned(),
            wrong_method("GET, OPTIONS"),
            wrong_method("GET, OPTIONS"),
            "200\nallow: GET, OPTIONS\n\n".to_owned(),
            wrong_method("OPTIONS, POST"),
            ok,
            "200\n\n".to_owned(),
            "200\nallow: GET, HEAD, OPTIONS\n\n".to_owned(),
            wrong_method("GET, OPTIONS"),
            NOWHERE.to_owned(),
            NOWHERE.to_owned(),
            NOWHERE.to_owned(),
            moved(301, "Moved Permanently", "/assets/"),
            NOWHERE.to_owned(),
            wrong_method("DELETE, GET, OPTIONS"),
            "200\n\n".to_owned(),
        ]
    );
}

#[tokio::test]
async fn paths_that_are_not_quite_right_are_redirected() {
    let lines = [
        "GET /metrics/",
        "GET /Metrics?x=1",
        "GET /-/HEALTHY?x=%3C&y",
        "POST /-/reload/",
        "GET /debug",
        "GET //",
        "GET /api/v2",
        "GET /api/v2?x=1",
        "GET /x/../api//v2/alerts",
        "POST //api/v2/alerts",
        "GET /api/v2/./alerts/",
    ];
    let found = "Moved Permanently";
    let temporary = "Temporary Redirect";
    assert_eq!(
        all(Options::default(), &lines).await,
        [
            moved(301, found, "/metrics"),
            moved(301, found, "/metrics?x=1"),
            moved(301, found, "/-/healthy?x=%3C&y").replace("3C&y\"", "3C&amp;y\""),
            "307\nlocation: /-/reload\n\n".to_owned(),
            moved(301, found, "/debug/"),
            moved(307, temporary, "/"),
            moved(307, temporary, "/api/v2/"),
            moved(307, temporary, "/api/v2/?x=1"),
            moved(307, temporary, "/api/v2/alerts"),
            "307\nlocation: /api/v2/alerts\n\n".to_owned(),
            moved(307, temporary, "/api/v2/alerts/"),
        ]
    );
}

#[tokio::test]
async fn all_is_below_the_prefix() {
    let options = Options {
        route_prefix: "/am/x/".to_owned(),
        ..Options::default()
    };
    let lines = [
        "GET /",
        "POST /",
        "GET /am/x",
        "GET /metrics",
        "GET /api/v2/alerts",
        "GET /am/x/api/v2/receivers",
        "GET /am/x/api/v2/nosuch",
        "GET /am/x/api/v2",
        "GET /am/x/-/healthy/",
        "GET /am/xy/-/healthy",
        "GET /am/x/-/healthy",
    ];
    let head = "content-type: application/json\ncache-control: no-store\nvary: Origin\n\n";
    assert_eq!(
        all(options, &lines).await,
        [
            moved(302, "Found", "/am/x"),
            wrong_method("GET, OPTIONS"),
            moved(301, "Moved Permanently", "/am/x/"),
            NOWHERE.to_owned(),
            NOWHERE.to_owned(),
            format!("200\n{head}[]\n"),
            format!(
                "404\n{head}{{\"code\":404,\"message\":\"path /api/v2/nosuch was not found\"}}"
            ),
            moved(307, "Temporary Redirect", "/am/x/api/v2/"),
            moved(301, "Moved Permanently", "/am/x/-/healthy"),
            NOWHERE.to_owned(),
            format!("200\n{TEXT}\n\nOK"),
        ]
    );
}

#[tokio::test]
async fn version_1_tells_that_it_is_gone() {
    let gone = "410\ncontent-type: application/json\n\n{\"status\":\"deprecated\",\"error\":\"The \
        Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please \
        use the equivalent route in the v2 API\"}\n";
    let lines = [
        "GET /api/v1/status",
        "GET /api/v1/receivers",
        "POST /api/v1/alerts",
        "GET /api/v1/silences",
        "DELETE /api/v1/silence/x",
    ];
    assert_eq!(all(Options::default(), &lines).await, [gone; 5]);
}

#[tokio::test]
async fn before_recovery_is_done_nothing_is_taken_or_shown() {
    let backend = Arc::<Memory>::default();
    backend.is_ready.store(false, Ordering::SeqCst);
    let api = service(&backend, Options::default());
    let mut told = Vec::new();
    for line in [
        "GET /-/healthy",
        "GET /-/ready",
        "GET /api/v2/alerts",
        "GET /api/tocsin/v1/recovery",
    ] {
        told.push(ask(&api, line, &[], "").await.0);
    }
    backend.is_ready.store(true, Ordering::SeqCst);
    told.push(ask(&api, "GET /-/ready", &[], "").await.0);
    told.push(ask(&api, "GET /api/tocsin/v1/recovery", &[], "").await.0);
    let why = "not ready: recovery is not done yet";
    let json = "content-type: application/json";
    assert_eq!(
        told,
        [
            format!("200\n{TEXT}\n\nOK"),
            format!("503\n{TEXT}\nx-content-type-options: nosniff\n\n{why}\n"),
            format!("503\n{json}\ncache-control: no-store\nvary: Origin\n\n\"{why}\"\n"),
            format!("503\n{json}\n\n\"{why}\"\n"),
            format!("200\n{TEXT}\n\nOK"),
            format!("200\n{json}\n\n{{\"records\":3}}\n"),
        ]
    );
}

#[tokio::test]
async fn a_reload_tells_why_it_failed() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let good = ask(&api, "POST /-/reload", &[], "").await.0;
    set(&backend.reload, Err("yaml: line 1".to_owned()));
    let bad = ask(&api, "POST /-/reload", &[], "").await.0;
    let why = "failed to reload config: yaml: line 1";
    assert_eq!(
        [good, bad],
        [
            "200\n\n".to_owned(),
            format!("500\n{TEXT}\nx-content-type-options: nosniff\n\n{why}\n"),
        ]
    );
}

#[tokio::test]
async fn requests_are_counted_by_pattern_and_never_by_what_a_client_makes_up() {
    let api = service(&Arc::default(), Options::default());
    for line in [
        "GET /api/v2/alerts",
        "GET /api/v2/silence/77d9a120-080a-4924-b799-0a36a4521072",
        "GET /api/v2/made/up",
        "MADEUP /api/v2/alerts",
        "GET /made/up",
        "GET /-/healthy",
        "GET /api/v1/silence/x",
    ] {
        ask(&api, line, &[], "").await;
    }
    let page = ask(&api, "GET /metrics", &[], "").await.0;
    let counts = page.lines().filter(|line| {
        line.contains("http_requests_in_flight")
            || line.contains("_duration_seconds_count{")
            || line.contains("_size_bytes_sum{")
            || line.starts_with("200")
            || line.starts_with("content-type")
    });
    let mut counts: Vec<&str> = counts.collect();
    counts.sort_unstable();
    assert_eq!(
        counts,
        [
            "# HELP alertmanager_http_requests_in_flight Current number of HTTP requests being processed.",
            "# TYPE alertmanager_http_requests_in_flight gauge",
            "200",
            "alertmanager_http_request_duration_seconds_count{code=\"200\",handler=\"/-/healthy\",method=\"get\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"200\",handler=\"/api/v2/alerts\",method=\"get\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"404\",handler=\"/api/v2/*\",method=\"get\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"404\",handler=\"/api/v2/silence/{silenceID}\",method=\"get\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"405\",handler=\"/api/v2/alerts\",method=\"unknown\"} 1",
            "alertmanager_http_request_duration_seconds_count{code=\"410\",handler=\"/silence/:sid\",method=\"get\"} 1",
            "alertmanager_http_requests_in_flight{method=\"get\"} 1",
            "alertmanager_http_response_size_bytes_sum{handler=\"/-/healthy\",method=\"get\"} 2",
            "alertmanager_http_response_size_bytes_sum{handler=\"/silence/:sid\",method=\"get\"} 175",
            "content-type: text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
        ]
    );
}
