//! The queue in front of the log: its bounds, its batches, and the answers of those that wait.

use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::time::Duration;

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{
    AppendError, Appended, Completion, Lane, Log, Lsn, QueueLimits, ThreadOptions, Writer,
};

use crate::gate::{GatedDisk, open_gated};
use crate::support::{
    World, no_answer, post_through, start, text_record, texts, without_heartbeats,
};

/// A log whose disk is held up, so that requests wait.
fn held_up(limits: QueueLimits) -> (World, GatedDisk, Log) {
    let world = World::new();
    let (gated, writer) = open_gated(&world);
    let options = ThreadOptions {
        limits,
        heartbeat_every: None,
    };
    let log = Log::start(writer, options, Box::new(|_| ())).unwrap();
    gated.close(Call::Fdatasync);
    log.append(Lane::Normal, vec![text_record("first")], no_answer())
        .unwrap();
    gated.wait_until_blocked();
    (world, gated, log)
}

#[test]
fn full_queue_refuses_and_loses_nothing_that_it_took_in() {
    let limits = QueueLimits {
        requests_max: 3,
        ..QueueLimits::default()
    };
    let (world, gated, log) = held_up(limits);
    let results: Vec<_> = ["a", "b", "c", "d", "e"]
        .iter()
        .map(|text| log.append(Lane::Normal, vec![text_record(text)], no_answer()))
        .collect();
    let priority = log.append(Lane::Priority, vec![text_record("result")], no_answer());
    gated.open();
    log.close().unwrap();
    let refused = Err(AppendError::Overloaded {
        reason: "too many requests wait",
    });
    assert_eq!(
        (results, priority, world.recover()),
        (
            vec![Ok(()), Ok(()), Ok(()), refused.clone(), refused],
            Ok(()),
            texts(&["first", "result", "a", "b", "c"])
        )
    );
}

#[test]
fn queue_is_bounded_in_bytes_too() {
    let limits = QueueLimits {
        bytes_max: 500,
        ..QueueLimits::default()
    };
    let (_, gated, log) = held_up(limits);
    let big = "x".repeat(300);
    let results: Vec<_> = (0..2)
        .map(|_| log.append(Lane::Normal, vec![text_record(&big)], no_answer()))
        .collect();
    gated.open();
    log.close().unwrap();
    assert_eq!(
        results,
        vec![
            Ok(()),
            Err(AppendError::Overloaded {
                reason: "too many bytes wait"
            })
        ]
    );
}

#[test]
fn all_that_waits_becomes_one_batch_and_each_waiter_gets_its_own_lsns() {
    let (world, gated, log) = held_up(QueueLimits::default());
    let (sender, answers) = mpsc::channel();
    for text in ["a", "b", "c"] {
        let sender = sender.clone();
        let done = Box::new(move |result: Result<_, AppendError>| sender.send(result).unwrap());
        log.append(Lane::Normal, vec![text_record(text)], done)
            .unwrap();
    }
    gated.open();
    let lsns: Vec<_> = (0..3)
        .map(|_| answers.recv().unwrap())
        .map(|one| one.map(|a| (a.first.0, a.last.0)))
        .collect();
    let batches = log
        .counters()
        .batches
        .load(std::sync::atomic::Ordering::Relaxed);
    log.close().unwrap();
    // Boot's batch takes 1 and 2, the first request's 3 and 4; 5 is the BatchStart.
    assert_eq!(
        (lsns, batches, world.recover()),
        (
            vec![Ok((6, 6)), Ok((7, 7)), Ok((8, 8))],
            2,
            texts(&["first", "a", "b", "c"])
        )
    );
}

#[test]
fn requests_that_cannot_be_written_are_refused_at_once() {
    let world = World::new();
    let log = Log::start(world.open(), ThreadOptions::default(), Box::new(|_| ())).unwrap();
    let empty = log.append_and_wait(Lane::Normal, vec![]);
    let nothing = log.append_and_wait(Lane::Normal, vec![text_record("")]);
    let large = log.append_and_wait(Lane::Normal, vec![text_record(&"x".repeat(9000))]);
    log.close().unwrap();
    assert_eq!(
        (empty, nothing, large),
        (
            Err(AppendError::Empty),
            Err(AppendError::Empty),
            Err(AppendError::TooLarge {
                bytes: 9032,
                bytes_max: 6096
            })
        )
    );
}

