//! The server under test: any program that takes Alertmanager's flags. Every life of it is noted.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use super::recorder::Recorder;
use crate::harness::address::free_address;
use crate::harness::http;
use crate::harness::process::{Process, tail};
use crate::history::Event;

/// How long a start may take before the run is given up. Longer than what the checker calls too long.
const START_PATIENCE: Duration = Duration::from_secs(40);

/// How often it is asked whether it is ready.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// How it is started.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    config: PathBuf,
    data: PathBuf,
    log: PathBuf,
    pub(crate) address: SocketAddr,
    recorder: Arc<Recorder>,
}

/// How a wait for readiness ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// It is ready.
    Ready,
    /// It ended by itself.
    Ended,
}

impl Server {
    pub(crate) fn new(
        program: &Path,
        dir: &Path,
        config: &str,
        recorder: Arc<Recorder>,
    ) -> Result<Self> {
        let path = dir.join("alertmanager.yml");
        write(&path, config)?;
        Ok(Self {
            program: program.to_owned(),
            config: path,
            data: dir.join("data"),
            log: dir.join("server.log"),
            address: free_address()?,
            recorder,
        })
    }

    /// Its command line, always with the same address and data.
    pub(crate) fn words(&self) -> Vec<String> {
        vec![
            self.program.display().to_string(),
            format!("--config.file={}", self.config.display()),
            format!("--storage.path={}", self.data.display()),
            format!("--web.listen-address={}", self.address),
            "--cluster.listen-address=".to_owned(),
        ]
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Where it prints.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Starts it.
    pub(crate) fn spawn(&self) -> Result<Process> {
        self.spawn_as(&self.words())
    }

    /// Starts it with something before its command line.
    pub(crate) fn spawn_as(&self, words: &[String]) -> Result<Process> {
        let [program, words @ ..] = words else {
            bail!("nothing to start");
        };
        let process = Process::spawn(Command::new(program).args(words), &self.log)?;
        self.recorder.note(Event::Boot { pid: process.id() });
        Ok(process)
    }

    /// Waits until it is ready. `ended` tells how it ended, if it did.
    pub(crate) async fn ready(
        &self,
        mut ended: impl FnMut() -> Option<Option<i32>>,
        is_expected: bool,
    ) -> Result<Started> {
        let began = Instant::now();
        let url = format!("http://{}/-/ready", self.address);
        loop {
            if http::get(&url).await.is_ok_and(|(status, _)| status == 200) {
                self.recorder.note(Event::Ready);
                return Ok(Started::Ready);
            }
            if let Some(code) = ended() {
                self.recorder.note(Event::Exit { code, is_expected });
                return Ok(Started::Ended);
            }
            if began.elapsed() > START_PATIENCE {
                bail!(
                    "{} did not answer 200 to GET /-/ready within {} s of its start\n{}",
                    self.program.display(),
                    START_PATIENCE.as_secs(),
                    self.log_tail()
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// What the process takes up; nothing if it is gone.
    pub(crate) fn resources(&self, pid: u32, took: Duration) -> Option<Event> {
        let status = read(Path::new(&format!("/proc/{pid}/status"))).ok()?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = resident.split_whitespace().next()?.parse().ok()?;
        Some(Event::Resources {
            disk_bytes: size(&self.data),
            open_files: count(Path::new(&format!("/proc/{pid}/fd")))?,
            memory_bytes: kib * 1024,
            start_ms: took.as_millis() as u64,
        })
    }

    /// The panics in its log, of Rust's and Go's kind.
    pub(crate) fn panics(&self) -> Vec<String> {
        let text = read(&self.log).unwrap_or_default();
        let is_panic = |line: &&str| line.contains(" panicked at ") || line.starts_with("panic: ");
        text.lines().filter(is_panic).map(str::to_owned).collect()
    }

    pub(crate) fn log_tail(&self) -> String {
        format!("{} ends with:\n{}", self.log.display(), tail(&self.log))
    }

    /// Gets a page of it.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        let url = format!("http://{}{path}", self.address);
        let (status, text) = http::get(&url).await?;
        if status != 200 {
            bail!("GET {path}: {status}: {text}");
        }
        Ok(text)
    }
}

/// Writes a small file of the harness.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads one.
pub(crate) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn count(dir: &Path) -> Option<u64> {
    Some(std::fs::read_dir(dir).ok()?.count() as u64)
}

/// The bytes of all files below a directory. Files that go away meanwhile are none.
fn size(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(of) if of.is_dir() => size(&entry.path()),
        Ok(of) => of.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
