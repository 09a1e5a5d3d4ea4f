//! Stores in memory, always with the same bytes, and what a look at them or a start on them gives.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tocsin::record::Record;
use tocsin::sys::{Image, SeededEntropy, SimDisk, VirtualClock};
use tocsin::wal::checkpoint::{CheckpointFile, read_checkpoint};
use tocsin::wal::control::Control;
use tocsin::wal::scan::{Behind, Scanned, inspect};
use tocsin::wal::{
    Environment, Lane, LogOptions, Lsn, NewRecord, RecordType, Replay, View, Writer, open,
};

use crate::samples::NIGHT;

/// A disk, a clock and random numbers of its own.
pub(crate) struct World {
    pub(crate) disk: SimDisk,
    clock: Arc<VirtualClock>,
    entropy: Arc<SeededEntropy>,
    pub(crate) options: LogOptions,
}

impl World {
    pub(crate) fn on(image: &Image, segment_bytes: u64) -> Self {
        Self {
            disk: SimDisk::without_power_loss(image),
            clock: Arc::new(VirtualClock::at(NIGHT)),
            entropy: Arc::new(SeededEntropy::new(1)),
            options: LogOptions {
                segment_bytes,
                drops_torn_tail: true,
                version: "0.1.0".to_owned(),
                pid: 4711,
            },
        }
    }

    pub(crate) fn environment(&self) -> Environment {
        Environment {
            disk: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }
    }

    pub(crate) fn open(&self) -> Writer {
        let mut replayed = Replayed::default();
        open(&self.environment(), &self.options, &mut replayed)
            .unwrap()
            .0
    }

    /// A second later, the records as one batch.
    pub(crate) fn append(&self, writer: &mut Writer, records: &[Record]) {
        self.clock.advance(Duration::from_secs(1));
        let encoded = |record: &Record| record.encoded().unwrap();
        let records: Vec<NewRecord> = records.iter().map(encoded).collect();
        let records: Vec<&NewRecord> = records.iter().collect();
        writer.append(Lane::Normal, &records).unwrap();
    }

    pub(crate) fn heartbeat(&self, writer: &mut Writer) {
        self.clock.advance(Duration::from_secs(5));
        writer.heartbeat().unwrap();
    }

    pub(crate) fn checkpoint(
        &self,
        writer: &mut Writer,
        state_hash: u64,
        sections: &[(u32, &[u8])],
    ) {
        self.clock.advance(Duration::from_secs(1));
        let lsn = writer.durable();
        let fill = |out: &mut tocsin::wal::checkpoint::CheckpointWriter| {
            sections
                .iter()
                .try_for_each(|(kind, bytes)| out.section(*kind, bytes))
        };
        writer.checkpoint(lsn, state_hash, fill).unwrap();
    }
}

#[derive(Default)]
struct Replayed {
    sections: Vec<Value>,
    records: Vec<Value>,
}

type Refusal = Box<dyn std::error::Error + Send + Sync>;

impl Replay for Replayed {
    fn checkpoint_section(&mut self, kind: u32, bytes: &[u8]) -> Result<(), Refusal> {
        self.sections.push(section_json(kind, bytes));
        Ok(())
    }

    fn record(&mut self, record: &Scanned<'_>) -> Result<(), Refusal> {
        self.records.push(record_json(record));
        Ok(())
    }
}

fn section_json(kind: u32, bytes: &[u8]) -> Value {
    json!({ "kind": kind, "bytes": hex(bytes) })
}

/// A record with its frame's fields and its own.
fn record_json(record: &Scanned<'_>) -> Value {
    let (name, body) = match &record.control {
        Some(control) => control_json(control),
        None => {
            let body = Record::decode(record.record_type, record.schema, record.payload).unwrap();
            (
                type_name(record.record_type),
                serde_json::to_value(body).unwrap(),
            )
        }
    };
    json!({
        "lsn": record.lsn.0,
        "type": record.record_type.0,
        "name": name,
        "schema": record.schema,
        "flags": record.flags,
        "body": body,
    })
}

pub(crate) fn type_name(record_type: RecordType) -> &'static str {
    let types = Record::TYPES;
    types.iter().find(|entry| entry.1 == record_type).unwrap().0
}

