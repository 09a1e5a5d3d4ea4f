//! Names: what a number stands for. The labels of an alert, the key of a group.
//!
//! A name is written when it is new or another one, in a block with those that came meanwhile. A block stays
//! until it is older than the retention; names in it that something was said about since then are written
//! again, and the others go with it. An alert may fire for longer than anything is kept.

mod block;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

pub use block::{BLOCK_BYTES_MAX, BlockKey, Draft, NAMES, Unpacked};

use super::packed::Packer;
use super::storage::{Change, Fault};
use super::value;
use crate::sys::WallTime;
use crate::wal::Lsn;

/// Names of alerts: their labels.
pub const ALERTS: u8 = b'a';

/// Names of groups: their facts.
pub const GROUPS: u8 = b'g';

/// Blocks that are taken apart at one look, for their age: that of names that nothing was said about any more takes
/// some milliseconds each in a month of ten thousand chunks, and what is to be read meanwhile waits.
const AGED_BLOCKS_MAX: usize = 128;

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

/// A name, as it comes with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a> {
    /// Which.
    pub key: NameKey,
    /// What it stands for.
    pub content: Cow<'a, [u8]>,
    /// When it was used.
    pub at: WallTime,
    /// Whether it says everything; one that does not gives way to what is known.
    pub is_whole: bool,
}

/// Where a name is in storage.
#[derive(Debug, Clone, Copy)]
struct Known {
    /// The number of the block.
    block: u64,
    /// The checksum of what it stands for.
    crc: u32,
}

/// A block in storage.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// Which.
    pub key: BlockKey,
    /// Its parts.
    pub parts: u16,
    /// When its last name was used.
    at: WallTime,
    /// Bytes of all parts.
    bytes: u64,
    /// The sum of the checksums of all parts.
    pub crc: u64,
}

impl Block {
    /// What removes it.
    pub fn removals(self) -> impl Iterator<Item = Change> {
        (0..self.parts).map(move |part| Change {
            key: self.key.part_key(part),
            value: None,
        })
    }
}

/// A block that goes.
#[derive(Debug, Clone, Copy)]
pub struct Disposable {
    /// Which.
    pub block: Block,
    /// Whether its names go even if something was said about them: there are too many.
    pub is_surplus: bool,
}

/// All names.
#[derive(Debug, Default)]
pub struct Names {
    /// By their numbers.
    blocks: BTreeMap<u64, Block>,
    /// The highest number there was.
    last: u64,
    known: HashMap<NameKey, Known, RandomState>,
    pending: Pending,
    bytes: u64,
}

/// Names that are not in storage yet.
#[derive(Debug, Default)]
struct Pending {
    names: BTreeMap<NameKey, Waiting>,
    /// What they stand for, in one piece: a hundred thousand small ones, taken and freed again and again, would
    /// leave holes in memory.
    contents: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Waiting {
    at: WallTime,
    begin: usize,
    end: usize,
}

impl Pending {
    fn content(&self, waiting: &Waiting) -> &[u8] {
        let content = self.contents.get(waiting.begin..waiting.end);
        content.unwrap_or_default()
    }

    fn get(&self, key: NameKey) -> Option<&[u8]> {
        self.names.get(&key).map(|it| self.content(it))
    }

    fn insert(&mut self, key: NameKey, content: &[u8], at: WallTime) {
        let begin = self.contents.len();
        self.contents.extend(content);
        let end = self.contents.len();
        self.names.insert(key, Waiting { at, begin, end });
    }

    fn clear(&mut self) {
        self.names.clear();
        self.contents.clear();
    }

    fn iter(&self) -> impl Iterator<Item = (NameKey, WallTime, &[u8])> {
        let names = self.names.iter();
        names.map(|(key, waiting)| (*key, waiting.at, self.content(waiting)))
    }
}

impl Names {
    /// A block in storage: how many parts and bytes it has, and the sum of their checksums.
    ///
    /// # Errors
    /// That it is none.
    pub fn restore(
        &mut self,
        key: BlockKey,
        packed: &[u8],
        parts: u16,
        crc: u64,
    ) -> Result<(), Fault> {
        let unpacked = Unpacked::new(packed)?;
        let block = Block {
            key,
            parts,
            at: unpacked.at()?,
            bytes: packed.len() as u64,
            crc,
        };
        let names = unpacked.names()?.into_iter();
        let names = names.map(|(id, content)| (id, crc32fast::hash(content)));
        self.put(block, names);
        Ok(())
    }

