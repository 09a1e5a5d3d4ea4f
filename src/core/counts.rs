//! How many alerts there are by state, for metrics.
//!
//! Alertmanager 0.34: `alertmanager_alerts{state}`. The state of an alert is what the last flush of a group
//! of it found: kept back by a silence or by inhibition (*suppressed*), or not (*active*); before its first
//! flush it is *unprocessed*. Resolved alerts do not count, nor do those that are in no group.
//!
//! The marks are volatile: after a start everything is unprocessed until its group is flushed, as in
//! Alertmanager. Where an alert is in several groups, the last flush of any of them counts (Alertmanager:
//! suppressed in one is suppressed in all; that is the same but between their flushes).

use std::collections::HashSet;

use crate::model::Fingerprint;
use crate::sys::WallTime;

use super::alerts::{InGroups, Stored};
use super::event::Verdict;
use super::groups::Group;
use super::mute::Passed;
use super::notification::TellAlert;
use super::tenant::Tenant;

/// What the last flush found of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mark {
    #[default]
    Unprocessed,
    Active,
    Suppressed,
}

/// Firing alerts by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlertCounts {
    /// Told, or not in need of it.
    pub active: usize,
    /// Kept back by a silence or by inhibition.
    pub suppressed: usize,
    /// In groups that have not been flushed since.
    pub unprocessed: usize,
}

impl AlertCounts {
    fn add(&mut self, stored: &Stored, now: WallTime) {
        if stored.alert.is_resolved_at(now) || stored.groups == InGroups::None {
            return;
        }
        match stored.mark {
            Mark::Unprocessed => self.unprocessed += 1,
            Mark::Active => self.active += 1,
            Mark::Suppressed => self.suppressed += 1,
        }
    }
}

impl Tenant {
    /// Firing alerts by state: one look at each alert, at no silence.
    #[must_use]
    pub fn alert_counts(&self, now: WallTime) -> AlertCounts {
        let mut counts = AlertCounts::default();
        self.alerts
            .stored()
            .for_each(|stored| counts.add(stored, now));
        counts
    }

    /// The same of one group (Alertmanager 0.34: feature `group-key-in-metrics`).
    #[must_use]
    pub fn alert_counts_of(&self, group: &Group, now: WallTime) -> AlertCounts {
        let mut counts = AlertCounts::default();
        let alerts = group.alerts.iter().filter_map(|it| self.alerts.get(*it));
        alerts.for_each(|stored| counts.add(stored, now));
        counts
    }

    /// Notes what a flush found. Where time intervals kept the group back, silences were not asked, and
    /// what they did before stands.
    pub(super) fn mark(&mut self, flushed: &[TellAlert], passed: &Passed) {
        let mut suppressed: HashSet<Fingerprint> = HashSet::new();
        let mut is_asked = true;
        for verdict in &passed.verdicts {
            match verdict {
                Verdict::Inhibited { alerts } => {
                    suppressed.extend(alerts.iter().map(|by| by.alert));
                }
                Verdict::Silenced { alerts } => {
                    suppressed.extend(alerts.iter().map(|(alert, _)| *alert));
                }
                _ => is_asked = false,
            }
        }
        for flushed in flushed {
            let fingerprint = flushed.alert.fingerprint();
            let Some(stored) = self.alerts.get_mut(fingerprint) else {
                continue;
            };
            let is_suppressed =
                suppressed.contains(&fingerprint) || (!is_asked && stored.mark == Mark::Suppressed);
            stored.mark = match is_suppressed {
                true => Mark::Suppressed,
                false => Mark::Active,
            };
        }
    }
}