/// One of the log's own records, with the field names of the document's tables.
pub(crate) fn control_json(control: &Control) -> (&'static str, Value) {
    match control {
        Control::BatchStart { durable, wall } => (
            "batch_start",
            json!({ "durable_lsn": durable.0, "wall_time": wall.0 }),
        ),
        Control::Heartbeat {
            wall,
            monotonic_ns,
            durable,
        } => (
            "heartbeat",
            json!({ "wall_time": wall.0, "monotonic": monotonic_ns, "durable_lsn": durable.0 }),
        ),
        Control::Boot {
            wall,
            pid,
            previous_clean,
            version,
        } => (
            "boot",
            json!({
                "wall_time": wall.0, "process_id": pid, "previous_clean": u8::from(*previous_clean),
                "version_length": version.len(), "version": version,
            }),
        ),
        Control::Shutdown { wall, durable } => (
            "shutdown",
            json!({ "wall_time": wall.0, "durable_lsn": durable.0 }),
        ),
        Control::CheckpointDone {
            checkpoint,
            file_bytes,
            crc,
        } => (
            "checkpoint_done",
            json!({ "checkpoint_lsn": checkpoint.0, "file_length": file_bytes, "file_crc": crc }),
        ),
        Control::Lost { from, to } => ("lost", json!({ "first_lsn": from.0, "last_lsn": to.0 })),
    }
}

/// All that a look at the store shows.
pub(crate) fn look(image: &Image) -> Value {
    let disk = SimDisk::without_power_loss(image);
    let view = View::load(&disk).unwrap();
    let mut records = Vec::new();
    let report = inspect(&view, Behind::Stop, &mut |record: &Scanned<'_>| {
        records.push(record_json(record));
        Ok(())
    })
    .unwrap();
    let checkpoint = |file: &CheckpointFile| {
        let mut sections = Vec::new();
        let read = read_checkpoint(&disk, file.lsn, view.identity.id, &mut |kind, bytes| {
            sections.push(section_json(kind, bytes));
            Ok(())
        });
        let info = read.unwrap().unwrap();
        json!({
            "lsn": info.lsn.0,
            "file_length": info.file_bytes,
            "crc": info.crc,
            "state_hash": info.state_hash,
            "sections": sections,
        })
    };
    json!({
        "store": view.identity.id.to_string(),
        "created": view.identity.created.to_string(),
        "class": report.class.letter().to_string(),
        "durable_lsn": report.durable.0,
        "next_lsn": report.next.0,
        "given_up": report.given_up.iter().map(|(Lsn(from), Lsn(to))| json!([from, to])).collect::<Value>(),
        "torn_offset": report.torn.map(|torn| torn.offset),
        "checkpoints": view.checkpoints.iter().map(checkpoint).collect::<Value>(),
        "records": records,
    })
}

/// What a start on a copy of the store gives back.
pub(crate) fn start(image: &Image, segment_bytes: u64) -> Value {
    let world = World::on(image, segment_bytes);
    let mut replayed = Replayed::default();
    let (writer, report) = open(&world.environment(), &world.options, &mut replayed).unwrap();
    json!({
        "is_new": report.is_new,
        "class": report.scan.class.letter().to_string(),
        "ended_clean": report.scan.ended_clean(),
        "durable_lsn": writer.durable().0,
        "sections": replayed.sections,
        "records": replayed.records,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// JSON with one item a line down to that depth.
pub(crate) fn lines(value: &Value, depth: usize) -> String {
    let mut out = String::new();
    put_lines(&mut out, value, depth, 0);
    out
}

fn put_lines(out: &mut String, value: &Value, depth: usize, indent: usize) {
    let (brackets, items): (_, Vec<(String, &Value)>) = match value {
        Value::Array(items) if depth > 0 && !items.is_empty() => {
            let item = |item| (String::new(), item);
            (['[', ']'], items.iter().map(item).collect())
        }
        Value::Object(fields) if depth > 0 && !fields.is_empty() => {
            let item = |(name, value)| (format!("{}: ", json!(name)), value);
            (['{', '}'], fields.iter().map(item).collect())
        }
        other => {
            out.push_str(&other.to_string());
            return;
        }
    };
    out.push(brackets[0]);
    for (at, (name, item)) in items.iter().enumerate() {
        out.push_str(if at == 0 { "\n" } else { ",\n" });
        out.push_str(&" ".repeat(indent + 2));
        out.push_str(name);
        put_lines(out, item, depth - 1, indent + 2);
    }
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push(brackets[1]);
}
