//! Checkpoints, so that a start replays little.
//!
//! The state is copied under the lock (alerts are shared, so that the copy is of pointers), and encoded
//! and written on a thread of its own while alerts go on arriving.

use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tracing::{debug, warn};

use super::shared::Shared;
use crate::wal::OpenError;

/// Bytes of log after which a checkpoint is taken: a start replays them in a fraction of a second.
pub(super) const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// How often it is looked whether there are so many.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long after a failure nothing is tried: a full disk does not get better by being written to.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(30);

/// The thread, as others see it.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    is_asked: bool,
    is_over: bool,
}

impl Checkpoints {
    /// Asks for one soon.
    pub(super) fn ask(&self) {
        self.lock().is_asked = true;
        self.changed.notify_one();
    }

    /// Whether one was asked for since this was called last.
    pub(super) fn take_asked(&self) -> bool {
        std::mem::take(&mut self.lock().is_asked)
    }

    /// Ends the thread once it has nothing under way.
    pub(super) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread. `log_bytes` were in the log before it, counted from the last checkpoint.
    pub(super) fn run(&self, shared: &Shared, log_bytes: u64) {
        let mut counted_from = 0u64;
        let mut before = log_bytes;
        let mut wait = LOOK_EVERY;
        loop {
            let mut wanted = self.lock();
            if !wanted.is_asked && !wanted.is_over {
                let waited = self.changed.wait_timeout(wanted, wait);
                wanted = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            if wanted.is_over {
                return;
            }
            let is_asked = std::mem::take(&mut wanted.is_asked);
            drop(wanted);
            wait = LOOK_EVERY;
            let bytes = shared
                .journal
                .with_log(|log| log.counters().bytes.load(Ordering::Relaxed));
            let Some(bytes) = bytes else {
                return;
            };
            if !is_asked && before + (bytes - counted_from) < LOG_BYTES_MAX {
                continue;
            }
            match take(shared) {
                Ok(()) => {
                    counted_from = bytes;
                    before = 0;
                }
                Err(fault) => {
                    warn!(component = "wal", err = %fault, "A checkpoint could not be taken; the log is kept.");
                    wait = PAUSE_AFTER_FAILURE;
                }
            }
        }
    }
}

/// Takes a checkpoint of the state as it is.
///
/// # Errors
/// Why it could not be taken. The log is as it was.
pub(super) fn take(shared: &Shared) -> Result<(), OpenError> {
    let (core, lsn) = {
        let core = shared.core();
        // The core's thread says what it has applied under this lock.
        (core.clone(), shared.applied())
    };
    let hash = core.state_hash().map_err(|fault| encoding(&fault))?;
    let started = shared.clock.monotonic();
    let written = shared.journal.with_log(|log| {
        log.checkpoint(lsn, hash, |writer| {
            core.snapshot(|section| {
                writer
                    .section(section.kind, &section.bytes)
                    .map_err(Fault::Disk)
            })
            .map_err(Fault::io)
        })
    });
    let Some(info) = written.transpose()? else {
        return Ok(());
    };
    shared.counts.checkpoints.fetch_add(1, Ordering::Relaxed);
    let bytes = &shared.counts.checkpoint_bytes;
    bytes.store(info.file_bytes, Ordering::Relaxed);
    debug!(
        component = "wal",
        lsn = info.lsn.0,
        bytes = info.file_bytes,
        duration = ?shared.clock.monotonic().saturating_sub(started),
        "Checkpoint taken"
    );
    Ok(())
}

/// Why a section could not be made or written.
enum Fault {
    Disk(std::io::Error),
    Encoding(crate::record::CodecError),
}

impl From<crate::record::CodecError> for Fault {
    fn from(fault: crate::record::CodecError) -> Self {
        Self::Encoding(fault)
    }
}

impl Fault {
    fn io(self) -> std::io::Error {
        match self {
            Self::Disk(fault) => fault,
            Self::Encoding(fault) => std::io::Error::other(fault.to_string()),
        }
    }
}

fn encoding(fault: &crate::record::CodecError) -> OpenError {
    OpenError::Io {
        operation: "encode a checkpoint for",
        path: "checkpoints".into(),
        source: std::io::Error::other(fault.to_string()),
    }
}
