//! When groups are flushed, and what integrations are told then.

use tocsin::core::Event;
use tocsin::model::route::RouteSpec;

use crate::support::{Health, World, alert, integration, matchers, policy, route, seconds, simple};

#[test]
fn a_group_waits_group_wait_and_then_ticks_each_group_interval() {
    let mut world = World::new(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["C"]);
    world.run(700);
    world.post(&["-A"]);
    world.run(1_000);
    world.post(&["-B", "-C"]);
    world.run(4_000);
    world.checked_hash();
    assert_eq!(
        (world.sent.clone(), world.groups_left()),
        (
            vec![
                "30 r/webhook first notification: A B".to_owned(),
                "330 r/webhook new alerts added: A B C".to_owned(),
                "930 r/webhook some alerts resolved: B C, resolved A".to_owned(),
                "1230 r/webhook all alerts resolved:, resolved B C".to_owned(),
            ],
            0
        )
    );
}

#[test]
fn an_old_alert_makes_its_group_flush_at_once_and_a_later_one_does_not_move_the_timer() {
    let mut world = World::new(policy(route("r", &["job"]), &["r"]));
    world.now = 100;
    world.post_alerts(vec![
        alert("Old job=1", 69, 900),
        alert("New job=1", 100, 900),
    ]);
    world.post_alerts(vec![
        alert("New job=2", 100, 900),
        alert("Old job=2", 0, 900),
    ]);
    world.post_alerts(vec![alert("Edge job=3", 70, 900)]);
    world.run(140);
    assert_eq!(
        world.sent,
        [
            "100 r/webhook first notification: New Old",
            "130 r/webhook first notification: New Old",
            "130 r/webhook first notification: Edge",
        ]
    );
}

#[test]
fn what_does_not_change_is_told_again_at_the_first_tick_after_repeat_interval() {
    let root = RouteSpec {
        repeat_interval: seconds(700),
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r"]));
    world.post(&["A"]);
    world.run(2_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "930 r/webhook repeat interval elapsed: A",
            "1830 r/webhook repeat interval elapsed: A",
        ]
    );
}

#[test]
fn an_alert_that_is_not_sent_again_ends_by_itself_and_is_told_of_at_the_next_tick() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 100)]);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn r06_an_alert_that_fires_and_ends_within_group_wait_is_not_told() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.now = 10;
    world.post(&["-A"]);
    world.run(1_000);
    assert_eq!(
        (world.sent.clone(), world.groups_left()),
        (Vec::<String>::new(), 0)
    );
}

#[test]
fn alerts_are_told_by_job_then_instance_then_labels() {
    let mut world = World::new(simple());
    world.post(&[
        "E",
        "D x=1",
        "C job=b",
        "B job=b instance=2",
        "A job=b instance=1",
        "F job=a",
    ]);
    world.run(30);
    assert_eq!(world.sent, ["30 r/webhook first notification: F A B C E D"]);
}

