//! Checkpoints: C01 to C08, C10.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tocsin::sys::{
    Call, CrashModel, Disk, DiskOp, Fate, Fault, FaultKind, Image, RecordingDisk, SimDisk, WallTime,
};
use tocsin::wal::checkpoint::SECTION_BYTES_MAX;
use tocsin::wal::{Class, Lane, Lsn, StartReport, Writer, open, salvage};

use crate::support::{Texts, World, checkpoint, damage_of, post, post_through, start, texts};

/// Two checkpoints, rotations between, everything before the older one removed.
fn two_checkpoints() -> (World, Writer) {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    writer.rotate().unwrap();
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    writer.rotate().unwrap();
    checkpoint(&mut writer, &["one", "two"]);
    post(&mut writer, &["three"]);
    writer.rotate().unwrap();
    post(&mut writer, &["four"]);
    writer.heartbeat().unwrap();
    (world, writer)
}

const ALL_FOUR: [&str; 4] = ["one", "two", "three", "four"];

fn newest_checkpoint(world: &World) -> PathBuf {
    world.files("checkpoint").last().unwrap().clone()
}

fn record_checkpoint() -> (Vec<DiskOp>, usize) {
    let world = World::new();
    let disk = Arc::new(RecordingDisk::new(world.disk.clone()));
    let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    let (mut writer, _) = open(
        &world.environment_over(shared, 3),
        &world.options,
        &mut Texts::default(),
    )
    .unwrap();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    writer.rotate().unwrap();
    checkpoint(&mut writer, &["one", "two"]);
    writer.rotate().unwrap();
    post(&mut writer, &["three"]);
    let before = disk.len();
    checkpoint(&mut writer, &["one", "two", "three"]);
    (disk.ops(), before)
}

#[test]
fn c01_kill_or_power_loss_at_each_step_of_a_checkpoint_leaves_the_old_or_the_new_one() {
    let (ops, before) = record_checkpoint();
    let mut model = CrashModel::new(&Image::default());
    let mut wrong = Vec::new();
    for (at, op) in ops.iter().enumerate() {
        model.apply(op);
        if at < before {
            continue;
        }
        let all_lost = model.materialise(|_| false, |_| Fate::Lost);
        for (how, image) in [("kill", model.live_image()), ("power loss", all_lost)] {
            if World::on(&image).recover() != texts(&["one", "two", "three"]) {
                wrong.push((at, how));
            }
        }
    }
    assert_eq!(wrong, vec![]);
}

#[test]
fn c02_checkpoint_with_a_name_and_no_contents_falls_back_on_the_one_before() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let newest = newest_checkpoint(&world);
    let empty = world.with(&newest, |bytes| bytes.fill(0));
    let (_, report, replayed) = empty.try_open().unwrap();
    assert_eq!(
        (report.scan.class, report.quarantined, replayed),
        (Class::CleanEnd, vec![newest], texts(&ALL_FOUR))
    );
}

#[test]
fn c03_newest_checkpoint_damaged_at_any_byte_falls_back() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let newest = newest_checkpoint(&world);
    let length = world.bytes(&newest).len();
    let wrong: Vec<usize> = (0..length)
        .filter(|at| {
            let broken = world.with(&newest, |bytes| bytes[*at] ^= 0x10);
            let (_, report, replayed) = broken.try_open().unwrap();
            replayed != texts(&ALL_FOUR) || report.quarantined != vec![newest.clone()]
        })
        .collect();
    assert_eq!(wrong, Vec::<usize>::new());
}

#[test]
fn c04_both_checkpoints_bad_and_the_log_whole_is_a_full_replay() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    checkpoint(&mut writer, &["one", "two"]);
    drop(writer);
    assert_eq!(both_bad(&world).recover(), texts(&["one", "two"]));
}

fn both_bad(world: &World) -> World {
    world.with_files(|image| {
        for (path, bytes) in &mut image.files {
            if path.starts_with("checkpoint") {
                Arc::make_mut(bytes)[60] ^= 1;
            }
        }
    })
}

#[test]
fn c05_both_checkpoints_bad_and_the_log_trimmed_is_refused() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let broken = both_bad(&world);
    let first = broken.segments()[0].clone();
    let refusal = broken.refusal();
    assert_eq!(
        (
            damage_of(&refusal),
            refusal.to_string().matches("cannot be used").count()
        ),
        (vec![(first, 0, Lsn(1), Some(Lsn(4)))], 2)
    );
}

