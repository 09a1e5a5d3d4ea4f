//! A disk that fails while the log is running: W01 to W11, W31 to W35.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tocsin::sys::{
    Call, CrashModel, DiskOp, Errno, Fate, Fault, FaultKind, Image, RecordingDisk, SimDisk,
};
use tocsin::wal::{
    AppendError, Class, Lane, Log, Lsn, OpenError, QueueLimits, SegmentSeq, ThreadOptions, Writer,
    open,
};

use crate::gate::open_gated;
use crate::support::{
    Texts, World, checkpoint, end, killed_after, post, post_through, start, text_record, texts,
};

fn append(writer: &mut Writer, text: &str) -> Result<Lsn, AppendError> {
    writer
        .append(Lane::Normal, &[&text_record(text)])
        .map(|appended| appended.last)
}

fn is_poisoned<T>(result: &Result<T, AppendError>) -> bool {
    matches!(result, Err(AppendError::Poisoned { .. }))
}

fn is_full<T>(result: &Result<T, AppendError>) -> bool {
    matches!(result, Err(AppendError::Full { .. }))
}

#[test]
fn w01_failed_sync_refuses_every_waiter_and_the_next_start_is_fine() {
    let world = World::new();
    let log = start(world.open());
    post_through(&log, Lane::Normal, "acked").unwrap();
    // Not the sync of the spare segment, which is made beside.
    world
        .disk
        .plan(Fault::once(Call::Fdatasync, 1, FaultKind::Error(Errno::Eio)).on(".wal.tmp"));
    let first = post_through(&log, Lane::Normal, "unknown");
    let second = post_through(&log, Lane::Priority, "refused");
    drop(log);
    world.disk.heal();
    let recovered = world.recover();
    let cause = match &first {
        Err(AppendError::Poisoned { cause }) => cause.contains("cannot sync wal/"),
        _ => false,
    };
    assert_eq!(
        (
            cause,
            // The same words, and not those of an error about an error.
            second == first,
            recovered[0].as_str(),
            recovered.contains(&"refused".to_owned())
        ),
        (true, true, "acked", false)
    );
}

#[test]
fn w02_sync_is_never_called_again_on_a_file_on_which_it_failed() {
    let world = World::new();
    let mut writer = world.open();
    world.disk.plan(Fault::once(
        Call::Fdatasync,
        1,
        FaultKind::Error(Errno::Eio),
    ));
    let before = world.disk.calls(Call::Fdatasync);
    let results = [
        append(&mut writer, "one"),
        append(&mut writer, "two"),
        append(&mut writer, "three"),
    ];
    assert_eq!(
        (
            results.iter().filter(|one| is_poisoned(one)).count(),
            world.disk.calls(Call::Fdatasync)
        ),
        (3, before + 1)
    );
}

#[test]
fn w02_records_of_a_failed_sync_that_a_start_has_read_survive_the_next_power_loss() {
    let world = World::new();
    let mut writer = world.open();
    append(&mut writer, "acked").unwrap();
    world.disk.plan(Fault::once(
        Call::Fdatasync,
        1,
        FaultKind::Error(Errno::Eio),
    ));
    let _ = append(&mut writer, "in the page cache");
    drop(writer);
    world.disk.heal();
    let read_by_the_start = world.recover();
    let after = World::on(&world.disk.power_loss());
    assert_eq!(after.recover(), read_by_the_start);
}

#[test]
fn w04_failed_write_poisons_and_what_was_acknowledged_stays() {
    for kind in [
        FaultKind::Error(Errno::Eio),
        FaultKind::PartThenError(50, Errno::Eio),
    ] {
        let world = World::new();
        let mut writer = world.open();
        append(&mut writer, "acked").unwrap();
        world.disk.plan(Fault::once(Call::Pwrite, 1, kind));
        let failed = append(&mut writer, "failed");
        let next = append(&mut writer, "next");
        drop(writer);
        assert_eq!(
            (is_poisoned(&failed), is_poisoned(&next), world.recover()),
            (true, true, texts(&["acked"]))
        );
    }
}

