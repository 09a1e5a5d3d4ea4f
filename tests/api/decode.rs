//! Are bodies read as Go reads them?

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tocsin::api::v2::decode::{
    BodyError, DateTime, Pair, PostedAlerts, PostedSilence, decode_alerts, decode_silence,
    is_request_uri,
};

/// The alphabet of RFC 4648.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn from_base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes().filter(|&byte| byte != b'=') {
        let place = BASE64.iter().position(|&it| it == digit);
        bits = bits << 6 | u32::try_from(place.expect("a digit")).expect("a small number");
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xFF).expect("a byte"));
            bits &= (1 << count) - 1;
        }
    }
    bytes
}

fn body(case: &Map<String, Value>) -> Vec<u8> {
    match case.get("base64") {
        Some(text) => from_base64(text.as_str().expect("base64 is a text")),
        None => case["body"].as_str().expect("a body is a text").into(),
    }
}

fn pairs(pairs: &[Pair<'_>]) -> Value {
    let pairs = pairs
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string().into()));
    Value::Object(pairs.collect())
}

fn instant(date: Option<DateTime>) -> Value {
    date.map(|date| format!("{}.{:09}", date.seconds, date.nanos))
        .into()
}

fn failed(error: &BodyError) -> Value {
    match error {
        BodyError::Empty => json!({ "empty": true }),
        BodyError::Malformed(text) => json!({ "error": text }),
    }
}

fn alerts(result: Result<PostedAlerts<'_>, BodyError>) -> Value {
    let posted = match result {
        Ok(posted) => posted,
        Err(error) => return failed(&error),
    };
    let alerts = posted.alerts.iter().map(|alert| {
        let Some(alert) = alert else {
            return Value::Null;
        };
        json!({
            "labels": posted.labels(alert).map(pairs),
            "annotations": pairs(posted.annotations(alert)),
            "startsAt": instant(alert.starts_at),
            "endsAt": instant(alert.ends_at),
            "generatorURL": alert.generator_url,
        })
    });
    alerts.collect()
}

fn silence(result: Result<PostedSilence<'_>, BodyError>) -> Value {
    let posted = match result {
        Ok(posted) => posted,
        Err(error) => return failed(&error),
    };
    let matchers =
        posted.matchers.as_ref().map(|matchers| {
            let matchers = matchers.iter().map(|matcher| {
            let Some(it) = matcher else { return Value::Null };
            json!({
                "name": it.name, "value": it.value, "isRegex": it.is_regex, "isEqual": it.is_equal
            })
        });
            matchers.collect::<Value>()
        });
    json!({
        "id": posted.id,
        "comment": posted.comment,
        "createdBy": posted.created_by,
        "startsAt": instant(posted.starts_at),
        "endsAt": instant(posted.ends_at),
        "matchers": matchers,
        "annotations": pairs(&posted.annotations),
    })
}

/// No annotations are written as none or as `{}`.
fn normal(mut expected: Value) -> Value {
    let objects = match &mut expected {
        Value::Array(alerts) => alerts.iter_mut().collect(),
        other => vec![other],
    };
    for object in objects {
        if let Some(annotations) = object.get_mut("annotations").filter(|it| it.is_null()) {
            *annotations = json!({});
        }
    }
    expected
}

#[test]
fn every_body_is_read_as_go_reads_it() {
    let cases = include_str!("data/bodies.jsonl").lines();
    let mut different = Vec::new();
    let mut count = 0;
    for line in cases {
        let case: Map<String, Value> = serde_json::from_str(line).expect("a case is an object");
        let body = body(&case);
        let (seen, expected) = match case.get("alerts") {
            Some(expected) => (alerts(decode_alerts(&body)), expected),
            None => (silence(decode_silence(&body)), &case["silence"]),
        };
        count += 1;
        if seen != normal(expected.clone()) {
            let body = String::from_utf8_lossy(&body);
            different.push(format!("{body}\n  Go:   {expected}\n  here: {seen}"));
        }
    }
    assert_eq!((count, different.join("\n")), (947, String::new()));
}

#[test]
fn values_may_be_nested_as_deep_as_in_go() {
    let nested = |levels: usize| {
        let body = format!("[{{\"x\":{}{}}}]", "[".repeat(levels), "]".repeat(levels));
        alerts(decode_alerts(body.as_bytes()))
    };
    let open = |levels: usize| alerts(decode_alerts("[".repeat(levels).as_bytes()));
    let too_deep = json!({ "error": "invalid character '[' exceeded max depth" });
    let empty = json!([{
        "labels": null, "annotations": {}, "startsAt": null, "endsAt": null, "generatorURL": ""
    }]);
    assert_eq!(
        [nested(9_998), nested(9_999), open(10_000), open(10_001)],
        [
            empty,
            too_deep.clone(),
            json!({ "error": "unexpected EOF" }),
            too_deep
        ]
    );
}

#[test]
fn every_address_is_judged_as_go_judges_it() {
    let cases: Vec<(String, bool)> =
        serde_json::from_str(include_str!("data/uris.json")).expect("a list of pairs");
    let different: Vec<_> = cases
        .iter()
        .filter(|(text, expected)| is_request_uri(text) != *expected)
        .collect();
    assert_eq!(different, Vec::<&(String, bool)>::new());
}

/// Texts that need escapes, and some that do not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{0,12}",
        "\\PC{0,20}",
        "[\\x00-\\x1f\"\\\\/é\u{2028}\u{10FFFF}]{0,8}"
    ]
}

proptest! {
    /// What `encoding/json` would write, in any of its ways to write it, is read back.
    #[test]
    fn what_is_written_as_json_is_read_as_it_was(
        labels in prop::collection::btree_map(text(), text(), 0..10),
        annotations in prop::collection::btree_map(text(), text(), 0..4),
        url in text(),
        is_ascii: bool,
        space in "[ \t\r\n]{0,3}",
    ) {
        let posted = json!([{ "labels": labels, "annotations": annotations, "generatorURL": url }]);
        let mut body = posted.to_string();
        if is_ascii {
            let units = body.encode_utf16().map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                _ => format!("\\u{unit:04x}"),
            });
            body = units.collect();
        }
        let body = format!("{space}{body}{space}trailing");
        let expected = json!([{
            "labels": labels, "annotations": annotations, "startsAt": null, "endsAt": null,
            "generatorURL": url,
        }]);
        prop_assert_eq!(alerts(decode_alerts(body.as_bytes())), expected);
    }
}
