//! The checker is told hand-made histories: a sound one, and for each invariant some that violate it.
//! It has to name that invariant, and no other.

mod story;

use std::collections::BTreeMap;

use tocsin_chaos::checker::{Counts, Invariant, Kind, Verdict};
use tocsin_chaos::history::{At, Event, How, Outcome, Status, Then, Wall, read, write_entry};

use Status::{Firing, Resolved};

use story::{Story, sound};

#[test]
fn a_sound_history_has_no_violation_and_all_is_counted() {
    let verdict = sound().down(6_000, 6_100).verdict();
    let expected = Verdict {
        counts: Counts {
            kills: 1,
            starts: 2,
            requests_acknowledged: 2,
            transitions: 2,
            deliveries_owed: 2,
            delivered: 2,
            slowest_ms: 200,
            messages: 2,
            ..Counts::default()
        },
        violations: Vec::new(),
    };
    assert_eq!(verdict, expected);
}

#[test]
fn i1_an_acknowledged_alert_that_is_never_told_is_lost() {
    let story = Story::new().post(1_000, &[("1", Firing)]);
    assert_eq!(story.named(), [(Invariant::I1, Kind::Lost)]);
}

#[test]
fn i1_an_alert_told_after_more_than_the_bound_is_out_of_bound() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .down(2_000, 3_000)
        .told(8_000, &[("1", Firing)]);
    let named = story.named();
    assert_eq!(
        named.first(),
        Some(&(Invariant::I1, Kind::OutOfBound)),
        "{named:?}"
    );
}

#[test]
fn i1_the_valid_alerts_of_a_batch_that_was_refused_are_acknowledged() {
    let bad = Outcome::Status(400);
    let valid = Story::new().post_as(1_000, &[("1", Firing)], bad, true);
    let invalid = Story::new().post_as(1_000, &[("1", Firing)], bad, false);
    assert_eq!(
        (valid.named(), invalid.named()),
        (vec![(Invariant::I1, Kind::Lost)], vec![])
    );
}

#[test]
fn i1_a_machine_that_stood_still_excuses_what_is_late() {
    let late = || {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .down(1_100, 1_150)
            .told(7_000, &[("1", Firing)])
    };
    let stalled = late().with(6_900, Event::Stall { ms: 5_500 });
    assert_eq!((late().named().len(), stalled.named()), (2, vec![]));
}

#[test]
fn i1_nothing_is_owed_for_what_nobody_knows_or_was_over_too_soon() {
    let story = Story::new()
        .post_as(1_000, &[("1", Firing)], Outcome::Broken, true)
        .post(1_000, &[("2", Firing)])
        .post(1_300, &[("2", Resolved)]);
    assert_eq!(story.named(), []);
}

#[test]
fn i1_a_receiver_that_was_not_well_is_still_told_when_it_is() {
    let mode = |then| Event::SinkMode {
        integration: "hook".to_owned(),
        then,
    };
    let story = Story::new()
        .with(500, mode(Then::ServerError))
        .post(1_000, &[("1", Firing)])
        .with(3_000, mode(Then::Ok));
    let told = story.clone().told(7_000, &[("1", Firing)]);
    assert_eq!(
        (story.named(), told.named()),
        (vec![(Invariant::I1, Kind::Lost)], vec![])
    );
}

/// A beginning is due while no process runs. The next one is held for a while, tells it to a receiver that has
/// fallen ill, and is told that it is over. Or it does not try; or only when it has had the time to tell it
/// while the receiver was well.
#[test]
fn i1_a_downtime_before_a_try_in_vain_is_none_in_which_it_could_be_told() {
    let story = |ill_ms: u64| {
        let mode = |then| Event::SinkMode {
            integration: "hook".to_owned(),
            then,
        };
        Story::new()
            .post(1_000, &[("1", Firing)])
            .down(1_010, 5_000)
            .held(5_050, 5_350)
            .with(ill_ms, mode(Then::Lose))
            .with(ill_ms + 100, mode(Then::Ok))
            .post(ill_ms + 50, &[("1", Resolved)])
    };
    let tried = |ill_ms: u64| {
        story(ill_ms).told_as(ill_ms + 20, &[("1", Firing)], Some("in vain"), Then::Lose)
    };
    assert_eq!(
        [
            tried(5_750).named(),
            story(5_750).named(),
            tried(5_850).named()
        ],
        [
            vec![],
            vec![(Invariant::I1, Kind::Lost)],
            vec![(Invariant::I1, Kind::Lost)]
        ]
    );
}