#[test]
fn w05_full_disk_refuses_and_goes_on_later_without_a_hole_in_the_lsns() {
    for errno in [Errno::Enospc, Errno::Edquot] {
        let world = World::new();
        let mut writer = world.open();
        let before = append(&mut writer, "before").unwrap();
        world.disk.plan(Fault::once(
            Call::Pwrite,
            1,
            FaultKind::PartThenError(60, errno),
        ));
        let refused = append(&mut writer, "refused");
        let after = append(&mut writer, "after").unwrap();
        drop(writer);
        // A BatchStart and the record.
        assert_eq!(
            (
                is_full(&refused),
                after.0 - before.0,
                world.class(),
                world.recover()
            ),
            (true, 2, Class::CleanEnd, texts(&["before", "after"]))
        );
    }
}

/// The disk becomes full in the middle of the second batch, or of the first one of a fresh segment, and
/// does not take the zeros over its part either; then it has room again.
fn full_disk_that_takes_no_zeros(is_fresh: bool) -> World {
    let world = World::new();
    let mut writer = world.open();
    append(&mut writer, "before").unwrap();
    if is_fresh {
        writer.rotate().unwrap();
    }
    writer.prepare_spare().unwrap();
    world
        .disk
        .plan(Fault::once(Call::Pwrite, 1, FaultKind::Short(70)));
    world.disk.plan(Fault {
        times: 2,
        ..Fault::once(Call::Pwrite, 2, FaultKind::Error(Errno::Enospc))
    });
    assert!(is_full(&append(&mut writer, "refused")));
    append(&mut writer, "after").unwrap();
    writer.heartbeat().unwrap();
    world
}

#[test]
fn w05_full_disk_that_takes_no_zeros_either_seals_the_segment() {
    let world = full_disk_that_takes_no_zeros(false);
    assert_eq!(
        (world.segments().len(), world.class(), world.recover()),
        (2, Class::Sealed, texts(&["before", "after"]))
    );
}

#[test]
fn w05_full_disk_at_the_first_batch_of_a_segment_replaces_that_segment() {
    let world = full_disk_that_takes_no_zeros(true);
    let void = world.inspect().void.len();
    assert_eq!(
        (void, world.class(), world.recover()),
        (1, Class::CleanEnd, texts(&["before", "after"]))
    );
}

#[test]
fn w06_no_room_for_a_new_segment_uses_the_spare_and_is_counted() {
    let world = World::new();
    let writer = world.open();
    writer.prepare_spare().unwrap();
    world.disk.plan(Fault::from(
        Call::Preallocate,
        1,
        FaultKind::Error(Errno::Enospc),
    ));
    let log = start(writer);
    let big = "x".repeat(2000);
    let mut acked = 0;
    // Two segments' worth, then no more.
    while post_through(&log, Lane::Normal, &big).is_ok() {
        acked += 1;
    }
    while log
        .counters()
        .spare_failures
        .load(std::sync::atomic::Ordering::Relaxed)
        == 0
    {
        std::thread::yield_now();
    }
    let result = post_through(&log, Lane::Priority, "result");
    world.disk.heal();
    let after = post_through(&log, Lane::Normal, "after");
    drop(log);
    let recovered = world.recover();
    assert_eq!(
        (
            acked,
            result.is_ok(),
            after.is_ok(),
            recovered.len(),
            world.class() <= Class::Sealed
        ),
        (10, true, true, 12, true)
    );
}

#[test]
fn w07_full_disk_at_a_checkpoint_removes_the_tmp_and_keeps_the_log() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    let lsn = writer.durable();
    world.disk.plan(
        Fault::once(Call::Pwrite, 1, FaultKind::PartThenError(20, Errno::Enospc)).on("checkpoint"),
    );
    let failed = writer.checkpoint(lsn, 0, |sections| sections.section(1, b"one"));
    let left = world.files("checkpoint");
    checkpoint(&mut writer, &["one"]);
    drop(writer);
    assert_eq!(
        (
            failed.is_err(),
            left,
            world.files("checkpoint").len(),
            world.recover()
        ),
        (true, vec![], 1, texts(&["one"]))
    );
}

