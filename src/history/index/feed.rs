//! The queue from the log to the index.
//!
//! The thread that writes the log hands over what became durable, and never waits: when the queue is
//! full, or its lock is taken, the batch is dropped and everything after it too, until the index has
//! read what it lacks from the log ([`Feed::accept`]).
//!
//! Records are copied, into memory that goes back and forth between the two threads. Were their own memory
//! kept and freed by the index, it would leave holes between that of the requests that came meanwhile, and
//! every allocation of a busy server would look through them: a twentieth of its time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::wal::{DurableBatch, Lsn, RecordType};

/// Bytes of records that may wait: minutes of a usual load, and a tenth of a second of the heaviest there is, of which
/// the rest is read from the log.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// Records that may wait.
const RECORDS_MAX: usize = 128 * 1024;

/// Records that became durable.
#[derive(Debug)]
pub struct Fed {
    /// Payloads, one after another.
    bytes: Vec<u8>,
    heads: Vec<Head>,
}

/// A record without its payload.
#[derive(Debug)]
struct Head {
    lsn: Lsn,
    record_type: RecordType,
    schema: u8,
    /// Where its payload ends.
    end: usize,
}

impl Default for Fed {
    /// Room for all that may wait, which costs nothing before it is used, and is used again and again: what grows by
    /// doubling, and shrinks, leaves holes of its size in memory.
    fn default() -> Self {
        Self {
            bytes: Vec::with_capacity(BYTES_MAX),
            heads: Vec::with_capacity(RECORDS_MAX),
        }
    }
}

impl Fed {
    fn has_room(&self, bytes: usize, records: usize) -> bool {
        self.heads.len() + records <= RECORDS_MAX && self.bytes.len() + bytes <= BYTES_MAX
    }

    fn push(&mut self, batch: &DurableBatch) {
        let mut lsn = batch.first;
        for record in &batch.records {
            self.bytes.extend_from_slice(&record.payload);
            self.heads.push(Head {
                lsn,
                record_type: record.record_type,
                schema: record.schema,
                end: self.bytes.len(),
            });
            lsn = lsn.next();
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.heads.clear();
    }

    /// The records in the order of their LSNs: each with its type, schema and payload.
    pub fn records(&self) -> impl Iterator<Item = (Lsn, RecordType, u8, &[u8])> {
        let mut begin = 0;
        self.heads.iter().map(move |head| {
            let payload = self.bytes.get(begin..head.end).unwrap_or_default();
            begin = head.end;
            (head.lsn, head.record_type, head.schema, payload)
        })
    }
}

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
    fed: Fed,
    is_wanted: bool,
    is_over: bool,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a batch in, or drops it. Never waits.
    pub fn offer(&self, batch: &DurableBatch) {
        if !self.is_accepting.load(Ordering::Acquire) {
            return;
        }
        let bytes = batch.records.iter().map(|it| it.payload.len()).sum();
        let queue = match self.queue.try_lock() {
            Ok(queue) => Some(queue),
            Err(TryLockError::Poisoned(queue)) => Some(queue.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        match queue {
            Some(mut queue) if queue.fed.has_room(bytes, batch.records.len()) => {
                queue.fed.push(batch);
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
        queue.fed.clear();
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

    /// Puts what came in the place of what was taken before: after `nap`, or earlier if somebody wants it.
    /// Whether more can come; if not, nothing came either.
    #[must_use]
    pub fn take(&self, nap: Duration, fed: &mut Fed) -> bool {
        fed.clear();
        let mut queue = self.lock();
        if !queue.is_wanted && !queue.is_over {
            let waited = self.wanted.wait_timeout(queue, nap);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.is_wanted = false;
        std::mem::swap(&mut queue.fed, fed);
        !(queue.is_over && fed.heads.is_empty())
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