/// A beginning is due while no process runs, and over before the next start can tell of it: that start is killed
/// too soon, or a silence comes before its turn. Or the start, or the time without a silence, was long enough.
#[test]
fn i3_a_beginning_that_a_start_could_not_tell_before_it_was_over_is_not_lost() {
    let begun = || {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .down(1_010, 5_000)
            .post(5_050, &[("1", Resolved)])
    };
    let killed = |ms: u64| begun().down(ms, ms + 100).named();
    let silenced = |ms: u64| begun().silence(ms, "1", 9_000).named();
    let lost = vec![(Invariant::I1, Kind::Lost)];
    assert_eq!(
        [
            killed(5_400),
            killed(5_600),
            silenced(5_400),
            silenced(5_600)
        ],
        [vec![], lost.clone(), vec![], lost]
    );
}

/// An end is over too soon to be told, and it ends again later; or it held for long enough.
#[test]
fn i2_an_end_that_is_not_owed_is_not_told_late_by_what_is_told_of_the_next_one() {
    let told = |anew_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(2_000, &[("1", Resolved)])
            .post(anew_ms, &[("1", Firing)])
            .down(8_400, 8_600)
            .post(8_610, &[("1", Resolved)])
            .told(8_700, &[("1", Resolved)])
            .verdict()
            .violations
            .iter()
            .filter(|it| it.kind == Kind::OutOfBound)
            .count()
    };
    assert_eq!([told(2_400), told(4_000)], [0, 1]);
}

/// Who wants no ends is not told anew of what was over for a moment. What it is told when it fires for the third
/// time is told of that.
#[test]
fn i1_what_is_no_news_is_not_told_late_by_what_is_told_of_the_next_beginning() {
    let told = |again_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(2_000, &[("1", Resolved)])
            .post(2_020, &[("1", Firing)])
            .post(again_ms - 600, &[("1", Resolved)])
            .post(again_ms, &[("1", Firing)])
            .told(8_300, &[("1", Firing)])
            .verdict()
            .violations
            .iter()
            .filter(|it| it.kind == Kind::OutOfBound)
            .count()
    };
    assert_eq!([told(8_100), told(8_310)], [0, 1]);
}

#[test]
fn i2_an_end_that_is_never_told_to_who_was_told_the_beginning_is_lost() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told(1_210, &[("1", Firing)])
        .post(4_000, &[("1", Resolved)]);
    assert_eq!(story.named(), [(Invariant::I2, Kind::Lost)]);
}

/// An end that nobody was owed, because the beginning was not told; it fires again, and is over for good.
#[test]
fn i2_an_end_is_not_owed_because_of_a_beginning_after_it() {
    let told = |firing_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .post(1_100, &[("1", Resolved)])
            .post(3_000, &[("1", Firing)])
            .told(firing_ms, &[("1", Firing)])
            .post(9_000, &[("1", Resolved)])
            .told(9_210, &[("1", Resolved)])
    };
    let named = |story: Story| -> Vec<(Invariant, Kind)> {
        let violations = story.verdict().violations.into_iter();
        let of_ends = violations.filter(|it| it.invariant == Invariant::I2);
        of_ends.map(|it| (it.invariant, it.kind)).collect()
    };
    assert_eq!(
        (named(told(3_210)), named(told(1_210))),
        (vec![], vec![(Invariant::I2, Kind::Lost)])
    );
}

/// An end is due while no process runs. Before the next start has told of it, it fires and is over again.
#[test]
fn i2_an_end_that_a_start_tells_of_after_the_next_one_is_not_lost() {
    let story = || {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(4_000, &[("1", Resolved)])
            .post(5_605, &[("1", Firing)])
            .post(5_620, &[("1", Resolved)])
            .told(5_640, &[("1", Resolved)])
    };
    let after_a_downtime = story().down(4_100, 5_600);
    assert_eq!(
        (after_a_downtime.named(), story().named()),
        (vec![], vec![(Invariant::I2, Kind::Lost)])
    );
}

/// An end is due while no process runs. It fires anew before the start has told of that, and the start is
/// killed: the next one tells how it is then, and not of an end that would be a false all-clear.
#[test]
fn i2_an_end_that_a_cut_off_start_did_not_tell_before_it_fired_anew_is_not_lost() {
    let fires_anew = |anew_ms: u64, killed_ms: u64| {
        let story = Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            // In a start that is cut off: not part of what that start tells.
            .down(3_000, 3_500)
            .post(3_510, &[("1", Resolved)])
            .down(3_600, 6_000)
            .down(6_100, 8_000)
            .post(anew_ms, &[("1", Firing)])
            .down(killed_ms, killed_ms + 100);
        let violations = story.verdict().violations.into_iter();
        let of_ends = violations.filter(|it| it.invariant == Invariant::I2);
        of_ends.map(|it| it.kind).collect::<Vec<_>>()
    };
    assert_eq!(
        [
            fires_anew(8_010, 8_090),
            fires_anew(8_010, 8_600),
            // Not before the start is over, but in the next one, which is not cut off.
            fires_anew(8_250, 8_150),
        ],
        [vec![], vec![Kind::Lost], vec![Kind::Lost]]
    );
}

