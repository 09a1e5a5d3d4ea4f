//! What a webhook is sent, and what its answers mean.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gotemplate::time::{Time, Zone};
use tocsin::receivers::webhook::{OwnHeaders, Webhook};
use tocsin::receivers::{Content, Integration, IntegrationId, Notification, Outcome, ReceiverData};
use tocsin::template::{Alert, Labels};
use tokio::time::Instant;

use crate::files::Place;
use crate::sink::{Reply, Sink, redirect, say};

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The two alerts of the reference's running example.
fn example_alerts() -> Vec<Alert> {
    let alert = |instance: &str, severity: &str, summary: &str, fingerprint: &str| Alert {
        status: "firing".to_owned(),
        labels: labels(&[
            ("alertname", "HighLatency"),
            ("instance", instance),
            ("job", "api"),
            ("severity", severity),
        ]),
        annotations: labels(&[("summary", summary)]),
        // 2026-01-02T03:04:05Z
        starts_at: Time::from_unix(1_767_323_045, 0, Zone::utc()),
        ends_at: Time::ZERO,
        generator_url: "http://prom.example/graph?g0.expr=p99&g0.tab=1".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    vec![
        alert("a1:9100", "critical", "p99 above 2s", "940651969ce0b24c"),
        alert("b2:9100", "warning", "p99 above 1s", "b5dac10c6add3355"),
    ]
}

pub fn notification(alerts: Vec<Alert>) -> Notification {
    Notification {
        receiver: "team-web".to_owned(),
        integration: IntegrationId {
            kind: "webhook".to_owned(),
            index: 0,
        },
        group_key: "{}:{alertname=\"HighLatency\"}".to_owned(),
        content: Arc::new(Content {
            group_labels: labels(&[("alertname", "HighLatency")]),
            route_labels: Labels::new(),
            alerts,
            reason: "first notification".to_owned(),
            external_url: "http://am.example:9093".to_owned(),
        }),
        receiver_data: ReceiverData::new(),
        flush_id: 1,
        attempt: 2,
        is_recovered: true,
        idempotency_key: [0xab; 32],
        deadline: Instant::now() + Duration::from_secs(20),
    }
}

pub fn example() -> Notification {
    notification(example_alerts())
}

/// What an outcome says: `delivered`, or how it failed, why, and the text.
pub fn said(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered(_) => "delivered".to_owned(),
        Outcome::Retryable(failure) => format!("retry {} {failure}", failure.reason),
        Outcome::Permanent(failure) => format!("final {} {failure}", failure.reason),
    }
}

pub async fn attempt(webhook: &Webhook) -> String {
    let seen = said(&webhook.attempt(&example()).await);
    // The connection goes back to its pool by way of other tasks.
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
    seen
}

async fn body(yaml: &str, notification: &Notification) -> String {
    let sink = Sink::start(&[say(200)]).await;
    let yaml = format!("url: {}\n{yaml}", sink.url("/"));
    let webhook = Place::new().webhook(&yaml).unwrap();
    match webhook.attempt(notification).await {
        Outcome::Delivered(_) => sink.got()[0].body.clone(),
        outcome => said(&outcome),
    }
}

#[tokio::test]
async fn the_document_is_alertmanagers_to_the_byte() {
    let expected = concat!(
        r#"{"receiver":"team-web","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"HighLatency","instance":"a1:9100","job":"api","severity":"critical"},"annotations":{"summary":"p99 above 2s"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom.example/graph?g0.expr=p99\u0026g0.tab=1","fingerprint":"940651969ce0b24c"},"#,
        r#"{"status":"firing","labels":{"alertname":"HighLatency","instance":"b2:9100","job":"api","severity":"warning"},"annotations":{"summary":"p99 above 1s"},"startsAt":"2026-01-02T03:04:05Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prom.example/graph?g0.expr=p99\u0026g0.tab=1","fingerprint":"b5dac10c6add3355"}],"#,
        r#""notification_reason":"first notification","groupLabels":{"alertname":"HighLatency"},"commonLabels":{"alertname":"HighLatency","job":"api"},"commonAnnotations":{},"routeLabels":{},"externalURL":"http://am.example:9093","version":"4","groupKey":"{}:{alertname=\"HighLatency\"}","truncatedAlerts":0}"#,
        "\n"
    );
    assert_eq!(body("", &example()).await, expected);
}

