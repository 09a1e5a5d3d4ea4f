//! One scenario for each answer that tells of something that did not happen.

use tocsin::history::What;
use tocsin::history::why::{Asked, Context, Question, WhyError, why};
use tocsin::model::Fingerprint;
use tocsin::model::route::RouteSpec;

use crate::memory::Memory;
use crate::support::{Health, World, at, explaining, labels, matchers, policy, route, simple};
use crate::{ask, said, try_ask};

#[test]
fn no_such_alert_was_received() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    assert_eq!(
        said(&ask(&world, "alertname=B", 100)),
        ["NotReceived: No such alert was received between 2026-11-22 03:00:00 and 03:01:40."]
    );
}

#[test]
fn the_alert_came_later_than_the_time_asked() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["B"]);
    world.run(200);
    assert_eq!(
        said(&ask(&world, "alertname=B", 50)),
        [
            "NotReceived: No such alert was received between 2026-11-22 03:00:00 and 03:00:50; it came first at 03:01:40."
        ]
    );
}

#[test]
fn history_begins_later_than_the_time_asked() {
    let mut world = explaining(simple());
    world.run(100);
    world.post(&["A"]);
    world.run(200);
    assert_eq!(
        said(&ask(&world, "alertname=A", 50)),
        [
            "BeforeHistory: Not known: history begins at 2026-11-22 03:01:40, later than the time asked, 03:00:50."
        ]
    );
}

/// Pages go to `team-x`, all others to `everyone`.
fn two_receivers() -> World {
    let mut root = route("everyone", &[]);
    root.routes = vec![RouteSpec {
        matchers: matchers("severity=page"),
        ..route("team-x", &[])
    }];
    explaining(policy(root, &["everyone", "team-x"]))
}

