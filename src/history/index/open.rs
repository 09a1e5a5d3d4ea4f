//! The open chunk: what came last, still in memory, where the same said again becomes one entry.
//!
//! It is written every minute or so, and stays open for hours: so a hundred thousand alerts that are sent
//! again every minute are a hundred thousand entries in six hours, and not a hundred million.

use std::collections::HashMap;

use super::chunk::{CHUNK_BYTES_MAX, CHUNK_SUBJECTS_MAX, Draft, Item};
use super::storage::Fault;
use crate::history::Entry;
use crate::record::{decode_part, encode_part};
use crate::sys::WallTime;

/// Entries that are kept in memory: 20 MB of it at most, and one for each of a hundred thousand alerts.
const ITEMS_MAX: usize = 128 * 1024;

/// Bytes of encoded entries that are kept in memory.
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long it is filled: also what goes on and on gets an entry of its own from time to time.
const AGE_MAX_NS: i64 = 6 * 60 * 60 * 1_000_000_000;

/// See the module header.
#[derive(Debug, Default)]
pub struct Open {
    items: Vec<Item>,
    /// The last entry of each first subject.
    last: HashMap<u64, usize>,
    bytes: usize,
    /// The earliest time, and the latest until which an entry lasts.
    times: Option<(i64, i64)>,
}

/// Encodes an entry.
///
/// # Errors
/// That it is too long.
pub fn encode(entry: &Entry) -> Result<Vec<u8>, Fault> {
    encode_part(entry).map_err(|error| Fault::Reported(error.to_string()))
}

/// Reads an entry.
///
/// # Errors
/// That it is none.
pub fn decode(bytes: &[u8]) -> Result<Entry, Fault> {
    decode_part("entry", bytes).map_err(|error| Fault::Lied(error.to_string()))
}

impl Open {
    /// What was read from storage.
    ///
    /// # Errors
    /// That an entry is none.
    pub fn restore(mut items: Vec<Item>) -> Result<Self, Fault> {
        items.sort_by_key(Item::position);
        let mut open = Self::default();
        for item in items {
            let until = decode(&item.entry)?.until;
            open.push(item, until);
        }
        Ok(open)
    }

    fn push(&mut self, item: Item, until: WallTime) {
        let (from, to) = self.times.unwrap_or((item.at.0, until.0));
        self.times = Some((from.min(item.at.0), to.max(until.0)));
        self.bytes += item.size_bytes();
        if let Some(subject) = item.subjects.first() {
            self.last.insert(*subject, self.items.len());
        }
        self.items.push(item);
    }

    /// Adds an entry, unless the last one of its first subject takes it in: one that is found wherever this
    /// one would be.
    ///
    /// # Errors
    /// That it cannot be encoded.
    pub fn add(&mut self, subjects: Vec<u64>, entry: &Entry) -> Result<(), Fault> {
        let last = subjects.first().and_then(|subject| self.last.get(subject));
        if let Some(item) = last.and_then(|last| self.items.get_mut(*last))
            && subjects.iter().all(|it| item.subjects.contains(it))
        {
            let mut before = decode(&item.entry)?;
            if before.absorb(entry) {
                let encoded = encode(&before)?;
                self.bytes = (self.bytes + encoded.len()).saturating_sub(item.entry.len());
                item.entry = encoded;
                if let Some((_, to)) = &mut self.times {
                    *to = before.until.0.max(*to);
                }
                return Ok(());
            }
        }
        let item = Item {
            lsn: entry.position.lsn,
            place: entry.position.place,
            at: entry.position.at,
            subjects,
            entry: encode(entry)?,
        };
        self.push(item, entry.until);
        Ok(())
    }

    /// Whether it is time for a new one.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let is_old = |(from, to): (i64, i64)| to.saturating_sub(from) > AGE_MAX_NS;
        self.items.len() >= ITEMS_MAX || self.bytes >= BYTES_MAX || self.times.is_some_and(is_old)
    }

    /// The entries.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// As chunks.
    #[must_use]
    pub fn drafts(&self, generation: u64) -> Vec<Draft> {
        let mut items: Vec<&Item> = self.items.iter().collect();
        items.sort_by_key(|item| (item.subjects.first().copied(), item.position()));
        let mut drafts = Vec::new();
        let mut rest = items.as_slice();
        while !rest.is_empty() {
            let (mut bytes, mut subjects) = (0, 0);
            let fits = |item: &&&Item| {
                bytes += item.size_bytes();
                subjects += item.subjects.len();
                bytes <= CHUNK_BYTES_MAX && subjects <= CHUNK_SUBJECTS_MAX
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let (chunk, behind) = rest.split_at(count);
            let leaf = u16::try_from(drafts.len()).unwrap_or(u16::MAX);
            drafts.push(Draft::new(generation, leaf, chunk));
            rest = behind;
        }
        drafts
    }
}
