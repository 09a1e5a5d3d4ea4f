//! The way of an alert through the tree.

use super::{LabelSet, Route, RouteIndex, RouteTree};

/// A route that the alert has entered.
struct Entered<'t> {
    route: &'t Route,
    /// The places of the children that are still to be asked, the next one last.
    waiting: Vec<u32>,
    /// Whether a child took the alert.
    is_taken: bool,
}

impl<'t> Entered<'t> {
    fn new(route: &'t Route, labels: &LabelSet) -> Self {
        let mut waiting = match &route.child_index {
            Some(index) => index.candidates(labels),
            None => (0..).take(route.children.len()).collect(),
        };
        waiting.reverse();
        Self {
            route,
            waiting,
            is_taken: false,
        }
    }
}

/// The routes that take an alert.
pub(super) fn matching(tree: &RouteTree, labels: &LabelSet) -> Vec<RouteIndex> {
    let mut found = Vec::new();
    // The root takes whatever nobody else does, so its matchers, which it must not have, are not asked.
    let mut path = vec![Entered::new(tree.route(tree.root()), labels)];
    while let Some(top) = path.last_mut() {
        if let Some(place) = top.waiting.pop() {
            let child = tree.route(top.route.children[place as usize]);
            if !child.matchers.matches(labels) {
                continue;
            }
            // Whatever an entered route does, it or a route below it takes the alert.
            top.is_taken = true;
            if !child.continues {
                top.waiting.clear();
            }
            path.push(Entered::new(child, labels));
            continue;
        }
        if !top.is_taken {
            found.push(top.route.index);
        }
        path.pop();
    }
    found
}
