//! What becomes of the index on disk between two starts, and what the server makes of it: scenarios C12 to
//! C14 and C16 to C18 (`docs/history.md`). In each of them the server is ready, takes alerts in and
//! notifies as if nothing were wrong.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tocsin::history::index::{Change, SledStorage, Storage};

use crate::past::{complete, metric, offline, online};
use crate::support::{Place, Server, Sink, one_webhook};

/// What a start with a damaged index may take longer, at most; it takes milliseconds.
const READY_WITHIN: Duration = Duration::from_secs(5);

/// A store with history in it, stopped in order.
struct Grown {
    place: Place,
    sink: Sink,
    starts: std::cell::Cell<usize>,
}

/// What is seen after a start.
#[derive(Debug, PartialEq)]
struct Seen {
    was_ready_at_once: bool,
    /// Rebuilds of any reason.
    rebuilds: f64,
    is_degraded: f64,
    /// Alerts whose receipt is in history, oldest first.
    received: usize,
}

impl Grown {
    fn new() -> Self {
        let sink = Sink::start();
        let config = one_webhook(&sink.url("/"), "0s", "1h");
        let by_name = "  receiver: r\n  group_by: [alertname]\n";
        let place = Place::new(&config.replace("  receiver: r\n", by_name));
        let server = place.start();
        server.fire(&["A", "B", "C"]);
        sink.wait_for(3);
        complete(&server);
        server.stop();
        // The files are those of a second opening: with a snapshot.
        let server = place.start();
        complete(&server);
        server.stop();
        Self {
            place,
            sink,
            starts: std::cell::Cell::default(),
        }
    }

    fn index(&self) -> PathBuf {
        self.place.data().join("index")
    }

    /// Starts, fires another alert, is told of it, and looks.
    fn start(&self) -> Seen {
        let told_before = self.sink.got().len();
        let begun = Instant::now();
        let server = self.place.start();
        let was_ready_at_once = begun.elapsed() < READY_WITHIN;
        self.starts.set(self.starts.get() + 1);
        let another = format!("After{}", self.starts.get());
        assert_eq!(server.fire(&[&another]), 200);
        self.sink.wait_for(told_before + 1);
        complete(&server);
        let seen = Seen {
            was_ready_at_once,
            rebuilds: rebuilds(&server),
            is_degraded: metric(&server, "tocsin_history_degraded"),
            received: received(&server),
        };
        assert_eq!(server.stop().code, Some(0));
        seen
    }
}

pub(crate) fn rebuilds(server: &Server) -> f64 {
    let reasons = ["error", "panic", "hang", "mismatch", "foreign"];
    let of = |reason| {
        metric(
            server,
            &format!("tocsin_history_rebuilds_total{{reason=\"{reason}\"}}"),
        )
    };
    reasons.into_iter().map(of).sum()
}

fn received(server: &Server) -> usize {
    let page = online(server, &["history", "--kind", "received"]);
    page["entries"].as_array().unwrap().len()
}

/// The files of the index whose names begin so.
fn files(index: &Path, begin: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(index)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let has_begin = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(begin)
    };
    entries.filter(has_begin).collect()
}

fn flip_every(path: &Path, step: usize) {
    let mut bytes = fs::read(path).unwrap();
    for byte in bytes.iter_mut().skip(step / 2).step_by(step) {
        *byte ^= 0x10;
    }
    fs::write(path, bytes).unwrap();
}

/// The log has the alerts still: what was in the index comes back.
const REBUILT: Seen = Seen {
    was_ready_at_once: true,
    rebuilds: 1.0,
    is_degraded: 0.0,
    received: 4,
};

const UNTOUCHED: Seen = Seen {
    rebuilds: 0.0,
    ..REBUILT
};

#[test]
fn c12_an_unfinished_snapshot_is_removed_and_the_index_used() {
    let grown = Grown::new();
    let unfinished = grown.index().join("snap.00000000FFFFFFFF.generating");
    fs::write(&unfinished, "").unwrap();
    assert_eq!((grown.start(), unfinished.exists()), (UNTOUCHED, false));
}

#[test]
fn c13_a_damaged_snapshot_costs_a_rebuild() {
    let grown = Grown::new();
    let snapshots = files(&grown.index(), "snap.");
    assert_ne!(snapshots, Vec::<PathBuf>::new());
    for snapshot in snapshots {
        flip_every(&snapshot, 7);
    }
    assert_eq!(grown.start(), REBUILT);
}

#[test]
fn c14_a_damaged_file_costs_no_start_and_no_history_that_the_log_has() {
    let grown = Grown::new();
    for snapshot in files(&grown.index(), "snap.") {
        fs::remove_file(snapshot).unwrap();
    }
    flip_every(&grown.index().join("db"), 61);
    // sled panics, refuses it, or takes it for an empty one: then nothing has to be discarded. That a
    // panic costs a rebuild is shown in `keeper`.
    let seen = Seen {
        rebuilds: REBUILT.rebuilds,
        ..grown.start()
    };
    assert_eq!(seen, REBUILT);
}

