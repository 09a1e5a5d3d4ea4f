//! What an answer is easily wrong about: what of an alert and what of its neighbours, which of several
//! groups, integrations, silences and stays, then or now, and what is far back.

use tocsin::core::{Integration, Notification, OnInDoubt, Policy, SilenceDraft};
use tocsin::model::NameRule;
use tocsin::model::route::RouteSpec;
use tocsin::record::{Lsn, Record};

use crate::support::{
    Health, World, alert, at, explaining, integration, matchers, policy, route, seconds, simple,
};
use crate::{ask, evidence, lines, sentence, try_ask};

/// One group, told by these integrations.
fn told_by(integrations: &[&str]) -> Policy {
    let mut policy = policy(route("x", &[]), &["x"]);
    let integrations = integrations.iter().map(|name| integration(name, 0));
    policy.receivers.insert("x".into(), integrations.collect());
    policy
}

/// The receivers `one` and `two` get everything, by routes of the same key.
fn both() -> Policy {
    let mut root = route("everyone", &[]);
    root.routes = vec![
        RouteSpec {
            continues: true,
            ..route("one", &[])
        },
        route("two", &[]),
    ];
    policy(root, &["everyone", "one", "two"])
}

/// The sentence of the answer about a receiver.
fn about(world: &World, text: &str, receiver: &str, when: i64) -> String {
    let answer = try_ask(world, text, Some(receiver), when).unwrap();
    format!("{:?}: {}", answer.because, answer.sentence)
}

#[test]
fn silences_of_ones_own_are_told_all_and_those_of_others_not() {
    let mut world = explaining(simple());
    world.silence("s1", "alertname=A", 5_000);
    world.silence("s2", "alertname=~\"A|B\"", 6_000);
    world.post(&["A", "C"]);
    world.run(100);
    assert_eq!(
        ["A", "C"].map(|name| sentence(&world, &format!("alertname={name}"), 100)),
        [
            "Silenced: Not sent to r at 03:00:30: silenced by s1 (, '', until 04:23:20) and s2 (, '', until 04:40).",
            "Delivered: Delivered to r/webhook[0] at 03:00:30 (first notification)."
        ]
    );
}

#[test]
fn a_silence_is_told_as_it_was_then() {
    let mut world = explaining(simple());
    let set = |world: &mut World, id: Option<&str>, comment: &str| {
        let draft = SilenceDraft {
            id: id.map(str::to_owned).unwrap_or_default(),
            matcher_sets: vec![vec![(
                "alertname".to_owned(),
                tocsin::model::Operator::Equal,
                "A".to_owned(),
            )]],
            ends_at: Some(at(9_000)),
            created_by: "ana".to_owned(),
            comment: comment.to_owned(),
            ..SilenceDraft::default()
        };
        let now = at(world.now);
        let set = world.core.set_silence("", &draft, NameRule::Utf8, "s", now);
        for record in set.unwrap().records {
            world.append(record);
        }
    };
    set(&mut world, None, "first");
    world.post(&["A"]);
    world.run(500);
    set(&mut world, Some("s"), "second");
    world.run(1_000);
    assert_eq!(
        [400, 1_000].map(|when| sentence(&world, "alertname=A", when)),
        [
            "Silenced: Not sent to r at 03:06:40: silenced by s (ana, 'first', until 05:30).",
            "Silenced: Not sent to r at 03:15:30: silenced by s (ana, 'second', until 05:30)."
        ]
    );
}

#[test]
fn a_flush_that_is_told_in_several_records_is_one() {
    let mut world = explaining(simple());
    world.silence("s", "n!=last", 5_000);
    let mut many: Vec<String> = (0..7_000).map(|n| format!("A n={n}")).collect();
    world.post(&many.iter().map(String::as_str).collect::<Vec<_>>());
    world.run(100);
    many = vec!["B n=last".to_owned()];
    world.post(&many.iter().map(String::as_str).collect::<Vec<_>>());
    world.run(400);
    let asked = [
        ("0", 100),
        ("6999", 100),
        ("0", 400),
        ("6999", 400),
        ("last", 400),
    ];
    assert_eq!(
        asked.map(|(n, when)| sentence(&world, &format!("n={n}"), when)),
        [
            "Silenced: Not sent to r at 03:00:30: silenced by s (, '', until 04:23:20).",
            "Silenced: Not sent to r at 03:00:30: silenced by s (, '', until 04:23:20).",
            "Silenced: Not sent to r at 03:05:30: silenced by s (, '', until 04:23:20).",
            "Silenced: Not sent to r at 03:05:30: silenced by s (, '', until 04:23:20).",
            "Delivered: Delivered to r/webhook[0] at 03:05:30 (first notification)."
        ]
    );
}

