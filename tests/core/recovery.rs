//! What a downtime changes, and what it must not.

use tocsin::core::{CATCH_UP_PER_SECOND_MAX, OnInDoubt, Policy};
use tocsin::model::route::RouteSpec;
use tocsin::record::Record;

use crate::support::{Health, World, alert, at, integration, policy, route, seconds, simple};

/// An alert that Prometheus keeps alive for four minutes at a time.
fn post_like_prometheus(world: &mut World, text: &str) {
    let now = world.now;
    world.post_alerts(vec![alert(text, now, now + 240)]);
}

/// A fires, and it is then so late.
fn firing_until(now: i64) -> World {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.run(now);
    world
}

/// A was due at 30, and what the receiver does with it leaves it in doubt.
fn told_without_answer(health: Health) -> World {
    let mut world = World::new(simple());
    world.health.insert("r".to_owned(), health);
    world.post(&["A"]);
    world.run(30);
    world
}

#[test]
fn r01_killed_within_group_wait_and_up_within_it_tells_once_at_the_original_time() {
    let mut world = firing_until(10);
    world.crash(20);
    world.run(300);
    assert_eq!(world.sent, ["30 r/webhook first notification: A"]);
}

#[test]
fn r02_up_again_after_group_wait_tells_at_once() {
    let mut world = firing_until(10);
    world.crash(100);
    world.run(300);
    assert_eq!(world.sent, ["100 r/webhook first notification: A"]);
}

#[test]
fn r03_r04_h17_an_alert_whose_end_passed_during_the_downtime_is_told_firing_and_ends_a_grace_later()
{
    let mut world = World::new(simple());
    post_like_prometheus(&mut world, "A");
    world.run(10);
    world.crash(5_000);
    let ends = world.ends("A");
    world.run(6_000);
    assert_eq!(
        (ends, world.sent),
        (
            // Alive last at 0, when the alert had four minutes left.
            5_240,
            vec![
                "5000 r/webhook first notification: A".to_owned(),
                "5300 r/webhook all alerts resolved:, resolved A".to_owned(),
            ]
        )
    );
}

#[test]
fn h17_downtime_never_gives_an_alert_more_than_the_grace_and_leaves_ended_ones_alone() {
    let mut world = World::new(simple());
    world.post_alerts(vec![
        alert("Long", 0, 100_000),
        alert("Hour", 0, 3_600),
        alert("Ended", 0, 5),
        alert("Minute", 0, 70),
    ]);
    world.now = 10;
    world.heartbeat();
    world.crash(5_000);
    let ends = ["Long", "Hour", "Ended", "Minute"].map(|name| world.ends(name));
    assert_eq!(ends, [100_000, 5_300, 5, 5_060]);
}

#[test]
fn a_crash_loop_uses_up_what_an_alert_has_left_and_does_not_renew_it() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 100)]);
    let mut ends = vec![];
    for boot in 1..=4 {
        world.crash(boot * 1_000);
        ends.push(world.ends("A"));
        world.now += 30;
        world.heartbeat();
    }
    assert_eq!(ends, [1_100, 2_070, 3_040, 4_010]);
}

#[test]
fn recovering_twice_in_a_row_changes_nothing_the_second_time() {
    let mut world = World::new(simple());
    world.post_alerts(vec![alert("A", 0, 100)]);
    world.crash(1_000);
    let once = world.checked_hash();
    let again = world.core.plan_recovery(at(0), at(1_000));
    assert_eq!((again, world.checked_hash()), (vec![], once));
}

#[test]
fn h01_the_end_of_an_alert_that_ended_before_the_crash_is_told_after_it() {
    let mut world = firing_until(100);
    world.post(&["-A"]);
    world.run(110);
    world.crash(5_000);
    world.run(5_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "5000 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn h02_the_end_of_one_of_two_alerts_during_the_downtime_is_told() {
    let mut world = World::new(simple());
    post_like_prometheus(&mut world, "A");
    post_like_prometheus(&mut world, "B");
    world.run(100);
    world.crash(1_000);
    // Prometheus sends B again, and has forgotten A.
    for now in (1_010..2_000).step_by(60) {
        world.run(now);
        post_like_prometheus(&mut world, "B");
    }
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A B",
            "1230 r/webhook some alerts resolved: B, resolved A",
        ]
    );
}

