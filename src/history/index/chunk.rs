//! Entries that happened at about the same time, packed together: some hundred thousand bytes of them
//! become some ten thousand, and a month becomes some thousand keys.
//!
//! ```text
//!  head   h ‖ generation ‖ leaf (big endian)                   bounds, count, filter of subjects
//!  parts  c ‖ generation ‖ leaf ‖ number of the part           deflate of:
//!           subjects: count, 8 bytes each, ascending
//!           items:    count, then each: LSN and time as the difference to the item before, place in
//!                     its record, places of its subjects in the list above, length and bytes of
//!                     the entry
//! ```
//!
//! Counts, lengths and places are variable-length integers, differences are zigzag-encoded. Items come
//! ordered by their first subject: what is alike stands together, and packs better.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::filter::Filter;
use super::packed::{
    Packer, put, put_bytes, put_difference, take, take_bytes, take_difference, unpack,
};
use super::storage::Fault;
use crate::history::Position;
use crate::record::{decode_part, encode_part};
use crate::sys::WallTime;
use crate::wal::Lsn;

/// A chunk is full with that many bytes of entries: unpacking it takes a tenth of a millisecond, and the
/// timeline of an alert over a month is in more than a hundred of them.
pub const CHUNK_BYTES_MAX: usize = 32 * 1024;

/// A chunk is full with that many subjects: its filter is a value of 5 kB then.
pub const CHUNK_SUBJECTS_MAX: usize = 2048;

/// What an entry costs beside its own bytes, about.
const ITEM_OVERHEAD_BYTES: usize = 16;

/// Hashes of what something is about. Nearly nothing is about more than three things, its tenant among them.
pub type Subjects = SmallVec<[u64; 3]>;

/// One thing that happened, as the index keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The record it is from. One record may have several.
    pub lsn: Lsn,
    /// Its place among the entries of that record.
    pub place: u32,
    /// When it happened.
    pub at: WallTime,
    /// Hashes of what it is about, the first the most telling one.
    pub subjects: Subjects,
    /// The entry, encoded.
    pub entry: Box<[u8]>,
}

impl Item {
    /// Its place in the timelines of its subjects.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            at: self.at,
            lsn: self.lsn,
            place: self.place,
        }
    }

    /// What it counts towards [`CHUNK_BYTES_MAX`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        ITEM_OVERHEAD_BYTES + self.entry.len() + 2 * self.subjects.len()
    }
}

/// What is known of a chunk without unpacking it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Which filling of the open chunk it is from.
    pub generation: u64,
    /// Its place in that.
    pub leaf: u16,
    /// The earliest time in it.
    pub from: i64,
    /// The latest time in it.
    pub to: i64,
    /// Entries.
    pub items: u64,
    /// Parts.
    pub parts: u16,
    /// Bytes of all parts.
    pub bytes: u64,
    /// The sum of the checksums of all parts.
    pub parts_crc: u64,
    /// The checksum of its items before they were packed.
    pub items_crc: u32,
    /// What it may be about.
    pub filter: Filter,
}

impl Head {
    /// The key of the head.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let mut key = vec![HEADS];
        key.extend(self.generation.to_be_bytes());
        key.extend(self.leaf.to_be_bytes());
        key
    }

    /// The key of a part.
    #[must_use]
    pub fn part_key(&self, part: u16) -> Vec<u8> {
        let mut key = vec![PARTS];
        key.extend(self.generation.to_be_bytes());
        key.extend(self.leaf.to_be_bytes());
        key.extend(part.to_be_bytes());
        key
    }
}

/// First byte of the keys of heads.
pub const HEADS: u8 = b'h';

/// First byte of the keys of parts.
pub const PARTS: u8 = b'c';

/// Items of a chunk, before they are compressed.
#[derive(Debug)]
pub struct Draft {
    bytes: Vec<u8>,
    head: Head,
}

impl Draft {
    /// Items that are ordered by their first subject.
    #[must_use]
    pub fn new(generation: u64, leaf: u16, items: &[&Item]) -> Self {
        let mut subjects: Vec<u64> = Vec::new();
        for item in items {
            subjects.extend(&item.subjects);
        }
        subjects.sort_unstable();
        subjects.dedup();
        let place = |subject: &u64| subjects.binary_search(subject).unwrap_or(0) as u64;
        let mut out = Vec::with_capacity(CHUNK_BYTES_MAX);
        put(&mut out, subjects.len() as u64);
        for subject in &subjects {
            out.extend(subject.to_le_bytes());
        }
        put(&mut out, items.len() as u64);
        let (mut lsn, mut at) = (0u64, 0i64);
        for item in items {
            put_difference(&mut out, item.lsn.0.cast_signed(), lsn.cast_signed());
            put_difference(&mut out, item.at.0, at);
            (lsn, at) = (item.lsn.0, item.at.0);
            put(&mut out, u64::from(item.place));
            put(&mut out, item.subjects.len() as u64);
            item.subjects.iter().for_each(|it| put(&mut out, place(it)));
            put_bytes(&mut out, &item.entry);
        }
        let times = || items.iter().map(|item| item.at.0);
        let head = Head {
            generation,
            leaf,
            from: times().min().unwrap_or_default(),
            to: times().max().unwrap_or_default(),
            items: items.len() as u64,
            parts: 0,
            bytes: 0,
            parts_crc: 0,
            items_crc: crc32fast::hash(&out),
            filter: Filter::of(&subjects),
        };
        Self { bytes: out, head }
    }

