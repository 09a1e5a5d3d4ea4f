//! Damage to what is on disk: W12 to W28, W36.

use std::sync::Arc;
use std::time::Duration;

use tocsin::sys::{Call, Errno, Fault, FaultKind};
use tocsin::wal::{Class, Lsn, OpenError, salvage};

use crate::support::{
    World, checkpoint, damage_of, end, place_of, places, post, proven, segment_each, text_record,
    texts,
};
use tocsin::wal::Lane;

/// Three batches of one record in one segment, and a heartbeat that proves the last.
fn three_proven() -> World {
    proven(&["one", "two", "three"])
}

/// As `three_proven`, and a checkpoint with all three behind them.
fn three_covered() -> World {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one"]);
    post(&mut writer, &["two"]);
    post(&mut writer, &["three"]);
    checkpoint(&mut writer, &["one", "two", "three"]);
    post(&mut writer, &["four"]);
    writer.heartbeat().unwrap();
    world
}

#[test]
fn w12_torn_header_page_is_read_from_its_second_copy() {
    let world = three_proven();
    let path = world.first_segment();
    let torn = world.with(&path, |bytes| bytes[..2048].fill(0xff));
    assert_eq!(
        (torn.class(), torn.recover()),
        (Class::CleanEnd, texts(&["one", "two", "three"]))
    );
}

#[test]
fn w13_both_headers_of_a_middle_segment_bad_is_refused_or_covered() {
    let (world, mut writer) = segment_each(&["one", "two", "three"]);
    let middle = world.segments()[1].clone();
    let uncovered = world.with(&middle, |bytes| bytes[..4096].fill(0));
    checkpoint(&mut writer, &["one", "two", "three"]);
    drop(writer);
    let covered = world.with(&middle, |bytes| bytes[..4096].fill(0));
    assert_eq!(
        (
            damage_of(&uncovered.refusal()),
            covered.class(),
            covered.recover()
        ),
        (
            vec![(middle, 0, Lsn(5), Some(Lsn(6)))],
            Class::Covered,
            texts(&["one", "two", "three"])
        )
    );
}

#[test]
fn w14_length_of_four_gigabytes_is_rejected_before_it_is_believed() {
    let world = three_proven();
    let (path, place) = world.find("two");
    let broken = world.with(&path, |bytes| {
        bytes[place.start + 8..place.start + 12].fill(0xff);
    });
    assert_eq!(damage_of(&broken.refusal()), vec![place.of(&path)]);
}

#[test]
fn w15_length_of_zero_in_an_acknowledged_record_is_damage_and_not_the_end() {
    let world = three_proven();
    let (path, place) = world.find("three");
    let broken = world.with(&path, |bytes| {
        bytes[place.start + 8..place.start + 12].fill(0);
    });
    assert_eq!(damage_of(&broken.refusal()), vec![place.of(&path)]);
}

#[test]
fn w16_flipped_payload_bit_is_refused_with_file_offset_and_lsn() {
    let world = three_proven();
    let (path, place) = world.find("two");
    let broken = world.with(&path, |bytes| bytes[place.start + 29] ^= 4);
    let refusal = broken.refusal();
    let first_lines: Vec<String> = refusal
        .to_string()
        .lines()
        .take(2)
        .map(str::to_owned)
        .collect();
    assert_eq!(
        (refusal.exit_code(), first_lines),
        (
            3,
            vec![
                "the log is damaged: acknowledged records cannot be read".to_owned(),
                format!(
                    "  {} offset {}: the record's payload does not match its checksum; record {} is unreadable",
                    path.display(),
                    place.start,
                    place.lsn
                ),
            ]
        )
    );
}

#[test]
fn w17_flipped_bit_under_a_checkpoint_is_quarantined_and_the_start_goes_on() {
    let (world, mut writer) = segment_each(&["one", "two"]);
    checkpoint(&mut writer, &["one", "two"]);
    drop(writer);
    let (broken, (path, ..)) = world.with_flipped("one");
    let (_, report, replayed) = broken.try_open().unwrap();
    assert_eq!(
        (
            report.scan.class,
            report.quarantined,
            replayed,
            broken.recover()
        ),
        (
            Class::Covered,
            vec![path],
            texts(&["one", "two"]),
            texts(&["one", "two"])
        )
    );
}

#[test]
fn w17_flipped_bit_in_the_running_segment_is_stepped_over_when_covered() {
    let (broken, ..) = three_covered().with_flipped("two");
    assert_eq!(
        (broken.class(), broken.recover(), broken.recover()),
        (
            Class::Covered,
            texts(&["one", "two", "three", "four"]),
            texts(&["one", "two", "three", "four"])
        )
    );
}

