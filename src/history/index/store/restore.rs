//! What is in storage, read once at the start.

use std::sync::Arc;

use super::Stored;
use crate::history::index::chunk::{HEADS, decode_head};
use crate::history::index::manifest::{self, Manifest};
use crate::history::index::names::{BlockKey, NAMES, Names};
use crate::history::index::storage::{Fault, Storage};
use crate::history::index::value;

/// What was found.
pub struct Restored {
    /// What the index says of itself.
    pub manifest: Manifest,
    /// Whether nothing was there.
    pub is_new: bool,
    /// All chunks, in the order of their keys.
    pub chunks: Vec<Stored>,
    /// All names.
    pub names: Names,
}

impl Restored {
    /// Reads it.
    ///
    /// # Errors
    /// That it cannot be read, is of another layout or store, or does not hold together.
    pub fn read(storage: &dyn Storage, store: [u8; 16]) -> Result<Self, Fault> {
        // First: what another layout has under its keys cannot be read.
        let stored = storage.get(manifest::KEY)?;
        let is_new = stored.is_none();
        let manifest = match stored {
            Some(bytes) => {
                let (value, _) = value::open(manifest::KEY, &bytes)?;
                Manifest::decode(value.content, store)?
            }
            None => Manifest::new(store),
        };
        let mut seen = Manifest::new(store);
        let chunks = chunks(storage, &mut seen)?;
        let names = names(storage, &mut seen)?;
        let told = (manifest.chunks, manifest.names, manifest.crc_sum);
        if (seen.chunks, seen.names, seen.crc_sum) != told {
            return Err(Fault::Lied(format!(
                "it has {} chunks and {} values of names, its manifest says {} and {}, or their checksums differ",
                seen.chunks, seen.names, manifest.chunks, manifest.names
            )));
        }
        Ok(Self {
            manifest,
            is_new,
            chunks,
            names,
        })
    }
}

fn chunks(storage: &dyn Storage, seen: &mut Manifest) -> Result<Vec<Stored>, Fault> {
    let mut chunks = Vec::new();
    storage.scan(&[HEADS], &mut |key, bytes| {
        let (value, crc) = value::open(key, bytes)?;
        let head = Arc::new(decode_head(value.content)?);
        let crc = u64::from(crc).wrapping_add(head.parts_crc);
        seen.add_crc(crc);
        seen.chunks += 1;
        chunks.push(Stored { head, crc });
        Ok(())
    })?;
    Ok(chunks)
}

/// A block of names whose parts are being read.
#[derive(Default)]
struct Block {
    of: Option<BlockKey>,
    packed: Vec<u8>,
    parts: u16,
    crc: u64,
}

impl Block {
    fn restore(self, names: &mut Names) -> Result<(), Fault> {
        match self.of {
            Some(of) => names.restore(of, &self.packed, self.parts, self.crc),
            None => Ok(()),
        }
    }
}

fn names(storage: &dyn Storage, seen: &mut Manifest) -> Result<Names, Fault> {
    let mut names = Names::default();
    let mut block = Block::default();
    storage.scan(&[NAMES], &mut |key, bytes| {
        let (value, crc) = value::open(key, bytes)?;
        seen.add_names(1, u64::from(crc));
        let (of, _) = BlockKey::read(key)?;
        if block.of != Some(of) {
            std::mem::take(&mut block).restore(&mut names)?;
            block.of = Some(of);
        }
        block.packed.extend(value.content);
        block.crc = block.crc.wrapping_add(u64::from(crc));
        block.parts += 1;
        Ok(())
    })?;
    block.restore(&mut names)?;
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::index::{Change, MemoryStorage};
    use crate::wal::Lsn;

    #[test]
    fn what_another_layout_has_under_its_keys_is_foreign_and_no_damage() {
        let storage = MemoryStorage::default();
        let manifest = Manifest {
            format: manifest::FORMAT - 1,
            names: 1,
            ..Manifest::new([7; 16])
        };
        let key = b"nshort".to_vec();
        let (value, _) = value::seal(&key, Lsn(1), b"a name as it was written then");
        let value = Some(value);
        let changes = vec![Change { key, value }, manifest.change().unwrap()];
        storage.apply(changes).unwrap();
        let read = Restored::read(&storage, [7; 16]);
        assert_eq!(read.err().map(|fault| fault.reason()), Some("foreign"));
    }
}