#[test]
fn h03_a_resolved_alert_that_comes_first_after_a_restart_is_no_all_clear() {
    let mut world = World::new(simple());
    world.post(&["A", "B"]);
    world.run(100);
    world.crash(1_000);
    world.post(&["-A"]);
    world.run(2_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A B",
            // Nothing new when it caught up, so the old phase goes on.
            "1230 r/webhook some alerts resolved: B, resolved A",
        ]
    );
}

#[test]
fn h04_the_first_flush_after_a_restart_is_never_partial() {
    let mut world = World::new(simple());
    world.post(&["A", "B", "C"]);
    world.run(10);
    world.crash(100);
    world.post_alerts(vec![alert("A", 0, 100_000)]);
    world.run(1_000);
    assert_eq!(world.sent, ["100 r/webhook first notification: A B C"]);
}

#[test]
fn h06_r20_what_was_told_before_the_crash_is_not_told_again() {
    let mut world = firing_until(30);
    world.crash(31);
    world.run(10_000);
    assert_eq!(world.sent, ["30 r/webhook first notification: A"]);
}

#[test]
fn h07_r36_a_silence_is_in_force_after_a_crash_and_r37_an_expired_one_does_not_return() {
    let mut world = World::new(simple());
    world.silence("s", "alertname=A", 100_000);
    world.crash(10);
    world.post(&["A"]);
    world.run(400);
    let silenced = world.sent.clone();
    world.expire("s");
    world.crash(450);
    world.run(700);
    assert_eq!(
        (silenced, world.sent),
        (
            vec![],
            vec!["640 r/webhook first notification: A".to_owned()]
        )
    );
}

#[test]
fn r05_an_alert_that_ends_right_after_the_boot_is_told_firing_first() {
    let mut world = firing_until(10);
    world.crash(100);
    world.post(&["-A"]);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "100 r/webhook first notification: A",
            "400 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn r07_fired_and_ended_within_group_wait_with_a_crash_between_is_not_told() {
    let mut world = firing_until(5);
    world.crash(10);
    world.post(&["-A"]);
    world.run(1_000);
    assert!(world.sent.is_empty(), "{:?}", world.sent);
}

#[test]
fn r08_ten_thousand_overdue_groups_are_told_oldest_first_two_hundred_a_second() {
    let mut world = World::new(policy(route("r", &["n"]), &["r"]));
    for second in 0..10 {
        world.now = second;
        let alerts = (0..1_000).map(|it| alert(&format!("A n={second}-{it}"), second, 100_000));
        world.post_alerts(alerts.collect());
    }
    world.kill();
    world.restart(1_000);
    let mut per_second = std::collections::BTreeMap::new();
    let mut order = vec![];
    world.run(1_100);
    for notification in &world.got {
        let second = (notification.decided_at.0 - at(0).0) / 1_000_000_000;
        *per_second.entry(second).or_insert(0) += 1;
        let labels = &notification.group_labels;
        order.push(labels.value("n").split_once('-').unwrap().0.to_owned());
    }
    let most = per_second.values().copied().max();
    assert_eq!(
        (
            world.got.len(),
            most <= Some(CATCH_UP_PER_SECOND_MAX),
            per_second.len(),
            order.is_sorted()
        ),
        (10_000, true, 51, true)
    );
}

#[test]
fn r10_of_three_integrations_the_one_that_answered_before_the_crash_is_not_told_again() {
    let mut three = policy(route("r", &[]), &[]);
    let integrations = [("webhook", 0), ("webhook", 1), ("email", 0)];
    let integrations = integrations.map(|(name, index)| integration(name, index));
    three.receivers.insert("r".into(), integrations.to_vec());
    let mut world = World::new(three);
    world.health.insert("r/email".to_owned(), Health::Stuck);
    world.post(&["A"]);
    world.run(30);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "30 r/webhook first notification: A",
            "40 r/email first notification: A (attempt 2)",
        ]
    );
}

#[test]
fn r12_five_crashes_within_group_wait_make_one_notification() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    for boot in 1..=5 {
        world.run(boot * 4);
        world.crash(boot * 4 + 2);
    }
    world.run(1_000);
    assert_eq!(world.sent, ["30 r/webhook first notification: A"]);
}

