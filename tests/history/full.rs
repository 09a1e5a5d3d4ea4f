//! Scenario C17 on file systems that are really full: small ones in memory, mounted for the test.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::damage::{lose, rebuilds};
use crate::past::{complete, metric, online};
use crate::support::{Place, Server, Sink, one_webhook, until};

/// A small file system, for as long as the test runs.
struct Small {
    at: PathBuf,
}

impl Small {
    /// Mounts one there; where that is not allowed it says so, and the test shows nothing.
    fn mount(at: &Path, bytes: usize) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(at)
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => {
                return Some(Self { at: at.to_owned() });
            }
            Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        skip(&why)
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = fs::File::create(self.filler()).unwrap();
        for size in [65_536, 4_096, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
    }

    fn clear(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: what is still open goes on until it is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
fn skip<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED: file systems cannot be mounted here: {why}");
    None
}

fn is_degraded_or_rebuilt(server: &Server) -> (bool, f64) {
    (is_degraded(server), rebuilds(server))
}

#[test]
fn an_index_on_a_file_system_of_its_own_is_kept_there_from_the_first_start_and_made_anew_there() {
    let sink = Sink::start();
    let place = Place::new(&by_name(&sink, "0s"));
    let at = place.data().join("index");
    let Some(_small) = Small::mount(&at, 8 * 1024 * 1024) else {
        return;
    };
    fs::create_dir(at.join("lost+found")).unwrap();
    let server = place.start();
    server.fire(&["First"]);
    sink.wait_to_be_told("First firing");
    complete(&server);
    let at_first = is_degraded_or_rebuilt(&server);
    server.stop();
    // A mount point cannot be put aside as a directory can.
    lose(&at, b'c');
    let server = place.start();
    complete(&server);
    let when_damaged = (is_degraded_or_rebuilt(&server), received(&server));
    server.stop();
    let server = place.start();
    complete(&server);
    let afterwards = (is_degraded_or_rebuilt(&server), received(&server));
    server.stop();
    let first = vec!["First".to_owned()];
    assert_eq!(
        (
            (at_first, at.join("lost+found").is_dir()),
            when_damaged,
            afterwards
        ),
        (
            ((false, 0.0), true),
            ((false, 1.0), first.clone()),
            ((false, 0.0), first)
        )
    );
}

/// Groups whose notifications need more room than the log keeps for what was decided.
const GROUPS: usize = 1_500;

fn by_name(sink: &Sink, group_wait: &str) -> String {
    let config = one_webhook(&sink.url("/"), group_wait, "1h");
    let by_name = "  receiver: r\n  group_by: [alertname]\n";
    config.replace("  receiver: r\n", by_name)
}

/// Names of the alerts whose receipt is in history, oldest first.
fn received(server: &Server) -> Vec<String> {
    let page = online(
        server,
        &["history", "--kind", "received", "--order", "oldest"],
    );
    let entries = page["entries"].as_array().unwrap().clone();
    let names = entries.iter().map(|it| {
        let alert = it["alert"].as_str().unwrap();
        let answer = online(server, &["why", "--fingerprint", alert]);
        answer["alert"]["labels"]["alertname"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    names.collect()
}

fn is_degraded(server: &Server) -> bool {
    metric(server, "tocsin_history_degraded") > 0.0
}

#[test]
fn c17_an_index_whose_file_system_fills_up_goes_on_in_memory_and_comes_back_when_there_is_room() {
    let sink = Sink::start();
    let place = Place::new(&by_name(&sink, "0s"));
    // The store has to be there before a file system for its index is.
    place.start().stop();
    let Some(small) = Small::mount(&place.data().join("index"), 8 * 1024 * 1024) else {
        return;
    };
    let server = place.start();
    server.fire(&["Before"]);
    sink.wait_to_be_told("Before firing");
    complete(&server);
    let at_first = is_degraded(&server);
    small.fill();
    // What is written at a stop does not fit any more: that delays nothing, and costs nothing of the log.
    let stopped = server.stop().code;
    let server = place.start();
    assert_eq!(server.fire(&["Full"]), 200);
    sink.wait_to_be_told("Full firing");
    complete(&server);
    let when_full = (is_degraded(&server), received(&server));
    let stopped_full = server.stop().code;
    small.clear();
    let server = place.start();
    assert_eq!(server.fire(&["Room"]), 200);
    sink.wait_to_be_told("Room firing");
    complete(&server);
    let names = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        (
            (at_first, stopped),
            (when_full, stopped_full),
            (is_degraded(&server), received(&server))
        ),
        (
            (false, Some(0)),
            ((true, names(&["Before", "Full"])), Some(0)),
            (false, names(&["Before", "Full", "Room"]))
        )
    );
    drop(server);
}

#[test]
fn on_a_full_disk_what_explains_is_dropped_and_counted_and_what_was_decided_is_done_when_there_is_room()
 {
    let sink = Sink::start();
    let place = Place::new(&by_name(&sink, "20s"));
    let Some(small) = Small::mount(&place.data(), 64 * 1024 * 1024) else {
        return;
    };
    let server = place.start_with(&["--history=off"]);
    let names: Vec<String> = (0..GROUPS).map(|number| format!("A{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(server.fire(&names), 200);
    small.fill();
    // The segment that the log has already is filled up, but for what is kept for decisions; for another
    // one there is no room.
    for bytes in [500_000, 20_000, 1_000, 1] {
        let text = "x".repeat(bytes);
        until("a log without room", || {
            let alert = json!([{
                "labels": { "alertname": "Large" },
                "annotations": { "text": text, "now": jiff::Timestamp::now().to_string() },
            }]);
            (server.post("/api/v2/alerts", &alert).status == 503).then_some(())
        });
    }
    let name = "tocsin_wal_explanations_dropped_total";
    let dropped = until("explanations that were dropped", || {
        Some(metric(&server, name)).filter(|dropped| *dropped > 0.0)
    });
    small.clear();
    sink.wait_for(GROUPS);
    let said = "records that explain what was decided; they are dropped";
    assert_eq!((dropped > 0.0, server.log().contains(said)), (true, true));
    drop(server);
}