#[test]
fn each_integration_has_its_own_story() {
    let mut world = explaining(told_by(&["email", "webhook"]));
    world.health.insert("x".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(100);
    let both_down = sentence(&world, "alertname=A", 100);
    world.health.clear();
    world.health.insert("x/webhook".to_owned(), Health::Down);
    world.run(400);
    let one_down = sentence(&world, "alertname=A", 400);
    world.health.clear();
    world.run(1_000);
    assert_eq!(
        [both_down, one_down, sentence(&world, "alertname=A", 1_000)],
        [
            "Failed: Not delivered to x/email[0]: the send failed 7 times (503), the last time at 03:00:30; the next flush tries again.",
            "Failed: Not delivered to x/webhook[0]: the send failed 7 times (503), the last time at 03:05:30; the next flush tries again.",
            "NothingChanged: Not sent to x/email[0] again at 03:15:30: nothing had changed since it was told at 03:05:30 (first notification)."
        ]
    );
}

#[test]
fn a_notification_that_failed_and_is_under_way_again() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(100);
    world.health.insert("r".to_owned(), Health::Silent);
    world.run(400);
    let answer = ask(&world, "alertname=A", 100);
    assert_eq!(
        [vec![answer.sentence.clone()], lines(&answer)].concat(),
        [
            "Under way or in doubt: being sent to r/webhook[0] since 03:05:30 (first notification), and there is no result yet; before, the send failed 7 times (503).",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{} came into being, due at 03:00:30",
            "0 came to group {}:{}",
            "30 r/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: r/webhook[0] is told",
            "30 r/webhook[0]: tried 7 times, the last failed after 120 ms (serverError): unexpected status code 503",
            "30 r/webhook[0]: failed: down",
            "330 r/webhook[0]: to be sent (first notification, attempt 2): 1 firing, 0 resolved"
        ]
    );
}

#[test]
fn the_key_is_that_of_the_notification_that_came_through() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(100);
    world.post(&["B"]);
    world.health.clear();
    world.run(400);
    let key = world.got[0]
        .idempotency_key
        .map(|byte| format!("{byte:02x}"));
    let answer = ask(&world, "alertname=A", 100);
    assert_eq!(evidence(&answer, "idempotency key"), [key.concat()]);
}

/// A notification that is stuck.
fn stuck() -> (World, Notification) {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Stuck);
    world.post(&["A"]);
    world.run(40);
    let notification = world.open.pop().unwrap();
    (world, notification)
}

#[test]
fn a_failure_of_which_no_attempt_is_known_is_one() {
    let (mut world, notification) = stuck();
    world.append(notification.failed(at(40), "it broke".to_owned()));
    assert_eq!(
        sentence(&world, "alertname=A", 40),
        "Failed: Not delivered to r/webhook[0]: the send failed once, the last time at 03:00:40; the next flush tries again."
    );
}

#[test]
fn a_failure_without_a_status_is_told_by_its_class_and_the_last_attempt_by_its_time() {
    let (mut world, notification) = stuck();
    let mut attempts = world.attempts(&notification, 2, 503);
    for (attempt, duration_us) in attempts.attempts.iter_mut().zip([700, 2_500_000]) {
        (attempt.status, attempt.error) = (0, "contextDeadlineExceeded".to_owned());
        attempt.duration_us = duration_us;
    }
    world.append(Record::Attempts(attempts));
    world.append(notification.failed(at(40), "late".to_owned()));
    let answer = ask(&world, "alertname=A", 40);
    let took = evidence(&answer, "last attempt took");
    assert_eq!(
        [vec![answer.sentence], took].concat(),
        [
            "Not delivered to r/webhook[0]: the send failed 2 times (contextDeadlineExceeded), the last time at 03:00:40; the next flush tries again.",
            "2.500 s"
        ]
    );
}

