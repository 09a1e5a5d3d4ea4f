//! From the request to the answer: whatever was answered is there after a kill, and nothing is there by
//! halves.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Place, Request, Server, Sink, Strace, firing, one_webhook, request, until};

/// Nobody is told anything in these tests: it is about what is there.
fn quiet() -> Place {
    Place::new(&one_webhook("http://127.0.0.1:9/", "1h", "1h"))
}

/// Posts alerts and gives the status, if there was an answer.
fn post(server: &Server, alerts: &[&str]) -> Option<u16> {
    let alerts: Vec<Value> = alerts.iter().map(|it| firing(it)).collect();
    let asked = Request::post("/api/v2/alerts", Value::from(alerts).to_string());
    request(server.address(), &asked).ok().map(|it| it.status)
}

/// Kills the server at a system call of a post; what was answered, and what the next life has.
fn killed_at(call: &str) -> Option<(Option<u16>, Vec<String>)> {
    let place = quiet();
    let server = place.start();
    server.fire(&["Before"]);
    let strace = Strace::attach(&server, &format!("{call}:signal=SIGKILL"))?;
    let status = post(&server, &["A", "B", "C"]);
    server.wait();
    drop(strace);
    Some((status, place.start().names()))
}

#[test]
fn a01_killed_before_the_batch_is_written_there_was_no_answer_and_there_is_nothing() {
    let Some(seen) = killed_at("pwrite64") else {
        return;
    };
    assert_eq!(seen, (None, vec!["Before".to_owned()]));
}

#[test]
fn a02_killed_between_write_and_sync_there_was_no_answer_and_the_batch_is_there_as_a_whole() {
    let Some(seen) = killed_at("fdatasync") else {
        return;
    };
    // The pages that were written outlive a process.
    let whole = ["A", "B", "Before", "C"].map(str::to_owned).to_vec();
    assert_eq!(seen, (None, whole));
}

#[test]
fn a03_killed_between_sync_and_status_the_batch_is_there() {
    let Some(seen) = killed_at("sendto,sendmsg,writev") else {
        return;
    };
    let whole = ["A", "B", "Before", "C"].map(str::to_owned).to_vec();
    assert_eq!(seen, (None, whole));
}

#[test]
fn a04_a06_killed_right_after_the_status_line_of_a_400_the_valid_alerts_are_there() {
    let place = quiet();
    let server = place.start();
    let alerts = json!([
        firing("A"),
        {"labels": {}},
        firing("B"),
        {"labels": {"alertname": "Late"}, "startsAt": "2026-01-02T00:00:00Z", "endsAt": "2026-01-01T00:00:00Z"},
        firing("C"),
    ]);
    let asked = Request::post("/api/v2/alerts", alerts.to_string());
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(asked.head().as_bytes()).unwrap();
    stream.write_all(&asked.body).unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    server.kill();
    let line = String::from_utf8_lossy(&line).into_owned();
    assert_eq!(
        (line, place.start().names()),
        (
            "HTTP/1.1 400".to_owned(),
            ["A", "B", "C"].map(str::to_owned).to_vec()
        )
    );
}

/// Posts by turns until the server is gone; the names that were acknowledged.
fn post_on(server: &Server, poster: usize, round: usize, acknowledged: &Mutex<BTreeSet<String>>) {
    for turn in 0.. {
        let name = format!("R{round}P{poster}T{turn}");
        match post(server, &[&name]) {
            Some(200) => {
                acknowledged.lock().unwrap().insert(name);
            }
            Some(_) => {}
            None => return,
        }
    }
}

