//! Which alerts are taken, and which are shown? (`http-api.md` §5.3, §5.4.)

use std::sync::Arc;

use tocsin::api::Options;
use tocsin::model::{LabelSet, Mode};
use tocsin::record::{AlertBatchV1, AlertV1};
use tocsin::sys::WallTime;

use crate::memory::{
    Memory, NOW, alert, ask, listed, post, receiver, service, set, silenced, unavailable,
};

const OK: &str = "200\ncache-control: no-store\nvary: Origin\n\n";
const HEAD: &str = "content-type: application/json\ncache-control: no-store\nvary: Origin\n\n";

#[tokio::test]
async fn times_that_are_missing_are_filled_in() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let body = r#"[
        {"labels": {"a": "neither", "empty": ""}},
        {"labels": {"a": "start"}, "startsAt": "2026-01-01T00:00:00+01:00"},
        {"labels": {"a": "end"}, "endsAt": "2026-01-02T00:00:00Z"},
        {"labels": {"a": "both"}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"},
        {"labels": {"a": "zero"}, "startsAt": "0001-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z"},
        {"labels": {"a": "empty"}, "startsAt": ""},
        {"labels": {"a": "far"}, "endsAt": "9999-12-31T00:00:00Z", "startsAt": "1600-01-01T00:00:00Z"}
    ]"#;
    let told = post(&api, "/api/v2/alerts", body).await;
    let now = "2026-11-22T03:39:56.666Z";
    let timeout = "2026-11-22T03:44:56.666Z (guess)";
    assert_eq!(
        (told.0, backend.stored()),
        (
            OK.to_owned(),
            vec![
                format!("{{a=\"neither\"}} {now} {timeout}"),
                format!("{{a=\"start\"}} 2025-12-31T23:00:00Z {timeout}"),
                "{a=\"end\"} 2026-01-02T00:00:00Z 2026-01-02T00:00:00Z".to_owned(),
                "{a=\"both\"} 2026-01-01T00:00:00Z 2026-01-01T00:00:00Z".to_owned(),
                format!("{{a=\"zero\"}} {now} {timeout}"),
                format!("{{a=\"empty\"}} 1970-01-01T00:00:00Z {timeout}"),
                format!(
                    "{{a=\"far\"}} {} {}",
                    WallTime(i64::MIN),
                    WallTime(i64::MAX)
                ),
            ]
        )
    );
}

#[tokio::test]
async fn one_alert_of_the_wrong_shape_refuses_all() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let mut told = Vec::new();
    for bad in [
        "{}",
        r#"{"labels": null}"#,
        r#"{"labels": {"a": "b"}, "generatorURL": "<"}"#,
        r#"{"generatorURL": "<"}"#,
        "null",
    ] {
        let body = format!("[{{\"labels\": {{\"a\": \"b\"}}}}, {bad}]");
        told.push(post(&api, "/api/v2/alerts", &body).await.0);
    }
    let required =
        format!("422\n{HEAD}{{\"code\":602,\"message\":\"1.labels in body is required\"}}");
    let url = format!(
        "422\n{HEAD}{{\"code\":601,\"message\":\"1.generatorURL in body must be of type uri: \\\"\\u003c\\\"\"}}"
    );
    assert_eq!(
        (told, backend.stored()),
        (
            vec![
                required.clone(),
                required,
                url.clone(),
                url,
                format!("422\n{HEAD}{{\"code\":602,\"message\":\"1 in body is required\"}}"),
            ],
            Vec::new()
        )
    );
}