#[test]
fn c05_salvage_without_any_checkpoint_starts_from_what_is_left() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let broken = both_bad(&world);
    let report = salvage(&broken.environment(4), &broken.options).unwrap();
    let lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| (lost.first_lsn, lost.last_lsn))
        .collect();
    let (_, start, replayed) = broken.try_open().unwrap();
    assert_eq!(
        (
            lost,
            replayed,
            start.scan.given_up,
            broken.files("checkpoint").len()
        ),
        (
            vec![(1, Some(4))],
            texts(&["two", "three", "four"]),
            vec![(Lsn(1), Lsn(4))],
            0
        )
    );
}

#[test]
fn c06_files_that_a_kill_kept_from_being_removed_go_behind_the_next_checkpoint() {
    let world = World::new();
    let mut writer = world.open();
    for text in ["one", "two", "three"] {
        post(&mut writer, &[text]);
        writer.rotate().unwrap();
    }
    checkpoint(&mut writer, &["one", "two", "three"]);
    post(&mut writer, &["four"]);
    // The second removal fails, as if the process had died there.
    world
        .disk
        .plan(Fault::from(Call::Unlink, 2, FaultKind::Error(tocsin::sys::Errno::Eio)).on("wal/"));
    let lsn = writer.durable();
    let removal = writer.checkpoint(lsn, 0, |sections| {
        ["one", "two", "three", "four"]
            .iter()
            .try_for_each(|text| sections.section(1, text.as_bytes()))
    });
    drop(writer);
    world.disk.heal();
    let left = world.segments().len();
    let (mut writer, _, replayed) = world.try_open().unwrap();
    writer.rotate().unwrap();
    checkpoint(&mut writer, &["one", "two", "three", "four"]);
    drop(writer);
    assert_eq!(
        (
            removal.is_err(),
            left,
            replayed,
            world.segments().len(),
            world.recover()
        ),
        (true, 3, texts(&ALL_FOUR), 2, texts(&ALL_FOUR))
    );
}

#[test]
fn c07_unfinished_checkpoint_newer_than_all_is_ignored_and_removed() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let newest = world.bytes(&newest_checkpoint(&world));
    let tmp = Path::new("checkpoint/00000000ffffffff.ckpt.tmp");
    let with_tmp = world.with_files(|image| {
        image.files.insert(
            tmp.to_path_buf(),
            Arc::new(newest[..newest.len() / 2].to_vec()),
        );
    });
    let replayed = with_tmp.recover();
    assert_eq!(
        (
            replayed,
            with_tmp.files("checkpoint").contains(&tmp.to_path_buf())
        ),
        (texts(&ALL_FOUR), false)
    );
}

#[test]
fn c08_clock_that_goes_back_does_not_change_which_checkpoint_is_newest() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    let now = tocsin::sys::Clock::wall(world.clock.as_ref());
    world.clock.set_wall(WallTime(now.0 - 86_400_000_000_000));
    let newest = writer.durable();
    checkpoint(&mut writer, &["one", "two"]);
    drop(writer);
    let (_, report, replayed) = world.try_open().unwrap();
    assert_eq!(
        (report.scan.base, replayed),
        (newest, texts(&["one", "two"]))
    );
}

#[test]
fn only_the_two_newest_checkpoints_and_the_log_behind_the_older_one_are_kept() {
    let (world, mut writer) = two_checkpoints();
    checkpoint(&mut writer, &ALL_FOUR);
    let older: Lsn = {
        let name = world.files("checkpoint")[0]
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        Lsn(u64::from_str_radix(&name, 16).unwrap())
    };
    let firsts: Vec<u64> = world
        .segments()
        .iter()
        .map(|path| {
            u64::from_str_radix(&path.file_stem().unwrap().to_str().unwrap()[17..], 16).unwrap()
        })
        .collect();
    assert_eq!(
        (
            world.files("checkpoint").len(),
            firsts[0] <= older.0 + 1,
            firsts[1] > older.0 + 1
        ),
        (2, true, true)
    );
}