/// Takes the first value away whose key begins so, as sled may do by itself.
pub(crate) fn lose(index: &Path, begin: u8) {
    let storage = SledStorage::open(index).unwrap();
    let mut lost = None;
    let mut note = |key: &[u8], _: &[u8]| {
        lost.get_or_insert(key.to_vec());
        Ok(())
    };
    storage.scan(&[begin], &mut note).unwrap();
    let key = lost.unwrap();
    storage.apply(vec![Change { key, value: None }]).unwrap();
    storage.flush().unwrap();
}

#[test]
fn c16_lost_keys_of_any_kind_are_missed_and_cost_a_rebuild() {
    let seen = [b'h', b'c', b'n', b'm'].map(|kind| {
        let grown = Grown::new();
        lose(&grown.index(), kind);
        grown.start()
    });
    assert_eq!(seen, [REBUILT, REBUILT, REBUILT, REBUILT]);
}

#[test]
fn c17_without_a_place_on_disk_the_index_is_in_memory() {
    let grown = Grown::new();
    fs::remove_dir_all(grown.index()).unwrap();
    fs::write(grown.index(), "not a directory").unwrap();
    let expected = Seen {
        is_degraded: 1.0,
        ..REBUILT
    };
    let again = Seen {
        received: 5,
        is_degraded: 1.0,
        ..REBUILT
    };
    assert_eq!((grown.start(), grown.start()), (expected, again));
}

#[test]
fn c18_a_removed_index_is_made_anew() {
    let grown = Grown::new();
    fs::remove_dir_all(grown.index()).unwrap();
    assert_eq!(grown.start(), UNTOUCHED);
}

#[test]
fn an_index_made_anew_has_from_the_checkpoint_the_alerts_whose_receipt_the_log_has_no_more() {
    let grown = Grown::new();
    // Each of these lives fills segments and ends with a checkpoint: those before are let go.
    for life in 0..3 {
        let server = grown.place.start_with(&["--wal.segment-bytes=65536"]);
        for part in 0..4 {
            let alert = json!([{
                "labels": { "alertname": "Large" },
                "annotations": { "text": format!("{life} {part} {}", "x".repeat(30_000)) },
            }]);
            assert_eq!(server.post("/api/v2/alerts", &alert).status, 200);
        }
        complete(&server);
        server.stop();
    }
    fs::remove_dir_all(grown.index()).unwrap();
    let server = grown.place.start();
    complete(&server);
    let names = |kind: &str| {
        let page = online(&server, &["history", "--kind", kind]);
        let entries = page["entries"].as_array().unwrap().clone();
        let name = |entry: &Value| {
            let alert = entry["alert"].as_str().unwrap();
            let answer = online(&server, &["why", "--fingerprint", alert]);
            let name = answer["alert"]["labels"]["alertname"].as_str().unwrap();
            name.to_owned()
        };
        entries.iter().map(name).collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
    let missing = metric(&server, "tocsin_history_dropped_total{reason=\"missing\"}");
    let placed: BTreeSet<String> = set(&["A", "B", "C", "Large"]);
    assert_eq!(
        (names("received"), names("placed"), missing > 0.0),
        (set(&["Large"]), placed, true)
    );
}

#[test]
fn an_empty_directory_is_as_good_as_no_index_at_the_first_start_and_at_a_later_one() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "0s", "1h"));
    let index = place.data().join("index");
    let seen = [(); 2].map(|()| {
        fs::create_dir_all(&index).unwrap();
        let server = place.start();
        complete(&server);
        let seen = (
            rebuilds(&server),
            metric(&server, "tocsin_history_degraded"),
        );
        server.stop();
        fs::remove_dir_all(&index).unwrap();
        seen
    });
    assert_eq!(seen, [(0.0, 0.0); 2]);
}

#[test]
fn an_index_of_another_store_is_not_taken_for_ones_own() {
    let (grown, other) = (Grown::new(), Grown::new());
    fs::remove_dir_all(grown.index()).unwrap();
    fs::rename(other.index(), grown.index()).unwrap();
    assert_eq!(grown.start(), REBUILT);
}

#[test]
fn the_log_alone_gives_the_same_history_as_an_index_that_was_rebuilt() {
    let grown = Grown::new();
    fs::remove_dir_all(grown.index()).unwrap();
    let server = grown.place.start();
    complete(&server);
    let words = ["history", "--kind", "received"];
    let from_server = online(&server, &words);
    server.stop();
    let from_log = offline(&grown.place.data(), &words);
    assert_eq!(from_server["entries"], from_log["entries"]);
}