#[tokio::test]
async fn valid_alerts_are_stored_before_the_others_are_refused() {
    let backend = Arc::<Memory>::default();
    set(&backend.mode, Mode::Classic);
    let api = service(&backend, Options::default());
    let body = r#"[
        {"labels": {"a": "b"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"},
        {"labels": {"good": "1"}, "startsAt": "2026-01-01T00:00:00Z", "endsAt": "2027-01-01T00:00:00Z"},
        {"labels": {"a": ""}},
        {"labels": {"a-b": "<"}},
        {"labels": {"a": "b"}, "annotations": {"é": ""}},
        {"labels": {"good": "2"}, "annotations": {"empty": ""}, "endsAt": "2027-01-01T00:00:00Z"}
    ]"#;
    let told = post(&api, "/api/v2/alerts", body).await;
    let refused = "start time must be before end time\\nat least one label pair required\\n\
        invalid label set: invalid name \\\"a-b\\\"\\ninvalid annotations: invalid name \\\"é\\\"";
    let metrics = ask(&api, "GET /metrics", &[], "").await;
    let counts = metrics
        .0
        .lines()
        .filter(|line| line.starts_with("alertmanager_alerts_"));
    let mut counts: Vec<String> = counts.map(str::to_owned).collect();
    counts.sort();
    assert_eq!(
        (told.0, backend.stored(), counts),
        (
            format!("400\n{HEAD}\"{refused}\"\n"),
            vec![
                "{good=\"1\"} 2026-01-01T00:00:00Z 2027-01-01T00:00:00Z".to_owned(),
                "{good=\"2\"} 2027-01-01T00:00:00Z 2027-01-01T00:00:00Z".to_owned(),
            ],
            vec![
                "alertmanager_alerts_invalid_total{version=\"v2\"} 4".to_owned(),
                "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} 5".to_owned(),
                "alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"} 1"
                    .to_owned(),
            ]
        )
    );
}

#[tokio::test]
async fn what_is_not_durable_is_not_answered_with_success_or_with_blame() {
    let backend = Arc::<Memory>::default();
    set(&backend.refusal, Some(unavailable()));
    let api = service(&backend, Options::default());
    let told = [
        post(&api, "/api/v2/alerts", r#"[{"labels":{"a":"b"}}]"#)
            .await
            .0,
        post(
            &api,
            "/api/v2/alerts",
            r#"[{"labels":{"a":"b"}},{"labels":{}}]"#,
        )
        .await
        .0,
        post(&api, "/api/v2/alerts", "[]").await.0,
        post(&api, "/api/v2/alerts", "null").await.0,
    ];
    let refused = format!("503\n{HEAD}\"the log is closed\"\n");
    assert_eq!(
        told,
        [refused.clone(), refused, OK.to_owned(), OK.to_owned()]
    );
}

#[tokio::test]
async fn an_alert_with_ten_thousand_labels_is_taken_and_one_of_megabytes_is_not() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let labels: Vec<String> = (0..10_000)
        .map(|i| format!("\"label_{i}\":\"value\""))
        .collect();
    let many = post(
        &api,
        "/api/v2/alerts",
        &format!("[{{\"labels\":{{{}}}}}]", labels.join(",")),
    )
    .await;
    let long = format!("[{{\"labels\":{{\"a\":\"{}\"}}}}]", "x".repeat(2 << 20));
    let long = post(&api, "/api/v2/alerts", &long).await;
    assert_eq!(
        (many.0, long.0, backend.stored().len()),
        (
            OK.to_owned(),
            format!("400\n{HEAD}\"alert too large: 2097153 bytes (limit: 1048576 bytes)\"\n"),
            1
        )
    );
}

/// Four alerts: active, silenced, inhibited, ended.
fn filled() -> Arc<Memory> {
    let backend = Arc::<Memory>::default();
    let a = receiver("team-a", &[("owner", "a")]);
    let b = receiver("b", &[]);
    let mut shown = alert(&[("alertname", "a<b>&c\u{2028}"), ("kind", "active")]);
    let full = Arc::make_mut(&mut shown.alert);
    full.annotations = LabelSet::new([("x", "<é>\u{8}\"")]);
    full.generator_url = "http://x/?a=1&b=<".into();
    full.starts_at = WallTime(NOW.0 - 1);
    let mut quiet = listed(alert(&[("kind", "silenced")]), std::slice::from_ref(&b));
    quiet.quiet = silenced(&["id-2", "id-1"]);
    let mut inhibited = listed(alert(&[("kind", "inhibited")]), std::slice::from_ref(&a));
    inhibited.quiet.inhibited_by = Some(shown.alert.labels.fingerprint());
    let mut ended = alert(&[("kind", "ended")]);
    Arc::make_mut(&mut ended.alert).ends_at = WallTime(NOW.0 - 1);
    let active = listed(shown, &[a.clone(), b.clone()]);
    set(
        &backend.alerts,
        vec![quiet, active, inhibited, listed(ended, &[a])],
    );
    backend
}

