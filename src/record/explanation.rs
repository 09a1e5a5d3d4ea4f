//! Records that explain: why groups were flushed as they were, how notifications were tried, and who sent
//! what. They change nothing: the state after a replay is the same without them, nobody waits until they
//! are durable, and one that the log refuses is dropped.
//!
//! **Rules**
//! * They are many, so they are compact: texts stand once in a list of names and are referred to by their
//!   place in it, groups by a hash that a `group_timer` or a `decisions` record resolves, and times by how
//!   long before the record's own time they were.
//! * What is chosen from a few is a number: see [`super::codes`].
//! * One record is bounded ([`crate::core::explain::RECORD_BYTES_TARGET`]): what does not fit is in the next
//!   one, which may go on with the same flush.

use serde::{Deserialize, Serialize};

/// What was decided together: for one tenant, since the record before, up to one look at what is due.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecisionsV1 {
    /// Whose.
    pub tenant: String,
    /// When.
    pub at_ns: i64,
    /// Texts that are referred to by their place.
    pub names: Vec<String>,
    /// Groups that came into being.
    pub groups: Vec<GroupV1>,
    /// Alerts that came to a group.
    pub placed: Vec<PlacedV1>,
    /// Alerts that came to no group of a route, because there are too many.
    pub limited: Vec<LimitedV1>,
    /// Flushes.
    pub flushes: Vec<FlushV1>,
}

/// A group came into being.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupV1 {
    /// Its hash: see [`group_hash`].
    pub group: u64,
    /// Its key.
    pub key: String,
    /// Which of the routes with the same key.
    pub ordinal: u32,
    /// The path of its route, a name.
    pub route: u32,
    /// Its receiver, a name.
    pub receiver: u32,
    /// When it is flushed first.
    pub due_at_ns: i64,
    /// How long before the record's time it did, in milliseconds.
    pub before_ms: u64,
}

/// An alert came to a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedV1 {
    /// The fingerprint.
    pub alert: u64,
    /// The hash of the group.
    pub group: u64,
    /// How long before the record's time, in milliseconds.
    pub before_ms: u64,
}

/// An alert came to no group of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitedV1 {
    /// The fingerprint.
    pub alert: u64,
    /// The key of the group that would be, a name.
    pub key: u32,
    /// How long before the record's time, in milliseconds.
    pub before_ms: u64,
}

/// A flush of a group, or of what of it is told in this record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FlushV1 {
    /// The hash of the group.
    pub group: u64,
    /// Its receiver, a name.
    pub receiver: u32,
    /// Why it was flushed, or that it had to wait.
    pub occasion: u32,
    /// How long before the record's time it was due, in milliseconds.
    pub late_ms: u64,
    /// How long after the record's time it is due next, in milliseconds; 0 if its timer stays.
    pub next_ms: u64,
    /// How many alerts fired and were kept back by nothing.
    pub firing: u32,
    /// How many had ended and were kept back by nothing.
    pub resolved: u32,
    /// Alerts kept back by others.
    pub inhibited: Vec<InhibitedV1>,
    /// Alerts kept back by silences.
    pub silenced: Vec<SilencedV1>,
    /// What kept all others back.
    pub muted: Vec<MutedV1>,
    /// What each integration was told, or why not.
    pub told: Vec<ToldV1>,
}

/// An alert was kept back by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InhibitedV1 {
    /// The fingerprint.
    pub alert: u64,
    /// That of the other.
    pub source: u64,
    /// The place of the rule in the configuration, from 0.
    pub rule: u32,
    /// Its name, a name.
    pub rule_name: u32,
}

/// An alert was kept back by silences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilencedV1 {
    /// The fingerprint.
    pub alert: u64,
    /// The ids of the silences, names.
    pub silences: Vec<u32>,
}

/// A group was kept back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MutedV1 {
    /// By what.
    pub cause: u32,
    /// The time intervals, names.
    pub intervals: Vec<u32>,
    /// How many alerts.
    pub alerts: u32,
}

/// What an integration was told, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldV1 {
    /// Its kind, a name.
    pub integration: u32,
    /// Its place among those of its kind.
    pub index: u32,
    /// What was decided.
    pub verdict: u32,
    /// Why it is told, or would be.
    pub reason: u32,
    /// The intent; 0 if there is none.
    pub flush_id: u64,
    /// Counts from 1; 0 if nothing is sent.
    pub attempt: u32,
    /// The hashes of what fires and was not told before; empty if nothing was.
    pub added: Vec<u64>,
    /// The hashes of what was told to fire and does not any more.
    pub ended: Vec<u64>,
}

/// How a notification was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptsV1 {
    /// The intent's.
    pub flush_id: u64,
    /// What was notified.
    pub key: super::NotificationKeyV1,
    /// As sent.
    pub idempotency_key: [u8; 32],
    /// When the first attempt began.
    pub started_at_ns: i64,
    /// How many there were. More than are listed if there were very many.
    pub count: u32,
    /// The first and the last of them.
    pub attempts: Vec<AttemptV1>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptV1 {
    /// Counts from 1.
    pub number: u32,
    /// How long after the first it began, in milliseconds.
    pub after_ms: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The status of the answer; 0 if there was none, or it has none.
    pub status: u32,
    /// The class of the error, as in the metric `alertmanager_notifications_failed_total`; empty if it
    /// succeeded.
    pub error: String,
    /// What the receiver or the network said, cut to [`ATTEMPT_DETAIL_BYTES_MAX`]; never a secret.
    pub detail: String,
}

/// More says no more: the result has the whole text of the last failure.
pub const ATTEMPT_DETAIL_BYTES_MAX: usize = 160;

/// Who sent the alerts of which records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsV1 {
    /// Whose.
    pub tenant: String,
    /// When the last of them came.
    pub at_ns: i64,
    /// Who: address, and what it says of itself.
    pub senders: Vec<String>,
    /// For each request how many LSNs after the request before it (the first: after 0) its records begin,
    /// and the place of its sender.
    pub requests: Vec<(u64, u32)>,
}

/// The hash by which these records name a group.
///
/// XXH64 with seed 0 over the key, `0xFF`, and the ordinal as four bytes, little endian.
#[must_use]
pub fn group_hash(key: &str, ordinal: u32) -> u64 {
    let mut bytes = Vec::with_capacity(key.len() + 5);
    bytes.extend_from_slice(key.as_bytes());
    bytes.push(0xFF);
    bytes.extend_from_slice(&ordinal.to_le_bytes());
    twox_hash::XxHash64::oneshot(0, &bytes)
}
