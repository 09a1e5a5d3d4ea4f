//! The reference workload: one life of a server from its start to an orderly stop, and what comes after.
//!
//! ```text
//!  start · alerts fire · silence · notification · long alerts (a segment is full) · reload (a checkpoint) ·
//!  one is over · notification · stop │ start, if it ended before its time · what was not acknowledged, again ·
//!  heal · last look
//! ```
//!
//! In the *first* life the data directory is new; before the *second*, a server without any fault was
//! killed on it, so that its start is a recovery. Segments are small, so that some alerts fill one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tocsin::sys::Clock;
use tokio::time::{Instant, sleep};

use super::calls::{Boundary, Kind};
use super::supervisor::{Supervised, Target};
use crate::harness::process::Process;
use crate::history::{
    Event, FORMAT, How, Integration, Labels, Outcome, Policy, Posted, Route, Status, Wall,
};
use crate::kill::nemesis::{Nemesis, send};
use crate::kill::plan::{configuration, labels};
use crate::kill::recorder::Recorder;
use crate::kill::sender::{Signals, Surroundings, text};
use crate::kill::server::{Server, Started};
use crate::kill::sink::Sink;
use crate::kill::stalls::Stalls;

/// Large enough for every batch of the workload, and small enough to be filled by it.
const SEGMENT_BYTES: u32 = 64 * 1024;

/// Alerts that fill a segment, and what each says. A batch may take half of a segment.
const LONG_ALERTS: u32 = 3;
const LONG_BYTES: usize = 24 * 1024;

/// Starts that end by themselves, one after the other, before the life is given up.
const STARTS_IN_VAIN_MAX: u32 = 3;

/// How often it is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// How long any step may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a notification is waited for before the workload goes on.
const TOLD_PATIENCE: Duration = Duration::from_millis(900);

/// Which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    First,
    Second,
}

impl Which {
    fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Fault {
    #[serde(rename = "EIO")]
    Eio,
    #[serde(rename = "ENOSPC")]
    Enospc,
}

impl Fault {
    fn word(self) -> &'static str {
        match self {
            Self::Eio => "EIO",
            Self::Enospc => "ENOSPC",
        }
    }
}

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// The process is killed before the call is carried out.
    Before,
    /// The process is killed when it is carried out, and the process does not know yet.
    After,
    /// The call is not carried out, and fails.
    Fail(Fault),
}

/// A call that something is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Aim {
    pub(super) which: Which,
    #[serde(flatten)]
    pub(super) boundary: Boundary,
    pub(super) deed: Deed,
}

impl std::fmt::Display for Aim {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (which, boundary) = (self.which.word(), &self.boundary);
        match self.deed {
            Deed::Before => write!(out, "{which} life: killed before {boundary}"),
            Deed::After => write!(out, "{which} life: killed after {boundary}"),
            Deed::Fail(fault) => {
                write!(out, "{which} life: {boundary} fails with {}", fault.word())
            }
        }
    }
}

/// What a life came to.
#[derive(Debug)]
pub(super) struct Lived {
    pub(super) history: PathBuf,
    /// Whether the call was made, and something done to it.
    pub(super) is_hit: bool,
    /// The calls of the life up to its stop, by their kind.
    pub(super) calls: BTreeMap<Kind, u32>,
}

/// Short intervals and a short bound: nothing is under load here.
fn policy() -> Policy {
    Policy {
        group_by: vec!["alertname".to_owned()],
        group_wait_ms: 60,
        group_interval_ms: 150,
        repeat_interval_ms: 3_600_000,
        bound_ms: 2_000,
        tolerance_ms: 1_000,
        routes: vec![Route {
            when: Labels::new(),
            integrations: vec![Integration {
                name: "hook".to_owned(),
                send_resolved: true,
            }],
        }],
    }
}

/// A process, in the hands of a tracer or not.
#[derive(Debug)]
enum Running {
    Free(Process),
    Supervised(Supervised),
}

