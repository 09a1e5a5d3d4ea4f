//! One scenario for each verdict.

use tocsin::core::{InhibitRule, Integration, OnInDoubt, Policy, SilenceDraft};
use tocsin::model::TimeInterval;
use tocsin::model::route::RouteSpec;
use tocsin::model::time_interval::TimeRange;
use tocsin::model::{NameRule, Operator};

use crate::support::{Health, World, at, explaining, integration, matchers, policy, route, simple};
use crate::{all, ask, lines, said};

/// Receiver `team-x`, a group for each job, one for pages that inhibits the others of its job.
fn team_x() -> Policy {
    let mut policy = policy(route("team-x", &["job"]), &["team-x"]);
    policy.inhibit_rules = vec![InhibitRule {
        name: "page before ticket".to_owned(),
        source: matchers("severity=page"),
        target: matchers("severity=ticket"),
        equal: vec!["job".to_owned()],
    }];
    policy
}

/// `team-x` is not told of ends.
fn told_of_no_ends() -> Policy {
    let mut policy = team_x();
    let integration = Integration {
        send_resolved: false,
        ..integration("email", 0)
    };
    policy.receivers.insert("team-x".into(), vec![integration]);
    policy
}

fn silenced() -> World {
    let mut world = explaining(team_x());
    let draft = SilenceDraft {
        matcher_sets: vec![vec![("job".to_owned(), Operator::Equal, "node".to_owned())]],
        ends_at: Some(at(10_800)),
        created_by: "ana".to_owned(),
        comment: "db migration".to_owned(),
        ..SilenceDraft::default()
    };
    let id = "5f0c1f6e-0000-4000-8000-000000000000";
    let set = world
        .core
        .set_silence("", &draft, NameRule::Utf8, id, at(0));
    for record in set.unwrap().records {
        world.append(record);
    }
    world.post(&["A job=node"]);
    world.run(700);
    world
}

