//! Stores in temporary directories, made by the log itself on the real disk, with a clock and random
//! numbers that are the same in every run; and the real program run on them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use tocsin::node::RealDisk;
use tocsin::record::{
    AlertBatchV1, AlertV1, FlushIntentV1, NotificationKeyV1, NotifyResultV1, Record, SilenceSetV1,
};
use tocsin::sys::{SeededEntropy, VirtualClock, WallTime};
use tocsin::wal::{
    Environment, IgnoreReplay, Lane, LogOptions, Lsn, NewRecord, StartReport, Writer, open,
};

/// 2026-11-22T03:00:00Z.
pub(crate) const NIGHT: WallTime = WallTime(1_795_316_400_000_000_000);

pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A temporary directory with a data directory in it.
pub(crate) struct Store {
    dir: tempfile::TempDir,
    pub(crate) clock: Arc<VirtualClock>,
    entropy: Arc<SeededEntropy>,
}

impl Store {
    /// No store yet.
    pub(crate) fn none() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            clock: Arc::new(VirtualClock::at(NIGHT)),
            entropy: Arc::new(SeededEntropy::new(7)),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn environment(&self) -> Environment {
        let disk = RealDisk::new(&self.root());
        disk.create_root().unwrap();
        Environment {
            disk: Arc::new(disk),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }
    }

    /// Opens the store, as a server does at its start.
    pub(crate) fn open_with(&self, segment_bytes: u64) -> (Writer, StartReport) {
        let options = LogOptions {
            segment_bytes,
            version: "1.2.3".to_owned(),
            pid: 4711,
            ..LogOptions::default()
        };
        open(&self.environment(), &options, &mut IgnoreReplay).unwrap()
    }

    pub(crate) fn open(&self) -> Writer {
        self.open_with(SEGMENT_BYTES).0
    }

    /// Eleven records after two of the start; each batch an hour after the one before.
    ///
    /// ```text
    /// 2 boot · 4 alerts of acme · 6 silence of beta · 8 alert of beta · 10, 11 notification
    /// ```
    pub(crate) fn with_records() -> Self {
        let store = Self::none();
        store.append_records(&mut store.open());
        store
    }

    /// As [`Store::with_records`], and closed in order.
    pub(crate) fn closed() -> Self {
        let store = Self::none();
        let mut writer = store.open();
        store.append_records(&mut writer);
        writer.shutdown().unwrap();
        store
    }

    pub(crate) fn append_records(&self, writer: &mut Writer) {
        for batch in batches() {
            self.clock.advance(HOUR);
            append(writer, &batch);
        }
    }

    /// The paths of the segments, in order.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        self.files("wal", ".wal")
    }

    pub(crate) fn files(&self, dir: &str, suffix: &str) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(self.root().join(dir))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with(suffix))
            .collect();
        paths.sort();
        paths
    }

    /// Changes one byte of the payload of a record, found by its text.
    pub(crate) fn damage(&self, segment: usize, text: &str) {
        let path = &self.segments()[segment];
        let mut bytes = std::fs::read(path).unwrap();
        let at = bytes
            .windows(text.len())
            .position(|window| window == text.as_bytes())
            .unwrap();
        bytes[at] ^= 0x20;
        std::fs::write(path, bytes).unwrap();
    }

    /// Puts the beginning of a record behind the last one: what a crash in mid-write leaves.
    pub(crate) fn tear(&self) {
        let path = self.segments().pop().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let end = end.next_multiple_of(8);
        bytes[end..end + 40].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
    }

    /// Names and contents of every file, to see that nothing was changed.
    pub(crate) fn contents(&self) -> Vec<(PathBuf, Vec<u8>)> {
        fn walk(dir: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.push((path, bytes));
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.root(), &mut found);
        found.sort();
        found
    }

    /// Runs `tocsin wal` with these words and `--data`.
    pub(crate) fn wal(&self, words: &[&str]) -> Ran {
        let mut command = program();
        command
            .arg("wal")
            .args(words)
            .arg("--data")
            .arg(self.root());
        self.run(&mut command)
    }

    /// Runs a command; the data directory is `DATA` in what it prints.
    pub(crate) fn run(&self, command: &mut Command) -> Ran {
        let Output {
            status,
            stdout,
            stderr,
        } = command.current_dir(self.dir.path()).output().unwrap();
        let root = self.root().display().to_string();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap().replace(&root, "DATA");
        Ran {
            code: status.code(),
            out: text(stdout),
            err: text(stderr),
        }
    }
}

