//! Log lines, in the shape of Alertmanager 0.34 (Go's slog), on standard error.
//!
//! ```text
//!   tracing event ─► layer ─► line ─► queue ─► writer thread ─► standard error
//!                    fields   text    bounded
//! ```
//!
//! **Invariants**
//! * Who logs never waits for whoever reads the log. When standard error is a pipe that nobody empties,
//!   lines gather up to [`QUEUE_BYTES_MAX`] (besides as many that are being written); what comes then is dropped and counted, and the count is
//!   told in a line of its own as soon as there is room.
//! * Lines are whole and in order: one thread writes them.
//! * A line holds one event, whatever is in it: line ends are escaped, and beyond
//!   [`LINE_BYTES_MAX`] a value is cut off.
//!
//! A crash loses what has not been written, some milliseconds' worth; an orderly end waits for it, but
//! not longer than [`FLUSH_WAIT`].

mod layer;
mod line;
mod queue;

pub use line::{Line, Value};
pub use queue::Queue;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;

use crate::cli::serve::flags::{LogFormat, LogLevel};
use crate::sys::Clock;
use layer::LineLayer;

/// Text that waits to be written: some ten thousand lines, minutes' worth of a busy server.
pub const QUEUE_BYTES_MAX: usize = 4 << 20;
/// Text of one value: room for the labels of a large alert, and less than a flood.
pub const VALUE_BYTES_MAX: usize = 32 << 10;
/// Text of one line.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// How long an orderly end waits for its last lines to be written.
pub const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The least severity.
    pub level: LogLevel,
    /// The shape.
    pub format: LogFormat,
}

/// The end of the log where lines are written. Dropping it writes what waits, and ends the writing.
#[derive(Debug)]
pub struct Logging {
    queue: Arc<Queue>,
    writer: Option<JoinHandle<()>>,
}

impl Logging {
    /// Waits until all lines so far are written, at most [`FLUSH_WAIT`]; tells whether they are.
    pub fn flush(&self) -> bool {
        self.queue.flush(FLUSH_WAIT)
    }

    /// Lines that were dropped since the start because nobody read the log.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// The queue, to count what it dropped.
    #[must_use]
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }
}

impl Drop for Logging {
    fn drop(&mut self) {
        let is_written = self.queue.flush(FLUSH_WAIT);
        self.queue.close();
        // A thread that hangs in a write that nobody takes would never end.
        if let Some(writer) = self.writer.take().filter(|_| is_written) {
            // It panicked if at all while it wrote, and then there is nobody to tell.
            let _ = writer.join();
        }
    }
}

/// A subscriber that logs to `sink`, and the end where its lines are written.
///
/// # Errors
/// That the system gives no thread.
pub fn start(
    options: Options,
    clock: Arc<dyn Clock>,
    sink: Box<dyn Write + Send>,
) -> io::Result<(impl Subscriber + Send + Sync, Logging)> {
    let queue = Arc::new(Queue::new(QUEUE_BYTES_MAX));
    let writer = std::thread::Builder::new()
        .name("log-writer".to_owned())
        .spawn({
            let (queue, clock) = (Arc::clone(&queue), Arc::clone(&clock));
            move || {
                queue::write_all(&queue, sink, |dropped| {
                    line::about_dropped(options.format, clock.as_ref(), dropped)
                });
            }
        })?;
    let layer = LineLayer::new(options.format, clock, Arc::clone(&queue));
    let subscriber = Registry::default().with(targets(options.level)).with(layer);
    let logging = Logging {
        queue,
        writer: Some(writer),
    };
    Ok((subscriber, logging))
}

/// Logs to standard error from here on, whichever thread it is.
///
/// # Errors
/// That the system gives no thread, or that something else logs already.
pub fn install(options: Options, clock: Arc<dyn Clock>) -> io::Result<Logging> {
    let (subscriber, logging) = start(options, clock, Box::new(io::stderr()))?;
    tracing::subscriber::set_global_default(subscriber).map_err(io::Error::other)?;
    Ok(logging)
}

/// Our own events from that level on; those of libraries if they are warnings at least, because what
/// they say below that is for their own authors.
fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("tocsin", level)
}

#[cfg(test)]
mod tests;
