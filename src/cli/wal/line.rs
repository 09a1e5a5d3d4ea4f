//! A record as a line of JSON.
//!
//! Times become RFC 3339 (and their names lose the `_ns`), bytes and hashes become hexadecimal, and
//! pairs of label names and values become objects. What cannot be decoded is shown as it is, with the
//! reason: a look must not fail over the one record that somebody has to see.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::explained;
use crate::record::{AlertV1, MergeV1, NotificationKeyV1, Pairs, Record, TenantV1};
use crate::sys::WallTime;
use crate::wal::RecordType;
use crate::wal::control::Control;
use crate::wal::scan::Scanned;

/// The log's own types.
const CONTROL_TYPES: &[(&str, RecordType)] = &[
    ("heartbeat", RecordType::HEARTBEAT),
    ("boot", RecordType::BOOT),
    ("shutdown", RecordType::SHUTDOWN),
    ("checkpoint_done", RecordType::CHECKPOINT_DONE),
    ("batch_start", RecordType::BATCH_START),
    ("lost", RecordType::LOST),
];

/// A record type that was asked for by name, or by number if it has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeName(pub(super) RecordType);

fn names() -> impl Iterator<Item = &'static (&'static str, RecordType)> {
    Record::TYPES.iter().chain(CONTROL_TYPES)
}

/// The name of a record type; `type_<number>` for one that this program does not know.
pub(super) fn type_name(record_type: RecordType) -> String {
    names()
        .find(|(_, known)| *known == record_type)
        .map_or_else(
            || format!("type_{}", record_type.0),
            |(name, _)| (*name).to_owned(),
        )
}

/// Reads a name that [`type_name`] gives.
pub(super) fn parse_type(text: &str) -> Result<TypeName, String> {
    let by_number = || {
        let number = text.strip_prefix("type_")?.parse().ok()?;
        Some(RecordType(number))
    };
    names()
        .find(|(name, _)| *name == text)
        .map(|(_, record_type)| *record_type)
        .or_else(by_number)
        .map(TypeName)
        .ok_or_else(|| {
            let known: Vec<&str> = names().map(|(name, _)| *name).collect();
            format!("there are: {}", known.join(", "))
        })
}

/// What a record says.
#[derive(Debug)]
pub(super) enum Content {
    /// One of the log's own.
    Control(Control),
    /// One of its callers'.
    Record(Box<Record>),
    /// Not known to this program, or not of its layout.
    Unknown(String),
}

