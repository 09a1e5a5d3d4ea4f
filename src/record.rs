//! The kinds of record, and their codec: the one place where bincode appears.
//!
//! A record says what happened, as input and not as outcome, so that replaying the log through
//! `core` gives the state again. Its type and schema version stand in the frame (see
//! [`crate::wal::frame`]); its payload is the bincode encoding specified in `wal-format.md`:
//! bincode 1.3, little endian, variable-length integers, no trailing bytes.
//!
//! **Rules**
//! * A released layout is frozen. A change is a new struct (`…V2`) and a new schema version; the old
//!   one stays readable for ever, and golden files in `tests/golden/` prove it.
//! * Only what bincode can carry: no flattened, skipped or untagged fields, no maps in random order.
//! * Times are nanoseconds since 1970 in UTC and end in `_ns`.

mod codes;
mod explanation;
mod view;

use bincode::Options;
use serde::{Deserialize, Serialize};

pub use codes::{FlushOccasion, MutedBy, ToldReason, ToldVerdict};
pub use explanation::{
    ATTEMPT_DETAIL_BYTES_MAX, AttemptV1, AttemptsV1, DecisionsV1, FlushV1, GroupV1, InhibitedV1,
    LimitedV1, MutedV1, PlacedV1, ReceiptsV1, SilencedV1, ToldV1, group_hash,
};

pub use view::{AlertBatchView, AlertView, PairsView};

use crate::sys::WallTime;
pub use crate::wal::Lsn;
use crate::wal::frame::PAYLOAD_BYTES_MAX;
use crate::wal::{NewRecord, RecordType};

/// Label or annotation names and values, sorted by name.
pub type Pairs = Vec<(String, String)>;

/// One alert as it was received, after validation and before merging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertV1 {
    /// Its labels, sorted by name.
    pub labels: Pairs,
    /// Its annotations, sorted by name.
    pub annotations: Pairs,
    /// When it began to fire.
    pub starts_at_ns: i64,
    /// When it ended or will be taken as ended.
    pub ends_at_ns: i64,
    /// Whether `ends_at_ns` is a guess (`resolve_timeout`) and not the sender's word.
    pub is_timeout: bool,
    /// The link back to its sender; empty for none.
    pub generator_url: String,
}

/// Alerts received together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertBatchV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub received_at_ns: i64,
    /// The alerts.
    pub alerts: Vec<AlertV1>,
}

/// One alert received again with nothing changed but its times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TouchV1 {
    /// The fingerprint of its labels.
    pub fingerprint: u64,
    /// The new end.
    pub ends_at_ns: i64,
    /// Whether that end is a guess.
    pub is_timeout: bool,
}

/// Alerts received again with nothing changed but their times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertTouchV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub received_at_ns: i64,
    /// Which.
    pub touches: Vec<TouchV1>,
}

/// A silence was created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceSetV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub received_at_ns: i64,
    /// The silence as Alertmanager's `MeshSilence` protobuf message.
    pub silence: Vec<u8>,
}

/// A silence was expired by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilenceExpireV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub received_at_ns: i64,
    /// Which.
    pub silence_id: String,
}

/// Which notification log entry: one integration of one group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationKeyV1 {
    /// Whose.
    pub tenant: String,
    /// `<route key>:<group labels>`.
    pub group_key: String,
    /// The receiver's name.
    pub receiver: String,
    /// The integration's kind.
    pub integration: String,
    /// Its place among the receiver's integrations of that kind.
    pub index: u32,
}

