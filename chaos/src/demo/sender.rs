//! Prometheus, with rules that fire always and rules that come and go.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::PATIENCE;
use crate::harness::address::free_address;
use crate::harness::http::get;
use crate::harness::process::{Process, tail};
use crate::harness::wait::until;

/// Evaluates every second.
const CONFIG: &str = "\
global:
  evaluation_interval: 1s
rule_files: [\"RULES\"]
alerting:
  alertmanagers:
    - static_configs: [{targets: [\"ADDRESS\"]}]
";

/// How long a series that comes and goes fires, and is quiet. The server is up for more than
/// [`SETTLE`](super::ledger::SETTLE) of it, mostly.
const PHASE_SECONDS: u32 = 8;

/// Series that always fire.
const ALWAYS: [&str; 3] = ["a", "b", "c"];

/// Series that come and go, with the seconds by which their phases are apart.
const FLAPPING: [(&str, u32); 4] = [("a", 0), ("b", 3), ("c", 6), ("d", 11)];

/// The same, each a group of its own.
const BLINKING: [(&str, u32); 3] = [("a", 1), ("b", 5), ("c", 9)];

/// How often an alert that goes on firing is sent again. Prometheus takes four times as much for when it
/// is over if nothing more is heard, which is longer than the server is down.
const RESEND_DELAY: &str = "3s";

/// Prometheus, running.
#[derive(Debug)]
pub(super) struct Sender {
    process: Process,
    address: SocketAddr,
}

/// What Prometheus says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counted {
    /// Alerts it gave up.
    pub(super) dropped: u64,
    /// Alerts that wait.
    pub(super) queued: u64,
}

impl Sender {
    /// Starts it, and waits until it is ready.
    pub(super) async fn start(program: &Path, dir: &Path, to: SocketAddr) -> Result<Self> {
        let write = |name: &str, text: String| -> Result<PathBuf> {
            let path = dir.join(name);
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        write("rules.yml", rules())?;
        let config = CONFIG
            .replace("RULES", "rules.yml")
            .replace("ADDRESS", &to.to_string());
        let config = write("prometheus.yml", config)?;
        let address = free_address()?;
        let log = dir.join("prometheus.log");
        let mut command = Command::new(program);
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                dir.join("prometheus").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .arg(format!("--rules.alert.resend-delay={RESEND_DELAY}"))
            .arg("--log.level=warn");
        let mut sender = Self {
            process: Process::spawn(&mut command, &log)?,
            address,
        };
        let url = format!("http://{address}/-/ready");
        let is_ready = until("Prometheus to be ready", PATIENCE, async || {
            if sender.process.has_ended() {
                return Some(false);
            }
            let answer = get(&url).await;
            answer
                .is_ok_and(|(status, _)| status == 200)
                .then_some(true)
        });
        match is_ready.await.with_context(|| tail(&log))? {
            true => Ok(sender),
            false => bail!("Prometheus ended by itself:\n{}", tail(&log)),
        }
    }

    /// What it says of itself.
    pub(super) async fn counted(&self) -> Result<Counted> {
        let (_, page) = get(&format!("http://{}/metrics", self.address)).await?;
        Ok(Counted {
            dropped: sum(&page, "prometheus_notifications_dropped_total")?,
            queued: sum(&page, "prometheus_notifications_queue_length")?,
        })
    }

    /// Ends it.
    pub(super) fn end(&mut self) {
        self.process.kill();
    }
}

/// A metric over all its series: newer versions count by Alertmanager.
fn sum(page: &str, name: &str) -> Result<u64> {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_it = rest.starts_with(' ') || rest.starts_with('{');
        is_it.then(|| rest.rsplit(' ').next().unwrap_or_default())
    });
    let mut total = None;
    for value in values {
        let value: f64 = value.parse().with_context(|| format!("{name} {value}"))?;
        total = Some(total.unwrap_or(0.0) + value);
    }
    let total = total.with_context(|| format!("Prometheus has no metric {name}"))?;
    #[expect(
        clippy::cast_sign_loss,
        reason = "counts, which fit and are not negative"
    )]
    Ok(total as u64)
}

fn rules() -> String {
    let series = |name: &str, value: String| {
        format!("label_replace({value}, \"series\", \"{name}\", \"\", \"\")")
    };
    let comes_and_goes = |(name, offset): &(&str, u32)| {
        let now = format!("(time() + {offset}) % {}", 2 * PHASE_SECONDS);
        series(name, format!("(vector({now}) < {PHASE_SECONDS})"))
    };
    let always = ALWAYS.map(|name| series(name, "vector(1)".to_owned()));
    let rule = |name: &str, series: Vec<String>| {
        let expression = series.join(" or ");
        format!("      - alert: {name}\n        expr: '{expression}'\n")
    };
    let rules = [
        rule("AlwaysFiring", always.to_vec()),
        rule("Flapping", FLAPPING.iter().map(comes_and_goes).collect()),
        rule("Blinking", BLINKING.iter().map(comes_and_goes).collect()),
    ];
    format!("groups:\n  - name: demo\n    rules:\n{}", rules.concat())
}
