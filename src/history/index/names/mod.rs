//! Names: what a number stands for. The labels of an alert, the key of a group.
//!
//! A name is kept for as long as something was said about it within the retention, and not for each time
//! that it is said: it is written when it is new, when it is another one, and once a day.

use std::collections::BTreeMap;

use super::storage::{Change, Fault};
use super::value;
use crate::sys::WallTime;
use crate::wal::Lsn;

/// First byte of the keys of names.
pub const NAMES: u8 = b'n';

/// How often it is written down that a name is in use.
const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// Which name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey {
    /// Of what.
    pub kind: u8,
    /// The hash of whose it is.
    pub tenant: u64,
    /// The number.
    pub id: u64,
}

impl NameKey {
    /// The key in storage.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let mut key = Self::prefix(self.kind, self.tenant);
        key.extend(self.id.to_be_bytes());
        key
    }

    /// How all keys of a kind and a tenant begin.
    #[must_use]
    pub fn prefix(kind: u8, tenant: u64) -> Vec<u8> {
        let mut prefix = vec![NAMES, kind];
        prefix.extend(tenant.to_be_bytes());
        prefix
    }

    /// Reads a key.
    ///
    /// # Errors
    /// That it is none of a name.
    pub fn read(bytes: &[u8]) -> Result<Self, Fault> {
        let read = || {
            let (NAMES, [kind, rest @ ..]) = bytes.split_first().map(|(it, rest)| (*it, rest))?
            else {
                return None;
            };
            let (tenant, id) = rest.split_first_chunk::<8>()?;
            Some(Self {
                kind: *kind,
                tenant: u64::from_be_bytes(*tenant),
                id: u64::from_be_bytes(id.try_into().ok()?),
            })
        };
        read().ok_or_else(|| Fault::Lied("a key is no name's".to_owned()))
    }
}

/// A name, as it comes with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Which.
    pub key: NameKey,
    /// What it stands for.
    pub content: Vec<u8>,
    /// When it was used.
    pub at: WallTime,
    /// Whether it says everything; one that does not gives way to what is known.
    pub is_whole: bool,
}

/// What is known of a name in storage.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    day: i64,
    crc: u32,
    bytes: u32,
    content: u32,
}

/// All names.
#[derive(Debug, Default)]
pub struct Names {
    known: BTreeMap<NameKey, Known>,
    /// To be written: content and day.
    pending: BTreeMap<NameKey, (Vec<u8>, i64)>,
    pending_bytes: usize,
    bytes: u64,
}

impl Names {
    /// A name in storage: its key, the content of its value, the length of the value, its checksum.
    ///
    /// # Errors
    /// That it is none.
    pub fn restore(
        &mut self,
        key: &[u8],
        inner: &[u8],
        bytes: usize,
        crc: u32,
    ) -> Result<(), Fault> {
        let key = NameKey::read(key)?;
        let known = Known {
            day: i64::from_le_bytes(*split(inner)?.0),
            crc,
            bytes: length(bytes),
            content: crc32fast::hash(content(inner)?),
        };
        self.bytes += u64::from(known.bytes);
        self.known.insert(key, known);
        Ok(())
    }

    /// Whether a name was used that is known better, and was said to be used today.
    #[must_use]
    pub fn is_idle(&self, name: &Name) -> bool {
        let day = name.at.0.div_euclid(DAY_NS);
        let is_said = || self.known.get(&name.key).is_some_and(|it| it.day >= day);
        !name.is_whole && (self.pending.contains_key(&name.key) || is_said())
    }

    /// A name was used.
    pub fn note(&mut self, name: Name) {
        let day = name.at.0.div_euclid(DAY_NS);
        let is_said = self.known.get(&name.key).is_some_and(|known| {
            known.day >= day && known.content == crc32fast::hash(&name.content)
        });
        if is_said && !self.pending.contains_key(&name.key) {
            return;
        }
        self.pending_bytes += name.content.len();
        self.pending.insert(name.key, (name.content, day));
    }

