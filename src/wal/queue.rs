//! What waits to be appended: two lanes, bounded in requests, bytes and age.
//!
//! A request that does not fit is refused at once, so that its sender gets a 503 and tries again;
//! nothing that was taken in is dropped without an answer. There is no timer: the writer takes all
//! that waits whenever it is free, so that batches grow with the load by themselves.
//!
//! While the writer waits for the disk, a second thread encodes what has gathered, if that is enough
//! to be worth it:
//!
//! ```text
//!  wal-writer: take ─► commit (begin_commit … the disk … ) ─► take: what was encoded ahead, and the rest
//!  wal-ahead:               encode_ahead, again and again until the commit ends
//! ```
//!
//! **Invariant:** a request is at any time in exactly one place: a lane, the ahead batch, or a
//! thread's hands; each of those answers it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::draft::{Draft, Position};
use super::error::AppendError;
use super::frame::frame_bytes;
use super::writer::{Appended, Lane, NewRecord};
use crate::bugs::{Bug, planted, unless_planted};
use crate::sys::WallTime;

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
    /// Bytes of frames that must wait before they are encoded ahead, while the disk takes the batch
    /// before. What was encoded ahead is appended however long it waited.
    pub ahead_bytes_min: usize,
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
            // Twice what is encoded in the time that waking a thread takes, some 8 µs.
            ahead_bytes_min: 96 * 1024,
        }
    }
}