    fn put(&mut self, block: Block, names: impl Iterator<Item = (u64, u32)>) {
        let BlockKey {
            kind,
            tenant,
            number,
        } = block.key;
        for (id, crc) in names {
            let key = NameKey { kind, tenant, id };
            let known = Known { block: number, crc };
            self.known.insert(key, known);
        }
        self.bytes += block.bytes;
        self.last = self.last.max(number);
        self.blocks.insert(number, block);
    }

    /// Whether a name was used that is known better.
    #[must_use]
    pub fn is_idle(&self, name: &Name<'_>) -> bool {
        !name.is_whole && (self.pending.get(name.key).is_some() || self.has(name.key))
    }

    /// A name was used.
    pub fn note(&mut self, key: NameKey, content: &[u8], at: WallTime) {
        let is_said = match self.pending.get(key) {
            Some(pending) => pending == content,
            None => {
                let known = self.known.get(&key);
                known.is_some_and(|known| known.crc == crc32fast::hash(content))
            }
        };
        if !is_said {
            self.pending.insert(key, content, at);
        }
    }

    /// A name in storage has to be written again.
    pub fn renew(&mut self, key: NameKey, content: &[u8], at: WallTime) {
        if self.pending.get(key).is_none() {
            self.pending.insert(key, content, at);
        }
    }

    /// What to write.
    ///
    /// # Errors
    /// That it cannot be packed.
    pub fn draft(&self, lsn: Lsn, packer: &mut Packer) -> Result<NamesDraft, Fault> {
        let mut draft = NamesDraft::default();
        let mut number = self.last;
        let mut rest = self.pending.iter().peekable();
        while let Some((first, ..)) = rest.peek().copied() {
            let mut bytes = 0;
            let mut together = Vec::new();
            while let Some(next) = rest.next_if(|(key, ..)| {
                let is_alike = (key.kind, key.tenant) == (first.kind, first.tenant);
                is_alike && (bytes < BLOCK_BYTES_MAX)
            }) {
                bytes += next.2.len();
                together.push(next);
            }
            number += 1;
            let key = BlockKey {
                kind: first.kind,
                tenant: first.tenant,
                number,
            };
            draft.block(key, &together, lsn, packer)?;
        }
        Ok(draft)
    }

    /// That draft is in storage.
    pub fn written(&mut self, draft: Vec<Written>) {
        for Written { block, names } in draft {
            self.put(block, names.into_iter());
        }
        self.pending.clear();
    }

    /// Blocks whose names were used before that time, as many as one look takes; and the oldest of those that are too
    /// many bytes.
    #[must_use]
    pub fn disposable(&self, oldest: WallTime, bytes_max: u64) -> Vec<Disposable> {
        let (mut left, mut aged) = (self.bytes, 0);
        let mut found = Vec::new();
        for block in self.blocks.values() {
            let is_surplus = left > bytes_max;
            let is_aged = block.at < oldest && aged < AGED_BLOCKS_MAX;
            if is_surplus || is_aged {
                left -= block.bytes;
                aged += usize::from(!is_surplus);
                found.push(Disposable {
                    block: *block,
                    is_surplus,
                });
            }
        }
        found
    }

    /// Whether that block has the name as it is now.
    #[must_use]
    pub fn is_in(&self, key: NameKey, block: BlockKey) -> bool {
        let known = self.known.get(&key);
        known.is_some_and(|known| known.block == block.number)
    }