#[test]
fn w18_page_of_zeros_in_the_acknowledged_region_is_damage() {
    let world = World::new();
    let mut writer = world.open();
    for at in 0..9 {
        post(&mut writer, &[&format!("{at}").repeat(900)]);
    }
    writer.heartbeat().unwrap();
    let path = world.first_segment();
    let bytes = world.bytes(&path);
    let hit: Vec<_> = places(&bytes)
        .into_iter()
        .filter(|place| place.end > 8192 && place.start < 12288)
        .collect();
    let broken = world.with(&path, |bytes| bytes[8192..12288].fill(0));
    let (first, last) = (hit[0], hit[hit.len() - 1]);
    assert_eq!(
        damage_of(&broken.refusal()),
        vec![(
            path,
            first.start as u64,
            Lsn(first.lsn),
            Some(Lsn(last.lsn))
        )]
    );
}

#[test]
fn w19_two_frames_swapped_are_damage() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["abc", "xyz"]);
    writer.heartbeat().unwrap();
    let path = world.first_segment();
    let bytes = world.bytes(&path);
    let (one, two) = (place_of(&bytes, "abc"), place_of(&bytes, "xyz"));
    let swapped = world.with(&path, |bytes| {
        let first = bytes[one.start..one.end].to_vec();
        bytes.copy_within(two.start..two.end, one.start);
        bytes[two.start..two.end].copy_from_slice(&first);
    });
    assert_eq!(
        (swapped.class(), damage_of(&swapped.refusal())[0].clone()),
        (
            Class::Damaged,
            (path, one.start as u64, Lsn(one.lsn), Some(Lsn(one.lsn)))
        )
    );
}

#[test]
fn w20_frames_of_an_earlier_life_after_the_tail_are_the_end_of_the_log() {
    let world = three_proven();
    let path = world.first_segment();
    // A longer life of another file: its frames, with claims far above ours, where ours ends.
    let other = World::new();
    let mut writer = other.try_open_with_seed(99).unwrap().0;
    for at in 0..40 {
        post(&mut writer, &[&format!("stale {at}")]);
    }
    let stale = other.bytes(&other.segments()[0]);
    let end = end(&world.bytes(&path));
    let reused = world.with(&path, |bytes| {
        let from = places(&stale)
            .iter()
            .find(|place| place.start >= end)
            .unwrap()
            .start;
        let length = stale.len() - from;
        bytes[from..from + length].copy_from_slice(&stale[from..]);
    });
    assert_eq!(
        (reused.class(), reused.recover()),
        (Class::TornTail, texts(&["one", "two", "three"]))
    );
}

#[test]
fn w21_garbage_after_the_tail_is_cut() {
    let world = three_proven();
    let path = world.first_segment();
    let end = end(&world.bytes(&path));
    let garbage = world.with(&path, |bytes| {
        for (at, byte) in bytes[end..end + 500].iter_mut().enumerate() {
            *byte = (at * 31 % 251) as u8 | 1;
        }
    });
    let report = garbage.inspect();
    let torn = report.torn.map(|torn| (torn.path, torn.offset, torn.bytes));
    assert_eq!(
        (report.class, torn, garbage.recover()),
        (
            Class::TornTail,
            Some((path, end as u64, 504)),
            texts(&["one", "two", "three"])
        )
    );
}

#[test]
fn w22_sound_frame_beyond_a_hole_in_the_same_batch_is_cut_with_it() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["acked"]);
    post(&mut writer, &["torn", "whole"]);
    let (path, place) = world.find("torn");
    let torn = world.with(&path, |bytes| bytes[place.start..place.end].fill(0));
    assert_eq!(
        (torn.class(), torn.recover()),
        (Class::TornTail, texts(&["acked"]))
    );
}

#[test]
fn w23_damage_to_the_last_batch_is_a_tear_until_a_heartbeat_proves_it() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["last"]);
    let (path, place) = world.find("last");
    let before = world.with(&path, |bytes| bytes[place.start + 28] ^= 1);
    world.clock.advance(Duration::from_secs(5));
    writer.heartbeat().unwrap();
    let after = world.with(&path, |bytes| bytes[place.start + 28] ^= 1);
    assert_eq!(
        (before.class(), after.class()),
        (Class::TornTail, Class::Damaged)
    );
}

