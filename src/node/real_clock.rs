//! The system's clocks.
#![expect(clippy::disallowed_methods, reason = "this is the real clock")]

use std::time::{Duration, Instant, SystemTime};

use crate::sys::{Clock, WallTime};

/// The time as the operating system has it.
#[derive(Debug, Clone)]
pub struct RealClock {
    origin: Instant,
}

impl RealClock {
    /// A clock whose monotonic time begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for RealClock {
    /// Times outside the range of [`WallTime`] (before 1677, after 2262) become its ends.
    fn wall(&self) -> WallTime {
        let now = SystemTime::now();
        WallTime(match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
        })
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    /// What `TZ` says, or else the file `/etc/localtime`.
    fn local_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::system()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_and_the_wall_clock_is_in_this_century() {
        let clock = RealClock::new();
        let first = clock.monotonic();
        let year_2020 = WallTime(1_577_836_800_000_000_000);
        assert_eq!(
            (clock.monotonic() >= first, clock.wall() > year_2020),
            (true, true)
        );
    }
}
