//! The tree of routes: which receiver an alert goes to, and with which others.
//!
//! An alert enters at the root. At a node that it matches it tries the children in order: the first
//! that takes it ends the search unless that child says `continue`; if none takes it, the node itself
//! does. Nodes are numbered after their children, as Alertmanager numbers them, so the root has the
//! highest number.
//!
//! **Invariants**
//! * No way through the tree is recursive: it may be as deep as its file.
//! * A node with many children has an index of them ([`index`]), which changes how long an answer
//!   takes and never the answer.

mod build;
mod index;
mod matching;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Duration, LabelSet, Matchers};
use index::ChildIndex;

/// A route as it is written: what is absent is inherited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

impl RouteIndex {
    fn place(self) -> usize {
        self.0 as usize
    }
}

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
    /// Which children can match which labels, if there are so many that asking each takes long.
    child_index: Option<ChildIndex>,
}

/// The routes of a configuration.
#[derive(Debug, Clone)]
pub struct RouteTree {
    /// In the order of their numbers; never empty.
    routes: Vec<Route>,
}

impl RouteTree {
    /// The tree of a root route.
    #[must_use]
    pub fn new(root: RouteSpec) -> Self {
        Self {
            routes: build::routes(root),
        }
    }

    /// All routes in the order of their numbers, the root last.
    #[must_use]
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> RouteIndex {
        build::number(self.routes.len().saturating_sub(1))
    }

    /// A route of this tree.
    ///
    /// # Panics
    /// If the number is of another tree.
    #[must_use]
    pub fn route(&self, index: RouteIndex) -> &Route {
        &self.routes[index.place()]
    }

    /// All routes, parents before their children and siblings in order.
    #[must_use]
    pub fn walk(&self) -> Vec<RouteIndex> {
        let mut order = Vec::with_capacity(self.routes.len());
        let mut waiting = vec![self.root()];
        while let Some(index) = waiting.pop() {
            order.push(index);
            waiting.extend(self.route(index).children.iter().rev());
        }
        order
    }

    /// The routes that take an alert, in the order in which they do; there is always one.
    #[must_use]
    pub fn matching(&self, labels: &LabelSet) -> Vec<RouteIndex> {
        matching::matching(self, labels)
    }

    /// The key of a route: `{}/{severity="critical"}`. Siblings may share it.
    #[must_use]
    pub fn key(&self, index: RouteIndex) -> String {
        self.path(index)
            .iter()
            .map(|route| route.matchers.to_string())
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The id of a route: its key with its place among its siblings behind each step,
    /// `{}/{severity="critical"}/0`.
    #[must_use]
    pub fn id(&self, index: RouteIndex) -> String {
        self.path(index)
            .iter()
            .map(|route| match route.parent {
                None => route.matchers.to_string(),
                Some(_) => format!("{}/{}", route.matchers, route.position),
            })
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The labels of an alert by which a route groups it.
    #[must_use]
    pub fn group_labels(&self, index: RouteIndex, labels: &LabelSet) -> LabelSet {
        let route = self.route(index);
        if route.group_by_all {
            return labels.clone();
        }
        labels.filter(|name| route.group_by.contains(name))
    }

    /// The key of a group of a route: `{}/{severity="critical"}:{alertname="X"}`.
    #[must_use]
    pub fn group_key(&self, index: RouteIndex, group_labels: &LabelSet) -> String {
        format!("{}:{group_labels}", self.key(index))
    }

    /// The routes from the root to this one.
    fn path(&self, index: RouteIndex) -> Vec<&Route> {
        let first = Some(self.route(index));
        let up = |route: &&Route| route.parent.map(|parent| self.route(parent));
        let mut path: Vec<_> = std::iter::successors(first, up).collect();
        path.reverse();
        path
    }
}

#[cfg(test)]
mod tests;
