//! Writing dumps as they stand in the document: rows of sixteen bytes, and under each unit its fields
//! by the document's own tables.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tocsin::record::Record;
use tocsin::sys::WallTime;

use crate::document::{self, Field};
use crate::payload::{Part, Reader};

/// The block of one file.
pub(crate) fn block(path: &Path, bytes: &[u8]) -> String {
    let dump = match path.extension().and_then(|extension| extension.to_str()) {
        Some("wal") => segment(bytes),
        Some("ckpt") => checkpoint(bytes),
        _ => String::from_utf8(bytes.to_vec()).unwrap(),
    };
    format!("\n```text\n{dump}```\n\n")
}

fn number(bytes: &[u8]) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(wide)
}

/// The value of a field as a number or a text.
fn value(kind: &str, bytes: &[u8]) -> Value {
    match kind {
        "text" => json!(String::from_utf8_lossy(bytes)),
        "time" => json!(number(bytes).cast_signed()),
        "UUID" => json!(uuid(bytes)),
        _ => json!(number(bytes)),
    }
}

fn uuid(bytes: &[u8]) -> String {
    let hex = crate::store::hex(bytes);
    let parts = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ];
    parts.join("-")
}

fn shown(kind: &str, bytes: &[u8]) -> String {
    match kind {
        "text" => format!("\"{}\"", bytes.escape_ascii()),
        "time" => WallTime(number(bytes).cast_signed()).to_string(),
        "UUID" => uuid(bytes),
        "CRC" => format!("{:08x}", number(bytes)),
        "salt" | "hash" => format!("{:016x}", number(bytes)),
        _ => number(bytes).to_string(),
    }
}

/// The fields of a table as they stand at the start of `bytes`. A field without a size takes the
/// rest.
pub(crate) fn parts(table: &[Field], bytes: &[u8]) -> (Value, Vec<Part>) {
    let mut object = serde_json::Map::new();
    let mut parts = Vec::new();
    for field in table {
        let size = if field.size == 0 {
            bytes.len() - field.offset
        } else {
            field.size
        };
        let at = &bytes[field.offset..field.offset + size];
        if field.kind == "zero" {
            assert!(
                at.iter().all(|byte| *byte == 0),
                "{} is not zero",
                field.name
            );
        }
        object.insert(field.name.clone(), value(&field.kind, at));
        parts.push(Part {
            offset: field.offset,
            size,
            name: field.name.clone(),
            shown: shown(&field.kind, at),
        });
    }
    (Value::Object(object), parts)
}

/// The length of what a table describes.
pub(crate) fn table_bytes(table: &[Field]) -> usize {
    table.iter().map(|field| field.size).sum()
}

fn rows(out: &mut String, offset: usize, bytes: &[u8]) {
    for (at, row) in bytes.chunks(16).enumerate() {
        write!(out, "{:08x} ", offset + at * 16).unwrap();
        for (at, byte) in row.iter().enumerate() {
            let gap = if at % 8 == 0 { " " } else { "" };
            write!(out, "{gap}{byte:02x} ").unwrap();
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
}

fn notes(out: &mut String, title: &str, parts: &[Part], shift: usize) {
    if !title.is_empty() {
        writeln!(out, "          {title}").unwrap();
    }
    for part in parts {
        let line = format!(
            "  {:>10} {:>3}  {:<24} {}",
            format!("+{}", part.offset + shift),
            part.size,
            part.name,
            part.shown
        );
        writeln!(out, "{}", line.trim_end()).unwrap();
    }
}

fn segment(bytes: &[u8]) -> String {
    let mut out = String::new();
    let table = document::fields("segment header");
    let header_bytes = table_bytes(&table);
    rows(&mut out, 0, &bytes[..header_bytes]);
    notes(&mut out, "header, first copy", &parts(&table, bytes).1, 0);
    out.push_str("          zeros\n");
    rows(&mut out, 2048, &bytes[2048..2048 + header_bytes]);
    out.push_str("          header, second copy; zeros\n");
    let table = document::fields("frame");
    let mut start = 4096;
    while number(&bytes[start + 8..start + 12]) > 0 {
        start = frame(&mut out, &table, bytes, start);
    }
    out.push_str("          zeros to the end of the file\n");
    writeln!(out, "{:08x}", bytes.len()).unwrap();
    out
}

fn frame(out: &mut String, table: &[Field], bytes: &[u8], start: usize) -> usize {
    let header = &bytes[start..];
    let payload_bytes = usize::try_from(number(&header[8..12])).unwrap();
    let end = start + 28 + payload_bytes;
    let padded = end.next_multiple_of(8);
    let payload = &bytes[start + 28..end];
    rows(out, start, &bytes[start..padded]);
    let (name, payload_parts) = payload_of(header[24], payload);
    let lsn = number(&header[16..24]);
    notes(
        out,
        &format!("record {lsn}: {name}"),
        &parts(table, header).1,
        0,
    );
    notes(out, "", &payload_parts, 28);
    pad(out, end - start);
    padded
}

fn named(offset: usize, size: usize, name: &str) -> Part {
    Part {
        offset,
        size,
        name: name.to_owned(),
        shown: String::new(),
    }
}

/// The zeros behind a unit of that length.
fn pad(out: &mut String, length: usize) {
    let size = length.next_multiple_of(8) - length;
    if size > 0 {
        notes(out, "", &[named(length, size, "padding")], 0);
    }
}

/// The name of a record type, and the fields of its payload.
fn payload_of(number: u8, payload: &[u8]) -> (String, Vec<Part>) {
    let row = document::table("types")
        .into_iter()
        .find(|row| row[0] == number.to_string())
        .unwrap();
    let (name, layout) = (row[1].clone(), row[3].clone());
    let is_own = Record::TYPES.iter().any(|(_, own)| own.0 == number);
    if !is_own {
        let table = document::fields(&name);
        return (name, parts(&table, payload).1);
    }
    let mut reader = Reader::new(payload);
    reader.whole(&layout);
    (name, reader.parts)
}

fn checkpoint(bytes: &[u8]) -> String {
    let mut out = String::new();
    let table = document::fields("checkpoint header");
    let mut start = table_bytes(&table);
    rows(&mut out, 0, &bytes[..start]);
    notes(&mut out, "header", &parts(&table, bytes).1, 0);
    let section = document::fields("checkpoint section");
    while number(&bytes[start..start + 4]) != u64::from(u32::MAX) {
        let length = usize::try_from(number(&bytes[start + 8..start + 16])).unwrap();
        let end = start + 16 + length;
        rows(&mut out, start, &bytes[start..end.next_multiple_of(8)]);
        let unit = &bytes[start..end];
        notes(&mut out, "section", &parts(&section, unit).1, 0);
        let payload = named(16, length, "payload");
        notes(&mut out, "", &[payload], 0);
        pad(&mut out, end - start);
        start = end.next_multiple_of(8);
    }
    rows(&mut out, start, &bytes[start..]);
    let table = document::fields("checkpoint trailer");
    notes(&mut out, "trailer", &parts(&table, &bytes[start..]).1, 0);
    writeln!(out, "{:08x}", bytes.len()).unwrap();
    out
}