#[test]
fn an_alert_that_is_silenced() {
    let world = silenced();
    assert_eq!(
        said(&ask(&world, "alertname=A", 600)),
        [
            "Silenced: Not sent to team-x at 03:10:00: silenced by 5f0c1f6e… (ana, 'db migration', until 06:00).",
            "silence: 5f0c1f6e-0000-4000-8000-000000000000 (ana, 'db migration', until 06:00)",
            r#"silence matches: {job="node"}"#,
            "flushed: 2026-11-22 03:00:30 to 03:10:30, 3 times with the same result",
            "next flush: 2026-11-22 03:15:30",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn the_timeline_of_an_alert_that_is_silenced() {
    let world = silenced();
    let answer = ask(&world, "alertname=A", 700);
    assert_eq!(
        lines(&answer),
        [
            "0 received: fires until 2026-12-03 16:46:40",
            r#"0 group {}:{job="node"} came into being, due at 03:00:30"#,
            r#"0 came to group {}:{job="node"}"#,
            "30 flushed: 1 silenced, the first by 5f0c1f6e-0000-4000-8000-000000000000; 3 times, last at 03:10:30"
        ]
    );
}

#[test]
fn an_answer_as_text_and_as_json() {
    let world = silenced();
    let answer = ask(&world, "alertname=A", 600);
    let json = serde_json::to_string_pretty(&answer).unwrap();
    let text = format!("{answer}\n{json}");
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "Not sent to team-x at 03:10:00: silenced by 5f0c1f6e… (ana, 'db migration', until 06:00).",
            "",
            "  silence          5f0c1f6e-0000-4000-8000-000000000000 (ana, 'db migration', until 06:00)",
            r#"  silence matches  {job="node"}"#,
            "  flushed          2026-11-22 03:00:30 to 03:10:30, 3 times with the same result",
            "  next flush       2026-11-22 03:15:30",
            r#"  group            {}:{job="node"}"#,
            "  route            {}",
            "  received         2026-11-22 03:00:00",
            "",
            "  2026-11-22 03:00:00  received: fires until 2026-12-03 16:46:40",
            r#"  2026-11-22 03:00:00  group {}:{job="node"} came into being, due at 03:00:30"#,
            r#"  2026-11-22 03:00:00  came to group {}:{job="node"}"#,
            "  2026-11-22 03:00:30  flushed: 1 silenced, the first by 5f0c1f6e-0000-4000-8000-000000000000; 3 times, last at 03:10:30",
            "",
            "{",
            r#"  "sentence": "Not sent to team-x at 03:10:00: silenced by 5f0c1f6e… (ana, 'db migration', until 06:00).","#,
            r#"  "because": "silenced","#,
            r#"  "at": "2026-11-22T03:10:00Z","#,
            r#"  "alert": {"#,
            r#"    "fingerprint": "e342c790ad2d86b4","#,
            r#"    "labels": {"#,
            r#"      "alertname": "A","#,
            r#"      "job": "node""#,
            "    }",
            "  },",
            r#"  "others": [],"#,
            r#"  "receiver": "team-x","#,
            r#"  "evidence": {"#,
            r#"    "silence": "5f0c1f6e-0000-4000-8000-000000000000 (ana, 'db migration', until 06:00)","#,
            "    \"silence matches\": \"{job=\\\"node\\\"}\",",
            r#"    "flushed": "2026-11-22 03:00:30 to 03:10:30, 3 times with the same result","#,
            r#"    "next flush": "2026-11-22 03:15:30","#,
            "    \"group\": \"{}:{job=\\\"node\\\"}\",",
            r#"    "route": "{}","#,
            r#"    "received": "2026-11-22 03:00:00""#,
            "  },",
            r#"  "timeline": ["#,
            "    {",
            r#"      "at": "2026-11-22T03:00:00Z","#,
            r#"      "lsn": 2,"#,
            r#"      "text": "received: fires until 2026-12-03 16:46:40""#,
            "    },",
            "    {",
            r#"      "at": "2026-11-22T03:00:00Z","#,
            r#"      "lsn": 3,"#,
            "      \"text\": \"group {}:{job=\\\"node\\\"} came into being, due at 03:00:30\"",
            "    },",
            "    {",
            r#"      "at": "2026-11-22T03:00:00Z","#,
            r#"      "lsn": 3,"#,
            "      \"text\": \"came to group {}:{job=\\\"node\\\"}\"",
            "    },",
            "    {",
            r#"      "at": "2026-11-22T03:00:30Z","#,
            r#"      "lsn": 5,"#,
            r#"      "text": "flushed: 1 silenced, the first by 5f0c1f6e-0000-4000-8000-000000000000; 3 times, last at 03:10:30""#,
            "    }",
            "  ],",
            r#"  "history_from": "2026-11-22T03:00:00Z""#,
            "}"
        ]
    );
}

#[test]
fn an_alert_that_is_inhibited() {
    let mut world = explaining(team_x());
    world.post(&["Page job=node severity=page", "A job=node severity=ticket"]);
    world.run(100);
    assert_eq!(
        all(&ask(&world, "alertname=A", 100)),
        [
            "Inhibited: Not sent to team-x at 03:00:30: inhibited by {alertname=\"Page\", job=\"node\", severity=\"page\"} (inhibition rule 1, 'page before ticket').",
            "inhibited by: {alertname=\"Page\", job=\"node\", severity=\"page\"}",
            "fingerprint: 2f9c7776bd2ad8b2",
            "rule: inhibition rule 1, 'page before ticket'",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{job=\"node\"} came into being, due at 03:00:30",
            "0 came to group {}:{job=\"node\"}",
            "30 team-x/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: 1 inhibited, the first by 2f9c7776bd2ad8b2; team-x/webhook[0] is told",
            "30 team-x/webhook[0]: tried once, the last succeeded after 120 ms",
            "30 team-x/webhook[0]: delivered"
        ]
    );
}

/// Muted from 03:10 to 03:20, or active then only.
fn with_interval(is_active: bool) -> World {
    let mut root = route("team-x", &[]);
    let names = vec!["minutes".to_owned()];
    let child = RouteSpec {
        matchers: matchers("severity=page"),
        mute_time_intervals: if is_active { vec![] } else { names.clone() },
        active_time_intervals: if is_active { names } else { vec![] },
        ..RouteSpec::default()
    };
    root.routes = vec![child];
    let mut policy = policy(root, &["team-x"]);
    let range = TimeRange::parse("03:10", "03:20").unwrap();
    let interval = TimeInterval {
        times: Some(vec![range]),
        ..TimeInterval::default()
    };
    policy
        .time_intervals
        .insert("minutes".to_owned(), vec![interval]);
    explaining(policy)
}

#[test]
fn a_group_that_is_muted_by_an_interval() {
    let mut world = with_interval(false);
    world.now = 600;
    world.post(&["A severity=page"]);
    world.run(700);
    assert_eq!(
        all(&ask(&world, "alertname=A", 700)),
        [
            "MuteInterval: Not sent to team-x at 03:10:30: muted by the time interval minutes.",
            "interval: minutes",
            "due: 2026-11-22 03:10:30",
            "flushed: 2026-11-22 03:10:30",
            "next flush: 2026-11-22 03:15:30",
            "group: {}/{severity=\"page\"}:{}",
            "route: {}/{severity=\"page\"}/0",
            "received: 2026-11-22 03:10:00",
            "600 received: fires until 2026-12-03 16:46:40",
            "600 group {}/{severity=\"page\"}:{} came into being, due at 03:10:30",
            "600 came to group {}/{severity=\"page\"}:{}",
            "630 flushed: 1 muted by minutes"
        ]
    );
}

#[test]
fn a_group_outside_of_its_active_interval() {
    let mut world = with_interval(true);
    world.post(&["A severity=page"]);
    world.run(100);
    assert_eq!(
        all(&ask(&world, "alertname=A", 100)),
        [
            "OutsideActiveInterval: Not sent to team-x at 03:00:30: outside of the active time interval minutes.",
            "interval: minutes",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "group: {}/{severity=\"page\"}:{}",
            "route: {}/{severity=\"page\"}/0",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}/{severity=\"page\"}:{} came into being, due at 03:00:30",
            "0 came to group {}/{severity=\"page\"}:{}",
            "30 flushed: 1 muted outside of minutes"
        ]
    );
}

#[test]
fn a_route_that_names_an_interval_that_there_is_not() {
    let mut root = route("team-x", &[]);
    root.routes = vec![RouteSpec {
        mute_time_intervals: vec!["nights".to_owned()],
        ..RouteSpec::default()
    }];
    let mut world = explaining(policy(root, &["team-x"]));
    world.post(&["A"]);
    world.run(100);
    assert_eq!(
        all(&ask(&world, "alertname=A", 100)),
        [
            "UnknownInterval: Not sent to team-x at 03:00:30: its route names the time interval nights, which there is not.",
            "interval: nights",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "group: {}/{}:{}",
            "route: {}/{}/0",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}/{}:{} came into being, due at 03:00:30",
            "0 came to group {}/{}:{}",
            "30 flushed: there is no time interval nights"
        ]
    );
}

#[test]
fn a_receiver_that_there_is_not() {
    let mut world = explaining(policy(route("team-x", &[]), &[]));
    world.post(&["A"]);
    world.run(100);
    assert_eq!(
        all(&ask(&world, "alertname=A", 100)),
        [
            "ReceiverMissing: Not sent to team-x at 03:00:30: its route names this receiver, which there is not.",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{} came into being, due at 03:00:30",
            "0 came to group {}:{}",
            "30 flushed: there is no receiver team-x"
        ]
    );
}

#[test]
fn the_first_notification() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(100);
    let answer = ask(&world, "alertname=A", 100);
    assert_eq!(
        [said(&answer), lines(&answer)].concat(),
        [
            "Delivered: Delivered to team-x/webhook[0] at 03:00:30 (first notification).",
            "decided: 2026-11-22 03:00:30",
            "last attempt took: 120 ms",
            "idempotency key: bf7eb51e72b64f62bb5ce1b9f7f6d1652e9e0c0b2b36cb5adc1d8b7d102e25bb",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            r#"0 group {}:{job="node"} came into being, due at 03:00:30"#,
            r#"0 came to group {}:{job="node"}"#,
            "30 team-x/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: team-x/webhook[0] is told",
            "30 team-x/webhook[0]: tried once, the last succeeded after 120 ms",
            "30 team-x/webhook[0]: delivered"
        ]
    );
}