#[test]
fn w24_segment_deleted_by_hand_in_the_middle_is_refused_and_named() {
    let world = World::new();
    let mut writer = world.open();
    for text in ["one", "two", "three"] {
        post(&mut writer, &[text]);
        writer.rotate().unwrap();
    }
    drop(writer);
    let gone = world.segments()[1].clone();
    let end = end(&world.bytes(&world.segments()[0]));
    let first = world.segments()[0].clone();
    let broken = world.with_files(|image| {
        image.files.remove(&gone);
    });
    let refusal = broken.refusal();
    assert_eq!(
        (
            damage_of(&refusal),
            refusal
                .to_string()
                .contains("no segment holds these records")
        ),
        (vec![(first, end as u64, Lsn(5), Some(Lsn(6)))], true)
    );
}

#[test]
fn w24_first_segment_deleted_by_hand_is_refused_and_named() {
    let world = segment_each(&["one", "two"]).0;
    let (gone, second) = (world.segments()[0].clone(), world.segments()[1].clone());
    let broken = world.with_files(|image| {
        image.files.remove(&gone);
    });
    assert_eq!(
        damage_of(&broken.refusal()),
        vec![(second, 0, Lsn(1), Some(Lsn(4)))]
    );
}

#[test]
fn w24_all_segments_deleted_is_refused() {
    let world = three_covered();
    let broken = world.with_files(|image| image.files.retain(|path, _| !path.starts_with("wal")));
    assert_eq!(
        (broken.class(), broken.refusal().exit_code()),
        (Class::Damaged, 3)
    );
}

#[test]
fn w25_segment_of_another_store_is_refused_by_its_identity() {
    let world = three_proven();
    let other = World::new();
    drop(other.try_open_with_seed(4242).unwrap());
    let foreign = other.bytes(&other.segments()[0]);
    let path = std::path::PathBuf::from("wal/0000000000000009-0000000000000064.wal");
    let mixed = world.with_files(|image| {
        image.files.insert(path.clone(), Arc::new(foreign));
    });
    let refusal = mixed.refusal();
    let named = matches!(&refusal, OpenError::Foreign { path: named, .. } if *named == path);
    assert_eq!((named, refusal.exit_code()), (true, 5));
}

#[test]
fn w25_segment_of_the_same_store_from_another_time_is_refused() {
    // Two futures of one store: a copy was made, and both went on.
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["common"]);
    let image = world.disk.image();
    drop(writer);
    let future = |seed: u64, text: &str| {
        let world = World::on(&image);
        let mut writer = world.try_open_with_seed(seed).unwrap().0;
        post(&mut writer, &[text]);
        writer.rotate().unwrap();
        post(&mut writer, &["end"]);
        drop(writer);
        world
    };
    let (mine, other) = (future(1, "mine"), future(2, "othr"));
    let (first, last) = (mine.segments()[0].clone(), mine.segments()[1].clone());
    let foreign = other.bytes(&last);
    let mixed = mine.with(&last, |bytes| *bytes = foreign);
    let before_last = places(&mine.bytes(&first)).last().unwrap().lsn;
    assert_eq!(
        damage_of(&mixed.refusal()),
        vec![(last, 0, Lsn(before_last), Some(Lsn(before_last)))]
    );
}

#[test]
fn w26_segment_of_a_newer_format_is_refused_with_both_versions() {
    let world = three_proven();
    let path = world.first_segment();
    let newer = world.with(&path, |bytes| {
        for copy in [0, 2048] {
            bytes[copy + 8] = 2;
            let crc = crc32fast::hash(&bytes[copy..copy + 92]);
            bytes[copy + 92..copy + 96].copy_from_slice(&crc.to_le_bytes());
        }
    });
    let refusal = newer.refusal();
    assert_eq!(
        (refusal.exit_code(), refusal.to_string()),
        (
            5,
            format!(
                "{} has format version 2; this program reads up to version 1. Use the version of tocsin that wrote it, or a later one",
                path.display()
            )
        )
    );
}

#[test]
fn w27_read_error_at_recovery_is_refused_and_costs_nothing_once_it_has_passed() {
    let world = segment_each(&["one", "two"]).0;
    // The header is read first, then the frames.
    let first = world.segments()[0].display().to_string();
    world.disk.plan(
        Fault {
            times: 3,
            ..Fault::once(Call::Read, 2, FaultKind::Error(Errno::Eio))
        }
        .on(&first),
    );
    let refusal = world.refusal();
    world.disk.heal();
    let damage = damage_of(&refusal);
    let unreadable = refusal
        .to_string()
        .contains("the device cannot read this place");

    assert_eq!(
        (damage[0].1, damage[0].2, unreadable, world.recover()),
        (4096, Lsn(1), true, texts(&["one", "two"]))
    );
}