#[test]
fn batch_takes_no_more_requests_than_it_may() {
    let limits = QueueLimits {
        batch_requests_max: 2,
        ..QueueLimits::default()
    };
    let (world, gated, log) = held_up(limits);
    let (answers, answered) = mpsc::channel();
    for text in ["a", "b", "c", "d", "e"] {
        let answers = answers.clone();
        let done = Box::new(move |result: Result<Appended, AppendError>| {
            answers
                .send(result.map(|appended| appended.first.0))
                .unwrap();
        });
        log.append(Lane::Normal, vec![text_record(text)], done)
            .unwrap();
    }
    gated.open();
    let lsns: Vec<_> = (0..5).map(|_| answered.recv().unwrap()).collect();
    log.close().unwrap();
    // The first request has 3 and 4; a BatchStart stands before each two of the others.
    assert_eq!(
        (lsns, world.recover()),
        (
            [6, 7, 9, 10, 12].map(Ok).to_vec(),
            texts(&["first", "a", "b", "c", "d", "e"])
        )
    );
}

#[test]
fn log_says_how_many_requests_wait_and_how_far_it_is() {
    let (_, gated, log) = held_up(QueueLimits::default());
    for lane in [Lane::Normal, Lane::Priority, Lane::Normal] {
        log.append(lane, vec![text_record("waits")], no_answer())
            .unwrap();
    }
    let (waiting, shown) = (log.waiting(), format!("{log:?}"));
    gated.open();
    log.close().unwrap();
    assert_eq!((waiting, shown.ends_with(", durable: Lsn(2) }")), (3, true));
}

#[test]
fn log_with_heartbeats_takes_requests_as_they_come() {
    let world = World::new();
    let options = ThreadOptions {
        heartbeat_every: Some(Duration::from_secs(3600)),
        ..ThreadOptions::default()
    };
    let log = Log::start(world.open(), options, Box::new(|_| ())).unwrap();
    let lsns: Vec<_> = (0..50)
        .map(|_| post_through(&log, Lane::Normal, "x"))
        .collect();
    log.close().unwrap();
    let expected: Vec<_> = (0..50).map(|at| Ok(Lsn(4 + 2 * at))).collect();
    assert_eq!(lsns, expected);
}

