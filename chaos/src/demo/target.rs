//! The server under test: any program that takes Alertmanager's flags.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::PATIENCE;
use super::nemesis::Nemesis;
use crate::harness::address::free_address;
use crate::harness::http;
use crate::harness::process::{Process, tail};
use crate::harness::wait::until;

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