#[test]
fn r13_r14_an_end_that_was_accepted_before_or_after_the_crash_is_told() {
    let after = |is_before: bool| {
        let mut world = World::new(simple());
        world.post(&["A"]);
        world.run(100);
        if is_before {
            world.post(&["-A"]);
        }
        world.crash(200);
        if !is_before {
            world.post(&["-A"]);
        }
        world.run(1_000);
        world.sent.pop()
    };
    let told = Some("330 r/webhook all alerts resolved:, resolved A".to_owned());
    assert_eq!([after(true), after(false)], [told.clone(), told]);
}

#[test]
fn r15_an_alert_that_prometheus_forgot_during_the_downtime_ends_after_the_grace() {
    let mut world = World::new(simple());
    post_like_prometheus(&mut world, "A");
    world.run(60);
    world.crash(1_260);
    world.run(3_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "1530 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn r16_an_end_that_waits_for_a_receiver_outlives_collections_reloads_and_crashes() {
    let mut world = firing_until(100);
    world.post(&["-A"]);
    world.health.insert("r".to_owned(), Health::Down);
    world.run(4_000);
    world.reload(simple());
    world.run(7_000);
    world.crash(7_200);
    world.health.clear();
    world.run(8_000);
    let told = world.sent.pop().unwrap();
    assert!(
        told.contains("all alerts resolved:, resolved A"),
        "{told} {:?}",
        world.sent
    );
}

#[test]
fn r19_a_crash_between_the_answer_and_its_record_sends_once_more_with_the_same_key() {
    let mut world = told_without_answer(Health::Silent);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    let (first, second) = (&world.got[0], &world.got[1]);
    assert_eq!(
        (
            world.sent.clone(),
            first.idempotency_key == second.idempotency_key,
            (first.is_recovered, second.is_recovered)
        ),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "40 r/webhook first notification: A (attempt 2)".to_owned(),
            ],
            true,
            (false, true)
        )
    );
}

#[test]
fn r21_a_crash_between_the_intent_and_the_sending_sends_once() {
    let mut world = told_without_answer(Health::Stuck);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    assert_eq!(
        world.sent,
        ["40 r/webhook first notification: A (attempt 2)"]
    );
}

#[test]
fn r22_a_notification_in_doubt_whose_alerts_changed_is_superseded_by_another_with_a_new_key() {
    let mut world = told_without_answer(Health::Silent);
    world.post(&["B"]);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    assert_eq!(
        (
            world.sent.clone(),
            world.reasons().first().cloned(),
            world.got[0].idempotency_key == world.got[1].idempotency_key
        ),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "40 r/webhook first notification: A B".to_owned(),
            ],
            Some("40 superseded webhook".to_owned()),
            false
        )
    );
}

#[test]
fn a_notification_in_doubt_behind_a_silence_stays_in_doubt_until_the_silence_ends() {
    let mut world = told_without_answer(Health::Stuck);
    world.silence("s", "alertname=A", 400);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    let open = world.core.tenant("").unwrap().open_intents().len();
    assert_eq!(
        (world.sent.clone(), open),
        (
            vec!["630 r/webhook first notification: A (attempt 2)".to_owned()],
            0
        )
    );
}

#[test]
fn the_end_of_an_alert_whose_firing_was_in_doubt_at_the_crash_is_told() {
    let mut world = told_without_answer(Health::Silent);
    world.post(&["-A"]);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "40 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn the_end_of_an_alert_whose_firing_was_in_doubt_is_owed_until_the_receiver_is_up() {
    let mut world = told_without_answer(Health::Silent);
    world.post(&["-A"]);
    world.health.insert("r".to_owned(), Health::Down);
    world.crash(40);
    world.run(400);
    world.health.clear();
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "630 r/webhook all alerts resolved:, resolved A (attempt 3)",
        ]
    );
}

#[test]
fn a_notification_in_doubt_that_fails_when_it_is_sent_again_stays_in_doubt() {
    let mut world = told_without_answer(Health::Silent);
    world.health.insert("r".to_owned(), Health::Down);
    world.crash(40);
    world.run(50);
    world.post(&["-A"]);
    world.health.clear();
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
        ]
    );
}

#[test]
fn an_alert_that_fires_again_while_its_end_was_in_doubt_at_the_crash_is_told() {
    let mut world = firing_until(100);
    world.post(&["-A"]);
    world.health.insert("r".to_owned(), Health::Silent);
    world.run(330);
    world.post(&["A"]);
    world.health.clear();
    world.crash(340);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "330 r/webhook all alerts resolved:, resolved A",
            "340 r/webhook first notification: A",
        ]
    );
}

