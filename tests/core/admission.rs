//! What of a request gets into the log.

use tocsin::record::{AlertV1, Record};

use crate::support::{World, alert, at, simple};

/// The kinds of records of a request, and how many alerts are in each.
fn admitted(world: &mut World, alerts: Vec<AlertV1>) -> Vec<(&'static str, usize)> {
    let from = world.log.len();
    world.post_alerts(alerts);
    kinds(world.log[from..].iter().map(|(_, record)| record))
}

fn kinds<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<(&'static str, usize)> {
    records
        .map(|record| match record {
            Record::AlertTouch(touch) => ("touch", touch.touches.len()),
            Record::AlertBatch(batch) => ("full", batch.alerts.len()),
            _ => ("other", 0),
        })
        .collect()
}

#[test]
fn an_alert_received_again_with_nothing_new_but_its_end_is_a_touch() {
    let mut world = World::new(simple());
    let first = admitted(&mut world, vec![alert("A", 0, 300), alert("B", 0, 300)]);
    let again = admitted(&mut world, vec![alert("A", 0, 400), alert("B", 5, 300)]);
    let mut other = alert("A", 0, 500);
    other.annotations = vec![("summary".to_owned(), "x".to_owned())];
    let changed = admitted(&mut world, vec![other.clone()]);
    other.generator_url = "http://x".to_owned();
    let linked = admitted(&mut world, vec![other]);
    world.checked_hash();
    assert_eq!(
        (first, again, changed, linked),
        (
            vec![("full", 2)],
            vec![("touch", 1), ("full", 1)],
            vec![("full", 1)],
            vec![("full", 1)],
        )
    );
}

#[test]
fn an_alert_that_could_be_collected_meanwhile_is_not_touched() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 10)]);
    world.now = 1_500;
    let early = admitted(&mut world, vec![alert("A", 0, 10)]);
    world.now = 1_511;
    let late = admitted(&mut world, vec![alert("A", 0, 10)]);
    assert_eq!((early, late), (vec![("touch", 1)], vec![("full", 1)]));
}

#[test]
fn an_alert_that_is_on_its_way_in_full_is_not_touched_until_it_is_there_or_refused() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 300)]);
    let changed = AlertV1 {
        generator_url: "http://x".to_owned(),
        ..alert("A", 0, 300)
    };
    let tenant = world.core.tenant_entry("");
    let on_its_way = tenant.admit(at(1), &[changed.into()]).records;
    let meanwhile = tenant.admit(at(2), &[alert("A", 0, 300).into()]).records;
    tenant.withdraw(&on_its_way);
    tenant.withdraw(&meanwhile);
    let refused = tenant.admit(at(3), &[alert("A", 0, 300).into()]).records;
    assert_eq!(
        (kinds(meanwhile.iter()), kinds(refused.iter())),
        (vec![("full", 1)], vec![("touch", 1)])
    );
}

#[test]
fn a08_a_large_request_is_cut_into_records_of_bounded_size() {
    let mut world = World::new(simple());
    let alerts = (0..3_000).map(|it| alert(&format!("A n={it}"), 0, 300));
    let alerts: Vec<AlertV1> = alerts.collect();
    let full = admitted(&mut world, alerts.clone());
    let touched = admitted(&mut world, alerts);
    let long = "x".repeat(700_000);
    let large = (0..3).map(|it| AlertV1 {
        annotations: vec![("text".to_owned(), long.clone())],
        ..alert(&format!("B n={it}"), 0, 300)
    });
    let large = admitted(&mut world, large.collect());
    assert_eq!(
        (full, touched, large),
        (
            vec![("full", 1_024), ("full", 1_024), ("full", 952)],
            vec![("touch", 1_024), ("touch", 1_024), ("touch", 952)],
            vec![("full", 1), ("full", 1), ("full", 1)],
        )
    );
}

#[test]
fn h08_a12_alerts_over_the_limit_of_their_name_are_named_and_do_not_get_into_the_log() {
    let mut policy = simple();
    policy.limits.alerts_per_name = Some(2);
    let mut world = World::new(policy);
    let first = world.post_alerts(vec![
        alert("A n=1", 0, 100),
        alert("A n=2", 0, 200),
        alert("A n=3", 0, 200),
        alert("B n=1", 0, 200),
    ]);
    let known = world.post_alerts(vec![alert("A n=1", 0, 120)]);
    let full = world.post_alerts(vec![alert("A n=3", 0, 200)]);
    world.now = 120;
    let free = world.post_alerts(vec![alert("A n=3", 0, 200), alert("A n=4", 0, 200)]);
    world.checked_hash();
    let stored = world.core.tenant("").unwrap().alerts().len();
    assert_eq!(
        (first, known, full, free, stored),
        (vec![2], vec![], vec![0], vec![1], 4)
    );
}

#[test]
fn a_touch_of_an_alert_that_is_not_known_is_reported() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 300)]);
    world.post_alerts(vec![alert("A", 0, 400)]);
    let (_, touch) = world.log[1].clone();
    let mut empty = World::new(simple());
    empty.append(touch);
    let alert = crate::support::labels("A").fingerprint();
    assert_eq!(
        empty.events,
        [tocsin::core::Event::UnknownTouched { alert }]
    );
}
