//! Hand-made events: what the oracle has to excuse, and beside it the nearest thing that it must not.

use std::sync::Arc;

use tocsin::core::Policy;
use tocsin::model::RouteTree;
use tocsin::model::route::RouteSpec;
use tocsin::record::{AlertBatchV1, AlertV1, FlushIntentV1, Lsn, NotificationKeyV1, Record};

use super::super::setting::Setting;
use super::super::world::{Message, wall};
use super::*;

/// The interval of the groups.
const UNIT: Ms = 60_000;

/// Groups; series 0 and 3 are of the first.
const GROUPS: usize = 3;

/// The first receiver, who is told of ends.
const A: usize = 0;

fn oracle() -> Oracle {
    // One receiver only.
    let mut drawn = (1..).map(Setting::draw);
    let mut setting = drawn.find(|it| it.targets().len() == 1).unwrap();
    (setting.unit_ms, setting.wait_ms, setting.beat_ms) = (UNIT, UNIT / 2, 10_000);
    (setting.repeat_ms, setting.resolve_timeout_ms) = ([6 * UNIT, 15 * UNIT], 5 * UNIT);
    setting.series = 2 * GROUPS;
    let mut oracle = Oracle::new(&setting, GROUPS);
    oracle.ready(0, None, wall(0), &core(&[]));
    oracle
}

/// What a start finds in the log.
fn core(records: &[Record]) -> Core {
    let routes = RouteTree::new(RouteSpec::default());
    let mut core = Core::new([7; 16], Arc::new(Policy::new(routes, BTreeMap::new())));
    for (number, record) in (1..).zip(records) {
        core.apply(Lsn(number), record.clone());
    }
    core
}

/// A series in the store, firing until then.
fn stored(series: usize, ends: Ms) -> Record {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    Record::AlertBatch(AlertBatchV1 {
        tenant: String::new(),
        received_at_ns: wall(0).0,
        alerts: vec![AlertV1 {
            labels: vec![
                pair("alertname", format!("A{series}")),
                pair("g", (series % GROUPS).to_string()),
            ],
            annotations: vec![],
            starts_at_ns: wall(0).0,
            ends_at_ns: wall(ends).0,
            is_timeout: false,
            generator_url: String::new(),
        }],
    })
}

/// A notification of a group that was about to be sent to the first receiver.
fn intended(group: usize, firing: &[u64], resolved: &[u64]) -> Record {
    Record::FlushIntent(FlushIntentV1 {
        flush_id: 9,
        key: NotificationKeyV1 {
            tenant: String::new(),
            group_key: format!("{{}}:{{g=\"{group}\"}}"),
            receiver: "a".to_owned(),
            integration: "webhook".to_owned(),
            index: 0,
        },
        attempt: 1,
        reason: "new alerts".to_owned(),
        firing: firing.to_vec(),
        resolved: resolved.to_vec(),
        idempotency_key: [9; 32],
        decided_at_ns: wall(0).0,
    })
}

/// Told to the first receiver: each series, and whether it is over.
fn told(at: Ms, key: u8, alerts: &[(usize, bool)]) -> Message {
    Message {
        at,
        target: A,
        group: alerts[0].0 % GROUPS,
        flush: u64::from(key),
        attempt: 1,
        is_recovered: false,
        key: [key; 32],
        reason: "new alerts".to_owned(),
        alerts: alerts
            .iter()
            .map(|(series, over)| (*series, 0, *over))
            .collect(),
        health: Health::Up,
    }
}

impl Oracle {
    /// It fires, until then if nothing else is sent, or is over; and that is acknowledged.
    fn said(&mut self, request: u64, series: usize, at: Ms, is_over: bool) {
        let claim = match is_over {
            true => Claim::Over {
                starts: 0,
                ends: at,
            },
            false => Claim::Fires {
                starts: 0,
                ends: 1_000 * UNIT,
            },
        };
        self.sent(request, series, claim, at);
        self.acknowledged(request, series, claim, at);
    }

    /// The invariant that is violated.
    fn named(&self) -> Option<&str> {
        let text = self.violation()?;
        text.split_once(':').map(|(named, _)| named)
    }
}

/// An end is told of an alert of whose beginning a kill left in doubt whether the receiver has it: it hung
/// when that was sent.
#[test]
fn i7_an_end_whose_beginning_a_kill_left_in_doubt_may_be_told() {
    let end_of_the_other = |open: Record, is_told_between: bool| {
        let mut oracle = oracle();
        oracle.said(1, 0, 10_000, false);
        oracle.message(told(40_000, 1, &[(0, false)]));
        oracle.said(2, 0, 50_000, true);
        oracle.message(told(100_000, 2, &[(0, true)]));
        oracle.said(3, 3, 110_000, false);
        oracle.said(4, 3, 200_000, true);
        oracle.down(210_000, false);
        oracle.ready(220_000, Some(210_000), wall(220_000), &core(&[open]));
        if is_told_between {
            // The start has told what was in doubt: now it is certain what the receiver has.
            oracle.message(told(220_100, 3, &[(0, true)]));
        }
        oracle.message(told(230_000, 4, &[(3, true)]));
        oracle.named().map(str::to_owned)
    };
    let i7 = Some("I7".to_owned());
    assert_eq!(
        [
            end_of_the_other(intended(0, &[1], &[]), false),
            end_of_the_other(intended(0, &[1], &[]), true),
            end_of_the_other(intended(0, &[], &[1]), false),
            end_of_the_other(intended(1, &[1], &[]), false),
        ],
        [None, i7.clone(), i7.clone(), i7]
    );
}

/// Where the clock was set, an alert that fires may have ended for the server and begun anew: what is said
/// again is something else to it. A key means one thing by any clock.
#[test]
fn i5_the_same_under_another_key_is_excused_where_the_clock_was_set() {
    let again = |times_hold: bool, key: u8, is_over: bool| {
        let mut oracle = oracle();
        oracle.set_times_hold(times_hold);
        oracle.said(1, 0, 10_000, false);
        oracle.message(told(40_000, 1, &[(0, false)]));
        oracle.message(told(100_000, key, &[(0, is_over)]));
        oracle.named().map(str::to_owned)
    };
    let i5 = Some("I5".to_owned());
    assert_eq!(
        [
            again(false, 2, false),
            again(true, 2, false),
            again(false, 1, true),
        ],
        [None, i5.clone(), i5]
    );
}

/// What was due while no process ran is owed, though it is over since. The process has ended so often while
/// it was being sent that it was left out.
#[test]
fn i3_what_was_left_out_is_not_owed_any_more_unless_it_is_still_so() {
    let never_told = |left_out: Option<usize>, is_over: bool| {
        let mut oracle = oracle();
        oracle.said(1, 0, 10_000, false);
        oracle.down(20_000, false);
        oracle.ready(
            200_000,
            Some(20_000),
            wall(200_000),
            &core(&[stored(0, 1_000 * UNIT)]),
        );
        if is_over {
            oracle.said(2, 0, 201_000, true);
        }
        if let Some(group) = left_out {
            oracle.left_out("a", 0, group);
        }
        oracle.look(300_000);
        let named = oracle.violation().and_then(|it| it.split(" since").next());
        named.map(str::to_owned)
    };
    let late = |what: &str| Some(format!("I1/I2/I3: A0 {what}"));
    assert_eq!(
        [
            never_told(Some(0), true),
            never_told(Some(1), true),
            never_told(None, true),
            never_told(Some(0), false),
        ],
        [None, late("was owed"), late("was owed"), late("fires")]
    );
}
