//! Killed between an alert and its notification: whoever sent the alert got a 200 and does not send it
//! again.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::support::{Place, Sink, one_webhook, told, until};

#[test]
fn r01_killed_within_group_wait_and_up_within_it_tells_at_the_original_time() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "6s", "1h"));
    let server = place.start();
    let posted = Instant::now();
    let status = server.fire(&["A"]);
    server.kill();
    until("half of group_wait", || {
        (posted.elapsed() >= Duration::from_secs(3)).then_some(())
    });
    let restart = Timestamp::now();
    let _server = place.start();
    let got = sink.wait_for(1);
    assert_eq!(
        (
            status,
            told(&got),
            place.phase(Duration::from_secs(6), restart)
        ),
        (200, vec!["A firing".to_owned()], (true, true))
    );
}

#[test]
fn r02_killed_within_group_wait_and_up_after_it_tells_at_once() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "4s", "1h"));
    let server = place.start();
    let posted = Instant::now();
    let status = server.fire(&["A"]);
    server.kill();
    until("the end of group_wait", || {
        (posted.elapsed() > Duration::from_secs(4)).then_some(())
    });
    let restart = Timestamp::now();
    let server = place.start();
    let got = sink.wait_for(1);
    assert_eq!(
        (
            status,
            told(&got),
            server.recovery()["overdueGroups"].as_u64(),
            place.phase(Duration::from_secs(4), restart)
        ),
        (200, vec!["A firing".to_owned()], Some(1), (true, true))
    );
}

#[test]
fn r13_told_firing_then_ended_and_killed_before_the_next_flush_tells_the_end() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "3s"));
    let server = place.start();
    let fired = server.fire(&["A"]);
    sink.wait_for(1);
    // The result is on disk.
    until("the result of the notification", || {
        (!place.records("notify_result").is_empty()).then_some(())
    });
    let resolved = server.resolve(&["A"]);
    server.kill();
    let _server = place.start();
    let got = sink.wait_to_be_told("A resolved");
    assert_eq!(
        (fired, resolved, told(&got)),
        (
            200,
            200,
            vec!["A firing".to_owned(), "A resolved".to_owned()]
        )
    );
}