#[test]
fn w08_kill_during_the_zero_filling_of_a_segment_leaves_a_tmp_that_the_start_removes() {
    let world = killed_after(&["one"]);
    let killed = world.with_files(|image| {
        image.files.insert(
            "wal/spare-0000000000000000.tmp".into(),
            Arc::new(vec![0; 5000]),
        );
    });
    let recovered = killed.recover();
    let left: Vec<_> = killed
        .files("wal")
        .into_iter()
        .filter(|path| path.extension().unwrap() == "tmp")
        .collect();
    assert_eq!(
        (recovered, left),
        (texts(&["one"]), Vec::<std::path::PathBuf>::new())
    );
}

/// A recording of: one record, a rotation, one record; and what the disk was told.
fn recorded_rotation() -> (World, Vec<DiskOp>, usize) {
    let world = World::new();
    let disk = Arc::new(RecordingDisk::new(world.disk.clone()));
    let shared: Arc<dyn tocsin::sys::Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    let environment = world.environment_over(shared, 3);
    let (mut writer, _) = open(&environment, &world.options, &mut Texts::default()).unwrap();
    post(&mut writer, &["old"]);
    writer.rotate().unwrap();
    let rotated = disk.len();
    post(&mut writer, &["new"]);
    drop(writer);
    (world, disk.ops(), rotated)
}

fn model_after(ops: &[DiskOp]) -> CrashModel {
    let mut model = CrashModel::new(&Image::default());
    ops.iter().for_each(|op| model.apply(op));
    model
}

#[test]
fn w09_power_loss_between_rename_and_directory_sync_leaves_the_segment_absent_or_whole() {
    let (_, ops, rotated) = recorded_rotation();
    let is_name = |op: &DiskOp| matches!(op, DiskOp::Rename { to, .. } if to.starts_with("wal"));
    let renamed = ops[..rotated].iter().rposition(is_name).unwrap() + 1;
    let model = model_after(&ops[..renamed]);
    let outcomes: Vec<_> = [true, false]
        .into_iter()
        .map(|kept| {
            let world = World::on(&model.materialise(|_| kept, |_| Fate::Lost));
            (world.segments().len(), world.recover())
        })
        .collect();
    assert_eq!(outcomes, vec![(2, texts(&["old"])), (1, texts(&["old"]))]);
}

#[test]
fn w10_power_loss_never_takes_the_name_of_a_segment_with_acknowledged_records() {
    let (_, ops, rotated) = recorded_rotation();
    let lost: Vec<usize> = (rotated..=ops.len())
        .filter(|done| {
            let image = model_after(&ops[..*done]).materialise(|_| false, |_| Fate::Lost);
            let is_acked = *done == ops.len();
            World::on(&image).recover() != texts(if is_acked { &["old", "new"] } else { &["old"] })
        })
        .collect();
    assert_eq!(lost, Vec::<usize>::new());
}

#[test]
fn w11_no_segment_with_a_name_is_ever_shorter_than_it_was_made() {
    let (world, ops, _) = recorded_rotation();
    let mut short = Vec::new();
    for done in 0..=ops.len() {
        let model = model_after(&ops[..done]);
        for kept in [true, false] {
            let image = model.materialise(|_| kept, |_| Fate::Lost);
            let segments = image
                .files
                .iter()
                .filter(|(path, _)| path.extension() == Some("wal".as_ref()));
            let wrong =
                segments.filter(|(_, bytes)| bytes.len() as u64 != world.options.segment_bytes);
            short.extend(wrong.map(|(path, _)| (done, path.clone())));
        }
    }
    assert_eq!(short, vec![]);
}

#[test]
fn w31_read_only_file_system_at_start_is_refused_with_74() {
    let world = World::new();
    world.disk.plan(Fault::from(
        Call::CreateDir,
        1,
        FaultKind::Error(Errno::Erofs),
    ));
    let refusal = world.refusal();
    let names = matches!(&refusal, OpenError::Io { path, .. } if path == Path::new("wal"));
    assert_eq!((names, refusal.exit_code()), (true, 74));
}

