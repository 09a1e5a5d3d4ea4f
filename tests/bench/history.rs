//! The index of history: what a month of decisions costs, how long an answer takes, and what of ingest the
//! index takes away.
//!
//! `cargo bench --bench history`, or with `-- month`, `-- names` or `-- ingest` for one of the three.
//!
//! *Month*: 10,000 alerts in 1,000 groups, each flushed every five minutes for 30 days: 8.6 million flushes,
//! nearly all of which find nothing new, and for each group every two hours an alert that ends or fires
//! again, with its notification and its result. The records are handed to the index as the log would hand
//! them, into sled on disk.
//!
//! *Names*: a question with a matcher, when the index knows 100,000 alerts.
//!
//! *Ingest*: 8 connections, batches of 256 alerts out of 100,000 series, to a server with the index and to
//! one without, in turns: first as a burst of alerts that are all new, to new servers, then as servers get them
//! all day.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a benchmark starts real processes, measures real time, and tells what it measured"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tocsin::core::notification_hash;
use tocsin::history::index::{Index, Limits, Past, SledStorage, add_record};
use tocsin::history::why::{Asked, Context, Question, why};
use tocsin::model::{Fingerprint, LabelSet};
use tocsin::record::{
    AlertBatchV1, AlertTouchV1, AlertV1, DecisionsV1, FlushIntentV1, FlushV1, GroupV1, Lsn,
    NotificationKeyV1, NotifyResultV1, PlacedV1, Record, ToldV1, TouchV1, group_hash,
};
use tocsin::sys::WallTime;

const GROUPS: usize = 1_000;
const ALERTS_OF_GROUP: usize = 10;
const DAYS: i64 = 30;
const SECOND_NS: i64 = 1_000_000_000;
const INTERVAL_S: i64 = 300;
/// Flushes in one record: as many as come due in three seconds.
const AT_ONCE: usize = 10;
/// Flushes of a group between two that have news.
const NEWS_EVERY: i64 = 24;
const BYTES_MAX: u64 = 1_000_000_000;
const BEGIN_NS: i64 = 1_792_000_000 * SECOND_NS;