/// A way to give an answer to the test.
fn answer_to(
    answers: &mpsc::Sender<(&'static str, Option<AppendError>)>,
    who: &'static str,
) -> Completion {
    let answers = answers.clone();
    Box::new(move |result: Result<Appended, AppendError>| {
        answers.send((who, result.err())).unwrap();
    })
}

#[test]
fn failed_sync_of_a_heartbeat_refuses_all_that_wait() {
    let world = World::new();
    let (gated, writer) = open_gated(&world);
    let options = ThreadOptions {
        heartbeat_every: Some(Duration::from_millis(1)),
        ..ThreadOptions::default()
    };
    gated.close(Call::Fdatasync);
    let log = Log::start(writer, options, Box::new(|_| ())).unwrap();
    // It is a heartbeat that waits at the gate: nothing else was asked for.
    gated.wait_until_blocked();
    let active = world.first_segment();
    let on = format!("{}.tmp", active.display());
    world
        .disk
        .plan(Fault::once(Call::Fdatasync, 1, FaultKind::Error(Errno::Eio)).on(&on));
    let (answers, answered) = mpsc::channel();
    log.append(
        Lane::Normal,
        vec![text_record("waits")],
        answer_to(&answers, "waits"),
    )
    .unwrap();
    gated.open();
    let (_, error) = answered.recv().unwrap();
    let later = post_through(&log, Lane::Priority, "later").err();
    assert_eq!(
        (error.map(|error| error.to_string()), later.is_some()),
        (
            Some(format!(
                "the log is poisoned: cannot sync {} at offset 4296: Input/output error (os error 5); restart to recover",
                active.display()
            )),
            true
        )
    );
}

/// Appends until the last of the room is left, which is kept for the priority lane.
fn fill_up(world: &World, writer: &mut Writer) {
    world.disk.plan(Fault::from(
        Call::Preallocate,
        1,
        FaultKind::Error(Errno::Enospc),
    ));
    let record = text_record("x");
    while writer.append(Lane::Normal, &[&record]).is_ok() {}
}

#[test]
fn result_that_waits_beside_an_alert_on_a_full_disk_is_recorded_all_the_same() {
    let world = World::new();
    let (gated, mut writer) = open_gated(&world);
    fill_up(&world, &mut writer);
    let log = Log::start(writer, without_heartbeats(), Box::new(|_| ())).unwrap();
    gated.close(Call::Fdatasync);
    let (answers, answered) = mpsc::channel();
    for (lane, who) in [
        (Lane::Priority, "in the sync"),
        (Lane::Normal, "alert"),
        (Lane::Priority, "result"),
    ] {
        log.append(lane, vec![text_record(who)], answer_to(&answers, who))
            .unwrap();
        gated.wait_until_blocked();
    }
    gated.open();
    let mut told: Vec<(&str, bool)> = (0..3)
        .map(|_| answered.recv().unwrap())
        .map(|(who, error)| (who, matches!(error, Some(AppendError::Full { .. }))))
        .collect();
    told.sort_unstable();
    drop(log);
    world.disk.heal();
    let recovered = world.recover();
    assert_eq!(
        (told, &recovered[recovered.len() - 2..]),
        (
            vec![("alert", true), ("in the sync", false), ("result", false)],
            texts(&["in the sync", "result"]).as_slice()
        )
    );
}

#[test]
fn spare_that_could_not_be_made_is_tried_again_by_itself() {
    let world = World::new();
    let writer = world.open();
    world
        .disk
        .plan(Fault::once(Call::Preallocate, 1, FaultKind::Error(Errno::Enospc)).on("spare"));
    let log = start(writer);
    while !is_spare_ready(&world) {
        std::thread::yield_now();
    }
    let failures = log.counters().spare_failures.load(Ordering::Relaxed);
    log.close().unwrap();
    assert_eq!(failures, 1);
}

#[test]
fn rotation_waits_for_the_spare_that_is_being_filled_and_fills_no_second_one() {
    let world = World::new();
    let (gated, writer) = open_gated(&world);
    gated.close(Call::Preallocate);
    let log = start(writer);
    gated.wait_until_blocked();
    // Two of them fit in the segment.
    let long = "x".repeat(usize::try_from(world.options.segment_bytes / 3).unwrap());
    let before: Vec<bool> = (0..2)
        .map(|_| post_through(&log, Lane::Normal, &long).is_ok())
        .collect();
    let (sender, answers) = mpsc::channel();
    let done: Completion = Box::new(move |answer| sender.send(answer.is_ok()).unwrap());
    log.append(Lane::Normal, vec![text_record(&long)], done)
        .unwrap();
    // Nothing tells that the writer waits; it had time for a second one, had it wanted to make one.
    for _ in 0..500 {
        std::thread::yield_now();
    }
    let spares = spares(&world);
    gated.open();
    let second = answers.recv().unwrap();
    log.close().unwrap();
    assert_eq!((before, spares, second), (vec![true, true], 1, true));
}

fn spares(world: &World) -> usize {
    let is_spare = |path: &&std::path::PathBuf| path.to_string_lossy().contains("spare");
    world.disk.image().files.keys().filter(is_spare).count()
}

/// Whether a spare segment has its full length.
fn is_spare_ready(world: &World) -> bool {
    world.disk.image().files.iter().any(|(path, bytes)| {
        path.to_string_lossy().contains("spare")
            && bytes.len() as u64 == world.options.segment_bytes
    })
}
