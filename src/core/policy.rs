//! What is done with alerts: the configuration, as far as the core has to know it.
//!
//! Plain values. Whoever reads the configuration makes one and hands it over; the core never looks
//! beyond it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{Duration, LabelSet, Matchers, RouteIndex, RouteTree, TimeInterval};

use super::event::Event;
use super::groups::GroupName;
use super::limits::Limits;
use crate::sys::WallTime;

/// Alertmanager 0.34: `global.resolve_timeout`.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Alertmanager 0.34: `--data.retention`.
const RETENTION: Duration = Duration::from_secs(120 * 60 * 60);

/// What to do with a notification of which a crash left unknown whether it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInDoubt {
    /// Send it again, with the same idempotency key.
    #[default]
    Resend,
    /// Take it as sent.
    Skip,
}

/// One integration of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Its kind, `webhook` for instance.
    pub name: Arc<str>,
    /// Its place among those of its kind in the receiver, from 0.
    pub index: u32,
    /// Whether it is told of resolved alerts.
    pub send_resolved: bool,
    /// What to do with a notification in doubt.
    pub on_in_doubt: OnInDoubt,
}

/// A rule by which some alerts keep others quiet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InhibitRule {
    /// Its name; empty if it has none.
    pub name: String,
    /// Which alerts inhibit.
    pub source: Matchers,
    /// Which are inhibited.
    pub target: Matchers,
    /// The labels that both must have in common; a missing one counts as empty.
    pub equal: Vec<String>,
}

/// A route with what is asked of it often.
#[derive(Debug)]
pub(super) struct RoutePlan {
    /// Its key.
    pub(super) key: Arc<str>,
    /// Its id: the key with its place among its siblings behind each step.
    pub(super) id: Arc<str>,
    /// Which of the routes with that key it is, in the order of the tree.
    pub(super) ordinal: u32,
}

/// The configuration of a tenant.
#[derive(Debug)]
pub struct Policy {
    /// Tells configurations apart: equal hash, equal policy.
    pub hash: u64,
    /// Which receiver an alert goes to.
    pub routes: RouteTree,
    /// The integrations of each receiver, in the order in which they are told.
    pub receivers: BTreeMap<Arc<str>, Vec<Integration>>,
    /// Who inhibits whom.
    pub inhibit_rules: Vec<InhibitRule>,
    /// The named time intervals.
    pub time_intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// When an alert without an end is taken as ended.
    pub resolve_timeout: Duration,
    /// How long notification log entries and expired silences are kept.
    pub retention: Duration,
    /// How long downtime may keep an alert firing beyond its end.
    pub recovery_grace: Duration,
    /// How much there may be.
    pub limits: Limits,
    plans: Vec<RoutePlan>,
    ordinals: u32,
    by_key: HashMap<(Arc<str>, u32), RouteIndex>,
}

impl Policy {
    /// A policy of these routes and receivers, with Alertmanager's defaults for everything else.
    #[must_use]
    pub fn new(routes: RouteTree, receivers: BTreeMap<Arc<str>, Vec<Integration>>) -> Self {
        let mut used: HashMap<Arc<str>, u32> = HashMap::new();
        let mut by_key = HashMap::new();
        let mut plans: BTreeMap<RouteIndex, RoutePlan> = BTreeMap::new();
        for index in routes.walk() {
            let key: Arc<str> = routes.key(index).into();
            let next = used.entry(Arc::clone(&key)).or_default();
            let ordinal = *next;
            *next += 1;
            by_key.insert((Arc::clone(&key), ordinal), index);
            let id = routes.id(index).into();
            plans.insert(index, RoutePlan { key, id, ordinal });
        }
        Self {
            hash: 0,
            routes,
            receivers,
            inhibit_rules: Vec::new(),
            time_intervals: BTreeMap::new(),
            resolve_timeout: RESOLVE_TIMEOUT,
            retention: RETENTION,
            recovery_grace: RESOLVE_TIMEOUT,
            limits: Limits::default(),
            plans: plans.into_values().collect(),
            ordinals: used.into_values().max().unwrap_or_default(),
            by_key,
        }
    }

    /// The route with that key and ordinal.
    pub(super) fn route_of(&self, key: &str, ordinal: u32) -> Option<RouteIndex> {
        self.by_key.get(&(Arc::from(key), ordinal)).copied()
    }

    pub(super) fn plan(&self, route: RouteIndex) -> &RoutePlan {
        &self.plans[route.0 as usize]
    }

    /// That a group of a route came into being.
    pub(super) fn group_created(
        &self,
        group: GroupName,
        route: RouteIndex,
        due_at: WallTime,
    ) -> Event {
        Event::GroupCreated {
            group,
            route: Arc::clone(&self.plan(route).id),
            receiver: Arc::clone(&self.routes.route(route).receiver),
            due_at,
        }
    }

    /// As many as there are routes with one key at most.
    pub(super) fn ordinals(&self) -> u32 {
        self.ordinals
    }

    /// The key of a group of a route.
    pub(super) fn group_key(&self, route: RouteIndex, labels: &LabelSet) -> String {
        format!("{}:{labels}", self.plan(route).key)
    }

    /// The integrations of the receiver of a route; `None` if there is no such receiver.
    pub(super) fn integrations(&self, route: RouteIndex) -> Option<&[Integration]> {
        let receiver = &self.routes.route(route).receiver;
        self.receivers.get(receiver).map(Vec::as_slice)
    }
}
