//! The server under test: any program that takes Alertmanager's flags.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::nemesis::Nemesis;
use super::process::{Process, tail};
use super::wait::until;
use super::{PATIENCE, http};

/// Ports below those from which the system takes some for outgoing connections: a port that is free
/// between two lives of a server must not be given to anybody else.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// Short intervals, so that something happens; one group of several alerts, and one for each series.
/// Nothing is repeated in the time that a run takes.
const CONFIG: &str = "\
route:
  receiver: sink
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - matchers: [alertname=\"Blinking\"]
      receiver: sink
      group_by: [alertname, series]
receivers:
  - name: sink
    webhook_configs:
      - url: \"http://ADDRESS/\"
        send_resolved: true
";

/// How it is started.
#[derive(Debug)]
pub(super) struct Target {
    program: PathBuf,
    config: PathBuf,
    data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) address: SocketAddr,
}

impl Target {
    pub(super) fn new(program: &Path, dir: &Path, sink: SocketAddr) -> Result<Self> {
        let config = dir.join("alertmanager.yml");
        std::fs::write(&config, CONFIG.replace("ADDRESS", &sink.to_string()))
            .with_context(|| format!("cannot write {}", config.display()))?;
        Ok(Self {
            program: program.to_owned(),
            config,
            data: dir.join("data"),
            log: dir.join("server.log"),
            address: free_address()?,
        })
    }

    /// Starts it, always with the same address and data.
    pub(super) fn spawn(&self) -> Result<Process> {
        let mut command = Command::new(&self.program);
        command
            .arg(format!("--config.file={}", self.config.display()))
            .arg(format!("--storage.path={}", self.data.display()))
            .arg(format!("--web.listen-address={}", self.address))
            .arg("--cluster.listen-address=");
        Process::spawn(&mut command, &self.log)
    }

    /// Waits until it is ready.
    pub(super) async fn ready(&self, nemesis: &Nemesis) -> Result<()> {
        let url = format!("http://{}/-/ready", self.address);
        let is_ready = until("the server to be ready", PATIENCE, async || {
            if !nemesis.is_running() {
                return Some(false);
            }
            let answer = http::get(&url).await;
            answer
                .is_ok_and(|(status, _)| status == 200)
                .then_some(true)
        });
        match is_ready.await {
            Ok(true) => Ok(()),
            Ok(false) => bail!("the server ended by itself:\n{}", self.log_tail()),
            Err(error) => Err(error.context(self.log_tail())),
        }
    }

    pub(super) fn log_tail(&self) -> String {
        format!("{} ends with:\n{}", self.log.display(), tail(&self.log))
    }
}

/// An address on the loopback that nobody uses.
pub(super) fn free_address() -> Result<SocketAddr> {
    // Where the search begins differs from process to process, so that tests that run at the same time
    // seldom meet.
    let span = u32::from(PORTS.end - PORTS.start);
    let offset = (std::process::id().wrapping_mul(7) % span) as u16;
    let middle = PORTS.start + offset;
    for port in (middle..PORTS.end).chain(PORTS.start..middle) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port between {} and {} is free", PORTS.start, PORTS.end)
}