#[tokio::test]
async fn alerts_are_shown_by_fingerprint_with_what_keeps_them_quiet() {
    let api = service(&filled(), Options::default());
    let told = ask(&api, "GET /api/v2/alerts", &[], "").await;
    let times = |start: &str| format!("\"startsAt\":\"2026-11-22T03:39:56.{start}Z\",\"status\":");
    let end = "\"endsAt\":\"2026-11-22T03:44:56.666Z\"";
    let updated = "\"updatedAt\":\"2026-11-22T03:39:56.666Z\"";
    let mut expected = [
        format!(
            "{{\"annotations\":{{\"x\":\"\\u003cé\\u003e\\b\\\"\"}},{end},\"fingerprint\":\"15ae35cd1cb46d1e\",\
             \"receivers\":[{{\"name\":\"team-a\"}},{{\"name\":\"b\"}}],{}\
             {{\"inhibitedBy\":[],\"mutedBy\":[],\"silencedBy\":[],\"state\":\"active\"}},{updated},\
             \"generatorURL\":\"http://x/?a=1\\u0026b=\\u003c\",\
             \"labels\":{{\"alertname\":\"a\\u003cb\\u003e\\u0026c\\u2028\",\"kind\":\"active\"}}}}",
            times("665")
        ),
        format!(
            "{{\"annotations\":{{}},{end},\"fingerprint\":\"8d6f6c5d9d4b0c86\",\
             \"receivers\":[{{\"name\":\"b\"}}],{}\
             {{\"inhibitedBy\":[],\"mutedBy\":[],\"silencedBy\":[\"id-2\",\"id-1\"],\"state\":\"suppressed\"}},\
             {updated},\"labels\":{{\"kind\":\"silenced\"}}}}",
            times("666")
        ),
        format!(
            "{{\"annotations\":{{}},{end},\"fingerprint\":\"fingerprint\",\
             \"receivers\":[{{\"name\":\"team-a\"}}],{}\
             {{\"inhibitedBy\":[\"15ae35cd1cb46d1e\"],\"mutedBy\":[],\"silencedBy\":[],\"state\":\"suppressed\"}},\
             {updated},\"labels\":{{\"kind\":\"inhibited\"}}}}",
            times("666")
        ),
    ];
    // Fingerprints are checked against Prometheus' elsewhere; here only where they stand.
    let print = |labels: &[(&str, &str)]| {
        LabelSet::new(labels.iter().copied())
            .fingerprint()
            .to_string()
    };
    let active = print(&[("alertname", "a<b>&c\u{2028}"), ("kind", "active")]);
    for text in &mut expected {
        *text = text.replace("15ae35cd1cb46d1e", &active);
    }
    let [_, silenced, inhibited] = &mut expected;
    *silenced = silenced.replace("8d6f6c5d9d4b0c86", &print(&[("kind", "silenced")]));
    *inhibited = inhibited.replace(
        "\"fingerprint\":\"fingerprint\"",
        &format!("\"fingerprint\":\"{}\"", print(&[("kind", "inhibited")])),
    );
    let by_print = |text: &String| {
        let at = text.find("\"fingerprint\":").expect("a fingerprint");
        text.get(at..at + 32).map(str::to_owned)
    };
    expected.sort_by_key(by_print);
    assert_eq!(told.0, format!("200\n{HEAD}[{}]\n", expected.join(",")));
}