/// The real program.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
}

/// What a run printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn with(code: i32, out: &str, err: &str) -> Self {
        Self {
            code: Some(code),
            out: out.to_owned(),
            err: err.to_owned(),
        }
    }

    /// The values of a field of each line of JSON.
    pub(crate) fn field(&self, name: &str) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()[name].clone())
            .collect()
    }

    /// The LSN of each line.
    pub(crate) fn lsns(&self) -> Vec<u64> {
        let lsns = self.field("lsn");
        lsns.iter().map(|lsn| lsn.as_u64().unwrap()).collect()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) fn new_record(record: &Record) -> NewRecord {
    record.encoded().unwrap()
}

pub(crate) fn append(writer: &mut Writer, records: &[Record]) -> Lsn {
    let records: Vec<NewRecord> = records.iter().map(new_record).collect();
    let records: Vec<&NewRecord> = records.iter().collect();
    writer.append(Lane::Normal, &records).unwrap().last
}

pub(crate) fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) fn alerts(tenant: &str, labels: &[&[(&str, &str)]]) -> Record {
    let alert = |labels: &&[(&str, &str)]| AlertV1 {
        labels: pairs(labels),
        annotations: pairs(&[("summary", "it burns")]),
        starts_at_ns: NIGHT.0,
        ends_at_ns: NIGHT.0 + 300_000_000_000,
        is_timeout: true,
        generator_url: "http://prometheus/graph".to_owned(),
    };
    Record::AlertBatch(AlertBatchV1 {
        tenant: tenant.to_owned(),
        received_at_ns: NIGHT.0,
        alerts: labels.iter().map(alert).collect(),
    })
}

fn batches() -> Vec<Vec<Record>> {
    let key = NotificationKeyV1 {
        tenant: "acme".to_owned(),
        group_key: "{}:{job=\"node\"}".to_owned(),
        receiver: "team".to_owned(),
        integration: "webhook".to_owned(),
        index: 0,
    };
    vec![
        vec![alerts(
            "acme",
            &[
                &[
                    ("alertname", "DiskFull"),
                    ("job", "node"),
                    ("severity", "page"),
                ],
                &[
                    ("alertname", "Slow"),
                    ("job", "web"),
                    ("severity", "warning"),
                ],
            ],
        )],
        vec![Record::SilenceSet(SilenceSetV1 {
            tenant: "beta".to_owned(),
            received_at_ns: NIGHT.0,
            silence: b"silence".to_vec(),
        })],
        vec![alerts(
            "beta",
            &[&[
                ("alertname", "Gone"),
                ("job", "node"),
                ("severity", "warning"),
            ]],
        )],
        vec![
            Record::FlushIntent(FlushIntentV1 {
                flush_id: 0x17,
                key: key.clone(),
                attempt: 1,
                reason: "firing".to_owned(),
                firing: vec![1, 2],
                resolved: vec![],
                idempotency_key: [0xab; 32],
                decided_at_ns: NIGHT.0,
            }),
            Record::NotifyResult(NotifyResultV1 {
                flush_id: 0x17,
                key,
                outcome: "delivered".to_owned(),
                detail: String::new(),
                entry: b"entry".to_vec(),
                finished_at_ns: NIGHT.0,
            }),
        ],
    ]
}
