//! The index: entries in chunks, names beside them, over a storage that may fail.
//!
//! ```text
//!   add ─► open chunk (memory) ─ every minute or so ─► storage: heads, parts, names, manifest
//!                 └──────────────┬── filters of all chunks (memory)
//!   visit, name ─────────────────┘─► the chunks that may know ─► unpacked, cached
//! ```
//!
//! **Invariants**
//! * One thread adds, any number read. No lock is held while the storage is called: a storage that hangs
//!   holds up who called it, and nobody else.
//! * What is written together is written in one [`Storage::apply`]: chunks, names and manifest agree after
//!   a crash at any point. What was not written is read from the log again.
//! * What is read and is not what was written is a [`Fault::Lied`], never an answer.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::chunk::{HEADS, Head, Item, Unpacked, decode_head, encode_head};
use super::hash;
use super::manifest::{self, Manifest};
use super::names::{self, Block, BlockKey, Disposable, Name, NameKey, Names, NamesDraft, Written};
use super::open::Open;
use super::packed::Packer;
use super::storage::{Change, Fault, Storage};
use super::value;
use crate::history::{Entry, GroupHash, Order, Position, Span, Subject, Touch};
use crate::model::Fingerprint;
use crate::sys::WallTime;
use crate::wal::Lsn;

/// Unpacked chunks that are kept: one question looks through the same timeline several times. Some eight
/// megabytes.
const CACHED_CHUNKS_MAX: usize = 256;

/// New names that are kept in memory until they are written.
const PENDING_NAMES_BYTES_MAX: usize = 1024 * 1024;

/// Unpacked blocks of names that are kept: an answer looks up the labels of many alerts. Some four megabytes.
const CACHED_BLOCKS_MAX: usize = 256;

/// How much more a storage may take than what is in it: sled leaves holes in its file, and fills them
/// later.
const STORAGE_FACTOR: u64 = 2;

/// What may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long.
    pub retention: Duration,
    /// How many bytes, of storage.
    pub bytes_max: u64,
}

/// What the index holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Chunks in storage.
    pub chunks: u64,
    /// Entries.
    pub entries: u64,
    /// Names.
    pub names: u64,
    /// Bytes of chunks and names, packed.
    pub bytes: u64,
}

/// What a record adds.
#[derive(Debug, Default)]
pub struct Addition<'a> {
    /// Entries, each with the hashes of its subjects.
    pub entries: Vec<(Vec<u64>, Entry)>,
    /// What numbers in them stand for.
    pub names: Vec<Name<'a>>,
}

#[derive(Debug)]
struct State {
    manifest: Manifest,
    /// As it is in storage.
    stored: Manifest,
    /// Chunks that do not change any more, oldest first.
    chunks: Vec<Stored>,
    open: Open,
    /// What of it is in storage.
    written: Vec<Stored>,
    names: Names,
    is_changed: bool,
}

/// A chunk in storage.
#[derive(Debug, Clone)]
struct Stored {
    head: Arc<Head>,
    /// The sum of the checksums of head and parts.
    crc: u64,
}

/// See the module header.
#[derive(Debug)]
pub struct Index {
    storage: Arc<dyn Storage>,
    limits: Limits,
    state: RwLock<State>,
    cache: Mutex<VecDeque<Cached>>,
    blocks: Mutex<VecDeque<(BlockKey, Arc<names::Unpacked>)>>,
    reported: Mutex<Option<Fault>>,
}

/// Receives names and what they stand for.
pub type VisitNames<'a> = dyn FnMut(NameKey, &[u8]) -> Result<(), Fault> + 'a;

type Cached = (Arc<Head>, Arc<Unpacked>);

/// What is about to be written, and what it changes.
struct Draft {
    changes: Vec<Change>,
    names: Vec<Written>,
    manifest: Manifest,
    written: Vec<Stored>,
    is_full: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.open.is_full()
    }

    /// Whether something in it is about that name.
    fn is_used(&self, key: NameKey) -> bool {
        let subject = subject_of(key);
        let mut latest = self.written.iter().chain(self.chunks.iter().rev());
        latest.any(|stored| stored.head.filter.may_have(subject))
    }

    /// A record is in it, written then.
    fn note(&mut self, lsn: Lsn, at: Option<WallTime>) {
        self.is_changed = true;
        let manifest = &mut self.manifest;
        manifest.applied = lsn.0;
        if let Some(at) = at {
            manifest.known_until_ns = manifest.known_until_ns.max(at.0);
            if manifest.known_since_ns == i64::MAX {
                manifest.known_since_ns = at.0;
            }
        }
    }

    fn add(&mut self, names: Vec<Name<'_>>, entries: Vec<(Vec<u64>, Entry)>) -> Result<(), Fault> {
        for name in names {
            self.names.note(name.key, &name.content, name.at);
        }
        for (subjects, entry) in entries {
            self.open.add(subjects, &entry)?;
        }
        Ok(())
    }

    fn bytes(&self) -> u64 {
        let chunks = self.chunks.iter().chain(&self.written);
        chunks.map(|it| it.head.bytes).sum::<u64>() + self.names.bytes()
    }
}

