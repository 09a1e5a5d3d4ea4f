//! Files that format version 1 has written. They open for ever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tocsin::record::Record;
use tocsin::sys::Image;
use tocsin::wal::control::Control;
use tocsin::wal::{RecordType, salvage};

use crate::samples::{controls, explanations, records};
use crate::store::{World, control_json, hex, lines, look, start, type_name, unhex};
use crate::{document, is_writing};

const SEGMENT_BYTES: u64 = 16 * 1024;

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn dir() -> PathBuf {
    document::root().join("tests/golden/format-1")
}

/// What counts in a store: neither the lock file nor quarantine.
fn files(image: &Image) -> Files {
    let counts = |path: &Path| !path.ends_with("LOCK") && !path.starts_with("quarantine");
    image
        .files
        .iter()
        .filter(|(path, _)| counts(path))
        .map(|(path, bytes)| (path.clone(), bytes.to_vec()))
        .collect()
}

fn image(files: &Files) -> Image {
    Image {
        files: files
            .iter()
            .map(|(path, bytes)| (path.clone(), Arc::new(bytes.clone())))
            .collect(),
        dirs: ["wal", "checkpoint"].map(PathBuf::from).into(),
    }
}

/// The stores as the code writes them today, by name.
///
/// ```text
/// clean     two segments, two checkpoints, one record of every type; closed in order
/// torn      the same, with the second half of one more batch lost
/// salvaged  the clean one after a salvage over a damaged record
/// ```
fn stores() -> Vec<(&'static str, Files)> {
    let world = World::on(&Image::default(), SEGMENT_BYTES);
    let all = records();
    let mut writer = world.open();
    for record in &all[..5] {
        world.append(&mut writer, std::slice::from_ref(record));
    }
    world.checkpoint(&mut writer, 1, &[(1, b"five records")]);
    world.append(&mut writer, &all[5..7]);
    writer.rotate().unwrap();
    world.append(&mut writer, &all[7..]);
    world.heartbeat(&mut writer);
    let sections: &[(u32, &[u8])] = &[(1, b"all"), (70_000, &[7; 200]), (2, b"")];
    world.checkpoint(&mut writer, 0xfedc_ba98_7654_3210, sections);
    world.append(&mut writer, &all);
    let before = world.disk.image();
    world.append(&mut writer, &all[..1]);
    let torn = tear(&files(&before), &files(&world.disk.image()));

    let world = World::on(&before, SEGMENT_BYTES);
    world.open().shutdown().unwrap();
    let clean = files(&world.disk.image());

    let world = World::on(&damage(&clean), SEGMENT_BYTES);
    salvage(&world.environment(), &world.options).unwrap();
    let salvaged = files(&world.disk.image());
    vec![("clean", clean), ("torn", torn), ("salvaged", salvaged)]
}

/// The files of `after`, of which only the first half of what is new in them was kept.
fn tear(before: &Files, after: &Files) -> Files {
    let mut torn = after.clone();
    for (path, bytes) in &mut torn {
        let old = &before[path];
        let changed: Vec<usize> = (0..bytes.len())
            .filter(|at| bytes[*at] != old[*at])
            .collect();
        if let Some(middle) = changed.get(changed.len() / 2) {
            bytes[*middle..].copy_from_slice(&old[*middle..]);
        }
    }
    torn
}

/// A store with a flipped bit in a record behind its newest checkpoint.
fn damage(files: &Files) -> Image {
    let mut files = files.clone();
    let newest = files.keys().filter(|path| path.starts_with("wal"));
    let path = newest.max().unwrap().clone();
    let bytes = files.get_mut(&path).unwrap();
    let text = b"503 Service";
    let at = bytes.windows(text.len()).rposition(|window| window == text);
    bytes[at.unwrap()] ^= 1;
    image(&files)
}