#[test]
fn results_that_leave_in_doubt_or_end_without_sending() {
    let of = |outcome: &str| {
        let (mut world, notification) = stuck();
        let Record::NotifyResult(mut result) = notification.failed(at(41), String::new()) else {
            panic!("it is a result");
        };
        result.outcome = outcome.to_owned();
        // Of a later version, or of a start after a crash: the core of this one need not know it.
        let lsn = Lsn(world.log.len() as u64 + 1);
        world.log.push((lsn, Record::NotifyResult(result)));
        world.now = 45;
        sentence(&world, "alertname=A", 45)
    };
    let outcomes = [
        "superseded",
        "assumed_delivered",
        "nothing_to_send",
        "a later one",
    ];
    assert_eq!(
        outcomes.map(of),
        [
            "Superseded: In doubt: whether r/webhook[0] has the notification of 03:00:30 is not known, a crash came in between; at 03:00:41 it was superseded by another one, or by none.",
            "AssumedDelivered: Assumed delivered to r/webhook[0]: a crash left unknown whether it has the notification of 03:00:30; it was taken as sent at 03:00:41.",
            "NothingToSend: Not sent to r/webhook[0] at 03:00:41: there was nothing to send.",
            "Failed: Not delivered to r/webhook[0]: the send failed once, the last time at 03:00:41; the next flush tries again."
        ]
    );
}

#[test]
fn an_end_that_a_silence_kept_back_is_not_taken_for_one_within_group_wait() {
    let mut world = explaining(simple());
    world.silence("s", "alertname=A", 2_000);
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(3_000);
    assert_eq!(
        sentence(&world, "alertname=A", 3_000),
        "Silenced: Not sent to r at 03:05:30: silenced by s (, '', until 03:33:20)."
    );
}

#[test]
fn an_alert_that_came_back_is_told_of_by_its_last_stay() {
    let mut world = explaining(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(2_900);
    world.post_alerts(vec![alert("A", 2_900, 1_000_000)]);
    world.run(2_905);
    let waits = sentence(&world, "alertname=A", 2_905);
    world.run(3_100);
    assert_eq!(
        [waits, sentence(&world, "alertname=A", 3_100)],
        [
            "NotDue: Not sent to r at 03:48:25: not due yet, it came at 03:48:20, and its group is flushed next at 03:50:30.",
            "Delivered: Delivered to r/webhook[0] at 03:50:30 (new alerts added)."
        ]
    );
}

#[test]
fn an_end_said_again_after_it_was_told_is_not_owed() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(400);
    world.post_alerts(vec![alert("A", 0, 390)]);
    assert_eq!(
        sentence(&world, "alertname=A", 400),
        "Delivered: Delivered to r/webhook[0] at 03:05:30 (all alerts resolved); it left its group at 03:05:30, and was not received again since."
    );
}

#[test]
fn of_two_groups_the_one_that_still_has_it_and_was_flushed_last_is_told() {
    let mut world = explaining(both());
    world.post(&["A"]);
    world.run(100);
    world.health.insert("one".to_owned(), Health::Down);
    world.post(&["-A"]);
    world.run(400);
    let failing = sentence(&world, "alertname=A", 400);
    let mut policy = both();
    let mut root = route("everyone", &[]);
    root.routes = vec![
        RouteSpec {
            continues: true,
            ..route("one", &[])
        },
        RouteSpec {
            group_interval: seconds(3_600),
            ..route("two", &[])
        },
    ];
    policy.routes = tocsin::model::RouteTree::new(root);
    let mut world = explaining(policy);
    world.post(&["A"]);
    world.run(700);
    let flushed_last = sentence(&world, "alertname=A", 700);
    assert_eq!(
        [
            failing,
            flushed_last,
            about(&world, "alertname=A", "two", 700)
        ],
        [
            "Failed: Not delivered to one/webhook[0]: the send failed 7 times (503), the last time at 03:05:30; the next flush tries again.",
            "NothingChanged: Not sent to one/webhook[0] again at 03:10:30: nothing had changed since it was told at 03:00:30 (first notification).",
            "Delivered: Delivered to two/webhook[0] at 03:00:30 (first notification)."
        ]
    );
}

#[test]
fn an_alert_that_ended_before_a_receiver_that_was_down_could_be_told() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Down);
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(1_000);
    assert_eq!(
        [400, 1_000].map(|when| sentence(&world, "alertname=A", when)),
        [
            "Failed: Not delivered to r/webhook[0]: the send failed 21 times (503), the last time at 03:15:30; the next flush tries again.",
            "Failed: Not delivered to r/webhook[0]: the send failed 7 times (503), the last time at 03:15:30; the next flush tries again."
        ]
    );
}

