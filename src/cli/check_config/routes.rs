//! Routes: can an alert get there, and does the timing make sense.

use std::collections::HashMap;

use super::finding::{Finding, Severity};
use super::logic::Known;
use crate::config::Loaded;
use crate::config::yaml::{Place, Step};
use crate::model::route::Route;
use crate::model::{Matcher, RouteIndex, RouteTree};

/// Where a route is written.
pub(super) fn place(loaded: &Loaded, tree: &RouteTree, index: RouteIndex) -> Option<Place> {
    let mut steps = Vec::new();
    let mut route = tree.route(index);
    while let Some(parent) = route.parent {
        steps.push(Step::Index(route.position as usize));
        steps.push(Step::Key("routes"));
        route = tree.route(parent);
    }
    steps.push(Step::Key("route"));
    steps.reverse();
    loaded.place(&steps)
}

fn about(tree: &RouteTree, route: &Route) -> String {
    format!("route {}", tree.key(route.index))
}

/// The matchers of a route and of those above it.
fn matchers<'t>(tree: &'t RouteTree, route: &'t Route) -> Known<'t> {
    let up = |route: &&'t Route| route.parent.map(|parent| tree.route(parent));
    let path = std::iter::successors(Some(route), up);
    Known::new(path.flat_map(|route| route.matchers.iter()))
}

/// All checks of routes.
pub(super) fn check(loaded: &Loaded, tree: &RouteTree, findings: &mut Vec<Finding>) {
    for index in tree.walk() {
        let route = tree.route(index);
        let reach = unreachable(tree, route).or_else(|| duplicate_sibling(tree, route));
        let found = reach.into_iter().chain(timing(tree, route));
        let place = place(loaded, tree, index);
        findings.extend(found.map(|finding| finding.about(about(tree, route)).at(place)));
        shadowed(loaded, tree, route, findings);
    }
}

/// A route whose matchers contradict each other, or those of the routes above it.
fn unreachable(tree: &RouteTree, route: &Route) -> Option<Finding> {
    let listed = |matchers: Vec<&Matcher>| {
        let texts: Vec<_> = matchers.into_iter().map(ToString::to_string).collect();
        texts.join(" and ")
    };
    if let Some(own) = Known::new(&route.matchers).contradiction() {
        let text = format!("no alert can match {}", listed(own));
        let finding = Finding::new(Severity::Error, "never-matches", text);
        return Some(finding.suggest("correct the matchers, or remove the route"));
    }
    // One finding for the topmost is enough.
    let parent = tree.route(route.parent?);
    if matchers(tree, parent).contradiction().is_some() {
        return None;
    }
    let all = matchers(tree, route).contradiction()?;
    let text = format!(
        "no alert gets here: together with the routes above it needs {}",
        listed(all)
    );
    let finding = Finding::new(Severity::Error, "unreachable", text);
    Some(finding.suggest("move the route out of its parent, or correct the matchers"))
}

/// A sibling before that continues and is the same in matchers and receiver: everything comes twice.
fn duplicate_sibling(tree: &RouteTree, route: &Route) -> Option<Finding> {
    let siblings = &tree.route(route.parent?).children;
    // Only the neighbour: equal ones stand together, and all pairs would be too many.
    let before = siblings.get((route.position as usize).checked_sub(1)?)?;
    let before = tree.route(*before);
    let is_same = before.continues
        && before.matchers == route.matchers
        && before.receiver == route.receiver
        && before.children.is_empty()
        && route.children.is_empty();
    is_same.then(|| {
        let text = format!(
            "it is the same as the route before it, which continues: {} is told everything twice",
            route.receiver
        );
        Finding::new(Severity::Warning, "notified-twice", text).suggest("remove one of the two")
    })
}

/// The children of a route that never get an alert, because one before takes them all.
fn shadowed(loaded: &Loaded, tree: &RouteTree, parent: &Route, findings: &mut Vec<Finding>) {
    // What takes alerts, by a value that it wants; a later route can only be shadowed by one whose
    // values include its own.
    let mut by_value: HashMap<(&str, &str), Vec<&Route>> = HashMap::new();
    let mut others: Vec<&Route> = Vec::new();
    for child in &parent.children {
        let child = tree.route(*child);
        let known = matchers(tree, child);
        if known.contradiction().is_some() {
            continue;
        }
        let wanted = known.names().into_iter().filter_map(|name| {
            let values = known.values(name)?;
            Some((name, *values.first()?))
        });
        let candidates = wanted.filter_map(|key| by_value.get(&key)).flatten();
        let taker = candidates
            .chain(&others)
            .find(|before| known.implies_all(&before.matchers));
        if let Some(taker) = taker {
            let text = format!(
                "no alert gets here: the route {} before it takes them all",
                taker.matchers
            );
            let mut finding = Finding::new(Severity::Warning, "shadowed", text)
                .about(about(tree, child))
                .at(place(loaded, tree, child.index));
            let line = place(loaded, tree, taker.index).map_or(0, |place| place.line);
            finding = finding.suggest(format!(
                "move it before that route (line {line}), or let that route `continue: true`"
            ));
            findings.push(finding);
            continue;
        }
        if child.continues {
            continue;
        }
        let listed = child
            .matchers
            .iter()
            .find_map(|matcher| Some((matcher.name(), matcher.only_values()?)));
        match listed {
            Some((name, values)) => {
                for value in values {
                    by_value.entry((name, value)).or_default().push(child);
                }
            }
            None => others.push(child),
        }
    }
}

/// Intervals that do not fit each other. Alertmanager warns of these when it loads the file; here it is
/// told where they are set, and not of every route that inherits them.
fn timing(tree: &RouteTree, route: &Route) -> Option<Finding> {
    let (group, repeat) = (route.group_interval, route.repeat_interval);
    let is_inherited = route.parent.is_some_and(|parent| {
        let parent = tree.route(parent);
        (parent.group_interval, parent.repeat_interval) == (group, repeat)
    });
    (repeat < group && !is_inherited).then(|| {
        let text = format!(
            "repeat_interval {repeat} is less than group_interval {group}: nothing repeats before the next group_interval"
        );
        Finding::new(Severity::Warning, "repeat-before-group", text)
            .suggest(format!("set repeat_interval to a multiple of {group}"))
    })
}