#[test]
fn r09_of_two_routes_with_continue_one_receiver_down_does_not_keep_the_other() {
    let root = RouteSpec {
        routes: vec![
            RouteSpec {
                continues: true,
                matchers: matchers("alertname=A"),
                ..route("down", &[])
            },
            route("up", &[]),
        ],
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r", "up", "down"]));
    world.health.insert("down".to_owned(), Health::Down);
    world.post(&["A"]);
    world.run(400);
    world.health.clear();
    world.run(700);
    assert_eq!(
        world.sent,
        [
            "30 up/webhook first notification: A",
            "630 down/webhook first notification: A (attempt 3)",
        ]
    );
}

#[test]
fn siblings_of_equal_matchers_have_groups_of_their_own() {
    let child = |receiver: &str, interval| RouteSpec {
        continues: true,
        matchers: matchers("alertname=A"),
        group_interval: seconds(interval),
        ..route(receiver, &[])
    };
    let root = RouteSpec {
        routes: vec![child("one", 100), child("other", 200)],
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r", "one", "other"]));
    world.post(&["A"]);
    world.run(40);
    world.post(&["-A"]);
    world.run(1_000);
    world.checked_hash();
    assert_eq!(
        world.sent,
        [
            "30 one/webhook first notification: A",
            "30 other/webhook first notification: A",
            "130 one/webhook all alerts resolved:, resolved A",
            "230 other/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn r11_an_alert_that_joins_while_the_receiver_is_down_makes_another_notification_with_another_key()
{
    let mut world = World::new(simple());
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(30);
    let first = world.open.remove(0);
    world.append(first.failed(crate::support::at(40), "down".to_owned()));
    world.post(&["B"]);
    world.health.clear();
    world.run(400);
    let keys: Vec<_> = world.got.iter().map(|it| it.idempotency_key).collect();
    assert_eq!(
        (world.sent, keys[0] == keys[1]),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "330 r/webhook first notification: A B".to_owned(),
            ],
            false
        )
    );
}

#[test]
fn r17_an_integration_that_wants_no_resolved_alerts_gets_none_and_its_entry_is_written() {
    let mut policy = policy(route("r", &[]), &[]);
    policy.receivers.insert(
        "r".into(),
        vec![tocsin::core::Integration {
            send_resolved: false,
            ..integration("webhook", 0)
        }],
    );
    let mut world = World::new(policy);
    world.post(&["A"]);
    world.run(40);
    world.post(&["-A"]);
    world.run(400);
    world.post(&["A"]);
    world.run(1_000);
    assert_eq!(
        (world.sent.clone(), world.reasons()),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "430 r/webhook first notification: A".to_owned(),
            ],
            vec![
                "330 nothing to send webhook: all alerts resolved".to_owned(),
                "730 deduplicated webhook".to_owned(),
            ]
        )
    );
}

#[test]
fn r18_an_alert_that_fires_again_while_its_end_is_told_stays_in_its_group() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.health.insert("r".to_owned(), Health::Silent);
    world.run(330);
    world.post(&["A"]);
    let open = world.open.remove(0);
    world.append(open.delivered(crate::support::at(331), std::collections::BTreeMap::new()));
    world.health.clear();
    world.run(700);
    world.checked_hash();
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
            "630 r/webhook first notification: A",
        ]
    );
}

#[test]
fn a_flush_that_lasts_longer_than_the_interval_is_followed_by_the_next_at_once_and_never_overlaps()
{
    let mut world = World::new(simple());
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(30);
    world.post(&["B"]);
    world.run(1_000);
    let open = world.open.remove(0);
    world.health.clear();
    world.append(open.delivered(crate::support::at(1_000), std::collections::BTreeMap::new()));
    world.run(1_001);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "1000 r/webhook new alerts added: A B",
        ]
    );
}

#[test]
fn deciding_twice_without_the_records_decides_nothing_new() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.now = 30;
    let first = world.core.decide(crate::support::at(30)).len();
    let again = world.core.decide(crate::support::at(31)).len();
    assert_eq!((first, again), (4, 0));
}

#[test]
fn a_receiver_without_integrations_lets_its_alerts_end() {
    let mut world = World::new(policy(route("none", &[]), &[]));
    world.policy = std::sync::Arc::new({
        let mut policy = policy(route("none", &[]), &[]);
        policy.receivers.insert("none".into(), vec![]);
        policy
    });
    world.core = world.replayed();
    world.post(&["A"]);
    world.run(40);
    world.post(&["-A"]);
    world.run(1_000);
    assert_eq!((world.reasons(), world.groups_left()), (vec![], 0));
}

#[test]
fn a_route_to_a_receiver_that_there_is_not_keeps_its_alerts_and_says_so() {
    let mut world = World::new(policy(route("gone", &[]), &[]));
    world.post(&["-A"]);
    world.run(100);
    assert_eq!(
        (world.reasons(), world.groups_left()),
        (vec!["30 receiver missing".to_owned()], 1)
    );
}

#[test]
fn an_alert_over_the_limit_of_groups_is_reported_and_placed_when_there_is_room() {
    let mut policy = policy(route("r", &["job"]), &["r"]);
    policy.limits.groups = Some(1);
    let mut world = World::new(policy);
    world.post(&["A job=1"]);
    world.post(&["B job=2"]);
    world.run(40);
    world.post(&["-A job=1"]);
    world.run(400);
    world.post(&["B job=2"]);
    world.run(1_000);
    world.checked_hash();
    let limited = world.events.iter().filter_map(|event| match event {
        Event::GroupLimited { group_key, .. } => Some(group_key.to_string()),
        _ => None,
    });
    assert_eq!(
        (limited.collect::<Vec<_>>(), world.sent),
        (
            vec![r#"{}:{job="2"}"#.to_owned()],
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "330 r/webhook all alerts resolved:, resolved A".to_owned(),
                "400 r/webhook first notification: B".to_owned(),
            ]
        )
    );
}

impl World {
    fn groups_left(&self) -> usize {
        self.groups().len()
    }
}
