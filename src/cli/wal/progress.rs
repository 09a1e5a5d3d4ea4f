//! A progress bar, when it is worth one.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::World;
use crate::sys::Clock;

/// What takes less time needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts bytes; shows a bar on standard error once it has taken longer than a second, if somebody
/// watches.
pub(super) struct Progress {
    clock: Arc<dyn Clock>,
    begun: Duration,
    is_watched: bool,
    total_bytes: u64,
    done_bytes: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(super) fn new(world: &World, is_shown: bool, total_bytes: u64) -> Self {
        Self {
            clock: Arc::clone(&world.clock),
            begun: world.clock.monotonic(),
            is_watched: is_shown && world.shows_progress,
            total_bytes,
            done_bytes: 0,
            bar: None,
        }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        if !self.is_watched {
            return;
        }
        if self.bar.is_none() && self.clock.monotonic().saturating_sub(self.begun) > PATIENCE {
            let bar = ProgressBar::new(self.total_bytes);
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}")
            {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done_bytes);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
