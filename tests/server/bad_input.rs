//! What no sender should send. Each gets its answer (`reference/http-api.md`, or one of
//! `docs/differences.md`), and the server goes on as if nothing had been: it takes an alert and tells it,
//! holds no connection and no memory, and has nothing in its log.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Place, Request, Server, Sink, firing, one_webhook, request, told, until};

const ALERTS: &str = "/api/v2/alerts";

/// A server, and whom it tells.
struct Scene {
    place: Place,
    sink: Sink,
    server: Server,
}

impl Scene {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(flags: &[&str]) -> Self {
        let sink = Sink::start();
        let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
        let server = place.start_with(flags);
        Self {
            place,
            sink,
            server,
        }
    }

    fn said(&self, body: &[u8]) -> (u16, String) {
        self.answered(&Request::post(ALERTS, body))
    }

    fn answered(&self, asked: &Request) -> (u16, String) {
        let answer = request(self.server.address(), asked).unwrap();
        (answer.status, answer.body)
    }

    /// It still takes an alert and tells it, and nothing else has been told or is in the log.
    fn goes_on(self) -> (u16, Vec<String>, usize) {
        let status = self.server.fire(&["Good"]);
        let got = self.sink.wait_for(1);
        self.server.kill();
        (status, told(&got), self.place.records("alert_batch").len())
    }
}

/// What [`Scene::goes_on`] gives if nothing of the bad input is left.
fn as_if_nothing_had_been() -> (u16, Vec<String>, usize) {
    (200, vec!["Good firing".to_owned()], 1)
}

/// How the framework refuses a body.
fn unread(why: &str) -> (u16, String) {
    let message = format!("parsing alerts body from \"\" failed, because {why}");
    (400, json!({"code": 400, "message": message}).to_string())
}

fn refused(code: u16, status: u16, message: &str) -> (u16, String) {
    (
        status,
        json!({"code": code, "message": message}).to_string(),
    )
}

fn said(text: &str) -> (u16, String) {
    (400, format!("{}\n", Value::from(text)))
}

#[test]
fn malformed_json_is_refused_with_the_words_of_go() {
    let scene = Scene::new();
    let bodies: [&[u8]; 7] = [
        b"[{\"labels\":",
        b"x",
        b"{}",
        b"[{\"labels\":{\"alertname\":1}}]",
        b"",
        b" \n",
        b"\"text\"",
    ];
    let seen = bodies.map(|body| scene.said(body));
    let expected = [
        unread("unexpected EOF"),
        unread("invalid character 'x' looking for beginning of value"),
        unread("json: cannot unmarshal object into Go value of type models.PostableAlerts"),
        unread("json: cannot unmarshal number into Go struct field Alert.labels of type string"),
        refused(602, 422, "alerts in body is required"),
        refused(602, 422, "alerts in body is required"),
        unread("json: cannot unmarshal string into Go value of type models.PostableAlerts"),
    ];
    assert_eq!(
        (seen, scene.goes_on()),
        (expected, as_if_nothing_had_been())
    );
}

#[test]
fn a_body_that_is_not_json_by_its_type_is_refused() {
    let scene = Scene::new();
    let body = json!([firing("Bad")]).to_string();
    let types: [Option<&str>; 4] = [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        None,
        Some("a b;"),
    ];
    let seen = types.map(|media_type| {
        let mut asked = Request::post(ALERTS, body.as_str());
        asked.headers = media_type
            .map(|it| ("Content-Type", it.to_owned()))
            .into_iter()
            .collect();
        scene.answered(&asked)
    });
    let unsupported = |media_type: &str| {
        let message =
            format!("unsupported media type \"{media_type}\", only [application/json] are allowed");
        refused(415, 415, &message)
    };
    let expected = [
        unsupported("text/plain"),
        unsupported("application/x-www-form-urlencoded"),
        unsupported("application/octet-stream"),
        refused(
            400,
            400,
            "parsing Content-Type header from \"a b;\" failed, because mime: expected slash after first token",
        ),
    ];
    assert_eq!(
        (seen, scene.goes_on()),
        (expected, as_if_nothing_had_been())
    );
}

