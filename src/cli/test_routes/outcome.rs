//! What becomes of an alert under a configuration, and how that compares.

use std::collections::BTreeMap;

use serde::Serialize;

use super::file::{Expect, Test};
use crate::cli::check_config::intervals_of;
use crate::config::Config;
use crate::model::{LabelSet, Matchers, RouteTree, TimeInterval};

/// A configuration, ready for alerts.
pub(super) struct Bench {
    tree: RouteTree,
    rules: Vec<Rule>,
    intervals: BTreeMap<String, Vec<TimeInterval>>,
}

struct Rule {
    sources: Matchers,
    targets: Matchers,
    equal: Vec<String>,
}

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub(super) what: String,
    pub(super) expected: String,
    pub(super) got: String,
}

/// What a route does with an alert.
struct Taken {
    receiver: String,
    group_labels: LabelSet,
    group_key: String,
    muted_by: Vec<String>,
}

impl Bench {
    pub(super) fn new(config: &Config) -> Self {
        let rules = config.inhibit_rules().iter().map(|rule| Rule {
            sources: rule.sources(),
            targets: rule.targets(),
            equal: rule.equal.clone(),
        });
        let intervals = intervals_of(config)
            .into_iter()
            .map(|named| (named.name.to_owned(), named.specs));
        Self {
            tree: config.route_tree(),
            rules: rules.collect(),
            intervals: intervals.collect(),
        }
    }

    /// Everything that is not as the test expects.
    pub(super) fn differences(&self, test: &Test) -> Vec<Difference> {
        let labels = test.label_set();
        let taken = self.taken(test, &labels);
        let expect = &test.expect;
        let mut found = Differences::default();
        let receivers: Vec<&str> = taken.iter().map(|route| route.receiver.as_str()).collect();
        if let Some(expected) = &expect.receivers {
            found.compare("receivers", listed(expected), listed(&receivers));
        }
        if let Some(expected) = expect.inhibited {
            let got = self.is_inhibited(test, &labels);
            found.compare("inhibited", expected.to_string(), got.to_string());
        }
        for route in &taken {
            let at = match taken.len() {
                1 => String::new(),
                _ => format!(" of the route to {}", route.receiver),
            };
            found.of_route(&at, &of_all(expect), route);
        }
        if let Some(routes) = &expect.routes {
            if routes.len() != taken.len() {
                let got = format!("{} ({})", taken.len(), listed(&receivers));
                found.compare("number of routes", routes.len().to_string(), got);
            }
            for (index, (expected, route)) in routes.iter().zip(&taken).enumerate() {
                let at = format!(" of route {}", index + 1);
                let of_one = OfRoute {
                    receiver: expected.receiver.as_deref(),
                    group_labels: expected.group_labels.as_ref(),
                    group_key: expected.group_key.as_deref(),
                    muted_by: expected.muted_by.as_deref(),
                };
                found.of_route(&at, &of_one, route);
            }
        }
        found.0
    }

    fn taken(&self, test: &Test, labels: &LabelSet) -> Vec<Taken> {
        let found = self.tree.matching(labels).into_iter();
        found
            .map(|index| {
                let route = self.tree.route(index);
                let group_labels = self.tree.group_labels(index, labels);
                Taken {
                    receiver: route.receiver.to_string(),
                    group_key: self.tree.group_key(index, &group_labels),
                    group_labels,
                    muted_by: test.time.map_or_else(Vec::new, |time| {
                        self.muted_by(
                            &route.mute_time_intervals,
                            &route.active_time_intervals,
                            time.0,
                        )
                    }),
                }
            })
            .collect()
    }

    /// Because of which intervals a route sends nothing at that time. Alertmanager 0.34 looks at the
    /// active ones first, and lists all of them if the time is in none.
    fn muted_by(&self, mute: &[String], active: &[String], at: jiff::Timestamp) -> Vec<String> {
        let is_inside = |name: &&String| {
            let specs = self.intervals.get(*name);
            specs.is_some_and(|specs| specs.iter().any(|spec| spec.contains(at)))
        };
        if !active.is_empty() && !active.iter().any(|name| is_inside(&name)) {
            return active.to_vec();
        }
        mute.iter().filter(is_inside).cloned().collect()
    }

    /// Whether one of the firing alerts inhibits the alert. An alert that is source and target of a
    /// rule is not inhibited by another that is both.
    fn is_inhibited(&self, test: &Test, labels: &LabelSet) -> bool {
        let firing: Vec<LabelSet> = test.firing.iter().map(LabelSet::new).collect();
        self.rules.iter().any(|rule| {
            let is_source = rule.sources.matches(labels);
            rule.targets.matches(labels)
                && firing.iter().any(|source| {
                    let is_equal = |name: &String| source.value(name) == labels.value(name);
                    rule.sources.matches(source)
                        && rule.equal.iter().all(is_equal)
                        && !(is_source && rule.targets.matches(source))
                })
        })
    }
}

/// What is expected of one route.
struct OfRoute<'e> {
    receiver: Option<&'e str>,
    group_labels: Option<&'e BTreeMap<String, String>>,
    group_key: Option<&'e str>,
    muted_by: Option<&'e [String]>,
}

fn of_all(expect: &Expect) -> OfRoute<'_> {
    OfRoute {
        receiver: None,
        group_labels: expect.group_labels.as_ref(),
        group_key: expect.group_key.as_deref(),
        muted_by: expect.muted_by.as_deref(),
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn compare(&mut self, what: &str, expected: String, got: String) {
        if expected != got {
            self.0.push(Difference {
                what: what.to_owned(),
                expected,
                got,
            });
        }
    }

    fn of_route(&mut self, at: &str, expected: &OfRoute<'_>, route: &Taken) {
        if let Some(receiver) = expected.receiver {
            let what = format!("receiver{at}");
            self.compare(&what, receiver.to_owned(), route.receiver.clone());
        }
        if let Some(labels) = expected.group_labels {
            let expected = LabelSet::new(labels).to_string();
            self.compare(
                &format!("group_labels{at}"),
                expected,
                route.group_labels.to_string(),
            );
        }
        if let Some(key) = expected.group_key {
            self.compare(
                &format!("group_key{at}"),
                key.to_owned(),
                route.group_key.clone(),
            );
        }
        if let Some(names) = expected.muted_by {
            self.compare(
                &format!("muted_by{at}"),
                listed(names),
                listed(&route.muted_by),
            );
        }
    }
}

fn listed(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    format!("[{}]", names.join(", "))
}