/// What a start tells late is frozen when it begins. What is acknowledged after that has no time in which it
/// could be told, if the process is killed at once and it is over when the next one is up.
#[test]
fn i1_what_is_acknowledged_in_a_start_that_is_cut_off_is_not_owed_for_the_downtime_after_it() {
    let fires = |from_ms: u64| {
        Story::new()
            .down(3_000, 3_500)
            .post(from_ms, &[("1", Firing)])
            .down(from_ms + 80, from_ms + 2_000)
            .post(from_ms + 2_010, &[("1", Resolved)])
            .named()
    };
    assert_eq!(
        (fires(3_520), fires(4_200)),
        (vec![], vec![(Invariant::I1, Kind::Lost)])
    );
}

/// A process whose disk has failed does nothing more, and takes its time to end.
/// The same, where a fault of the disk ends the process: it does nothing more, though it is there for a while.
#[test]
fn i1_what_is_acknowledged_in_a_start_that_a_fault_cuts_off_is_not_owed_for_the_downtime_after_it()
{
    let fires = |from_ms: u64| {
        let (call, error) = ("fdatasync".to_owned(), "EIO".to_owned());
        Story::new()
            .down(3_000, 3_500)
            .post(from_ms, &[("1", Firing)])
            .with(from_ms + 80, Event::DiskFault { call, error })
            .with(
                from_ms + 1_500,
                Event::Exit {
                    code: Some(74),
                    is_expected: true,
                },
            )
            .with(from_ms + 1_510, Event::Boot { pid: 3 })
            .with(from_ms + 2_000, Event::Ready)
            .post(from_ms + 2_010, &[("1", Resolved)])
            .named()
    };
    assert_eq!(
        (fires(3_520), fires(4_200)),
        (vec![], vec![(Invariant::I1, Kind::Lost)])
    );
}

#[test]
fn i1_what_waits_for_a_process_that_a_fault_ends_is_not_late() {
    let told = |is_fault: bool| {
        let story = Story::new()
            .post(1_000, &[("1", Firing)])
            .with(
                7_000,
                Event::Exit {
                    code: Some(74),
                    is_expected: true,
                },
            )
            .with(7_010, Event::Boot { pid: 2 })
            .told(7_050, &[("1", Firing)])
            .with(7_060, Event::Ready);
        let (call, error) = ("fdatasync".to_owned(), "EIO".to_owned());
        match is_fault {
            true => story.with(1_100, Event::DiskFault { call, error }),
            false => story,
        }
    };
    assert_eq!(
        (told(true).named(), told(false).named()),
        (vec![], vec![(Invariant::I1, Kind::OutOfBound)])
    );
}

/// What is said once for four seconds only is over when a process goes on that was held for longer.
#[test]
fn i1_what_ended_by_itself_while_the_process_was_held_is_not_owed() {
    let held = |to_ms: u64| {
        let mut story = Story::new()
            .post(1_000, &[("1", Firing)])
            .with(1_050, Event::Held { is_held: true })
            .with(to_ms, Event::Held { is_held: false });
        for entry in &mut story.entries {
            if let Event::PostBegin { alerts, .. } = &mut entry.event {
                alerts[0].ends_at = Wall(1_000_000_005_000_000_000);
            }
        }
        story
    };
    assert_eq!(
        (held(20_000).named(), held(1_100).named()),
        (vec![], vec![(Invariant::I1, Kind::Lost)])
    );
}

#[test]
fn i3_what_was_due_while_no_process_ran_is_told_though_it_is_over_right_after() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .down(1_050, 1_900)
        .post(1_910, &[("1", Resolved)]);
    let told = story
        .clone()
        .told(1_920, &[("1", Firing)])
        .told(2_430, &[("1", Resolved)]);
    // Heard of as soon as it listened, before anybody saw that it was ready.
    let at_once = Story::new()
        .post(1_000, &[("1", Firing)])
        .down(1_050, 1_900)
        .post(1_895, &[("1", Resolved)]);
    // It was over before the process ended.
    let before = Story::new()
        .post(1_000, &[("1", Firing)])
        .post(1_030, &[("1", Resolved)])
        .down(1_050, 1_900);
    let lost = vec![(Invariant::I3, Kind::Lost)];
    assert_eq!(
        [story.named(), told.named(), at_once.named(), before.named()],
        [lost.clone(), vec![], lost, vec![]]
    );
}

