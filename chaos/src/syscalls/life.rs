//! The reference workload: one life of a server from its start to an orderly stop, and what comes after.
//!
//! ```text
//!  start · alerts fire · silence · notification · reload (a checkpoint) · one is over · notification ·
//!  stop │ start, if it ended before its time · what was not acknowledged, again · heal · last look
//! ```
//!
//! In the *first* life the data directory is new; before the *second*, a server without any fault was
//! killed on it, so that its start is a recovery. A segment is far larger than all this: it is never
//! full, but every recovery begins another one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use rustix::process::Signal;
use serde_json::json;
use tocsin::sys::Clock;
use tokio::time::{Instant, sleep};

use super::trace;
use crate::harness::process::Process;
use crate::history::{
    Event, FORMAT, How, Integration, Labels, Outcome, Policy, Posted, Route, Status, Wall,
};
use crate::kill::nemesis::{Nemesis, send};
use crate::kill::plan::{configuration, labels};
use crate::kill::recorder::Recorder;
use crate::kill::sender::{Signals, Surroundings, text};
use crate::kill::server::{Server, Started, read};
use crate::kill::sink::Sink;
use crate::kill::stalls::Stalls;

/// How long a call is made to wait at its end, so that there is time to kill the process there.
const DELAY_US: u64 = 3_000_000;

/// How often it is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(3);

/// How long any step may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a notification is waited for before the workload goes on.
const TOLD_PATIENCE: Duration = Duration::from_millis(900);

/// Which life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    First,
    Second,
}

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    /// The process is killed before the call is carried out.
    Before,
    /// The process is killed when it is carried out, and the process does not know yet.
    After,
    /// The call fails.
    Fail(&'static str),
}

/// A call that something is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aim {
    pub(super) which: Which,
    /// The thread, by its name, from readiness on; the whole process from its start on if none.
    pub(super) thread: Option<String>,
    pub(super) call: &'static str,
    /// Which of the calls of a thread.
    pub(super) ordinal: u32,
    pub(super) deed: Deed,
}

impl std::fmt::Display for Aim {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let which = match self.which {
            Which::First => "first",
            Which::Second => "second",
        };
        let thread = self.thread.as_deref().unwrap_or("the start");
        let (ordinal, call) = (self.ordinal, self.call);
        match self.deed {
            Deed::Before => write!(
                out,
                "{which} life, {thread}: killed before {call} {ordinal}"
            ),
            Deed::After => write!(out, "{which} life, {thread}: killed after {call} {ordinal}"),
            Deed::Fail(error) => {
                write!(
                    out,
                    "{which} life, {thread}: {call} {ordinal} fails with {error}"
                )
            }
        }
    }
}

impl Aim {
    fn injection(&self) -> String {
        let (call, ordinal) = (self.call, self.ordinal);
        match self.deed {
            Deed::Before => format!("inject={call}:signal=SIGKILL:when={ordinal}"),
            Deed::After => format!("inject={call}:delay_exit={DELAY_US}:when={ordinal}"),
            Deed::Fail(error) => format!("inject={call}:error={error}:when={ordinal}"),
        }
    }
}

/// What a life came to.
#[derive(Debug)]
pub(super) struct Lived {
    pub(super) history: PathBuf,
    /// Whether the call was made, and something done to it.
    pub(super) is_hit: bool,
    pub(super) trace: String,
    /// When the server was ready, in seconds since 1970.
    pub(super) ready_at: f64,
}

