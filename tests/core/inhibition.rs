//! Who keeps whom quiet.

use tocsin::core::{InhibitRule, Policy};

use crate::support::{World, alert, at, labels, matchers, simple};

fn with_rule(source: &str, target: &str, equal: &[&str]) -> Policy {
    let mut policy = simple();
    policy.inhibit_rules = vec![InhibitRule {
        source: matchers(source),
        target: matchers(target),
        equal: equal.iter().map(|it| (*it).to_owned()).collect(),
        ..InhibitRule::default()
    }];
    policy
}

/// Who inhibits these alerts then: the job of the source.
fn inhibitor(world: &World, text: &str, now: i64) -> Option<String> {
    let tenant = world.core.tenant("").unwrap();
    let source = tenant.predict(&labels(text), at(now)).inhibited_by?;
    let alert = tenant.alert(source).unwrap();
    Some(alert.labels.value("job").to_owned())
}

#[test]
fn a_source_inhibits_targets_with_equal_labels_where_a_missing_one_counts_as_empty() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &["cluster"]));
    world.post(&["S job=a cluster=1", "S job=b"]);
    let seen =
        ["T cluster=1", "T cluster=2", "T", "U cluster=1"].map(|text| inhibitor(&world, text, 0));
    assert_eq!(
        seen,
        [Some("a".to_owned()), None, Some("b".to_owned()), None]
    );
}

#[test]
fn a_source_that_ended_does_not_inhibit_and_the_first_of_several_is_named() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &[]));
    world.post_alerts(vec![alert("S job=b", 0, 50), alert("S job=a", 0, 40)]);
    let seen = [10, 49, 50].map(|now| inhibitor(&world, "T", now));
    assert_eq!(seen, [Some("b".to_owned()), Some("b".to_owned()), None]);
}

#[test]
fn a_newcomer_is_named_if_the_one_before_ends_no_later() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &[]));
    world.post_alerts(vec![alert("S job=b", 0, 50)]);
    world.post_alerts(vec![alert("S job=a", 0, 50)]);
    assert_eq!(inhibitor(&world, "T", 10), Some("a".to_owned()));
}

#[test]
fn an_alert_that_is_source_and_target_is_not_inhibited_by_one_that_is_too() {
    let mut world = World::new(with_rule("severity=~\"a|b\"", "severity=~\"b|c\"", &[]));
    world.post(&["X job=both severity=b"]);
    let by_both = [
        inhibitor(&world, "Y severity=b", 0),
        inhibitor(&world, "Y severity=c", 0),
    ];
    assert_eq!(by_both, [None, Some("both".to_owned())]);
}

#[test]
fn silenced_sources_inhibit() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &[]));
    world.silence("s", "alertname=S", 10_000);
    world.post(&["S job=a", "T"]);
    world.run(100);
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}

#[test]
fn h15_when_the_named_source_ends_or_is_collected_another_inhibits_at_once() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &[]));
    world.post_alerts(vec![
        alert("S job=a", 0, 90_000),
        alert("S job=b", 0, 50_000),
    ]);
    world.post_alerts(vec![alert("S job=b", 0, 60_000)]);
    let before = inhibitor(&world, "T", 10);
    world.now = 10;
    world.post_alerts(vec![alert("S job=a", 0, 10)]);
    let ended = inhibitor(&world, "T", 20);
    world.run(4_000);
    let known = world.core.tenant("").unwrap().alerts().len();
    let collected = inhibitor(&world, "T", 8_000);
    world.checked_hash();
    assert_eq!(
        (before, ended, known, collected),
        (
            Some("a".to_owned()),
            Some("b".to_owned()),
            1,
            Some("b".to_owned())
        )
    );
}

#[test]
fn h05_r39_sources_inhibit_after_a_restart_before_anything_is_sent_again() {
    let mut world = World::new(with_rule("alertname=S", "alertname=T", &[]));
    world.silence("s", "alertname=S", 100_000);
    world.post(&["T", "S job=a"]);
    world.run(10);
    world.crash(1_000);
    world.run(2_000);
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}
