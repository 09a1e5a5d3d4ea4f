//! The queue to the core's thread.
//!
//! The writer of the log fills it after every batch, thousands of times a second under load. Waking
//! another thread each time would cost more than the core's work itself, and nobody waits for the core
//! but who reads. So the thread that empties it naps after work, for [`NAP`]; only who needs it at once
//! shakes it awake.
//!
//! **Invariants**
//! * What is pushed is taken, in order, within [`NAP`] of the last work or at once if the thread was idle.
//! * It is bounded: who pushes waits for room ([`ARRIVALS_MAX`]).

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::journal::Arrival;

/// Requests that may wait for the core: a few milliseconds of its work, and less memory than the log's
/// own queue may hold.
const ARRIVALS_MAX: usize = 4096;

/// How many are worth waking the thread before its nap is over.
const ARRIVALS_TO_WAKE: usize = 512;

/// How long the thread sleeps after work even if more arrives: alerts are grouped for seconds, so that
/// nobody sees the difference.
const NAP: Duration = Duration::from_millis(1);

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    state: Mutex<State>,
    /// For the thread.
    arrived: Condvar,
    /// For those who push.
    has_room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Arrival>,
    /// Whether somebody needs what was pushed at once.
    is_urgent: bool,
    /// Whether the thread sleeps until something arrives.
    is_idle: bool,
    is_over: bool,
}

impl Arrivals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one; waits for room.
    pub(super) fn push(&self, arrival: Arrival) {
        let mut state = self.lock();
        while state.queue.len() >= ARRIVALS_MAX && !state.is_over {
            self.arrived.notify_one();
            let waited = self.has_room.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.queue.push_back(arrival);
        if state.is_idle || state.queue.len() >= ARRIVALS_TO_WAKE {
            state.is_idle = false;
            self.arrived.notify_one();
        }
    }

    /// Whether the thread has something to do at once.
    pub(super) fn is_awaited(&self) -> bool {
        let state = self.lock();
        state.is_urgent || !state.queue.is_empty()
    }

    /// Wakes the thread now.
    pub(super) fn shake(&self) {
        self.lock().is_urgent = true;
        self.arrived.notify_one();
    }

    /// Nothing is pushed any more, and the thread is to end when it has taken what is there.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.arrived.notify_one();
        self.has_room.notify_all();
    }

    /// Up to that many, after sleeping for `idle` at most if there are none; `None` when it is over.
    pub(super) fn take(&self, most: usize, idle: Duration) -> Option<Vec<Arrival>> {
        let mut state = self.lock();
        let is_awake = |state: &State| state.is_urgent || state.is_over;
        if state.queue.is_empty() && !is_awake(&state) {
            state.is_idle = true;
            let waited = self.arrived.wait_timeout(state, idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.is_idle = false;
        } else if state.queue.len() < ARRIVALS_TO_WAKE && !is_awake(&state) && !idle.is_zero() {
            let waited = self.arrived.wait_timeout(state, NAP.min(idle));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.is_over && state.queue.is_empty() {
            return None;
        }
        let count = state.queue.len().min(most);
        if count == state.queue.len() {
            state.is_urgent = false;
        }
        let taken = state.queue.drain(..count).collect();
        drop(state);
        self.has_room.notify_all();
        Some(taken)
    }
}
