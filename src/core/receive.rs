//! Alerts arrive: into the store, into the groups of their routes, into the index of inhibition.
//!
//! Everything is done in the order of the log, so two updates of one alert cannot overtake each other
//! (hazard H14), and no alert is given up because two arrive at once (H9).

use std::sync::Arc;

use crate::model::{Fingerprint, LabelSet, RouteIndex};
use crate::record::{AlertBatchV1, AlertTouchV1, AlertV1, Lsn};
use crate::sys::WallTime;

use super::alert::Alert;
use super::event::Event;
use super::groups::{Group, GroupName};
use super::tenant::Tenant;
use super::time::after;

impl Tenant {
    pub(super) fn receive_batch(&mut self, lsn: Lsn, batch: AlertBatchV1, events: &mut Vec<Event>) {
        let at = WallTime(batch.received_at_ns);
        for received in batch.alerts {
            let (fingerprint, alert) = self.read(lsn, at, received);
            self.arrived(fingerprint);
            let alert = match self.alerts.alert(fingerprint) {
                Some(known) => Arc::new(alert.received_after(known)),
                None => {
                    let alert = Arc::new(alert);
                    events.push(Event::AlertCreated(Arc::clone(&alert)));
                    alert
                }
            };
            let is_source = self.index_source(fingerprint, &alert);
            self.alerts.put(fingerprint, alert);
            if let Some(stored) = self.alerts.get_mut(fingerprint) {
                stored.is_source = is_source;
                if stored.is_partial {
                    self.place(fingerprint, at, events);
                }
            }
        }
    }

    pub(super) fn receive_touches(
        &mut self,
        lsn: Lsn,
        touches: &AlertTouchV1,
        events: &mut Vec<Event>,
    ) {
        let at = WallTime(touches.received_at_ns);
        for touch in &touches.touches {
            let fingerprint = Fingerprint(touch.fingerprint);
            let ends_at = WallTime(touch.ends_at_ns);
            let touched = self.alerts.change(fingerprint, |alert| {
                alert.touch(ends_at, touch.is_timeout, at, lsn);
            });
            let Some(stored) = touched else {
                let alert = fingerprint;
                events.push(Event::UnknownTouched { alert });
                continue;
            };
            let (is_source, is_partial) = (stored.is_source, stored.is_partial);
            if is_source && let Some(alert) = self.alerts.alert(fingerprint).map(Arc::clone) {
                self.index_source(fingerprint, &alert);
            }
            if is_partial {
                self.place(fingerprint, at, events);
            }
        }
    }

    fn index_source(&mut self, fingerprint: Fingerprint, alert: &Alert) -> bool {
        let (alerts, rules) = (&self.alerts, &self.policy.inhibit_rules);
        self.inhibitor
            .received(rules, fingerprint, alert, |other| alerts.alert(other))
    }

    fn read(&mut self, lsn: Lsn, at: WallTime, received: AlertV1) -> (Fingerprint, Alert) {
        let labels = LabelSet::new(received.labels);
        let alert = Alert {
            annotations: LabelSet::new(received.annotations),
            generator_url: self.alerts.url(&received.generator_url),
            starts_at: WallTime(received.starts_at_ns),
            ends_at: WallTime(received.ends_at_ns),
            updated_at: at,
            version: lsn,
            is_timeout: received.is_timeout,
            labels,
        };
        (alert.fingerprint(), alert)
    }

    /// Puts an alert into every group that it belongs to, and makes those that are missing.
    pub(super) fn place(
        &mut self,
        fingerprint: Fingerprint,
        now: WallTime,
        events: &mut Vec<Event>,
    ) {
        let Some(alert) = self.alerts.alert(fingerprint).map(Arc::clone) else {
            return;
        };
        let policy = Arc::clone(&self.policy);
        let mut is_partial = false;
        for route in policy.routes.matching(&alert.labels) {
            let labels = policy.routes.group_labels(route, &alert.labels);
            let name = self.group_name(route, &labels);
            let known = self.groups.find(&name);
            let limit = policy.limits.groups;
            if known.is_none() && limit.is_some_and(|limit| self.groups.len() >= limit as usize) {
                is_partial = true;
                events.push(Event::GroupLimited {
                    group_key: name.key,
                    alert: fingerprint,
                });
                continue;
            }
            let group = known.unwrap_or_else(|| {
                let due = first_flush(&alert, policy.routes.route(route).group_wait, now);
                events.push(policy.group_created(name.clone(), route, due));
                let group = Group::new(name.clone(), route, labels, now, due);
                self.groups.insert(group)
            });
            if self.groups.add(group, fingerprint) {
                events.push(Event::AlertPlaced {
                    group: name,
                    alert: fingerprint,
                });
            }
            if let Some(stored) = self.alerts.get_mut(fingerprint) {
                stored.groups.add(group);
            }
        }
        if let Some(stored) = self.alerts.get_mut(fingerprint) {
            stored.is_partial = is_partial;
        }
    }

    pub(super) fn group_name(&self, route: RouteIndex, labels: &LabelSet) -> GroupName {
        GroupName {
            key: self.policy.group_key(route, labels).into(),
            ordinal: self.policy.plan(route).ordinal,
        }
    }
}

/// When a new group is flushed: after `group_wait`, or at once if its alert has waited as long already.
/// Alertmanager 0.34: asked of the alert that makes the group, and of no other.
pub(super) fn first_flush(
    alert: &Alert,
    group_wait: crate::model::Duration,
    now: WallTime,
) -> WallTime {
    match after(alert.starts_at, group_wait) < now {
        true => now,
        false => after(now, group_wait),
    }
}