#[test]
fn receivers_before_and_after_another_configuration() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    let mut root = route("z", &[]);
    root.routes = vec![RouteSpec {
        matchers: matchers("alertname=A"),
        ..route("s", &[])
    }];
    world.reload(policy(root, &["z", "s"]));
    world.run(1_000);
    let receivers = ["r", "s", "z"];
    let told = receivers.map(|receiver| about(&world, "alertname=A", receiver, 1_000));
    assert_eq!(
        [&told[..], &[sentence(&world, "alertname=A", 1_000)]].concat(),
        [
            "Delivered: Delivered to r/webhook[0] at 03:00:30 (first notification).",
            "NothingChanged: Not sent to s/webhook[0] again at 03:16:40: nothing had changed since it was told at 03:01:40 (first notification).",
            "RoutedElsewhere: Not sent to z at 03:16:40: the alert was received, and its routes go to r, s.",
            "NothingChanged: Not sent to s/webhook[0] again at 03:16:40: nothing had changed since it was told at 03:01:40 (first notification)."
        ]
    );
}

#[test]
fn a_group_that_is_overdue_and_was_not_flushed() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.step();
    world.now = 60;
    assert_eq!(
        sentence(&world, "alertname=A", 60),
        "NotDue: Not sent to r at 03:01:00: its group was due at 03:00:30, and no flush since then is recorded."
    );
}

#[test]
fn times_of_another_day_have_their_date() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100_000);
    assert_eq!(
        sentence(&world, "alertname=A", 100),
        "Delivered: Delivered to r/webhook[0] at 2026-11-22 03:00:30 (first notification)."
    );
}

#[test]
fn the_alert_that_was_sent_last_is_meant_though_it_came_first() {
    let mut world = explaining(simple());
    world.post_alerts(vec![alert("A job=1", 0, 1_000_000)]);
    world.run(100);
    world.post(&["A job=2"]);
    world.run(200);
    world.post_alerts(vec![alert("A job=1", 0, 1_000_000)]);
    world.run(250);
    let answer = ask(&world, "alertname=A", 250);
    assert_eq!(answer.alert.unwrap().labels.value("job"), "1");
}