#[test]
fn a07_of_two_hundred_posters_every_200_is_there_after_kills_at_any_time() {
    const POSTERS: usize = 200;
    let place = quiet();
    let acknowledged = Mutex::new(BTreeSet::new());
    let mut missing = Vec::new();
    for (round, after_ms) in [37, 260, 611].into_iter().enumerate() {
        let server = place.start();
        std::thread::scope(|scope| {
            for poster in 0..POSTERS {
                let (server, acknowledged) = (&server, &acknowledged);
                scope.spawn(move || post_on(server, poster, round, acknowledged));
            }
            let begun = Instant::now();
            until("the time of the kill", || {
                let has_some = acknowledged.lock().unwrap().len() > round * 10;
                (has_some && begun.elapsed() > Duration::from_millis(after_ms)).then_some(())
            });
            server.signal("KILL");
        });
        server.wait();
        let names: BTreeSet<String> = place.start().names().into_iter().collect();
        missing.extend(acknowledged.lock().unwrap().difference(&names).cloned());
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn a08_a_batch_of_many_records_is_there_as_a_whole_after_its_200_and_a_kill() {
    const ALERTS: usize = 20_000;
    let place = quiet();
    let server = place.start();
    let text = "x".repeat(1_000);
    let alerts: Vec<Value> = (0..ALERTS)
        .map(|it| json!({"labels": {"alertname": format!("A{it:05}")}, "annotations": {"text": text}}))
        .collect();
    let status = server.post("/api/v2/alerts", &Value::from(alerts)).status;
    server.kill();
    let names = place.start().names().len();
    let records = place.records("alert_batch").len();
    assert_eq!((status, names, records > 1), (200, ALERTS, true));
}

#[test]
fn a10_a_client_that_is_gone_before_the_answer_harms_nobody() {
    let sink = Sink::start();
    let place = Place::new(
        &one_webhook(&sink.url("/"), "0s", "1s")
            .replace("receiver: r", "receiver: r\n  group_by: [alertname]"),
    );
    let server = place.start();
    let asked = Request::post("/api/v2/alerts", json!([firing("Gone")]).to_string());
    for _ in 0..50 {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(asked.head().as_bytes()).unwrap();
        stream.write_all(&asked.body).unwrap();
    }
    let status = server.fire(&["Here"]);
    sink.wait_to_be_told("Here firing");
    let metrics = server.get("/metrics").body;
    let mut samples = metrics.lines().filter(|line| !line.starts_with('#'));
    let panics = samples.any(|line| line.contains("panic") && !line.ends_with(" 0"));
    assert_eq!((status, panics), (200, false));
}

/// Waits until the first batch of alerts is written, if not synced: what comes now is not part of it.
fn wait_for_write(place: &Place) {
    until("the first batch at the disk", || {
        (!place.records("alert_batch").is_empty()).then_some(())
    });
}

#[test]
fn a11_on_a_disk_that_is_too_slow_senders_get_503_and_nothing_acknowledged_is_lost() {
    let place = quiet();
    let server = place.start();
    // Later than a request may wait, once.
    let delay = "fdatasync:delay_enter=14000000:when=1";
    let Some(strace) = Strace::attach(&server, delay) else {
        return;
    };
    let send = |name: &str| {
        let asked = Request::post("/api/v2/alerts", json!([firing(name)]).to_string());
        let answer = request(server.address(), &asked).unwrap();
        let has_hint = answer.headers.contains_key("retry-after");
        (answer.status, has_hint)
    };
    let (first, waiting) = std::thread::scope(|scope| {
        let first = scope.spawn(|| send("First"));
        wait_for_write(&place);
        let waiting = scope.spawn(|| send("Waiting"));
        (first.join().unwrap(), waiting.join().unwrap())
    });
    let after = send("After");
    drop(strace);
    server.kill();
    let names = place.start().names();
    assert_eq!(
        (first, waiting, after, names),
        (
            (200, false),
            (503, true),
            (200, false),
            ["After", "First"].map(str::to_owned).to_vec()
        )
    );
}

/// A sender gives up after ten seconds, and its request is refused only then.
#[test]
fn a10_a11_a_client_that_gave_up_before_its_503_leaves_nothing_behind() {
    let place = quiet();
    let server = place.start();
    let Some(strace) = Strace::attach(&server, "fdatasync:delay_enter=14000000:when=1") else {
        return;
    };
    let alert =
        |name: &str| json!([{"labels": {"alertname": name}, "startsAt": "2026-01-01T00:00:00Z"}]);
    let first = std::thread::scope(|scope| {
        let first = scope.spawn(|| server.post("/api/v2/alerts", &alert("First")).status);
        wait_for_write(&place);
        let asked = Request::post("/api/v2/alerts", alert("GaveUp").to_string());
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(asked.head().as_bytes()).unwrap();
        stream.write_all(&asked.body).unwrap();
        until("the request at the log", || {
            let metrics = server.get("/metrics").body;
            let is_count = |line: &str| {
                line.starts_with("alertmanager_alerts_received_total{")
                    && line.contains("status=\"firing\"")
                    && line.ends_with(" 2")
            };
            metrics.lines().any(is_count).then_some(())
        });
        drop(stream);
        first.join().unwrap()
    });
    drop(strace);
    // On a busy machine the disk may have been slow once more: who gets a 503 sends again.
    until("room in the log", || {
        (server.fire(&["After"]) == 200).then_some(())
    });
    let names = server.names();
    // What is known and not on its way is touched, and not written in full each time.
    until("a touch", || {
        server.post("/api/v2/alerts", &alert("GaveUp"));
        (!place.records("alert_touch").is_empty()).then_some(())
    });
    assert_eq!(
        (first, names),
        (200, ["After", "First"].map(str::to_owned).to_vec())
    );
}
