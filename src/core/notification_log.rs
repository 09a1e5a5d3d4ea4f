//! The notification log: what each integration was told last of each group.
//!
//! An entry is kept as the protobuf message it came in, which is small, goes out to peers as it is, and
//! loses no field that this version does not know. Beside it stand the two times that decide its life.
//!
//! **Rules**
//! * What this server told counts in the order of the log of records, whatever the clock said: an entry
//!   with a time ahead of the clock does not keep later ones out (hazard H16).
//! * What a peer told is taken if it has not expired, and what is known is strictly older.
//! * An entry is believed until it is collected, even if it has expired before.
//! * One that has expired is kept while a notification of its integration and group fails. What it says
//!   fires stays owed when it goes (see [`super::owed`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::record::NotificationKeyV1;
use crate::sys::WallTime;

use super::dedup::Told;
use super::proto::{Entry, MeshEntry, ProtoError, ReceiverData, time};

/// Whose entry it is: an integration, and a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// `<route key>:<group labels>`.
    pub group_key: Arc<str>,
    /// The receiver's name.
    pub receiver: Arc<str>,
    /// The integration's kind.
    pub integration: Arc<str>,
    /// Its place among its kind.
    pub index: u32,
}

impl LogKey {
    /// The key that a record names.
    pub(super) fn of(key: &NotificationKeyV1) -> Self {
        Self {
            group_key: key.group_key.as_str().into(),
            receiver: key.receiver.as_str().into(),
            integration: key.integration.as_str().into(),
            index: key.index,
        }
    }

    /// As records name it.
    pub(super) fn in_record(&self, tenant: &str) -> NotificationKeyV1 {
        NotificationKeyV1 {
            tenant: tenant.to_owned(),
            group_key: self.group_key.to_string(),
            receiver: self.receiver.to_string(),
            integration: self.integration.to_string(),
            index: self.index,
        }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When the integration was told.
    pub told_at: WallTime,
    /// When the entry is to be forgotten.
    pub expires_at: WallTime,
    encoded: Box<[u8]>,
}

impl LogEntry {
    /// Reads a `MeshEntry`, and whose it is.
    ///
    /// # Errors
    /// If the bytes are no such message, or lack entry or receiver.
    pub fn read(encoded: &[u8]) -> Result<(LogKey, Self), ProtoError> {
        let mesh = MeshEntry::decode(encoded)?;
        let entry = mesh.entry.ok_or(ProtoError::InvalidState)?;
        let receiver = entry.receiver.ok_or(ProtoError::InvalidState)?;
        let key = LogKey {
            group_key: String::from_utf8_lossy(&entry.group_key).into(),
            receiver: receiver.group_name.into(),
            integration: receiver.integration.into(),
            index: receiver.idx,
        };
        let read = Self {
            told_at: time(entry.timestamp),
            expires_at: time(mesh.expires_at),
            encoded: encoded.into(),
        };
        Ok((key, read))
    }

    /// The message.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// What was told.
    #[must_use]
    pub fn told(&self) -> Told {
        let entry = self.entry();
        let sorted = |mut hashes: Vec<u64>| {
            hashes.sort_unstable();
            hashes
        };
        Told {
            at: self.told_at,
            firing: sorted(entry.firing_alerts),
            resolved: sorted(entry.resolved_alerts),
        }
    }

    /// What the integration keeps for the next time.
    #[must_use]
    pub fn receiver_data(&self) -> BTreeMap<String, ReceiverData> {
        self.entry().receiver_data
    }

    /// The bytes were read when the entry was made.
    fn entry(&self) -> Entry {
        let mesh = MeshEntry::decode(self.encoded());
        mesh.ok().and_then(|mesh| mesh.entry).unwrap_or_default()
    }
}

/// All entries of a tenant.
#[derive(Debug, Clone, Default)]
pub struct NotificationLog {
    entries: BTreeMap<LogKey, LogEntry>,
}

impl NotificationLog {
    /// All entries in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&LogKey, &LogEntry)> {
        self.entries.iter()
    }

    /// The entry of an integration and a group.
    #[must_use]
    pub fn get(&self, key: &LogKey) -> Option<&LogEntry> {
        self.entries.get(key)
    }

    /// What this server told.
    pub(super) fn put(&mut self, key: LogKey, entry: LogEntry) {
        self.entries.insert(key, entry);
    }

    /// Whether what a peer told is to be taken.
    pub(super) fn is_news(&self, key: &LogKey, entry: &LogEntry, now: WallTime) -> bool {
        let known = self.entries.get(key);
        entry.expires_at >= now && known.is_none_or(|known| known.told_at < entry.told_at)
    }

    /// Whether [`Self::collect`] would remove something.
    pub(super) fn has_expired(&self, now: WallTime, is_needed: impl Fn(&LogKey) -> bool) -> bool {
        let mut all = self.entries.iter();
        all.any(|(key, entry)| entry.expires_at <= now && !is_needed(key))
    }

    /// Removes what has expired and is not needed, and returns it.
    pub(super) fn collect(
        &mut self,
        now: WallTime,
        is_needed: impl Fn(&LogKey) -> bool,
    ) -> Vec<(LogKey, LogEntry)> {
        self.entries
            .extract_if(.., |key, entry| entry.expires_at <= now && !is_needed(key))
            .collect()
    }
}