    /// That block is no longer in storage, nor are those names of it.
    pub fn forget(&mut self, block: BlockKey, names: impl Iterator<Item = NameKey>) {
        for key in names {
            self.known.remove(&key);
        }
        if let Some(block) = self.blocks.remove(&block.number) {
            self.bytes -= block.bytes;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        let pending = self.pending.names.keys();
        let new = pending.filter(|key| !self.known.contains_key(key));
        self.known.len() + new.count()
    }

    /// Whether that name is in storage.
    #[must_use]
    pub fn has(&self, key: NameKey) -> bool {
        self.known.contains_key(&key)
    }

    /// The block of a name.
    #[must_use]
    pub fn block_of(&self, key: NameKey) -> Option<Block> {
        let known = self.known.get(&key)?;
        self.blocks.get(&known.block).copied()
    }

    /// Blocks of a kind and a tenant behind that number.
    #[must_use]
    pub fn blocks(&self, kind: u8, tenant: u64, behind: u64) -> Vec<Block> {
        let later = self.blocks.range(behind.saturating_add(1)..);
        let blocks = later.map(|(_, block)| *block);
        blocks
            .filter(|block| (block.key.kind, block.key.tenant) == (kind, tenant))
            .collect()
    }

    /// Whether there is that block.
    #[must_use]
    pub fn has_block(&self, block: BlockKey) -> bool {
        self.blocks.contains_key(&block.number)
    }

    /// A name that is not in storage yet.
    #[must_use]
    pub fn pending(&self, key: NameKey) -> Option<&[u8]> {
        self.pending.get(key)
    }

    /// All names of a kind and a tenant that are not in storage yet.
    #[must_use]
    pub fn all_pending(&self, kind: u8, tenant: u64) -> Vec<(NameKey, Vec<u8>)> {
        let pending = self.pending.iter();
        let pending = pending.filter(|(key, ..)| (key.kind, key.tenant) == (kind, tenant));
        pending
            .map(|(key, _, content)| (key, content.to_vec()))
            .collect()
    }

    /// Bytes of what is not in storage yet.
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending.contents.len()
    }

    /// Bytes of what is in storage.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// A block that is written, and its names with their checksums.
#[derive(Debug)]
pub struct Written {
    block: Block,
    names: Vec<(u64, u32)>,
}

/// Names to be written.
#[derive(Debug, Default)]
pub struct NamesDraft {
    /// What to write.
    pub changes: Vec<Change>,
    /// By how much the sum of the checksums rises.
    pub crc_added: u64,
    /// For [`Names::written`].
    pub written: Vec<Written>,
}

impl NamesDraft {
    fn block(
        &mut self,
        key: BlockKey,
        names: &[(NameKey, WallTime, &[u8])],
        lsn: Lsn,
        packer: &mut Packer,
    ) -> Result<(), Fault> {
        let at = names.iter().map(|(_, at, _)| *at).max();
        let at = at.unwrap_or_default();
        let mut draft = Draft::new(at);
        names
            .iter()
            .for_each(|(key, _, content)| draft.push(key.id, content));
        let packed = packer.pack(draft.bytes())?;
        let mut block = Block {
            key,
            parts: u16::try_from(packed.len()).unwrap_or(u16::MAX),
            at,
            bytes: packed.iter().map(|part| part.len() as u64).sum(),
            crc: 0,
        };
        for (number, part) in (0..).zip(&packed) {
            let key = key.part_key(number);
            let (value, crc) = value::seal(&key, lsn, part);
            block.crc = block.crc.wrapping_add(u64::from(crc));
            let value = Some(value);
            self.changes.push(Change { key, value });
        }
        self.crc_added = self.crc_added.wrapping_add(block.crc);
        let crcs = names.iter();
        let crcs = crcs.map(|(key, _, content)| (key.id, crc32fast::hash(content)));
        let names = crcs.collect();
        self.written.push(Written { block, names });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_takes_a_part_of_the_aged_blocks_and_all_that_are_too_many() {
        let mut names = Names::default();
        for id in 0..300 {
            let (kind, tenant) = (ALERTS, 7);
            let key = NameKey { kind, tenant, id };
            names.note(key, b"what it stands for", WallTime(0));
            let draft = names.draft(Lsn(1), &mut Packer::default()).unwrap();
            names.written(draft.written);
        }
        let count = |oldest, bytes_max| {
            let found = names.disposable(WallTime(oldest), bytes_max);
            let surplus = found.iter().filter(|it| it.is_surplus).count();
            (found.len(), surplus)
        };
        let one_less = names.bytes() - 1;
        assert_eq!(
            [
                count(0, u64::MAX),
                count(1, u64::MAX),
                count(0, 0),
                count(1, one_less)
            ],
            [
                (0, 0),
                (AGED_BLOCKS_MAX, 0),
                (300, 300),
                (1 + AGED_BLOCKS_MAX, 1)
            ]
        );
    }
}