fn labels(group: usize, alert: usize) -> Vec<(String, String)> {
    let pairs = [
        ("alertname", format!("InstanceDown{group}")),
        ("cluster", "eu-west-1".to_owned()),
        ("instance", format!("node-{group}-{alert}.example.org:9100")),
        ("job", "node".to_owned()),
        ("severity", "critical".to_owned()),
        ("team", "infrastructure".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

fn fingerprint(group: usize, alert: usize) -> Fingerprint {
    let labels: LabelSet = labels(group, alert).iter().map(|(a, b)| (a, b)).collect();
    labels.fingerprint()
}

fn key_of(group: usize) -> String {
    format!("{{}}/{{team=\"infrastructure\"}}:{{alertname=\"InstanceDown{group}\"}}")
}

struct Writer {
    index: Arc<Index>,
    lsn: u64,
    records: u64,
    entries: u64,
}

impl Writer {
    fn write(&mut self, record: &Record) {
        let lsn = Lsn(self.lsn);
        self.entries += tocsin::history::read(lsn, record).entries.len() as u64;
        add_record(&self.index, lsn, record, WallTime(0)).expect("sled takes it");
        self.lsn += 1;
        self.records += 1;
    }
}

fn received(group: usize, alert: usize, at_ns: i64, ends_at_ns: i64) -> Record {
    Record::AlertBatch(AlertBatchV1 {
        tenant: String::new(),
        received_at_ns: at_ns,
        alerts: vec![AlertV1 {
            labels: labels(group, alert),
            annotations: vec![("summary".to_owned(), "it is down".to_owned())],
            starts_at_ns: at_ns,
            ends_at_ns,
            is_timeout: false,
            generator_url: "http://prometheus.example.org/graph".to_owned(),
        }],
    })
}

fn touched(group: usize, at_ns: i64) -> Record {
    let touches = (0..ALERTS_OF_GROUP).map(|alert| TouchV1 {
        fingerprint: fingerprint(group, alert).0,
        ends_at_ns: at_ns + INTERVAL_S * SECOND_NS,
        is_timeout: false,
    });
    Record::AlertTouch(AlertTouchV1 {
        tenant: String::new(),
        received_at_ns: at_ns,
        touches: touches.collect(),
    })
}

/// A month of it.
fn fill(writer: &mut Writer) -> u64 {
    let names = || vec!["team-infrastructure".to_owned(), "webhook".to_owned()];
    let hashes: Vec<u64> = (0..GROUPS).map(|it| group_hash(&key_of(it), 0)).collect();
    for (group, hash) in hashes.iter().enumerate() {
        for alert in 0..ALERTS_OF_GROUP {
            writer.write(&received(
                group,
                alert,
                BEGIN_NS,
                BEGIN_NS + INTERVAL_S * SECOND_NS,
            ));
        }
        let placed = (0..ALERTS_OF_GROUP).map(|alert| PlacedV1 {
            alert: fingerprint(group, alert).0,
            group: *hash,
            before_ms: 0,
        });
        writer.write(&Record::Decisions(DecisionsV1 {
            at_ns: BEGIN_NS,
            names: names(),
            groups: vec![GroupV1 {
                group: *hash,
                key: key_of(group),
                ordinal: 0,
                route: 0,
                receiver: 0,
                due_at_ns: BEGIN_NS + 30 * SECOND_NS,
                before_ms: 0,
            }],
            placed: placed.collect(),
            ..DecisionsV1::default()
        }));
    }
    let (mut flushes, mut flush_id) = (0u64, 0u64);
    for round in 0..DAYS * 24 * 3600 / INTERVAL_S {
        for (slice, groups) in hashes.chunks(AT_ONCE).enumerate() {
            let first = slice * AT_ONCE;
            let at_ns = BEGIN_NS
                + round * INTERVAL_S * SECOND_NS
                + (slice as i64) * INTERVAL_S * SECOND_NS / (GROUPS / AT_ONCE) as i64;
            let mut decisions = DecisionsV1 {
                at_ns,
                names: names(),
                ..DecisionsV1::default()
            };
            for (group, hash) in (first..).zip(groups) {
                let has_news = (round + group as i64) % NEWS_EVERY == 0;
                if round % 12 == 0 {
                    writer.write(&touched(group, at_ns));
                }
                if has_news {
                    flush_id += 1;
                    writer.write(&received(group, group % ALERTS_OF_GROUP, at_ns, at_ns));
                }
                decisions.flushes.push(FlushV1 {
                    group: *hash,
                    receiver: 0,
                    occasion: 0,
                    late_ms: 1,
                    next_ms: (INTERVAL_S * 1000) as u64,
                    firing: ALERTS_OF_GROUP as u32 - u32::from(has_news),
                    resolved: u32::from(has_news),
                    inhibited: Vec::new(),
                    silenced: Vec::new(),
                    muted: Vec::new(),
                    told: vec![ToldV1 {
                        integration: 1,
                        index: 0,
                        verdict: u32::from(has_news),
                        reason: if has_news { 3 } else { 0 },
                        flush_id: if has_news { flush_id } else { 0 },
                        attempt: u32::from(has_news),
                        added: Vec::new(),
                        ended: Vec::new(),
                    }],
                });
                flushes += 1;
                if has_news {
                    notified(writer, group, flush_id, at_ns);
                }
            }
            writer.write(&Record::Decisions(decisions));
        }
        if round % (24 * 3600 / INTERVAL_S) == 0 {
            let now = BEGIN_NS + round * INTERVAL_S * SECOND_NS;
            writer.index.retain(WallTime(now)).expect("sled takes it");
        }
    }
    flushes
}

fn notified(writer: &mut Writer, group: usize, flush_id: u64, at_ns: i64) {
    let key = NotificationKeyV1 {
        tenant: String::new(),
        group_key: key_of(group),
        receiver: "team-infrastructure".to_owned(),
        integration: "webhook".to_owned(),
        index: 0,
    };
    let hash = |alert| {
        let labels: LabelSet = labels(group, alert).iter().map(|(a, b)| (a, b)).collect();
        notification_hash(&labels)
    };
    let mut firing: Vec<u64> = (0..ALERTS_OF_GROUP).map(hash).collect();
    firing.sort_unstable();
    writer.write(&Record::FlushIntent(FlushIntentV1 {
        flush_id,
        key: key.clone(),
        attempt: 1,
        reason: "some alerts resolved".to_owned(),
        firing,
        resolved: Vec::new(),
        idempotency_key: [group as u8; 32],
        decided_at_ns: at_ns,
    }));
    writer.write(&Record::NotifyResult(NotifyResultV1 {
        flush_id,
        key,
        outcome: "delivered".to_owned(),
        detail: String::new(),
        entry: Vec::new(),
        finished_at_ns: at_ns + 20_000_000,
    }));
}

fn month() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits {
        retention: Duration::from_secs(DAYS as u64 * 24 * 3600),
        bytes_max: BYTES_MAX,
    };
    let open = || {
        let storage = SledStorage::open(directory.path()).expect("sled opens");
        Arc::new(Index::open(Arc::new(storage), [0; 16], limits).expect("an index"))
    };
    let begun = Instant::now();
    let mut writer = Writer {
        index: open(),
        lsn: 1,
        records: 0,
        entries: 0,
    };
    let flushes = fill(&mut writer);
    writer.index.flush().expect("sled takes it");
    let taken = begun.elapsed();
    let said = writer.entries as f64;
    let contents = writer.index.contents();
    println!(
        "month: {flushes} flushes, {} records, {said} entries in {taken:.1?}: {:.0} entries/s",
        writer.records,
        said / taken.as_secs_f64(),
    );
    let size = writer.index.size_bytes().expect("a size");
    println!(
        "month: {} entries kept in {} chunks, {} names, {:.1} MB packed, {:.1} MB on disk (limit {:.0} MB)",
        contents.entries,
        contents.chunks,
        contents.names,
        contents.bytes as f64 / 1e6,
        size as f64 / 1e6,
        BYTES_MAX as f64 / 1e6,
    );
    drop(writer);
    let begun = Instant::now();
    let index = open();
    println!("month: opened again in {:.1?}", begun.elapsed());
    let begun = Instant::now();
    index.verify().expect("it is sound");
    println!("month: all of it verified in {:.1?}", begun.elapsed());
    answers(&index);
}

/// The alert that a matcher means is looked for among all that are known.
fn names() {
    let directory = tempfile::tempdir().expect("a directory");
    let limits = Limits {
        retention: Duration::from_secs(DAYS as u64 * 24 * 3600),
        bytes_max: BYTES_MAX,
    };
    let storage = SledStorage::open(directory.path()).expect("sled opens");
    let index = Arc::new(Index::open(Arc::new(storage), [0; 16], limits).expect("an index"));
    let groups = NAMES / ALERTS_OF_GROUP;
    for number in 0..NAMES {
        let record = received(
            number % groups,
            number / groups,
            BEGIN_NS,
            BEGIN_NS + SECOND_NS,
        );
        let lsn = Lsn(1 + number as u64);
        add_record(&index, lsn, &record, WallTime(BEGIN_NS)).expect("it is taken");
    }
    index.flush().expect("sled takes it");
    let past = Past::new(Arc::clone(&index), "");
    let mut times = Vec::new();
    for number in 0..200 {
        let instance = format!("instance=node-{}-3.example.org:9100", number * 37 % groups);
        let matcher = tocsin::model::Mode::default().parse_matcher(&instance);
        let matcher = matcher.expect("a matcher").value;
        let question = Question {
            alert: Asked::Matchers(tocsin::model::Matchers::new(vec![matcher])),
            receiver: None,
            at: None,
        };
        let now = WallTime(BEGIN_NS + 3600 * SECOND_NS);
        let begun = Instant::now();
        let context = Context { now, policy: None };
        why(&past, &question, &context).expect("an answer");
        times.push(begun.elapsed());
    }
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "names: of {} questions with a matcher among {} alerts, p50 {:.1?}, p99 {:.1?} (target 50 ms)",
        times.len(),
        index.contents().names,
        at(0.5),
        at(0.99)
    );
}

fn answers(index: &Arc<Index>) {
    let past = Past::new(Arc::clone(index), "");
    let now = WallTime(BEGIN_NS + DAYS * 24 * 3600 * SECOND_NS);
    let mut times = Vec::new();
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    for _ in 0..300 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let (group, alert) = (
            state as usize % GROUPS,
            (state >> 20) as usize % ALERTS_OF_GROUP,
        );
        let second = (state >> 30) as i64 % (DAYS * 24 * 3600);
        let by_matchers = times.len() % 2 == 0;
        let asked = if by_matchers {
            let instance = format!("instance=node-{group}-{alert}.example.org:9100");
            let matcher = tocsin::model::Mode::default().parse_matcher(&instance);
            let matcher = matcher.expect("a matcher").value;
            Asked::Matchers(tocsin::model::Matchers::new(vec![matcher]))
        } else {
            Asked::Fingerprint(fingerprint(group, alert))
        };
        let question = Question {
            alert: asked,
            receiver: None,
            at: Some(WallTime(BEGIN_NS + second * SECOND_NS)),
        };
        let begun = Instant::now();
        let context = Context { now, policy: None };
        let answer = why(&past, &question, &context).expect("an answer");
        times.push((begun.elapsed(), answer.sentence));
    }
    times.sort();
    let at = |share: f64| &times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "why: of {} questions at random times, p50 {:.1?}, p99 {:.1?}, slowest {:.1?} (target 50 ms)",
        times.len(),
        at(0.5).0,
        at(0.99).0,
        at(1.0).0
    );
    println!("why: for instance: {}", at(0.5).1);
}