/// Short intervals and a short bound: nothing is under load here.
fn policy() -> Policy {
    Policy {
        group_by: vec!["alertname".to_owned()],
        group_wait_ms: 60,
        group_interval_ms: 150,
        repeat_interval_ms: 3_600_000,
        bound_ms: 1_500,
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

/// The server, in the hands of a tracer or not.
struct Traced<'a> {
    server: &'a Server,
    recorder: &'a Recorder,
    aim: Option<&'a Aim>,
    log: &'a Path,
    /// The tracer, if it started the server; otherwise the server.
    process: Option<Process>,
    /// A tracer that was attached.
    attached: Option<Process>,
    pid: u32,
    is_hit: bool,
    /// When it was ready first.
    ready_at: Wall,
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
    let log = dir.join("trace");
    let mut traced = Traced {
        server: &server,
        recorder: &recorder,
        aim: None,
        log: &log,
        process: None,
        attached: None,
        pid: 0,
        is_hit: false,
        ready_at: Wall(0),
    };
    if which == Which::Second {
        traced.start(false).await?;
        say(&mut traced, &around, &[("early", Status::Firing)]).await?;
        traced.kill("before the workload")?;
    }
    traced.aim = aim;
    traced.start(true).await?;
    workload(&mut traced, &around).await?;
    traced.stop().await?;
    let trace = read(&log).unwrap_or_default();
    traced.aim = None;
    if traced.process.is_none() {
        traced.start(false).await?;
    }
    recorder.note(Event::Heal);
    sleep(Duration::from_millis(policy.bound_ms + 100)).await;
    for text in server.panics() {
        recorder.note(Event::Panic { text });
    }
    drop(stalls);
    recorder.note(Event::End);
    recorder.finish()?;
    Ok(Lived {
        history,
        is_hit: traced.is_hit,
        trace,
        ready_at: traced.ready_at.0 as f64 / 1e9,
    })
}

async fn workload(traced: &mut Traced<'_>, around: &Surroundings) -> Result<()> {
    use Status::{Firing, Resolved};
    say(traced, around, &[("a", Firing), ("b", Firing)]).await?;
    silence(traced, around).await?;
    traced.pause(TOLD_PATIENCE / 3).await?;
    let request = around.recorder.number();
    let made = Request::post(format!("{}/-/reload", around.url)).body(Full::<Bytes>::default())?;
    let asked = around.ask(request, Event::ReloadBegin { request }, made);
    traced.watch(asked).await?;
    traced.pause(TOLD_PATIENCE / 9).await?;
    say(traced, around, &[("a", Resolved)]).await?;
    traced.pause(TOLD_PATIENCE / 3).await
}

/// Posts until it is acknowledged, and keeps a server running meanwhile.
async fn say(
    traced: &mut Traced<'_>,
    around: &Surroundings,
    alerts: &[(&str, Status)],
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
            .map(|it| Ok(json!({"labels": it.labels, "endsAt": text(it.ends_at)?})))
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
        say(traced, around, &[("silenced", Status::Firing)]).await?;
    }
    Ok(())
}

