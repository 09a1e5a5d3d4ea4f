//! Writes the history of a run, line by line, as it happens.

#![expect(
    clippy::disallowed_types,
    reason = "the history is a real file, on a file system that no fault touches"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tocsin::sys::Clock;

use crate::history::{At, Entry, Event, Wall, write_entry};

/// The history of one run.
#[derive(Debug)]
pub(crate) struct Recorder {
    clock: Arc<dyn Clock>,
    began: std::time::Duration,
    out: Mutex<Out>,
    numbers: AtomicU64,
}

#[derive(Debug)]
struct Out {
    file: BufWriter<File>,
    /// The first error; nothing is written after it.
    failed: Option<anyhow::Error>,
}

impl Recorder {
    /// An empty history in that file.
    pub(crate) fn create(path: &Path, clock: Arc<dyn Clock>) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self {
            began: clock.monotonic(),
            clock,
            out: Mutex::new(Out {
                file: BufWriter::new(file),
                failed: None,
            }),
            numbers: AtomicU64::new(0),
        })
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happens now.
    pub(crate) fn note(&self, event: Event) {
        // The time is taken under the lock, so that it never goes back from line to line.
        let mut out = self.out();
        let entry = Entry {
            at: At::from(self.clock.monotonic().saturating_sub(self.began)),
            wall: self.wall(),
            event,
        };
        if out.failed.is_none()
            && let Err(error) = write_entry(&mut out.file, &entry)
        {
            out.failed = Some(error);
        }
    }

    /// The time of day.
    pub(crate) fn wall(&self) -> Wall {
        Wall(self.clock.wall().0)
    }

    /// A number that nobody has, for a request or a message.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// That something could not be written, now or before.
    pub(crate) fn finish(&self) -> Result<()> {
        let mut out = self.out();
        if let Some(error) = out.failed.take() {
            return Err(error);
        }
        out.file.flush().context("cannot write the history")
    }
}