#[test]
fn alerts_that_are_none_are_refused_one_by_one() {
    let scene = Scene::new();
    let bodies = [
        json!([{"labels": {}}]),
        json!([{"labels": {"a": ""}}]),
        json!([{"labels": {"": "x"}}]),
        json!([{"labels": {"a": "b"}, "annotations": {"": "x"}}]),
        json!([{"labels": {"a": "b"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"}]),
        json!([{"annotations": {"a": "b"}}]),
        json!([{"labels": {"a": "b"}, "generatorURL": "no url"}]),
        json!([null]),
    ];
    let seen = bodies.map(|body| scene.said(body.to_string().as_bytes()));
    let expected = [
        said("at least one label pair required"),
        said("at least one label pair required"),
        said("invalid label set: invalid name \"\""),
        said("invalid annotations: invalid name \"\""),
        said("start time must be before end time"),
        refused(602, 422, "0.labels in body is required"),
        refused(
            601,
            422,
            "0.generatorURL in body must be of type uri: \"no url\"",
        ),
        refused(602, 422, "0 in body is required"),
    ];
    assert_eq!(
        (seen, scene.goes_on()),
        (expected, as_if_nothing_had_been())
    );
}

/// The kilobytes that are in memory, and open files.
fn holds(server: &Server) -> (u64, usize) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().split(' ').next().unwrap();
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
    (kilobytes.parse().unwrap(), files.count())
}

#[test]
fn a_body_of_a_hundred_megabytes_is_refused_and_takes_no_memory() {
    const BODY_BYTES: usize = 100 << 20;
    // The index has files and memory of its own, some of them later than the server is ready.
    let scene = Scene::with(&["--history=off"]);
    let (memory_before, files_before) = holds(&scene.server);
    let body = vec![b' '; BODY_BYTES];
    let declared = scene.said(&body);
    // In chunks, without saying how long it will be.
    let mut stream = TcpStream::connect(scene.server.address()).unwrap();
    let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = vec![b' '; 1 << 20];
    let mut sent_bytes = 0;
    while sent_bytes < BODY_BYTES {
        let sent = stream
            .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
            .and_then(|()| stream.write_all(&chunk))
            .and_then(|()| stream.write_all(b"\r\n"));
        if sent.is_err() {
            break;
        }
        sent_bytes += chunk.len();
    }
    drop(stream);
    until("the end of all connections", || {
        (holds(&scene.server).1 <= files_before).then_some(())
    });
    let memory_more = holds(&scene.server).0.saturating_sub(memory_before);
    let declared = (declared.0, declared.1.contains("413"));
    assert_eq!(
        (
            declared,
            sent_bytes < BODY_BYTES,
            memory_more < 64 << 10,
            scene.goes_on()
        ),
        ((413, true), true, true, as_if_nothing_had_been()),
        "{memory_more} kB more, {sent_bytes} bytes sent"
    );
}

#[test]
fn an_alert_of_ten_thousand_labels_is_taken_and_told_whole() {
    const LABELS: usize = 10_000;
    let scene = Scene::new();
    let mut labels = serde_json::Map::new();
    labels.insert("alertname".to_owned(), "Wide".into());
    for index in 1..LABELS {
        labels.insert(format!("label{index}"), format!("value {index}").into());
    }
    let answer = scene.said(json!([{"labels": labels}]).to_string().as_bytes());
    let got = scene.sink.wait_for(1);
    let body: Value = serde_json::from_str(&got[0].body).unwrap();
    let labels = body["alerts"][0]["labels"]
        .as_object()
        .map(serde_json::Map::len);
    assert_eq!(
        (answer, labels, told(&got)),
        (
            (200, String::new()),
            Some(LABELS),
            vec!["Wide firing".to_owned()]
        )
    );
}

#[test]
fn an_alert_that_is_too_large_for_the_log_is_refused_and_its_neighbours_are_not() {
    let scene = Scene::new();
    let mut large = firing("Large");
    large["annotations"] = json!({"text": "x".repeat(2 << 20)});
    let (status, text) = scene.said(json!([large, firing("Near")]).to_string().as_bytes());
    let got = scene.sink.wait_for(1);
    assert_eq!(
        (status, text.starts_with("\"alert too large: "), told(&got)),
        (400, true, vec!["Near firing".to_owned()]),
        "{text}"
    );
}

#[test]
fn json_nested_a_hundred_thousand_deep_is_refused() {
    const DEPTH: usize = 100_000;
    let scene = Scene::new();
    let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
    let unknown = format!("[{{\"labels\":{{\"alertname\":\"A\"}},\"unknown\":{deep}}}]");
    let objects = format!("[{}1{}]", "{\"labels\":".repeat(DEPTH), "}".repeat(DEPTH));
    let seen = [deep, unknown, objects].map(|body| scene.said(body.as_bytes()));
    let expected = [
        unread("invalid character '[' exceeded max depth"),
        unread("invalid character '[' exceeded max depth"),
        unread("invalid character '{' exceeded max depth"),
    ];
    assert_eq!(
        (seen, scene.goes_on()),
        (expected, as_if_nothing_had_been())
    );
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_in_labels_and_told_so() {
    let scene = Scene::new();
    let body = b"[{\"labels\":{\"alertname\":\"Bad\",\"bytes\":\"a\xff\xfeb\"}}]";
    let answer = scene.said(body);
    let got = scene.sink.wait_for(1);
    let told: Value = serde_json::from_str(&got[0].body).unwrap();
    assert_eq!(
        (answer, told["alerts"][0]["labels"]["bytes"].clone()),
        ((200, String::new()), "a\u{fffd}\u{fffd}b".into())
    );
}

#[test]
fn what_is_no_http_at_all_harms_nobody() {
    let scene = Scene::new();
    let files_before = holds(&scene.server).1;
    let noise: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n[]   ",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
    ];
    for bytes in noise {
        let mut stream = TcpStream::connect(scene.server.address()).unwrap();
        stream.write_all(bytes).unwrap();
    }
    until("the end of all connections", || {
        (holds(&scene.server).1 <= files_before).then_some(())
    });
    assert_eq!(scene.goes_on(), as_if_nothing_had_been());
}

#[test]
fn silences_that_are_none_are_refused() {
    let scene = Scene::new();
    let silence = |change: fn(&mut Value)| {
        let mut silence = json!({
            "matchers": [{"name": "a", "value": "b", "isRegex": false}],
            "startsAt": "2030-01-01T00:00:00Z", "endsAt": "2030-01-02T00:00:00Z",
            "createdBy": "x", "comment": "x",
        });
        change(&mut silence);
        scene.answered(&Request::post("/api/v2/silences", silence.to_string()))
    };
    let seen = [
        silence(|it| it["matchers"] = json!([])),
        silence(|it| it["matchers"] = json!([null])),
        silence(|it| it["matchers"][0]["value"] = json!("")),
        silence(|it| it["matchers"][0] = json!({"name": "a", "value": "(", "isRegex": true})),
        silence(|it| it["endsAt"] = json!("2029-01-01T00:00:00Z")),
        silence(|it| it["startsAt"] = json!("foo")),
        silence(|it| it["id"] = json!("4f2a2a33-4b6c-4b5f-8d3c-000000000000")),
        silence(|it| drop(it.as_object_mut().unwrap().remove("comment"))),
    ];
    let silences = scene.server.get("/api/v2/silences").body;
    let text = |status: u16, text: &str| (status, format!("{}\n", Value::from(text)));
    let expected = [
        refused(612, 422, "matchers in body should have at least 1 items"),
        refused(602, 422, "matchers.0 in body is required"),
        text(400, "invalid silence: matcher set 0: at least one matcher must not match the empty string"),
        text(400, "invalid silence: invalid label matcher 0 in set 0: invalid regular expression \"(\": error parsing regexp: missing closing ): `(`"),
        text(400, "Failed to create silence: start time must be before end time"),
        (400, json!({"code": 400, "message": "parsing silence body from \"\" failed, because parsing time \"foo\" as \"2006-01-02\": cannot parse \"foo\" as \"2006\""}).to_string()),
        text(404, "silence not found"),
        refused(602, 422, "comment in body is required"),
    ];
    assert_eq!(
        (seen, silences, scene.goes_on()),
        (expected, "[]\n".to_owned(), as_if_nothing_had_been())
    );
}
