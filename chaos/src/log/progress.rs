//! Whether the suites get on, and when silence is a hang.
//!
//! What counts is the smallest thing that every suite does again and again: a crash image recovered
//! and compared. A workload has up to some hundred thousand of them, so that counting workloads would
//! call a long one a hang.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Without progress for this long, something hangs: the slowest single step takes milliseconds.
pub const HANG_AFTER: Duration = Duration::from_secs(60);

/// Counts what is done, over all threads.
#[derive(Debug, Default)]
pub struct Progress(AtomicU64);

impl Progress {
    /// One more thing is done.
    pub fn step(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What was done so far.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Remembers when something was last done.
#[derive(Debug)]
pub struct Watchdog {
    steps: u64,
    since: Duration,
}

impl Watchdog {
    /// Begins to watch.
    #[must_use]
    pub fn new(steps: u64, now: Duration) -> Self {
        Self { steps, since: now }
    }

    /// Looks again; tells whether nothing was done for longer than [`HANG_AFTER`].
    pub fn is_hang(&mut self, steps: u64, now: Duration) -> bool {
        if steps != self.steps {
            *self = Self::new(steps, now);
        }
        now.saturating_sub(self.since) > HANG_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::enumerate::{Plan, Points, enumerate};
    use crate::log::workload::Op;

    #[test]
    fn one_image_a_minute_is_slow_and_sixty_one_seconds_without_one_is_a_hang() {
        let mut watchdog = Watchdog::new(0, Duration::ZERO);
        let looks = [(1, 60), (2, 120), (2, 180), (2, 181), (3, 182)];
        let verdicts =
            looks.map(|(steps, seconds)| watchdog.is_hang(steps, Duration::from_secs(seconds)));
        assert_eq!(verdicts, [false, false, false, true, false]);
    }

    #[test]
    fn every_image_of_a_workload_is_progress_those_of_crashes_in_recovery_too() {
        let progress = Progress::default();
        let plan = Plan {
            points: Points::LastStep,
            nested_every: Some(97),
            seed: 1,
        };
        let counts = enumerate(&[Op::Silence], plan, &progress).map(|counts| counts.images);
        assert_eq!(counts, Ok(progress.steps()));
    }
}
