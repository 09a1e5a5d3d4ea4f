//! How what is in the index is found.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Index, Stored};
use crate::history::index::chunk::{Head, Item, Unpacked};
use crate::history::index::names::{self, Block, NameKey};
use crate::history::index::storage::Fault;
use crate::history::index::value;
use crate::history::{Order, Position, Span};

/// Receives names and what they stand for.
pub type VisitNames<'a> = dyn FnMut(NameKey, &[u8]) -> Result<(), Fault> + 'a;

impl Index {
    /// Visits entries in the order of their positions, until the visitor has enough. Without a subject all.
    ///
    /// # Errors
    /// That the storage failed, or what the visitor reports.
    pub fn visit(
        &self,
        subject: Option<u64>,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Item) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let is_wanted = |item: &Item| {
            let is_about = subject.is_none_or(|subject| item.subjects.contains(&subject));
            is_about && span.contains(item.position())
        };
        let may_have = |head: &Head| {
            let is_in_time = head.from <= span.to.at.0 && head.to >= span.from.at.0;
            is_in_time && subject.is_none_or(|subject| head.filter.may_have(subject))
        };
        let (mut waiting, mut chunks) = {
            let state = self.read();
            let open = by_position(state.open.current(is_wanted)?);
            let chunks = state.chunks.iter().filter(|it| may_have(&it.head));
            (
                open,
                chunks.map(|it| Arc::clone(&it.head)).collect::<Vec<_>>(),
            )
        };
        // The next chunk is at the end.
        chunks.sort_by_key(|head| match order {
            Order::OldestFirst => std::cmp::Reverse(head.from),
            Order::NewestFirst => std::cmp::Reverse(head.to.saturating_neg()),
        });
        loop {
            let next = chunks.pop();
            // What no later chunk comes before may be handed on.
            let is_due = |position: &Position| match (&next, order) {
                (None, _) => true,
                (Some(next), Order::OldestFirst) => position.at.0 < next.from,
                (Some(next), Order::NewestFirst) => position.at.0 > next.to,
            };
            loop {
                let first = match order {
                    Order::OldestFirst => waiting.first_entry(),
                    Order::NewestFirst => waiting.last_entry(),
                };
                let Some(first) = first.filter(|it| is_due(it.key())) else {
                    break;
                };
                for item in first.remove() {
                    if visit(item)?.is_break() {
                        return Ok(());
                    }
                }
            }
            let Some(next) = next else {
                return Ok(());
            };
            let Some(unpacked) = self.chunk(&next)? else {
                continue;
            };
            for item in unpacked.items(subject)?.into_iter().filter(is_wanted) {
                waiting.entry(item.position()).or_default().push(item);
            }
        }
    }

    /// A chunk, unpacked; `None` if it was removed meanwhile.
    fn chunk(&self, head: &Arc<Head>) -> Result<Option<Arc<Unpacked>>, Fault> {
        let key = (head.generation, head.leaf);
        if let Some(unpacked) = self.unpacked_chunks.get(key) {
            return Ok(Some(unpacked));
        }
        let is_there = |it: &Stored| Arc::ptr_eq(&it.head, head);
        match self.load(head) {
            Ok(unpacked) => Ok(Some(self.unpacked_chunks.put(key, unpacked))),
            Err(fault) if self.read().chunks.iter().any(is_there) => Err(fault),
            Err(_) => Ok(None),
        }
    }

    pub(super) fn load(&self, head: &Head) -> Result<Unpacked, Fault> {
        let keys = (0..head.parts).map(|part| head.part_key(part));
        Unpacked::new(&self.parts(keys)?)
    }

    /// Reads everything, and compares all checksums.
    ///
    /// # Errors
    /// That something is not what was written.
    pub fn verify(&self) -> Result<(), Fault> {
        let chunks = self.read().chunks.clone();
        for stored in chunks {
            let items = self.load(&stored.head)?.items(None)?;
            if items.len() as u64 != stored.head.items {
                return Err(Fault::Lied("a chunk has lost entries".to_owned()));
            }
        }
        Ok(())
    }

    /// What is stored under a name.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn name(&self, key: NameKey) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            let block = {
                let state = self.read();
                if let Some(content) = state.names.pending(key) {
                    return Ok(Some(content.to_vec()));
                }
                state.names.block_of(key)
            };
            let Some(block) = block else {
                return Ok(None);
            };
            // One that was taken apart meanwhile is looked for again.
            if let Some(unpacked) = self.cached_block(&block)? {
                let found = unpacked.names()?.into_iter().find(|(id, _)| *id == key.id);
                let missing = || Fault::Lied("a name is missing".to_owned());
                return found
                    .map(|(_, content)| Some(content.to_vec()))
                    .ok_or_else(missing);
            }
        }
    }

    /// Visits all names of a kind and a tenant; the order means nothing, and one may come twice.
    ///
    /// # Errors
    /// That the storage failed, or what the visitor reports.
    pub fn names(&self, kind: u8, tenant: u64, visit: &mut VisitNames<'_>) -> Result<(), Fault> {
        let mut last = 0;
        loop {
            let state = self.read();
            let blocks = state.names.blocks(kind, tenant, last);
            if blocks.is_empty() {
                let pending = state.names.all_pending(kind, tenant);
                drop(state);
                let mut pending = pending.iter();
                return pending.try_for_each(|(key, content)| visit(*key, content));
            }
            drop(state);
            for block in blocks {
                last = block.key.number;
                // Names of one that was taken apart meanwhile come in a later one.
                if let Some(unpacked) = self.block(&block)? {
                    for (id, content) in unpacked.names()? {
                        visit(NameKey { kind, tenant, id }, content)?;
                    }
                }
            }
        }
    }

    /// A block of names, unpacked; `None` if it was taken apart meanwhile.
    fn block(&self, block: &Block) -> Result<Option<names::Unpacked>, Fault> {
        match self.load_block(block) {
            Ok(unpacked) => Ok(Some(unpacked)),
            Err(fault) if self.read().names.has_block(block.key) => Err(fault),
            Err(_) => Ok(None),
        }
    }

    /// As [`Self::block`], out of the cache if it is there.
    fn cached_block(&self, block: &Block) -> Result<Option<Arc<names::Unpacked>>, Fault> {
        if let Some(unpacked) = self.unpacked_blocks.get(block.key) {
            return Ok(Some(unpacked));
        }
        let unpacked = self.block(block)?;
        Ok(unpacked.map(|unpacked| self.unpacked_blocks.put(block.key, unpacked)))
    }

    pub(super) fn load_block(&self, block: &Block) -> Result<names::Unpacked, Fault> {
        let keys = (0..block.parts).map(|part| block.key.part_key(part));
        names::Unpacked::new(&self.parts(keys)?)
    }

    /// Parts, one after another.
    fn parts(&self, keys: impl Iterator<Item = Vec<u8>>) -> Result<Vec<u8>, Fault> {
        let mut packed = Vec::new();
        for key in keys {
            let bytes = self.storage.get(&key)?;
            let missing =
                || Fault::Lied("a part of a chunk or of a block of names is missing".to_owned());
            let bytes = bytes.ok_or_else(missing)?;
            packed.extend(value::open(&key, &bytes)?.0.content);
        }
        Ok(packed)
    }
}

fn by_position(items: Vec<Item>) -> BTreeMap<Position, Vec<Item>> {
    let mut map: BTreeMap<Position, Vec<Item>> = BTreeMap::new();
    for item in items {
        map.entry(item.position()).or_default().push(item);
    }
    map
}
