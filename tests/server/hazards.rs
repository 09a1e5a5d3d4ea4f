//! What Alertmanager loses or falsifies at a restart or a reload (`reference/hazards.md`), on the real
//! program.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Place, Reply, Request, Server, Sink, firing, one_webhook, told, until};

/// A configuration with a group for each name.
fn by_name(sink: &Sink, group_wait: &str, group_interval: &str) -> String {
    one_webhook(&sink.url("/"), group_wait, group_interval)
        .replace("receiver: r", "receiver: r\n  group_by: [alertname]")
}

/// Waits until so many notifications are recorded as told.
fn wait_for_results(place: &Place, count: usize) {
    until("results of notifications", || {
        (place.records("notify_result").len() >= count).then_some(())
    });
}

/// An alert that fires until then, unless something else is heard of it.
fn firing_for(name: &str, time: jiff::Span) -> Value {
    let ends_at = jiff::Timestamp::now() + time;
    json!({"labels": {"alertname": name}, "endsAt": ends_at.to_string()})
}

fn seconds(count: i64) -> jiff::Span {
    jiff::Span::new().seconds(count)
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

#[test]
fn h01_an_alert_that_nobody_sends_again_after_a_kill_ends_and_is_told_so() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1s");
    let place = Place::new(&format!("global: {{resolve_timeout: 2s}}\n{config}"));
    let server = place.start();
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    server.kill();
    let _server = place.start();
    let got = sink.wait_for(2);
    assert_eq!(told(&got), ["A firing", "A resolved"]);
}

#[test]
fn h02_the_end_of_one_of_two_alerts_during_the_downtime_is_told() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "2s");
    let place = Place::new(&format!("global: {{resolve_timeout: 1s}}\n{config}"));
    let server = place.start();
    let hour = jiff::Span::new().hours(1);
    let both = json!([firing_for("A", seconds(20)), firing_for("B", hour)]);
    server.post("/api/v2/alerts", &both);
    wait_for_results(&place, 1);
    server.kill();
    let server = place.start();
    server.post("/api/v2/alerts", &json!([firing_for("B", hour)]));
    let got = sink.wait_for(2);
    assert_eq!(told(&got), ["A firing, B firing", "A resolved, B firing"]);
}

#[test]
fn h03_an_end_that_comes_first_after_a_kill_is_no_all_clear() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "2s"));
    let server = place.start();
    server.fire(&["A", "B"]);
    wait_for_results(&place, 1);
    server.kill();
    let server = place.start();
    server.resolve(&["A"]);
    let got = sink.wait_for(2);
    assert_eq!(told(&got), ["A firing, B firing", "A resolved, B firing"]);
}

/// Whatever was told before is part of what is told next, and is not told by itself.
fn partial_flush(restart: impl FnOnce(&Place, Server) -> Server) -> Vec<String> {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "2s"));
    let server = place.start();
    server.fire(&["A", "B"]);
    wait_for_results(&place, 1);
    let server = restart(&place, server);
    server.fire(&["A"]);
    server.fire(&["C"]);
    told(&sink.wait_for(2))
}

#[test]
fn h04_after_a_kill_no_part_of_a_group_is_told_by_itself() {
    let seen = partial_flush(|place, server| {
        server.kill();
        place.start()
    });
    assert_eq!(seen, ["A firing, B firing", "A firing, B firing, C firing"]);
}

#[test]
fn h04_after_a_reload_no_part_of_a_group_is_told_by_itself() {
    let seen = partial_flush(|_, server| {
        server.ask(&Request::post("/-/reload", ""));
        server
    });
    assert_eq!(seen, ["A firing, B firing", "A firing, B firing, C firing"]);
}

#[test]
fn h05_an_inhibited_alert_stays_inhibited_over_a_kill() {
    let sink = Sink::start();
    let place = Place::new(&format!(
        "{}inhibit_rules:\n- source_matchers: [alertname=Source]\n  target_matchers: [alertname=Target]\n",
        by_name(&sink, "2s", "1s")
    ));
    let server = place.start();
    server.fire(&["Target"]);
    server.fire(&["Source"]);
    server.kill();
    let server = place.start();
    sink.wait_to_be_told("Source firing");
    // A group that is made now is told later than all that wait.
    server.fire(&["Later"]);
    sink.wait_to_be_told("Later firing");
    assert_eq!(told(&sink.got()), ["Source firing", "Later firing"]);
}

#[test]
fn h06_what_was_told_before_a_kill_is_not_told_again() {
    let sink = Sink::start();
    let place = Place::new(&by_name(&sink, "0s", "1s"));
    let server = place.start();
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    server.kill();
    for _ in 0..3 {
        restart_and_send_again(&place);
    }
    let server = place.start();
    server.fire(&["A", "B"]);
    sink.wait_to_be_told("B firing");
    assert_eq!(told(&sink.got()), ["A firing", "B firing"]);
}

fn restart_and_send_again(place: &Place) {
    let server = place.start();
    server.fire(&["A"]);
    server.kill();
}

#[test]
fn h07_a_silence_is_in_force_after_a_kill_and_one_that_was_ended_does_not_return() {
    let sink = Sink::start();
    let place = Place::new(&by_name(&sink, "0s", "1s"));
    let server = place.start();
    let id = server.silence("Silent");
    server.kill();
    let server = place.start();
    server.fire(&["Silent", "Loud"]);
    sink.wait_to_be_told("Loud firing");
    wait_for_results(&place, 1);
    let ended = server.ask(&Request::delete(&format!("/api/v2/silence/{id}")));
    server.kill();
    let server = place.start();
    sink.wait_to_be_told("Silent firing");
    let silence = server.get(&format!("/api/v2/silence/{id}")).json();
    assert_eq!(
        (
            ended.said(),
            told(&sink.got()),
            silence["status"]["state"].clone()
        ),
        (
            (200, ""),
            strings(&["Loud firing", "Silent firing"]),
            "expired".into()
        )
    );
}