#[tokio::test]
async fn resolved_alerts_have_an_end_and_characters_of_html_are_escaped() {
    let mut alerts = example_alerts();
    alerts.truncate(1);
    alerts[0].status = "resolved".to_owned();
    alerts[0].starts_at = Time::from_unix(1_767_323_045, 120_000_000, Zone::utc());
    alerts[0].ends_at = Time::from_unix(1_767_323_046, 1, Zone::utc());
    alerts[0].labels = labels(&[("a", "<b>&\"\\\u{2028}é😀\n\u{1}\u{7f}")]);
    alerts[0].annotations = Labels::new();
    let mut told = notification(alerts);
    told.receiver = "a.b (c)".to_owned();
    let mut content = (*told.content).clone();
    "all alerts resolved".clone_into(&mut content.reason);
    content.route_labels = labels(&[("team", "web"), ("a", "b")]);
    told.content = Arc::new(content);
    let expected = concat!(
        r#"{"receiver":"a\\.b \\(c\\)","status":"resolved","alerts":[{"status":"resolved","#,
        r#""labels":{"a":"\u003cb\u003e\u0026\"\\\u2028é😀\n\u0001"#,
        "\u{7f}",
        r#""},"annotations":{},"startsAt":"2026-01-02T03:04:05.12Z","endsAt":"2026-01-02T03:04:06.000000001Z","generatorURL":"http://prom.example/graph?g0.expr=p99\u0026g0.tab=1","fingerprint":"940651969ce0b24c"}],"#,
        r#""notification_reason":"all alerts resolved","groupLabels":{"alertname":"HighLatency"},"#,
        r#""commonLabels":{"a":"\u003cb\u003e\u0026\"\\\u2028é😀\n\u0001"#,
        "\u{7f}",
        r#""},"commonAnnotations":{},"routeLabels":{"a":"b","team":"web"},"externalURL":"http://am.example:9093","version":"4","groupKey":"{}:{alertname=\"HighLatency\"}","truncatedAlerts":0}"#,
        "\n"
    );
    assert_eq!(body("", &told).await, expected);
}