#[test]
fn w31_file_system_that_becomes_read_only_poisons() {
    let world = World::new();
    let mut writer = world.open();
    world
        .disk
        .plan(Fault::from(Call::Pwrite, 1, FaultKind::Error(Errno::Erofs)));
    assert!(is_poisoned(&append(&mut writer, "one")));
}

#[test]
fn w32_slow_sync_refuses_by_age_and_goes_on_when_it_is_over() {
    let world = World::new();
    let (gated, writer) = open_gated(&world);
    let options = ThreadOptions {
        limits: QueueLimits {
            wait_max: Duration::from_secs(10),
            ..QueueLimits::default()
        },
        heartbeat_every: None,
    };
    let log = Log::start(writer, options, Box::new(|_| ())).unwrap();
    gated.close(Call::Fdatasync);
    let (answers, answered) = std::sync::mpsc::channel();
    let send = |text: &'static str| {
        let answers = answers.clone();
        let done = Box::new(move |result: Result<_, AppendError>| {
            answers.send((text, result.err())).unwrap();
        });
        log.append(Lane::Normal, vec![text_record(text)], done)
    };
    send("in the sync").unwrap();
    gated.wait_until_blocked();
    send("waiting").unwrap();
    world.clock.advance(Duration::from_secs(20));
    let late = send("late").err();
    gated.open();
    let mut results: Vec<_> = (0..2).map(|_| answered.recv().unwrap()).collect();
    results.sort_by_key(|(text, _)| *text);
    let after = post_through(&log, Lane::Normal, "after").is_ok();
    drop(log);
    let overloaded = |reason| Some(AppendError::Overloaded { reason });
    assert_eq!(
        (late, results, after, world.recover()),
        (
            overloaded("the disk is too slow: requests wait too long"),
            vec![
                ("in the sync", None),
                (
                    "waiting",
                    overloaded("the disk is too slow: it waited too long")
                )
            ],
            true,
            texts(&["in the sync", "after"])
        )
    );
}

#[test]
fn w33_interrupted_and_short_calls_are_no_errors() {
    let world = World::new();
    let mut writer = world.open();
    world.disk.plan(Fault {
        times: 20,
        ..Fault::once(Call::Pwrite, 1, FaultKind::Error(Errno::Eintr))
    });
    world.disk.plan(Fault {
        times: 9,
        ..Fault::once(Call::Pwrite, 21, FaultKind::Short(7))
    });
    append(&mut writer, "one").unwrap();
    drop(writer);
    world.disk.plan(Fault {
        times: 30,
        ..Fault::once(Call::Read, 1, FaultKind::Error(Errno::Eintr))
    });
    world.disk.plan(Fault {
        times: 30,
        ..Fault::once(Call::Read, 31, FaultKind::Short(11))
    });
    assert_eq!(world.recover(), texts(&["one"]));
}

#[test]
fn w34_want_of_file_handles_at_a_rotation_uses_the_spare_that_is_open_already() {
    let world = World::new();
    let mut writer = world.open();
    append(&mut writer, "one").unwrap();
    writer.prepare_spare().unwrap();
    world.disk.plan(Fault::from(
        Call::Create,
        1,
        FaultKind::Error(Errno::Emfile),
    ));
    writer.rotate().unwrap();
    append(&mut writer, "two").unwrap();
    let without_spare = writer.rotate();
    append(&mut writer, "three").unwrap();
    drop(writer);
    world.disk.heal();
    assert_eq!(
        (is_full(&without_spare), world.recover()),
        (true, texts(&["one", "two", "three"]))
    );
}

#[test]
fn w35_fifty_kills_in_a_flood_do_not_make_the_log_grow_beyond_its_records() {
    let world = World::new();
    let mut expected = Vec::new();
    for life in 0..50 {
        let mut writer = world.open();
        for at in 0..3 {
            let text = format!("life {life} record {at} {}", "x".repeat(60));
            post(&mut writer, &[&text]);
            expected.push(text);
        }
    }
    // Some 400 bytes a life in segments of 12 KiB of records, each at least a quarter full.
    assert_eq!(
        (world.recover(), world.segments().len() <= 10),
        (expected, true)
    );
}

