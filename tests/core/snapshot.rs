//! The state written down and read back.

use std::sync::Arc;

use tocsin::core::{Core, RestoreError, SECTION_BYTES_TARGET};

use crate::support::{Health, STORE, World, alert, at, policy, restored, route, sections, simple};

/// A world with something of everything in it.
fn full() -> World {
    let mut policy = policy(route("r", &["n"]), &["r"]);
    policy.inhibit_rules = vec![tocsin::core::InhibitRule {
        source: crate::support::matchers("alertname=S"),
        target: crate::support::matchers("alertname=T"),
        ..tocsin::core::InhibitRule::default()
    }];
    let mut world = World::new(policy);
    world.silence("s", "alertname=X", 100);
    world.post(&["A n=1", "B n=2", "S n=3 job=b", "S n=3 job=a", "T n=4"]);
    world.run(40);
    world.post(&["-A n=1"]);
    world.health.insert("r".to_owned(), Health::Down);
    world.run(340);
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["C n=5"]);
    world.run(380);
    world
}

#[test]
fn c09_a_snapshot_read_back_is_the_same_state() {
    let world = full();
    let before = sections(&world.core);
    let core = restored(&before, &world.policy, 400);
    let kinds: Vec<u32> = before.iter().map(|section| section.kind).collect();
    assert_eq!(
        (sections(&core) == before, core.state_hash().unwrap(), kinds),
        (true, world.checked_hash(), vec![1, 2, 3, 4, 5, 6, 7])
    );
}

#[test]
fn a_core_goes_on_from_a_snapshot_as_it_would_have_gone_on() {
    let mut world = full();
    let core = restored(&sections(&world.core), &world.policy, 400);
    world.kill();
    let mut other = full();
    other.core = core;
    for world in [&mut world, &mut other] {
        world.restart(400);
        world.health.clear();
        world.run(5_000);
    }
    assert_eq!(
        (other.sent, other.core.state_hash().unwrap()),
        (world.sent.clone(), world.core.state_hash().unwrap())
    );
}

#[test]
fn under_another_policy_groups_that_are_there_again_keep_their_timers() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(100);
    let parts = sections(&world.core);
    let mut other = simple();
    other.hash = 1;
    let core = restored(&parts, &Arc::new(other), 200);
    let due: Vec<_> = core
        .tenant("")
        .unwrap()
        .groups()
        .map(|it| it.next_flush_at)
        .collect();
    assert_eq!(due, [at(330)]);
}

#[test]
fn sections_are_of_bounded_size() {
    let mut world = World::new(simple());
    let text = "x".repeat(2_000);
    let alerts = (0..2_000).map(|it| {
        let mut alert = alert(&format!("A n={it}"), 0, 100);
        alert.annotations = vec![("text".to_owned(), text.clone())];
        alert
    });
    world.post_alerts(alerts.collect());
    let parts = sections(&world.core);
    let longest = parts
        .iter()
        .map(|section| section.bytes.len())
        .max()
        .unwrap();
    let core = restored(&parts, &world.policy, 0);
    assert_eq!(
        (
            parts.iter().filter(|section| section.kind == 3).count(),
            longest < SECTION_BYTES_TARGET + 4_096,
            core.state_hash().unwrap()
        ),
        (4, true, world.core.state_hash().unwrap())
    );
}

#[test]
fn sections_that_are_none_are_refused() {
    let refused = |kind, bytes: &[u8]| -> RestoreError {
        let core = Core::new(STORE, Arc::new(simple()));
        let mut restore = tocsin::core::Restore::new(core, at(0));
        if kind != 2 {
            let parts = sections(&full().core);
            restore.section(1, &parts[0].bytes).unwrap();
        }
        restore.section(kind, bytes).unwrap_err()
    };
    let texts = [
        (2, &[0][..]),
        (1, &[9]),
        (3, &[1]),
        (4, &[1, 1, 255]),
        (99, &[]),
    ]
    .map(|(kind, bytes)| refused(kind, bytes).to_string());
    assert_eq!(
        texts.map(|text| text.split(": ").take(2).collect::<Vec<_>>().join(": ")),
        [
            "section 2 of the checkpoint comes before that of its tenant",
            "section 1 of the checkpoint: the payload is no tenant",
            "section 3 of the checkpoint: the payload is no list of alerts",
            "section 4 of the checkpoint: no protobuf message",
            "section 99 of the checkpoint is not known to this program",
        ]
    );
}