#[test]
fn i4_an_alert_that_nobody_posted_is_not_so() {
    let story = sound().told(7_000, &[("2", Firing)]);
    assert_eq!(story.named(), [(Invariant::I4, Kind::Other)]);
}

#[test]
fn i4_a_503_has_no_effect_unless_the_disk_was_made_to_fail() {
    let story = Story::new()
        .post_as(1_000, &[("1", Firing)], Outcome::Status(503), true)
        .told(1_210, &[("1", Firing)]);
    let fault = Event::DiskFault {
        call: "fdatasync".to_owned(),
        error: "EIO".to_owned(),
    };
    assert_eq!(
        (story.named(), story.with(1_005, fault).named()),
        (vec![(Invariant::I4, Kind::Other)], vec![])
    );
}

#[test]
fn i4_an_end_that_nobody_said_is_a_false_all_clear() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told(1_210, &[("1", Firing)])
        .told(4_210, &[("1", Resolved)]);
    assert_eq!(story.named(), [(Invariant::I4, Kind::FalseAllClear)]);
}

/// An alert that its sender repeats: how long it lasts is counted in time in which it could.
#[test]
fn i4_an_end_that_only_a_downtime_brought_about_is_a_false_all_clear() {
    let over_at = |down: (u64, u64), told_ms: u64| {
        let mut story = Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .down(down.0, down.1)
            .told(told_ms, &[("1", Resolved)]);
        for entry in &mut story.entries {
            if let Event::PostBegin { alerts, .. } = &mut entry.event {
                alerts[0].ends_at = Wall(1_000_000_000_000_000_000 + 5_000 * 1_000_000);
            }
        }
        story.named()
    };
    assert_eq!(
        [
            // It had a second left.
            over_at((4_000, 9_000), 9_500),
            over_at((4_000, 9_000), 11_500),
            over_at((4_000, 4_100), 6_500),
        ],
        [vec![(Invariant::I4, Kind::FalseAllClear)], vec![], vec![]]
    );
}

#[test]
fn i4_an_all_clear_of_a_group_of_which_one_alert_fires_is_false() {
    let story = Story::new()
        .post(1_000, &[("1", Firing), ("2", Firing)])
        .told(1_210, &[("1", Firing), ("2", Firing)])
        .post(4_000, &[("1", Resolved)])
        .told(4_210, &[("1", Resolved)]);
    assert_eq!(story.named(), [(Invariant::I4, Kind::FalseAllClear)]);
}

#[test]
fn i4_a_notification_without_an_alert_that_fires_is_a_part_of_a_group() {
    let story = Story::new()
        .post(1_000, &[("1", Firing), ("2", Firing)])
        .told(1_210, &[("1", Firing), ("2", Firing)])
        .post(4_000, &[("3", Firing)])
        .told(6_000, &[("1", Firing), ("3", Firing)]);
    assert_eq!(story.named(), [(Invariant::I4, Kind::Other)]);
}

#[test]
fn i5_the_same_without_a_kill_is_a_duplicate() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told_as(1_210, &[("1", Firing)], Some("k"), Then::Ok)
        .told_as(3_000, &[("1", Firing)], Some("k"), Then::Ok);
    assert_eq!(story.named(), [(Invariant::I5, Kind::Duplicate)]);
}

#[test]
fn i5_a_kill_explains_one_duplicate_with_the_same_key() {
    let twice = |second: &str| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told_as(1_210, &[("1", Firing)], Some("k"), Then::Ok)
            .down(1_212, 1_300)
            .told_as(1_310, &[("1", Firing)], Some(second), Then::Ok)
    };
    let three_times = twice("k").told_as(1_320, &[("1", Firing)], Some("k"), Then::Ok);
    let counted = |story: &Story| {
        let counts = story.verdict().counts;
        let duplicates = (counts.duplicates, counts.duplicates_attributed);
        (duplicates, counts.duplicates_same_key, story.named())
    };
    let fault = vec![(Invariant::I5, Kind::Duplicate)];
    assert_eq!(
        [
            counted(&twice("k")),
            counted(&twice("other")),
            counted(&three_times)
        ],
        [
            ((1, 1), 1, vec![]),
            ((1, 1), 0, fault.clone()),
            ((2, 1), 2, fault)
        ]
    );
}

