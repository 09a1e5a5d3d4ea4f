//! What a start hands on, and to whom: receivers that refuse, that ignore, and long logs.

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{Class, IgnoreReplay, Lane, NewRecord, open, salvage};

use crate::support::{World, checkpoint, killed_after, post, text_record, texts};

#[test]
fn record_that_its_receiver_refuses_ends_the_start_and_is_named() {
    let world = World::new();
    let mut writer = world.open();
    let no_text = NewRecord {
        payload: vec![0xff].into(),
        ..text_record("")
    };
    writer.append(Lane::Normal, &[&no_text]).unwrap();
    drop(writer);
    let refusal = world.refusal();
    assert_eq!(
        (refusal.exit_code(), refusal.to_string().as_str()),
        (
            3,
            "record 4 cannot be applied: invalid utf-8 sequence of 1 bytes from index 0"
        )
    );
}

#[test]
fn checkpoint_that_its_receiver_refuses_ends_the_start_and_is_named() {
    let world = World::new();
    let mut writer = world.open();
    let lsn = writer.durable();
    writer
        .checkpoint(lsn, 0, |sections| sections.section(1, &[0xff]))
        .unwrap();
    drop(writer);
    let refusal = world.refusal();
    assert_eq!(
        (refusal.exit_code(), refusal.to_string().as_str()),
        (
            3,
            "the checkpoint checkpoint/0000000000000002.ckpt cannot be applied: invalid utf-8 sequence of 1 bytes from index 0"
        )
    );
}

#[test]
fn start_that_ignores_what_is_there_keeps_it() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    drop(writer);
    let (mut writer, _) = open(&world.environment(5), &world.options, &mut IgnoreReplay).unwrap();
    post(&mut writer, &["three"]);
    drop(writer);
    assert_eq!(world.recover(), texts(&["one", "two", "three"]));
}

#[test]
fn start_that_cannot_write_its_first_record_is_refused_and_costs_nothing() {
    let world = killed_after(&["one"]);
    // The header of the fresh segment, the records copied into it, and then the first of its own.
    world
        .disk
        .plan(Fault::once(Call::Pwrite, 3, FaultKind::Error(Errno::Eio)));
    let refusal = world.refusal();
    world.disk.heal();
    assert_eq!(
        (
            refusal.exit_code(),
            refusal.to_string().as_str(),
            world.recover()
        ),
        (
            74,
            "the log could be read but not continued: the log is poisoned: cannot write to wal/0000000000000003-0000000000000001.wal at offset 4272: Input/output error (os error 5); restart to recover",
            texts(&["one"])
        )
    );
}

#[test]
fn kill_after_one_large_batch_in_a_fresh_segment_replaces_that_segment() {
    // More than a quarter of it is in use, so that it is not folded, and nothing proves the batch.
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["small"]);
    writer.rotate().unwrap();
    let large = "x".repeat(4000);
    post(&mut writer, &[&large]);
    drop(writer);
    let unproven = world.segments()[1].clone();
    let (writer, report, replayed) = world.try_open().unwrap();
    drop(writer);
    assert_eq!(
        (report.removed, replayed, world.class(), world.recover()),
        (
            vec![unproven],
            texts(&["small", &large]),
            Class::CleanEnd,
            texts(&["small", &large])
        )
    );
}

#[test]
fn log_of_several_megabytes_is_read_and_salvaged_whole_but_for_the_damage() {
    let mut world = World::new();
    world.options.segment_bytes = 4 * 1024 * 1024;
    let mut writer = world.open();
    let mut expected: Vec<String> = (10..26)
        .map(|at| format!("{at} {}", "x".repeat(100_000)))
        .collect();
    expected.iter().for_each(|text| post(&mut writer, &[text]));
    writer.heartbeat().unwrap();
    drop(writer);
    let (broken, (.., lost, _)) = world.with_flipped("17 ");
    let report = salvage(&broken.environment(5), &broken.options).unwrap();
    let lost_lsns: Vec<u64> = report.lost.iter().map(|lost| lost.first_lsn).collect();
    expected.remove(7);
    assert_eq!(
        (lost_lsns, broken.recover() == expected),
        (vec![lost.0], true)
    );
}