impl Running {
    fn id(&self) -> u32 {
        match self {
            Self::Free(process) => process.id(),
            Self::Supervised(supervised) => supervised.id(),
        }
    }

    fn ended(&mut self) -> Result<Option<Option<i32>>> {
        match self {
            Self::Free(process) => Ok(process.ended()),
            Self::Supervised(supervised) => supervised.ended(),
        }
    }
}

/// The server, and what is done to it.
struct Traced<'a> {
    server: &'a Server,
    recorder: &'a Arc<Recorder>,
    aim: Option<&'a Aim>,
    process: Option<Running>,
    is_hit: bool,
    calls: BTreeMap<Kind, u32>,
}

/// Lives it.
pub(super) async fn live(
    program: &Path,
    dir: &Path,
    which: Which,
    aim: Option<&Aim>,
    clock: Arc<dyn Clock>,
) -> Result<Lived> {
    let history = dir.join("history.jsonl");
    let recorder = Arc::new(Recorder::create(&history, Arc::clone(&clock))?);
    let policy = policy();
    recorder.note(Event::Run {
        format: FORMAT,
        target: program.display().to_string(),
        seed: 0,
        policy: policy.clone(),
    });
    let stalls = Stalls::watch(dir, Arc::clone(&recorder), clock)?;
    let nemesis = Arc::new(Nemesis::new(Arc::clone(&recorder)));
    let (_, address) = Sink::start(Arc::clone(&recorder), Arc::clone(&nemesis), &policy).await?;
    let config = configuration(&policy, &address.to_string());
    let server = Server::new(program, dir, &config, Arc::clone(&recorder))?;
    let around = Surroundings {
        url: format!("http://{}", server.address),
        recorder: Arc::clone(&recorder),
        nemesis,
        signals: Arc::new(Signals::default()),
    };
    let mut traced = Traced {
        server: &server,
        recorder: &recorder,
        aim,
        process: None,
        is_hit: false,
        calls: BTreeMap::new(),
    };
    if which == Which::Second {
        traced.start(false).await?;
        say(&mut traced, &around, &[("early", Status::Firing)], "").await?;
        traced.kill("before the workload");
    }
    traced.start(true).await?;
    workload(&mut traced, &around).await?;
    traced.stop().await?;
    if traced.process.is_none() {
        traced.start(false).await?;
    }
    recorder.note(Event::Heal);
    sleep(Duration::from_millis(policy.bound_ms + 100)).await;
    for text in server.panics() {
        if !aim.is_some_and(|aim| is_contained(aim, &text)) {
            recorder.note(Event::Panic { text });
        }
    }
    drop(stalls);
    recorder.note(Event::End);
    recorder.finish()?;
    Ok(Lived {
        history,
        is_hit: traced.is_hit,
        calls: std::mem::take(&mut traced.calls),
    })
}

async fn workload(traced: &mut Traced<'_>, around: &Surroundings) -> Result<()> {
    use Status::{Firing, Resolved};
    say(traced, around, &[("a", Firing), ("b", Firing)], "").await?;
    silence(traced, around).await?;
    traced.pause(TOLD_PATIENCE / 3).await?;
    for number in 0..LONG_ALERTS {
        let text = format!("{number}{}", ".".repeat(LONG_BYTES));
        say(traced, around, &[("b", Firing)], &text).await?;
    }
    let request = around.recorder.number();
    let made = Request::post(format!("{}/-/reload", around.url)).body(Full::<Bytes>::default())?;
    let asked = around.ask(request, Event::ReloadBegin { request }, made);
    traced.watch(asked).await?;
    traced.pause(TOLD_PATIENCE / 9).await?;
    say(traced, around, &[("a", Resolved)], "").await?;
    traced.pause(TOLD_PATIENCE / 3).await
}