/// Alerts among which a matcher is looked for.
const NAMES: usize = 100_000;

const SERIES: usize = 100_000;
const BATCH: usize = 256;
const CONNECTIONS: usize = 8;
const TURN: Duration = Duration::from_secs(6);
const TURNS: usize = 4;

const CONFIG: &str = "route:
  receiver: nowhere
  group_by: [alertname]
  group_wait: 1h
  group_interval: 1h
receivers:
  - name: nowhere
";

/// All series in requests of [`BATCH`] alerts.
fn requests() -> Vec<Vec<u8>> {
    let alert = |number: usize| {
        format!(
            r#"{{"annotations":{{"summary":"Instance node-{number} is down"}},"endsAt":"2036-11-22T03:43:54.509Z","startsAt":"2026-11-22T03:39:54.509Z","generatorURL":"http://prometheus.example.org:9090/graph","labels":{{"alertname":"InstanceDown{}","cluster":"eu-west-1","instance":"node-{number}.example.org:9100","job":"node","namespace":"monitoring","pod":"node-exporter-{number}","severity":"critical","team":"infrastructure"}}}}"#,
            number % 1000
        )
    };
    let numbers: Vec<usize> = (0..SERIES).collect();
    let request = |numbers: &[usize]| {
        let alerts: Vec<String> = numbers.iter().copied().map(alert).collect();
        let body = format!("[{}]", alerts.join(","));
        format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    numbers.chunks(BATCH).map(request).collect()
}

/// Sends, and reads the answer; its status.
fn exchange(stream: &mut BufReader<TcpStream>, request: &[u8]) -> String {
    stream.get_mut().write_all(request).expect("it is read");
    let (mut status, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).expect("an answer");
        let line = line.trim_end().to_ascii_lowercase();
        if status.is_empty() {
            status = line.split(' ').nth(1).unwrap_or_default().to_owned();
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a number");
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    status
}

struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(root: &Path, mode: &str, port: u16) -> Self {
        let root = root.join(mode);
        std::fs::create_dir_all(&root).expect("a directory");
        std::fs::write(root.join("config.yml"), CONFIG).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .arg(format!("--config.file={}/config.yml", root.display()))
            .arg(format!("--storage.path={}/data", root.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--history={mode}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it can be run");
        let server = Self { child, port };
        let ready = b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port))
                && exchange(&mut BufReader::new(stream), ready) == "200"
            {
                return server;
            }
            assert!(Instant::now() < deadline, "{mode} does not become ready");
            thread::yield_now();
        }
    }

    /// Alerts a second that are answered with 200: of each request once, or of all of them again and again.
    fn load(&self, requests: &[Vec<u8>], is_once: bool) -> f64 {
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let begun = Instant::now();
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
                    stream.set_nodelay(true).expect("a socket");
                    let mut stream = BufReader::with_capacity(64 << 10, stream);
                    while is_once || begun.elapsed() < TURN {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        if is_once && at >= requests.len() {
                            break;
                        }
                        if exchange(&mut stream, &requests[at % requests.len()]) == "200" {
                            done.fetch_add(BATCH, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

/// Turns with the index and without; neither is always the first.
fn in_turns(what: &str, on: &dyn Fn(usize) -> f64, off: &dyn Fn(usize) -> f64) {
    let (mut with, mut without) = (0.0, 0.0);
    for turn in 0..TURNS {
        let (one, other) = match turn % 2 {
            0 => (on(turn), off(turn)),
            _ => {
                let other = off(turn);
                (on(turn), other)
            }
        };
        println!("{what}: turn {turn}: {one:.0} alerts/s with the index, {other:.0} without");
        with += one;
        without += other;
    }
    println!(
        "{what}: {:.0} alerts/s with the index, {:.0} without: {:.2} of it (target 0.9)",
        with / TURNS as f64,
        without / TURNS as f64,
        with / without
    );
}

fn ingest() {
    let directory = tempfile::tempdir().expect("a directory");
    let requests = requests();
    let burst = |turn: usize, mode: &str, port: u16| {
        let root = directory.path().join(turn.to_string());
        Server::start(&root, mode, port).load(&requests, true)
    };
    in_turns(
        "burst of new alerts",
        &|turn| burst(turn, "sled", 19_193),
        &|turn| burst(turn, "off", 19_194),
    );
    let (on, off) = (
        Server::start(directory.path(), "sled", 19_193),
        Server::start(directory.path(), "off", 19_194),
    );
    // All series once: what is measured is what servers do all day.
    on.load(&requests, false);
    off.load(&requests, false);
    in_turns("ingest", &|_| on.load(&requests, false), &|_| {
        off.load(&requests, false)
    });
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| {
        let named = ["month", "names", "ingest"]
            .iter()
            .any(|it| wanted.iter().any(|word| word == it));
        !named || wanted.iter().any(|word| word == name)
    };
    if wants("month") {
        month();
    }
    if wants("names") {
        names();
    }
    if wants("ingest") {
        ingest();
    }
}
