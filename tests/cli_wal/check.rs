//! What `check` says of a store that stands still.

use crate::store::{HOUR, Ran, Store, alerts, append};

#[test]
fn a_store_closed_in_order_is_sound() {
    let store = Store::closed();
    assert_eq!(
        store.wal(&["check"]),
        Ran::with(
            0,
            "\
E: the log is sound
store              DATA (d70d3259-e4e1-4b63-9c66-3cf4d73c4c04)
open               by nobody
records            13, 1064 bytes
segments           1
next LSN           14
durable LSN        11 (proven by what the log says itself)
checkpoints        none
last sign of life  2026-11-22T07:00:00Z
ended              in order
",
            ""
        )
    );
}

#[test]
fn leftovers_of_an_earlier_crash_behind_a_seal_are_sound() {
    let store = Store::none();
    let mut writer = store.open();
    // More than a quarter of the segment, so that the next start does not copy all of it.
    for _ in 0..200 {
        append(&mut writer, &[alerts("acme", &[&[("alertname", "A")]])]);
    }
    drop(writer);
    store.tear();
    drop(store.open());
    let ran = store.wal(&["check"]);
    assert_eq!(
        (ran.code, ran.out.lines().next(), ran.err.as_str()),
        (
            Some(0),
            Some(
                "S: the log is sound; leftovers of an earlier crash lie behind a seal and are not read"
            ),
            ""
        )
    );
}

#[test]
fn a_torn_tail_is_no_loss_and_the_place_is_named() {
    let store = Store::with_records();
    store.tear();
    assert_eq!(
        store.wal(&["check"]),
        Ran::with(
            1,
            "\
T: the log is sound; the last batch was torn before it was acknowledged, and the next start drops it
  DATA/wal/0000000000000002-0000000000000001.wal offset 5064: the record's header does not match its checksum; 40 bytes at record 12 are dropped
store              DATA (d70d3259-e4e1-4b63-9c66-3cf4d73c4c04)
open               by nobody
records            11, 968 bytes
segments           1
next LSN           12
durable LSN        8 (proven by what the log says itself)
checkpoints        none
last sign of life  2026-11-22T07:00:00Z
ended              without an orderly stop
Nothing to do: start the server. To look at the torn bytes first, copy the directory.
",
            ""
        )
    );
}

#[test]
fn damage_is_named_by_file_offset_and_record_and_nothing_is_changed() {
    let store = Store::closed();
    store.damage(0, "silence");
    let before = store.contents();
    let ran = store.wal(&["check"]);
    assert_eq!(
        (ran, store.contents() == before),
        (
            Ran::with(
                3,
                "\
M: the log is damaged: acknowledged records cannot be read
  DATA/wal/0000000000000002-0000000000000001.wal offset 4544: the record's payload does not match its checksum; record 6 unreadable
store              DATA (d70d3259-e4e1-4b63-9c66-3cf4d73c4c04)
open               by nobody
records            12, 1008 bytes
segments           1
next LSN           14
durable LSN        11 (proven by what the log says itself)
checkpoints        none
last sign of life  2026-11-22T07:00:00Z
The server will not start like this. Restore the files from a copy, or keep all that is readable: `tocsin wal repair salvage --dry-run` says what would be lost.
",
                ""
            ),
            true
        )
    );
}

#[test]
fn a_missing_segment_is_named_by_the_records_that_were_in_it() {
    let store = Store::none();
    let (mut writer, _) = store.open_with(8192);
    for _ in 0..60 {
        append(&mut writer, &[alerts("acme", &[&[("alertname", "A")]])]);
    }
    drop(writer);
    let segments = store.segments();
    // The names say where each begins: 0x2f is 47, 0x5b is 91.
    let names: Vec<bool> = ["-000000000000002f.wal", "-000000000000005b.wal"]
        .iter()
        .zip(&segments[1..])
        .map(|(end, path)| path.to_string_lossy().ends_with(end))
        .collect();
    std::fs::remove_file(&segments[1]).unwrap();
    let ran = store.wal(&["check", "--format", "json"]);
    let json = ran.json();
    let damage = &json["damage"];
    assert_eq!(
        (names, ran.code, json["class"].as_str(), damage.clone()),
        (
            vec![true, true],
            Some(3),
            Some("M"),
            serde_json::json!([{
                "file": "DATA/wal/0000000000000002-0000000000000001.wal",
                "offset": 7888,
                "offset_end": null,
                "first_lsn": 47,
                "last_lsn": 90,
                "cause": "no segment holds these records",
                "covered_by_checkpoint": false
            }])
        )
    );
}