impl Index {
    /// Opens what is in a storage; an empty one becomes an index of that store.
    ///
    /// # Errors
    /// That it cannot be read, or does not hold together.
    pub fn open(storage: Arc<dyn Storage>, store: [u8; 16], limits: Limits) -> Result<Self, Fault> {
        let mut manifest = Manifest::new(store);
        let mut seen = Manifest::new(store);
        let (mut chunks, mut names) = (Vec::new(), Names::default());
        storage.scan(&[HEADS], &mut |key, bytes| {
            let (value, crc) = value::open(key, bytes)?;
            let head = Arc::new(decode_head(value.content)?);
            let crc = u64::from(crc).wrapping_add(head.parts_crc);
            seen.add_crc(crc);
            seen.chunks += 1;
            chunks.push(Stored { head, crc });
            Ok(())
        })?;
        let mut block = Scanned::default();
        storage.scan(&[names::NAMES], &mut |key, bytes| {
            let (value, crc) = value::open(key, bytes)?;
            seen.add_crc(u64::from(crc));
            seen.names += 1;
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
        let is_changed = match storage.get(manifest::KEY)? {
            Some(bytes) => {
                let (value, _) = value::open(manifest::KEY, &bytes)?;
                manifest = Manifest::decode(value.content, store)?;
                false
            }
            None => true,
        };
        let told = (manifest.chunks, manifest.names, manifest.crc_sum);
        if (seen.chunks, seen.names, seen.crc_sum) != told {
            return Err(Fault::Lied(format!(
                "it has {} chunks and {} values of names, its manifest says {} and {}, or their checksums differ",
                seen.chunks, seen.names, manifest.chunks, manifest.names
            )));
        }
        let is_closed = |it: &Stored| it.head.generation < manifest.generation;
        let written = chunks.split_off(chunks.partition_point(is_closed));
        let index = Self {
            storage,
            limits,
            state: RwLock::new(State {
                stored: manifest.clone(),
                manifest,
                chunks,
                open: Open::default(),
                written,
                names,
                is_changed,
            }),
            cache: Mutex::default(),
            blocks: Mutex::default(),
            reported: Mutex::default(),
        };
        index.reopen()?;
        Ok(index)
    }

    /// The open chunk is filled further.
    fn reopen(&self) -> Result<(), Fault> {
        let written = self.read().written.clone();
        let mut items = Vec::new();
        for stored in &written {
            items.extend(self.load(&stored.head)?.items(None)?);
        }
        self.write().open = Open::restore(items)?;
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every record up to this one is in it.
    #[must_use]
    pub fn applied(&self) -> Lsn {
        Lsn(self.read().manifest.applied)
    }

    /// Since when it knows everything that happened; `None` if it knows nothing yet.
    #[must_use]
    pub fn known_since(&self) -> Option<WallTime> {
        let since = self.read().manifest.known_since_ns;
        (since != i64::MAX).then_some(WallTime(since))
    }

    /// The time of the last thing that it knows of; `None` if it knows nothing yet.
    #[must_use]
    pub fn known_until(&self) -> Option<WallTime> {
        let until = self.read().manifest.known_until_ns;
        (until != i64::MIN).then_some(WallTime(until))
    }

    /// What it holds.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let state = self.read();
        let entries = state.chunks.iter().map(|it| it.head.items).sum::<u64>();
        Contents {
            chunks: state.manifest.chunks,
            entries: entries + state.open.count() as u64,
            names: state.names.count() as u64,
            bytes: state.bytes(),
        }
    }

    /// Bytes that the storage takes.
    ///
    /// # Errors
    /// That it cannot be told.
    pub fn size_bytes(&self) -> Result<u64, Fault> {
        self.storage.size_bytes()
    }

    /// Adds what a record says; one that is in it already changes nothing.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn add(&self, lsn: Lsn, at: Option<WallTime>, addition: Addition<'_>) -> Result<(), Fault> {
        if lsn <= self.applied() {
            return Ok(());
        }
        let names = self.better_names(addition.names)?;
        let mut state = self.write();
        state.note(lsn, at);
        state.add(names, addition.entries)?;
        self.persist_if_due(state)
    }

    /// As [`Self::add`], of touches alone, each with the hash of its alert: what comes most often.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn touch(
        &self,
        lsn: Lsn,
        at: Option<WallTime>,
        tenant: u64,
        touches: impl Iterator<Item = (u64, Touch)> + Clone,
    ) -> Result<(), Fault> {
        if lsn <= self.applied() {
            return Ok(());
        }
        let mut state = self.write();
        state.note(lsn, at);
        state.open.touch(tenant, touches)?;
        self.persist_if_due(state)
    }

