//! What keeps alerts back, in which order, and what becomes of what is owed meanwhile.

use tocsin::core::{InhibitRule, Policy};
use tocsin::model::TimeInterval;
use tocsin::model::route::RouteSpec;
use tocsin::model::time_interval::TimeRange;

use crate::support::{World, matchers, policy, route, simple};

/// From `start` to `end`, minutes after three in the morning, when tests begin.
fn interval(start: &str, end: &str) -> Vec<TimeInterval> {
    vec![TimeInterval {
        times: Some(vec![TimeRange::parse(start, end).unwrap()]),
        ..TimeInterval::default()
    }]
}

fn with_intervals(active: &[&str], mute: &[&str]) -> Policy {
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let root = RouteSpec {
        routes: vec![RouteSpec {
            active_time_intervals: names(active),
            mute_time_intervals: names(mute),
            ..route("r", &[])
        }],
        ..route("r", &[])
    };
    let mut policy = policy(root, &["r"]);
    let mut add = |name: &str, start, end| {
        policy
            .time_intervals
            .insert(name.to_owned(), interval(start, end));
    };
    add("early", "03:00", "03:04");
    add("late", "03:04", "05:00");
    policy
}

#[test]
fn nothing_is_told_outside_of_active_intervals_and_what_fires_then_is_told_inside() {
    let mut world = World::new(with_intervals(&["late"], &[]));
    world.post(&["A"]);
    world.run(400);
    assert_eq!(
        (world.reasons(), world.sent),
        (
            vec![r#"30 outside ["late"] 1"#.to_owned()],
            vec!["330 r/webhook first notification: A".to_owned()]
        )
    );
}

#[test]
fn nothing_is_told_inside_of_mute_intervals_and_the_group_says_which() {
    let mut world = World::new(with_intervals(&[], &["early", "late"]));
    world.post(&["A"]);
    world.run(100);
    let tenant = world.core.tenant("").unwrap();
    let marks: Vec<_> = tenant
        .groups()
        .map(|group| group.muted_by.to_vec())
        .collect();
    assert_eq!(
        (world.reasons(), marks),
        (
            vec![r#"30 inside ["early"] 1"#.to_owned()],
            vec![vec!["early".to_owned()]]
        )
    );
}

#[test]
fn an_interval_that_there_is_not_keeps_everything_and_says_so() {
    let mut world = World::new(with_intervals(&[], &["never"]));
    world.post(&["-A"]);
    world.run(100);
    assert_eq!(
        (world.reasons(), world.groups().len()),
        (vec!["30 unknown interval never".to_owned()], 1)
    );
}

#[test]
fn inhibition_is_asked_first_then_intervals_then_silences() {
    let mut policy = with_intervals(&[], &["early"]);
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers("alertname=Source"),
        target: matchers("alertname=Target"),
        ..InhibitRule::default()
    }];
    let mut world = World::new(policy);
    world.silence("s", "alertname=~\"Target|Source\"", 10_000);
    world.post(&["Source", "Target", "Other"]);
    world.run(400);
    assert_eq!(
        (world.reasons(), world.sent),
        (
            vec![
                "30 inhibited 1".to_owned(),
                r#"30 inside ["early"] 2"#.to_owned(),
                "330 inhibited 1".to_owned(),
                r#"330 silenced 1 by {"s"}"#.to_owned(),
            ],
            vec!["330 r/webhook first notification: Other".to_owned()]
        )
    );
}

#[test]
fn the_status_of_an_alert_is_predicted_from_what_is_there_now() {
    let mut policy = simple();
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers("alertname=Source"),
        target: matchers("alertname=Target"),
        ..InhibitRule::default()
    }];
    let mut world = World::new(policy);
    world.silence("b", "alertname=Target", 10);
    world.silence("a", "alertname=~Tar.*", 20);
    world.post(&["Source"]);
    let tenant = world.core.tenant("").unwrap();
    let target = crate::support::labels("Target");
    let predict = |now| {
        let seen = tenant.predict(&target, crate::support::at(now));
        let ids: Vec<String> = seen.silenced_by.iter().map(ToString::to_string).collect();
        (seen.inhibited_by, ids)
    };
    let source = crate::support::labels("Source").fingerprint();
    assert_eq!(
        [predict(0), predict(15), predict(2_000_000)],
        [
            (Some(source), vec!["a".to_owned(), "b".to_owned()]),
            (Some(source), vec!["a".to_owned()]),
            (None, vec![]),
        ]
    );
}

#[test]
fn alerts_are_counted_by_what_their_last_flush_found() {
    let mut policy = with_intervals(&[], &["late"]);
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers("alertname=Source"),
        target: matchers("alertname=Target"),
        ..InhibitRule::default()
    }];
    let mut world = World::new(policy);
    let count = |world: &World| {
        let tenant = world.core.tenant("").unwrap();
        let counts = tenant.alert_counts(crate::support::at(world.now));
        let of_group = tenant
            .groups()
            .map(|group| tenant.alert_counts_of(group, crate::support::at(world.now)));
        assert!(of_group.eq([counts]));
        (counts.active, counts.suppressed, counts.unprocessed)
    };
    world.silence("s", "alertname=Silenced", 60);
    world.post(&["Source", "Target", "Silenced", "Other"]);
    let before = count(&world);
    world.run(100);
    let flushed = count(&world);
    world.post(&["New", "-Other"]);
    let with_new = count(&world);
    // The group is muted by then: silences are not asked, and the one that was on is over.
    world.run(400);
    let muted = count(&world);
    world.crash(410);
    assert_eq!(
        [before, flushed, with_new, muted, count(&world)],
        [(0, 0, 4), (2, 2, 0), (1, 2, 1), (2, 2, 0), (0, 0, 4)]
    );
}

#[test]
fn h12_an_alert_that_was_told_firing_and_ends_behind_a_silence_is_told_when_the_silence_ends() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.silence("s", "alertname=A", 700);
    world.post(&["-A"]);
    world.run(10_000);
    world.checked_hash();
    assert_eq!(
        (world.sent.clone(), world.groups().len()),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "930 r/webhook all alerts resolved:, resolved A".to_owned(),
            ],
            0
        )
    );
}

#[test]
fn h12_an_alert_that_was_never_told_and_ends_behind_a_silence_is_forgotten() {
    let mut world = World::new(simple());
    world.silence("s", "alertname=A", 100_000);
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(400);
    assert_eq!(
        (world.sent.clone(), world.groups().len()),
        (Vec::<String>::new(), 0)
    );
}

#[test]
fn h12_an_alert_that_ended_behind_a_silence_and_fires_again_after_it_is_told_firing() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.silence("s", "alertname=A", 700);
    world.post(&["-A"]);
    world.run(1_000);
    world.post(&["A"]);
    world.run(1_300);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "930 r/webhook all alerts resolved:, resolved A",
            "1030 r/webhook first notification: A",
        ]
    );
}
