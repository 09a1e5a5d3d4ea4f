//! Integrations that panic or hang are left alone for a while.
//!
//! An integration that cannot be reached, or that is answered with an error, is not broken: it is
//! tried at every flush. This is about code of ours that does not do what it has to: a panic, or an
//! attempt that does not end after its deadline.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::lock;

/// After so many attempts of one integration in a row that ended like that it is quarantined.
pub const BROKEN_IN_A_ROW_MAX: u32 = 3;

/// How often a quarantined integration is given a chance.
pub const PROBE_INTERVAL: Duration = Duration::from_secs(60);

/// The state of one integration.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    broken_in_a_row: u32,
    /// When the next chance is due, once it is quarantined.
    probe_at: Option<Instant>,
}

impl Quarantine {
    /// Whether it may be tried now. A chance is given to one who asks, and not to the next.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        match state.probe_at {
            None => true,
            Some(at) if at > now => false,
            Some(_) => {
                state.probe_at = Some(now + PROBE_INTERVAL);
                true
            }
        }
    }

    /// An attempt ended as it should, whatever its outcome.
    pub(super) fn note_sound(&self) {
        *lock(&self.state) = State::default();
    }

    /// An attempt did not. Whether that began a quarantine.
    pub(super) fn note_broken(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        state.broken_in_a_row = state.broken_in_a_row.saturating_add(1);
        if state.broken_in_a_row < BROKEN_IN_A_ROW_MAX {
            return false;
        }
        state.probe_at.replace(now + PROBE_INTERVAL).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_row_and_then_a_chance_a_minute() {
        let quarantine = Quarantine::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut seen = Vec::new();
        for _ in 0..2 {
            seen.push(quarantine.note_broken(at(0)));
        }
        quarantine.note_sound();
        for _ in 0..3 {
            seen.push(quarantine.may_try(at(0)));
            seen.push(quarantine.note_broken(at(0)));
        }
        seen.extend([0, 59, 60, 60, 119, 120].map(|seconds| quarantine.may_try(at(seconds))));
        quarantine.note_sound();
        seen.extend([120, 120].map(|seconds| quarantine.may_try(at(seconds))));
        let expected = [
            false, false, // twice, then sound
            true, false, true, false, true, true, // the third begins it
            false, false, true, false, false, true, // chances
            true, true, // sound again
        ];
        assert_eq!(seen, expected);
    }
}