#[tokio::test]
async fn alerts_beyond_the_maximum_are_left_out_of_everything() {
    let alerts: Vec<Alert> = (0..10)
        .map(|number| Alert {
            status: if number == 9 { "firing" } else { "resolved" }.to_owned(),
            labels: labels(&[("n", &number.to_string())]),
            ..Alert::default()
        })
        .collect();
    let told = notification(alerts);
    let mut seen = Vec::new();
    for alerts_max in [0, 4, 1, 100] {
        let body = body(&format!("max_alerts: {alerts_max}"), &told).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        seen.push((
            body["alerts"].as_array().map(Vec::len),
            body["truncatedAlerts"].clone(),
            body["status"].clone(),
            body["commonLabels"].clone(),
        ));
    }
    let none = || serde_json::json!({});
    let expected = vec![
        (Some(10), 0.into(), "firing".into(), none()),
        (Some(4), 6.into(), "resolved".into(), none()),
        (
            Some(1),
            9.into(),
            "resolved".into(),
            serde_json::json!({"n": "0"}),
        ),
        (Some(10), 0.into(), "firing".into(), none()),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_payload_is_rendered_all_through_and_read_as_yaml() {
    let yaml = r##"
payload:
  z{{ .Status }}: "{{ .Status }}"
  count: "{{ len .Alerts }}"
  list: ["{{ .Receiver }}", 1, 2.5, null, true, "[1, {{ len .Alerts }}]"]
  json: '{{ .CommonLabels | toJson }}'
  colon: "Alert: high"
  comment: "#ops"
  empty: ""
  octal: "012"
  agree: "yes"
  date: "2026-01-01"
  suffix: "value1:"
  quoted: '"123"'
  nested: {1: dropped, a: "<{{ .Status }}>"}
"##;
    let expected = concat!(
        r#"{"agree":true,"colon":{"Alert":"high"},"comment":null,"count":2,"date":"2026-01-01","empty":null,"#,
        r#""json":{"alertname":"HighLatency","job":"api"},"list":["team-web",1,2.5,null,true,[1,2]],"#,
        r#""nested":{"a":"\u003cfiring\u003e"},"octal":10,"quoted":"\"123\"","suffix":{"value1":null},"zfiring":"firing"}"#,
        "\n"
    );
    assert_eq!(body(yaml, &example()).await, expected);
}

#[tokio::test]
async fn a_payload_that_fails_is_final() {
    let failing = [
        "payload: '{{ .Nothing }}'",
        "payload: '{{ if }}'",
        "payload: {a: .inf}",
    ];
    let mut seen = Vec::new();
    for yaml in failing {
        seen.push(body(yaml, &example()).await);
    }
    let expected = [
        concat!(
            "final other failed to render custom payload: template: :1:3: executing \"\" at ",
            "<.Nothing>: can't evaluate field Nothing in type *template.Data"
        ),
        "final other failed to render custom payload: template: :1: missing value for if",
        "final other failed to render custom payload: json: unsupported value: +Inf",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn headers_say_who_calls_and_tell_repetitions_from_news() {
    let sink = Sink::start(&[say(200)]).await;
    let yaml = format!("url: {}", sink.url("/"));
    let place = Place::new();
    for own_headers in [OwnHeaders::Sent, OwnHeaders::None] {
        attempt(&place.webhook_with(&yaml, own_headers).unwrap()).await;
    }
    let headers = sink.got().into_iter().map(|got| {
        let one_line = |values: Vec<String>| values.join(", ");
        got.headers
            .into_iter()
            .map(|(name, values)| (name, one_line(values)))
            .collect()
    });
    let length = sink.got()[0].body.len().to_string();
    let common = [
        ("content-length", length.as_str()),
        ("content-type", "application/json"),
        ("host", &sink.address.to_string()),
        ("user-agent", "Alertmanager/0.34.0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let strict = BTreeMap::from(common);
    let mut own = strict.clone();
    own.insert("idempotency-key".to_owned(), "ab".repeat(32));
    own.insert("x-tocsin-attempt".to_owned(), "2".to_owned());
    own.insert("x-tocsin-recovered".to_owned(), "true".to_owned());
    assert_eq!(headers.collect::<Vec<BTreeMap<_, _>>>(), [own, strict]);
}

#[tokio::test]
async fn the_url_is_a_template_inline_or_in_a_file() {
    let sink = Sink::start(&[say(200)]).await;
    let place = Place::new();
    place
        .files
        .put("/url", &format!("  {}\n", sink.url("/file/{{ .Status }}")));
    place.files.put("/nothing", " \n");
    let by_label = sink.url("/{{ .GroupLabels.alertname }}?q={{ len .Alerts }}");
    let configured = [
        format!("url: '{by_label}'"),
        "url_file: /url".to_owned(),
        "url_file: /nothing".to_owned(),
        "url_file: /missing".to_owned(),
        "url: 'http://secret/{{ .Nothing }}'".to_owned(),
        "url: '{{ .GroupLabels.missing }}'".to_owned(),
        "url: 'ftp://secret/{{ .Status }}'".to_owned(),
    ];
    let mut seen = Vec::new();
    for yaml in &configured {
        seen.push(attempt(&place.webhook(yaml).unwrap()).await);
    }
    let uris: Vec<_> = sink.got().into_iter().map(|got| got.uri).collect();
    let expected = [
        "delivered",
        "delivered",
        "final other webhook URL is empty after templating",
        "final other read url_file: open /missing: no such file or directory",
        concat!(
            "final other failed to template webhook URL: template: :1:17: executing \"\" at ",
            "<.Nothing>: can't evaluate field Nothing in type *template.Data"
        ),
        "final other webhook URL is empty after templating",
        "retry other Post \"<redacted>\": unsupported protocol scheme",
    ];
    assert_eq!(
        (seen, uris),
        (
            expected.map(str::to_owned).to_vec(),
            vec!["/HighLatency?q=2".to_owned(), "/file/firing".to_owned()]
        )
    );
}

#[tokio::test]
async fn answers_are_judged_as_alertmanager_judges_them() {
    let replies = [
        say(200),
        say(204),
        Reply::Say(500, Vec::new(), "oh no"),
        Reply::Say(400, Vec::new(), "{\"status\":\"invalid event\"}"),
        say(401),
        say(403),
        say(404),
        Reply::Say(429, vec![("retry-after", "1".to_owned())], ""),
        say(503),
        Reply::BreakOff(200),
        Reply::BreakOff(502),
        say(304),
    ];
    let sink = Sink::start(&replies).await;
    let webhook = Place::new()
        .webhook(&format!("url: {}", sink.url("/")))
        .unwrap();
    let mut seen = Vec::new();
    for _ in &replies {
        seen.push(attempt(&webhook).await);
    }
    let expected = [
        "delivered",
        "delivered",
        "retry serverError unexpected status code 500: oh no",
        "final clientError unexpected status code 400: {\"status\":\"invalid event\"}",
        "final authError unexpected status code 401",
        "final authError unexpected status code 403",
        "final clientError unexpected status code 404",
        "final rateLimited unexpected status code 429",
        "retry serverError unexpected status code 503",
        "delivered",
        "retry serverError unexpected status code 502",
        "final other unexpected status code 304",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_timeout_of_its_own_ends_an_attempt_and_says_so() {
    let sink = Sink::start(&[Reply::Silence, Reply::Trickle(500)]).await;
    let yaml = format!("url: {}\ntimeout: 30ms", sink.url("/secret"));
    let webhook = Place::new().webhook(&yaml).unwrap();
    let seen = [attempt(&webhook).await, attempt(&webhook).await];
    let expected = [
        "retry other Post \"<redacted>\": context deadline exceeded: configured webhook timeout reached (30ms)",
        // The status came, what was to follow it did not.
        "retry serverError unexpected status code 500",
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn silence_ends_with_the_deadline_of_the_notification() {
    let sink = Sink::start(&[Reply::Silence]).await;
    let webhook = Place::new()
        .webhook(&format!("url: {}", sink.url("/secret")))
        .unwrap();
    let mut told = example();
    told.deadline = Instant::now() + Duration::from_millis(30);
    let seen = said(&webhook.attempt(&told).await);
    assert_eq!(
        seen,
        "retry other Post \"<redacted>\": context deadline exceeded"
    );
}

#[tokio::test]
async fn of_a_huge_answer_little_is_kept_and_the_connection_is_used_again() {
    let sink = Sink::start(&[
        Reply::Huge(500, 3 << 20),
        Reply::Huge(500, 64 << 20),
        say(200),
    ])
    .await;
    let webhook = Place::new()
        .webhook(&format!("url: {}", sink.url("/")))
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let text = attempt(&webhook).await;
        seen.push((text.len() < 5000, sink.connections()));
    }
    // 3 MiB are read to their end, 64 MiB are not.
    assert_eq!(seen, [(true, 1), (true, 1), (true, 2)]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let yaml = format!("url: http://user:password@{address}/secret?key=secret");
    let seen = attempt(&Place::new().webhook(&yaml).unwrap()).await;
    assert_eq!(
        seen,
        "retry other Post \"<redacted>\": tcp connect error: connection refused"
    );
}

#[tokio::test]
async fn redirects_are_followed_as_go_follows_them() {
    let last = Sink::start(&[say(200)]).await;
    let mut seen = Vec::new();
    for status in [301, 302, 303, 307, 308] {
        let first = Sink::start(&[redirect(status, last.url("/there"))]).await;
        let place = Place::new();
        attempt(&place.webhook(&format!("url: {}", first.url("/"))).unwrap()).await;
        let got = last.got().pop().unwrap();
        let kind = got.header("content-type").map(str::to_owned);
        seen.push((
            status,
            got.method.clone(),
            got.body.len() > 100,
            kind,
            got.header("referer").is_some(),
        ));
    }
    let json = || Some("application/json".to_owned());
    let expected = [
        (301, "GET".to_owned(), false, None, false),
        (302, "GET".to_owned(), false, None, false),
        (303, "GET".to_owned(), false, None, false),
        (307, "POST".to_owned(), true, json(), false),
        (308, "POST".to_owned(), true, json(), false),
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn redirects_end_somewhere_or_are_not_followed() {
    let place = Place::new();
    let endless = Sink::start(&[redirect(307, "/again".to_owned())]).await;
    let followed = attempt(
        &place
            .webhook(&format!("url: {}", endless.url("/")))
            .unwrap(),
    )
    .await;
    let requests = endless.got().len();
    let yaml = format!(
        "url: {}\nhttp_config: {{follow_redirects: false}}",
        endless.url("/")
    );
    let judged = attempt(&place.webhook(&yaml).unwrap()).await;
    assert_eq!(
        (followed.as_str(), requests, judged.as_str()),
        (
            "retry other Post \"<redacted>\": stopped after 10 redirects",
            10,
            "final other unexpected status code 307"
        )
    );
}
