//! Random histories: replay equals the live state, deciding twice decides nothing new, and no alert is
//! lost.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::snapshot::{restored, sections};
use crate::support::{Health, World, alert, policy, route};

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Fire(u8),
    /// As Prometheus sends it: it ends by itself if it is not sent again.
    Touch(u8),
    Resolve(u8),
    Wait(u16),
    Silence(u8, u16),
    Health(Health),
    Crash(u16),
    Reload(bool),
    Checkpoint,
}

fn step() -> impl Strategy<Value = Step> {
    let health = prop_oneof![
        3 => Just(Health::Up),
        1 => Just(Health::Down),
        1 => Just(Health::Stuck),
        1 => Just(Health::Silent),
    ];
    prop_oneof![
        6 => (0u8..8).prop_map(Step::Fire),
        4 => (0u8..8).prop_map(Step::Touch),
        4 => (0u8..8).prop_map(Step::Resolve),
        8 => (1u16..700).prop_map(Step::Wait),
        1 => (0u8..8, 1u16..2_000).prop_map(|(which, time)| Step::Silence(which, time)),
        2 => health.prop_map(Step::Health),
        2 => (0u16..2_000).prop_map(Step::Crash),
        1 => any::<bool>().prop_map(Step::Reload),
        1 => Just(Step::Checkpoint),
    ]
}

/// Alerts 0 to 7 in four groups; two alerts of each.
fn text(which: u8) -> String {
    format!("A{which} n={}", which % 4)
}

fn the_policy(repeat: bool) -> tocsin::core::Policy {
    let mut root = route("r", &["n"]);
    if repeat {
        root.repeat_interval = crate::support::seconds(1_200);
    }
    let mut policy = policy(root, &["r"]);
    policy.hash = u64::from(repeat);
    policy
}

/// Does a step. Whether the receivers have all answers again is up to the steps.
fn act(world: &mut World, step: &Step, silences: &mut u32) {
    let now = world.now;
    match step {
        Step::Fire(which) => drop(world.post_alerts(vec![alert(&text(*which), now, 10_000_000)])),
        Step::Touch(which) => drop(world.post_alerts(vec![alert(&text(*which), 0, now + 240)])),
        Step::Resolve(which) => drop(world.post_alerts(vec![alert(&text(*which), 0, now)])),
        Step::Wait(time) => world.run(now + i64::from(*time)),
        Step::Silence(which, time) => {
            *silences += 1;
            let until = now + i64::from(*time);
            world.silence(&silences.to_string(), &format!("alertname=A{which}"), until);
        }
        Step::Health(health) => drop(world.health.insert("r".to_owned(), *health)),
        Step::Crash(time) => world.crash(now + i64::from(*time)),
        Step::Reload(repeat) => {
            // The log knows nothing of reloads: replay is compared under the last policy only, so all
            // that differs is a time that no group is made of.
            world.reload(the_policy(*repeat));
        }
        Step::Checkpoint => {
            let parts = sections(&world.core);
            let core = restored(&parts, &world.policy, now);
            assert_eq!(sections(&core), parts);
        }
    }
}

/// What the receiver believes to fire, from everything that it got.
fn believed(world: &World) -> BTreeMap<String, bool> {
    let mut firing = BTreeMap::new();
    for notification in &world.got {
        for told in notification.sent() {
            let name = told.alert.labels.value("alertname").to_owned();
            firing.insert(name, !told.is_resolved);
        }
    }
    firing
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn replay_equals_the_live_state_also_through_a_checkpoint_in_the_middle(
        steps in prop::collection::vec(step(), 1..60),
        cut in 0usize..60,
    ) {
        let mut world = World::new(the_policy(false));
        let mut silences = 0;
        let mut checkpoint = None;
        for (place, step) in steps.iter().enumerate() {
            if place == cut {
                checkpoint = Some((sections(&world.core), world.log.len(), world.now));
            }
            if !matches!(step, Step::Reload(_)) {
                act(&mut world, step, &mut silences);
            }
        }
        let live = world.checked_hash();
        if let Some((parts, from, now)) = checkpoint {
            let mut core = restored(&parts, &world.policy, now);
            for (lsn, record) in &world.log[from..] {
                core.apply(*lsn, record.clone());
            }
            prop_assert_eq!(core.state_hash().unwrap(), live);
        }
    }

    #[test]
    fn deciding_again_without_the_records_decides_nothing_new(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = World::new(the_policy(false));
        let mut silences = 0;
        for step in &steps {
            act(&mut world, step, &mut silences);
        }
        world.now += 10_000;
        let mut twice = world.core.clone();
        twice.decide(crate::support::at(world.now));
        // What is smeared comes later, and at the same time there is nothing more.
        let again = twice.decide(crate::support::at(world.now));
        prop_assert_eq!(again.len(), 0);
    }

    #[test]
    #[ignore = "finds the loss that docs/decisions/0006 lists as open"]
    fn no_alert_is_lost_once_receivers_and_time_allow(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(the_policy(false));
        let mut silences = 0;
        for step in &steps {
            act(&mut world, step, &mut silences);
        }
        // The faults end: nothing is in flight, receivers are up, silences are over.
        let now = world.now + 3_000;
        world.health.clear();
        world.crash(now);
        world.run(now + 3_000);
        let at_end = crate::support::at(world.now);
        let mut fires = BTreeMap::new();
        if let Some(tenant) = world.core.tenant("") {
            for alert in tenant.alerts() {
                let name = alert.labels.value("alertname").to_owned();
                fires.insert(name, !alert.is_resolved_at(at_end));
            }
        }
        let believed = believed(&world);
        for (name, is_firing) in &fires {
            prop_assert_eq!(believed.get(name).copied().unwrap_or(false), *is_firing, "{}", name);
        }
        for (name, is_firing) in &believed {
            prop_assert!(!is_firing || fires.contains_key(name), "{} fires for ever", name);
        }
        for (group, alerts) in world.groups() {
            prop_assert!(alerts.iter().all(|name| fires[name]), "{} is not empty", group);
        }
    }
}