#[test]
fn i5_what_a_kill_left_in_doubt_is_undone_by_telling_anew() {
    let story = |kill_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(4_000, &[("1", Resolved)])
            .down(kill_ms, kill_ms + 100)
            .post(4_600, &[("1", Firing)])
            .told(4_800, &[("1", Firing)])
    };
    let (between, before) = (story(4_200).verdict(), story(500).verdict());
    let counted = |it: &Verdict| (it.counts.told_anew, it.counts.duplicates);
    assert_eq!((counted(&between), counted(&before)), ((1, 0), (0, 1)));
}

#[test]
fn i5_a_receiver_that_did_not_confirm_is_told_again_and_that_is_no_duplicate() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told_as(1_210, &[("1", Firing)], Some("k"), Then::Reset)
        .told_as(1_700, &[("1", Firing)], Some("k"), Then::Ok);
    let counts = story.verdict().counts;
    assert_eq!(
        (story.named(), counts.retries, counts.duplicates),
        (vec![], 1, 0)
    );
}

#[test]
fn i5_a_key_under_which_two_things_are_said_is_named() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told_as(1_210, &[("1", Firing)], Some("k"), Then::Ok)
        .post(4_000, &[("1", Resolved)])
        .told_as(4_210, &[("1", Resolved)], Some("k"), Then::Ok);
    let named = story.named();
    assert_eq!(
        named.iter().map(|it| it.0).collect::<Vec<_>>(),
        [Invariant::I5, Invariant::I5]
    );
}

#[test]
fn i6_different_notifications_of_a_group_keep_the_interval() {
    let story = Story::new()
        .post(1_000, &[("1", Firing)])
        .told(1_210, &[("1", Firing)])
        .post(1_250, &[("2", Firing)])
        .told(1_300, &[("1", Firing), ("2", Firing)]);
    assert_eq!(story.named(), [(Invariant::I6, Kind::Other)]);
}

/// An alert leaves its group when all integrations of the route were told that it is over. One of them was
/// not well in between, though it is when the next change is told.
#[test]
fn i7_an_end_that_somebody_else_could_not_be_told_is_told_to_all_with_the_next_change() {
    let mode = |then| Event::SinkMode {
        integration: "hook".to_owned(),
        then,
    };
    let story = || {
        Story::new()
            .post(5_000, &[("1", Firing)])
            .told(5_210, &[("1", Firing)])
            .post(8_300, &[("1", Resolved)])
            .told(9_710, &[("1", Resolved)])
            .post(10_050, &[("2", Firing)])
            .told(10_260, &[("1", Resolved), ("2", Firing)])
    };
    let held_back = story()
        .with(9_800, mode(Then::Hang))
        .with(9_990, mode(Then::Ok));
    assert_eq!(
        (held_back.named(), story().named()),
        (vec![], vec![(Invariant::I7, Kind::Other)])
    );
}

/// The same, where both are well: a kill leaves in doubt whether the sibling was told, and the start tells it
/// again. The log may still hold the alert in its group for it.
#[test]
fn i7_an_end_of_which_a_kill_left_the_sibling_in_doubt_is_told_to_all_with_the_next_change() {
    let over = |sibling_ms: u64| {
        let first = &[("1", Firing)];
        let end = &[("1", Resolved)];
        let next = &[("1", Resolved), ("2", Firing)];
        let ok = Then::Ok;
        Story::new()
            .with_a_sibling()
            .post(5_000, first)
            .told(5_210, first)
            .told_to("sibling", 5_210, first, Some("s1"), ok)
            .post(8_300, end)
            .told(8_710, end)
            .told_to("sibling", sibling_ms, end, Some("s2"), ok)
            .down(9_500, 9_600)
            .post(9_610, &[("2", Firing)])
            .told(10_110, next)
            .told_to("sibling", 10_110, next, Some("s3"), ok)
    };
    let named = |story: Story, to: &str| -> Vec<Invariant> {
        let violations = story.verdict().violations.into_iter();
        let of_one = violations.filter(|it| it.what.starts_with(to));
        of_one.map(|it| it.invariant).collect()
    };
    assert_eq!(
        (
            named(over(9_480), "hook"),
            named(over(8_710), "hook"),
            // What was in doubt was the beginning: it says nothing of the end.
            named(
                over(8_710).told_to("sibling", 9_490, &[("1", Firing)], None, Then::Ok),
                "hook"
            )
        ),
        (vec![], vec![Invariant::I7], vec![Invariant::I7])
    );
}