    fn persist_if_due(&self, state: RwLockWriteGuard<'_, State>) -> Result<(), Fault> {
        let is_full = state.is_full();
        let are_many = state.names.pending_bytes() >= PENDING_NAMES_BYTES_MAX;
        drop(state);
        match (is_full, are_many) {
            (true, _) => self.persist(),
            (false, true) => self.persist_names(&[]),
            (false, false) => Ok(()),
        }
    }

    /// Adds what is known without a record that the index has read.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn remember(&self, addition: Addition<'_>) -> Result<(), Fault> {
        let names = self.better_names(addition.names)?;
        let mut state = self.write();
        state.add(names, addition.entries)?;
        state.is_changed = true;
        self.persist_if_due(state)
    }

    /// Names with what is known in the place of those that say less.
    fn better_names<'a>(&self, mut names: Vec<Name<'a>>) -> Result<Vec<Name<'a>>, Fault> {
        if names.is_empty() {
            return Ok(names);
        }
        let state = self.read();
        names.retain(|name| !state.names.is_idle(name));
        drop(state);
        for name in names.iter_mut().filter(|name| !name.is_whole) {
            if let Some(known) = self.name(name.key)? {
                name.content = known.into();
            }
        }
        Ok(names)
    }

    /// Somebody found that it cannot be used.
    pub fn report(&self, fault: Fault) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.get_or_insert(fault);
    }

    /// What somebody found.
    #[must_use]
    pub fn reported(&self) -> Option<Fault> {
        let reported = self.reported.lock();
        reported.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came up to this LSN and is not in it is lost to it: it knows everything only from then on.
    pub fn skip_to(&self, lsn: Lsn) {
        let mut state = self.write();
        if lsn.0 > state.manifest.applied {
            state.manifest.applied = lsn.0;
            state.manifest.known_since_ns = i64::MAX;
            state.is_changed = true;
        }
    }

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
            state.open = Open::default();
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
    fn persist_names(&self, gone: &[Block]) -> Result<(), Fault> {
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

    /// Removes what is older, or more, than the limits allow; how many entries that were.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn retain(&self, now: WallTime) -> Result<u64, Fault> {
        let retention_ns = i64::try_from(self.limits.retention.as_nanos()).unwrap_or(i64::MAX);
        let oldest_ns = now.0.saturating_sub(retention_ns);
        let bytes_max = self.limits.bytes_max / STORAGE_FACTOR;
        // The manifest that is written below must not promise what is not in storage.
        self.persist()?;
        let mut removed = 0;
        while let Some(stored) = self.disposable(oldest_ns, bytes_max) {
            self.remove(&stored)?;
            removed += stored.head.items;
        }
        self.retain_names(now, WallTime(oldest_ns), bytes_max / 2)?;
        Ok(removed)
    }

    fn disposable(&self, oldest_ns: i64, bytes_max: u64) -> Option<Stored> {
        let state = self.read();
        let stored = state.chunks.first()?;
        let is_disposable = stored.head.to < oldest_ns || state.bytes() > bytes_max;
        is_disposable.then(|| stored.clone())
    }

    fn remove(&self, stored: &Stored) -> Result<(), Fault> {
        let head = &stored.head;
        let mut manifest = self.read().manifest.clone();
        manifest.remove_crc(stored.crc);
        manifest.chunks -= 1;
        manifest.known_since_ns = manifest.known_since_ns.max(head.to.saturating_add(1));
        let removal = |key| Change { key, value: None };
        let mut changes = vec![removal(head.key()), manifest.change()?];
        changes.extend((0..head.parts).map(|part| removal(head.part_key(part))));
        self.storage.apply(changes)?;
        let mut state = self.write();
        state.chunks.remove(0);
        state.stored = manifest.clone();
        state.manifest = manifest;
        Ok(())
    }

    fn retain_names(&self, now: WallTime, oldest: WallTime, bytes_max: u64) -> Result<(), Fault> {
        let disposable = self.read().names.disposable(oldest, bytes_max);
        if disposable.is_empty() {
            return Ok(());
        }
        let mut removed = Vec::new();
        for Disposable { block, is_surplus } in disposable {
            let unpacked = self.load_block(&block)?;
            let BlockKey { kind, tenant, .. } = block.key;
            let names = unpacked.names()?.into_iter();
            let names = names.map(|(id, content)| (NameKey { kind, tenant, id }, content));
            let (used, gone): (Vec<_>, Vec<_>) = {
                let state = self.read();
                let current = names.filter(|(key, _)| state.names.is_in(*key, block.key));
                current.partition(|(key, _)| !is_surplus && state.is_used(*key))
            };
            let mut state = self.write();
            for (key, content) in used {
                state.names.renew(key, content, now);
            }
            let gone = gone.into_iter().map(|(key, _)| key);
            state.names.forget(block.key, gone);
            let are_many = state.names.pending_bytes() >= PENDING_NAMES_BYTES_MAX;
            drop(state);
            removed.push(block);
            if are_many {
                self.persist_names(&removed)?;
                removed.clear();
            }
        }
        self.persist_names(&removed)
    }

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
            let Some(unpacked) = self.cached(&next)? else {
                continue;
            };
            for item in unpacked.items(subject)?.into_iter().filter(is_wanted) {
                waiting.entry(item.position()).or_default().push(item);
            }
        }
    }

    /// A chunk, unpacked; `None` if it was removed meanwhile.
    fn cached(&self, head: &Arc<Head>) -> Result<Option<Arc<Unpacked>>, Fault> {
        let lock = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock().iter().find(|(it, _)| Arc::ptr_eq(it, head)).cloned();
        if let Some((_, unpacked)) = found {
            return Ok(Some(unpacked));
        }
        let unpacked = match self.load(head) {
            Ok(unpacked) => Arc::new(unpacked),
            Err(fault) => {
                let is_there = |it: &Stored| Arc::ptr_eq(&it.head, head);
                return match self.read().chunks.iter().any(is_there) {
                    true => Err(fault),
                    false => Ok(None),
                };
            }
        };
        let mut cache = lock();
        cache.truncate(CACHED_CHUNKS_MAX - 1);
        cache.push_front((Arc::clone(head), Arc::clone(&unpacked)));
        Ok(Some(unpacked))
    }

    fn load(&self, head: &Head) -> Result<Unpacked, Fault> {
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
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let found = lock().iter().find(|(it, _)| *it == block.key).cloned();
        if let Some((_, unpacked)) = found {
            return Ok(Some(unpacked));
        }
        let Some(unpacked) = self.block(block)?.map(Arc::new) else {
            return Ok(None);
        };
        let mut cache = lock();
        cache.truncate(CACHED_BLOCKS_MAX - 1);
        cache.push_front((block.key, Arc::clone(&unpacked)));
        Ok(Some(unpacked))
    }

    fn load_block(&self, block: &Block) -> Result<names::Unpacked, Fault> {
        let keys = (0..block.parts).map(|part| block.key.part_key(part));
        names::Unpacked::new(&self.parts(keys)?)
    }

    /// Parts, one after another.
    fn parts(&self, keys: impl Iterator<Item = Vec<u8>>) -> Result<Vec<u8>, Fault> {
        let mut packed = Vec::new();
        for key in keys {
            let bytes = self.storage.get(&key)?;
            let missing = || Fault::Lied("a part is missing".to_owned());
            let bytes = bytes.ok_or_else(missing)?;
            packed.extend(value::open(&key, &bytes)?.0.content);
        }
        Ok(packed)
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

/// The hash under which entries about what has that name stand.
fn subject_of(name: NameKey) -> u64 {
    match name.kind {
        names::GROUPS => hash::of_subject(name.tenant, &Subject::Group(GroupHash(name.id))),
        _ => hash::of_alert(name.tenant, Fingerprint(name.id)),
    }
}

/// A block of names whose parts are being read.
#[derive(Default)]
struct Scanned {
    of: Option<BlockKey>,
    packed: Vec<u8>,
    parts: u16,
    crc: u64,
}

impl Scanned {
    fn restore(self, names: &mut Names) -> Result<(), Fault> {
        match self.of {
            Some(of) => names.restore(of, &self.packed, self.parts, self.crc),
            None => Ok(()),
        }
    }
}

fn by_position(items: Vec<Item>) -> BTreeMap<Position, Vec<Item>> {
    let mut map: BTreeMap<Position, Vec<Item>> = BTreeMap::new();
    for item in items {
        map.entry(item.position()).or_default().push(item);
    }
    map
}

impl Draft {
    /// Puts another version of a leaf of the open chunk in the place of the one in storage; one that has not
    /// changed stays.
    fn leaf(
        &mut self,
        old: Option<&Stored>,
        chunk: super::chunk::Draft,
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