/// A notification is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlushIntentV1 {
    /// Ties the result to the intent.
    pub flush_id: u64,
    /// What is notified.
    pub key: NotificationKeyV1,
    /// Counts from 1.
    pub attempt: u32,
    /// Why it is sent.
    pub reason: String,
    /// The firing alerts' hashes, sorted.
    pub firing: Vec<u64>,
    /// The resolved alerts' hashes, sorted.
    pub resolved: Vec<u64>,
    /// Sent as `Idempotency-Key`: same key, same content.
    pub idempotency_key: [u8; 32],
    /// When it was decided.
    pub decided_at_ns: i64,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyResultV1 {
    /// The intent's.
    pub flush_id: u64,
    /// What was notified.
    pub key: NotificationKeyV1,
    /// `delivered`, `failed`, `superseded`, `assumed_delivered`, `quarantined`, or `nothing_to_send`
    /// where only resolved alerts were to be told and the integration is not to be told of those.
    pub outcome: String,
    /// What the receiver or the network said, if it failed; never a secret.
    pub detail: String,
    /// The notification log entry as Alertmanager's `MeshEntry` protobuf message; empty if none.
    pub entry: Vec<u8>,
    /// When.
    pub finished_at_ns: i64,
}

/// Entries that another member of the cluster sent, as Alertmanager's protobuf messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub received_at_ns: i64,
    /// The messages.
    pub entries: Vec<Vec<u8>>,
}

/// The timer of an aggregation group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupTimerV1 {
    /// Whose.
    pub tenant: String,
    /// Which group.
    pub group_key: String,
    /// Which of the routes with the same key: routes may share it, and so may their groups.
    pub ordinal: u32,
    /// When the group came into being.
    pub created_at_ns: i64,
    /// When it is flushed next.
    pub next_flush_at_ns: i64,
    /// Flushes so far.
    pub flush_index: u64,
}

/// Resolved alerts of which every integration has told, or has nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertForgottenV1 {
    /// Whose.
    pub tenant: String,
    /// Out of which group.
    pub group_key: String,
    /// Which of the routes with the same key.
    pub ordinal: u32,
    /// Fingerprint, and the LSN of the record that last changed the alert: one that has changed since
    /// stays.
    pub alerts: Vec<(u64, u64)>,
}

/// What had expired was removed: notification log entries, silences, alerts that no group needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedV1 {
    /// Whose.
    pub tenant: String,
    /// What had expired when.
    pub at_ns: i64,
}

/// The process came up again, or its clock jumped: groups that were due meanwhile are told as they are at
/// this record, and what is owed of groups that a new configuration does not have goes to those that it
/// has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveredV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub at_ns: i64,
    /// The keys of the groups that were due, and which of the routes with the same key is theirs.
    pub groups: Vec<(String, u32)>,
}

/// A configuration took effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigAppliedV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub applied_at_ns: i64,
    /// Its hash.
    pub hash: u64,
    /// Its text, when it came through the API; else empty.
    pub text: String,
}

/// Alerts whose end was moved because the process was down when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndsAtExtendedV1 {
    /// Whose.
    pub tenant: String,
    /// When it was decided.
    pub decided_at_ns: i64,
    /// Fingerprint and new end.
    pub alerts: Vec<(u64, i64)>,
}

/// A tenant came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantV1 {
    /// Who.
    pub tenant: String,
    /// When.
    pub at_ns: i64,
}

macro_rules! records {
    ($($variant:ident($layout:ty) = $number:literal schema $schema:literal $name:literal : $about:literal,)*) => {
        /// A record of what happened.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        #[serde(untagged)]
        pub enum Record {
            $(#[doc = $about] $variant($layout),)*
        }

        impl Record {
            /// The names of all record types and their numbers.
            pub const TYPES: &'static [(&'static str, RecordType)] =
                &[$(($name, RecordType($number)),)*];

            /// The number in the frame.
            #[must_use]
            pub fn record_type(&self) -> RecordType {
                match self { $(Self::$variant(_) => RecordType($number),)* }
            }

            /// The schema version in the frame.
            #[must_use]
            pub fn schema(&self) -> u8 {
                match self { $(Self::$variant(_) => $schema,)* }
            }

            /// The payload.
            ///
            /// # Errors
            /// That it would be longer than a record may be.
            pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
                let encoded = match self { $(Self::$variant(body) => options().serialize(body),)* };
                encoded.map_err(|source| CodecError::Encode { source })
            }

            /// As the log appends it.
            ///
            /// # Errors
            /// As [`Self::encode`].
            pub fn encoded(&self) -> Result<NewRecord, CodecError> {
                Ok(NewRecord {
                    record_type: self.record_type(),
                    schema: self.schema(),
                    payload: self.encode()?.into(),
                })
            }

            /// Reads a record.
            ///
            /// # Errors
            /// That the type or the schema version is not known, or the payload is not one of that
            /// layout.
            pub fn decode(record_type: RecordType, schema: u8, payload: &[u8]) -> Result<Self, CodecError> {
                match (record_type.0, schema) {
                    $(($number, $schema) => options()
                        .deserialize(payload)
                        .map(Self::$variant)
                        .map_err(|source| CodecError::Decode { name: $name, source }),)*
                    $(($number, _) => Err(CodecError::Schema { name: $name, schema }),)*
                    _ => Err(CodecError::Type { number: record_type.0 }),
                }
            }
        }
    };
}