#[test]
fn new_alerts() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(100);
    world.post(&["B job=node"]);
    world.run(400);
    assert_eq!(
        said(&ask(&world, "alertname=B", 400)),
        [
            "Delivered: Delivered to team-x/webhook[0] at 03:05:30 (new alerts added).",
            "decided: 2026-11-22 03:05:30",
            "last attempt took: 120 ms",
            "idempotency key: 1fa4881fd6cf7562422823a757d928042498a4087aace27ece2841d55e25b9b1",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "reason: new_alerts",
            "newly firing: 1",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:01:40"
        ]
    );
}

#[test]
fn new_resolved() {
    let mut world = explaining(team_x());
    world.post(&["A job=node", "B job=node"]);
    world.run(100);
    world.post(&["-B job=node"]);
    world.run(400);
    assert_eq!(
        said(&ask(&world, "alertname=B", 400)),
        [
            "Delivered: Delivered to team-x/webhook[0] at 03:05:30 (some alerts resolved); it left its group at 03:05:30, and was not received again since.",
            "decided: 2026-11-22 03:05:30",
            "last attempt took: 120 ms",
            "idempotency key: c4fc3ce47e1dc5d5fab044e0ad9fbefe1fb78d3aa1c17073885c2a757e705a20",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "reason: new_resolved",
            "no longer firing: 1",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn all_resolved() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(100);
    world.post(&["-A job=node"]);
    world.run(330);
    assert_eq!(
        said(&ask(&world, "alertname=A", 330)),
        [
            "Delivered: Delivered to team-x/webhook[0] at 03:05:30 (all alerts resolved); it left its group at 03:05:30, and was not received again since.",
            "decided: 2026-11-22 03:05:30",
            "last attempt took: 120 ms",
            "idempotency key: d38cc6cf76786c137b7ba83aa8c4d9faf95e5da0810dbc6483c7e16871af8121",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "reason: all_resolved",
            "no longer firing: 1",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn the_repetition() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(4 * 3_600 + 400);
    assert_eq!(
        said(&ask(&world, "alertname=A", 4 * 3_600 + 400)),
        [
            "Delivered: Delivered to team-x/webhook[0] at 07:05:30 (repeat interval elapsed).",
            "decided: 2026-11-22 07:05:30",
            "last attempt took: 120 ms",
            "idempotency key: 8048e1b2018acd37016a71823e2a4a6d870ed05885b3b38a1d4575801ec8bbf6",
            "due: 2026-11-22 07:05:30",
            "flushed: 2026-11-22 07:05:30",
            "next flush: 2026-11-22 07:10:30",
            "reason: repeat",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn nothing_changed_since() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(3_000);
    let answer = ask(&world, "alertname=A", 2_000);
    assert_eq!(
        [said(&answer), lines(&answer)].concat(),
        [
            "NothingChanged: Not sent to team-x/webhook[0] again at 03:33:20: nothing had changed since it was told at 03:00:30 (first notification).",
            "flushed: 2026-11-22 03:05:30 to 03:45:30, 9 times with the same result",
            "next flush: 2026-11-22 03:50:30",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            r#"0 group {}:{job="node"} came into being, due at 03:00:30"#,
            r#"0 came to group {}:{job="node"}"#,
            "30 team-x/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: team-x/webhook[0] is told",
            "30 team-x/webhook[0]: tried once, the last succeeded after 120 ms",
            "30 team-x/webhook[0]: delivered",
            "330 flushed: nothing changed for team-x/webhook[0]; 9 times, last at 03:45:30"
        ]
    );
}

#[test]
fn only_resolved_alerts_are_left_for_an_integration_that_is_not_told_of_them() {
    let mut world = explaining(told_of_no_ends());
    world.post(&["A job=node"]);
    world.run(100);
    world.post(&["-A job=node"]);
    world.run(330);
    assert_eq!(
        all(&ask(&world, "alertname=A", 330)),
        [
            "NothingToSend: Not sent to team-x/email[0] at 03:05:30: nothing to send, only resolved alerts were left, of which this integration is not told (send_resolved: false).",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{job=\"node\"} came into being, due at 03:00:30",
            "0 came to group {}:{job=\"node\"}",
            "30 team-x/email[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: team-x/email[0] is told",
            "30 team-x/email[0]: tried once, the last succeeded after 120 ms",
            "30 team-x/email[0]: delivered",
            "100 received again, unchanged: ended at 03:01:40",
            "330 team-x/email[0]: nothing_to_send",
            "330 flushed: nothing that team-x/email[0] is told of",
            "330 left group {}:{job=\"node\"}"
        ]
    );
}

#[test]
fn its_end_is_not_told_to_an_integration_that_is_not_told_of_ends_while_others_fire() {
    let mut world = explaining(told_of_no_ends());
    world.post(&["A job=node", "B job=node"]);
    world.run(100);
    world.post(&["-A job=node"]);
    world.run(1_000);
    assert_eq!(
        said(&ask(&world, "alertname=A", 1_000)),
        [
            "NothingToSend: Not sent to team-x/email[0] at 03:16:40: it ended at 03:01:40, of which this integration is not told (send_resolved: false), and it left its group at 03:05:30; it was not received again since.",
            "flushed: 2026-11-22 03:10:30 to 03:15:30, 2 times with the same result",
            "next flush: 2026-11-22 03:20:30",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn what_is_in_doubt_is_superseded_when_there_is_nothing_more_to_tell() {
    let mut world = explaining(told_of_no_ends());
    world.health.insert("team-x".to_owned(), Health::Silent);
    world.post(&["A job=node"]);
    world.run(40);
    world.post(&["-A job=node"]);
    world.crash(60);
    world.run(65);
    assert_eq!(
        all(&ask(&world, "alertname=A", 65)),
        [
            "Superseded: Not sent to team-x/email[0] again at 03:01:00: superseded, a crash left unknown whether it has the notification, and by then it would have been another one, or none.",
            "due: 2026-11-22 03:01:00",
            "flushed: 2026-11-22 03:01:00",
            "also: email[0]: nothing_changed",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{job=\"node\"} came into being, due at 03:00:30",
            "0 came to group {}:{job=\"node\"}",
            "30 team-x/email[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: team-x/email[0] is told",
            "40 received again, unchanged: ended at 03:00:40",
            "60 team-x/email[0]: superseded",
            "60 looked at again, a notification is in doubt: what was in doubt is not sent to team-x/email[0] again; nothing changed for team-x/email[0]"
        ]
    );
}

#[test]
fn what_is_in_doubt_is_assumed_delivered_where_the_configuration_says_so() {
    let mut policy = team_x();
    let once = Integration {
        on_in_doubt: OnInDoubt::Skip,
        ..integration("webhook", 0)
    };
    policy.receivers.insert("team-x".into(), vec![once]);
    let mut world = explaining(policy);
    world.health.insert("team-x".to_owned(), Health::Silent);
    world.post(&["A job=node"]);
    world.run(40);
    world.crash(60);
    world.run(100);
    assert_eq!(
        said(&ask(&world, "alertname=A", 100)),
        [
            "AssumedDelivered: Not sent to team-x/webhook[0] again at 03:01:00: assumed delivered, a crash left unknown whether it has the notification, and the configuration takes it as sent.",
            "due: 2026-11-22 03:01:00",
            "flushed: 2026-11-22 03:01:00",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn what_did_harm_is_quarantined() {
    let mut world = explaining(team_x());
    world.health.insert("team-x".to_owned(), Health::Stuck);
    world.post(&["A job=node"]);
    world.run(40);
    let harmful = world.open.pop().unwrap();
    let record = harmful.quarantined(at(41), "it crashed us".to_owned());
    world.append(record);
    world.run(400);
    let first = ask(&world, "alertname=A", 60);
    let later = ask(&world, "alertname=A", 400);
    assert_eq!(
        [said(&first), all(&later)].concat(),
        [
            "Quarantined: Not delivered to team-x/webhook[0]: quarantined at 03:00:41, sending it did harm.",
            "decided: 2026-11-22 03:00:30",
            "idempotency key: bf7eb51e72b64f62bb5ce1b9f7f6d1652e9e0c0b2b36cb5adc1d8b7d102e25bb",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "Quarantined: Not sent to team-x/webhook[0] at 03:05:30: quarantined, sending it did harm, and it is the same still.",
            "due: 2026-11-22 03:05:30",
            "flushed: 2026-11-22 03:05:30",
            "next flush: 2026-11-22 03:10:30",
            "group: {}:{job=\"node\"}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{job=\"node\"} came into being, due at 03:00:30",
            "0 came to group {}:{job=\"node\"}",
            "30 team-x/webhook[0]: to be sent (first notification): 1 firing, 0 resolved",
            "30 flushed: team-x/webhook[0] is told",
            "41 team-x/webhook[0]: quarantined: it crashed us",
            "330 flushed: nothing is sent to team-x/webhook[0], it did harm"
        ]
    );
}

#[test]
fn a_group_that_was_due_while_the_process_was_not_ready() {
    let mut world = explaining(simple());
    world.post(&["A"]);
    world.run(10);
    world.kill();
    world.now = 60;
    for record in world.core.plan_recovery(at(10), at(60)) {
        world.append(record);
    }
    world.core.resume(at(60), at(90));
    world.run(200);
    let waiting = ask(&world, "alertname=A", 70);
    let flushed = ask(&world, "alertname=A", 200);
    assert_eq!(
        [all(&waiting), said(&flushed)].concat(),
        [
            "NotReady: Not sent to r at 03:01:00: not ready, its group was due at 03:00:30 and the process had just come up; it is flushed at 03:01:30.",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:01:00",
            "next flush: 2026-11-22 03:01:30",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 group {}:{} came into being, due at 03:00:30",
            "0 came to group {}:{}",
            "60 due at 03:00:30, waits until 03:01:30: the process came up and catches up",
            "Delivered: Delivered to r/webhook[0] at 03:01:30 (first notification).",
            "decided: 2026-11-22 03:01:30",
            "last attempt took: 120 ms",
            "idempotency key: 791090e23b36aa8c9c7df0becc3d78c00d14484ee228b9eb60d7bc36316ad988",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:01:30",
            "next flush: 2026-11-22 03:06:30",
            "reason: first_notification",
            "group: {}:{}",
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn too_many_groups() {
    let mut policy = team_x();
    policy.limits.groups = Some(1);
    let mut world = explaining(policy);
    world.post(&["A job=1"]);
    world.post(&["B job=2"]);
    world.run(100);
    assert_eq!(
        all(&ask(&world, "alertname=B", 100)),
        [
            "Limited: Not sent at 03:01:40: limited, there were too many groups to make another one when it came at 03:00:00.",
            "group that would be: {}:{job=\"2\"}",
            "received: 2026-11-22 03:00:00",
            "0 received: fires until 2026-12-03 16:46:40",
            "0 came to no group: there are too many to make {}:{job=\"2\"}"
        ]
    );
}

#[test]
fn an_end_that_is_not_due_yet() {
    let mut world = explaining(team_x());
    world.post(&["A job=node"]);
    world.run(100);
    world.post(&["-A job=node"]);
    world.run(120);
    assert_eq!(
        said(&ask(&world, "alertname=A", 120)),
        [
            "NotDue: Its end at 03:01:40 is not sent to team-x yet: not due, its group is flushed next at 03:05:30. That it fires was delivered at 03:00:30.",
            "ended: 2026-11-22 03:01:40",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}

#[test]
fn a_notification_by_two_integrations_of_which_one_is_up() {
    let mut policy = team_x();
    let both = vec![integration("email", 0), integration("webhook", 0)];
    policy.receivers.insert("team-x".into(), both);
    let mut world = explaining(policy);
    world.health.insert("team-x/email".to_owned(), Health::Down);
    world.post(&["A job=node"]);
    world.run(100);
    assert_eq!(
        said(&ask(&world, "alertname=A", 100)),
        [
            "Failed: Not delivered to team-x/email[0]: the send failed 7 times (503), the last time at 03:00:30; the next flush tries again.",
            "decided: 2026-11-22 03:00:30",
            "failed: 7 times (503)",
            "last error: down",
            "last attempt took: 120 ms",
            "idempotency key: b96f0286b8a295c717c0dcc728e3745f545e64afd8b9e2df7930a009fef5d6ae",
            "due: 2026-11-22 03:00:30",
            "flushed: 2026-11-22 03:00:30",
            "next flush: 2026-11-22 03:05:30",
            "reason: first_notification",
            "also: webhook[0]: notify",
            r#"group: {}:{job="node"}"#,
            "route: {}",
            "received: 2026-11-22 03:00:00"
        ]
    );
}
