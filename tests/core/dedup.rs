//! The decision table, line by line.

use tocsin::core::dedup::{Reason, Telling, Told, reason};
use tocsin::model::Duration;
use tocsin::sys::WallTime;

fn decide(
    told: Option<(&[u64], &[u64], i64)>,
    firing: &[u64],
    resolved: &[u64],
    wants: bool,
) -> Reason {
    let told = told.map(|(firing, resolved, at)| Told {
        at: WallTime(at),
        firing: firing.to_vec(),
        resolved: resolved.to_vec(),
    });
    let telling = Telling {
        firing,
        resolved,
        send_resolved: wants,
        repeat_interval: Duration::from_nanos(100),
        now: WallTime(1_000),
    };
    reason(told.as_ref(), &telling)
}

#[test]
fn every_line_of_the_decision_table() {
    use Reason::{AllResolved, FirstNotification, NewAlerts, RepeatInterval, SomeResolved};
    let none: &[u64] = &[];
    let seen = [
        decide(None, &[1], none, true),
        decide(None, none, &[1], true),
        decide(Some((none, &[1], 990)), &[1], none, true),
        decide(Some((&[1], none, 990)), &[1, 2], none, true),
        decide(Some((&[1], none, 990)), none, &[1], true),
        decide(Some((&[1], none, 990)), none, &[1], false),
        decide(Some((none, &[1], 990)), none, &[1], true),
        decide(Some((none, &[1], 0)), none, &[1], true),
        decide(Some((&[1, 2], none, 990)), &[1], &[2], true),
        decide(Some((&[1, 2], none, 990)), &[1], &[2], false),
        decide(Some((&[1, 2], &[2], 990)), &[1], &[2], true),
        decide(Some((&[1, 2], none, 900)), &[1], none, true),
        decide(Some((&[1, 2], none, 899)), &[1], none, true),
        decide(Some((&[1, 2], none, 2_000)), &[1], none, true),
    ];
    assert_eq!(
        seen,
        [
            FirstNotification,
            Reason::None,
            FirstNotification,
            NewAlerts,
            AllResolved,
            AllResolved,
            Reason::None,
            Reason::None,
            SomeResolved,
            Reason::None,
            Reason::None,
            Reason::None,
            RepeatInterval,
            Reason::None,
        ]
    );
}

#[test]
fn reasons_are_spelled_as_templates_know_them() {
    let all = [
        Reason::FirstNotification,
        Reason::NewAlerts,
        Reason::SomeResolved,
        Reason::AllResolved,
        Reason::RepeatInterval,
        Reason::None,
    ];
    assert_eq!(
        all.map(Reason::as_str),
        [
            "first notification",
            "new alerts added",
            "some alerts resolved",
            "all alerts resolved",
            "repeat interval elapsed",
            "none",
        ]
    );
}
