//! The worked example of the document against the code, in both directions.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use tocsin::record::{AlertForgottenV1, Record, TenantV1};
use tocsin::sys::Image;

use crate::samples::small_alert;
use crate::store::{World, hex, lines, look};
use crate::{document, is_writing, render};

const SEGMENT_BYTES: u64 = 8192;

/// The store of the example, made by the code.
fn example() -> BTreeMap<PathBuf, Vec<u8>> {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let mut writer = world.open();
    world.append(&mut writer, &[small_alert()]);
    world.heartbeat(&mut writer);
    world.checkpoint(&mut writer, 0x0123_4567_89ab_cdef, &[(1, b"one alert")]);
    drop(writer);
    let files = world.disk.image().files;
    files
        .iter()
        .filter(|(path, _)| !path.ends_with("LOCK"))
        .map(|(path, bytes)| (path.clone(), bytes.to_vec()))
        .collect()
}

/// The store of the example, as it stands in the document.
fn dumped() -> Image {
    let dumps = document::dumps(&document::text());
    let files = dumps
        .iter()
        .map(|(path, block)| (path.clone(), Arc::new(document::undump(block))));
    Image {
        files: files.collect(),
        dirs: ["wal", "checkpoint"].map(PathBuf::from).into(),
    }
}

#[test]
fn bytes_of_the_document_are_those_that_the_code_writes() {
    if is_writing() {
        write_dumps();
    }
    let dumped: BTreeMap<PathBuf, Vec<u8>> = dumped()
        .files
        .iter()
        .map(|(path, bytes)| (path.clone(), bytes.to_vec()))
        .collect();
    assert_eq!(dumped, example());
}

#[test]
fn bytes_of_the_document_open_and_give_the_records_it_names() {
    assert_eq!(look(&dumped()), document::json("worked example"));
}

#[test]
fn notes_beside_the_bytes_are_what_the_bytes_say() {
    let written: Vec<(PathBuf, String)> = document::dumps(&document::text());
    let rendered: Vec<(PathBuf, String)> = written
        .iter()
        .map(|(path, block)| {
            let bytes = document::undump(block);
            (path.clone(), render::block(path, &bytes))
        })
        .collect();
    assert_eq!(written, rendered);
}

#[test]
fn integers_of_the_document_are_encoded_as_its_examples_say() {
    let rows = document::table("varint examples");
    let encoded: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let bytes = match row[0].as_str() {
                "u64" => unsigned(row[1].parse().unwrap()),
                _ => signed(row[1].parse().unwrap()),
            };
            vec![row[0].clone(), row[1].clone(), hex(&bytes)]
        })
        .collect();
    assert_eq!(rows, encoded);
}

/// How a record holds that integer: behind two empty texts, a zero and the number of items, and with
/// a zero behind it.
fn unsigned(integer: u64) -> Vec<u8> {
    let record = Record::AlertForgotten(AlertForgottenV1 {
        tenant: String::new(),
        group_key: String::new(),
        ordinal: 0,
        alerts: vec![(integer, 0)],
    });
    let encoded = record.encode().unwrap();
    encoded[4..encoded.len() - 1].to_vec()
}

/// How a record holds that integer: behind an empty text.
fn signed(integer: i64) -> Vec<u8> {
    let record = Record::TenantCreated(TenantV1 {
        tenant: String::new(),
        at_ns: integer,
    });
    record.encode().unwrap()[1..].to_vec()
}

/// Puts the code's bytes into the document.
fn write_dumps() {
    let mut text = document::text();
    for (path, bytes) in example() {
        let mark = format!("<!-- dump: {} -->\n", path.display());
        let start = text.find(&mark).unwrap() + mark.len();
        let end = start + text[start..].find("<!-- end -->").unwrap();
        text.replace_range(start..end, &render::block(&path, &bytes));
    }
    let mark = "<!-- json: worked example -->\n";
    let start = text.find(mark).unwrap() + mark.len();
    let end = start + text[start..].find("<!-- end -->").unwrap();
    let image = Image {
        files: example()
            .into_iter()
            .map(|(path, bytes)| (path, Arc::new(bytes)))
            .collect(),
        dirs: ["wal", "checkpoint"].map(PathBuf::from).into(),
    };
    let seen: Value = look(&image);
    let json = lines(&seen, 2);
    text.replace_range(start..end, &format!("\n```json\n{json}\n```\n\n"));
    std::fs::write(document::path(), text).unwrap();
}