/// The number of the record of alerts, the most frequent one but for touches.
const ALERT_BATCH: RecordType = RecordType(1);

records! {
    AlertBatch(AlertBatchV1) = 1 schema 1 "alert_batch": "Alerts were received.",
    SilenceSet(SilenceSetV1) = 2 schema 1 "silence_set": "A silence was created or changed.",
    SilenceExpire(SilenceExpireV1) = 3 schema 1 "silence_expire": "A silence was expired.",
    FlushIntent(FlushIntentV1) = 4 schema 1 "flush_intent": "A notification is about to be sent.",
    NotifyResult(NotifyResultV1) = 5 schema 1 "notify_result": "A notification ended.",
    NflogMerge(MergeV1) = 6 schema 1 "nflog_merge": "Notification log entries of a peer.",
    GroupTimer(GroupTimerV1) = 7 schema 1 "group_timer": "A group's timer was set.",
    AlertForgotten(AlertForgottenV1) = 8 schema 1 "alert_forgotten": "Resolved alerts left a group.",
    ConfigApplied(ConfigAppliedV1) = 9 schema 1 "config_applied": "A configuration took effect.",
    EndsAtExtended(EndsAtExtendedV1) = 14 schema 1 "ends_at_extended": "Downtime moved alerts' ends.",
    TenantCreated(TenantV1) = 15 schema 1 "tenant_created": "A tenant came.",
    AlertTouch(AlertTouchV1) = 17 schema 1 "alert_touch": "Alerts were received again, unchanged.",
    SilenceMerge(MergeV1) = 19 schema 1 "silence_merge": "Silences of a peer.",
    TenantDeleted(TenantV1) = 20 schema 1 "tenant_deleted": "A tenant went.",
    Collected(CollectedV1) = 21 schema 1 "collected": "What had expired was removed.",
    Recovered(RecoveredV1) = 22 schema 1 "recovered": "The process came up again.",
    Decisions(DecisionsV1) = 23 schema 1 "decisions": "Why groups were flushed as they were.",
    Attempts(AttemptsV1) = 24 schema 1 "attempts": "How a notification was tried.",
    Receipts(ReceiptsV1) = 25 schema 1 "receipts": "Who sent alerts.",
}

impl Record {
    /// Whose it is.
    #[must_use]
    pub fn tenant(&self) -> &str {
        match self {
            Self::AlertBatch(body) => &body.tenant,
            Self::AlertTouch(body) => &body.tenant,
            Self::SilenceSet(body) => &body.tenant,
            Self::SilenceExpire(body) => &body.tenant,
            Self::FlushIntent(body) => &body.key.tenant,
            Self::NotifyResult(body) => &body.key.tenant,
            Self::NflogMerge(body) | Self::SilenceMerge(body) => &body.tenant,
            Self::GroupTimer(body) => &body.tenant,
            Self::AlertForgotten(body) => &body.tenant,
            Self::ConfigApplied(body) => &body.tenant,
            Self::EndsAtExtended(body) => &body.tenant,
            Self::TenantCreated(body) | Self::TenantDeleted(body) => &body.tenant,
            Self::Collected(body) => &body.tenant,
            Self::Recovered(body) => &body.tenant,
            Self::Decisions(body) => &body.tenant,
            Self::Attempts(body) => &body.key.tenant,
            Self::Receipts(body) => &body.tenant,
        }
    }
}