#[test]
fn w27_salvage_keeps_what_is_readable_around_a_read_error() {
    let world = segment_each(&["one", "two"]).0;
    let first = world.segments()[0].display().to_string();
    world
        .disk
        .plan(Fault::from(Call::Read, 2, FaultKind::Error(Errno::Eio)).on(&first));
    let report = salvage(&world.environment(5), &world.options).unwrap();
    world.disk.heal();
    let lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| (lost.first_lsn, lost.last_lsn))
        .collect();
    assert_eq!(
        (lost, world.recover()),
        (vec![(1, Some(4))], texts(&["two"]))
    );
}

#[test]
fn w28_salvage_over_three_damaged_ranges_keeps_everything_else_and_reports_exactly() {
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["one", "two", "three"]);
    post(&mut writer, &["four"]);
    writer.rotate().unwrap();
    post(&mut writer, &["five", "six"]);
    writer.heartbeat().unwrap();
    drop(writer);
    let (first, second) = (world.segments()[0].clone(), world.segments()[1].clone());
    let two = place_of(&world.bytes(&first), "two");
    let four = place_of(&world.bytes(&first), "four");
    let five = place_of(&world.bytes(&second), "five");
    let broken = world
        .with(&first, |bytes| bytes[two.start..two.end].fill(0xee))
        .with(&first, |bytes| bytes[four.start + 28] ^= 1)
        .with(&second, |bytes| bytes[five.start + 4] ^= 1);
    let report = salvage(&broken.environment(5), &broken.options).unwrap();
    let lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| {
            (
                lost.first_lsn,
                lost.last_lsn,
                lost.offset,
                lost.covered_by_checkpoint,
            )
        })
        .collect();
    let (_, start, replayed) = broken.try_open().unwrap();
    assert_eq!(
        (
            lost,
            replayed,
            start.scan.given_up,
            broken.files("quarantine").len()
        ),
        (
            vec![
                (two.lsn, Some(two.lsn), two.start as u64, false),
                (four.lsn, Some(four.lsn), four.start as u64, false),
                (five.lsn, Some(five.lsn), five.start as u64, false),
            ],
            texts(&["one", "three", "six"]),
            [two, four, five]
                .map(|place| (Lsn(place.lsn), Lsn(place.lsn)))
                .to_vec(),
            0,
        )
    );
}

#[test]
fn w28_salvage_puts_copies_of_damaged_files_and_a_report_into_quarantine() {
    let world = three_proven();
    let (path, place) = world.find("two");
    let broken = world.with(&path, |bytes| bytes[place.start + 28] ^= 1);
    let damaged = broken.bytes(&path);
    salvage(&broken.environment(5), &broken.options).unwrap();
    let image = broken.disk.image();
    let kept = image
        .files
        .iter()
        .find(|(file, _)| file.starts_with("quarantine") && file.file_name() == path.file_name());
    let report = image
        .files
        .iter()
        .find(|(file, _)| file.ends_with("report.json"));
    let report: serde_json::Value = serde_json::from_slice(report.unwrap().1).unwrap();
    assert_eq!(
        (kept.unwrap().1.as_slice(), &report["lost"][0]["first_lsn"]),
        (damaged.as_slice(), &serde_json::json!(place.lsn))
    );
}

#[test]
fn w36_old_torn_tail_behind_a_seal_is_not_damage() {
    // The first segment is well filled, so that the start seals it and does not replace it.
    let world = World::new();
    let mut writer = world.open();
    for at in 0..6 {
        post(&mut writer, &[&format!("{at}").repeat(900)]);
    }
    drop(writer);
    let (torn, path, _) = world.torn(300);
    let mut writer = torn.open();
    post(&mut writer, &["new traffic"]);
    writer.heartbeat().unwrap();
    drop(writer);
    let class = torn.class();
    let replayed = torn.recover();
    assert_eq!(
        (class, replayed.len(), torn.segments()[0].clone()),
        (Class::Sealed, 7, path)
    );
}

#[test]
fn damage_directly_before_a_claim_is_seen_by_that_claim_alone() {
    // The record's own checksum field is hit, and the only proof that it was durable is the batch
    // right behind it: that one has to be readable on its own.
    let world = World::new();
    let mut writer = world.open();
    post(&mut writer, &["hit"]);
    let last = text_record("proof");
    writer.append(Lane::Normal, &[&last]).unwrap();
    let (path, place) = world.find("hit");
    let broken = world.with(&path, |bytes| bytes[place.start..place.end].fill(0));
    assert_eq!(damage_of(&broken.refusal()), vec![place.of(&path)]);
}
