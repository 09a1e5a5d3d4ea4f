//! `dump` and `grep`: which records, and what is shown of them.

use std::process::Stdio;

use serde_json::{Value, json};
use tocsin::wal::{Lane, NewRecord, RecordType};

use crate::store::{Ran, Store, program};

#[test]
fn a_record_is_shown_with_its_place_and_in_words() {
    let store = Store::closed();
    let ran = store.wal(&["dump", "--from-lsn", "10", "--to-lsn", "10"]);
    assert_eq!(
        ran,
        Ran::with(
            0,
            concat!(
                r#"{"lsn":10,"written_at":"2026-11-22T07:00:00Z","type":"flush_intent","schema":1,"#,
                r#""segment":"wal/0000000000000002-0000000000000001.wal","offset":4848,"body":{"#,
                r#""attempt":1,"decided_at":"2026-11-22T03:00:00Z","#,
                r#""firing":["0000000000000001","0000000000000002"],"flush_id":"0000000000000017","#,
                r#""idempotency_key":"abababababababababababababababababababababababababababababababab","#,
                r#""key":{"group_key":"{}:{job=\"node\"}","index":0,"integration":"webhook","#,
                r#""receiver":"team","tenant":"acme"},"reason":"firing","resolved":[]}}"#,
                "\n"
            ),
            ""
        )
    );
}

#[test]
fn labels_are_objects_and_times_are_rfc_3339() {
    let store = Store::closed();
    let ran = store.wal(&["dump", "--from-lsn", "8", "--to-lsn", "8"]);
    assert_eq!(
        ran.field("body"),
        [json!({
            "tenant": "beta",
            "received_at": "2026-11-22T03:00:00Z",
            "alerts": [{
                "labels": {"alertname": "Gone", "job": "node", "severity": "warning"},
                "annotations": {"summary": "it burns"},
                "starts_at": "2026-11-22T03:00:00Z",
                "ends_at": "2026-11-22T03:05:00Z",
                "is_timeout": true,
                "generator_url": "http://prometheus/graph"
            }]
        })]
    );
}

#[test]
fn the_logs_own_records_are_shown_in_words_too() {
    let store = Store::closed();
    let ran = store.wal(&["dump", "--type", "boot", "--type", "shutdown"]);
    assert_eq!(
        ran.field("body"),
        [
            json!({"at": "2026-11-22T03:00:00Z", "pid": 4711, "previous_clean": true, "version": "1.2.3"}),
            json!({"at": "2026-11-22T07:00:00Z", "durable_lsn": 11}),
        ]
    );
}

#[test]
fn each_filter_leaves_the_records_it_names() {
    let store = Store::closed();
    let cases: &[(&[&str], &[u64])] = &[
        (&[], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
        (&["--no-control"], &[4, 6, 8, 10, 11]),
        (&["--tenant", "beta"], &[6, 8]),
        (&["--tenant", "nobody"], &[]),
        (&["--type", "silence_set"], &[6]),
        (&["--type", "boot", "--type", "alert_batch"], &[2, 4, 8]),
        (&["--matcher", "job=node"], &[4, 8]),
        (&["--matcher", "job!=node"], &[4]),
        (&["--matcher", "severity=~\"w.*\""], &[4, 8]),
        (&["--matcher", "alertname!~D.*|S.*"], &[8]),
        // One alert must match all of them: the node alert of acme is not the warning.
        (
            &["--matcher", "job=node", "--matcher", "severity=warning"],
            &[8],
        ),
        (&["--from-lsn", "12"], &[12, 13]),
        (&["--to-lsn", "2"], &[1, 2]),
        (
            &["--no-control", "--since", "2026-11-22T06:00:00Z"],
            &[8, 10, 11],
        ),
        (&["--no-control", "--until", "2026-11-22T05:00"], &[4, 6]),
        (&["--no-control", "--since", "2026-11-23"], &[]),
        (&["--no-control", "--until", "2026-11-22"], &[]),
        (&["--limit", "3"], &[1, 2, 3]),
        (
            &["--limit", "1", "--tenant", "acme", "--from-lsn", "5"],
            &[10],
        ),
    ];
    let got: Vec<(&[&str], Vec<u64>)> = cases
        .iter()
        .map(|(words, _)| (*words, store.wal(&[&["dump"], *words].concat()).lsns()))
        .collect();
    let expected: Vec<(&[&str], Vec<u64>)> = cases
        .iter()
        .map(|(words, lsns)| (*words, lsns.to_vec()))
        .collect();
    assert_eq!(got, expected);
}

#[test]
fn since_a_duration_counts_from_now() {
    // The records are of the virtual clock's 2026: the one limit that holds whatever day it is run
    // on is one that is older than they are, and one that lies behind every day to come.
    let store = Store::closed();
    let all = store.wal(&["dump", "--since", "2000000h"]).lsns().len();
    let none = store.wal(&["dump", "--until", "2000000h"]).lsns().len();
    assert_eq!((all, none), (13, 0));
}

#[test]
fn grep_prints_the_lines_that_match_within_the_filters() {
    let store = Store::closed();
    let lsns = |words: &[&str]| store.wal(&[&["grep"], words].concat()).lsns();
    assert_eq!(
        [
            lsns(&[r#""receiver":"team""#]),
            lsns(&["DiskFull|Gone"]),
            lsns(&["DiskFull|Gone", "--tenant", "beta"]),
            lsns(&["(?i)diskfull"]),
            lsns(&["nothing like it"]),
        ],
        [vec![10, 11], vec![4, 8], vec![8], vec![4], vec![]]
    );
}

#[test]
fn what_cannot_be_decoded_is_shown_as_it_is_with_the_reason() {
    let store = Store::none();
    let mut writer = store.open();
    let record = |number: u8, schema: u8| NewRecord {
        record_type: RecordType(number),
        schema,
        payload: vec![0xde, 0xad].into(),
    };
    let records = [record(200, 1), record(1, 9), record(1, 1)];
    let records: Vec<&NewRecord> = records.iter().collect();
    writer.append(Lane::Normal, &records).unwrap();
    drop(writer);
    let ran = store.wal(&["dump", "--no-control"]);
    let texts = |name: &str| -> Vec<String> {
        let field = ran.field(name);
        field
            .iter()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(
        (
            ran.code,
            texts("type"),
            texts("payload"),
            texts("error"),
            ran.field("body")
        ),
        (
            Some(0),
            ["type_200", "alert_batch", "alert_batch"]
                .map(str::to_owned)
                .to_vec(),
            vec!["dead".to_owned(); 3],
            vec![
                "record type 200 is not known to this program".to_owned(),
                "alert_batch has schema version 9, which this program does not know".to_owned(),
                "the payload is no alert_batch: it ends too early".to_owned(),
            ],
            vec![Value::Null; 3]
        )
    );
}

#[test]
fn a_damaged_store_shows_what_is_left_and_says_what_is_not() {
    let store = Store::closed();
    store.damage(0, "silence");
    let ran = store.wal(&["dump", "--no-control"]);
    assert_eq!(
        (ran.code, ran.lsns(), ran.err.as_str()),
        (
            Some(3),
            vec![4, 8, 10, 11],
            "tocsin: warning: DATA/wal/0000000000000002-0000000000000001.wal offset 4544: the record's payload does not match its checksum; record 6 is unreadable\n"
        )
    );
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let store = Store::none();
    let mut writer = store.open();
    // Far more than a pipe holds.
    for _ in 0..300 {
        store.append_records(&mut writer);
    }
    drop(writer);
    let mut child = program()
        .args(["wal", "dump"])
        .arg(store.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(0), String::new())
    );
}