#[test]
fn r23_skipping_what_is_in_doubt_sends_nothing_and_repeats_as_normal() {
    let root = RouteSpec {
        repeat_interval: seconds(600),
        ..route("r", &[])
    };
    let mut skip = policy(root, &[]);
    skip.receivers.insert(
        "r".into(),
        vec![tocsin::core::Integration {
            on_in_doubt: OnInDoubt::Skip,
            ..integration("webhook", 0)
        }],
    );
    let mut world = World::new(skip);
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(30);
    world.health.clear();
    world.crash(40);
    world.run(1_000);
    assert_eq!(
        (world.sent.clone(), world.reasons().first().cloned()),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "930 r/webhook repeat interval elapsed: A".to_owned(),
            ],
            Some("40 assumed webhook".to_owned())
        )
    );
}

#[test]
fn r24_a_notification_that_failed_although_it_was_taken_is_tried_again_at_the_next_tick_with_the_same_key()
 {
    let mut world = told_without_answer(Health::Silent);
    let first = world.open.remove(0);
    world.append(first.failed(at(40), "cut off".to_owned()));
    world.health.clear();
    world.run(400);
    assert_eq!(
        (
            world.sent.clone(),
            world.got[0].idempotency_key == world.got[1].idempotency_key
        ),
        (
            vec![
                "30 r/webhook first notification: A".to_owned(),
                "330 r/webhook first notification: A (attempt 2)".to_owned(),
            ],
            true
        )
    );
}

#[test]
fn r25_a_clock_that_goes_back_by_an_hour_repeats_nothing_early_and_keeps_the_phase() {
    let mut world = World::new(simple());
    world.now = 3_600;
    world.post(&["A"]);
    world.run(3_640);
    world.crash(40);
    world.post(&["B"]);
    world.run(5_000);
    assert_eq!(
        world.sent,
        [
            "3630 r/webhook first notification: A",
            // The last sign of life was at 3630, 300 seconds before the tick.
            "340 r/webhook new alerts added: A B",
        ]
    );
}

#[test]
fn r26_a_clock_that_jumps_a_day_ahead_and_back_resolves_nothing() {
    let day = 86_400;
    let mut world = World::new(simple());
    post_like_prometheus(&mut world, "A");
    world.run(60);
    world.restart(60 + day);
    world.run(70 + day);
    post_like_prometheus(&mut world, "A");
    world.heartbeat();
    world.restart(80);
    post_like_prometheus(&mut world, "A");
    world.run(300);
    post_like_prometheus(&mut world, "A");
    world.run(390);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A".to_owned(),
            format!("{} r/webhook repeat interval elapsed: A", 60 + day),
        ]
    );
}

#[test]
fn r27_killed_before_a_tick_and_up_at_once_ticks_at_the_old_time() {
    let mut world = firing_until(320);
    world.post(&["B"]);
    world.crash(321);
    world.run(1_000);
    assert_eq!(world.sent[1..], ["330 r/webhook new alerts added: A B"]);
}

#[test]
fn r28_down_for_two_and_a_half_intervals_catches_up_once_and_then_follows_the_phase_rule() {
    let ticks_after = |with_news: bool| {
        let mut world = World::new(simple());
        world.post(&["A"]);
        world.run(40);
        if with_news {
            world.post(&["B"]);
        }
        world.crash(1_080);
        world.run(1_090);
        world.post(&["C"]);
        world.run(3_000);
        world.sent.split_off(1)
    };
    assert_eq!(
        [ticks_after(true), ticks_after(false)],
        [
            vec![
                "1080 r/webhook new alerts added: A B".to_owned(),
                "1380 r/webhook new alerts added: A B C".to_owned(),
            ],
            vec!["1230 r/webhook new alerts added: A C".to_owned()],
        ]
    );
}

#[test]
fn r29_killed_during_a_long_flush_tells_what_is_in_doubt_and_keeps_the_phase() {
    let mut world = World::new(simple());
    world.health.insert("r".to_owned(), Health::Silent);
    world.post(&["A"]);
    world.run(50);
    world.health.clear();
    world.crash(60);
    world.run(70);
    world.post(&["B"]);
    world.run(1_000);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "60 r/webhook first notification: A (attempt 2)",
            "330 r/webhook new alerts added: A B",
        ]
    );
}

