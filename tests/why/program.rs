//! The same questions, asked of the program: of a data directory with the same log, and of a server that runs
//! on it.
//!
//! The server goes on in real time where the log ends, with receivers of the same names that have no
//! integrations. What it does is later than the time asked, so that the answer is the same; but for a notification
//! that had no result, or a bad one, of which it may tell how that went on.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::Value;
use tocsin::history::why::{Asked, Because, Context, Question, why};
use tocsin::node::RealDisk;
use tocsin::record::{Lsn, Record};
use tocsin::sys::{SeededEntropy, VirtualClock, WallTime};
use tocsin::wal::{Environment, IgnoreReplay, Lane, LogOptions, Writer, open};

use crate::memory::Memory;
use crate::process::{PROGRAM, Place, until};
use crate::support::{World, at, matchers};

/// Nothing is too old, whenever this runs.
const RETENTION: &str = "--history.retention=36500d,1GB";

/// Asks the program what was asked of the library, at a time at which it has an answer.
pub(crate) fn is_asked(world: &World, text: &str, receiver: Option<&str>, when: i64) {
    let place = Place::new(&configuration(world));
    let log = written(world, &place.data());
    let question = Question {
        alert: Asked::Matchers(matchers(text)),
        receiver: receiver.map(str::to_owned),
        at: Some(at(when)),
    };
    let context = Context {
        now: now(),
        policy: None,
    };
    let answer = why(&Memory::of(&log), &question, &context).unwrap();
    let expected = serde_json::to_value(&answer).unwrap();
    let when = at(when).to_string();
    let mut words = vec!["why", text, "--at", &when];
    words.extend(receiver.iter().flat_map(|it| ["--receiver", it]));
    let from_log = ask(&words, "--data", place.data().to_str().unwrap());
    let server = place.start_with(&[RETENTION]);
    let url = format!("http://{}", server.address());
    let copy = place.path("copy");
    // Both go on while the server does; in between they are of one mind.
    let from_server = until("an answer of the server that its log gives as well", || {
        let from_server = ask(&words, "--url", &url);
        copied(&place.data(), &copy);
        let from_copy = ask(&words, "--data", copy.to_str().unwrap());
        (from_server == from_copy).then_some(from_server)
    });
    let goes_on = matches!(answer.because, Because::Failed | Because::UnderWay);
    let from_server = match goes_on {
        true => expected.clone(),
        false => from_server,
    };
    assert_eq!([&from_log, &from_server], [&expected, &expected]);
}

/// A file with receivers of the same names, each of which has a route.
fn configuration(world: &World) -> String {
    let (mut routes, mut receivers) = (String::new(), String::new());
    for name in world.policy.receivers.keys() {
        routes += &format!("    - receiver: {name}\n      matchers: [never=\"{name}\"]\n");
        receivers += &format!("  - name: {name}\n");
    }
    format!(
        "route:\n  receiver: nobody\n  routes:\n{routes}receivers:\n  - name: nobody\n{receivers}"
    )
}

/// Writes the log of the world; what it has become, as LSNs are others.
fn written(world: &World, data: &Path) -> Vec<(Lsn, Record)> {
    std::fs::create_dir_all(data).unwrap();
    let environment = Environment {
        disk: Arc::new(RealDisk::new(data)),
        clock: Arc::new(VirtualClock::at(at(0))),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    let (mut writer, _) = open(&environment, &LogOptions::default(), &mut IgnoreReplay).unwrap();
    // A batch begins with a record of its own.
    let before = writer.durable().next().0;
    let shifted = |(lsn, record): &(Lsn, Record)| {
        let mut record = record.clone();
        if let Record::Receipts(receipts) = &mut record
            && let Some((first, _)) = receipts.requests.first_mut()
        {
            *first += before;
        }
        (Lsn(lsn.0 + before), record)
    };
    let log: Vec<(Lsn, Record)> = world.log.iter().map(shifted).collect();
    // What a test took out leaves room for the beginning of the next batch.
    let runs = log.chunk_by(|(lsn, _), (next, _)| lsn.next() == *next);
    runs.for_each(|run| append(&mut writer, run));
    log
}

fn append(writer: &mut Writer, run: &[(Lsn, Record)]) {
    let (first, last) = (run[0].0, run[run.len() - 1].0);
    while writer.durable().next().next() < first {
        writer.heartbeat().unwrap();
    }
    let records: Vec<_> = run.iter().map(|it| it.1.encoded().unwrap()).collect();
    let records: Vec<_> = records.iter().collect();
    let appended = writer.append(Lane::Normal, &records).unwrap();
    assert_eq!((appended.first, appended.last), (first, last));
}

fn ask(words: &[&str], flag: &str, of: &str) -> Value {
    let output = Command::new(PROGRAM)
        .args(words)
        .args([flag, of, "--format", "json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A copy of a data directory as it is, without the index.
fn copied(data: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = Command::new("cp").arg("-r").arg(data).arg(to).status();
    assert!(status.unwrap().success());
    let _ = std::fs::remove_dir_all(to.join("index"));
}

fn now() -> WallTime {
    let now = jiff::Timestamp::now().as_nanosecond();
    WallTime(i64::try_from(now).unwrap())
}