    /// Tells drafts apart.
    #[must_use]
    pub fn items_crc(&self) -> u32 {
        self.head.items_crc
    }

    /// Head and parts. Checksums of the parts are not in it yet.
    ///
    /// # Errors
    /// That it is too long.
    pub fn pack(self, packer: &mut Packer) -> Result<(Head, Vec<Vec<u8>>), Fault> {
        let parts = packer.pack(&self.bytes)?;
        let head = Head {
            parts: u16::try_from(parts.len()).unwrap_or(u16::MAX),
            bytes: parts.iter().map(|part| part.len() as u64).sum(),
            ..self.head
        };
        Ok((head, parts))
    }
}

/// A chunk, unpacked.
#[derive(Debug)]
pub struct Unpacked {
    bytes: Vec<u8>,
}

impl Unpacked {
    /// Unpacks the parts, one after another.
    ///
    /// # Errors
    /// That they are no chunk.
    pub fn new(parts: &[u8]) -> Result<Self, Fault> {
        let bytes = unpack(parts, CHUNK_BYTES_MAX)?;
        Ok(Self { bytes })
    }

    /// The entries about a subject, or all.
    ///
    /// # Errors
    /// That the chunk is none.
    pub fn items(&self, subject: Option<u64>) -> Result<Vec<Item>, Fault> {
        let found = self.read(subject);
        found.ok_or_else(|| Fault::Lied("a chunk is not of its layout".to_owned()))
    }

    fn read(&self, subject: Option<u64>) -> Option<Vec<Item>> {
        let mut rest = self.bytes.as_slice();
        let count = take(&mut rest)?;
        let mut subjects = Vec::new();
        for _ in 0..count {
            let (bytes, behind) = rest.split_first_chunk::<8>()?;
            subjects.push(u64::from_le_bytes(*bytes));
            rest = behind;
        }
        let mut items = Vec::new();
        let wanted = match subject.map(|subject| subjects.binary_search(&subject)) {
            Some(Err(_)) => return Some(items),
            Some(Ok(place)) => Some(place as u64),
            None => None,
        };
        let count = take(&mut rest)?;
        let (mut lsn, mut at) = (0i64, 0i64);
        let mut places = Vec::new();
        for _ in 0..count {
            lsn = lsn.wrapping_add(take_difference(&mut rest)?);
            at = at.wrapping_add(take_difference(&mut rest)?);
            let place = u32::try_from(take(&mut rest)?).ok()?;
            let count = take(&mut rest)?;
            places.clear();
            for _ in 0..count {
                places.push(take(&mut rest)?);
            }
            let entry = take_bytes(&mut rest)?;
            if wanted.is_some_and(|wanted| !places.contains(&wanted)) {
                continue;
            }
            let of = |place: &u64| subjects.get(usize::try_from(*place).ok()?).copied();
            items.push(Item {
                lsn: Lsn(lsn.cast_unsigned()),
                place,
                at: WallTime(at),
                subjects: places.iter().map(of).collect::<Option<_>>()?,
                entry: entry.into(),
            });
        }
        Some(items)
    }

    /// Bytes in memory.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// The content of a head's value.
///
/// # Errors
/// That it is too long, which it is not.
pub fn encode_head(head: &Head) -> Result<Vec<u8>, Fault> {
    encode_part(head).map_err(|error| Fault::Reported(error.to_string()))
}

/// Reads a head.
///
/// # Errors
/// That it is none.
pub fn decode_head(content: &[u8]) -> Result<Head, Fault> {
    decode_part("head of a chunk", content).map_err(|error| Fault::Lied(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(lsn: u64, at: i64, subjects: &[u64]) -> Item {
        Item {
            lsn: Lsn(lsn),
            place: 0,
            at: WallTime(at),
            subjects: subjects.into(),
            entry: lsn.to_le_bytes().into(),
        }
    }

    fn pack(items: &[Item]) -> (Head, Vec<Vec<u8>>) {
        let items: Vec<&Item> = items.iter().collect();
        Draft::new(1, 2, &items)
            .pack(&mut Packer::default())
            .unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked_by_subject_too() {
        let items = [
            item(5, -7, &[u64::MAX, 3]),
            item(6, i64::MAX, &[1]),
            Item {
                place: 1,
                ..item(6, i64::MIN, &[3, 1])
            },
            item(u64::MAX, 0, &[]),
        ];
        let (head, parts) = pack(&items);
        let unpacked = Unpacked::new(&parts.concat()).unwrap();
        let of_three = [items[0].clone(), items[2].clone()];
        assert_eq!(
            (
                unpacked.items(None).unwrap().as_slice(),
                unpacked.items(Some(3)).unwrap().as_slice(),
                unpacked.items(Some(4)).unwrap().as_slice(),
                (head.from, head.to, head.items),
            ),
            (
                items.as_slice(),
                of_three.as_slice(),
                [].as_slice(),
                (i64::MIN, i64::MAX, 4),
            )
        );
    }

    #[test]
    fn a_chunk_that_is_cut_off_anywhere_never_passes_for_a_whole_one() {
        let items: Vec<Item> = (1..50).map(|it| item(it, 1, &[it % 7, 99])).collect();
        let whole = pack(&items).1.concat();
        let read = |bytes: &[u8]| Unpacked::new(bytes).and_then(|it| it.items(None));
        let taken = (0..whole.len()).filter(|end| read(&whole[..*end]).is_ok_and(|it| it == items));
        assert_eq!(taken.count(), 0);
    }
}
