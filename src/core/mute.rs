//! What keeps alerts back: inhibition, time intervals, silences, in this order.
//!
//! Alertmanager 0.34, `notify/notify.go`: inhibition → outside active intervals → inside mute intervals →
//! silences. Between the stages an empty list ends the matter. Resolved alerts are kept back as well.

use std::sync::Arc;

use crate::model::{Fingerprint, LabelSet, RouteIndex};
use crate::sys::WallTime;

use super::event::{InhibitedBy, Verdict};
use super::notification::TellAlert;
use super::policy::Policy;
use super::tenant::Tenant;

/// What passed, and why the rest did not.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// What is told.
    pub(super) alerts: Vec<TellAlert>,
    /// Why something is not.
    pub(super) verdicts: Vec<Verdict>,
    /// The intervals that kept the whole group back.
    pub(super) muted_by: Arc<[String]>,
    /// Whether nothing could be decided.
    pub(super) has_failed: bool,
}

/// Why an alert would not be told now, for those who look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prediction {
    /// The alert that inhibits it.
    pub inhibited_by: Option<Fingerprint>,
    /// The ids of the silences that mute it, sorted.
    pub silenced_by: Vec<Arc<str>>,
}

impl Tenant {
    /// Why alerts of these labels would be kept back now.
    #[must_use]
    pub fn predict(&self, labels: &LabelSet, now: WallTime) -> Prediction {
        Prediction {
            inhibited_by: self.inhibited_by(labels, now).map(|(source, _)| source),
            silenced_by: self.silences.muting(labels, now),
        }
    }

    fn inhibited_by(&self, labels: &LabelSet, now: WallTime) -> Option<(Fingerprint, usize)> {
        let known = |source| self.alerts.alert(source);
        self.inhibitor
            .source_of(&self.policy.inhibit_rules, labels, now, known)
    }

    /// The stages, for the alerts of a flush of a route.
    pub(super) fn let_pass(
        &self,
        route: RouteIndex,
        alerts: Vec<TellAlert>,
        now: WallTime,
    ) -> Passed {
        let mut passed = Passed::default();
        let mut inhibited = Vec::new();
        passed.alerts = alerts;
        passed.alerts.retain(|it| {
            let by = self.inhibited_by(&it.alert.labels, now);
            let is_free = by.is_none();
            inhibited.extend(by.map(|(source, rule)| InhibitedBy {
                alert: it.alert.fingerprint(),
                source,
                rule: u32::try_from(rule).unwrap_or(u32::MAX),
                rule_name: self.policy.inhibit_rules[rule].name.clone(),
            }));
            is_free
        });
        if !inhibited.is_empty() {
            passed
                .verdicts
                .push(Verdict::Inhibited { alerts: inhibited });
        }
        if !passed.alerts.is_empty() {
            self.ask_intervals(route, now, &mut passed);
        }
        let mut silenced = Vec::new();
        passed.alerts.retain(|it| {
            let by = self.silences.muting(&it.alert.labels, now);
            let is_free = by.is_empty();
            if !is_free {
                silenced.push((it.alert.fingerprint(), by));
            }
            is_free
        });
        if !silenced.is_empty() {
            passed.verdicts.push(Verdict::Silenced { alerts: silenced });
        }
        passed
    }

    fn ask_intervals(&self, route: RouteIndex, now: WallTime, passed: &mut Passed) {
        let route = self.policy.routes.route(route);
        let alerts = passed.alerts.len();
        let active = on(&self.policy, &route.active_time_intervals, now);
        let mute = on(&self.policy, &route.mute_time_intervals, now);
        let verdict = match (active, mute) {
            (Ok(active), _) if active.is_empty() && !route.active_time_intervals.is_empty() => {
                passed.muted_by = route.active_time_intervals.clone().into();
                let names = Arc::clone(&passed.muted_by);
                Verdict::OutsideActiveIntervals { names, alerts }
            }
            (Err(name), _) | (Ok(_), Err(name)) => {
                passed.has_failed = true;
                Verdict::UnknownInterval { name }
            }
            (Ok(_), Ok(mute)) if mute.is_empty() => return,
            (Ok(_), Ok(mute)) => {
                passed.muted_by = mute.into();
                let names = Arc::clone(&passed.muted_by);
                Verdict::InMuteIntervals { names, alerts }
            }
        };
        passed.verdicts.push(verdict);
        passed.alerts.clear();
    }
}

/// The names of the intervals that are on, once for each part of one that is; or the name of one that
/// there is not.
fn on(policy: &Policy, names: &[String], now: WallTime) -> Result<Vec<String>, String> {
    let at = jiff::Timestamp::from_nanosecond(i128::from(now.0)).unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        let parts = policy.time_intervals.get(name).ok_or(name)?;
        let on = parts.iter().filter(|part| part.contains(at));
        found.extend(on.map(|_| name.clone()));
    }
    Ok(found)
}