#[test]
fn damage_below_a_checkpoint_is_covered() {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    writer
        .checkpoint(writer.durable(), 0xfeed, |_| Ok(()))
        .unwrap();
    drop(writer);
    store.damage(0, "silence");
    let ran = store.wal(&["check"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (ran.code, &lines[..2], lines[8]),
        (
            Some(1),
            [
                "C: the log is damaged, but a checkpoint covers every record that is known to be: the next start goes on without them",
                "  DATA/wal/0000000000000002-0000000000000001.wal offset 4544: the record's payload does not match its checksum; record 6 unreadable (a checkpoint contains what they did)",
            ]
            .as_slice(),
            "checkpoints        11 whole"
        )
    );
}

#[test]
fn a_damaged_checkpoint_is_named_beside_a_sound_log() {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    writer
        .checkpoint(writer.durable(), 0xfeed, |out| out.section(1, b"the state"))
        .unwrap();
    writer.shutdown().unwrap();
    let path = &store.files("checkpoint", ".ckpt")[0];
    let mut bytes = std::fs::read(path).unwrap();
    bytes[75] ^= 1;
    std::fs::write(path, bytes).unwrap();
    let ran = store.wal(&["check"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (ran.code, &lines[..2]),
        (
            Some(0),
            [
                "E: the log is sound",
                "  DATA/checkpoint/000000000000000b.ckpt: cannot be used: its contents do not match their checksum"
            ]
            .as_slice()
        )
    );
}

#[test]
fn json_has_every_fact() {
    let store = Store::with_records();
    store.clock.advance(HOUR);
    store.tear();
    let ran = store.wal(&["check", "--format", "json"]);
    assert_eq!(
        (ran.code, ran.json()),
        (
            Some(1),
            serde_json::json!({
                "class": "T",
                "verdict": "sound; the last batch was torn before it was acknowledged, and the next start drops it",
                "exit_code": 1,
                "damage": [],
                "torn_tail": {
                    "file": "DATA/wal/0000000000000002-0000000000000001.wal",
                    "offset": 5064,
                    "lsn": 12,
                    "bytes": 40,
                    "cause": "the record's header does not match its checksum"
                },
                "given_up": [],
                "store": {
                    "path": "DATA",
                    "id": "d70d3259-e4e1-4b63-9c66-3cf4d73c4c04",
                    "created_at": "2026-11-22T03:00:00Z",
                    "held_by": null
                },
                "in_flight": false,
                "scans": 1,
                "next_lsn": 12,
                "durable_lsn": 8,
                "base_lsn": 0,
                "oldest_needed_lsn": 1,
                "records": 11,
                "record_bytes": 968,
                "ended_in_order": false,
                "last_sign_of_life": "2026-11-22T07:00:00Z",
                "checkpoints": [],
                "segments": [{
                    "file": "DATA/wal/0000000000000002-0000000000000001.wal",
                    "seq": 2,
                    "first_lsn": 1,
                    "last_lsn": 11,
                    "records": 11,
                    "used_bytes": 5064,
                    "file_bytes": 65536,
                    "state": "active"
                }]
            })
        )
    );
}

#[test]
fn the_directory_may_be_given_in_each_way() {
    let store = Store::closed();
    let root = store.root().display().to_string();
    let first_lines: Vec<Option<String>> = [
        vec!["check", "--data", &root],
        vec!["check", "--storage.path", &root],
        vec!["check", &root],
        // The default, `data/`, is relative to the working directory of the test.
        vec!["check"],
    ]
    .iter()
    .map(|words| {
        let ran = store.run(crate::store::program().arg("wal").args(words));
        ran.out.lines().next().map(str::to_owned)
    })
    .collect();
    assert_eq!(first_lines, vec![Some("E: the log is sound".to_owned()); 4]);
}

#[test]
fn a_copy_taken_while_running_opens_as_after_a_power_loss() {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    let copy = store.root().with_file_name("copy");
    std::process::Command::new("cp")
        .arg("-r")
        .args([&store.root(), &copy])
        .status()
        .unwrap();
    let ran = store.run(crate::store::program().args(["wal", "check"]).arg(&copy));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (ran.code, lines[0], lines[2]),
        (
            Some(0),
            "E: the log is sound",
            "open               by nobody"
        )
    );
}
