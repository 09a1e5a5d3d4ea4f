//! Who ends the server, and when.
//!
//! A kill at a random time mostly hits a server that waits. So many are set as a trap for a moment, and
//! whoever sees it come (a sender, the sink) springs it in the same breath.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use super::recorder::Recorder;
use crate::harness::process::Process;
use crate::history::{Event, How};

/// How often it is looked whether a trap has sprung.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// When the server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// Alerts are with the server, which has not answered.
    Asked,
    /// Alerts were just acknowledged.
    Answered,
    /// An alert that did not fire before was just acknowledged.
    Began,
    /// A silence, or its end, was just acknowledged.
    Silenced,
    /// A receiver has a notification, and the server has no answer.
    Told,
    /// A receiver has just answered.
    Confirmed,
    /// The process comes up, and is within one of the calls of its disk.
    Starting,
}

impl Moment {
    /// Those that are good for any kill.
    pub(crate) const ALL: [Self; 5] = [
        Self::Asked,
        Self::Answered,
        Self::Silenced,
        Self::Told,
        Self::Confirmed,
    ];
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Asked => "alerts asked",
            Self::Answered => "alerts acknowledged",
            Self::Began => "beginning acknowledged",
            Self::Silenced => "silence acknowledged",
            Self::Told => "receiver told",
            Self::Confirmed => "receiver confirmed",
            Self::Starting => "during a start",
        })
    }
}

/// Has the process in its hands.
#[derive(Debug)]
pub(crate) struct Nemesis {
    recorder: Arc<Recorder>,
    state: Mutex<State>,
    loses_power: AtomicBool,
    is_exit_expected: AtomicBool,
    /// Whether the last process ended by itself.
    has_exited: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    trap: Option<Moment>,
    /// Was killed, and may not be gone yet.
    dead: Option<Process>,
}

impl Nemesis {
    pub(crate) fn new(recorder: Arc<Recorder>) -> Self {
        Self {
            recorder,
            state: Mutex::default(),
            loses_power: AtomicBool::new(false),
            is_exit_expected: AtomicBool::new(false),
            has_exited: AtomicBool::new(false),
        }
    }

    /// From now on every kill is a loss of power.
    pub(crate) fn lose_power(&self) {
        self.loses_power.store(true, Ordering::SeqCst);
    }

    /// Whether a fault was injected after which the process may end by itself.
    pub(crate) fn expect_exit(&self, is_expected: bool) {
        self.is_exit_expected.store(is_expected, Ordering::SeqCst);
    }

    /// Whether the process that is gone ended by itself.
    pub(crate) fn has_exited(&self) -> bool {
        self.has_exited.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a process that was started.
    pub(crate) fn put(&self, process: Process) {
        self.state().process = Some(process);
    }

    /// How the process ended by itself, if it did.
    pub(crate) fn ended(&self) -> Option<Option<i32>> {
        self.state().process.as_mut().and_then(Process::ended)
    }

    /// Ends the process, which is no part of the history any more.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.process = None;
        state.dead = None;
    }

    /// Waits until the process that was killed is gone. Where the machine is busy that takes some tenths of
    /// a second; whoever sprang the trap goes on meanwhile, so that what arrives is noted when it does.
    pub(crate) async fn bury(&self) -> Result<()> {
        let dead = self.state().dead.take();
        let wait = tokio::task::spawn_blocking(move || drop(dead));
        wait.await.context("cannot wait for the end of a process")
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.state().process.as_ref().map(Process::id)
    }

    /// SIGKILL, now.
    pub(crate) fn kill(&self, point: &str) {
        self.kill_as(&mut self.state(), point);
    }

    fn kill_as(&self, state: &mut State, point: &str) {
        state.trap = None;
        let Some(mut process) = state.process.take() else {
            return;
        };
        let ended = process.ended();
        self.has_exited.store(ended.is_some(), Ordering::SeqCst);
        match ended {
            // It was faster.
            Some(code) => self.recorder.note(Event::Exit {
                code,
                is_expected: self.is_exit_expected.load(Ordering::SeqCst),
            }),
            None => {
                self.recorder.note(Event::Kill {
                    how: match self.loses_power.load(Ordering::SeqCst) {
                        true => How::PowerLoss,
                        false => How::Kill,
                    },
                    point: point.to_owned(),
                });
                process.begin_kill();
                state.dead = Some(process);
            }
        }
    }

    /// That moment has come: kills, if it is the one that was waited for. Whether it was.
    pub(crate) fn sees(&self, moment: Moment) -> bool {
        let mut state = self.state();
        let is_it = state.trap == Some(moment);
        if is_it {
            self.kill_as(&mut state, &moment.to_string());
        }
        is_it
    }

    /// Sets the trap and waits until it has sprung; kills without it if the moment does not come.
    pub(crate) async fn kill_at(&self, moment: Moment, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.state().trap = Some(moment);
        while self.state().process.is_some() {
            if Instant::now() >= deadline {
                self.kill("the moment did not come");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Holds the process (SIGSTOP) for that long.
    pub(crate) async fn hold(&self, time: Duration) -> Result<()> {
        self.recorder.note(Event::Held { is_held: true });
        self.signal(Signal::STOP)?;
        sleep(time).await;
        self.signal(Signal::CONT)?;
        self.recorder.note(Event::Held { is_held: false });
        Ok(())
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = self.pid();
        pid.map_or(Ok(()), |pid| send(pid, signal))
    }
}

/// Sends a signal to a process of ours. One that has ended and was not waited for still takes signals.
pub(crate) fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.context("a process without an id")?;
    kill_process(pid, signal).context("cannot send a signal to the server")
}
