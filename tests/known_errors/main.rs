//! Every error that was found has a test here, named after what went wrong: those of the log in this
//! file, those of the core and of the templates in their own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod core;
#[allow(dead_code, reason = "what other tests need of it is not needed here")]
#[path = "../core/support.rs"]
mod core_support;
mod history;
mod keys;
#[allow(dead_code, reason = "what other tests need of it is not needed here")]
#[path = "../history/records.rs"]
mod records;
mod server;
#[allow(dead_code, reason = "what other tests need of it is not needed here")]
#[path = "../recovery/support.rs"]
mod support;
mod templates;

use std::sync::Arc;

use support::{Texts, World, checkpoint, place_of, post, texts};
use tocsin::sys::{
    Call, CrashModel, Disk, Errno, Fate, Fault, FaultKind, Fill, Image, RecordingDisk, SimDisk,
    WallTime,
};
use tocsin::wal::{Class, open, salvage};

/// The second rotation left a successor that named a predecessor which no longer counts.
#[test]
fn rotating_a_segment_without_records_leaves_a_sound_log() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    writer.rotate().unwrap();
    writer.rotate().unwrap();
    post(&mut writer, &["two"]);
    drop(writer);
    assert_eq!(
        (world.class(), world.recover()),
        (Class::CleanEnd, texts(&["one", "two"]))
    );
}

/// A kill in the middle of the creation of a store, a start that could read `STORE`, records, and a
/// power loss that took the name of `STORE`, which nothing had made durable.
#[test]
fn name_of_the_identity_is_durable_before_records_depend_on_it() {
    let world = World::new();
    let disk = Arc::new(RecordingDisk::new(world.disk.clone()));
    let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    drop(
        open(
            &world.environment_over(shared, 3),
            &world.options,
            &mut Texts::default(),
        )
        .unwrap(),
    );
    let ops = disk.ops();
    let mut refused = Vec::new();
    for killed_at in 1..=ops.len() {
        let mut model = CrashModel::new(&Image::default());
        ops[..killed_at].iter().for_each(|op| model.apply(op));
        let live = World::on(&model.live_image());
        let second = Arc::new(RecordingDisk::numbered_from(live.disk.clone(), 1 << 20));
        let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&second);
        let environment = live.environment_over(shared, 4);
        let (mut writer, _) = open(&environment, &live.options, &mut Texts::default()).unwrap();
        post(&mut writer, &["one"]);
        drop(writer);
        second.ops().iter().for_each(|op| model.apply(op));
        let after = World::on(&model.materialise(|_| false, |_| Fate::Lost));
        if after.try_open().map(|(_, _, replayed)| replayed).ok() != Some(texts(&["one"])) {
            refused.push(killed_at);
        }
    }
    assert_eq!(refused, Vec::<usize>::new());
}

/// A checksum that ran over the header and the header's own checksum was the same for all headers.
#[test]
fn checksums_of_checkpoints_with_equal_sections_differ() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["state"]);
    post(&mut writer, &["two"]);
    checkpoint(&mut writer, &["state"]);
    drop(writer);
    let crcs: Vec<u32> = world
        .inspect()
        .checkpoints
        .iter()
        .map(|file| file.whole().unwrap().crc)
        .collect();
    assert_ne!(crcs[0], crcs[1]);
}

