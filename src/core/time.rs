//! Arithmetic on times that stops at the ends of their range.

use crate::model::Duration;
use crate::sys::WallTime;

/// That much later.
pub(super) fn after(at: WallTime, by: Duration) -> WallTime {
    WallTime(at.0.saturating_add(by.as_nanos()))
}

/// That much earlier.
pub(super) fn before(at: WallTime, by: Duration) -> WallTime {
    WallTime(at.0.saturating_sub(by.as_nanos()))
}

/// The time from one instant to a later one; negative if it is earlier.
pub(super) fn between(from: WallTime, to: WallTime) -> Duration {
    Duration::from_nanos(to.0.saturating_sub(from.0))
}
