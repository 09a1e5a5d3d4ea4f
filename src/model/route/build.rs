//! From routes as they are written to the tree: inheritance and numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::index::ChildIndex;
use super::{Duration, GroupBy, Route, RouteIndex, RouteSpec};

/// What the root has where it says nothing. Alertmanager 0.34: `dispatch/route.go`.
const GROUP_WAIT: Duration = Duration::from_secs(30);
const GROUP_INTERVAL: Duration = Duration::from_secs(5 * 60);
const REPEAT_INTERVAL: Duration = Duration::from_secs(4 * 60 * 60);

/// What a route has where it says nothing.
struct Inherited {
    receiver: Arc<str>,
    group_by_all: bool,
    group_by: Arc<BTreeSet<String>>,
    group_wait: Duration,
    group_interval: Duration,
    repeat_interval: Duration,
    labels: Arc<BTreeMap<String, String>>,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            receiver: "".into(),
            group_by_all: false,
            group_by: Arc::default(),
            group_wait: GROUP_WAIT,
            group_interval: GROUP_INTERVAL,
            repeat_interval: REPEAT_INTERVAL,
            labels: Arc::default(),
        }
    }
}

impl From<&Route> for Inherited {
    fn from(parent: &Route) -> Self {
        Self {
            receiver: Arc::clone(&parent.receiver),
            group_by_all: parent.group_by_all,
            group_by: Arc::clone(&parent.group_by),
            group_wait: parent.group_wait,
            group_interval: parent.group_interval,
            repeat_interval: parent.repeat_interval,
            labels: Arc::clone(&parent.labels),
        }
    }
}

/// A route whose children are being numbered.
struct Open {
    route: Route,
    waiting: std::vec::IntoIter<RouteSpec>,
}

/// All routes in the order of their numbers.
pub(super) fn routes(root: RouteSpec) -> Vec<Route> {
    let mut done: Vec<Route> = Vec::new();
    let mut open = vec![begin(root, None, 0)];
    while let Some(top) = open.last_mut() {
        if let Some(child) = top.waiting.next() {
            // Places are counted while children wait, for those before have their numbers already.
            let position = number(top.route.children.len()).0;
            let child = begin(child, Some(&top.route), position);
            open.push(child);
            continue;
        }
        let Some(Open { mut route, .. }) = open.pop() else {
            break;
        };
        route.index = number(done.len());
        for child in &route.children {
            done[child.place()].parent = Some(route.index);
        }
        let children = route.children.iter().map(|child| &done[child.place()]);
        route.child_index = ChildIndex::new(children.map(|child| &child.matchers));
        if let Some(parent) = open.last_mut() {
            parent.route.children.push(route.index);
        }
        done.push(route);
    }
    done
}

/// A number; a tree of more routes than 32 bits count does not fit into memory.
pub(super) fn number(place: usize) -> RouteIndex {
    RouteIndex(u32::try_from(place).unwrap_or(u32::MAX))
}

/// A route with what it inherits, before its children.
fn begin(spec: RouteSpec, parent: Option<&Route>, position: u32) -> Open {
    let inherited = parent.map_or_else(Inherited::default, Inherited::from);
    let (group_by_all, group_by) = match spec.group_by {
        None => (inherited.group_by_all, inherited.group_by),
        // The list stays, for a child that groups by nothing of its own.
        Some(GroupBy::All) => (true, inherited.group_by),
        Some(GroupBy::Labels(names)) => (false, Arc::new(names)),
    };
    let mut labels = inherited.labels;
    if !spec.labels.is_empty() {
        Arc::make_mut(&mut labels).extend(spec.labels);
    }
    let receiver = spec.receiver.filter(|name| !name.is_empty());
    Open {
        route: Route {
            index: RouteIndex(0),
            parent: None,
            children: Vec::with_capacity(spec.routes.len()),
            position,
            matchers: spec.matchers,
            continues: spec.continues,
            receiver: receiver.map_or(inherited.receiver, Arc::from),
            group_by_all,
            group_by,
            group_wait: spec.group_wait.unwrap_or(inherited.group_wait),
            group_interval: spec.group_interval.unwrap_or(inherited.group_interval),
            repeat_interval: spec.repeat_interval.unwrap_or(inherited.repeat_interval),
            mute_time_intervals: spec.mute_time_intervals,
            active_time_intervals: spec.active_time_intervals,
            labels,
            child_index: None,
        },
        waiting: spec.routes.into_iter(),
    }
}
