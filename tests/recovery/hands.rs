//! What people and their tools do to the files of a store: renamed, cut, mixed up, copied in part.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::checkpoint::{CheckpointDamage, CheckpointState};
use tocsin::wal::{Lsn, OpenError, StoreIdentity, repair_tail, salvage};

use crate::support::{World, checkpoint, killed_after, post, proven, segment_each, texts};

/// The refusal of a start on damage: a line for each damaged place, and the way out.
fn damaged(places: &[String]) -> String {
    format!(
        "the log is damaged: acknowledged records cannot be read\n  {}\n  nothing was changed. Look: `tocsin wal check`. Restore the files from a copy, or keep all that is readable: `tocsin wal repair salvage`",
        places.join("\n  ")
    )
}

#[test]
fn segment_renamed_by_hand_is_refused_and_named() {
    let world = killed_after(&["one"]);
    let path = world.first_segment();
    let renamed = world.with_files(|image| {
        let bytes = image.files.remove(&path).unwrap();
        let name = PathBuf::from("wal/0000000000000007-0000000000000001.wal");
        image.files.insert(name, bytes);
    });
    let place = "wal/0000000000000007-0000000000000001.wal offset 0: the segment's name and its header disagree; records from 1 on are unreadable";
    assert_eq!(renamed.refusal().to_string(), damaged(&[place.to_owned()]));
}

#[test]
fn segment_cut_short_inside_its_last_record_is_refused_and_named() {
    let world = killed_after(&["one", "two"]);
    let (path, place) = world.find("two");
    // Inside the header of the frame, and inside its payload.
    let refusals = [20, 29].map(|bytes_left| {
        let cut = world.with(&path, |bytes| bytes.truncate(place.start + bytes_left));
        cut.refusal().to_string()
    });
    let expected = damaged(&[format!(
        "{} offset {}: the file is shorter than it was made; records from {} on are unreadable",
        path.display(),
        place.start,
        place.lsn
    )]);
    assert_eq!(refusals, [expected.clone(), expected]);
}

#[test]
fn segment_with_another_predecessor_says_so() {
    // Two futures of one store, mixed: both begin with the same records.
    let world = killed_after(&["common"]);
    let future = |seed: u64, text: &str| {
        let world = World::on(&world.disk.image());
        let mut writer = world.try_open_with_seed(seed).unwrap().0;
        post(&mut writer, &[text]);
        writer.rotate().unwrap();
        post(&mut writer, &["end"]);
        world
    };
    let (mine, other) = (future(1, "mine"), future(2, "othr"));
    let last = mine.segments()[1].clone();
    let mixed = mine.with(&last, |bytes| *bytes = other.bytes(&last));
    let place = format!(
        "{} offset 0: the segment names another predecessor than the one that is there; record 8 is unreadable",
        last.display()
    );
    assert_eq!(mixed.refusal().to_string(), damaged(&[place]));
}

#[test]
fn checkpoint_of_another_store_is_refused_with_both_identities() {
    let (world, other) = (killed_after(&["one"]), World::new());
    let mut writer = other.try_open_with_seed(4242).unwrap().0;
    checkpoint(&mut writer, &[]);
    let foreign = other.files("checkpoint")[0].clone();
    let mixed = world.with_files(|image| {
        let bytes = Arc::new(other.bytes(&foreign));
        image.files.insert(foreign.clone(), bytes);
    });
    let refusal = mixed.refusal();
    let id = |world: &World| StoreIdentity::read(&world.disk).unwrap().unwrap().id;
    let expected = format!(
        "{} belongs to store {}, not to this store {}; was it copied from another data directory? Move it away",
        foreign.display(),
        id(&other),
        id(&world)
    );
    assert_eq!((refusal.exit_code(), refusal.to_string()), (5, expected));
}

#[test]
fn each_way_in_which_a_checkpoint_cannot_be_used_has_its_words() {
    let (world, mut writer) = segment_each(&["one"]);
    checkpoint(&mut writer, &["one"]);
    let path = world.files("checkpoint")[0].clone();
    let renamed = PathBuf::from("checkpoint/0000000000000063.ckpt");
    let unreadable = world.with(&path, |_| ());
    unreadable
        .disk
        .plan(Fault::from(Call::Read, 1, FaultKind::Error(Errno::Eio)).on("checkpoint"));
    let worlds = [
        world.with(&path, |bytes| bytes[33] ^= 1),
        world.with_files(|image| {
            let bytes = image.files.remove(&path).unwrap();
            image.files.insert(renamed, bytes);
        }),
        world.with(&path, |bytes| bytes[75] ^= 1),
        world.with(&path, |bytes| bytes.push(0)),
        world.with(&path, |bytes| bytes.truncate(40)),
        unreadable,
    ];
    let found = worlds.map(|world| match world.inspect().checkpoints[0].state {
        CheckpointState::Damaged(damage) => (damage, damage.to_string()),
        CheckpointState::Whole(info) => panic!("whole: {info:?}"),
    });
    let expected = [
        (CheckpointDamage::Header, "its header is damaged"),
        (CheckpointDamage::Name, "its name and its header disagree"),
        (
            CheckpointDamage::Checksum,
            "its contents do not match their checksum",
        ),
        (CheckpointDamage::Length, "its length is wrong"),
        (CheckpointDamage::Length, "its length is wrong"),
        (CheckpointDamage::Unreadable, "the device cannot read it"),
    ];
    assert_eq!(
        found,
        expected.map(|(damage, text)| (damage, text.to_owned()))
    );
}