#[test]
fn of_many_lines_the_last_are_shown_and_what_they_leave_out_is_still_known() {
    let mut world = explaining(simple());
    let touch = |world: &mut World, number: i64| {
        let mut again = alert("A", 0, 1_000_000);
        again.is_timeout = number % 2 == 1;
        world.post_alerts(vec![again]);
    };
    for number in 0..120 {
        world.run(10 * number);
        touch(&mut world, number);
    }
    world.run(1_200);
    let answer = ask(&world, "alertname=A", 1_200);
    let shown = lines(&answer);
    assert_eq!(
        [&shown[..2], &shown[48..], &evidence(&answer, "received")].concat(),
        [
            "700 received again, unchanged: fires until 2026-12-03 16:46:40",
            "710 received again, unchanged: fires until 2026-12-03 16:46:40",
            "1180 received again, unchanged: fires until 2026-12-03 16:46:40",
            "1190 received again, unchanged: fires until 2026-12-03 16:46:40",
            "2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn a_notification_is_found_however_many_flushes_ago_it_was() {
    let mut root = route("r", &[]);
    root.repeat_interval = seconds(1_000_000);
    let mut world = explaining(policy(root, &["r"]));
    world.post(&["A", "C"]);
    // Each flush finds C silenced by another silence, so that none of them is the one before again.
    for number in 0..70 {
        world.silence(&format!("s{number}"), "alertname=C", 300 * (number + 1));
        world.run(300 * (number + 1));
    }
    assert_eq!(
        sentence(&world, "alertname=A", 20_990),
        "NothingChanged: Not sent to r/webhook[0] again at 08:45:30: nothing had changed since it was told at 03:00:30 (first notification)."
    );
}

#[test]
fn an_end_that_downtime_moved_is_not_owed() {
    let mut world = explaining(simple());
    world.post_alerts(vec![alert("A", 0, 240)]);
    world.run(200);
    world.crash(235);
    world.run(300);
    let answer = ask(&world, "alertname=A", 300);
    let shown = lines(&answer);
    assert_eq!(
        (answer.sentence.as_str(), shown.last().map(String::as_str)),
        (
            "Delivered to r/webhook[0] at 03:00:30 (first notification).",
            Some("235 downtime moved its end: fires until 03:07:25")
        )
    );
}

#[test]
fn a_flush_that_a_downtime_delayed_is_told_as_late() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    world.crash(1_000);
    world.run(1_010);
    let shown = lines(&ask(&world, "alertname=A", 1_010));
    assert_eq!(
        shown.last().map(String::as_str),
        Some("1000 flushed late, after a downtime: nothing changed for r/webhook[0]")
    );
}

#[test]
fn the_end_that_counts_is_the_one_that_was_said_last_up_to_the_moment_asked() {
    let mut world = explaining(simple());
    world.post_alerts(vec![alert("A", 0, 1_000_000)]);
    world.run(100);
    world.post_alerts(vec![alert("A", 0, 100)]);
    world.run(110);
    world.post_alerts(vec![alert("A", 0, 1_000_000)]);
    world.run(120);
    assert_eq!(
        [100, 120].map(|when| sentence(&world, "alertname=A", when)),
        [
            "NotDue: Its end at 03:01:40 is not sent to r yet: not due, its group is flushed next at 03:05:30. That it fires was delivered at 03:00:30.",
            "Delivered: Delivered to r/webhook[0] at 03:00:30 (first notification)."
        ]
    );
}

#[test]
fn an_alert_that_ended_and_fires_anew_before_its_flush_is_another_line() {
    let mut world = explaining(simple());
    let mut guess = alert("A", 0, 240);
    guess.is_timeout = true;
    world.post_alerts(vec![guess]);
    world.run(20);
    world.post_alerts(vec![alert("A", 15, 240)]);
    assert_eq!(
        lines(&ask(&world, "alertname=A", 25)),
        [
            "0 received: fires until 03:04:00 if it is not sent again",
            "0 group {}:{} came into being, due at 03:00:30",
            "0 came to group {}:{}",
            "20 received: fires until 03:04:00"
        ]
    );
}

#[test]
fn what_came_back_in_doubt_after_a_crash() {
    let once = |on_in_doubt: OnInDoubt, send_resolved: bool| Integration {
        on_in_doubt,
        send_resolved,
        ..integration("webhook", 0)
    };
    let after = |integration: Integration, ends: bool| {
        let mut policy = told_by(&[]);
        policy.receivers.insert("x".into(), vec![integration]);
        let mut world = explaining(policy);
        world.health.insert("x".to_owned(), Health::Silent);
        world.post(&["A"]);
        world.run(40);
        if ends {
            world.post(&["-A"]);
        }
        world.crash(60);
        world.health.clear();
        world.run(400);
        let answer = ask(&world, "alertname=A", 400);
        let flushes = lines(&answer).into_iter();
        let flushes = flushes.filter(|it| it.contains("flushed") || it.contains("looked"));
        let then = sentence(&world, "alertname=A", 50);
        std::iter::once(then).chain(flushes).collect::<Vec<_>>()
    };
    assert_eq!(
        [
            after(once(OnInDoubt::Resend, true), false),
            after(once(OnInDoubt::Skip, true), false),
            after(once(OnInDoubt::Resend, false), true)
        ]
        .concat(),
        [
            "Delivered: Delivered to x/webhook[0] at 03:01:00 (first notification).",
            "30 flushed: x/webhook[0] is told",
            "60 looked at again, a notification is in doubt: x/webhook[0] is told",
            "330 flushed: nothing changed for x/webhook[0]",
            "AssumedDelivered: Assumed delivered to x/webhook[0]: a crash left unknown whether it has the notification of 03:00:30; it was taken as sent at 03:01:00.",
            "30 flushed: x/webhook[0] is told",
            "60 looked at again, a notification is in doubt: what was in doubt counts as sent to x/webhook[0]",
            "330 flushed: nothing changed for x/webhook[0]",
            "NotDue: Its end at 03:00:40 is not sent to x yet: not due, its group is flushed next at 03:05:30.",
            "30 flushed: x/webhook[0] is told",
            "60 looked at again, a notification is in doubt: what was in doubt is not sent to x/webhook[0] again; nothing changed for x/webhook[0]",
            "330 flushed: nothing changed for x/webhook[0]"
        ]
    );
}

#[test]
fn what_was_before_a_reload_is_told_with_the_receiver_of_then() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(10);
    world.reload(policy(route("z", &[]), &["z"]));
    world.run(100);
    assert_eq!(
        [10, 100].map(|when| sentence(&world, "alertname=A", when)),
        [
            "NotDue: Not sent to r at 03:00:10: not due yet, it came at 03:00:00, and its group is flushed next at 03:00:30.",
            "Delivered: Delivered to z/webhook[0] at 03:00:30 (first notification).",
        ]
    );
}
