//! Starts, stops, copies, and the threads of the running log: W29, W30, C11, U04 to U06.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use tocsin::sys::{Image, WallTime};
use tocsin::wal::{AppendError, Class, Lane, Log, Lsn, OpenError, ThreadOptions, repair_tail};

use crate::support::{
    World, checkpoint, killed_after, places, post, text_record, texts, without_heartbeats,
};

#[test]
fn new_store_is_made_and_its_first_record_has_a_place_behind_the_boot_record() {
    let world = World::new();
    let (mut writer, report, replayed) = world.try_open().unwrap();
    let first = writer.append(Lane::Normal, &[&text_record("one")]).unwrap();
    assert_eq!(
        (report.is_new, replayed, first.first),
        (true, vec![], Lsn(4))
    );
}

#[test]
fn w29_second_process_is_refused_with_the_holder_named() {
    let world = World::new();
    let _writer = world.open();
    let refusal = world.refusal();
    let holder = match &refusal {
        OpenError::InUse { holder, .. } => holder.clone(),
        other => other.to_string(),
    };
    assert_eq!(
        (refusal.exit_code(), holder.as_str()),
        (4, "pid 1, since 2026-01-01T00:00:00Z")
    );
}

#[test]
fn w30_lock_file_left_by_a_killed_process_is_no_obstacle() {
    let world = killed_after(&["one"]);
    let killed = world.with_files(|image| {
        image.files.insert(
            "LOCK".into(),
            Arc::new(b"pid 1, since yesterday\n".to_vec()),
        );
    });
    assert_eq!(killed.recover(), texts(&["one"]));
}

#[test]
fn c11_thousand_starts_without_traffic_leave_one_segment() {
    let mut world = World::new();
    world.options.segment_bytes = 1024 * 1024;
    for _ in 0..1000 {
        drop(world.open());
    }
    let used = world.inspect().record_bytes;
    assert_eq!((world.segments().len(), used < 200_000), (1, true));
}

#[test]
fn u04_copy_of_a_running_store_file_by_file_opens_and_has_all_that_was_durable_before_it() {
    // `cp -r` reads one file after the other while the log goes on.
    let world = World::new();
    let mut writer = world.open();
    let mut expected = Vec::new();
    for at in 0..12 {
        let text = format!("before {at} {}", "x".repeat(600));
        post(&mut writer, &[&text]);
        expected.push(text);
    }
    checkpoint(
        &mut writer,
        &expected.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    let listing: Vec<_> = world.disk.image().files.keys().cloned().collect();
    let mut copy = Image {
        files: Default::default(),
        dirs: world.disk.image().dirs,
    };
    for (at, path) in listing.iter().enumerate() {
        copy.files
            .insert(path.clone(), world.disk.image().files[path].clone());
        post(&mut writer, &[&format!("during {at}")]);
    }
    let copied = World::on(&copy);
    let class = copied.class();
    let replayed = copied.recover();
    assert_eq!(
        (
            class <= Class::TornTail,
            replayed[..expected.len()].to_vec()
        ),
        (true, expected)
    );
}

#[test]
fn u05_looking_at_a_live_store_changes_nothing_and_is_right() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    let before = world.disk.image();
    let class = world.class();
    let untouched = world.disk.image() == before;
    post(&mut writer, &["two"]);
    drop(writer);
    assert_eq!(
        (class, untouched, world.recover()),
        (Class::CleanEnd, true, texts(&["one", "two"]))
    );
}

#[test]
fn u06_store_restored_from_an_old_copy_starts_and_goes_on() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["old"]);
    let copy = world.disk.image();
    post(&mut writer, &["after the copy"]);
    drop(writer);
    let restored = World::on(&copy);
    restored
        .clock
        .set_wall(WallTime(1_767_225_600_000_000_000 + 3_600_000_000_000));
    let (mut writer, report, replayed) = restored.try_open().unwrap();
    post(&mut writer, &["new"]);
    drop(writer);
    assert_eq!(
        (replayed, report.scan.last_alive, restored.recover()),
        (
            texts(&["old"]),
            Some(WallTime(1_767_225_600_000_000_000)),
            texts(&["old", "new"])
        )
    );
}

#[test]
fn orderly_stop_is_told_apart_from_a_kill() {
    let world = killed_after(&["one"]);
    let after_kill = world.inspect().ended_clean();
    world.open().shutdown().unwrap();
    assert_eq!((after_kill, world.inspect().ended_clean()), (false, true));
}

#[test]
fn store_whose_creation_was_interrupted_is_made_anew() {
    let world = World::new();
    drop(world.open());
    // Before the first record: the segment is there, the identity is not.
    let half = world.with_files(|image| {
        image.files.remove(std::path::Path::new("STORE"));
        for (path, bytes) in &mut image.files {
            if path.starts_with("wal") {
                Arc::make_mut(bytes)[4096..].fill(0);
            }
        }
        let name = std::path::PathBuf::from("wal/0000000000000001-0000000000000001.wal");
        let bytes = image
            .files
            .values()
            .find(|bytes| bytes.starts_with(b"TOCSIN"))
            .unwrap()
            .clone();
        image.files.retain(|path, _| !path.starts_with("wal"));
        image.files.insert(name, bytes);
    });
    assert!(half.try_open().unwrap().1.is_new);
}