/// The receiver has answered, and the process is held before it can note that, or its disk has no room.
#[test]
fn i5_a_process_that_was_held_between_the_answer_and_the_kill_has_noted_nothing() {
    let twice = |story: Story| {
        let named = story
            .post(1_000, &[("1", Firing)])
            .told_as(1_210, &[("1", Firing)], Some("k"), Then::Ok)
            .down(1_700, 1_800)
            .told_as(1_850, &[("1", Firing)], Some("k"), Then::Ok);
        named.named()
    };
    // It ran for 35 ms in all, then 249, then 251.
    assert_eq!(
        [
            twice(Story::new().held(1_220, 1_670)),
            twice(Story::new().held(1_300, 1_400).held(1_550, 1_686)),
            twice(Story::new().held(1_300, 1_400).held(1_550, 1_684)),
            twice(Story::new().held(1_000, 1_200).held(1_710, 1_790)),
        ],
        [
            vec![],
            vec![],
            vec![(Invariant::I5, Kind::Duplicate)],
            vec![(Invariant::I5, Kind::Duplicate)]
        ]
    );
}

/// A kill comes between the decision of a tick and what was to be sent. The start tells how it is now; the
/// next tick keeps its time, and has the whole group, what is over included.
#[test]
fn i6_and_i7_what_a_start_tells_in_the_place_of_what_was_in_doubt_is_beside_the_ticks() {
    let killed_at = |kill_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(1_300, &[("1", Resolved), ("2", Firing)])
            .down(kill_ms, 2_000)
            .told(2_050, &[("1", Resolved), ("2", Firing)])
            .post(2_100, &[("3", Firing)])
            .told(2_210, &[("1", Resolved), ("2", Firing), ("3", Firing)])
    };
    assert_eq!(
        (killed_at(1_730).named(), killed_at(1_400).named()),
        (
            vec![],
            vec![(Invariant::I7, Kind::Other), (Invariant::I6, Kind::Other)]
        )
    );
}

/// What was sent before a kill may arrive long after it, but before there is another process to send it.
#[test]
fn i5_what_arrives_before_the_next_start_is_of_the_process_that_was_killed() {
    let twice = |first_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .down(1_210, 2_000)
            .told_as(first_ms, &[("1", Firing)], Some("k"), Then::Ok)
            .told_as(2_500, &[("1", Firing)], Some("k"), Then::Ok)
    };
    assert_eq!(
        (twice(1_700).named(), twice(2_010).named()),
        (vec![], vec![(Invariant::I5, Kind::Duplicate)])
    );
}

#[test]
fn i7_an_end_without_a_beginning_and_two_ends_in_a_row_are_named() {
    let never_fired = Story::new()
        .post(1_000, &[("1", Firing)])
        .post(1_100, &[("1", Resolved)])
        .told(1_310, &[("1", Resolved)]);
    let twice = sound()
        .told(7_000, &[("1", Resolved), ("2", Firing)])
        .post(6_500, &[("2", Firing)]);
    assert_eq!(
        (never_fired.named(), twice.named()),
        (
            vec![(Invariant::I7, Kind::Other)],
            vec![(Invariant::I7, Kind::Other)]
        )
    );
}

/// An end is due while no process runs, and is told by the next start as it was before. Its sender repeats
/// it after that start: so it is part of its group once more, and told of with what fires next.
#[test]
fn i7_an_end_that_is_said_again_before_a_start_tells_of_it_is_told_with_the_next_change() {
    // The second saying is acknowledged at that moment.
    let said_again = |ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(4_000, &[("1", Resolved)])
            .post(ms - 10, &[("1", Resolved)])
            .down(4_400, 5_300)
            .told(5_350, &[("1", Resolved)])
            .post(5_600, &[("2", Firing)])
            .told(5_850, &[("1", Resolved), ("2", Firing)])
    };
    let before_the_kill = said_again(4_100);
    let after_the_start = said_again(5_340);
    assert_eq!(
        (after_the_start.named(), before_the_kill.named()),
        (vec![], vec![(Invariant::I7, Kind::Other)])
    );
}

/// A start that is killed before it has told of what it froze leaves that to the next one.
#[test]
fn i7_an_end_that_is_said_again_in_a_start_that_is_killed_is_told_with_the_next_change() {
    let killed_after = |up_ms: u64| {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .post(4_000, &[("1", Resolved)])
            .down(4_400, 5_300)
            .post(5_310, &[("1", Resolved)])
            .down(5_300 + up_ms, 9_000)
            .told(9_050, &[("1", Resolved)])
            .post(9_100, &[("2", Firing)])
            .told(9_550, &[("1", Resolved), ("2", Firing)])
    };
    let named = |story: Story| -> Vec<Invariant> {
        let violations = story.verdict().violations;
        let of_turns = violations.iter().map(|it| it.invariant);
        of_turns.filter(|it| *it == Invariant::I7).collect()
    };
    assert_eq!(
        (named(killed_after(100)), named(killed_after(1_200))),
        (vec![], vec![Invariant::I7])
    );
}