impl Content {
    /// Decodes a record.
    pub(super) fn of(record: &Scanned<'_>) -> Self {
        if let Some(control) = &record.control {
            return Self::Control(control.clone());
        }
        match Record::decode(record.record_type, record.schema, record.payload) {
            Ok(record) => Self::Record(Box::new(record)),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }

    /// Whose record it is; the log's own belong to nobody.
    pub(super) fn tenant(&self) -> Option<&str> {
        let Self::Record(record) = self else {
            return None;
        };
        Some(record.tenant())
    }

    /// The alerts in it, as far as their labels are in it too.
    pub(super) fn alerts(&self) -> &[AlertV1] {
        match self {
            Self::Record(record) => match record.as_ref() {
                Record::AlertBatch(body) => &body.alerts,
                _ => &[],
            },
            Self::Control(_) | Self::Unknown(_) => &[],
        }
    }
}

/// The line. Its order is that of the fields.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    lsn: u64,
    /// When the batch was written that the record is in; `null` if that was lost.
    written_at: Option<String>,
    #[serde(rename = "type")]
    type_name: String,
    schema: u8,
    segment: String,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

impl Line {
    /// The line for a record.
    pub(super) fn new(
        record: &Scanned<'_>,
        content: &Content,
        written_at: Option<WallTime>,
    ) -> Self {
        let (body, error) = match content {
            Content::Control(control) => (Some(control_body(control)), None),
            Content::Record(record) => (Some(record_body(record)), None),
            Content::Unknown(error) => (None, Some(error.clone())),
        };
        Self {
            lsn: record.lsn.0,
            written_at: written_at.map(|wall| wall.to_string()),
            type_name: type_name(record.record_type),
            schema: record.schema,
            segment: record.segment.path.display().to_string(),
            offset: record.offset,
            body,
            payload: error.is_some().then(|| hex(record.payload)),
            error,
        }
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A hash or fingerprint as Alertmanager writes it.
pub(super) fn hash(hash: u64) -> String {
    format!("{hash:016x}")
}

pub(super) fn hashes(hashes: &[u64]) -> Vec<String> {
    hashes.iter().copied().map(hash).collect()
}

pub(super) fn time(ns: i64) -> String {
    WallTime(ns).to_string()
}

fn object(pairs: &Pairs) -> Value {
    let pairs = pairs.iter().cloned();
    Value::Object(
        pairs
            .map(|(name, value)| (name, Value::String(value)))
            .collect(),
    )
}

fn control_body(control: &Control) -> Value {
    match control {
        Control::BatchStart { durable, wall } => json!({
            "durable_lsn": durable.0, "at": wall.to_string(),
        }),
        Control::Heartbeat {
            wall,
            monotonic_ns,
            durable,
        } => json!({
            "at": wall.to_string(), "monotonic_ns": monotonic_ns, "durable_lsn": durable.0,
        }),
        Control::Boot {
            wall,
            pid,
            previous_clean,
            version,
        } => json!({
            "at": wall.to_string(), "pid": pid, "previous_clean": previous_clean, "version": version,
        }),
        Control::Shutdown { wall, durable } => json!({
            "at": wall.to_string(), "durable_lsn": durable.0,
        }),
        Control::CheckpointDone {
            checkpoint,
            file_bytes,
            crc,
        } => json!({
            "checkpoint_lsn": checkpoint.0, "file_bytes": file_bytes, "crc": format!("{crc:08x}"),
        }),
        Control::Lost { from, to } => json!({ "first_lsn": from.0, "last_lsn": to.0 }),
    }
}

fn alert(alert: &AlertV1) -> Value {
    json!({
        "labels": object(&alert.labels),
        "annotations": object(&alert.annotations),
        "starts_at": time(alert.starts_at_ns),
        "ends_at": time(alert.ends_at_ns),
        "is_timeout": alert.is_timeout,
        "generator_url": alert.generator_url,
    })
}

pub(super) fn key(key: &NotificationKeyV1) -> Map<String, Value> {
    let fields = [
        ("tenant", json!(key.tenant)),
        ("group_key", json!(key.group_key)),
        ("receiver", json!(key.receiver)),
        ("integration", json!(key.integration)),
        ("index", json!(key.index)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn merge(body: &MergeV1) -> Value {
    let entries: Vec<String> = body.entries.iter().map(|entry| hex(entry)).collect();
    json!({
        "tenant": body.tenant, "received_at": time(body.received_at_ns), "entries": entries,
    })
}

fn tenant(body: &TenantV1) -> Value {
    json!({ "tenant": body.tenant, "at": time(body.at_ns) })
}

fn record_body(record: &Record) -> Value {
    match record {
        Record::AlertBatch(body) => json!({
            "tenant": body.tenant,
            "received_at": time(body.received_at_ns),
            "alerts": body.alerts.iter().map(alert).collect::<Vec<_>>(),
        }),
        Record::AlertTouch(body) => json!({
            "tenant": body.tenant,
            "received_at": time(body.received_at_ns),
            "touches": body.touches.iter().map(|touch| json!({
                "fingerprint": hash(touch.fingerprint),
                "ends_at": time(touch.ends_at_ns),
                "is_timeout": touch.is_timeout,
            })).collect::<Vec<_>>(),
        }),
        Record::SilenceSet(body) => json!({
            "tenant": body.tenant,
            "received_at": time(body.received_at_ns),
            "silence": hex(&body.silence),
        }),
        Record::SilenceExpire(body) => json!({
            "tenant": body.tenant,
            "received_at": time(body.received_at_ns),
            "silence_id": body.silence_id,
        }),
        Record::FlushIntent(body) => json!({
            "flush_id": hash(body.flush_id),
            "key": key(&body.key),
            "attempt": body.attempt,
            "reason": body.reason,
            "firing": hashes(&body.firing),
            "resolved": hashes(&body.resolved),
            "idempotency_key": hex(&body.idempotency_key),
            "decided_at": time(body.decided_at_ns),
        }),
        Record::NotifyResult(body) => json!({
            "flush_id": hash(body.flush_id),
            "key": key(&body.key),
            "outcome": body.outcome,
            "detail": body.detail,
            "entry": hex(&body.entry),
            "finished_at": time(body.finished_at_ns),
        }),
        Record::NflogMerge(body) | Record::SilenceMerge(body) => merge(body),
        Record::GroupTimer(body) => json!({
            "tenant": body.tenant,
            "group_key": body.group_key,
            "ordinal": body.ordinal,
            "created_at": time(body.created_at_ns),
            "next_flush_at": time(body.next_flush_at_ns),
            "flush_index": body.flush_index,
        }),
        Record::AlertForgotten(body) => json!({
            "tenant": body.tenant,
            "group_key": body.group_key,
            "ordinal": body.ordinal,
            "alerts": body.alerts.iter().map(|(fingerprint, lsn)| json!({
                "fingerprint": hash(*fingerprint), "changed_by_lsn": lsn,
            })).collect::<Vec<_>>(),
        }),
        Record::ConfigApplied(body) => json!({
            "tenant": body.tenant,
            "applied_at": time(body.applied_at_ns),
            "hash": hash(body.hash),
            "text": body.text,
        }),
        Record::EndsAtExtended(body) => json!({
            "tenant": body.tenant,
            "decided_at": time(body.decided_at_ns),
            "alerts": body.alerts.iter().map(|(fingerprint, ends_at_ns)| json!({
                "fingerprint": hash(*fingerprint), "ends_at": time(*ends_at_ns),
            })).collect::<Vec<_>>(),
        }),
        Record::TenantCreated(body) | Record::TenantDeleted(body) => tenant(body),
        Record::Collected(body) => json!({
            "tenant": body.tenant,
            "at": time(body.at_ns),
        }),
        Record::Decisions(body) => explained::decisions(body),
        Record::Attempts(body) => explained::attempts(body),
        Record::Receipts(body) => explained::receipts(body),
        Record::Recovered(body) => json!({
            "tenant": body.tenant,
            "at": time(body.at_ns),
            "groups": body.groups.iter().map(|(key, ordinal)| json!({
                "group_key": key, "ordinal": ordinal,
            })).collect::<Vec<_>>(),
        }),
    }
}
