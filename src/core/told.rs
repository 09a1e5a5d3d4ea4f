//! The alerts of a flush: copied at the tick, judged at the tick, in the order in which they are told.

use std::cmp::Ordering;

use crate::model::LabelSet;
use crate::sys::WallTime;

use super::alert::{Alert, notification_hash};
use super::groups::Group;
use super::notification::TellAlert;
use super::tenant::Tenant;

impl Tenant {
    /// The alerts of a group as they are now.
    pub(super) fn freeze(&self, group: &Group, now: WallTime) -> Vec<TellAlert> {
        let alerts = group.alerts.iter().filter_map(|it| self.alerts.alert(*it));
        let mut frozen: Vec<TellAlert> = alerts
            .map(|alert| TellAlert {
                alert: std::sync::Arc::clone(alert),
                is_resolved: alert.is_resolved_at(now),
                hash: notification_hash(&alert.labels),
            })
            .collect();
        frozen.sort_by(|one, other| order(&one.alert, &other.alert));
        frozen
    }
}

/// Alertmanager 0.34: by `job`, then by `instance`, then by all labels.
#[must_use]
pub fn order(one: &Alert, other: &Alert) -> Ordering {
    by_label("job", &one.labels, &other.labels)
        .then_with(|| by_label("instance", &one.labels, &other.labels))
        .then_with(|| one.labels.cmp(&other.labels))
}

/// One that has the label comes before one that lacks it.
fn by_label(name: &str, one: &LabelSet, other: &LabelSet) -> Ordering {
    match (one.get(name), other.get(name)) {
        (Some(one), Some(other)) => one.cmp(other),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}