/// It fires, is over before its group has waited, and fires again: that is another group.
#[test]
fn i8_a_group_that_was_gone_before_it_was_told_of_waits_anew() {
    let told = |is_over: bool| {
        let story = Story::new()
            .post(1_000, &[("1", Firing)])
            .post(3_800, &[("1", Firing)])
            .told(4_010, &[("1", Firing)]);
        match is_over {
            true => story.post(1_050, &[("1", Resolved)]),
            false => story,
        }
    };
    let named = |story: Story| -> Vec<Invariant> {
        let violations = story.verdict().violations;
        violations.iter().map(|it| it.invariant).collect()
    };
    assert_eq!(
        (named(told(true)), named(told(false))),
        (vec![], vec![Invariant::I8])
    );
}

#[test]
fn i8_the_first_notification_of_a_group_comes_neither_early_nor_late() {
    let early = Story::new()
        .post(1_000, &[("1", Firing)])
        .told(1_050, &[("1", Firing)]);
    let late = Story::new()
        .post(1_000, &[("1", Firing)])
        .down(1_100, 1_150)
        .told(2_500, &[("1", Firing)]);
    let after_downtime = Story::new()
        .post(1_000, &[("1", Firing)])
        .down(1_100, 4_000)
        .told(4_010, &[("1", Firing)]);
    let named = vec![(Invariant::I8, Kind::Other)];
    assert_eq!(
        [early.named(), late.named(), after_downtime.named()],
        [named.clone(), named, vec![]]
    );
}

#[test]
fn i9_an_acknowledged_silence_silences_over_a_kill() {
    let story = Story::new()
        .silence(1_000, "1", 15_000)
        .post(3_000, &[("1", Firing)])
        .down(3_100, 3_200)
        .told(3_210, &[("1", Firing)]);
    assert_eq!(story.named(), [(Invariant::I9, Kind::Other)]);
}

#[test]
fn i9_when_a_silence_is_ended_its_alerts_are_owed_again() {
    let silenced = Story::new()
        .silence(1_000, "1", 60_000)
        .post(3_000, &[("1", Firing)]);
    assert_eq!(
        (silenced.named(), silenced.expire(6_000).named()),
        (vec![], vec![(Invariant::I1, Kind::Lost)])
    );
}

#[test]
fn i10_what_is_shown_is_what_was_acknowledged() {
    let firing = || {
        Story::new()
            .post(1_000, &[("1", Firing)])
            .told(1_210, &[("1", Firing)])
            .silence(2_000, "2", 60_000)
    };
    let named = vec![(Invariant::I10, Kind::Other)];
    assert_eq!(
        [
            firing().view(19_000, &["1"], &["s"]).named(),
            firing().view(19_000, &[], &["s"]).named(),
            firing().view(19_000, &["1", "3"], &["s"]).named(),
            firing().view(19_000, &["1"], &[]).named(),
            firing().expire(5_000).view(19_000, &["1"], &["s"]).named(),
            sound().view(19_000, &["1"], &[]).named(),
        ],
        [
            vec![],
            named.clone(),
            named.clone(),
            named.clone(),
            named.clone(),
            named
        ]
    );
}

#[test]
fn i11_a_panic_an_end_by_itself_and_a_start_that_takes_too_long_are_named() {
    let exit = |is_expected| Event::Exit {
        code: Some(74),
        is_expected,
    };
    let panic = Event::Panic {
        text: "index out of bounds".to_owned(),
    };
    let slow = Story::new().down(1_000, 1_100).with(
        60_000,
        Event::Kill {
            how: How::Kill,
            point: String::new(),
        },
    );
    let mut slow = slow;
    slow.entries
        .retain(|entry| entry.event != Event::Ready || entry.at == At(0));
    let named = vec![(Invariant::I11, Kind::Other)];
    assert_eq!(
        [
            sound().with(19_000, panic).named(),
            sound().with(19_000, exit(false)).named(),
            sound().with(19_000, exit(true)).named(),
            slow.named(),
        ],
        [named.clone(), named.clone(), vec![], named]
    );
}

/// The log of the server has the text of such a panic, though nothing came of it.
#[test]
fn i11_a_panic_of_the_index_whose_disk_failed_is_no_violation_and_any_other_is() {
    let story = |is_faulty: bool, place: &str| {
        let text = format!("{place} panicked at /r/sled-0.34.7/src/pagecache/logger.rs:467:41:");
        let fault = Event::DiskFault {
            call: "write".to_owned(),
            error: "EIO".to_owned(),
        };
        let story = sound().with(19_000, Event::Panic { text });
        match is_faulty {
            true => story.with(18_000, fault).named(),
            false => story.named(),
        }
    };
    let named = vec![(Invariant::I11, Kind::Other)];
    assert_eq!(
        [
            story(true, "thread 'history' (7)"),
            story(false, "thread 'history' (7)"),
            story(true, "thread 'core' (7)"),
        ],
        [vec![], named.clone(), named]
    );
}

