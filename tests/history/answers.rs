//! Lists and answers through the real program: from the server, from its command, from a copied log.

use serde_json::Value;

use crate::past::{complete, copied, ends, kinds, offline, online, tocsin};
use crate::support::{Place, Reply, Server, Sink, one_webhook, until};

/// Fires, tells, resolves, tells again.
fn one_alert_from_beginning_to_end(sink: &Sink, place: &Place) -> Server {
    let server = place.start();
    assert_eq!(server.fire(&["DiskFull job=node"]), 200);
    sink.wait_to_be_told("DiskFull firing");
    assert_eq!(server.resolve(&["DiskFull job=node"]), 200);
    sink.wait_to_be_told("DiskFull resolved");
    until("two results", || {
        let page = online(&server, &["notifications", "--status", "delivered"]);
        (page["notifications"].as_array()?.len() == 2).then_some(())
    });
    server
}

#[test]
fn notifications_are_the_same_from_the_server_and_from_a_copied_log() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = one_alert_from_beginning_to_end(&sink, &place);
    let from_server = online(&server, &["notifications", "alertname=DiskFull"]);
    let copy = copied(&place, "copy");
    let from_log = offline(&copy, &["notifications", "alertname=DiskFull"]);
    assert_eq!(
        (ends(&from_server), &from_server["notifications"]),
        (
            vec![
                "r: first notification: delivered".to_owned(),
                "r: all alerts resolved: delivered".to_owned()
            ],
            &from_log["notifications"]
        )
    );
}

#[test]
fn history_of_an_alert_is_the_same_from_the_server_and_from_a_copied_log() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = one_alert_from_beginning_to_end(&sink, &place);
    let words = [
        "history",
        "alertname=DiskFull",
        "--kind",
        "received",
        "--kind",
        "touched",
        "--kind",
        "intended",
        "--kind",
        "ended",
    ];
    let from_server = online(&server, &words);
    let from_log = offline(&copied(&place, "copy"), &words);
    let seen = kinds(&from_server);
    assert_eq!(
        (
            seen.first().map(String::as_str),
            from_server["entries"].clone()
        ),
        (Some("received"), from_log["entries"].clone())
    );
}

#[test]
fn why_is_answered_alike_by_the_server_and_from_a_copied_log() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = one_alert_from_beginning_to_end(&sink, &place);
    let at = jiff::Timestamp::now().to_string();
    let words = ["why", "alertname=DiskFull", "--receiver", "r", "--at", &at];
    let mut from_server = online(&server, &words);
    let mut from_log = offline(&copied(&place, "copy"), &words);
    // The configuration in force is known to the server alone.
    for answer in [&mut from_server, &mut from_log] {
        answer["evidence"].take();
    }
    assert_eq!(from_server, from_log);
}

#[test]
fn a_restart_keeps_history_that_the_log_has_no_more() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = one_alert_from_beginning_to_end(&sink, &place);
    let before = online(&server, &["notifications"]);
    server.stop();
    // Two more starts and stops: their checkpoints let the log forget.
    for _ in 0..2 {
        let server = place.start();
        complete(&server);
        server.stop();
    }
    let server = place.start();
    complete(&server);
    let after = online(&server, &["notifications"]);
    assert_eq!(
        (
            before["notifications"].clone(),
            before["historyFrom"].clone()
        ),
        (after["notifications"].clone(), after["historyFrom"].clone())
    );
}

#[test]
fn pages_go_on_where_the_one_before_ended_and_an_export_has_all_of_them() {
    let sink = Sink::start();
    sink.reply(Reply::Say(200));
    let place = Place::new(&one_webhook(&sink.url("/"), "1h", "1h"));
    let server = place.start();
    for number in 0..25 {
        server.fire(&[&format!("A{number}")]);
    }
    let words = ["history", "--kind", "received"];
    let all = until("an index that has all of them", || {
        let all = online(&server, &words);
        (all["entries"].as_array()?.len() == 25).then_some(all)
    });
    let mut paged = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut words = [&words[..], &["--limit", "7"]].concat();
        words.extend(
            cursor
                .as_deref()
                .map(|cursor| ["--cursor", cursor])
                .iter()
                .flatten(),
        );
        let page = online(&server, &words);
        // What comes meanwhile moves nothing.
        server.fire(&["Later"]);
        paged.extend(page["entries"].as_array().unwrap().clone());
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let url = format!("http://{}", server.address());
    let created = || {
        let (_, exported, _) = tocsin(&[
            "history", "--kind", "received", "--format", "jsonl", "--url", &url,
        ]);
        let events = exported
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        let named = events
            .filter(|event| event["data"]["alertCreated"]["alert"]["name"].is_string())
            .count();
        (named == 26).then_some(named)
    };
    let created = until(
        "an export of all of them and the one that came later",
        created,
    );
    assert_eq!(
        (paged.len(), &Value::from(paged.clone()), created),
        (25, &all["entries"], 26)
    );
}

#[test]
fn pages_of_a_rare_status_are_full_and_go_on_where_they_ended() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1h");
    let by_name = "  receiver: r\n  group_by: [alertname]\n";
    let place = Place::new(&config.replace("  receiver: r\n", by_name));
    let server = place.start();
    // Every tenth is refused for good.
    for number in 0..40 {
        let status = if number % 10 == 0 { 400 } else { 200 };
        sink.reply(Reply::Say(status));
        server.fire(&[&format!("A{number}")]);
        until("its result", || {
            let page = online(&server, &["notifications", "--limit", "1"]);
            let newest = page["notifications"].as_array()?.first()?.clone();
            let is_its = newest["groupKey"]
                .as_str()?
                .contains(&format!("\"A{number}\""));
            (is_its && newest["status"] != "under_way").then_some(())
        });
    }
    let page = |limit: &str, cursor: Option<&str>| {
        let words = ["notifications", "--status", "failed", "--limit", limit];
        let cursor = cursor.map(|it| vec!["--cursor", it]).unwrap_or_default();
        let page = online(&server, &[&words[..], &cursor].concat());
        let rows = page["notifications"].as_array().unwrap().clone();
        let keys = rows
            .iter()
            .map(|it| it["groupKey"].as_str().unwrap().to_owned());
        (keys.collect::<Vec<_>>(), page["nextCursor"].clone())
    };
    let (first, next) = page("3", None);
    let (_, first_cursor) = page("2", None);
    // What comes meanwhile moves nothing.
    server.fire(&["Later"]);
    let (second, end) = page("3", next.as_str());
    // The last page may be full, too.
    let (last, end_of_last) = page("2", first_cursor.as_str());
    let keys = [30, 20, 10, 0].map(|number| format!("{{}}:{{alertname=\"A{number}\"}}"));
    assert_eq!(
        ((first, second, end), (last, end_of_last)),
        (
            (keys[..3].to_vec(), keys[3..].to_vec(), Value::Null),
            (keys[2..].to_vec(), Value::Null)
        )
    );
}
