//! What waits to be appended: two lanes, bounded in requests, bytes and age.
//!
//! A request that does not fit is refused at once, so that its sender gets a 503 and tries again;
//! nothing that was taken in is dropped without an answer. There is no timer: the writer takes all
//! that waits whenever it is free, so that batches grow with the load by themselves.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::AppendError;
use super::frame::frame_bytes;
use super::writer::{Appended, Lane, NewRecord};
use crate::bugs::{Bug, planted};

/// Bounds of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueLimits {
    /// Requests that may wait in each lane.
    pub requests_max: usize,
    /// Bytes of frames that may wait in each lane.
    pub bytes_max: usize,
    /// How long a request of the normal lane may wait. A sender has given up by then.
    pub wait_max: Duration,
    /// Requests that go into one batch.
    pub batch_requests_max: usize,
    /// Bytes of frames that go into one batch.
    pub batch_bytes_max: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self {
            // More connections than a server of this kind has, one request each.
            requests_max: 4096,
            bytes_max: 64 * 1024 * 1024,
            // Prometheus gives up a send after 10 s.
            wait_max: Duration::from_secs(10),
            batch_requests_max: 1024,
            // A write of 1 MiB takes about as long as a sync: larger batches would only add delay.
            batch_bytes_max: 1024 * 1024,
        }
    }
}

/// Called once with what became of a request.
pub type Completion = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

pub(crate) struct Request {
    pub(crate) records: Vec<NewRecord>,
    pub(crate) lane: Lane,
    pub(crate) bytes: usize,
    pub(crate) since: Duration,
    pub(crate) done: Completion,
}

impl Request {
    pub(crate) fn new(
        lane: Lane,
        records: Vec<NewRecord>,
        since: Duration,
        done: Completion,
    ) -> Self {
        let bytes = records
            .iter()
            .map(|record| frame_bytes(record.payload.len()))
            .sum();
        Self {
            records,
            lane,
            bytes,
            since,
            done,
        }
    }
}

/// What the writer got.
pub(crate) enum Taken {
    /// Requests in the order in which they are to be appended, and those that waited too long.
    Batch {
        requests: Vec<Request>,
        expired: Vec<Request>,
    },
    /// Nothing came for the time given.
    Idle,
    /// Nothing waits, and nothing will come.
    Closed,
}

#[derive(Default)]
struct LaneQueue {
    requests: VecDeque<Request>,
    bytes: usize,
}

#[derive(Default)]
struct State {
    normal: LaneQueue,
    priority: LaneQueue,
    is_closed: bool,
    poison: Option<String>,
}

pub(crate) struct Queue {
    limits: QueueLimits,
    state: Mutex<State>,
    came: Condvar,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            came: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that wait now, in both lanes.
    pub(crate) fn len(&self) -> usize {
        let state = self.state();
        state.normal.requests.len() + state.priority.requests.len()
    }

    /// Takes a request in, or says why not. A refused request's completion is not called.
    pub(crate) fn push(&self, request: Request, now: Duration) -> Result<(), AppendError> {
        let mut state = self.state();
        // Under the same lock under which the poison is set: no request slips in behind it.
        if let Some(cause) = state.poison.clone() {
            return Err(AppendError::Poisoned { cause });
        }
        if state.is_closed {
            return Err(AppendError::Closed);
        }
        let lane = match request.lane {
            Lane::Priority if !planted(Bug::PriorityIgnored) => &mut state.priority,
            Lane::Priority | Lane::Normal => &mut state.normal,
        };
        if !planted(Bug::QueueUnbounded) {
            self.admit(lane, &request, now)?;
        }
        lane.bytes += request.bytes;
        lane.requests.push_back(request);
        drop(state);
        self.came.notify_one();
        Ok(())
    }

    fn admit(&self, lane: &LaneQueue, request: &Request, now: Duration) -> Result<(), AppendError> {
        let overloaded = |reason| Err(AppendError::Overloaded { reason });
        if lane.requests.len() >= self.limits.requests_max {
            return overloaded("too many requests wait");
        }
        if lane.bytes + request.bytes > self.limits.bytes_max {
            return overloaded("too many bytes wait");
        }
        let oldest = lane.requests.front().map_or(now, |oldest| oldest.since);
        if request.lane == Lane::Normal && now.saturating_sub(oldest) > self.limits.wait_max {
            return overloaded("the disk is too slow: requests wait too long");
        }
        Ok(())
    }

    /// Waits for requests, at most `idle_max`, and takes one batch of them: the priority lane first.
    pub(crate) fn take(&self, idle_max: Option<Duration>, now: impl Fn() -> Duration) -> Taken {
        let mut state = self.state();
        while state.normal.requests.is_empty() && state.priority.requests.is_empty() {
            if state.is_closed {
                return Taken::Closed;
            }
            let Some(idle_max) = idle_max else {
                state = self
                    .came
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let (woken, timeout) = self
                .came
                .wait_timeout(state, idle_max)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            if timeout.timed_out() {
                let is_empty =
                    state.normal.requests.is_empty() && state.priority.requests.is_empty();
                if is_empty && !state.is_closed {
                    return Taken::Idle;
                }
            }
        }
        let now = now();
        let mut expired = Vec::new();
        let is_expired =
            |request: &Request| now.saturating_sub(request.since) > self.limits.wait_max;
        while state.normal.requests.front().is_some_and(is_expired) {
            expired.extend(state.normal.pop());
        }
        let mut requests = Vec::new();
        let mut bytes = 0;
        let State {
            normal, priority, ..
        } = &mut *state;
        for lane in [priority, normal] {
            while let Some(next) = lane.requests.front() {
                let is_full = bytes + next.bytes > self.limits.batch_bytes_max
                    || requests.len() >= self.limits.batch_requests_max;
                if is_full && !requests.is_empty() {
                    break;
                }
                bytes += next.bytes;
                requests.extend(lane.pop());
            }
        }
        Taken::Batch { requests, expired }
    }

    /// Refuses everything from now on and gives back what waits.
    pub(crate) fn poison(&self, cause: &str) -> Vec<Request> {
        let mut state = self.state();
        if !planted(Bug::PoisonIgnored) {
            state.poison.get_or_insert_with(|| cause.to_owned());
        }
        let State {
            normal, priority, ..
        } = &mut *state;
        let waiting = priority
            .requests
            .drain(..)
            .chain(normal.requests.drain(..))
            .collect();
        (normal.bytes, priority.bytes) = (0, 0);
        waiting
    }

    /// Takes no more requests; what waits is still appended.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.came.notify_all();
    }
}

impl LaneQueue {
    fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.bytes -= request.bytes;
        Some(request)
    }
}
