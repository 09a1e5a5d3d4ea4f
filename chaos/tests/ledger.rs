//! What was said and acknowledged, against what was told: every fault that there can be is found.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tocsin_chaos::demo::ledger::{Answer, Faults, Judged, Ledger, State, Statement, Telling};
use tocsin_chaos::demo::nemesis::Outage;

use Answer::{Acknowledged, Refused, Unknown};
use State::Firing;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn over(second: i64) -> State {
    State::Over(Timestamp::from_second(second).unwrap())
}

/// A request about one alert that takes no time.
fn said(second: u64, state: State, answer: Answer) -> Statement {
    Statement {
        asked_at: at(second),
        answered_at: at(second),
        answer,
        alerts: vec![("a".to_owned(), state)],
    }
}

fn told(second: u64, key: &str, state: State) -> Telling {
    Telling {
        at: at(second),
        key: Some(key.to_owned()),
        group: "{}".to_owned(),
        alerts: BTreeMap::from([("a".to_owned(), state)]),
    }
}

fn outage(killed: u64, ready: u64) -> Outage {
    Outage {
        killed_at: at(killed),
        ready_at: at(ready),
    }
}

#[test]
fn all_is_well_when_each_change_is_told_once() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(3, Firing, Acknowledged),
            said(5, over(5), Refused),
            said(9, over(5), Acknowledged),
        ],
        tellings: vec![
            told(2, "1", Firing),
            told(8, "1", Firing),
            told(10, "2", over(5)),
        ],
        outages: vec![outage(4, 7)],
    };
    assert_eq!(
        ledger.judged(),
        Judged {
            acknowledged: 3,
            alerts_acknowledged: 3,
            refused: 1,
            changes: 2,
            changes_told: 2,
            tellings: 3,
            repeated: 1,
            ..Judged::default()
        }
    );
}

#[test]
fn what_was_acknowledged_and_never_told_is_missing() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(10, over(9), Acknowledged),
        ],
        tellings: vec![told(2, "1", Firing)],
        outages: vec![outage(11, 12)],
    };
    assert_eq!(
        ledger.judged().faults,
        Faults {
            missing: vec!["a resolved, acknowledged at 10.0 s".to_owned()],
            ..Faults::default()
        }
    );
}

#[test]
fn a_later_telling_does_not_stand_in_for_one_that_was_forgotten() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(10, over(9), Acknowledged),
            said(20, Firing, Acknowledged),
        ],
        tellings: vec![told(11, "1", over(9)), told(21, "2", Firing)],
        outages: Vec::new(),
    };
    assert_eq!(
        ledger.judged().faults.missing,
        ["a firing, acknowledged at 1.0 s"]
    );
}

#[test]
fn a_change_that_ended_while_the_server_was_hardly_up_is_not_owed() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(10, over(9), Acknowledged),
            said(16, Firing, Acknowledged),
        ],
        tellings: vec![told(2, "1", Firing)],
        outages: vec![outage(11, 15)],
    };
    let judged = ledger.judged();
    assert_eq!(
        (
            judged.changes,
            judged.changes_told,
            judged.changes_too_short,
            judged.faults
        ),
        (
            3,
            1,
            1,
            Faults {
                missing: vec!["a firing, acknowledged at 16.0 s".to_owned()],
                ..Faults::default()
            }
        )
    );
}

#[test]
fn a_request_without_an_answer_ends_what_was_owed_and_owes_nothing() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(3, over(3), Unknown),
            said(6, Firing, Acknowledged),
        ],
        tellings: Vec::new(),
        outages: vec![outage(3, 5)],
    };
    let judged = ledger.judged();
    assert_eq!(
        (judged.unknown, judged.changes, judged.changes_too_short),
        (1, 1, 1)
    );
}

#[test]
fn an_end_that_nobody_sent_is_false() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(4, over(4), Acknowledged),
        ],
        tellings: vec![told(2, "1", Firing), told(5, "2", over(3))],
        outages: Vec::new(),
    };
    assert_eq!(
        ledger.judged().faults.false_ends,
        ["a, told at 5.0 s to be over since 1970-01-01T00:00:03Z"]
    );
}

#[test]
fn the_same_under_another_key_and_another_thing_under_the_same_key_are_faults() {
    let ledger = Ledger {
        statements: vec![
            said(1, Firing, Acknowledged),
            said(4, over(4), Acknowledged),
        ],
        tellings: vec![
            told(2, "1", Firing),
            told(3, "2", Firing),
            told(5, "2", over(4)),
        ],
        outages: Vec::new(),
    };
    let faults = ledger.judged().faults;
    assert_eq!(
        (faults.told_again, faults.keys_used_twice),
        (
            vec!["{} at 3.0 s".to_owned()],
            vec![
                "{}: {\"a\": Firing} at 3.0 s, {\"a\": Over(1970-01-01T00:00:04Z)} at 5.0 s"
                    .to_owned()
            ]
        )
    );
}

#[test]
fn a_refusal_is_a_fault_unless_the_server_was_down() {
    let ledger = Ledger {
        statements: vec![said(3, Firing, Refused), said(9, Firing, Unknown)],
        tellings: Vec::new(),
        outages: vec![outage(2, 4)],
    };
    assert_eq!(
        ledger.judged().faults.refused_while_up,
        ["at 9.0 s, Unknown"]
    );
}