#[test]
fn no_route_other_than_the_default_matched() {
    let mut world = two_receivers();
    world.post(&["A severity=ticket"]);
    world.run(100);
    let answer = try_ask(&world, "alertname=A", Some("team-x"), 100).unwrap();
    assert_eq!(
        said(&answer),
        [
            "OnlyDefaultRoute: Not sent to team-x at 03:01:40: the alert was received, but no route other than the default matched, which goes to everyone.",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn its_routes_go_to_another_receiver() {
    let mut world = two_receivers();
    world.post(&["A severity=page"]);
    world.run(100);
    let answer = try_ask(&world, "alertname=A", Some("everyone"), 100).unwrap();
    assert_eq!(
        said(&answer),
        [
            "RoutedElsewhere: Not sent to everyone at 03:01:40: the alert was received, and its routes go to team-x.",
            r#"group: {}/{severity="page"}:{}"#,
            r#"route: {}/{severity="page"}/0"#,
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn it_fired_and_resolved_within_group_wait() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(10);
    world.post(&["-A"]);
    world.run(100);
    assert_eq!(
        said(&ask(&world, "alertname=A", 100)),
        [
            "ResolvedBeforeFlush: Not sent to r/webhook[0]: it fired at 03:00:00 and resolved at 03:00:10, before its group was due at 03:00:30.",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn the_send_failed_and_was_delivered_later() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(100);
    let failing = ask(&world, "alertname=A", 100);
    world.health.clear();
    world.run(400);
    let delivered = ask(&world, "alertname=A", 100);
    assert_eq!(
        [said(&failing), said(&delivered)].concat(),
        [
            "Failed: Not delivered to r/webhook[0]: the send failed 7 times (503), the last time at 03:00:30; the next flush tries again.",
            "decided: 2026-11-22 03:00:30",
            "failed: 7 times (503)",
            "last error: down",
            "last attempt took: 120 ms",
            "idempotency key: 791090e23b36aa8c9c7df0becc3d78c00d14484ee228b9eb60d7bc36316ad988",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "Delivered: Delivered to r/webhook[0] at 03:05:30 (first notification), after the send had failed 7 times (503) since 03:00:30.",
            "decided: 2026-11-22 03:00:30",
            "failed: 7 times (503)",
            "last error: down",
            "last attempt took: 120 ms",
            "idempotency key: 791090e23b36aa8c9c7df0becc3d78c00d14484ee228b9eb60d7bc36316ad988",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn the_group_is_not_due_yet() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(10);
    assert_eq!(
        said(&ask(&world, "alertname=A", 10)),
        [
            "NotDue: Not sent to r at 03:00:10: not due yet, it came at 03:00:00, and its group is flushed next at 03:00:30.",
            "next flush: 2026-11-22 03:00:30",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn the_notification_is_under_way() {
    let mut world = explaining(simple());
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(40);
    assert_eq!(
        said(&ask(&world, "alertname=A", 40)),
        [
            "UnderWay: Under way or in doubt: being sent to r/webhook[0] since 03:00:30 (first notification), and there is no result yet.",
            "decided: 2026-11-22 03:00:30",
            "idempotency key: 791090e23b36aa8c9c7df0becc3d78c00d14484ee228b9eb60d7bc36316ad988",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn it_was_told_that_it_ended_and_forgotten() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(5_000);
    assert_eq!(
        said(&ask(&world, "alertname=A", 5_000)),
        [
            "Delivered: Delivered to r/webhook[0] at 03:05:30 (all alerts resolved); it left its group at 03:05:30, and was not received again since.",
            "decided: 2026-11-22 03:05:30",
            "last attempt took: 120 ms",
            "idempotency key: 3ccac31a381d96f3ed7d3451a823a03036ea8e8adf781d0b9950939a4eba4006",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "reason: all_resolved",
            "no longer firing: 1",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn it_was_told_that_it_ended_and_others_of_its_group_still_fire() {
    let mut world = explaining(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(5_000);
    assert_eq!(
        said(&ask(&world, "alertname=A", 5_000)),
        [
            "ToldAndForgotten: Not sent to r/webhook[0] at 04:23:20: it ended at 03:01:40, that was told, and it left its group at 03:05:30; it was not received again since.",
            "flushed: 2026-11-22 03:10:30 to 04:20:30, 15 times with the same result",
            "next flush: 2026-11-22 04:25:30",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn of_several_alerts_that_match_the_one_that_came_last_is_answered() {
    let mut world = explaining(simple());
    world.post(&["A job=1"]);
    world.run(100);
    world.post(&["A job=2"]);
    world.run(110);
    let answer = ask(&world, "alertname=A", 110);
    let others: Vec<String> = answer
        .others
        .iter()
        .map(|it| it.labels.to_string())
        .collect();
    assert_eq!(
        (answer.alert.unwrap().labels.to_string(), others),
        (
            labels("A job=2").to_string(),
            vec![labels("A job=1").to_string()]
        )
    );
}

#[test]
fn a_fingerprint_that_is_not_known() {
    let world = explaining(simple());
    let question = Question {
        alert: Asked::Fingerprint(Fingerprint(7)),
        receiver: None,
        at: None,
    };
    let context = Context {
        now: at(10),
        policy: None,
    };
    let answer = why(&Memory::of(&world.log), &question, &context).unwrap();
    assert_eq!(
        said(&answer),
        ["NotReceived: No such alert was received: there is no history."]
    );
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(100);
    let unknown = try_ask(&world, "alertname=A", Some("team-y"), 100).unwrap_err();
    let memory = Memory::of(&world.log);
    let question = Question {
        alert: Asked::Matchers(matchers("alertname=A")),
        receiver: None,
        at: Some(at(101)),
    };
    let context = Context {
        now: at(100),
        policy: None,
    };
    let future = why(&memory, &question, &context).unwrap_err();
    assert!(matches!(future, WhyError::Future { .. }));
    assert_eq!(
        (unknown.to_string(), future.to_string()),
        (
            "there is no receiver \"team-y\"; there are: r".to_owned(),
            "the time 2026-11-22T03:01:41Z is in the future: it is 2026-11-22T03:01:40Z".to_owned(),
        )
    );
}

/// An alert that has just been received, and of which nothing that was decided is written.
fn undecided() -> World {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(2);
    world.log.retain(|(_, record)| !record.is_explanation());
    world
}

#[test]
fn an_alert_that_came_a_moment_ago_is_not_decided_yet() {
    assert_eq!(
        said(&ask(&undecided(), "alertname=A", 2)),
        [
            "NotDecided: Not known yet at 03:00:02: the alert was received at 03:00:00, and where it is routed is written within a few seconds; ask again.",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn an_alert_of_which_nothing_that_was_decided_was_written() {
    assert_eq!(
        said(&ask(&undecided(), "alertname=A", 100)),
        [
            "RoutingUnknown: Not known at 03:01:40: the alert was received at 03:00:00, but not that it came to any group: what was decided then was not written.",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn an_alert_of_which_only_the_labels_outlived_the_log() {
    let mut memory = Memory::of(&undecided().log);
    // As after the log was cut: when it came is not known any more, only that it was sent again since.
    for entry in memory.entries.values_mut().flatten() {
        if let What::Received {
            alert,
            ends_at,
            is_timeout,
            ..
        } = entry.what
        {
            entry.what = What::Touched {
                alert,
                ends_at,
                is_timeout,
            };
        }
    }
    let question = Question {
        alert: Asked::Matchers(matchers("alertname=A")),
        receiver: None,
        at: None,
    };
    let context = Context {
        now: at(2),
        policy: None,
    };
    assert_eq!(
        said(&why(&memory, &question, &context).unwrap()),
        [
            "RoutingUnknown: Not known at 03:00:02: the alert was received, but not that it came to any group: that was before history begins."
        ]
    );
}
