//! The tree of routes: which receiver an alert goes to, and with which others.
//!
//! An alert enters at the root. At a node that it matches it tries the children in order: the first
//! that takes it ends the search unless that child says `continue`; if none takes it, the node itself
//! does. Nodes are numbered after their children, as Alertmanager numbers them, so the root has the
//! highest number.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Duration, LabelSet, Matchers};

/// A route as it is written: what is absent is inherited.
#[derive(Debug, Clone, Default)]
pub struct RouteSpec {
    /// Where notifications go.
    pub receiver: Option<String>,
    /// What alerts are grouped by; an empty list is one, too.
    pub group_by: Option<GroupBy>,
    /// What an alert must match, sorted.
    pub matchers: Matchers,
    /// Whether later siblings are tried although this one took the alert.
    pub continues: bool,
    /// How long a new group waits for more alerts.
    pub group_wait: Option<Duration>,
    /// How long a group waits between notifications.
    pub group_interval: Option<Duration>,
    /// When an unchanged group is told of again.
    pub repeat_interval: Option<Duration>,
    /// Names of intervals in which nothing is sent. Not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of intervals outside of which nothing is sent. Not inherited.
    pub active_time_intervals: Vec<String>,
    /// Labels for templates; merged with those of the parent.
    pub labels: BTreeMap<String, String>,
    /// The children in order.
    pub routes: Vec<RouteSpec>,
}

/// What alerts of a route are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// All their labels (`...`).
    All,
    /// These labels.
    Labels(BTreeSet<String>),
}

/// The number of a route: nodes are counted after their children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteIndex(pub u32);

/// A node of the tree, with everything inherited.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its number.
    pub index: RouteIndex,
    /// Its parent, which the root lacks.
    pub parent: Option<RouteIndex>,
    /// Its children in order.
    pub children: Vec<RouteIndex>,
    /// Its place among its siblings, from 0.
    pub position: u32,
    /// What an alert must match, sorted.
    pub matchers: Matchers,
    /// Whether later siblings are tried although this one took the alert.
    pub continues: bool,
    /// Where notifications go.
    pub receiver: Arc<str>,
    /// Whether alerts are grouped by all their labels.
    pub group_by_all: bool,
    /// What alerts are grouped by; of no importance while they are by all labels, but inherited.
    pub group_by: Arc<BTreeSet<String>>,
    /// How long a new group waits for more alerts.
    pub group_wait: Duration,
    /// How long a group waits between notifications.
    pub group_interval: Duration,
    /// When an unchanged group is told of again.
    pub repeat_interval: Duration,
    /// Names of intervals in which nothing is sent.
    pub mute_time_intervals: Vec<String>,
    /// Names of intervals outside of which nothing is sent.
    pub active_time_intervals: Vec<String>,
    /// Labels for templates.
    pub labels: Arc<BTreeMap<String, String>>,
}

/// The routes of a configuration.
#[derive(Debug, Clone)]
pub struct RouteTree {
    /// In the order of their numbers.
    routes: Vec<Route>,
}

impl RouteTree {
    /// The tree of a root route.
    #[must_use]
    pub fn new(_root: RouteSpec) -> Self {
        Self { routes: Vec::new() }
    }

    /// How many routes there are, the root among them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Never: there is a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> RouteIndex {
        RouteIndex(u32::try_from(self.routes.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// A route by its number.
    #[must_use]
    pub fn get(&self, index: RouteIndex) -> Option<&Route> {
        self.routes.get(usize::try_from(index.0).ok()?)
    }

    /// All routes, parents before their children and siblings in order.
    #[must_use]
    pub fn walk(&self) -> Vec<RouteIndex> {
        Vec::new()
    }

    /// The routes that take an alert, in the order in which they do.
    #[must_use]
    pub fn matching(&self, _labels: &LabelSet) -> Vec<RouteIndex> {
        Vec::new()
    }

    /// The key of a route: `{}/{severity="critical"}`. Siblings may share it.
    #[must_use]
    pub fn key(&self, _index: RouteIndex) -> String {
        String::new()
    }

    /// The id of a route: its key with the place among siblings after each step, `{}/{a="b"}/0`.
    #[must_use]
    pub fn id(&self, _index: RouteIndex) -> String {
        String::new()
    }

    /// The labels of an alert by which a route groups it.
    #[must_use]
    pub fn group_labels(&self, _index: RouteIndex, labels: &LabelSet) -> LabelSet {
        labels.clone()
    }

    /// The key of a group of a route: `{}/{severity="critical"}:{alertname="X"}`.
    #[must_use]
    pub fn group_key(&self, _index: RouteIndex, _group_labels: &LabelSet) -> String {
        String::new()
    }
}