#[test]
fn checkpoint_that_does_not_read_back_as_written_removes_nothing() {
    let (world, mut writer) = two_checkpoints();
    let before = (world.files("checkpoint"), world.segments());
    let lsn = writer.durable();
    world
        .disk
        .plan(Fault::once(Call::Pwrite, 1, FaultKind::FlipBit(600)).on("checkpoint"));
    let failed = writer.checkpoint(lsn, 0, |sections| {
        ALL_FOUR
            .iter()
            .try_for_each(|text| sections.section(1, text.as_bytes()))
    });
    drop(writer);
    let after = (world.files("checkpoint"), world.segments());
    assert_eq!(
        (failed.is_err(), after, world.recover()),
        (true, before, texts(&ALL_FOUR))
    );
}

/// Every state that a kill or a power loss without survivors leaves of a start on `image`.
fn states_of_a_start(image: &Image, seed: u64) -> Vec<Image> {
    let world = World::on(image);
    let disk = Arc::new(RecordingDisk::new(world.disk.clone()));
    let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    let environment = world.environment_over(shared, seed);
    drop(open(&environment, &world.options, &mut Texts::default()).unwrap());
    let mut model = CrashModel::new(image);
    let mut states = Vec::new();
    for op in disk.ops() {
        model.apply(&op);
        let all_lost = model.materialise(|_| false, |_| Fate::Lost);
        let data_lost = model.materialise(|_| true, |_| Fate::Lost);
        for state in [model.live_image(), all_lost, data_lost] {
            if !states.contains(&state) {
                states.push(state);
            }
        }
    }
    states
}

#[test]
fn c10_kill_during_recovery_at_each_operation_to_depth_three_changes_nothing() {
    let (world, writer) = two_checkpoints();
    drop(writer);
    let torn = world.torn(100).0.disk.image();
    let mut wrong = 0;
    let mut checked = 0;
    for first in states_of_a_start(&torn, 11) {
        for second in states_of_a_start(&first, 12) {
            for third in states_of_a_start(&second, 13) {
                checked += 1;
                wrong += usize::from(World::on(&third).recover() != texts(&ALL_FOUR));
            }
        }
    }
    assert_eq!((wrong, checked > 500), (0, true));
}

#[test]
fn checkpoint_through_the_running_log_goes_on_beside_appends() {
    let world = World::new();
    let log = start(world.open());
    let append = |text: &str| post_through(&log, Lane::Normal, text).unwrap();
    append("one");
    let lsn = log.durable();
    let none = log.newest_checkpoint();
    let info = log.checkpoint(lsn, 42, |sections| {
        append("two");
        sections.section(1, b"one")
    });
    let newest = log.newest_checkpoint();
    drop(log);
    world.clock.advance(Duration::from_secs(1));
    let (_, report, replayed): (_, StartReport, _) = world.try_open().unwrap();
    let hash = report.scan.checkpoints[0]
        .whole()
        .map(|info| info.state_hash);
    assert_eq!(
        ([none, newest, info.unwrap().lsn], hash, replayed),
        ([Lsn::ZERO, lsn, lsn], Some(42), texts(&["one", "two"]))
    );
}

#[test]
fn section_that_could_not_be_read_back_is_refused_when_it_is_written() {
    let world = World::new();
    let mut writer = world.open();
    let lsn = writer.durable();
    let long = vec![1; SECTION_BYTES_MAX + 1];
    let sections: [(u32, &[u8]); 2] = [(u32::MAX, b"one"), (1, &long)];
    let refused = sections.map(|(kind, bytes)| {
        let made = writer.checkpoint(lsn, 0, |sections| sections.section(kind, bytes));
        made.unwrap_err().to_string()
    });
    let text = |kind: u32, bytes: usize| {
        format!(
            "cannot write checkpoint/0000000000000002.ckpt.tmp: a section of kind {kind} and {bytes} bytes could not be read back: kinds end below 4294967295, sections at 16777216 bytes"
        )
    };
    assert_eq!(
        (refused, world.files("checkpoint")),
        ([text(u32::MAX, 3), text(1, SECTION_BYTES_MAX + 1)], vec![])
    );
}

#[test]
fn large_checkpoint_is_written_in_pieces_and_read_back_whole() {
    let world = World::new();
    let mut writer = world.open();
    let sections: Vec<String> = (0..5)
        .map(|at| format!("{at} {}", "x".repeat(150_001)))
        .collect();
    let sections: Vec<&str> = sections.iter().map(String::as_str).collect();
    checkpoint(&mut writer, &sections);
    drop(writer);
    assert!(world.recover() == texts(&sections));
}