impl QueueLimits {
    /// Whether a batch of so many requests and bytes takes one more. An empty batch takes a request of
    /// any size.
    fn admit(&self, bytes: usize, requests: usize, next: &Request) -> bool {
        let is_full =
            bytes + next.bytes > self.batch_bytes_max || requests >= self.batch_requests_max;
        requests == 0 || !is_full
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
        /// The batch as it goes to disk, if all of it was encoded ahead or could be added cheaply.
        draft: Option<Draft>,
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

/// Requests that were encoded while the writer waited for the disk.
#[derive(Default)]
struct Ahead {
    requests: Vec<Request>,
    bytes: usize,
    draft: Option<Draft>,
}

#[derive(Default)]
struct State {
    normal: LaneQueue,
    priority: LaneQueue,
    ahead: Ahead,
    /// While the writer waits for the disk: where the next batch goes, and room for it.
    commit: Option<(Position, Vec<u8>)>,
    /// The other thread has the ahead batch in its hands.
    is_encoding: bool,
    is_closed: bool,
    poison: Option<String>,
}

pub(crate) struct Queue {
    limits: QueueLimits,
    state: Mutex<State>,
    came: Condvar,
    ahead_wanted: Condvar,
    ahead_given_back: Condvar,
}

impl Queue {
    pub(crate) fn new(limits: QueueLimits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            came: Condvar::new(),
            ahead_wanted: Condvar::new(),
            ahead_given_back: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change below is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state while no request is in the other thread's hands.
    fn state_between_encodings(&self) -> MutexGuard<'_, State> {
        self.ahead_given_back
            .wait_while(self.state(), |state| state.is_encoding)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests that wait now, in both lanes or encoded ahead.
    pub(crate) fn len(&self) -> usize {
        let state = self.state();
        state.normal.requests.len() + state.priority.requests.len() + state.ahead.requests.len()
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
        unless_planted(Bug::QueueUnbounded, || self.admit(lane, &request, now))?;
        lane.bytes += request.bytes;
        lane.requests.push_back(request);
        self.came.notify_one();
        self.wake_ahead(state);
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

    /// Waits for requests, at most `idle_max`, and takes one batch of them: what was encoded ahead
    /// first, then the priority lane.
    pub(crate) fn take(&self, idle_max: Option<Duration>, now: impl Fn() -> Duration) -> Taken {
        let mut state = self.state_between_encodings();
        while state.is_empty() {
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
            if timeout.timed_out() && state.is_empty() && !state.is_closed {
                return Taken::Idle;
            }
        }
        let now = now();
        let expired = state.take_expired(now, self.limits.wait_max);
        let Ahead {
            mut requests,
            bytes,
            draft,
        } = std::mem::take(&mut state.ahead);
        let encoded = requests.len();
        state.gather(&self.limits, bytes, &mut requests);
        drop(state);
        let draft = draft.map(|mut draft| {
            push_all(&mut draft, &requests[encoded..]);
            draft.end();
            draft
        });
        Taken::Batch {
            requests,
            expired,
            draft,
        }
    }

    /// The writer is about to wait for the disk. The next batch goes to `next`, for which `room` may
    /// be used.
    pub(crate) fn begin_commit(&self, next: Position, room: Vec<u8>) {
        let mut state = self.state();
        state.commit = Some((next, room));
        self.wake_ahead(state);
    }

    fn wake_ahead(&self, state: MutexGuard<'_, State>) {
        let is_wanted = state.is_ahead_wanted(&self.limits);
        drop(state);
        if is_wanted {
            self.ahead_wanted.notify_one();
        }
    }

    /// The writer is back from the disk.
    pub(crate) fn end_commit(&self) {
        self.state().commit = None;
    }

    /// Waits until there is something to encode ahead, encodes it, and returns how many requests
    /// that were; `None` once the queue is closed.
    pub(crate) fn encode_ahead(&self, wall: impl Fn() -> WallTime) -> Option<usize> {
        let mut state = self.state();
        let (at, room) = loop {
            if let Some(next) = state.take_ahead_wanted(&self.limits) {
                break next;
            }
            if state.is_closed {
                return None;
            }
            state = self
                .ahead_wanted
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        state.commit = Some((at, Vec::new()));
        let mut ahead = std::mem::take(&mut state.ahead);
        let encoded = ahead.requests.len();
        ahead.bytes += state.gather(&self.limits, ahead.bytes, &mut ahead.requests);
        let draft = ahead.draft.take();
        state.is_encoding = true;
        drop(state);
        let mut hands = Hands { queue: self, ahead };
        let mut draft = draft.unwrap_or_else(|| Draft::begin(room, at, wall()));
        push_all(&mut draft, &hands.ahead.requests[encoded..]);
        hands.ahead.draft = Some(draft);
        Some(hands.ahead.requests.len() - encoded)
    }

    /// Refuses everything from now on and gives back what waits.
    pub(crate) fn poison(&self, cause: &str) -> Vec<Request> {
        let mut state = self.state_between_encodings();
        let cause = Some(cause.to_owned()).filter(|_| !planted(Bug::PoisonIgnored));
        state.poison = state.poison.take().or(cause);
        let State {
            normal,
            priority,
            ahead,
            ..
        } = &mut *state;
        let waiting = priority
            .requests
            .drain(..)
            .chain(normal.requests.drain(..))
            .chain(std::mem::take(ahead).requests)
            .collect();
        (normal.bytes, priority.bytes) = (0, 0);
        waiting
    }

    /// Takes no more requests; what waits is still appended.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.came.notify_all();
        self.ahead_wanted.notify_all();
    }
}

impl State {
    fn is_empty(&self) -> bool {
        self.normal.requests.is_empty()
            && self.priority.requests.is_empty()
            && self.ahead.requests.is_empty()
    }

    /// Whether enough waits to be encoded ahead, and there is a batch for it.
    fn is_ahead_wanted(&self, limits: &QueueLimits) -> bool {
        let bytes = self.normal.bytes + self.priority.bytes;
        let ahead = &self.ahead;
        let fits = |lane: &LaneQueue| {
            let next = lane.requests.front();
            next.is_some_and(|next| limits.admit(ahead.bytes, ahead.requests.len(), next))
        };
        self.commit.is_some()
            && bytes >= limits.ahead_bytes_min
            && (fits(&self.priority) || fits(&self.normal))
    }

    /// Where the ahead batch goes, and room for it, if one is wanted.
    fn take_ahead_wanted(&mut self, limits: &QueueLimits) -> Option<(Position, Vec<u8>)> {
        if !self.is_ahead_wanted(limits) {
            return None;
        }
        self.commit.take()
    }

    fn take_expired(&mut self, now: Duration, wait_max: Duration) -> Vec<Request> {
        let mut expired = Vec::new();
        let is_expired = |request: &Request| now.saturating_sub(request.since) > wait_max;
        while self.normal.requests.front().is_some_and(is_expired) {
            expired.extend(self.normal.pop());
        }
        expired
    }

    /// Moves as many requests as a batch takes that has `bytes` in `requests` already, and returns
    /// how many bytes came.
    fn gather(&mut self, limits: &QueueLimits, bytes: usize, requests: &mut Vec<Request>) -> usize {
        let mut gathered = 0;
        for lane in [&mut self.priority, &mut self.normal] {
            while let Some(next) = lane.requests.front() {
                if !limits.admit(bytes + gathered, requests.len(), next) {
                    break;
                }
                gathered += next.bytes;
                requests.extend(lane.pop());
            }
        }
        gathered
    }
}

/// The ahead batch while it is encoded. It goes back to the queue whatever happens; without its
/// draft if the encoding panicked.
struct Hands<'a> {
    queue: &'a Queue,
    ahead: Ahead,
}

impl Drop for Hands<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.is_encoding = false;
        state.ahead = std::mem::take(&mut self.ahead);
        drop(state);
        self.queue.ahead_given_back.notify_one();
    }
}

fn push_all(draft: &mut Draft, requests: &[Request]) {
    for record in requests.iter().flat_map(|request| &request.records) {
        draft.push(record);
    }
}

impl LaneQueue {
    fn pop(&mut self) -> Option<Request> {
        let request = self.requests.pop_front()?;
        self.bytes -= request.bytes;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wal::RecordType;

    #[test]
    fn closed_queue_takes_nothing_and_has_nothing() {
        let queue = Queue::new(QueueLimits::default());
        queue.close();
        let record = NewRecord {
            record_type: RecordType(1),
            schema: 1,
            payload: vec![1].into(),
        };
        let request = Request::new(Lane::Normal, vec![record], Duration::ZERO, Box::new(|_| ()));
        let pushed = queue.push(request, Duration::ZERO);
        let is_closed = matches!(queue.take(None, || Duration::ZERO), Taken::Closed);
        let ahead = queue.encode_ahead(|| WallTime(0));
        assert_eq!(
            (pushed, is_closed, ahead),
            (Err(AppendError::Closed), true, None)
        );
    }
}
