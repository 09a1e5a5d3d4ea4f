//! What happens around a restart where the process matters: sends in doubt, starts that are killed
//! themselves, configurations and clocks that are not what they were.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::support::{Place, Reply, Request, Sink, one_webhook, told, until};

/// The notification came, the answer did not, and the server is killed.
#[test]
fn r19_r29_killed_while_the_receiver_is_slow_tells_it_once_more_with_the_same_key() {
    let sink = Sink::replying(Reply::Nothing);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    server.kill();
    sink.reply(Reply::Say(200));
    let server = place.start();
    let got = sink.wait_for(2);
    until("the result", || {
        (place.records("notify_result").len() == 1).then_some(())
    });
    // Nothing more comes after another restart.
    server.kill();
    place.start().stop();
    let (first, second) = (got[0].marks(), got[1].marks());
    assert_eq!(
        (told(&sink.got()), (first.1, first.2), second),
        (
            vec!["A firing".to_owned(), "A firing".to_owned()],
            ("1".to_owned(), String::new()),
            (first.0, "2".to_owned(), "true".to_owned())
        )
    );
}

#[test]
fn r20_killed_right_after_the_result_is_durable_tells_nothing_twice() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1s");
    let place = Place::new(&config.replace("receiver: r", "receiver: r\n  group_by: [alertname]"));
    let server = place.start();
    server.fire(&["A"]);
    until("the result", || {
        (place.records("notify_result").len() == 1).then_some(())
    });
    server.kill();
    let server = place.start();
    server.fire(&["A", "B"]);
    sink.wait_to_be_told("B firing");
    // A's group has had its tick when this has been told at the second of its own.
    server.fire(&["B x=1"]);
    sink.wait_to_be_told("B firing, B firing");
    assert_eq!(
        told(&sink.got()),
        ["A firing", "B firing", "B firing, B firing"]
    );
}

#[test]
fn r24_a_receiver_that_resets_after_it_took_it_is_told_again_with_the_same_key() {
    let sink = Sink::replying(Reply::Reset);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    sink.reply(Reply::Say(200));
    let got = sink.wait_for(2);
    let (first, second) = (got[0].marks(), got[1].marks());
    assert_eq!(
        (told(&got), first.1, second),
        (
            vec!["A firing".to_owned(), "A firing".to_owned()],
            "1".to_owned(),
            (first.0, "2".to_owned(), String::new())
        )
    );
}

#[test]
fn r34_an_invalid_configuration_at_a_restart_is_refused_and_the_log_is_left_alone() {
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "0s", "1h");
    let place = Place::new(&config);
    sink.reply(Reply::Nothing);
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    server.kill();
    let before = place.wal(&["dump"]);
    place.configure("route: {receiver: nobody}\nreceivers: []\n");
    let refused = place.spawn(&[]).wait();
    let after = place.wal(&["dump"]);
    place.configure(&config);
    sink.reply(Reply::Say(200));
    let _server = place.start();
    let got = sink.wait_for(2);
    let reason = "undefined receiver \\\"nobody\\\" used in route";
    assert_eq!(
        (
            refused.code,
            refused.log.contains(reason),
            before == after,
            told(&got)
        ),
        (
            Some(1),
            true,
            true,
            vec!["A firing".to_owned(), "A firing".to_owned()]
        ),
        "{}",
        refused.log
    );
}

/// Starts that are killed at any time, without an end, and one that is not.
#[test]
fn c10_starts_that_are_killed_themselves_lose_nothing_and_tell_nothing_twice() {
    const ALERTS: usize = 3_000;
    let sink = Sink::start();
    let config = one_webhook(&sink.url("/"), "2s", "1h");
    let place = Place::new(&config);
    let server = place.start();
    let names: Vec<String> = (0..ALERTS).map(|it| format!("A{it:04}")).collect();
    for names in names.chunks(100) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        server.fire(&names);
    }
    server.kill();
    for after_ms in (0..12).map(|it| it * 7) {
        let begun = std::time::Instant::now();
        let server = place.spawn(&[]);
        until("the time of the kill", || {
            (begun.elapsed() >= Duration::from_millis(after_ms)).then_some(())
        });
        server.kill();
    }
    let server = place.start();
    let got = sink.wait_for(1);
    let listed = server.names();
    server.stop();
    let alerts = |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["alerts"].as_array().unwrap().len()
    };
    // A kill may fall between a notification and its result; each is told once more with its key then.
    let keys: BTreeSet<String> = got.iter().map(|it| it.marks().0).collect();
    assert_eq!(
        (listed, alerts(&got[0].body), keys.len()),
        (names, ALERTS, 1)
    );
}