#[test]
fn checkpoints_without_identity_and_segments_are_refused_and_never_overwritten() {
    let world = World::new();
    let mut writer = world.open();
    checkpoint(&mut writer, &["one"]);
    drop(writer);
    let headless = world.with_files(|image| {
        image.files.retain(|path, _| path.starts_with("checkpoint"));
    });
    let before = headless.disk.image().files;
    let refusal = headless.refusal();
    assert_eq!(
        (
            refusal.exit_code(),
            refusal.to_string().as_str(),
            headless.disk.image().files == before
        ),
        (
            3,
            "STORE is missing, but there are segments with records or checkpoints beside it; was the directory copied in part? `tocsin wal repair salvage` makes it anew from the segments",
            true
        )
    );
}

#[test]
fn identity_that_has_grown_is_refused_and_made_anew_by_a_salvage() {
    let world = killed_after(&["one"]);
    let store = Path::new("STORE");
    let grown = world.with(store, |bytes| bytes.resize(600, b'\n'));
    let refusal = grown.refusal();
    let report = salvage(&grown.environment(3), &grown.options).unwrap();
    assert_eq!(
        (
            refusal.exit_code(),
            refusal.to_string().as_str(),
            report.identity_rebuilt,
            grown.recover()
        ),
        (
            3,
            "STORE is damaged: it is longer than it can be; `tocsin wal repair salvage` makes it anew from the segments",
            true,
            texts(&["one"])
        )
    );
}

#[test]
fn repair_of_what_is_no_store_is_refused() {
    let world = World::new();
    let environment = world.environment(3);
    let refusals = [
        repair_tail(&environment, &world.options).unwrap_err(),
        salvage(&environment, &world.options).unwrap_err(),
    ];
    let is_not_a_store =
        |error: &OpenError| matches!(error, OpenError::NotAStore { .. }) && error.exit_code() == 6;
    assert_eq!(
        (
            refusals.each_ref().map(is_not_a_store),
            world.disk.image().files.len()
        ),
        ([true; 2], 0)
    );
}

#[test]
fn copy_without_its_empty_directories_is_a_whole_store() {
    // A tool that copies files leaves out a directory in which there is none.
    let world = killed_after(&["one"]).with_files(|image| {
        image.dirs.remove(Path::new("checkpoint"));
    });
    let repaired = repair_tail(&world.environment(3), &world.options).unwrap();
    let mut writer = world.open();
    checkpoint(&mut writer, &["one"]);
    drop(writer);
    assert_eq!(
        (repaired.class_before, repaired.changed, world.recover()),
        ('E', false, texts(&["one"]))
    );
}

#[test]
fn records_missing_before_a_segment_with_a_bad_header_are_told_with_it() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    writer.rotate().unwrap();
    post(&mut writer, &["three"]);
    writer.rotate().unwrap();
    drop(writer);
    let (first, place) = world.find("two");
    let second = world.segments()[1].clone();
    let broken = world
        .with(&first, |bytes| bytes[place.start..].fill(0))
        .with(&second, |bytes| bytes[..4096].fill(0));
    let expected = damaged(&[
        format!(
            "{} offset {}: zeros where a record was written; record 6 is unreadable",
            first.display(),
            place.start
        ),
        format!(
            "{} offset 0: neither copy of the segment's header is whole; records 7 to 8 are unreadable",
            second.display()
        ),
    ]);
    assert_eq!(broken.refusal().to_string(), expected);
}

#[test]
fn damage_under_a_checkpoint_is_shown_as_covered() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    checkpoint(&mut writer, &["one", "two"]);
    drop(writer);
    let (broken, (path, offset, lsn, _)) = world.with_flipped("one");
    let shown: Vec<String> = broken
        .inspect()
        .damage
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected = format!(
        "{} offset {offset}: the record's payload does not match its checksum; record {lsn} is unreadable (a checkpoint contains what they did)",
        path.display()
    );
    assert_eq!(shown, [expected]);
}

#[test]
fn damage_behind_a_whole_checkpoint_is_all_that_a_refusal_names() {
    let world = World::new();
    let mut writer = world.open();
    let sound = world.inspect().to_string();
    post(&mut writer, &["one"]);
    checkpoint(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    writer.heartbeat().unwrap();
    drop(writer);
    let (broken, (path, offset, lsn, _)) = world.with_flipped("two");
    let place = format!(
        "{} offset {offset}: the record's payload does not match its checksum; record {lsn} is unreadable",
        path.display()
    );
    assert_eq!(
        (sound, broken.refusal().to_string()),
        ("the log is sound".to_owned(), damaged(&[place]))
    );
}

#[test]
fn salvage_after_a_salvage_keeps_the_word_about_what_the_first_gave_up() {
    let world = proven(&["one", "two", "three"]);
    let (path, two) = world.find("two");
    // The record and the BatchStart behind it: more than one LSN.
    let three = world.find("three").1;
    let broken = world.with(&path, |bytes| bytes[two.start..three.start].fill(0xee));
    salvage(&broken.environment(5), &broken.options).unwrap();
    // Right before the word about the first loss.
    let (again, (.., one, _)) = broken.with_flipped("one");
    salvage(&again.environment(6), &again.options).unwrap();
    let (_, start, replayed) = again.try_open().unwrap();
    assert_eq!(
        (replayed, start.scan.given_up),
        (
            texts(&["three"]),
            vec![(one, one), (Lsn(two.lsn), Lsn(two.lsn + 1))]
        )
    );
}
