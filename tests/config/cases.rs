//! Every conformance case of the configuration: what Alertmanager 0.34 made of it, and what this does.
//!
//! The cases were obtained by running Alertmanager. One that made it crash has to be an error here.

use serde::Deserialize;
use serde_json::{Value, json};
use tocsin::config::{Options, load};
use tocsin::model::RouteTree;

#[derive(Deserialize)]
struct Case {
    name: String,
    yaml: String,
    result: String,
    error: Option<String>,
    rendered: Option<String>,
    routes: Option<Value>,
}

fn routes(tree: &RouteTree) -> Value {
    let walk = tree.walk();
    let described = walk.iter().map(|index| {
        let route = tree.route(*index);
        let mut described = json!({
            "idx": route.index.0,
            "key": tree.key(*index),
            "id": tree.id(*index),
            "receiver": &*route.receiver,
            "group_by": route.group_by.iter().collect::<Vec<_>>(),
            "group_by_all": route.group_by_all,
            "group_wait": route.group_wait.go(),
            "group_interval": route.group_interval.go(),
            "repeat_interval": route.repeat_interval.go(),
            "labels": &*route.labels,
        });
        for (key, names) in [
            ("mute_time_intervals", &route.mute_time_intervals),
            ("active_time_intervals", &route.active_time_intervals),
        ] {
            if !names.is_empty() {
                described[key] = json!(names);
            }
        }
        described
    });
    Value::Array(described.collect())
}

/// How a case differs from what was expected.
fn difference(case: &Case) -> Option<String> {
    let loaded = load(case.yaml.as_bytes(), &Options::default());
    match (case.result.as_str(), loaded) {
        ("ok", Ok(loaded)) => {
            let rendered = loaded.config.rendered();
            if Some(&rendered) != case.rendered.as_ref() {
                return Some(format!(
                    "is shown as\n{rendered}\ninstead of\n{:?}",
                    case.rendered
                ));
            }
            let routes = routes(&loaded.config.route_tree());
            match &case.routes {
                Some(expected) if *expected != routes => {
                    Some(format!("has the routes\n{routes}\ninstead of\n{expected}"))
                }
                _ => None,
            }
        }
        ("ok", Err(error)) => Some(format!("is refused: {error}")),
        (_, Ok(_)) => Some(format!("is taken, where there was: {:?}", case.error)),
        ("panic", Err(_)) => None,
        (_, Err(error)) => {
            let error = error.to_string();
            let expected = case.error.as_deref().expect("the case has an error");
            (error != expected).then(|| format!("says\n{error}\ninstead of\n{expected}"))
        }
    }
}

#[test]
fn every_case_comes_to_what_alertmanager_made_of_it() {
    let cases: Vec<Case> = include_str!("../conformance/config/cases.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("the case is a case"))
        .collect();
    let differences: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.name, difference(case)?)))
        .collect();
    assert!(
        differences.is_empty(),
        "{} of {} cases differ\n\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n\n")
    );
}
