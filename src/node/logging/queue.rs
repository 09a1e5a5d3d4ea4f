//! Lines that wait to be written, and the thread that writes them.

use std::collections::VecDeque;
use std::io::Write;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines in the order in which they were logged, bounded by their bytes.
#[derive(Debug)]
pub struct Queue {
    bytes_max: usize,
    state: Mutex<State>,
    /// Told when there is something to write, or when it is closed.
    wanted: Condvar,
    /// Told when everything is written.
    written: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    bytes: usize,
    /// Whether the writer has taken lines that it has not written yet.
    is_writing: bool,
    is_closed: bool,
    /// Since the start.
    dropped: u64,
    /// Of those, how many have been told of.
    told: u64,
}

impl Queue {
    /// An empty one.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::default(),
            wanted: Condvar::new(),
            written: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a line, its end included, behind the others, or drops it if there is no room.
    pub fn push(&self, line: String) {
        let mut state = self.state();
        let bytes = state.bytes.saturating_add(line.len());
        if bytes > self.bytes_max || state.is_closed {
            state.dropped += 1;
            return;
        }
        state.bytes = bytes;
        state.lines.push_back(line);
        drop(state);
        self.wanted.notify_one();
    }

    /// Lines that were dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Waits until everything is written; `false` if it takes longer.
    #[must_use]
    pub fn flush(&self, wait: Duration) -> bool {
        let is_open = |state: &mut State| state.is_writing || !state.lines.is_empty();
        let (state, waited) = self
            .written
            .wait_timeout_while(self.state(), wait, is_open)
            .unwrap_or_else(PoisonError::into_inner);
        drop(state);
        !waited.timed_out()
    }

    /// Ends the writing.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.wanted.notify_all();
    }

    /// Takes what waits, and how many lines were dropped that nobody was told of; `None` at the end.
    fn take(&self) -> Option<(VecDeque<String>, u64)> {
        let is_idle = |state: &mut State| {
            state.is_writing = false;
            if state.lines.is_empty() {
                self.written.notify_all();
            }
            state.lines.is_empty() && !state.is_closed
        };
        let mut state = self
            .wanted
            .wait_while(self.state(), is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        if state.lines.is_empty() {
            return None;
        }
        state.is_writing = true;
        state.bytes = 0;
        let untold = state.dropped - state.told;
        state.told = state.dropped;
        Some((mem::take(&mut state.lines), untold))
    }
}

/// Writes what is put into the queue until it is closed. What cannot be written (standard error is
/// closed) is lost: there is no other place for it.
pub(super) fn write_all(
    queue: &Queue,
    mut sink: Box<dyn Write + Send>,
    about_dropped: impl Fn(u64) -> String,
) {
    while let Some((lines, dropped)) = queue.take() {
        for line in lines {
            let _ = sink.write_all(line.as_bytes());
        }
        if dropped > 0 {
            let _ = sink.write_all(about_dropped(dropped).as_bytes());
        }
        let _ = sink.flush();
    }
}