impl Record {
    /// Whether it explains what happened, and changes nothing.
    #[must_use]
    pub fn is_explanation(&self) -> bool {
        matches!(
            self,
            Self::Decisions(_) | Self::Attempts(_) | Self::Receipts(_)
        )
    }

    /// When it happened, if it says so.
    #[must_use]
    pub fn at(&self) -> Option<WallTime> {
        let at_ns = match self {
            Self::AlertBatch(body) => body.received_at_ns,
            Self::AlertTouch(body) => body.received_at_ns,
            Self::SilenceSet(body) => body.received_at_ns,
            Self::SilenceExpire(body) => body.received_at_ns,
            Self::FlushIntent(body) => body.decided_at_ns,
            Self::NotifyResult(body) => body.finished_at_ns,
            Self::NflogMerge(body) | Self::SilenceMerge(body) => body.received_at_ns,
            Self::GroupTimer(_) | Self::AlertForgotten(_) => return None,
            Self::ConfigApplied(body) => body.applied_at_ns,
            Self::EndsAtExtended(body) => body.decided_at_ns,
            Self::TenantCreated(body) | Self::TenantDeleted(body) => body.at_ns,
            Self::Collected(body) => body.at_ns,
            Self::Recovered(body) => body.at_ns,
            Self::Decisions(body) => body.at_ns,
            Self::Attempts(body) => body.started_at_ns,
            Self::Receipts(body) => body.at_ns,
        };
        Some(WallTime(at_ns))
    }
}

/// Why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It is too long.
    #[error("the record cannot be encoded: {source}")]
    Encode {
        /// What bincode said.
        source: bincode::Error,
    },
    /// Its payload is not of its layout.
    #[error("the payload is no {name}: {}", in_words(source))]
    Decode {
        /// The type's name.
        name: &'static str,
        /// What bincode said.
        source: bincode::Error,
    },
    /// A later version wrote it.
    #[error("{name} has schema version {schema}, which this program does not know")]
    Schema {
        /// The type's name.
        name: &'static str,
        /// The version found.
        schema: u8,
    },
    /// A later version wrote it.
    #[error("record type {number} is not known to this program")]
    Type {
        /// The number found.
        number: u8,
    },
}

/// Encodes a part of a checkpoint, by the rules of payloads.
///
/// # Errors
/// That it would be longer than a record may be.
pub fn encode_part<T: Serialize>(part: &T) -> Result<Vec<u8>, CodecError> {
    let encoded = options().serialize(part);
    encoded.map_err(|source| CodecError::Encode { source })
}

/// As [`encode_part`], behind what is in the buffer: for what is encoded so often that memory is used again.
///
/// # Errors
/// That it cannot be encoded; the buffer has a part of it then.
pub fn encode_part_into<T: Serialize>(buffer: &mut Vec<u8>, part: &T) -> Result<(), CodecError> {
    let encoded = options().serialize_into(buffer, part);
    encoded.map_err(|source| CodecError::Encode { source })
}

/// Reads a part of a checkpoint.
///
/// # Errors
/// That the bytes are not of that layout.
pub fn decode_part<T: serde::de::DeserializeOwned>(
    name: &'static str,
    bytes: &[u8],
) -> Result<T, CodecError> {
    let decoded = options().deserialize(bytes);
    decoded.map_err(|source| CodecError::Decode { name, source })
}

/// bincode says nothing of a payload that ends too early but that it was an input error.
fn in_words(source: &bincode::Error) -> String {
    match source.as_ref() {
        bincode::ErrorKind::Io(_) => "it ends too early".to_owned(),
        other => other.to_string(),
    }
}

/// Little endian, variable-length integers, bounded, no trailing bytes. The free functions of
/// bincode differ in all of it and must not be used.
fn options() -> impl Options {
    bincode::DefaultOptions::new().with_limit(PAYLOAD_BYTES_MAX as u64)
}
