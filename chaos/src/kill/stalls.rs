//! Tells a slow server from a slow machine: a thread of the harness that only sleeps and syncs a byte, and
//! notes when that takes far longer than it should. A server that syncs before it answers cannot be faster.

#![expect(
    clippy::disallowed_types,
    reason = "the disk of the machine is what is measured"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use tocsin::sys::Clock;

use super::recorder::Recorder;
use crate::history::Event;

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is noted. Less than what the checker tolerates of any step.
const STALL_MIN: Duration = Duration::from_millis(200);

/// The thread. It ends with this.
#[derive(Debug)]
pub(crate) struct Stalls {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stalls {
    /// Watches, with a file in that directory.
    pub(crate) fn watch(
        dir: &Path,
        recorder: Arc<Recorder>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let path = dir.join("stalls");
        let file =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let is_over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&is_over);
        let look = move || {
            while !end.load(Ordering::SeqCst) {
                let began = clock.monotonic();
                std::thread::park_timeout(LOOK_EVERY);
                // Where the disk fails, nothing is said of how slow it is.
                let _ = file.write_all_at(b"x", 0).and_then(|()| file.sync_data());
                let took = clock.monotonic().saturating_sub(began);
                let stalled = took.saturating_sub(LOOK_EVERY);
                if stalled >= STALL_MIN {
                    let ms = took.as_millis() as u64;
                    recorder.note(Event::Stall { ms });
                }
            }
        };
        let thread = std::thread::Builder::new().name("stalls".to_owned());
        let thread = thread.spawn(look).context("cannot start a thread")?;
        Ok(Self {
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It cannot panic.
            let _ = thread.join();
        }
    }
}
