//! Every conformance case of the regular expressions: whether Go compiles a pattern, its error, and
//! what the pattern matches.

use std::collections::BTreeMap;

use serde::Deserialize;
use tocsin::model::regex::AnchoredRegex;

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Case {
    pattern: String,
    #[serde(default)]
    matches: BTreeMap<String, bool>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    compiles: Option<bool>,
}

/// What this makes of the pattern and the texts of a case.
fn seen(case: &Case) -> Case {
    let pattern = case.pattern.clone();
    match AnchoredRegex::new(&pattern) {
        Err(error) => Case {
            pattern,
            error: Some(error.to_string()),
            ..Case::default()
        },
        Ok(regex) => Case {
            pattern,
            matches: case
                .matches
                .keys()
                .map(|text| (text.clone(), regex.is_match(text)))
                .collect(),
            compiles: case.compiles.map(|_| true),
            error: None,
        },
    }
}

#[test]
fn every_pattern_means_what_it_means_to_go() {
    let lines = include_str!("conformance/config/regex.jsonl").lines();
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).expect("a case is an object"))
        .collect();
    let different: Vec<_> = cases
        .iter()
        .map(|case| (case, seen(case)))
        .filter(|(case, seen)| *case != seen)
        .collect();
    assert_eq!((cases.is_empty(), different), (false, Vec::new()));
}