/// Posts until it is acknowledged, and keeps a server running meanwhile.
async fn say(
    traced: &mut Traced<'_>,
    around: &Surroundings,
    alerts: &[(&str, Status)],
    text_of_all: &str,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        traced.keep_up().await?;
        let now = around.recorder.wall();
        let hour = 3_600_000_000_000;
        let posted = alerts.iter().map(|(name, status)| Posted {
            labels: labels(&[("alertname", name)]),
            status: *status,
            ends_at: match status {
                Status::Firing => Wall(now.0 + hour),
                Status::Resolved => now,
            },
            is_valid: true,
        });
        let posted: Vec<Posted> = posted.collect();
        let wire: Result<Vec<_>> = posted
            .iter()
            .map(|it| {
                let annotations = json!({"text": text_of_all});
                let ends_at = text(it.ends_at)?;
                Ok(json!({"labels": it.labels, "annotations": annotations, "endsAt": ends_at}))
            })
            .collect();
        let made = Request::post(format!("{}/api/v2/alerts", around.url))
            .header("Content-Type", "application/json")
            .body(Full::from(serde_json::to_vec(&wire?)?))?;
        let request = around.recorder.number();
        let begin = Event::PostBegin {
            request,
            sender: "once".to_owned(),
            alerts: posted,
            tenant: String::new(),
        };
        let asked = around.ask(request, begin, made);
        if traced.watch(asked).await?.0 == Outcome::Status(200) {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("an alert is not acknowledged\n{}", traced.server.log_tail());
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Asks once for a silence of an alert that never fires: that it is known after all is checked.
async fn silence(traced: &mut Traced<'_>, around: &Surroundings) -> Result<()> {
    traced.keep_up().await?;
    let starts_at = around.recorder.wall();
    let ends_at = Wall(starts_at.0 + 3_600_000_000_000);
    let matchers = labels(&[("alertname", "silenced")]);
    let body = json!({
        "matchers": [{"name": "alertname", "value": "silenced", "isRegex": false}],
        "startsAt": text(starts_at)?,
        "endsAt": text(ends_at)?,
        "createdBy": "tocsin-chaos",
        "comment": "silence",
    });
    let request = around.recorder.number();
    let made = Request::post(format!("{}/api/v2/silences", around.url))
        .header("Content-Type", "application/json")
        .body(Full::from(body.to_string()))?;
    let begin = Event::SilenceBegin {
        request,
        silence: "silence".to_owned(),
        matchers,
        starts_at,
        ends_at,
    };
    let asked = around.ask(request, begin, made);
    let (outcome, _) = traced.watch(asked).await?;
    if outcome == Outcome::Status(200) {
        // It must be silent from now on, also after a kill.
        say(traced, around, &[("silenced", Status::Firing)], "").await?;
    }
    Ok(())
}

impl Traced<'_> {
    /// Starts the server until it is ready; the first time in the hands of a tracer, if it is to be.
    async fn start(&mut self, is_traced: bool) -> Result<()> {
        for number in 0..STARTS_IN_VAIN_MAX {
            let mut words = self.server.words();
            words.push(format!("--wal.segment-bytes={SEGMENT_BYTES}"));
            let process = match is_traced && number == 0 {
                true => Running::Supervised(self.supervise(words)?),
                false => Running::Free(self.server.spawn_as(&words)?),
            };
            self.process = Some(process);
            if self.ready().await? == Started::Ready {
                return Ok(());
            }
        }
        bail!(
            "the server ended by itself {STARTS_IN_VAIN_MAX} times, one after the other\n{}",
            self.server.log_tail()
        )
    }

    /// Without an aim its calls are only counted.
    fn supervise(&self, words: Vec<String>) -> Result<Supervised> {
        let target = self.aim.map(|aim| {
            let (recorder, aim) = (Arc::clone(self.recorder), aim.clone());
            Target {
                boundary: aim.boundary.clone(),
                deed: aim.deed,
                on_hit: Box::new(move || recorder.note(deed_of(&aim))),
            }
        });
        let server = self.server;
        let recorder = Arc::clone(self.recorder);
        let on_start = Box::new(move |pid| recorder.note(Event::Boot { pid }));
        Supervised::start(words, server.log(), server.data(), on_start, target)
    }

    async fn ready(&mut self) -> Result<Started> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.has_ended(false)? {
                return Ok(Started::Ended);
            }
            if self.server.get("/-/ready").await.is_ok() {
                self.recorder.note(Event::Ready);
                return Ok(Started::Ready);
            }
            if Instant::now() > deadline {
                bail!("the server does not get ready\n{}", self.server.log_tail());
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether no process runs. That one has ended is noted, unless who did it has noted that. One that was told
    /// to stop may end with code 0; whatever else ends it is noted as such.
    fn has_ended(&mut self, is_told_to: bool) -> Result<bool> {
        let Some(process) = &mut self.process else {
            return Ok(true);
        };
        let Some(code) = process.ended()? else {
            return Ok(false);
        };
        let mut deed = None;
        if let Running::Supervised(supervised) = process {
            self.calls = supervised.calls();
            self.is_hit = supervised.is_hit();
            deed = self.aim.map(|it| it.deed).filter(|_| self.is_hit);
        }
        let is_fault = matches!(deed, Some(Deed::Fail(_)));
        let is_orderly = is_told_to && code == Some(0);
        if deed.is_none() || is_fault || is_orderly {
            self.recorder.note(Event::Exit {
                code,
                is_expected: is_fault || is_orderly,
            });
        }
        self.process = None;
        Ok(true)
    }

    /// Waits for an answer, with an eye on the process.
    async fn watch<T>(&mut self, asked: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(asked);
        loop {
            tokio::select! {
                answer = &mut asked => return Ok(answer),
                () = sleep(LOOK_EVERY) => {
                    self.has_ended(false)?;
                }
            }
        }
    }

    /// A server that ended is started again, without a tracer.
    async fn keep_up(&mut self) -> Result<()> {
        if self.has_ended(false)? {
            self.start(false).await?;
        }
        Ok(())
    }

    async fn pause(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.keep_up().await?;
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// SIGKILL.
    fn kill(&mut self, point: &str) {
        self.recorder.note(Event::Kill {
            how: How::Kill,
            point: point.to_owned(),
        });
        // Nothing outlives its handle.
        self.process = None;
    }

    /// SIGTERM, and its end.
    async fn stop(&mut self) -> Result<()> {
        self.keep_up().await?;
        if let Some(process) = &self.process {
            send(process.id(), Signal::TERM)?;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.has_ended(true)? {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the server does not stop\n{}", self.server.log_tail());
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The index of history is kept by a library that panics when its disk fails. The server expects that and
/// goes on without it: no panic of its own.
fn is_contained(aim: &Aim, panic: &str) -> bool {
    matches!(aim.deed, Deed::Fail(_))
        && aim.boundary.kind.file.starts_with("index/")
        && panic.contains("/sled-")
}

/// What is noted when it is done.
fn deed_of(aim: &Aim) -> Event {
    match aim.deed {
        Deed::Before | Deed::After => Event::Kill {
            how: How::Kill,
            point: aim.to_string(),
        },
        Deed::Fail(fault) => Event::DiskFault {
            call: aim.boundary.to_string(),
            error: fault.word().to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_the_index_whose_disk_failed_is_contained_and_no_other_is() {
        let aim = |file: &str, deed: Deed| Aim {
            which: Which::First,
            boundary: Boundary {
                kind: Kind {
                    call: "fsync".to_owned(),
                    file: file.to_owned(),
                },
                ordinal: 3,
            },
            deed,
        };
        let of_sled =
            "thread 'history' (7) panicked at /r/sled-0.34.7/src/pagecache/logger.rs:467:41:";
        let of_ours = "thread 'history' (7) panicked at src/history/index/keeper.rs:1:1:";
        let fails = Deed::Fail(Fault::Eio);
        assert_eq!(
            [
                is_contained(&aim("index/db", fails), of_sled),
                is_contained(&aim("index/db", fails), of_ours),
                is_contained(&aim("index/db", Deed::After), of_sled),
                is_contained(&aim("wal/#-#.wal", fails), of_sled),
            ],
            [true, false, false, false]
        );
    }
}
