//! What becomes of an alert that is received again.

use tocsin::record::AlertV1;

use crate::support::{World, alert, at, labels, simple};

/// The alert of the store after these were received at these times: start, end, whether the end is a
/// guess.
fn stored(received: &[(i64, i64, i64, bool)]) -> (i64, i64, bool) {
    let mut world = World::new(simple());
    for (now, starts, ends, is_timeout) in received {
        world.now = *now;
        let received = AlertV1 {
            is_timeout: *is_timeout,
            ..alert("A", *starts, *ends)
        };
        world.post_alerts(vec![received]);
    }
    world.checked_hash();
    let tenant = world.core.tenant("").unwrap();
    let found = tenant.alert(labels("A").fingerprint()).unwrap();
    let since = |time: tocsin::sys::WallTime| (time.0 - at(0).0) / 1_000_000_000;
    (
        since(found.starts_at),
        since(found.ends_at),
        found.is_timeout,
    )
}

#[test]
fn alerts_that_do_not_overlap_take_each_others_place() {
    let seen = [
        // Later altogether.
        stored(&[(0, 0, 10, false), (20, 20, 30, false)]),
        // The same start and a later end: not an overlap in the strict sense.
        stored(&[(0, 0, 10, false), (5, 0, 15, false)]),
        // The same times.
        stored(&[(0, 0, 10, false), (5, 0, 10, true)]),
        // Around the other one.
        stored(&[(0, 5, 10, false), (5, 0, 15, false)]),
    ];
    assert_eq!(
        seen,
        [
            (20, 30, false),
            (0, 15, false),
            (0, 10, true),
            (0, 15, false)
        ]
    );
}

#[test]
fn alerts_that_overlap_are_merged() {
    let seen = [
        // Still firing: the older, later end stays, because its sender gave it.
        stored(&[(0, 0, 100, false), (5, 2, 50, false)]),
        // The older end was a guess.
        stored(&[(0, 0, 100, true), (5, 2, 50, false)]),
        // A later start within: the earlier start stays.
        stored(&[(0, 0, 100, false), (5, 50, 200, false)]),
        // Resolved, and the other one fires: its end is the younger's.
        stored(&[(0, 0, 100, false), (60, 0, 50, false)]),
        // Both resolved: the later end.
        stored(&[(0, 0, 40, false), (60, 0, 30, false)]),
    ];
    assert_eq!(
        seen,
        [
            (0, 100, false),
            (0, 50, false),
            (0, 200, false),
            (0, 50, false),
            (0, 40, false),
        ]
    );
}

#[test]
fn a09_firing_resolved_firing_in_one_window_keeps_its_order() {
    let mut world = World::new(simple());
    let received = vec![alert("A", 0, 100), alert("A", 0, 0), alert("A", 1, 100)];
    world.post_alerts(received);
    world.kill();
    assert_eq!(world.ends("A"), 100);
}

#[test]
fn a15_updates_of_the_same_nanosecond_are_told_apart_by_their_place_in_the_log() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 0)]);
    world.post_alerts(vec![alert("A", 0, 100)]);
    world.kill();
    assert_eq!(world.ends("A"), 100);
}

#[test]
fn h14_updates_are_applied_in_the_order_in_which_they_were_acknowledged() {
    let mut world = World::new(simple());
    for round in 0..50 {
        world.post_alerts(vec![alert("A", 0, 1_000)]);
        world.post_alerts(vec![alert("A", 0, 0)]);
        assert_eq!((round, world.ends("A")), (round, 0));
    }
}
