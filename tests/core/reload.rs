//! What a new configuration changes, and what it must not.

use tocsin::core::{Event, Policy};
use tocsin::model::route::RouteSpec;

use crate::support::{Health, World, matchers, policy, route, simple};

/// The root, and a child for alerts of a job.
fn with_child(receiver: &str) -> Policy {
    let root = RouteSpec {
        routes: vec![RouteSpec {
            matchers: matchers("job=x"),
            ..route(receiver, &[])
        }],
        ..route("r", &[])
    };
    policy(root, &["r", "x", "y"])
}

#[test]
fn r35_a_reload_at_any_step_of_a_flush_keeps_timer_and_notification() {
    let told = |reload_at: &[i64]| {
        let mut world = World::new(simple());
        world.post(&["A"]);
        for time in 1..400 {
            if reload_at.contains(&time) {
                world.reload(simple());
            }
            world.run(time);
            if time == 100 {
                world.post(&["B"]);
            }
        }
        world.sent
    };
    let undisturbed = told(&[]);
    let disturbed = [&[10][..], &[29, 30, 31], &[329, 330], &[330, 331]].map(told);
    assert_eq!(disturbed, [(); 4].map(|()| undisturbed.clone()));
}

#[test]
fn r35_a_reload_while_a_notification_is_under_way_neither_loses_nor_doubles_it() {
    let mut world = World::new(simple());
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(30);
    world.reload(simple());
    world.run(700);
    let open = world.open.remove(0);
    let data = std::collections::BTreeMap::new();
    world.append(open.delivered(crate::support::at(700), data));
    world.health.clear();
    world.post(&["-A"]);
    world.run(1_100);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "700 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn h13_a_reload_keeps_an_end_that_was_still_to_be_told() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.health.insert("r".to_owned(), Health::Down);
    // Long enough for every collection to have come by.
    world.run(9_000);
    world.reload(simple());
    world.health.clear();
    world.run(9_400);
    assert_eq!(
        world.sent.pop().unwrap().split_once(' ').unwrap().1,
        "r/webhook all alerts resolved:, resolved A (attempt 30)"
    );
}

#[test]
fn what_was_told_and_forgotten_does_not_come_back_at_a_reload() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    world.post(&["-A"]);
    world.run(400);
    world.reload(simple());
    assert_eq!(world.groups().len(), 0);
}

#[test]
fn h04_a_reload_makes_no_partial_flush() {
    let mut world = World::new(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.post(&["C"]);
    world.reload(simple());
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A B",
            "330 r/webhook new alerts added: A B C",
        ]
    );
}

#[test]
fn r31_a_route_that_is_gone_drops_its_groups_and_says_what_was_unsent_and_others_are_kept() {
    let mut world = World::new(with_child("x"));
    world.post(&["A job=x", "B job=x", "C"]);
    world.run(100);
    world.post(&["-A job=x"]);
    world.kill();
    world.reload(simple());
    world.run(1_000);
    let dropped = world.events.iter().filter_map(|event| match event {
        Event::GroupDropped { group_key, unsent } => Some((group_key.to_string(), *unsent)),
        _ => None,
    });
    assert_eq!(
        (dropped.collect::<Vec<_>>(), world.sent),
        (
            vec![(r#"{}/{job="x"}:{}"#.to_owned(), 1)],
            vec![
                "30 x/webhook first notification: A B".to_owned(),
                "30 r/webhook first notification: C".to_owned(),
                "330 r/webhook new alerts added: B C".to_owned(),
            ]
        )
    );
}

#[test]
fn a_route_with_another_receiver_keeps_its_timer_and_tells_the_new_one() {
    let mut world = World::new(with_child("x"));
    world.post(&["A job=x"]);
    world.run(100);
    world.reload(with_child("y"));
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 x/webhook first notification: A",
            "330 y/webhook first notification: A",
        ]
    );
}

#[test]
fn r32_another_grouping_makes_new_groups_with_one_notification_each() {
    let mut world = World::new(simple());
    world.post(&["A n=1", "B n=1", "C n=2"]);
    world.run(100);
    world.reload(policy(route("r", &["n"]), &["r"]));
    world.run(1_000);
    world.sent.sort();
    assert_eq!(
        world.sent[..2],
        [
            "100 r/webhook first notification: A B",
            "100 r/webhook first notification: C",
        ]
    );
}

#[test]
fn r33_an_integration_of_another_index_is_a_new_one() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    let mut moved = policy(route("r", &[]), &[]);
    let integrations = vec![
        crate::support::integration("email", 0),
        crate::support::integration("webhook", 1),
    ];
    moved.receivers.insert("r".into(), integrations);
    world.reload(moved);
    world.run(1_000);
    assert_eq!(
        world.sent[1..],
        [
            "330 r/email first notification: A",
            "330 r/webhook first notification: A",
        ]
    );
}
