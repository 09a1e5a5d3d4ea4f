//! What one run is like, all of it drawn from its seed.
//!
//! Swarm testing: each run switches whole classes of faults off, so that a fault is also met alone, and
//! is not hidden by a louder one. Everything is measured in *units*, the interval of the groups: a run has
//! as many flushes with an interval of an hour as with one of half a minute.

use std::fmt::Write as _;

use serde::Serialize;
use tocsin::sys::{Entropy, SeededEntropy};

/// Milliseconds since the run began.
pub(super) type Ms = i64;

/// Intervals of groups.
const UNITS_MS: [Ms; 5] = [30_000, 60_000, 120_000, 600_000, 3_600_000];

/// Group intervals of a run, until the faults end.
const LENGTH_UNITS: (i64, i64) = (60, 140);

/// Series of alerts at most.
const SERIES_MAX: Ms = 9;

/// Label values that alerts are grouped by.
pub(super) const GROUPS: usize = 3;

/// One that is told, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) receiver: &'static str,
    pub(super) index: u32,
    pub(super) sends_resolved: bool,
}

const fn target(receiver: &'static str, index: u32, sends_resolved: bool) -> Target {
    Target {
        receiver,
        index,
        sends_resolved,
    }
}

const SHAPES: [&[Target]; 3] = [
    &[target("a", 0, true)],
    &[target("a", 0, true), target("a", 1, false)],
    &[target("a", 0, true), target("b", 0, true)],
];

/// Classes of faults, and of things that are done to a server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Classes {
    pub(super) kills: bool,
    pub(super) power_losses: bool,
    pub(super) kills_in_recovery: bool,
    pub(super) stops: bool,
    pub(super) receivers: bool,
    pub(super) full_disks: bool,
    pub(super) failed_syncs: bool,
    pub(super) slow_disk: bool,
    pub(super) silences: bool,
    pub(super) reloads: bool,
    pub(super) clock: bool,
    pub(super) two_senders: bool,
    pub(super) lost_senders: bool,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Setting {
    pub(super) seed: u64,
    pub(super) unit_ms: Ms,
    pub(super) wait_ms: Ms,
    /// In the first configuration and in the other.
    pub(super) repeat_ms: [Ms; 2],
    pub(super) resolve_timeout_ms: Ms,
    pub(super) resend_ms: Ms,
    pub(super) beat_ms: Ms,
    pub(super) series: usize,
    /// How long a series fires, and how long it does not, on average.
    pub(super) episode_ms: Ms,
    /// The average time between kills.
    pub(super) up_time_ms: Ms,
    /// The end of the faults.
    pub(super) length_ms: Ms,
    pub(super) segment_bytes: u64,
    shape: usize,
    pub(super) classes: Classes,
}

/// A draw from a range, both ends included.
pub(super) fn between(entropy: &dyn Entropy, from: Ms, to: Ms) -> Ms {
    let width = u64::try_from(to - from + 1).unwrap_or(1);
    from + i64::try_from(entropy.below(width)).unwrap_or(0)
}

/// Whether something that happens once in so many times does.
pub(super) fn one_in(entropy: &dyn Entropy, times: u64) -> bool {
    entropy.below(times) == 0
}

/// A time that is this long on average: half of it to one and a half times, rarely a tenth.
pub(super) fn about(entropy: &dyn Entropy, average: Ms) -> Ms {
    match one_in(entropy, 8) {
        true => (average / 10).max(1),
        false => between(entropy, average / 2, average * 3 / 2).max(1),
    }
}

pub(super) fn pick<T: Copy>(entropy: &dyn Entropy, from: &[T]) -> T {
    from[entropy.below(from.len() as u64) as usize]
}

impl Setting {
    pub(super) fn draw(seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let entropy: &dyn Entropy = &entropy;
        let unit_ms = pick(entropy, &UNITS_MS);
        let often = || !one_in(entropy, 4);
        let half = || one_in(entropy, 2);
        let seldom = || one_in(entropy, 6);
        Self {
            seed,
            unit_ms,
            wait_ms: unit_ms / pick(entropy, &[2, 4, 10]),
            repeat_ms: [unit_ms * 6, unit_ms * 15],
            resolve_timeout_ms: unit_ms * pick(entropy, &[1, 3]),
            resend_ms: unit_ms / pick(entropy, &[1, 2, 4]),
            beat_ms: (unit_ms / 6).clamp(5_000, 60_000),
            series: usize::try_from(between(entropy, 2, SERIES_MAX)).unwrap_or(2),
            episode_ms: unit_ms * pick(entropy, &[2, 5, 12]),
            up_time_ms: unit_ms * pick(entropy, &[1, 4, 6, 10]),
            length_ms: unit_ms * between(entropy, LENGTH_UNITS.0, LENGTH_UNITS.1),
            segment_bytes: pick(entropy, &[32, 64, 128]) * 1024,
            shape: entropy.below(SHAPES.len() as u64) as usize,
            classes: Classes {
                kills: often(),
                power_losses: half(),
                kills_in_recovery: half(),
                stops: half(),
                receivers: half(),
                full_disks: seldom(),
                failed_syncs: seldom(),
                slow_disk: half(),
                silences: half(),
                reloads: seldom(),
                clock: one_in(entropy, 10),
                two_senders: half(),
                lost_senders: half(),
            },
        }
    }

    pub(super) fn targets(&self) -> &'static [Target] {
        SHAPES[self.shape]
    }

    /// When an unchanged group must not be told again.
    pub(super) fn repeat_min_ms(&self) -> Ms {
        self.repeat_ms[0]
    }

    /// The configuration file, with the first repeat interval or with the other.
    pub(super) fn config(&self, variant: usize) -> String {
        let mut text = format!(
            "global: {{resolve_timeout: {}ms}}\n\
             route:\n  receiver: a\n  group_by: [g]\n  group_wait: {}ms\n  group_interval: {}ms\n  \
             repeat_interval: {}ms\n",
            self.resolve_timeout_ms, self.wait_ms, self.unit_ms, self.repeat_ms[variant]
        );
        if self.targets().iter().any(|it| it.receiver == "b") {
            text.push_str("  routes:\n  - receiver: b\n    continue: true\n  - receiver: a\n");
        }
        text.push_str("receivers:\n");
        for receiver in ["a", "b"] {
            let own = self.targets().iter().filter(|it| it.receiver == receiver);
            let mut own = own.peekable();
            if own.peek().is_none() {
                continue;
            }
            // Writing to a string does not fail.
            let _ = writeln!(text, "- name: {receiver}\n  webhook_configs:");
            for it in own {
                let _ = writeln!(
                    text,
                    "  - {{url: 'http://{receiver}.invalid/{}', send_resolved: {}}}",
                    it.index, it.sends_resolved
                );
            }
        }
        text
    }
}
