use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::{Matcher, Mode, Operator};

fn matchers(texts: &[&str]) -> Matchers {
    let read = texts.iter().flat_map(|text| {
        let parsed = Mode::default().parse_matchers(text);
        parsed.unwrap().value
    });
    read.collect::<Matchers>().sorted()
}

fn route(texts: &[&str], routes: Vec<RouteSpec>) -> RouteSpec {
    RouteSpec {
        matchers: matchers(texts),
        routes,
        ..RouteSpec::default()
    }
}

fn grouped_by(names: &[&str]) -> Option<GroupBy> {
    let names = names.iter().map(|name| (*name).to_owned());
    Some(GroupBy::Labels(names.collect()))
}

#[test]
fn keys_and_ids_are_those_of_alertmanager() {
    let first = [
        r#"z="1""#,
        r#"svc=~"^(?:a|b)$""#,
        r#"c=~"^(?:)$""#,
        r#"m="q\"t""#,
    ];
    let first = [first.as_slice(), &[r#""u v"="w", k!~".*""#]].concat();
    let tree = RouteTree::new(route(
        &[],
        vec![
            route(&first, vec![route(&[], vec![]), route(&[], vec![])]),
            route(&["🙂=b", r#"a="'x'""#], vec![]),
            route(&[], vec![]),
        ],
    ));
    let seen: Vec<_> = tree
        .walk()
        .into_iter()
        .map(|index| (index.0, tree.key(index), tree.id(index)))
        .collect();
    let long = r#"{}/{c=~"^(?:)$",k!~".*",m="q\"t",svc=~"^(?:a|b)$","u v"="w",z="1"}"#;
    let expected = [
        (5, "{}".to_owned(), "{}".to_owned()),
        (2, long.to_owned(), format!("{long}/0")),
        (0, format!("{long}/{{}}"), format!("{long}/0/{{}}/0")),
        (1, format!("{long}/{{}}"), format!("{long}/0/{{}}/1")),
        (
            3,
            r#"{}/{a="'x'",🙂="b"}"#.to_owned(),
            r#"{}/{a="'x'",🙂="b"}/1"#.to_owned(),
        ),
        (4, "{}/{}".to_owned(), "{}/{}/2".to_owned()),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn an_alert_takes_the_first_way_and_those_behind_routes_that_continue() {
    let with_continue = |mut spec: RouteSpec| {
        spec.continues = true;
        spec
    };
    let tree = RouteTree::new(route(
        &[],
        vec![
            with_continue(route(
                &["service=~\"mysql|cassandra\""],
                vec![route(&["severity=critical"], vec![])],
            )),
            route(&["severity=warning"], vec![]),
            route(&["service=mysql"], vec![]),
            route(&["team!=db"], vec![]),
        ],
    ));
    let ways = [
        vec![
            ("service", "mysql"),
            ("severity", "critical"),
            ("team", "db"),
        ],
        vec![("service", "mysql"), ("severity", "warning")],
        vec![("service", "redis")],
        vec![("service", "redis"), ("team", "db")],
    ];
    let keys = ways.map(|labels| {
        let found = tree.matching(&LabelSet::new(labels));
        found.into_iter().map(|index| index.0).collect::<Vec<_>>()
    });
    assert_eq!(keys, [vec![0, 3], vec![1, 2], vec![4], vec![5]]);
}

#[test]
fn what_is_absent_is_inherited_and_lists_of_groups_replace() {
    let child = |group_by, routes| RouteSpec {
        group_by,
        routes,
        ..RouteSpec::default()
    };
    let tree = RouteTree::new(RouteSpec {
        receiver: Some("root".to_owned()),
        group_by: grouped_by(&["a", "b"]),
        group_wait: Some(Duration::from_secs(1)),
        mute_time_intervals: vec!["night".to_owned()],
        labels: BTreeMap::from([("k".to_owned(), "1".to_owned())]),
        routes: vec![
            child(Some(GroupBy::All), vec![child(None, vec![])]),
            child(grouped_by(&[]), vec![]),
            RouteSpec {
                receiver: Some("own".to_owned()),
                labels: BTreeMap::from([("l".to_owned(), "2".to_owned())]),
                ..child(None, vec![])
            },
        ],
        ..RouteSpec::default()
    });
    let seen: Vec<_> = tree
        .walk()
        .into_iter()
        .map(|index| {
            let route = tree.route(index);
            let groups: Vec<_> = route.group_by.iter().cloned().collect();
            let labels: Vec<_> = route.labels.keys().cloned().collect();
            format!(
                "{} {}{} {} {} {} {}",
                route.receiver,
                groups.join("+"),
                if route.group_by_all { " all" } else { "" },
                route.group_wait,
                route.repeat_interval,
                route.mute_time_intervals.len(),
                labels.join("+"),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            "root a+b 1s 4h 1 k",
            "root a+b all 1s 4h 0 k",
            "root a+b all 1s 4h 0 k",
            "root  1s 4h 0 k",
            "own a+b 1s 4h 0 k+l",
        ]
    );
}

#[test]
fn a_group_has_the_labels_that_the_alert_has_of_the_list() {
    let tree = RouteTree::new(RouteSpec {
        group_by: grouped_by(&["alertname", "cluster", "absent"]),
        ..RouteSpec::default()
    });
    let labels = LabelSet::new([("alertname", "X\"Y"), ("cluster", "eu"), ("instance", "1")]);
    let group = tree.group_labels(tree.root(), &labels);
    assert_eq!(
        tree.group_key(tree.root(), &group),
        r#"{}:{alertname="X\"Y", cluster="eu"}"#
    );
}

/// The rule as it is told: recursive, and every child is asked.
fn naive(tree: &RouteTree, index: RouteIndex, labels: &LabelSet, found: &mut Vec<RouteIndex>) {
    let before = found.len();
    for child in &tree.route(index).children {
        let child_route = tree.route(*child);
        if child_route.matchers.matches(labels) {
            naive(tree, *child, labels, found);
            if !child_route.continues {
                break;
            }
        }
    }
    if found.len() == before {
        found.push(index);
    }
}

fn any_matcher() -> impl Strategy<Value = Matcher> + Clone {
    let operator = prop::sample::select(vec![
        Operator::Equal,
        Operator::Equal,
        Operator::NotEqual,
        Operator::Regex,
        Operator::NotRegex,
    ]);
    let value = prop::sample::select(vec![
        "", "x", "y", "z", "x|y", "y|", "x.*", "x?.*", "xy.*", ".+", "[xy]",
    ]);
    ("[abc]", operator, value)
        .prop_map(|(name, operator, value)| Matcher::new(name, operator, value).unwrap())
}

fn any_route(children: usize) -> impl Strategy<Value = RouteSpec> {
    let node = (prop::collection::vec(any_matcher(), 0..3), any::<bool>());
    let leaf = node.clone().prop_map(|(matchers, continues)| RouteSpec {
        matchers: Matchers::new(matchers),
        continues,
        ..RouteSpec::default()
    });
    leaf.prop_recursive(3, 200, 24, move |inner| {
        (node.clone(), prop::collection::vec(inner, 0..children)).prop_map(
            |((matchers, continues), routes)| RouteSpec {
                matchers: Matchers::new(matchers),
                continues,
                routes,
                ..RouteSpec::default()
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_index_changes_no_answer(
        root in any_route(24),
        alerts in prop::collection::vec(
            prop::collection::btree_map("[abcd]", "[xyz]{0,3}|é", 0..4),
            1..8,
        ),
    ) {
        let tree = RouteTree::new(root);
        for labels in alerts {
            let labels = LabelSet::new(&labels);
            let mut expected = Vec::new();
            naive(&tree, tree.root(), &labels, &mut expected);
            prop_assert_eq!(tree.matching(&labels), expected);
        }
    }
}

#[test]
fn a_tree_may_be_as_deep_as_its_file() {
    let depth = 50_000;
    let mut spec = route(&["a=b"], vec![]);
    for _ in 0..depth {
        spec = route(&["a=b"], vec![spec]);
    }
    let tree = RouteTree::new(spec);
    let found = tree.matching(&LabelSet::new([("a", "b")]));
    let names: BTreeSet<_> = tree.walk().into_iter().collect();
    assert_eq!((found, names.len()), (vec![RouteIndex(0)], depth + 1));
}
