//! Errors of the core. Most were found by the random histories of `tests/core/random.rs`.

use tocsin::core::{InhibitRule, Policy};
use tocsin::model::route::RouteSpec;

use crate::core_support::{World, alert, matchers, policy, route, seconds, simple};

/// One group for each value of `n`.
fn by_n() -> Policy {
    policy(route("r", &["n"]), &["r"])
}

/// The entry that was written for B did not list A any more, so nobody remembered that A's end was owed.
#[test]
fn an_end_behind_a_silence_is_told_although_another_alert_of_the_group_was_told_meanwhile() {
    let told_after = |b_ends: bool| {
        let mut world = World::new(simple());
        world.post(&["A"]);
        world.run(100);
        world.silence("s", "alertname=A", 2_000);
        world.post(&["-A", "B"]);
        world.run(700);
        if b_ends {
            world.post(&["-B"]);
        }
        world.run(3_000);
        world.checked_hash();
        world.sent.split_off(2)
    };
    assert_eq!(
        [told_after(false), told_after(true)],
        [
            vec!["2130 r/webhook some alerts resolved: B, resolved A"],
            vec![
                "930 r/webhook all alerts resolved:, resolved B",
                "2130 r/webhook all alerts resolved:, resolved A",
            ],
        ]
    );
}

/// The same, and inhibition is what keeps A back.
#[test]
fn an_end_behind_an_inhibition_is_told_although_another_alert_of_the_group_was_told_meanwhile() {
    let mut policy = simple();
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers("alertname=S"),
        target: matchers("alertname=A"),
        ..InhibitRule::default()
    }];
    let mut world = World::new(policy);
    world.post(&["A"]);
    world.run(100);
    world.post(&["S", "-A"]);
    world.run(700);
    world.post(&["-S"]);
    world.run(2_000);
    assert_eq!(
        world.sent[1..],
        [
            "330 r/webhook new alerts added: S",
            "930 r/webhook all alerts resolved:, resolved A S",
        ]
    );
}

/// The entry was collected while A, which had been told firing, was silenced and fired still.
#[test]
fn an_end_is_told_although_the_entry_expired_while_the_alert_was_silenced() {
    let root = RouteSpec {
        repeat_interval: seconds(600),
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r"]));
    world.post(&["A"]);
    world.run(100);
    world.silence("s", "alertname=A", 20_000);
    world.run(10_000);
    world.post(&["-A"]);
    world.run(21_000);
    world.checked_hash();
    assert_eq!(
        world.sent[1..],
        ["20130 r/webhook all alerts resolved:, resolved A"]
    );
}

/// What was frozen at the first start was in memory only.
#[test]
fn what_was_due_at_a_start_is_told_firing_although_it_ended_and_the_process_crashed_again() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(10);
    world.crash(100);
    world.post(&["-A"]);
    world.crash(200);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "200 r/webhook first notification: A",
            "500 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

/// The group stayed frozen as it was at the first start, when A had ended.
#[test]
fn an_alert_that_fires_anew_between_two_starts_is_told_at_the_second() {
    let mut world = World::new(simple());
    world.post(&["-A"]);
    world.crash(238);
    world.post_alerts(vec![alert("A", 0, 478)]);
    world.crash(930);
    world.run(2_000);
    assert_eq!(
        world.sent,
        [
            "930 r/webhook first notification: A",
            "1230 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

/// Its end lay ahead of the clock then.
#[test]
fn an_alert_that_ended_does_not_fire_again_when_the_clock_is_set_back() {
    let mut world = World::new(simple());
    world.now = 3_600;
    world.post(&["A"]);
    world.run(3_630);
    world.post(&["-A"]);
    world.run(3_640);
    world.heartbeat();
    world.restart(40);
    let ends = world.ends("A");
    world.run(1_000);
    assert_eq!(
        (ends, world.sent),
        (
            40,
            vec![
                "3630 r/webhook first notification: A".to_owned(),
                "330 r/webhook all alerts resolved:, resolved A".to_owned(),
            ]
        )
    );
}

/// The new group knew nothing of what its receiver had been told.
#[test]
fn an_end_is_told_although_a_reload_gives_its_group_another_key() {
    let mut world = World::new(by_n());
    world.post(&["A n=1"]);
    world.run(100);
    world.post(&["-A n=1"]);
    world.reload(simple());
    world.run(1_000);
    assert_eq!(
        world.sent[1..],
        ["100 r/webhook all alerts resolved:, resolved A"]
    );
}

/// There was a group of that key by then, in which A had been told before, so that A was taken for one
/// that was told and forgotten there.
#[test]
fn an_end_is_told_although_its_group_was_another_one_between_two_reloads() {
    let with_child = || {
        let root = RouteSpec {
            routes: vec![RouteSpec {
                matchers: matchers("alertname=A"),
                ..route("r", &[])
            }],
            ..route("r", &["n"])
        };
        policy(root, &["r"])
    };
    let mut world = World::new(by_n());
    world.post(&["A n=1"]);
    world.run(30);
    world.post(&["-A n=1"]);
    world.reload(with_child());
    world.post(&["B n=1"]);
    world.reload(by_n());
    world.run(1_000);
    assert_eq!(
        world.sent[1..],
        ["60 r/webhook new alerts added: B, resolved A"]
    );
}

/// The log was replayed under another configuration, and an old recovery froze a group of that, which
/// there had not been.
#[test]
fn an_alert_that_ended_is_not_told_firing_when_the_log_is_replayed_under_another_grouping() {
    let mut world = World::new(by_n());
    world.post_alerts(vec![alert("A n=1", 0, 240)]);
    world.crash(30);
    world.run(400);
    world.crash_into(simple(), 400);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

/// Alerts of a checkpoint were routed anew as of a clock that had been set back since.
#[test]
fn an_alert_that_ended_is_not_told_firing_when_a_checkpoint_is_read_under_another_grouping() {
    let mut world = World::new(by_n());
    world.post_alerts(vec![alert("A n=1", 0, 50)]);
    world.run(400);
    world.checkpoint();
    let mut other = simple();
    other.hash = 1;
    world.crash_into(other, -1_000);
    world.run(500);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

/// The group kept the end that its alert had before the second downtime moved it. Found by the simulator
/// (seed 1252).
#[test]
fn a_second_start_before_the_first_flush_leaves_nothing_for_a_third_to_do() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 120)]);
    world.kill();
    world.restart(100);
    world.kill();
    world.restart(200);
    let now = crate::core_support::at(200);
    assert_eq!(world.core.plan_recovery(now, now), vec![]);
}