#[test]
fn records_without_an_identity_are_refused_and_never_overwritten() {
    let world = killed_after(&["one"]);
    let headless = world.with_files(|image| {
        image.files.remove(std::path::Path::new("STORE"));
    });
    let refusal = headless.refusal();
    tocsin::wal::salvage(&headless.environment(3), &headless.options).unwrap();
    assert_eq!(
        (refusal.exit_code(), headless.recover()),
        (3, texts(&["one"]))
    );
}

#[test]
fn damaged_identity_is_refused_and_made_anew_by_a_salvage() {
    let world = killed_after(&["one"]);
    let store = std::path::Path::new("STORE");
    let length = world.bytes(store).len();
    let codes: Vec<u8> = (0..length)
        .map(|at| {
            world
                .with(store, |bytes| bytes[at] ^= 2)
                .refusal()
                .exit_code()
        })
        .collect();
    let broken = world.with(store, |bytes| bytes[20] ^= 1);
    let report = tocsin::wal::salvage(&broken.environment(3), &broken.options).unwrap();
    assert_eq!(
        (
            codes,
            report.identity_rebuilt,
            report.lost.len(),
            broken.recover()
        ),
        (vec![3; length], true, 0, texts(&["one"]))
    );
}

#[test]
fn offline_repair_of_a_torn_tail_keeps_a_copy_and_leaves_a_sound_log() {
    let world = killed_after(&["one"]);
    let (torn, ..) = world.torn(40);
    let report = repair_tail(&torn.environment(3), &torn.options).unwrap();
    assert_eq!(
        (
            report.class_before,
            report.dropped_tail_bytes,
            report.quarantined.len(),
            torn.class()
        ),
        ('T', 40, 1, Class::CleanEnd)
    );
}

#[test]
fn torn_tail_is_refused_when_the_operator_wants_it_so() {
    let world = killed_after(&["one"]);
    let (mut torn, path, end) = world.torn(40);
    torn.options.drops_torn_tail = false;
    let refusal = torn.refusal();
    let expected = format!(
        "the log ends in a torn batch, which this start may not drop
  {} offset {end}: the record's header does not match its checksum; 40 bytes from record 5 on were never acknowledged
  nothing was changed. Look: `tocsin wal check`. Drop it: `tocsin wal repair tail`",
        path.display()
    );
    assert_eq!((refusal.exit_code(), refusal.to_string()), (3, expected));
}

#[test]
fn sink_gets_records_in_lsn_order_before_their_senders_get_an_answer() {
    let world = World::new();
    let (sender, events) = mpsc::channel();
    let from_sink = sender.clone();
    let sink = move |batch: tocsin::wal::DurableBatch| {
        from_sink
            .send(format!(
                "sink {} ({} records)",
                batch.first,
                batch.records.len()
            ))
            .unwrap();
    };
    let options = without_heartbeats();
    let log = Log::start(world.open(), options, Box::new(sink)).unwrap();
    let records = vec![text_record("a"), text_record("b")];
    let done = Box::new(move |result: Result<tocsin::wal::Appended, AppendError>| {
        sender
            .send(format!("answer {}", result.unwrap().last))
            .unwrap();
    });
    log.append(Lane::Normal, records, done).unwrap();
    log.close().unwrap();
    let seen: Vec<_> = events.iter().collect();
    assert_eq!(seen, vec!["sink 4 (2 records)", "answer 5"]);
}

#[test]
fn silent_log_writes_heartbeats_by_itself() {
    let world = World::new();
    let options = ThreadOptions {
        heartbeat_every: Some(Duration::from_millis(1)),
        ..ThreadOptions::default()
    };
    let before = world.disk.calls(tocsin::sys::Call::Fdatasync);
    let log = Log::start(world.open(), options, Box::new(|_| ())).unwrap();
    while world.disk.calls(tocsin::sys::Call::Fdatasync) < before + 8 {
        std::thread::yield_now();
    }
    log.close().unwrap();
    let beats = world.bytes(&world.segments()[0]);
    assert!(places(&beats).iter().any(|place| place.record_type == 10));
}

#[test]
fn panic_in_the_sink_answers_everybody_and_poisons() {
    let world = World::new();
    let options = without_heartbeats();
    let log = Log::start(
        world.open(),
        options,
        Box::new(|_| panic!("a planted panic")),
    )
    .unwrap();
    let first = log.append_and_wait(Lane::Normal, vec![text_record("durable")]);
    let is_refused = |result: &Result<_, AppendError>| {
        matches!(
            result,
            Err(AppendError::Closed | AppendError::Poisoned { .. })
        )
    };
    // The thread poisons the queue as it unwinds; until then a request may still be taken in.
    let mut second = log.append_and_wait(Lane::Normal, vec![text_record("late")]);
    while matches!(second, Err(AppendError::Closed)) {
        second = log.append_and_wait(Lane::Normal, vec![text_record("late")]);
    }
    assert_eq!((is_refused(&first), is_refused(&second)), (true, true));
}
