//! What is true of a series, as far as its senders can know it.
//!
//! ```text
//!              fires, acknowledged                      over, acknowledged
//!   Never ───────────────────────► Firing ─────────────────────────────────► Over
//!     └─► Unsure ◄── something is under way, was not answered, or the end may have come ──┘
//! ```
//!
//! An alert ends by itself when it is not sent again. Downtime moves that end, by how much depends on when
//! the log says that the process was last alive, which is known within the time between two signs of life:
//! hence a first and a last moment at which the end may come.

use std::collections::BTreeSet;

use super::super::setting::Ms;

/// What is certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Never,
    Firing { since: Ms },
    Over { since: Ms },
    Unsure,
}

/// What a sender says of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Claim {
    Fires { starts: Ms, ends: Ms },
    Over { starts: Ms, ends: Ms },
}

impl Claim {
    pub(in super::super) fn starts(self) -> Ms {
        let (Self::Fires { starts, .. } | Self::Over { starts, .. }) = self;
        starts
    }
}

/// A series of alerts with the same labels.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) state: State,
    /// When the end may come at the earliest, and at the latest, if nothing is sent any more.
    pub(super) ends: (Ms, Ms),
    /// All beginnings that were ever sent.
    pub(super) starts: BTreeSet<Ms>,
    /// Whether it is over because nothing was sent any more.
    has_timed_out: bool,
    /// The last request that had it.
    latest: u64,
    /// When it was first sent, if it was.
    pub(super) first_sent: Option<Ms>,
}

impl Truth {
    pub(super) fn new() -> Self {
        Self {
            state: State::Never,
            ends: (Ms::MIN, Ms::MIN),
            starts: BTreeSet::new(),
            has_timed_out: false,
            latest: 0,
            first_sent: None,
        }
    }

    /// It is sent.
    pub(super) fn sent(&mut self, request: u64, claim: Claim, at: Ms) {
        self.pass(at);
        self.latest = request;
        self.first_sent.get_or_insert(at);
        self.starts.insert(claim.starts());
        match claim {
            Claim::Fires { ends, .. } => {
                self.ends.1 = self.ends.1.max(ends);
                if !matches!(self.state, State::Firing { .. }) {
                    self.state = State::Unsure;
                }
            }
            Claim::Over { .. } => {
                if !matches!(self.state, State::Over { .. }) {
                    self.state = State::Unsure;
                }
            }
        }
    }

    /// That was acknowledged.
    pub(super) fn acknowledged(&mut self, request: u64, claim: Claim, at: Ms) {
        self.pass(at);
        if self.latest != request {
            return;
        }
        match (claim, self.state) {
            (Claim::Fires { ends, .. }, state) => {
                self.ends = (ends, self.ends.1.max(ends));
                if !matches!(state, State::Firing { .. }) {
                    self.state = State::Firing { since: at };
                }
            }
            (Claim::Over { .. }, State::Over { .. }) => {}
            (Claim::Over { .. }, _) => {
                self.state = State::Over { since: at };
                self.ends = (at, at);
                self.has_timed_out = false;
            }
        }
        self.pass(at);
    }

    /// Time has passed while the server was up.
    pub(super) fn pass(&mut self, at: Ms) {
        if matches!(self.state, State::Firing { .. }) && self.ends.0 <= at {
            self.state = State::Unsure;
        }
        if self.state == State::Unsure && self.ends.1 <= at {
            self.state = State::Over { since: self.ends.1 };
            self.has_timed_out = true;
        }
    }

    /// The server was down. It was last alive between those two times, as its log shows it.
    pub(super) fn came_up(&mut self, alive: (Ms, Ms), ready: Ms, grace: Ms) {
        let moved = |end: Ms, alive: Ms| match end > alive {
            true => end.max(ready + (end - alive).min(grace)),
            false => end,
        };
        // It ended after the last moment that the log knows: for the server it did not.
        if let State::Over { since } = self.state
            && self.has_timed_out
            && since > alive.0
        {
            self.state = State::Unsure;
        }
        self.ends = (
            moved(self.ends.0, alive.1),
            moved(self.ends.1, alive.0).max(self.ends.1),
        );
    }
}