    /// What to write.
    #[must_use]
    pub fn draft(&self, lsn: Lsn) -> NamesDraft {
        let mut draft = NamesDraft::default();
        for (key, (content, day)) in &self.pending {
            let stored = key.bytes();
            let mut inner = day.to_le_bytes().to_vec();
            inner.extend(content);
            let (bytes, crc) = value::seal(&stored, lsn, &inner);
            draft.crc_added = draft.crc_added.wrapping_add(u64::from(crc));
            match self.known.get(key) {
                Some(known) => draft.crc_added = draft.crc_added.wrapping_sub(u64::from(known.crc)),
                None => draft.added += 1,
            }
            let known = Known {
                day: *day,
                crc,
                bytes: length(bytes.len()),
                content: crc32fast::hash(content),
            };
            draft.known.push((*key, known));
            draft.changes.push(Change {
                key: stored,
                value: Some(bytes),
            });
        }
        draft
    }

    /// That draft is in storage.
    pub fn written(&mut self, known: Vec<(NameKey, Known)>) {
        for (key, known) in known {
            self.pending.remove(&key);
            self.bytes += u64::from(known.bytes);
            let before = self.known.insert(key, known);
            self.bytes -= before.map_or(0, |it| u64::from(it.bytes));
        }
        self.pending_bytes = self
            .pending
            .values()
            .map(|(content, _)| content.len())
            .sum();
    }

    /// Names that nothing was said about since then, and the least used of those that are too many bytes;
    /// with their checksums.
    #[must_use]
    pub fn disposable(&self, oldest_ns: i64, bytes_max: u64) -> Vec<(NameKey, u32)> {
        let oldest = oldest_ns.div_euclid(DAY_NS);
        let mut by_use: Vec<(i64, NameKey, Known)> = self
            .known
            .iter()
            .map(|(key, known)| (known.day, *key, *known))
            .collect();
        by_use.sort_unstable_by_key(|(day, key, _)| (*day, *key));
        let mut left = self.bytes;
        let gone = by_use.into_iter().take_while(|(day, _, known)| {
            let is_gone = *day < oldest || left > bytes_max;
            left -= u64::from(known.bytes);
            is_gone
        });
        gone.map(|(_, key, known)| (key, known.crc)).collect()
    }

    /// That name is no longer in storage.
    pub fn forget(&mut self, key: NameKey) {
        let known = self.known.remove(&key);
        self.bytes -= known.map_or(0, |it| u64::from(it.bytes));
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let new = self
            .pending
            .keys()
            .filter(|key| !self.known.contains_key(key));
        self.known.len() + new.count()
    }

    /// Whether that name is in storage.
    #[must_use]
    pub fn has(&self, key: NameKey) -> bool {
        self.known.contains_key(&key)
    }

    /// A name that is not in storage yet.
    #[must_use]
    pub fn pending(&self, key: NameKey) -> Option<&[u8]> {
        self.pending
            .get(&key)
            .map(|(content, _)| content.as_slice())
    }

    /// All names of a kind and a tenant that are not in storage yet.
    #[must_use]
    pub fn all_pending(&self, kind: u8, tenant: u64) -> BTreeMap<NameKey, Vec<u8>> {
        let pending = self.pending.iter();
        let pending = pending.filter(|(key, _)| key.kind == kind && key.tenant == tenant);
        pending
            .map(|(key, (content, _))| (*key, content.clone()))
            .collect()
    }

    /// Bytes of what is not in storage yet.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Bytes of what is in storage.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Names to be written.
#[derive(Debug, Default)]
pub struct NamesDraft {
    /// What to write.
    pub changes: Vec<Change>,
    /// By how much the sum of the checksums rises.
    pub crc_added: u64,
    /// How many are new.
    pub added: u64,
    /// For [`Names::written`].
    pub known: Vec<(NameKey, Known)>,
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn split(inner: &[u8]) -> Result<(&[u8; 8], &[u8]), Fault> {
    let split = inner.split_first_chunk::<8>();
    split.ok_or_else(|| Fault::Lied("a name is too short".to_owned()))
}

/// What a name stands for, out of the content of its value.
///
/// # Errors
/// That it is none.
pub fn content(inner: &[u8]) -> Result<&[u8], Fault> {
    Ok(split(inner)?.1)
}
