//! The real server in a temporary directory: started, asked, killed, started again.

mod client;
mod log;
mod server;
mod sink;
mod strace;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use client::{Request, request};
pub(crate) use server::{Server, firing};
pub(crate) use sink::{Reply, Sink, told};
pub(crate) use strace::Strace;

/// How long anything is waited for: far longer than it takes, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tocsin");

/// Looks again and again until there is something to see.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(
            Instant::now() < deadline,
            "after {PATIENCE:?} there is still not: {what}"
        );
        std::thread::sleep(LOOK_EVERY);
    }
}

/// A configuration file, a data directory, and room for other files.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// No data yet.
    pub(crate) fn new(config: &str) -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        place.configure(config);
        place
    }

    /// Another configuration, for the next start or reload.
    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.path("alertmanager.yml"), config).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// The server, without what it runs in.
    pub(crate) fn command(&self, flags: &[&str]) -> Vec<String> {
        let mut words = vec![
            PROGRAM.to_owned(),
            format!("--config.file={}", self.path("alertmanager.yml").display()),
            format!("--storage.path={}", self.data().display()),
            "--web.listen-address=127.0.0.1:0".to_owned(),
        ];
        words.extend(flags.iter().map(|flag| (*flag).to_owned()));
        words
    }

    /// A server that is ready.
    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, flags: &[&str]) -> Server {
        let mut server = self.spawn(flags);
        server.wait_until_ready();
        server
    }

    /// A server that has only just been started.
    pub(crate) fn spawn(&self, flags: &[&str]) -> Server {
        self.spawn_in(&[], flags)
    }

    /// One with more in its environment.
    pub(crate) fn spawn_in(&self, environment: &[(&str, &str)], flags: &[&str]) -> Server {
        Server::spawn(&self.command(flags), environment)
    }

    /// `tocsin wal …`: its exit code and what it printed.
    pub(crate) fn wal(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(PROGRAM)
            .arg("wal")
            .args(words)
            .arg(self.data())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), out)
    }

    /// `amtool …` asking this server: everything that it printed.
    pub(crate) fn amtool(&self, server: &Server, words: &[&str]) -> String {
        let output = Command::new(PROGRAM)
            .arg0("amtool")
            .args(words)
            .arg(format!("--alertmanager.url=http://{}", server.address()))
            .current_dir(self.data())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        String::from_utf8(printed).unwrap()
    }

    /// What `tocsin wal check` finds: exit code, class, and whether the log ended in order.
    pub(crate) fn check(&self) -> (Option<i32>, Value, Value) {
        let (code, out) = self.wal(&["check", "--format", "json"]);
        let found: Value = serde_json::from_str(&out).unwrap();
        (
            code,
            found["class"].clone(),
            found["ended_in_order"].clone(),
        )
    }

    /// When the first notification was decided, as the log has it: whether the first alert had waited for
    /// `group_wait` then, and whether that is before a wait that began at `restart` would have been over.
    pub(crate) fn phase(&self, group_wait: Duration, restart: Timestamp) -> (bool, bool) {
        let time = |record_type: &str, field: &str| -> Timestamp {
            let records = self.records(record_type);
            records[0][field].as_str().unwrap().parse().unwrap()
        };
        let decided = time("flush_intent", "decided_at");
        let has_waited = decided >= time("alert_batch", "received_at") + group_wait;
        (has_waited, decided < restart + group_wait)
    }

    /// The records of that type in the log.
    pub(crate) fn records(&self, record_type: &str) -> Vec<Value> {
        let (_, out) = self.wal(&["dump", "--type", record_type]);
        let lines = out.lines();
        lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].take())
            .collect()
    }
}

/// One route for all alerts, and one webhook.
pub(crate) fn one_webhook(url: &str, group_wait: &str, group_interval: &str) -> String {
    format!(
        "route:\n  receiver: r\n  group_wait: {group_wait}\n  group_interval: {group_interval}\n  \
         repeat_interval: 1h\nreceivers:\n- name: r\n  webhook_configs:\n  - url: {url}\n"
    )
}
