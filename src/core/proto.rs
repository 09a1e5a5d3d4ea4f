//! Alertmanager's protobuf messages of silences and of the notification log, as they stand in its
//! snapshot files, in gossip and in the records of the log.
//!
//! Alertmanager 0.34: `silence/silencepb`, `nflog/nflogpb`. Fields that are not listed are dropped when a
//! message is read, so messages of others are kept as the bytes they came in.

use std::collections::BTreeMap;

use prost::Message;

use crate::sys::WallTime;

const SECOND_NS: i64 = 1_000_000_000;

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl From<WallTime> for Timestamp {
    fn from(at: WallTime) -> Self {
        Self {
            seconds: at.0.div_euclid(SECOND_NS),
            nanos: i32::try_from(at.0.rem_euclid(SECOND_NS)).unwrap_or(0),
        }
    }
}

impl From<Timestamp> for WallTime {
    /// What is outside of the range of a 64-bit count of nanoseconds becomes its nearest end.
    fn from(at: Timestamp) -> Self {
        let whole = at.seconds.saturating_mul(SECOND_NS);
        WallTime(whole.saturating_add(i64::from(at.nanos)))
    }
}

/// The time of an optional field; an absent one is 1970, as in Go's reader.
pub(super) fn time(at: Option<Timestamp>) -> WallTime {
    at.map(WallTime::from).unwrap_or_default()
}

/// `nflogpb.Receiver`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Receiver {
    /// The receiver's name.
    #[prost(string, tag = "1")]
    pub group_name: String,
    /// The integration's kind.
    #[prost(string, tag = "2")]
    pub integration: String,
    /// Its place among its kind.
    #[prost(uint32, tag = "3")]
    pub idx: u32,
}

/// `nflogpb.ReceiverDataValue`.
#[derive(Clone, PartialEq, Message)]
pub struct ReceiverData {
    /// What it holds.
    #[prost(oneof = "ReceiverDataValue", tags = "1, 2, 3")]
    pub value: Option<ReceiverDataValue>,
}

/// What an integration keeps between notifications of a group.
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum ReceiverDataValue {
    /// Text.
    #[prost(string, tag = "1")]
    Text(String),
    /// A whole number.
    #[prost(int64, tag = "2")]
    Int(i64),
    /// A number.
    #[prost(double, tag = "3")]
    Double(f64),
}

/// `nflogpb.Entry`.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// `<route key>:<group labels>`.
    #[prost(bytes = "vec", tag = "1")]
    pub group_key: Vec<u8>,
    /// Who was told.
    #[prost(message, optional, tag = "2")]
    pub receiver: Option<Receiver>,
    /// When.
    #[prost(message, optional, tag = "5")]
    pub timestamp: Option<Timestamp>,
    /// The hashes of what fired.
    #[prost(uint64, repeated, tag = "6")]
    pub firing_alerts: Vec<u64>,
    /// The hashes of what was resolved.
    #[prost(uint64, repeated, tag = "7")]
    pub resolved_alerts: Vec<u64>,
    /// What the integration keeps.
    #[prost(btree_map = "string, message", tag = "8")]
    pub receiver_data: BTreeMap<String, ReceiverData>,
}

/// `nflogpb.MeshEntry`.
#[derive(Clone, PartialEq, Message)]
pub struct MeshEntry {
    /// The entry.
    #[prost(message, optional, tag = "1")]
    pub entry: Option<Entry>,
    /// When it is to be forgotten.
    #[prost(message, optional, tag = "2")]
    pub expires_at: Option<Timestamp>,
}

/// `silencepb.Matcher`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Matcher {
    /// 0 `=`, 1 `=~`, 2 `!=`, 3 `!~`.
    #[prost(int32, tag = "1")]
    pub kind: i32,
    /// The label.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Its value or pattern.
    #[prost(string, tag = "3")]
    pub pattern: String,
}

/// `silencepb.MatcherSet`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MatcherSet {
    /// All of which have to match.
    #[prost(message, repeated, tag = "1")]
    pub matchers: Vec<Matcher>,
}

/// `silencepb.Comment`, of old versions.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Comment {
    /// Who.
    #[prost(string, tag = "1")]
    pub author: String,
    /// What.
    #[prost(string, tag = "2")]
    pub comment: String,
    /// When.
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}

/// `silencepb.Silence`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Silence {
    /// A UUID.
    #[prost(string, tag = "1")]
    pub id: String,
    /// The first of the sets. Versions before 0.32 know no others, and take a silence without these
    /// for one that matches everything.
    #[prost(message, repeated, tag = "2")]
    pub matchers: Vec<Matcher>,
    /// From when on.
    #[prost(message, optional, tag = "3")]
    pub starts_at: Option<Timestamp>,
    /// Until when.
    #[prost(message, optional, tag = "4")]
    pub ends_at: Option<Timestamp>,
    /// When it was changed last.
    #[prost(message, optional, tag = "5")]
    pub updated_at: Option<Timestamp>,
    /// Of old versions; the first stands for author and comment.
    #[prost(message, repeated, tag = "7")]
    pub comments: Vec<Comment>,
    /// Who.
    #[prost(string, tag = "8")]
    pub created_by: String,
    /// Why.
    #[prost(string, tag = "9")]
    pub comment: String,
    /// What else is to be known.
    #[prost(btree_map = "string, string", tag = "10")]
    pub annotations: BTreeMap<String, String>,
    /// One of which has to match.
    #[prost(message, repeated, tag = "11")]
    pub matcher_sets: Vec<MatcherSet>,
    /// Defined in 0.34, and evaluated nowhere.
    #[prost(message, repeated, tag = "12")]
    pub receiver_matcher_sets: Vec<MatcherSet>,
}

/// `silencepb.MeshSilence`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MeshSilence {
    /// The silence.
    #[prost(message, optional, tag = "1")]
    pub silence: Option<Silence>,
    /// When it is to be forgotten.
    #[prost(message, optional, tag = "2")]
    pub expires_at: Option<Timestamp>,
}

/// Why bytes are not one of these messages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtoError {
    /// They are no message of that kind.
    #[error("no protobuf message: {0}")]
    Decode(#[from] prost::DecodeError),
    /// They lack what must be there; Alertmanager's words.
    #[error("invalid state")]
    InvalidState,
}
