//! What the document says cannot be told apart or is not used, shown.

use std::path::PathBuf;

use serde_json::{Value, json};
use tocsin::sys::{Image, SimDisk};
use tocsin::wal::View;

use crate::samples::{records, small_alert};
use crate::store::{World, look};

const SEGMENT_BYTES: u64 = 16 * 1024;

/// Class and next LSN, once the newest segment was deleted.
fn without_newest_segment(image: &Image) -> Value {
    let mut image = image.clone();
    let is_segment = |path: &&PathBuf| path.extension() == Some("wal".as_ref());
    let newest = image.files.keys().filter(is_segment).max().unwrap().clone();
    image.files.remove(&newest);
    let seen = look(&image);
    json!([seen["class"], seen["next_lsn"]])
}

#[test]
fn newest_segment_deleted_by_hand_looks_like_an_earlier_end() {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &[small_alert()]);
    let earlier = look(&world.disk.image());
    writer.rotate().unwrap();
    world.append(&mut writer, &records());
    drop(writer);
    assert_eq!(
        without_newest_segment(&world.disk.image()),
        json!([earlier["class"], earlier["next_lsn"]])
    );
}

#[test]
fn newest_segment_deleted_under_a_checkpoint_is_seen_up_to_the_checkpoint_only() {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &[small_alert()]);
    writer.rotate().unwrap();
    world.append(&mut writer, &records());
    let in_checkpoint = writer.durable().0;
    world.checkpoint(&mut writer, 1, &[(1, b"state")]);
    world.append(&mut writer, &[small_alert()]);
    drop(writer);
    assert_eq!(
        without_newest_segment(&world.disk.image()),
        json!(["C", in_checkpoint + 1])
    );
}

#[test]
fn last_two_batches_damaged_together_look_like_a_tear() {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &[small_alert()]);
    let before = look(&world.disk.image());
    let old = world.disk.image();
    world.append(&mut writer, &[small_alert()]);
    world.append(&mut writer, &[small_alert()]);
    drop(writer);
    let mut image = world.disk.image();
    for (path, bytes) in &mut image.files {
        let old = &old.files[path];
        let changed = (0..bytes.len()).filter(|at| bytes[*at] != old[*at]);
        let damaged: Vec<usize> = changed.collect();
        let bytes = std::sync::Arc::make_mut(bytes);
        damaged.iter().for_each(|at| bytes[*at] ^= 0x55);
    }
    let after = look(&image);
    assert_eq!(
        json!([after["class"], after["next_lsn"]]),
        json!(["T", before["next_lsn"]])
    );
}

#[test]
fn copy_taken_while_two_checkpoints_are_made_is_refused_and_not_misread() {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &records());
    world.checkpoint(&mut writer, 1, &[(1, b"state")]);
    // `cp -r` takes the directory `checkpoint` first and `wal` at the end.
    let first = world.disk.image();
    for _ in 0..2 {
        writer.rotate().unwrap();
        world.append(&mut writer, &records());
        world.checkpoint(&mut writer, 1, &[(1, b"state")]);
    }
    drop(writer);
    let mut copy = world.disk.image();
    copy.files.retain(|path, _| !path.starts_with("checkpoint"));
    let checkpoints = first.files.into_iter();
    copy.files
        .extend(checkpoints.filter(|(path, _)| path.starts_with("checkpoint")));
    assert_eq!(look(&copy)["class"], json!("M"));
}

#[test]
fn checkpoint_of_a_newer_format_is_refused_with_both_versions() {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &[small_alert()]);
    world.checkpoint(&mut writer, 1, &[(1, b"older")]);
    world.append(&mut writer, &[small_alert()]);
    world.checkpoint(&mut writer, 2, &[(1, b"newer")]);
    drop(writer);
    let mut image = world.disk.image();
    let newest = image
        .files
        .keys()
        .filter(|path| path.starts_with("checkpoint"));
    let newest = newest.max().unwrap().clone();
    let bytes = std::sync::Arc::make_mut(image.files.get_mut(&newest).unwrap());
    bytes[8] = 2;
    let crc = crc32fast::hash(&bytes[..48]);
    bytes[48..52].copy_from_slice(&crc.to_le_bytes());
    let disk = SimDisk::new(&image);
    let refusal = View::load(&disk).map(|view| view.base()).unwrap_err();
    assert_eq!(
        (refusal.exit_code(), refusal.to_string()),
        (
            5,
            format!(
                "{} has format version 2; this program reads up to version 1. Use the version of tocsin that wrote it, or a later one",
                newest.display()
            )
        )
    );
}
