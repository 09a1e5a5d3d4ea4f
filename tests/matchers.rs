//! Every conformance case of the matchers, in the three modes and by both doors: what Alertmanager
//! 0.34 made of it, and what this does.

use serde_json::{Map, Value, json};
use tocsin::model::matcher::{MatcherError, Parsed, Warning};
use tocsin::model::{Matcher, Mode};

const MODES: [(&str, Mode); 3] = [
    ("fallback", Mode::Fallback),
    ("utf8-strict-mode", Mode::Utf8Strict),
    ("classic-mode", Mode::Classic),
];

/// A result in the shape of the cases.
fn shown<T>(
    result: Result<Parsed<T>, MatcherError>,
    matchers: impl Fn(&T) -> &[Matcher],
    text: impl Fn(&T) -> String,
) -> Value {
    let parsed = match result {
        Ok(parsed) => parsed,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let parts: Vec<Value> = matchers(&parsed.value)
        .iter()
        .map(|it| json!([it.name(), it.operator().as_str(), it.value()]))
        .collect();
    let mut shown = Map::new();
    shown.insert("matchers".to_owned(), parts.into());
    shown.insert("string".to_owned(), text(&parsed.value).into());
    if let Some(warning) = parsed.warning {
        let warning = match warning {
            Warning::Incompatible { error, suggestion } => {
                json!({ "msg": "W1", "err": error.to_string(), "suggestion": suggestion })
            }
            Warning::Disagreement => json!({ "msg": "W2" }),
        };
        shown.insert("warning".to_owned(), warning);
    }
    shown.into()
}

#[test]
fn every_text_is_read_as_alertmanager_reads_it() {
    let lines = include_str!("conformance/config/matchers.jsonl").lines();
    let cases: Vec<Map<String, Value>> = lines
        .map(|line| serde_json::from_str(line).expect("a case is an object"))
        .collect();
    let mut different = Vec::new();
    for case in &cases {
        let input = case["input"].as_str().expect("an input is a text");
        for (name, mode) in MODES {
            let list = shown(
                mode.parse_matchers(input),
                |matchers| matchers,
                ToString::to_string,
            );
            let single = shown(
                mode.parse_matcher(input),
                std::slice::from_ref,
                ToString::to_string,
            );
            for (door, seen) in [(name.to_owned(), list), (format!("{name}_single"), single)] {
                if normal(case[&door].clone()) != seen {
                    different.push(format!("{input:?} {door}: {} became {seen}", case[&door]));
                }
            }
        }
    }
    assert_eq!((cases.is_empty(), different), (false, Vec::new()));
}

/// Cases write no matchers as `null` or not at all.
fn normal(mut expected: Value) -> Value {
    if let Some(object) = expected.as_object_mut()
        && !object.contains_key("error")
        && object.get("matchers").is_none_or(Value::is_null)
    {
        object.insert("matchers".to_owned(), json!([]));
    }
    expected
}