impl Traced<'_> {
    /// Starts the server; in the hands of a tracer, if something is to be done to it.
    async fn start(&mut self, is_traced: bool) -> Result<()> {
        let words = self.server.words();
        // Without an aim the trace is only kept.
        let from_start = is_traced && self.aim.is_none_or(|aim| aim.thread.is_none());
        if from_start {
            let mut strace = self.strace();
            strace.push("-f".to_owned());
            strace.extend(words);
            self.process = Some(self.server.spawn_as(&strace)?);
        } else {
            let process = self.server.spawn()?;
            self.pid = process.id();
            self.process = Some(process);
        }
        let ready = self.ready(from_start).await?;
        if ready == Started::Ended {
            return Box::pin(self.start(false)).await;
        }
        if is_traced {
            self.ready_at = self.recorder.wall();
            if let Some(thread) = self.aim.and_then(|aim| aim.thread.clone()) {
                self.attach(&thread).await?;
            }
        }
        Ok(())
    }

    /// `strace`, with what is to be done, up to what is to be traced.
    fn strace(&self) -> Vec<String> {
        let mut words = vec!["strace".to_owned()];
        let log = self.log.display().to_string();
        words.extend(["-qq", "-Y", "-y", "-ttt", "-o", &log].map(str::to_owned));
        let calls = match self.aim {
            Some(aim) => aim.call.to_owned(),
            None => trace::CALLS.join(","),
        };
        words.extend(["-e".to_owned(), format!("trace={calls}")]);
        let injection = self.aim.map(|aim| ["-e".to_owned(), aim.injection()]);
        words.extend(injection.into_iter().flatten());
        words
    }

    async fn ready(&mut self, is_child_of_tracer: bool) -> Result<Started> {
        let server = self.server;
        let url_is_ready = async {
            let deadline = Instant::now() + PATIENCE;
            loop {
                if is_child_of_tracer
                    && self.pid_of_traced().is_some()
                    && let Some(pid) = self.pid_of_traced()
                {
                    self.pid = pid;
                }
                if self.has_ended(true).await? {
                    return Ok(Started::Ended);
                }
                if server.get("/-/ready").await.is_ok() {
                    self.recorder.note(Event::Ready);
                    return Ok(Started::Ready);
                }
                if Instant::now() > deadline {
                    bail!("the server does not get ready\n{}", server.log_tail());
                }
                sleep(LOOK_EVERY).await;
            }
        };
        url_is_ready.await
    }

    /// The server below the tracer.
    fn pid_of_traced(&self) -> Option<u32> {
        let tracer = self.process.as_ref()?.id();
        let path = format!("/proc/{tracer}/task/{tracer}/children");
        let children = read(Path::new(&path)).ok()?;
        children.split_whitespace().next()?.parse().ok()
    }

    /// A tracer for one thread.
    async fn attach(&mut self, thread: &str) -> Result<()> {
        let pid = self.pid;
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
            .context("the server is gone before it could be traced")?;
        let found = tasks.flatten().find(|task| {
            let name = read(&task.path().join("comm")).unwrap_or_default();
            name.trim_end() == thread
        });
        // One that does its work and ends may not be there: then the aim is not met.
        let Some(task) = found else { return Ok(()) };
        let id = task.file_name().to_string_lossy().into_owned();
        let mut words = self.strace();
        words.extend(["-p".to_owned(), id.clone()]);
        let (program, rest) = words.split_first().context("no tracer")?;
        let mut command = std::process::Command::new(program);
        let tracer = Process::spawn(command.args(rest), &self.log.with_extension("err"))?;
        self.attached = Some(tracer);
        let deadline = Instant::now() + PATIENCE;
        let path = format!("/proc/{pid}/task/{id}/status");
        // It is traced when the system says so.
        while !read(Path::new(&path))?
            .lines()
            .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        {
            if Instant::now() > deadline {
                bail!("strace cannot trace the server; is it allowed to?");
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Whether the process has ended, or is to be killed now; that is noted.
    async fn has_ended(&mut self, is_traced: bool) -> Result<bool> {
        if !is_traced || self.process.is_none() {
            return Ok(self.process.is_none());
        }
        if let Some(aim) = self.aim
            && !self.is_hit
        {
            let log = read(self.log).unwrap_or_default();
            match aim.deed {
                Deed::After if trace::is_delayed(&log) => {
                    self.is_hit = true;
                    self.kill(&aim.to_string())?;
                    return Ok(true);
                }
                Deed::Fail(error) if trace::is_injected(&log) => {
                    self.is_hit = true;
                    self.recorder.note(Event::DiskFault {
                        call: aim.call.to_owned(),
                        error: error.to_owned(),
                    });
                }
                _ => {}
            }
        }
        let ended = self.process.as_mut().and_then(Process::ended);
        let Some(code) = ended else { return Ok(false) };
        self.process = None;
        self.attached = None;
        let is_killed = code.is_none_or(|code| code == 137);
        let is_aimed = self.aim.is_some_and(|aim| aim.deed == Deed::Before);
        if is_killed && is_aimed && !self.is_hit {
            self.is_hit = true;
            let point = self.aim.map(Aim::to_string).unwrap_or_default();
            self.recorder.note(Event::Kill {
                how: How::Kill,
                point,
            });
        } else {
            let is_expected = self.is_hit
                && self
                    .aim
                    .is_some_and(|aim| matches!(aim.deed, Deed::Fail(_)));
            self.recorder.note(Event::Exit { code, is_expected });
        }
        Ok(true)
    }

    /// Waits for an answer, with an eye on the process.
    async fn watch<T>(&mut self, asked: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(asked);
        loop {
            tokio::select! {
                answer = &mut asked => return Ok(answer),
                () = sleep(LOOK_EVERY) => {
                    self.has_ended(true).await?;
                }
            }
        }
    }

    /// A server that ended is started again, without a tracer.
    async fn keep_up(&mut self) -> Result<()> {
        if self.has_ended(true).await? {
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
    fn kill(&mut self, point: &str) -> Result<()> {
        self.recorder.note(Event::Kill {
            how: How::Kill,
            point: point.to_owned(),
        });
        send(self.pid, Signal::KILL)?;
        // The tracer first: as long as it holds a thread the process is not gone, and would be waited for.
        self.attached = None;
        self.process = None;
        Ok(())
    }

    /// SIGTERM, and its end.
    async fn stop(&mut self) -> Result<()> {
        self.keep_up().await?;
        send(self.pid, Signal::TERM)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            // An orderly end is code 0; whatever else ends it is noted as such.
            if let Some(Some(0)) = self.process.as_mut().and_then(Process::ended) {
                self.recorder.note(Event::Exit {
                    code: Some(0),
                    is_expected: true,
                });
                self.process = None;
                self.attached = None;
                return Ok(());
            }
            if self.has_ended(true).await? {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the server does not stop\n{}", self.server.log_tail());
            }
            sleep(LOOK_EVERY).await;
        }
    }
}
