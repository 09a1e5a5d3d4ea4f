//! Time from one handle.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z; negative before.
///
/// The range, 1677 to 2262, is that of a 64-bit nanosecond count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub i64);

impl fmt::Display for WallTime {
    /// RFC 3339 in UTC with nanoseconds as far as they are set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(timestamp) => timestamp.fmt(f),
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

/// The time, as the program may see it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall-clock time. May jump in either direction.
    fn wall(&self) -> WallTime;

    /// Time since some fixed instant of this process. Never goes back.
    fn monotonic(&self) -> Duration;

    /// The time zone in which times are shown to the users of this machine.
    fn local_zone(&self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::UTC
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct VirtualClock {
    wall_ns: AtomicI64,
    monotonic_ns: AtomicI64,
}

impl VirtualClock {
    /// A clock that stands at `wall`.
    #[must_use]
    pub fn at(wall: WallTime) -> Self {
        Self {
            wall_ns: AtomicI64::new(wall.0),
            monotonic_ns: AtomicI64::new(0),
        }
    }

    /// Moves both clocks on by `by`.
    pub fn advance(&self, by: Duration) {
        let by_ns = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.wall_ns.fetch_add(by_ns, Ordering::SeqCst);
        self.monotonic_ns.fetch_add(by_ns, Ordering::SeqCst);
    }

    /// Sets the wall clock, forwards or backwards, as an operator or NTP might.
    pub fn set_wall(&self, wall: WallTime) {
        self.wall_ns.store(wall.0, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn wall(&self) -> WallTime {
        WallTime(self.wall_ns.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        let ns = self.monotonic_ns.load(Ordering::SeqCst);
        Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
    }
}
