//! The tables of the document against what the code encodes and decodes.

use serde_json::{Value, json};
use tocsin::record::{FlushOccasion, MutedBy, Record, ToldReason, ToldVerdict};
use tocsin::sys::WallTime;
use tocsin::wal::control::Control;
use tocsin::wal::frame::{Broken, FrameCodec, FrameDraft};
use tocsin::wal::segment::{FORMAT_VERSION, SegmentHeader};
use tocsin::wal::{Class, Lsn, RecordType, Salt, SegmentSeq, StoreId};

use crate::document;
use crate::payload::Reader;
use crate::render::{parts, table_bytes};
use crate::samples::{all_records, controls};
use crate::store::{control_json, type_name};

/// Whether the fields of a table follow each other without gap or overlap.
fn is_seamless(name: &str) -> bool {
    let mut end = 0;
    document::fields(name).iter().all(|field| {
        let fits = field.offset == end;
        end += field.size;
        fits
    })
}

#[test]
fn fields_of_every_table_follow_each_other_without_a_gap() {
    let fixed = [
        "segment header",
        "frame",
        "checkpoint header",
        "checkpoint section",
        "checkpoint trailer",
    ];
    let own = controls();
    let own = own.iter().map(|control| control_json(control).0);
    let broken: Vec<&str> = fixed
        .into_iter()
        .chain(own)
        .filter(|name| !is_seamless(name))
        .collect();
    assert_eq!(broken, Vec::<&str>::new());
}

#[test]
fn fields_of_a_segment_header_stand_where_the_table_says() {
    let id = "2f6c0c9e-7d7e-4c39-9c9e-0f5b7a0d3e11";
    let header = SegmentHeader {
        store: StoreId(id.parse().unwrap()),
        seq: SegmentSeq(0x0101),
        first: Lsn(0x0202),
        salt: Salt(0x0303),
        previous_salt: Salt(0x0404),
        previous_last: Lsn(0x0505),
        previous_link: 0x0606,
        file_bytes: 0x0707,
        created: WallTime(-0x0808),
    }
    .encode();
    let table = document::fields("segment header");
    let crc = crc32fast::hash(&header[..92]);
    assert_eq!(
        (parts(&table, &header).0, table_bytes(&table)),
        (
            json!({
                "magic": "TOCSIN\0W", "format_version": FORMAT_VERSION, "zero": 0, "store_id": id,
                "segment_number": 0x0101, "first_lsn": 0x0202, "salt": 0x0303,
                "previous_salt": 0x0404, "previous_last_lsn": 0x0505, "file_length": 0x0707,
                "created": -0x0808, "previous_crc": 0x0606, "header_crc": crc,
            }),
            header.len()
        )
    );
}

#[test]
fn fields_of_a_frame_stand_where_the_table_says_and_checksums_cover_what_it_says() {
    let salt = 0x1122_3344_5566_7788_u64;
    let mut frame = Vec::new();
    let draft = FrameDraft {
        link: 0x0101,
        lsn: Lsn(0x0202),
        record_type: RecordType(3),
        schema: 4,
        flags: 1,
        payload: b"payload",
    };
    FrameCodec::new(Salt(salt)).append(&mut frame, &draft);
    let crc = |range: &[u8]| {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&salt.to_le_bytes());
        hasher.update(range);
        hasher.finalize()
    };
    let table = document::fields("frame");
    assert_eq!(
        (parts(&table, &frame).0, table_bytes(&table), frame.len()),
        (
            json!({
                "header_crc": crc(&frame[4..28]), "payload_crc": crc(&frame[8..35]),
                "payload_length": 7, "link": 0x0101, "lsn": 0x0202, "record_type": 3,
                "schema_version": 4, "flags": 1, "zero": 0,
            }),
            28,
            40
        )
    );
}

#[test]
fn own_records_decode_by_the_tables_alone() {
    let by_table: Vec<(&str, Value)> = controls()
        .iter()
        .map(|control| {
            let name = control_json(control).0;
            let payload = control.encode();
            (name, parts(&document::fields(name), &payload).0)
        })
        .collect();
    let by_code: Vec<(&str, Value)> = controls()
        .iter()
        .map(|control| {
            let read = Control::decode(control.record_type(), &control.encode()).unwrap();
            control_json(&read)
        })
        .collect();
    assert_eq!(by_table, by_code);
}

#[test]
fn records_of_every_type_decode_by_the_layouts_alone() {
    let types = document::table("types");
    let by_document = all_records()
        .iter()
        .map(|record| {
            let number = record.record_type().0.to_string();
            let row = types.iter().find(|row| row[0] == number).unwrap();
            Reader::new(&record.encode().unwrap()).whole(&row[3])
        })
        .collect::<Vec<Value>>();
    let by_code = all_records()
        .iter()
        .map(|record| serde_json::to_value(record).unwrap())
        .collect::<Vec<Value>>();
    assert_eq!(by_document, by_code);
}

#[test]
fn record_types_of_the_document_are_those_of_the_code() {
    let mut of_code: Vec<(u8, String, u8)> = Vec::new();
    for record in all_records() {
        let number = record.record_type();
        of_code.push((number.0, type_name(number).to_owned(), record.schema()));
    }
    for control in controls() {
        let name = control_json(&control).0.to_owned();
        let schema = tocsin::wal::control::CONTROL_SCHEMA;
        of_code.push((control.record_type().0, name, schema));
    }
    of_code.sort();
    let of_document: Vec<(u8, String, u8)> = document::table("types")
        .iter()
        .map(|row| {
            (
                row[0].parse().unwrap(),
                row[1].clone(),
                row[2].parse().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        (of_document, all_records().len()),
        (of_code, Record::TYPES.len())
    );
}

#[test]
fn reasons_and_classes_of_the_document_are_those_of_the_code() {
    let broken = [
        Broken::Unwritten,
        Broken::Header,
        Broken::Payload,
        Broken::Sequence,
        Broken::Chain,
        Broken::PastEnd,
        Broken::Control,
        Broken::Unreadable,
    ];
    let classes = [
        Class::CleanEnd,
        Class::Sealed,
        Class::TornTail,
        Class::Covered,
        Class::Damaged,
    ];
    let of_code: Vec<String> = broken
        .iter()
        .map(ToString::to_string)
        .chain(classes.iter().map(|class| class.letter().to_string()))
        .collect();
    let of_document: Vec<String> = [document::table("broken"), document::table("classes")]
        .concat()
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    assert_eq!(of_document, of_code);
}

#[test]
fn codes_of_the_document_are_those_of_the_code() {
    let occasions = FlushOccasion::ALL.iter();
    let causes = MutedBy::ALL.iter();
    let verdicts = ToldVerdict::ALL.iter();
    let reasons = ToldReason::ALL.iter();
    let of_code: Vec<(&str, u32, &str)> = occasions
        .map(|it| ("occasion", it.number(), it.as_str()))
        .chain(causes.map(|it| ("cause", it.number(), it.as_str())))
        .chain(verdicts.map(|it| ("verdict", it.number(), it.as_str())))
        .chain(reasons.map(|it| ("reason", it.number(), it.as_str())))
        .collect();
    let of_code: Vec<Vec<String>> = of_code
        .into_iter()
        .map(|(field, number, name)| vec![field.to_owned(), number.to_string(), name.to_owned()])
        .collect();
    assert_eq!(document::table("codes"), of_code);
}
