//! A new policy: alerts are routed anew, and what was still to be told stays to be told.
//!
//! **Rules**
//! * A group whose route key and labels are there again keeps its timer, its flush in flight, and its
//!   alerts: also those that ended long ago and are still to be told of (hazard H13).
//! * An alert that fires goes to all groups of its routes. One that has ended goes where it was, and to
//!   groups that are new if it was still to be told somewhere; where it was told and forgotten it does
//!   not come back, unless its receiver is owed its end because of a group that is gone.
//! * A group without a place is dropped, and said so.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::Fingerprint;
use crate::sys::WallTime;

use super::alert::Alert;
use super::event::Event;
use super::groups::{Group, GroupName, Groups};
use super::inhibit::Inhibitor;
use super::policy::Policy;
use super::receive::first_flush;
use super::tenant::Tenant;

impl Tenant {
    /// Takes a new policy.
    pub(super) fn set_policy(
        &mut self,
        policy: Arc<Policy>,
        now: WallTime,
        events: &mut Vec<Event>,
    ) {
        let old = std::mem::take(&mut self.groups);
        let old = old.iter().map(|(_, group)| group.clone()).collect();
        self.regroup(policy, old, now, events);
    }

    /// Routes all alerts anew; groups are taken over from those given.
    pub(super) fn regroup(
        &mut self,
        policy: Arc<Policy>,
        old: Vec<Group>,
        now: WallTime,
        events: &mut Vec<Event>,
    ) {
        self.policy = policy;
        self.groups = Groups::default();
        let old: HashMap<GroupName, Group> = old
            .into_iter()
            .map(|group| (group.name.clone(), group))
            .collect();
        let mut places: HashMap<Fingerprint, Vec<GroupName>> = HashMap::new();
        for (name, group) in &old {
            for fingerprint in &group.alerts {
                places.entry(*fingerprint).or_default().push(name.clone());
            }
        }
        for fingerprint in self.alerts.sorted() {
            let places = places.get(&fingerprint).map_or(&[][..], Vec::as_slice);
            self.route_again(fingerprint, places, &old, now, events);
        }
        self.groups.forget_frozen_of_others();
        let mut dropped: Vec<Group> = old
            .into_values()
            .filter(|group| self.groups.find(&group.name).is_none())
            .collect();
        dropped.sort_by(|one, other| one.name.cmp(&other.name));
        for group in dropped {
            let is_resolved = |it: &&Fingerprint| {
                let alert = self.alerts.alert(**it);
                alert.is_some_and(|alert| alert.is_resolved_at(now))
            };
            events.push(Event::GroupDropped {
                unsent: group.alerts.iter().filter(is_resolved).count(),
                group_key: group.name.key,
            });
        }
        self.index_sources_again();
        self.alerts
            .count_names(self.policy.limits.alerts_per_name.is_some());
        self.take_strays();
    }

    fn route_again(
        &mut self,
        fingerprint: Fingerprint,
        places: &[GroupName],
        old: &HashMap<GroupName, Group>,
        now: WallTime,
        events: &mut Vec<Event>,
    ) {
        let Some(stored) = self.alerts.get_mut(fingerprint) else {
            return;
        };
        stored.groups = super::alerts::InGroups::None;
        stored.is_partial = true;
        let alert = Arc::clone(&stored.alert);
        let is_firing = !alert.is_resolved_at(now);
        if !is_firing && places.is_empty() {
            return;
        }
        let mut is_partial = false;
        let policy = Arc::clone(&self.policy);
        let gone = match is_firing {
            true => Vec::new(),
            false => self.places_gone(&alert, places),
        };
        for route in policy.routes.matching(&alert.labels) {
            let labels = policy.routes.group_labels(route, &alert.labels);
            let name = self.group_name(route, &labels);
            let was_there = old.get(&name).map(|_| places.contains(&name));
            if !is_firing && was_there == Some(false) && !self.is_end_owed(&alert, route, &gone) {
                is_partial = true;
                continue;
            }
            let due = first_flush(&alert, policy.routes.route(route).group_wait, now);
            let id = self.groups.find(&name);
            if id.is_none()
                && let Some(limit) = policy.limits.groups
                && was_there.is_none()
                && self.groups.len() >= limit as usize
            {
                is_partial = true;
                let group_key = name.key;
                let alert = fingerprint;
                events.push(Event::GroupLimited { group_key, alert });
                continue;
            }
            let id = id.unwrap_or_else(|| {
                if was_there.is_none() {
                    events.push(policy.group_created(name.clone(), route, due));
                }
                let mut group = Group::new(name.clone(), route, labels, now, due);
                if let Some(old) = old.get(&name) {
                    group.created_at = old.created_at;
                    group.next_flush_at = old.next_flush_at;
                    group.flush_index = old.flush_index;
                    group.frozen.clone_from(&old.frozen);
                    group.flight.clone_from(&old.flight);
                    group.is_catching_up = old.is_catching_up;
                }
                self.groups.insert(group)
            });
            self.groups.add(id, fingerprint);
            if was_there != Some(true) {
                let (group, alert) = (name, fingerprint);
                events.push(Event::AlertPlaced { group, alert });
            }
            if was_there.is_none() {
                // All alerts are here at once, so none of them has to be waited for.
                self.groups.change(id, |group| {
                    group.next_flush_at = group.next_flush_at.min(due);
                });
            }
            if let Some(stored) = self.alerts.get_mut(fingerprint) {
                stored.groups.add(id);
            }
        }
        if let Some(stored) = self.alerts.get_mut(fingerprint) {
            stored.is_partial = is_partial;
        }
    }

    /// The groups of an alert that none of its routes has any more.
    fn places_gone(&self, alert: &Alert, places: &[GroupName]) -> Vec<GroupName> {
        let routes = self.policy.routes.matching(&alert.labels).into_iter();
        let names: Vec<GroupName> = routes
            .map(|route| {
                let labels = self.policy.routes.group_labels(route, &alert.labels);
                self.group_name(route, &labels)
            })
            .collect();
        let gone = places.iter().filter(|place| !names.contains(place));
        gone.cloned().collect()
    }

    /// Files all alerts anew as sources, in the order in which they came.
    pub(super) fn index_sources_again(&mut self) {
        self.inhibitor = Inhibitor::new(&self.policy.inhibit_rules);
        let mut order: Vec<_> = self
            .alerts
            .sorted()
            .into_iter()
            .filter_map(|it| Some((self.alerts.alert(it)?.version, it)))
            .collect();
        order.sort_unstable();
        for (_, fingerprint) in order {
            let Some(alert) = self.alerts.alert(fingerprint).map(Arc::clone) else {
                continue;
            };
            let (alerts, rules) = (&self.alerts, &self.policy.inhibit_rules);
            let is_source = self
                .inhibitor
                .received(rules, fingerprint, &alert, |other| alerts.alert(other));
            if let Some(stored) = self.alerts.get_mut(fingerprint) {
                stored.is_source = is_source;
            }
        }
    }
}