/// Salvage reads the log twice; what only the second reading could not read was given up silently.
#[test]
fn salvage_refuses_when_only_its_second_reading_meets_a_read_error() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["hit"]);
    writer.rotate().unwrap();
    post(&mut writer, &["sound"]);
    writer.rotate().unwrap();
    post(&mut writer, &["end"]);
    writer.heartbeat().unwrap();
    drop(writer);
    let (first, second) = (world.segments()[0].clone(), world.segments()[1].clone());
    let place = place_of(&world.bytes(&first), "hit");
    let broken = world
        .with(&first, |bytes| bytes[place.start + 28] ^= 1)
        .disk
        .image();
    let mut silent = Vec::new();
    for nth in 1..20 {
        let world = World::on(&broken);
        let fault = Fault {
            times: 2,
            ..Fault::once(Call::Read, nth, FaultKind::Error(Errno::Eio))
        };
        world.disk.plan(fault.on(&second.display().to_string()));
        let report = salvage(&world.environment(5), &world.options);
        world.disk.heal();
        let announced = report.as_ref().map_or(0, |report| report.lost.len());
        let Ok((_, _, replayed)) = world.try_open() else {
            continue;
        };
        if announced == 1 && replayed != texts(&["sound", "end"]) {
            silent.push(nth);
        }
    }
    assert_eq!(silent, Vec::<u64>::new());
}

/// A process came up after a downtime and was killed before it had recorded that alerts fire on. For the
/// next one it had been alive until then, so that the downtime had ended them.
#[test]
fn a_start_that_is_killed_before_it_is_done_is_no_sign_of_life() {
    const BEGIN_NS: i64 = 1_767_225_600_000_000_000;
    let world = World::new();
    let mut alive = Vec::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    for hour in 1..=3 {
        drop(writer);
        world
            .clock
            .set_wall(WallTime(BEGIN_NS + hour * 3_600_000_000_000));
        let (next, report, _) = world.try_open().unwrap();
        alive.push(report.scan.last_alive);
        writer = next;
        if hour == 2 {
            post(&mut writer, &["two"]);
        }
    }
    let at = |hour: i64| Some(WallTime(BEGIN_NS + hour * 3_600_000_000_000));
    assert_eq!(alive, [at(0), at(0), at(2)]);
}

/// Of the batch that says that a process comes up, a power loss left only its beginning.
#[test]
fn the_beginning_of_the_batch_of_a_start_is_no_sign_of_life() {
    let world = World::new();
    let hour = |hour: i64| WallTime(1_767_225_600_000_000_000 + hour * 3_600_000_000_000);
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    drop(writer);
    let disk = Arc::new(RecordingDisk::new(SimDisk::new(&world.disk.image())));
    let shared: Arc<dyn Disk> = Arc::<RecordingDisk<SimDisk>>::clone(&disk);
    world.clock.set_wall(hour(1));
    let environment = world.environment_over(shared, 3);
    drop(open(&environment, &world.options, &mut Texts::default()).unwrap());
    let mut model = CrashModel::new(&world.disk.image());
    disk.ops().iter().for_each(|op| model.apply(op));
    let mut alive = Vec::new();
    // The last write is that of the batch; its first frame has 48 bytes.
    for kept in [0, 48, u64::MAX] {
        let last = model.pending_writes().len().checked_sub(1);
        let image = model.materialise(
            |_| true,
            |at| match Some(at) == last {
                true => Fate::Torn {
                    keep_from: 0,
                    keep_to: kept,
                    fill: Fill::Zeros,
                },
                false => Fate::Kept,
            },
        );
        let torn = World::on(&image);
        torn.clock.set_wall(hour(2));
        alive.push(torn.try_open().unwrap().1.scan.last_alive);
    }
    assert_eq!(alive, [Some(hour(0)); 3]);
}

/// The latest time in the log was taken for the last sign of life. Until a clock that was set back had
/// caught up, every start took away from timers and guessed ends once more what the first had taken.
#[test]
fn once_the_clock_was_set_back_the_last_sign_of_life_is_not_the_latest() {
    let world = World::new();
    let hour = |hour: i64| WallTime(1_767_225_600_000_000_000 + hour * 3_600_000_000_000);
    let mut alive = Vec::new();
    for at in [5, 1, 2] {
        world.clock.set_wall(hour(at));
        let (mut writer, report, _) = world.try_open().unwrap();
        alive.push(report.scan.last_alive);
        post(&mut writer, &["one"]);
    }
    assert_eq!(alive, [None, Some(hour(5)), Some(hour(1))]);
}