#[test]
fn r30_a_clock_that_is_not_set_at_boot_counts_timers_from_the_last_sign_of_life() {
    let mut world = firing_until(10);
    let unset = -(crate::support::START_NS / 1_000_000_000);
    world.crash(unset);
    world.run(unset + 100);
    assert_eq!(
        world.sent,
        [format!("{} r/webhook first notification: A", unset + 30)]
    );
}

#[test]
fn r38_a_silence_that_ended_during_the_downtime_lets_the_message_through_after_it() {
    let mut world = World::new(simple());
    world.silence("s", "alertname=A", 500);
    world.post(&["A"]);
    world.run(100);
    world.crash(1_000);
    world.run(1_000);
    assert_eq!(world.sent, ["1000 r/webhook first notification: A"]);
}

#[test]
fn r40_time_intervals_are_asked_at_the_boot() {
    let root = RouteSpec {
        routes: vec![RouteSpec {
            mute_time_intervals: vec!["early".to_owned()],
            ..route("r", &[])
        }],
        ..route("r", &[])
    };
    let mut muted: Policy = policy(root, &["r"]);
    let times = tocsin::model::time_interval::TimeRange::parse("03:00", "03:10").unwrap();
    let early = tocsin::model::TimeInterval {
        times: Some(vec![times]),
        ..tocsin::model::TimeInterval::default()
    };
    muted.time_intervals.insert("early".to_owned(), vec![early]);
    let mut world = World::new(muted);
    world.post(&["A"]);
    world.run(100);
    world.crash(1_000);
    world.run(1_000);
    assert_eq!(world.sent, ["1000 r/webhook first notification: A"]);
}

#[test]
fn r42_nothing_is_sent_before_the_start_delay_and_nothing_is_lost() {
    let mut world = World::new(simple());
    world.post(&["A"]);
    world.kill();
    world.now = 20;
    world.core.resume(at(20), at(60));
    world.run(59);
    let before = world.sent.len();
    world.run(100);
    assert_eq!(
        (before, world.sent),
        (0, vec!["60 r/webhook first notification: A".to_owned()])
    );
}

#[test]
fn r43_a_repeat_interval_that_elapsed_during_the_downtime_repeats_once() {
    let root = RouteSpec {
        repeat_interval: seconds(1_000),
        ..route("r", &[])
    };
    let mut world = World::new(policy(root, &["r"]));
    world.post(&["A"]);
    world.run(100);
    world.crash(3_500);
    world.run(4_400);
    assert_eq!(
        world.sent,
        [
            "30 r/webhook first notification: A",
            "3500 r/webhook repeat interval elapsed: A",
        ]
    );
}

#[test]
fn r41_what_was_quarantined_is_not_sent_again_until_it_is_another_notification() {
    let mut world = told_without_answer(Health::Stuck);
    let first = world.open.remove(0);
    world.append(first.quarantined(at(31), "the process ends at it".to_owned()));
    world.health.clear();
    world.crash(40);
    world.run(400);
    world.post(&["B"]);
    world.run(1_000);
    assert_eq!(
        (world.sent.clone(), world.reasons().first().cloned()),
        (
            vec!["630 r/webhook first notification: A B".to_owned()],
            Some("330 quarantined webhook".to_owned())
        )
    );
}

#[test]
fn a_report_says_what_was_found() {
    let mut world = World::new(policy(route("r", &["n"]), &["r"]));
    world.health.insert("r".to_owned(), Health::Stuck);
    world.post(&["A n=1"]);
    world.run(30);
    world.post(&["B n=2", "C n=2", "D n=3"]);
    world.kill();
    let report = world.core.resume(at(61), at(61));
    assert_eq!(
        (
            report.alerts,
            report.groups,
            report.overdue_groups,
            report.in_doubt
        ),
        (4, 3, 2, 1)
    );
}

#[test]
fn records_of_a_recovery_are_of_bounded_size() {
    let mut world = World::new(simple());
    for start in (0..50_000).step_by(1_000) {
        let alerts = (start..start + 1_000).map(|it| alert(&format!("A n={it}"), 0, 100));
        world.post_alerts(alerts.collect());
    }
    let sizes: Vec<usize> = world
        .core
        .plan_recovery(at(0), at(1_000))
        .iter()
        .filter_map(|record| match record {
            Record::EndsAtExtended(extended) => Some(extended.alerts.len()),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [20_000, 20_000, 10_000]);
}