#[tokio::test]
async fn queries_choose_among_alerts() {
    let api = service(&filled(), Options::default());
    let mut told = Vec::new();
    for query in [
        "",
        "?active=false",
        "?silenced=no",
        "?inhibited=bogus",
        "?active=false&active=",
        "?active=true&active=0",
        "?unprocessed=false",
        "?Active=false",
        "?filter=kind%3D%22silenced%22",
        "?filter=kind%3D~%22.*ed%22&filter=kind!%3Dsilenced",
        "?filter=missing%3D%22%22",
        "?filter=a;b&filter=%zz&filter=kind=active",
        "?receiver=b",
        "?receiver=team",
        "?receiver=team-.%2B",
        "?receiver_matchers=owner%3Da",
        "?receiver_matchers=owner%3Da&receiver_matchers=x%3Dy",
    ] {
        let answer = ask(&api, &format!("GET /api/v2/alerts{query}"), &[], "").await;
        let mut kinds: Vec<&str> = answer
            .0
            .split("\"kind\":\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap_or_default())
            .collect();
        kinds.sort_unstable();
        told.push(format!("{query} {}", kinds.join(" ")));
    }
    assert_eq!(
        told,
        [
            " active inhibited silenced",
            "?active=false inhibited silenced",
            "?silenced=no active inhibited",
            "?inhibited=bogus active silenced",
            "?active=false&active= active inhibited silenced",
            "?active=true&active=0 inhibited silenced",
            "?unprocessed=false active inhibited silenced",
            "?Active=false active inhibited silenced",
            "?filter=kind%3D%22silenced%22 silenced",
            "?filter=kind%3D~%22.*ed%22&filter=kind!%3Dsilenced inhibited",
            "?filter=missing%3D%22%22 active inhibited silenced",
            "?filter=a;b&filter=%zz&filter=kind=active active",
            "?receiver=b active silenced",
            "?receiver=team ",
            "?receiver=team-.%2B active inhibited",
            "?receiver_matchers=owner%3Da active inhibited",
            "?receiver_matchers=owner%3Da&receiver_matchers=x%3Dy ",
        ]
    );
}

#[tokio::test]
async fn parameters_that_cannot_be_read_are_named() {
    let api = service(&filled(), Options::default());
    let mut told = Vec::new();
    for query in [
        "filter=foo",
        "filter=%7Ba%3Db%7D",
        "filter=a%3D~%22(%22",
        "receiver=(",
        "receiver_matchers=foo",
        "filter=",
    ] {
        let answer = ask(&api, &format!("GET /api/v2/alerts?{query}"), &[], "").await;
        told.push(answer.0.replace(HEAD, ""));
    }
    assert_eq!(
        told,
        [
            "400\n\"bad matcher format: foo\"\n",
            "400\n\"unexpected open or close brace: {a=b}\"\n",
            "400\n\"error parsing regexp: missing closing ): `^(?:()$`\"\n",
            "400\n\"failed to parse receiver param: error parsing regexp: missing closing ): `^(?:()$`\"\n",
            "400\n\"failed to parse receiver_matchers param: bad matcher format: foo\"\n",
            "400\n\"bad matcher format: \"\n",
        ]
    );
}

#[tokio::test]
async fn no_alerts_are_an_empty_list() {
    let api = service(&Arc::default(), Options::default());
    let told = ask(&api, "GET /api/v2/alerts", &[], "").await;
    assert_eq!(told.0, format!("200\n{HEAD}[]\n"));
}

#[tokio::test]
async fn what_is_taken_in_becomes_a_record_of_the_log() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let body = r#"[{"labels": {"b": "2", "a": "1"}, "annotations": {"x": ""}, "generatorURL": "/x",
        "startsAt": "2026-01-01T00:00:00Z"}]"#;
    post(&api, "/api/v2/alerts", body).await;
    let batches = backend
        .submitted
        .lock()
        .expect("no test panics while it holds a lock");
    let records: Vec<AlertBatchV1> = batches.iter().map(|batch| batch.to_record("t")).collect();
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let alert = AlertV1 {
        labels: vec![pair("a", "1"), pair("b", "2")],
        annotations: vec![pair("x", "")],
        starts_at_ns: 1_767_225_600_000_000_000,
        ends_at_ns: NOW.0 + 300_000_000_000,
        is_timeout: true,
        generator_url: "/x".to_owned(),
    };
    let batch = AlertBatchV1 {
        tenant: "t".to_owned(),
        received_at_ns: NOW.0,
        alerts: vec![alert],
    };
    assert_eq!(records, [batch]);
}