#[test]
fn i12_recoveries_of_one_store_agree() {
    let recovered = |state_hash| Event::Recovered {
        store: "a".to_owned(),
        state_hash,
    };
    let same = sound().with(9_000, recovered(1)).with(9_001, recovered(1));
    let other = sound().with(9_000, recovered(1)).with(9_001, recovered(2));
    assert_eq!(
        (same.named(), other.named()),
        (vec![], vec![(Invariant::I12, Kind::Other)])
    );
}

#[test]
fn i13_a_receiver_of_one_tenant_is_not_told_of_another() {
    let mut story = sound();
    for entry in &mut story.entries {
        if let Event::SinkRecv { tenant, .. } = &mut entry.event {
            "other".clone_into(tenant);
        }
    }
    assert_eq!(story.named(), [(Invariant::I13, Kind::Other)]);
}

#[test]
fn i14_counters_agree_with_what_was_acknowledged() {
    let counted = |count: f64| Event::Metrics {
        values: BTreeMap::from([("alertmanager_alerts_received_total".to_owned(), count)]),
    };
    assert_eq!(
        (
            sound().with(19_000, counted(2.0)).named(),
            sound().with(19_000, counted(1.0)).named()
        ),
        (vec![], vec![(Invariant::I14, Kind::Other)])
    );
}

#[test]
fn i15_what_grows_with_the_number_of_kills_is_named() {
    let grown = |per_kill: u64| {
        (0..40).fold(sound(), |story, kill: u64| {
            let from = 5_000 + kill * 100;
            story.down(from, from + 20).with(
                from + 21,
                Event::Resources {
                    disk_bytes: (16 << 20) + kill * per_kill,
                    open_files: 20,
                    memory_bytes: 10 << 20,
                    start_ms: 50,
                },
            )
        })
    };
    assert_eq!(
        (grown(0).named(), grown(16 << 20).named()),
        (vec![], vec![(Invariant::I15, Kind::Other)])
    );
}

#[test]
fn a_history_that_was_cut_off_is_read_to_its_last_whole_line() {
    let mut story = sound();
    story.entries.sort_by_key(|entry| entry.at);
    let mut written = Vec::new();
    for entry in &story.entries {
        write_entry(&mut written, entry).unwrap();
    }
    let whole = read(written.as_slice()).unwrap();
    let cut = read(&written[..written.len() - 5]).unwrap();
    let count = story.entries.len();
    assert_eq!(
        (whole == story.entries, cut == story.entries[..count - 1]),
        (true, true)
    );
}

#[test]
fn what_is_no_history_is_refused_with_its_line() {
    let error = |text: &str| read(text.as_bytes()).unwrap_err().to_string();
    let first = error("{\"at\":0,\"wall\":0,\"event\":\"heal\"}\n");
    let second = error("hello\nworld\n");
    assert_eq!(
        [first.as_str(), &second[..32]],
        [
            "this is no history: it does not begin with a line `run`",
            "line 1 is none of a history: exp"
        ]
    );
}

/// The exit code of `tocsin-chaos` and what it says of an error.
#[expect(clippy::expect_used, reason = "a helper of tests")]
fn refused(words: &[&str]) -> (Option<i32>, String) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tocsin-chaos"))
        .args(words)
        .output()
        .expect("the program was built with this test");
    let said = String::from_utf8_lossy(&output.stderr);
    let first = said.lines().next().unwrap_or_default().to_owned();
    (output.status.code(), first)
}

#[test]
fn a_target_a_flag_and_a_run_that_are_not_there_are_named() {
    let said = [
        refused(&["kill", "--target", "no-such-alertmanager"]),
        refused(&["kill", "--target", "/no/such/alertmanager"]),
        refused(&["kill", "--kill", "5"]),
        refused(&["replay", "no-such-run"]),
        refused(&["table", "/no/such/result.json"]),
    ];
    let error = |text: &str| (Some(2), format!("tocsin-chaos: error: {text}"));
    assert_eq!(
        said,
        [
            error("there is no program no-such-alertmanager here or on the PATH"),
            error("there is no program /no/such/alertmanager"),
            (
                Some(2),
                "error: unexpected argument '--kill' found".to_owned()
            ),
            error("no-such-run is neither the folder of a run nor a seed"),
            error(
                "cannot read /no/such/result.json; did that layer end?: No such file or directory (os error 2)"
            ),
        ]
    );
}
