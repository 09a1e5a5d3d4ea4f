//! How what is new comes to storage.

use std::sync::Arc;

use super::{Index, Stored};
use crate::history::index::chunk::{self, Head, encode_head};
use crate::history::index::manifest::Manifest;
use crate::history::index::names::{Block, NamesDraft, Written};
use crate::history::index::packed::Packer;
use crate::history::index::storage::{Change, Fault};
use crate::history::index::value;
use crate::wal::Lsn;

/// What is about to be written, and what it changes.
struct Draft {
    changes: Vec<Change>,
    names: Vec<Written>,
    manifest: Manifest,
    written: Vec<Stored>,
    is_full: bool,
}

impl Index {
    /// Writes what is not yet in storage.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn persist(&self) -> Result<(), Fault> {
        let Some(draft) = self.draft()? else {
            return Ok(());
        };
        self.storage.apply(draft.changes)?;
        let mut state = self.write();
        state.names.written(draft.names);
        state.stored = draft.manifest.clone();
        state.manifest = draft.manifest;
        state.is_changed = false;
        state.written = draft.written;
        if draft.is_full {
            let full = std::mem::take(&mut state.written);
            state.chunks.extend(full);
            state.open.clear();
        }
        Ok(())
    }

    fn draft(&self) -> Result<Option<Draft>, Fault> {
        if !self.read().is_changed {
            return Ok(None);
        }
        self.write().open.settle()?;
        let state = self.read();
        let lsn = Lsn(state.manifest.applied);
        let mut packer = Packer::default();
        let names = state.names.draft(lsn, &mut packer)?;
        let mut draft = Draft {
            manifest: state.manifest.clone(),
            changes: Vec::new(),
            names: Vec::new(),
            written: Vec::new(),
            is_full: state.is_full(),
        };
        let values = names.changes.len();
        draft.manifest.add_names(values, names.crc_added);
        (draft.changes, draft.names) = (names.changes, names.written);
        let mut count = 0;
        for chunk in state.open.drafts(state.manifest.generation) {
            draft.leaf(state.written.get(count), chunk, &mut packer, lsn)?;
            count += 1;
        }
        let surplus = state.written.iter().skip(count);
        surplus.for_each(|stored| draft.surplus(stored));
        drop(state);
        if draft.is_full {
            draft.manifest.generation += 1;
        }
        draft.changes.push(draft.manifest.change()?);
        Ok(Some(draft))
    }

    /// Writes names, and removes blocks of them. The entries stay as they are in storage: in a storm of new alerts,
    /// writing them with every megabyte of names would write all of them again and again.
    pub(super) fn persist_names(&self, gone: &[Block]) -> Result<(), Fault> {
        let state = self.read();
        let NamesDraft {
            mut changes,
            crc_added,
            written,
        } = {
            let lsn = Lsn(state.stored.applied);
            state.names.draft(lsn, &mut Packer::default())?
        };
        let (mut live, mut stored) = (state.manifest.clone(), state.stored.clone());
        drop(state);
        for manifest in [&mut live, &mut stored] {
            manifest.add_names(changes.len(), crc_added);
            for block in gone {
                manifest.remove_names(block.parts, block.crc);
            }
        }
        changes.extend(gone.iter().flat_map(|block| block.removals()));
        changes.push(stored.change()?);
        self.storage.apply(changes)?;
        let mut state = self.write();
        state.names.written(written);
        (state.manifest, state.stored) = (live, stored);
        Ok(())
    }

    /// Writes what is not written, and hands it on to the disk.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn flush(&self) -> Result<(), Fault> {
        self.persist()?;
        self.storage.flush()
    }
}

impl Draft {
    /// Puts another version of a leaf of the open chunk in the place of the one in storage; one that has not
    /// changed stays.
    fn leaf(
        &mut self,
        old: Option<&Stored>,
        chunk: chunk::Draft,
        packer: &mut Packer,
        lsn: Lsn,
    ) -> Result<(), Fault> {
        let same = old.filter(|old| old.head.items_crc == chunk.items_crc());
        let stored = match same {
            Some(same) => same.clone(),
            None => {
                let (head, parts) = chunk.pack(packer)?;
                self.chunk(old, head, &parts, lsn)?
            }
        };
        self.written.push(stored);
        Ok(())
    }

    /// The open chunk has fewer leaves than in storage.
    fn surplus(&mut self, stored: &Stored) {
        self.manifest.chunks -= 1;
        self.manifest.remove_crc(stored.crc);
        self.remove(stored.head.key());
        self.remove_parts(&stored.head, 0);
    }

    fn chunk(
        &mut self,
        old: Option<&Stored>,
        mut head: Head,
        parts: &[Vec<u8>],
        lsn: Lsn,
    ) -> Result<Stored, Fault> {
        for (number, part) in (0..).zip(parts) {
            let crc = self.put(head.part_key(number), lsn, part);
            head.parts_crc = head.parts_crc.wrapping_add(crc);
        }
        match old {
            Some(old) => {
                self.manifest.remove_crc(old.crc);
                self.remove_parts(&old.head, head.parts);
            }
            None => self.manifest.chunks += 1,
        }
        let crc = self.put(head.key(), lsn, &encode_head(&head)?);
        let crc = crc.wrapping_add(head.parts_crc);
        self.manifest.add_crc(crc);
        let head = Arc::new(head);
        Ok(Stored { head, crc })
    }

    fn put(&mut self, key: Vec<u8>, lsn: Lsn, content: &[u8]) -> u64 {
        let (value, crc) = value::seal(&key, lsn, content);
        let value = Some(value);
        self.changes.push(Change { key, value });
        u64::from(crc)
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.changes.push(Change { key, value: None });
    }

    fn remove_parts(&mut self, head: &Head, from: u16) {
        for part in from..head.parts {
            self.remove(head.part_key(part));
        }
    }
}
