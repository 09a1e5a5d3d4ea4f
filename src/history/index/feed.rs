//! The queue from the log to the index.
//!
//! The thread that writes the log hands over what became durable, and never waits: when the queue is
//! full, or its lock is taken, the batch is dropped and everything after it too, until the index has
//! read what it lacks from the log ([`Feed::accept`]).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::wal::DurableBatch;

/// Bytes of records that may wait: a second of the heaviest load there is.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Batches that may wait.
const BATCHES_MAX: usize = 16 * 1024;

/// See the module header.
#[derive(Debug, Default)]
pub struct Feed {
    queue: Mutex<Queue>,
    wanted: Condvar,
    is_accepting: AtomicBool,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    batches: Vec<DurableBatch>,
    bytes: usize,
    is_wanted: bool,
    is_over: bool,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch in, or drops it. Never waits.
    pub fn offer(&self, batch: DurableBatch) {
        if !self.is_accepting.load(Ordering::Acquire) {
            return;
        }
        let bytes = batch.records.iter().map(|it| it.payload.len() + 64).sum();
        let queue = match self.queue.try_lock() {
            Ok(queue) => Some(queue),
            Err(TryLockError::Poisoned(queue)) => Some(queue.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match queue {
            Some(mut queue) if queue.has_room(bytes) => {
                queue.bytes += bytes;
                queue.batches.push(batch);
            }
            _ => {
                self.is_accepting.store(false, Ordering::Release);
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// From now on batches are taken in again. What became durable before is in the log.
    pub fn accept(&self) {
        let mut queue = self.lock();
        queue.batches.clear();
        queue.bytes = 0;
        self.is_accepting.store(true, Ordering::Release);
    }

    /// Whether nothing was dropped since the last [`Self::accept`].
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_accepting.load(Ordering::Acquire)
    }

    /// How often something was dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What came, after `nap`, or earlier if somebody wants it; `None` when it is over and empty.
    pub fn take(&self, nap: Duration) -> Option<Vec<DurableBatch>> {
        let mut queue = self.lock();
        if !queue.is_wanted && !queue.is_over {
            let waited = self.wanted.wait_timeout(queue, nap);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.is_wanted = false;
        queue.bytes = 0;
        let batches = std::mem::take(&mut queue.batches);
        match batches.is_empty() && queue.is_over {
            true => None,
            false => Some(batches),
        }
    }

    /// Somebody waits for what came.
    pub fn shake(&self) {
        self.lock().is_wanted = true;
        self.wanted.notify_all();
    }

    /// Nothing comes any more.
    pub fn end(&self) {
        self.lock().is_over = true;
        self.wanted.notify_all();
    }
}

impl Queue {
    fn has_room(&self, bytes: usize) -> bool {
        self.batches.len() < BATCHES_MAX && self.bytes + bytes <= BYTES_MAX
    }
}