/// That the process was killed again and again while a receiver was slow does not make the notification
/// one that kills.
#[test]
fn n07_r41_however_often_it_was_killed_while_the_receiver_hung_it_is_told_once_that_is_well() {
    let sink = Sink::replying(Reply::Nothing);
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "2s"));
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(1);
    server.kill();
    for kills in 1..6 {
        let server = place.start();
        until("another attempt, or that it is put off", || {
            let is_put_off = server.log().contains("it is left out until the next flush");
            (sink.got().len() > kills || is_put_off).then_some(())
        });
        server.kill();
    }
    sink.reply(Reply::Say(200));
    let before = sink.got().len();
    let _server = place.start();
    let got = sink.wait_for(before + 1);
    let keys: BTreeSet<String> = got.iter().map(|it| it.marks().0).collect();
    let last = got.last().unwrap();
    assert_eq!(
        (last.told(), last.marks().2, keys.len()),
        ("A firing".to_owned(), "true".to_owned(), 1)
    );
}

/// Failures are no crashes: a notification that failed at many ticks and is in doubt after one kill is
/// sent at once.
#[test]
fn r41_a_notification_that_failed_often_and_was_killed_once_is_sent_at_the_start() {
    let sink = Sink::replying(Reply::Say(400));
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1s"));
    let server = place.start();
    server.fire(&["A"]);
    // One for each tick: a 400 is final for a flush.
    sink.wait_for(4);
    sink.reply(Reply::Nothing);
    let before = sink.got().len();
    sink.wait_for(before + 1);
    server.kill();
    // So that only the first flush after the start can be what comes.
    place.configure(&one_webhook(&sink.url("/"), "0s", "1h"));
    sink.reply(Reply::Say(200));
    let before = sink.got().len();
    let _server = place.start();
    let got = sink.wait_for(before + 1);
    let last = got.last().unwrap();
    assert_eq!(
        (last.told(), last.marks().2),
        ("A firing".to_owned(), "true".to_owned())
    );
}

#[test]
fn r10_of_three_integrations_the_one_that_answered_before_the_kill_is_not_told_again() {
    let sink = Sink::replying(Reply::Nothing);
    sink.reply_at("/a", Reply::Say(200));
    let config = one_webhook(&sink.url("/a"), "0s", "1h");
    let config = format!(
        "{config}  - url: {}\n  - url: {}\n",
        sink.url("/b"),
        sink.url("/c")
    );
    let place = Place::new(&config);
    let server = place.start();
    server.fire(&["A"]);
    sink.wait_for(3);
    until("the result of the first", || {
        (place.records("notify_result").len() == 1).then_some(())
    });
    server.kill();
    sink.reply(Reply::Say(200));
    let server = place.start();
    until("the results of the others", || {
        (place.records("notify_result").len() == 3).then_some(())
    });
    server.stop();
    let mut paths: Vec<String> = sink.got().into_iter().map(|it| it.path).collect();
    paths.sort();
    assert_eq!(paths, ["/a", "/b", "/b", "/c", "/c"]);
}

#[test]
fn r12_five_kills_within_group_wait_make_one_notification() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "6s", "1h"));
    let server = place.start();
    server.fire(&["A"]);
    server.kill();
    for _ in 0..4 {
        place.start().kill();
    }
    let server = place.start();
    until("the result", || {
        (place.records("notify_result").len() == 1).then_some(())
    });
    server.stop();
    assert_eq!(told(&sink.got()), ["A firing"]);
}

#[test]
fn r35_reloads_without_a_pause_neither_lose_nor_double_what_is_being_told() {
    const GROUPS: usize = 30;
    let sink = Sink::replying(Reply::Late(Duration::from_millis(100)));
    let config = one_webhook(&sink.url("/"), "300ms", "1h");
    let place = Place::new(&config.replace("receiver: r", "receiver: r\n  group_by: [alertname]"));
    let server = place.start();
    let names: Vec<String> = (0..GROUPS).map(|it| format!("A{it:02}")).collect();
    let mut reloads = 0;
    for name in &names {
        server.fire(&[name]);
        let answer = server.ask(&Request::post("/-/reload", ""));
        reloads += usize::from(answer.status == 200);
    }
    until("all results, reloading meanwhile", || {
        server.ask(&Request::post("/-/reload", ""));
        (place.records("notify_result").len() >= GROUPS).then_some(())
    });
    server.stop();
    let mut seen = told(&sink.got());
    seen.sort();
    let expected: Vec<String> = names.iter().map(|it| format!("{it} firing")).collect();
    assert_eq!((reloads, seen), (GROUPS, expected));
}

/// A reload and a stop take a checkpoint each.
#[test]
fn c01_kills_while_a_checkpoint_is_taken_lose_nothing() {
    const KILLS: usize = 24;
    let place = Place::new(&one_webhook("http://127.0.0.1:9/", "1h", "1h"));
    let mut names = Vec::new();
    for kill in 0..KILLS {
        let server = place.start();
        let name = format!("A{kill:02}");
        server.fire(&[&name]);
        names.push(name);
        let by_signal = if kill % 2 == 0 { "HUP" } else { "TERM" };
        server.signal(by_signal);
        let begun = std::time::Instant::now();
        let wait = Duration::from_millis(kill as u64 * 2);
        until("the time of the kill", || {
            (begun.elapsed() >= wait).then_some(())
        });
        server.kill();
    }
    assert_eq!(place.start().names(), names);
}
