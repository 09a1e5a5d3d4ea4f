//! `stats` and `checkpoint show`.

use serde_json::json;

use crate::store::{Ran, Store, alerts, append};

/// Checkpoints at 11 and 13, the second of them damaged if that is wanted.
fn with_checkpoints(damage: bool) -> Store {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    for (kind, hash) in [(1, 0xfeed), (2, 0xbeef)] {
        writer
            .checkpoint(writer.durable(), hash, |out| {
                out.section(kind, b"the state")?;
                out.section(9, b"")
            })
            .unwrap();
    }
    writer.shutdown().unwrap();
    if damage {
        let path = &store.files("checkpoint", ".ckpt")[1];
        let mut bytes = std::fs::read(path).unwrap();
        bytes[75] ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    store
}

#[test]
fn stats_count_records_by_type_and_map_the_segments() {
    let store = Store::closed();
    assert_eq!(
        store.wal(&["stats"]),
        Ran::with(
            0,
            "\
type           records  bytes
alert_batch          2    408
silence_set          1     56
flush_intent         1    120
notify_result        1     96
boot                 1     48
shutdown             1     48
batch_start          6    288
total               13   1064

segment                                first LSN  last LSN  records  used   size  state
0000000000000002-0000000000000001.wal          1        13       13  5160  65536  active

store              DATA
oldest needed LSN  1
next LSN           14
on disk            65536 bytes in segments, 0 in checkpoints
",
            ""
        )
    );
}

#[test]
fn stats_show_checkpoints_and_what_they_make_unnecessary() {
    let store = with_checkpoints(false);
    let json = store.wal(&["stats", "--format", "json"]).json();
    let checkpoints: Vec<&serde_json::Value> = json["checkpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|checkpoint| &checkpoint["lsn"])
        .collect();
    assert_eq!(
        (
            checkpoints,
            &json["oldest_needed_lsn"],
            &json["checkpoint_bytes"]
        ),
        (vec![&json!(13), &json!(11)], &json!(12), &json!(272))
    );
}

#[test]
fn segments_are_mapped_in_order_with_their_state() {
    let store = Store::none();
    let (mut writer, _) = store.open_with(8192);
    for _ in 0..60 {
        append(&mut writer, &[alerts("acme", &[&[("alertname", "A")]])]);
    }
    drop(writer);
    store.damage(1, "it burns");
    let json = store.wal(&["stats", "--format", "json"]).json();
    let states: Vec<(u64, &str)> = json["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|segment| {
            (
                segment["seq"].as_u64().unwrap(),
                segment["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(states, [(2, "closed"), (3, "damaged"), (4, "active")]);
}

#[test]
fn a_store_without_checkpoints_says_so() {
    let store = Store::closed();
    assert_eq!(
        store.wal(&["checkpoint", "show"]),
        Ran::with(0, "there is no checkpoint yet\n", "")
    );
}

#[test]
fn checkpoints_are_shown_newest_first_with_their_sections() {
    let store = with_checkpoints(true);
    assert_eq!(
        store.wal(&["checkpoint", "show"]),
        Ran::with(
            1,
            "\
checkpoint 13: cannot be used: its contents do not match their checksum
  file        DATA/checkpoint/000000000000000d.ckpt
  bytes       not known
  CRC-32      not known
  state hash  not known
checkpoint 11: whole
  file        DATA/checkpoint/000000000000000b.ckpt
  bytes       136
  CRC-32      c25818a9
  state hash  000000000000feed
  section kind 1: 9 bytes
  section kind 9: 0 bytes
",
            ""
        )
    );
}

#[test]
fn one_checkpoint_is_shown_by_its_lsn_with_the_directory_in_each_place() {
    let store = with_checkpoints(true);
    let root = store.root().display().to_string();
    let shown: Vec<serde_json::Value> = [
        vec!["11", "--data", &root],
        vec!["11", &root],
        vec!["11", "--storage.path", &root],
    ]
    .iter()
    .map(|words| {
        let mut program = crate::store::program();
        program.args(["wal", "checkpoint", "show", "--format", "json"]);
        store.run(program.args(words)).json()
    })
    .collect();
    let expected = json!([{
        "lsn": 11,
        "file": "DATA/checkpoint/000000000000000b.ckpt",
        "fault": null,
        "bytes": 136,
        "crc": "c25818a9",
        "state_hash": "000000000000feed",
        "sections": [{"kind": 1, "bytes": 9}, {"kind": 9, "bytes": 0}]
    }]);
    assert_eq!(shown, vec![expected; 3]);
}

#[test]
fn a_checkpoint_that_is_not_there_is_an_error() {
    let store = with_checkpoints(false);
    assert_eq!(
        store.wal(&["checkpoint", "show", "77"]),
        Ran::with(
            2,
            "",
            "tocsin: error: DATA has no checkpoint 77; `tocsin wal checkpoint show` lists all there are\n"
        )
    );
}
