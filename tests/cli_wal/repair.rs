//! `repair`: what it does, and what it only says.

use serde_json::json;

use crate::store::{Ran, Store};

/// The time in the names of quarantine directories is that of the run.
fn without_time(ran: Ran) -> Ran {
    let time = regex::Regex::new(r"quarantine/[0-9T.]+Z").unwrap();
    let text = |text: String| time.replace_all(&text, "quarantine/TIME").into_owned();
    Ran {
        out: text(ran.out),
        err: text(ran.err),
        ..ran
    }
}

#[test]
fn a_dry_salvage_says_what_would_be_lost_and_changes_nothing() {
    let store = Store::closed();
    store.damage(0, "silence");
    let before = store.contents();
    let ran = store.wal(&["repair", "salvage", "--dry-run"]);
    assert_eq!(
        (ran, store.contents() == before),
        (
            Ran::with(
                0,
                "\
salvage: this would be done; nothing was changed (class M before)
  records kept: 12
  lost: record 6: DATA/wal/0000000000000002-0000000000000001.wal offset 4544: the record's payload does not match its checksum
  removed: DATA/wal/0000000000000002-0000000000000001.wal
",
                ""
            ),
            true
        )
    );
}

#[test]
fn a_salvage_keeps_all_that_is_readable_and_the_damaged_file() {
    let store = Store::closed();
    store.damage(0, "silence");
    let damaged = std::fs::read(&store.segments()[0]).unwrap();
    let ran = store.wal(&["repair", "salvage"]);
    let dump = store.wal(&["dump", "--no-control"]);
    let check = store.wal(&["check"]);
    let quarantine = std::fs::read_dir(store.root().join("quarantine"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let copy = std::fs::read(quarantine.join("0000000000000002-0000000000000001.wal")).unwrap();
    let check_lines: Vec<&str> = check.out.lines().take(2).collect();
    assert_eq!(
        (
            without_time(ran),
            dump.lsns(),
            (check.code, check_lines),
            copy == damaged
        ),
        (
            Ran::with(
                0,
                "\
salvage: done (class M before)
  records kept: 12
  lost: record 6: DATA/wal/0000000000000002-0000000000000001.wal offset 4544: the record's payload does not match its checksum
  copied to quarantine: DATA/quarantine/TIME/0000000000000002-0000000000000001.wal
  written: DATA/wal/0000000000000003-0000000000000001.wal
  removed: DATA/wal/0000000000000002-0000000000000001.wal
  report: DATA/quarantine/TIME/report.json
",
                ""
            ),
            vec![4, 8, 10, 11],
            (
                Some(0),
                vec![
                    "E: the log is sound",
                    "  record 6 given up by an earlier salvage"
                ]
            ),
            true
        )
    );
}

#[test]
fn a_salvage_over_three_damaged_places_loses_these_three() {
    let store = Store::closed();
    for text in ["DiskFull", "silence", "Gone"] {
        store.damage(0, text);
    }
    let ran = store.wal(&["repair", "salvage", "--format", "json"]);
    let json = ran.json();
    let lost: Vec<_> = json["lost"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lost| (lost["first_lsn"].clone(), lost["last_lsn"].clone()))
        .collect();
    let left = store.wal(&["dump", "--no-control"]).lsns();
    assert_eq!(
        (ran.code, lost, left),
        (
            Some(0),
            vec![
                (json!(4), json!(4)),
                (json!(6), json!(6)),
                (json!(8), json!(8))
            ],
            vec![10, 11]
        )
    );
}

#[test]
fn a_salvage_of_a_sound_store_changes_nothing() {
    let store = Store::closed();
    let before = store.segments();
    let ran = store.wal(&["repair", "salvage"]);
    assert_eq!(
        (ran, store.segments() == before),
        (
            Ran::with(
                0,
                "salvage: there is nothing to repair, nothing was changed (class E before)\n  records kept: 13\n",
                ""
            ),
            true
        )
    );
}

#[test]
fn a_salvage_makes_a_lost_identity_anew() {
    let store = Store::closed();
    std::fs::remove_file(store.root().join("STORE")).unwrap();
    let dry = store.wal(&["repair", "salvage", "--dry-run"]);
    let is_made = store.root().join("STORE").exists();
    let real = store.wal(&["repair", "salvage"]);
    let check = store.wal(&["check"]);
    assert_eq!(
        (dry, is_made, real.code, check.code),
        (
            Ran::with(
                0,
                "\
salvage: this would be done; nothing was changed (class E before)
  records kept: 13
  STORE made anew from the segments
",
                ""
            ),
            false,
            Some(0),
            Some(0)
        )
    );
}

#[test]
fn a_salvage_puts_a_damaged_checkpoint_into_quarantine() {
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
    let dry = store.wal(&["repair", "salvage", "--dry-run"]);
    let real = without_time(store.wal(&["repair", "salvage"]));
    assert_eq!(
        (dry, real),
        (
            Ran::with(
                0,
                "\
salvage: this would be done; nothing was changed (class E before)
  records kept: 15
  removed: DATA/checkpoint/000000000000000b.ckpt
",
                ""
            ),
            Ran::with(
                0,
                "\
salvage: done (class E before)
  records kept: 15
  copied to quarantine: DATA/quarantine/TIME/000000000000000b.ckpt
  removed: DATA/checkpoint/000000000000000b.ckpt
  report: DATA/quarantine/TIME/report.json
",
                ""
            )
        )
    );
}

#[test]
fn a_torn_tail_is_dropped_and_the_torn_file_kept() {
    let store = Store::with_records();
    store.tear();
    let dry = store.wal(&["repair", "tail", "--dry-run"]);
    let real = without_time(store.wal(&["repair", "tail"]));
    let check = store.wal(&["check"]);
    assert_eq!(
        (dry, real, check.code),
        (
            Ran::with(
                0,
                "\
tail: this would be done; nothing was changed (class T before)
  records kept: 11
  bytes of the torn tail dropped: 40
",
                ""
            ),
            Ran::with(
                0,
                "\
tail: done (class T before)
  records kept: 11
  bytes of the torn tail dropped: 40
  copied to quarantine: DATA/quarantine/TIME/0000000000000002-0000000000000001.wal
  written: DATA/wal/0000000000000003-0000000000000001.wal
  removed: DATA/wal/0000000000000002-0000000000000001.wal
  report: DATA/quarantine/TIME/report.json
",
                ""
            ),
            Some(0)
        )
    );
}

#[test]
fn a_tail_repair_refuses_damage_and_names_the_way_out() {
    let store = Store::closed();
    store.damage(0, "silence");
    let before = store.contents();
    let dry = store.wal(&["repair", "tail", "--dry-run"]);
    let unchanged = store.contents() == before;
    let real = store.wal(&["repair", "tail"]);
    let refusal = Ran::with(
        3,
        "",
        "tocsin: error: DATA: acknowledged records cannot be read, places: 1; nothing was changed. `tocsin wal check` shows them; `tocsin wal repair salvage` keeps all that is readable\n",
    );
    assert_eq!((&dry, &real, unchanged), (&refusal, &refusal, true));
}

#[test]
fn a_store_in_use_is_refused_with_its_holder() {
    let store = Store::none();
    let _writer = store.open();
    let refusal = Ran::with(
        4,
        "",
        "tocsin: error: DATA is in use by another process (pid 4711, since 2026-11-22T03:00:00Z); stop it first: a repair needs the store to itself\n",
    );
    let ran: Vec<Ran> = [
        vec!["repair", "tail"],
        vec!["repair", "salvage"],
        vec!["repair", "salvage", "--dry-run"],
    ]
    .iter()
    .map(|words| store.wal(words))
    .collect();
    assert_eq!(ran.iter().collect::<Vec<_>>(), vec![&refusal; 3]);
}