/// The stores as they lie in the repository.
fn golden(name: &str) -> Files {
    let root = dir().join(name);
    let mut files = Files::new();
    for sub in ["", "wal", "checkpoint"] {
        for entry in std::fs::read_dir(root.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let relative = path.strip_prefix(&root).unwrap().to_path_buf();
                files.insert(relative, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

fn write(name: &str, files: &Files) {
    for (path, bytes) in files {
        write_new(&dir().join(name).join(path), bytes);
    }
}

/// What is there stays.
fn write_new(path: &Path, bytes: &[u8]) {
    if !path.exists() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn write_json(name: &str, value: &Value, depth: usize) {
    let text = lines(value, depth) + "\n";
    write_new(&dir().join(name), text.as_bytes());
}

fn read_json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir().join(name)).unwrap()).unwrap()
}

/// What looking and starting give for each store.
fn seen(stores: &[(&'static str, Files)]) -> Value {
    let entry = |(name, files): &(&str, Files)| {
        let image = image(files);
        let value = json!({ "look": look(&image), "start": start(&image, SEGMENT_BYTES) });
        ((*name).to_owned(), value)
    };
    Value::Object(stores.iter().map(entry).collect())
}

fn vectors() -> Value {
    let own = controls();
    let own = own.iter().map(|control| {
        let (name, body) = control_json(control);
        json!({
            "type": control.record_type().0, "schema": 1, "name": name,
            "payload": hex(&control.encode()), "body": body,
        })
    });
    let callers = vectors_of(&records());
    callers.into_iter().chain(own).collect()
}

fn vectors_of(records: &[Record]) -> Vec<Value> {
    let vector = |record: &Record| {
        json!({
            "type": record.record_type().0, "schema": record.schema(),
            "name": type_name(record.record_type()), "payload": hex(&record.encode().unwrap()),
            "body": record,
        })
    };
    records.iter().map(vector).collect()
}

#[test]
fn stores_of_format_1_are_still_written_byte_for_byte() {
    let stores = stores();
    if is_writing() {
        for (name, files) in &stores {
            write(name, files);
        }
    }
    let golden: Vec<(&str, Files)> = stores
        .iter()
        .map(|(name, _)| (*name, golden(name)))
        .collect();
    // Not `assert_eq`: it would print both stores.
    assert!(
        golden == stores,
        "the code writes other bytes than format 1"
    );
}

#[test]
fn u01_stores_of_format_1_open_with_every_record_as_it_was() {
    let names = ["clean", "torn", "salvaged"];
    if is_writing() {
        write_json("expected.json", &seen(&stores()), 4);
    }
    let stores: Vec<(&str, Files)> = names.iter().map(|name| (*name, golden(name))).collect();
    assert_eq!(seen(&stores), read_json("expected.json"));
}

#[test]
fn records_of_every_type_are_still_encoded_as_in_format_1() {
    if is_writing() {
        write_json("records.json", &vectors(), 1);
    }
    assert_eq!(vectors(), read_json("records.json"));
}

#[test]
fn records_that_explain_are_still_encoded_as_they_were_first() {
    let vectors = Value::Array(vectors_of(&explanations()));
    if is_writing() {
        write_json("explanations.json", &vectors, 1);
    }
    assert_eq!(vectors, read_json("explanations.json"));
}

#[test]
fn payloads_of_format_1_are_still_read_as_they_were() {
    let golden = ["records.json", "explanations.json"].map(read_json);
    let vectors: Vec<Value> = golden
        .iter()
        .flat_map(|golden| golden.as_array().unwrap().clone())
        .collect();
    let read = vectors.iter().map(|vector| {
        let small = |name: &str| u8::try_from(vector[name].as_u64().unwrap()).unwrap();
        let record_type = RecordType(small("type"));
        let payload = unhex(vector["payload"].as_str().unwrap());
        if record_type.is_control() {
            let control = Control::decode(record_type, &payload).unwrap();
            return control_json(&control).1;
        }
        let record = Record::decode(record_type, small("schema"), &payload).unwrap();
        serde_json::to_value(record).unwrap()
    });
    let bodies = vectors.iter().map(|vector| vector["body"].clone());
    assert_eq!(read.collect::<Vec<_>>(), bodies.collect::<Vec<_>>());
}
