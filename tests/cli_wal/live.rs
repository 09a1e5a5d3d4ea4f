//! Looking at a store that a process has open and writes to all the time.

use std::sync::atomic::{AtomicBool, Ordering};

use tocsin::wal::Writer;

use crate::store::{Store, alerts, append};

/// Small, so that segments come and go while a command reads.
const SEGMENT_BYTES: u64 = 32 * 1024;

/// How often each command is run beside the writer.
const RUNS: usize = 25;

/// Appends without a pause, with a checkpoint (which removes files) every fifty batches.
fn write_on(mut writer: Writer, is_over: &AtomicBool) {
    let mut batches = 0;
    while !is_over.load(Ordering::Relaxed) {
        let last = append(&mut writer, &[alerts("acme", &[&[("alertname", "A")]])]);
        batches += 1;
        if batches % 50 == 0 {
            writer.checkpoint(last, 0, |_| Ok(())).unwrap();
        }
    }
}

/// Runs `look` some times beside a process that writes to the store, and collects what it returns.
fn beside_a_writer<T: Send>(store: &Store, look: impl Fn() -> T + Sync) -> Vec<T> {
    let (mut writer, _) = store.open_with(SEGMENT_BYTES);
    // Several segments before the first look.
    for _ in 0..400 {
        append(&mut writer, &[alerts("acme", &[&[("alertname", "A")]])]);
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| write_on(writer, &is_over));
        let seen = (0..RUNS).map(|_| look()).collect();
        is_over.store(true, Ordering::Relaxed);
        writing.join().unwrap();
        seen
    })
}

#[test]
fn a_check_beside_a_busy_writer_is_sound_each_time_and_names_the_holder() {
    let store = Store::none();
    let mut seen = beside_a_writer(&store, || {
        let json = store.wal(&["check", "--format", "json"]).json();
        (
            json["exit_code"].as_u64(),
            json["damage"].as_array().map(Vec::len),
            json["store"]["held_by"].as_str().map(str::to_owned),
        )
    });
    seen.dedup();
    let holder = "pid 4711, since 2026-11-22T03:00:00Z".to_owned();
    assert_eq!(seen, [(Some(0), Some(0), Some(holder))]);
}

#[test]
fn a_dump_beside_a_busy_writer_has_no_gaps_and_no_warnings() {
    let store = Store::none();
    let mut seen = beside_a_writer(&store, || {
        let ran = store.wal(&["dump"]);
        let lsns = ran.lsns();
        let is_gapless = lsns.windows(2).all(|pair| pair[1] == pair[0] + 1);
        (ran.code, is_gapless, lsns.is_empty(), ran.err)
    });
    seen.dedup();
    assert_eq!(seen, [(Some(0), true, false, String::new())]);
}

#[test]
fn stats_and_checkpoints_beside_a_busy_writer_are_shown() {
    let store = Store::none();
    let mut seen = beside_a_writer(&store, || {
        (
            store.wal(&["stats"]).code,
            store.wal(&["checkpoint", "show"]).code,
        )
    });
    seen.dedup();
    assert_eq!(seen, [(Some(0), Some(0))]);
}

#[test]
fn an_idle_store_in_use_is_sound_and_says_who_has_it() {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    let ran = store.wal(&["check"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        (ran.code, lines[0], lines[2]),
        (
            Some(0),
            "E: the log is sound",
            "open               by pid 4711, since 2026-11-22T03:00:00Z"
        )
    );
}

#[test]
fn damage_to_a_store_in_use_is_reported() {
    let store = Store::none();
    let mut writer = store.open();
    store.append_records(&mut writer);
    store.damage(0, "silence");
    let json = store.wal(&["check", "--format", "json"]).json();
    assert_eq!(
        (
            json["class"].as_str(),
            json["damage"][0]["first_lsn"].as_u64(),
            json["scans"].as_u64()
        ),
        (Some("M"), Some(6), Some(2))
    );
}