#[test]
fn h08_a12_an_alert_over_the_limit_is_refused_and_not_in_the_log() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start_with(&["--alerts.per-alertname-limit=1"]);
    let alerts = json!([firing("A x=1"), firing("A x=2"), firing("B")]);
    let answer = server.post("/api/v2/alerts", &alerts);
    sink.wait_to_be_told("A firing, B firing");
    server.kill();
    let in_log: usize = place
        .records("alert_batch")
        .iter()
        .map(|it| it["alerts"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(
        (answer.status, answer.body.contains("1 of 3"), in_log),
        (429, true, 2),
        "{answer:?}"
    );
}

#[test]
fn h09_many_senders_of_the_same_new_groups_at_once_lose_none() {
    const GROUPS: usize = 50;
    const SENDERS: usize = 16;
    let sink = Sink::start();
    let config = by_name(&sink, "1h", "1h");
    let place = Place::new(&config);
    let server = place.start();
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let server = &server;
            scope.spawn(move || {
                for group in 0..GROUPS {
                    server.fire(&[&format!("G{group} sender={sender}")]);
                }
            });
        }
    });
    let groups = server.get("/api/v2/alerts/groups").json();
    let sizes: Vec<usize> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["alerts"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [SENDERS; GROUPS]);
}

#[test]
fn h10_a_receiver_that_is_down_for_many_ticks_is_told_the_end_too_once_it_is_up() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start();
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    sink.reply(Reply::Say(400));
    server.resolve(&["A"]);
    sink.wait_for(4);
    sink.reply(Reply::Say(200));
    let results = place.records("notify_result").len();
    wait_for_results(&place, results + 1);
    until("the group to be gone", || {
        let groups = place.records("alert_forgotten");
        (!groups.is_empty()).then_some(())
    });
    let got = sink.got();
    let ends = told(&got).split_off(1);
    let keys: std::collections::BTreeSet<String> = got[1..].iter().map(|it| it.marks().0).collect();
    assert_eq!(
        (ends.iter().all(|it| it == "A resolved"), keys.len()),
        (true, 1),
        "{ends:?}"
    );
}

#[test]
fn h11_a_receiver_slower_than_the_interval_of_its_group_is_told_once() {
    let sink = Sink::replying(Reply::Late(Duration::from_secs(4)));
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start();
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    let results = place.records("notify_result");
    let outcomes: Vec<Value> = results.iter().map(|it| it["outcome"].clone()).collect();
    assert_eq!(
        (outcomes, told(&sink.got())),
        (vec![Value::from("delivered")], strings(&["A firing"]))
    );
}

#[test]
fn h12_an_end_behind_a_silence_is_told_when_the_silence_ends_over_a_kill() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start();
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    let id = server.silence("A");
    server.resolve(&["A"]);
    // A tick passes with the silence in force.
    let before = place.records("group_timer").len();
    until("a tick", || {
        (place.records("group_timer").len() > before).then_some(())
    });
    server.kill();
    let server = place.start();
    let quiet = told(&sink.got());
    server.ask(&Request::delete(&format!("/api/v2/silence/{id}")));
    let got = sink.wait_for(2);
    assert_eq!(
        (quiet, told(&got)),
        (strings(&["A firing"]), strings(&["A firing", "A resolved"]))
    );
}

#[test]
fn h13_a_reload_keeps_an_end_that_a_receiver_was_not_told_and_the_store_has_dropped() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start_with(&["--alerts.gc-interval=100ms"]);
    server.fire(&["A"]);
    wait_for_results(&place, 1);
    sink.reply(Reply::Say(400));
    server.resolve(&["A"]);
    sink.wait_for(3);
    server.ask(&Request::post("/-/reload", ""));
    let before = sink.got().len();
    sink.wait_for(before + 1);
    sink.reply(Reply::Say(200));
    until("the end to be told", || {
        (!place.records("alert_forgotten").is_empty()).then_some(())
    });
    let last = sink.got().pop().unwrap();
    assert_eq!(last.told(), "A resolved");
}

#[test]
fn h14_updates_of_one_alert_take_effect_in_the_order_of_their_answers() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "1h", "1h"));
    let server = place.start();
    std::thread::scope(|scope| {
        for sender in 0..8 {
            let server = &server;
            scope.spawn(move || {
                for turn in 0..40 {
                    let name = format!("S{sender}T{turn}");
                    server.fire(&[&name]);
                    server.resolve(&[&name]);
                    if turn % 2 == 0 {
                        server.fire(&[&name]);
                    }
                }
            });
        }
    });
    let before = server.names();
    server.kill();
    let after = place.start().names();
    let mut expected: Vec<String> = (0..8)
        .flat_map(|sender| {
            (0..40)
                .step_by(2)
                .map(move |turn| format!("S{sender}T{turn}"))
        })
        .collect();
    expected.sort();
    assert_eq!((before, after), (expected.clone(), expected));
}

#[test]
fn h17_r03_r04_an_end_that_passed_during_the_downtime_is_no_end_and_comes_a_grace_later() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "1s", "1s");
    let place = Place::new(&format!("global: {{resolve_timeout: 2s}}\n{config}"));
    let server = place.start();
    let posted = std::time::Instant::now();
    server.fire(&["A"]);
    server.kill();
    until("the end to pass", || {
        (posted.elapsed() > Duration::from_secs(3)).then_some(())
    });
    let _server = place.start();
    let got = sink.wait_for(2);
    assert_eq!(told(&got), ["A firing", "A resolved"]);
}
