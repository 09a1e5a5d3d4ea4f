//! Who kills the server, and when.
//!
//! A kill at a random time nearly always hits a server that waits. So the moments are chosen: the trap is
//! set for one of them, and whoever sees it come (recorder or sink) kills in the same breath.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;

use super::RunClock;
use crate::harness::process::Process;
use crate::harness::wait::until;

/// When the server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// A change was answered with 200, and nobody was told of it yet.
    Answered,
    /// A request is with the server and not answered.
    Asked,
    /// The receiver was told, and the server does not know it.
    Told,
}

impl Moment {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Asked, Self::Told];
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Answered => "right after it answered 200 to a change",
            Self::Asked => "with a request under way",
            Self::Told => "before it could note that the receiver was told",
        })
    }
}

/// A time without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it was killed, since the run began.
    pub killed_at: Duration,
    /// When it was ready again; the end of time as long as it is not.
    pub ready_at: Duration,
}

impl Outage {
    /// How long it lasted.
    #[must_use]
    pub fn down(&self) -> Duration {
        self.ready_at.saturating_sub(self.killed_at)
    }
}

/// Has the server in its hands.
#[derive(Debug)]
pub(super) struct Nemesis {
    clock: RunClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    trap: Option<Moment>,
    outages: Vec<Outage>,
}

impl Nemesis {
    pub(super) fn new(clock: RunClock) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a process that was started.
    pub(super) fn put(&self, process: Process) {
        self.state().process = Some(process);
    }

    /// Whether there is a process that has not ended.
    pub(super) fn is_running(&self) -> bool {
        let mut state = self.state();
        state.process.as_mut().is_some_and(|it| !it.has_ended())
    }

    /// That moment has come: kills, if it is the one that was waited for.
    pub(super) fn sees(&self, moment: Moment) {
        let mut state = self.state();
        if state.trap != Some(moment) {
            return;
        }
        state.trap = None;
        let killed_at = self.clock.elapsed();
        if let Some(mut process) = state.process.take() {
            process.kill();
        }
        state.outages.push(Outage {
            killed_at,
            ready_at: Duration::MAX,
        });
    }

    /// Sets the trap, and waits until it has sprung.
    pub(super) async fn kill_at(&self, moment: Moment, patience: Duration) -> Result<()> {
        self.state().trap = Some(moment);
        until("the moment to kill", patience, async || {
            self.state().trap.is_none().then_some(())
        })
        .await
    }

    /// The server is ready again.
    pub(super) fn ended(&self) -> Outage {
        let ready_at = self.clock.elapsed();
        let mut state = self.state();
        match state.outages.last_mut() {
            Some(outage) => {
                outage.ready_at = ready_at;
                *outage
            }
            None => Outage {
                killed_at: ready_at,
                ready_at,
            },
        }
    }

    pub(super) fn outages(&self) -> Vec<Outage> {
        self.state().outages.clone()
    }

    /// Ends the server.
    pub(super) fn end(&self) {
        self.state().process = None;
    }
}
