//! Every conformance case of the templates: what Alertmanager 0.34 made of it, and what this does.
//!
//! The data are described in `conformance/templates/README.md`.
#![expect(
    clippy::expect_used,
    reason = "a test ends where what it needs is not there"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use gotemplate::Limits;
use gotemplate::time::{Time, Zone};
use serde::Deserialize;
use tocsin::template::{Data, Options, Templates};

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    #[serde(default)]
    templates: BTreeMap<String, String>,
    input: String,
    data: String,
    output: Option<String>,
    error: Option<String>,
}

/// What a case came to: its output, or the text of its error.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Output(String),
    Error(String),
}

fn run(case: &Case, fixtures: &BTreeMap<String, Data>) -> Outcome {
    let options = Options {
        now: Arc::new(|| Time::from_unix(1_750_000_000, 0, Zone::utc()).with_monotonic(1)),
        local_zone: Zone::with_rules("Local", jiff::tz::TimeZone::UTC),
        limits: Limits::default(),
    };
    let mut templates = Templates::new(&options).expect("the default templates parse");
    for (name, text) in &case.templates {
        if let Err(error) = templates.add(name, text) {
            return Outcome::Error(format!("LOAD {error}"));
        }
    }
    let data = &fixtures[&case.data];
    let rendered = match case.kind.as_str() {
        "text" => templates.render_text(&case.input, data),
        _ => templates.render_html(&case.input, data),
    };
    match rendered {
        Ok(bytes) => Outcome::Output(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Outcome::Error(error.to_string()),
    }
}

#[test]
fn every_case_comes_to_what_alertmanager_made_of_it() {
    let fixtures: BTreeMap<String, Data> =
        serde_json::from_str(include_str!("conformance/templates/fixtures.json"))
            .expect("the fixtures are data");
    let cases: Vec<Case> = serde_json::from_str(include_str!("conformance/templates/cases.json"))
        .expect("the cases are cases");
    let mut different = Vec::new();
    for case in &cases {
        let seen = run(case, &fixtures);
        let expected = match (&case.output, &case.error) {
            (Some(output), None) => Outcome::Output(output.clone()),
            (None, Some(error)) => Outcome::Error(error.clone()),
            _ => panic!("{} has not one outcome", case.name),
        };
        if seen != expected {
            different.push((case.name.clone(), case.input.clone(), seen, expected));
        }
    }
    assert_eq!(
        different,
        [],
        "{} of {} cases",
        different.len(),
        cases.len()
    );
}