#[test]
fn full_log_keeps_room_for_results_of_notifications() {
    let world = World::new();
    let mut writer = world.open();
    world.disk.plan(Fault::from(
        Call::Preallocate,
        1,
        FaultKind::Error(Errno::Enospc),
    ));
    while append(&mut writer, &"x".repeat(200)).is_ok() {}
    let refused = append(&mut writer, &"x".repeat(200));
    let result = writer.append(Lane::Priority, &[&text_record("result")]);
    assert_eq!((is_full(&refused), result.is_ok()), (true, true));
}

#[test]
fn record_of_a_batch_that_a_full_disk_refused_never_continues_the_batch_written_in_its_place() {
    // The refused batch was in the page cache whole; of its two pages only the second reached the
    // disk, of the zeros written over it none, of the next batch its one page. The refused record
    // then stands just where the log goes on, with the right LSN.
    const PAGE: usize = 4096;
    let world = World::new();
    let disk = Arc::new(RecordingDisk::new(world.disk.clone()));
    let shared: Arc<dyn tocsin::sys::Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    let environment = world.environment_over(shared, 3);
    let (mut writer, _) = open(&environment, &world.options, &mut Texts::default()).unwrap();
    let end = end(&world.bytes(&world.segments()[0]));
    // A BatchStart takes 48 bytes, a record 28 and its payload.
    let first_of_batch = "a".repeat(600);
    let batch_head = 48 + 28 + 600 + 4;
    let filler = PAGE - (end + 48 + 28 + batch_head) % PAGE;
    post(&mut writer, &[&"p".repeat(filler)]);
    let second_of_batch = "b".repeat(200);
    world.disk.plan(Fault::once(
        Call::Pwrite,
        1,
        FaultKind::PartThenError(910, Errno::Enospc),
    ));
    let records = [text_record(&first_of_batch), text_record(&second_of_batch)];
    let refused = writer.append(Lane::Normal, &[&records[0], &records[1]]);
    let before = disk.len();
    append(&mut writer, &"c".repeat(600)).unwrap();
    // All but the sync of the second batch.
    let model = model_after(&disk.ops()[..before + 1]);
    let image = model.materialise(
        |_| true,
        |at| {
            if at == 1 || at == 4 {
                Fate::Kept
            } else {
                Fate::Lost
            }
        },
    );
    let recovered = World::on(&image).recover();
    let starts: String = recovered.iter().map(|text| &text[..1]).collect();
    assert_eq!(
        (
            is_full(&refused),
            model.pending_writes().len(),
            starts.as_str()
        ),
        (true, 5, "pc")
    );
}

#[test]
fn writer_refuses_what_is_empty_or_too_large_and_goes_on() {
    let world = World::new();
    let mut writer = world.open();
    let nothing = writer.append(Lane::Normal, &[]);
    let empty = append(&mut writer, "");
    let large = append(&mut writer, &"x".repeat(7000));
    let next = append(&mut writer, "one");
    assert_eq!(
        (nothing, empty, large, next),
        (
            Err(AppendError::Empty),
            Err(AppendError::Empty),
            Err(AppendError::TooLarge {
                bytes: 7080,
                bytes_max: 6144
            }),
            Ok(Lsn(4))
        )
    );
}

#[test]
fn writer_says_which_segment_it_writes_to_and_why_it_no_longer_does() {
    let world = World::new();
    let mut writer = world.open();
    append(&mut writer, "one").unwrap();
    let healthy = (writer.segment(), writer.poison().map(str::to_owned));
    writer.rotate().unwrap();
    world
        .disk
        .plan(Fault::once(Call::Pwrite, 1, FaultKind::Error(Errno::Eio)));
    append(&mut writer, "two").unwrap_err();
    let ill = (writer.segment(), writer.poison().map(str::to_owned));
    let cause = "cannot write to wal/0000000000000003-0000000000000005.wal at offset 4096: Input/output error (os error 5)";
    assert_eq!(
        (healthy, ill),
        (
            (SegmentSeq(2), None),
            (SegmentSeq(3), Some(cause.to_owned()))
        )
    );
}
