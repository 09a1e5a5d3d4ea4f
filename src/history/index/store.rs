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
use super::manifest::{self, Manifest};
use super::names::{self, Known, Name, NameKey, Names};
use super::open::Open;
use super::storage::{Change, Fault, Storage};
use super::value;
use crate::history::{Entry, Order, Position, Span, Touch};
use crate::sys::WallTime;
use crate::wal::Lsn;

/// Unpacked chunks that are kept: one question looks through the same timeline several times. Some eight
/// megabytes.
const CACHED_CHUNKS_MAX: usize = 256;

/// New names that are kept in memory until they are written.
const PENDING_NAMES_BYTES_MAX: usize = 1024 * 1024;

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
pub struct Addition {
    /// Entries, each with the hashes of its subjects.
    pub entries: Vec<(Vec<u64>, Entry)>,
    /// What numbers in them stand for.
    pub names: Vec<Name>,
}

#[derive(Debug)]
struct State {
    manifest: Manifest,
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
    reported: Mutex<Option<Fault>>,
}

/// Receives names and what they stand for.
pub type VisitNames<'a> = dyn FnMut(NameKey, &[u8]) -> Result<(), Fault> + 'a;

type Cached = (Arc<Head>, Arc<Unpacked>);

/// What is about to be written, and what it changes.
struct Draft {
    changes: Vec<Change>,
    known: Vec<(NameKey, Known)>,
    manifest: Manifest,
    written: Vec<Stored>,
    is_full: bool,
}

impl State {
    fn is_full(&self) -> bool {
        self.open.is_full()
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
        storage.scan(&[names::NAMES], &mut |key, bytes| {
            let (value, crc) = value::open(key, bytes)?;
            seen.add_crc(u64::from(crc));
            seen.names += 1;
            names.restore(key, value.content, bytes.len(), crc)
        })?;
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
                "it has {} chunks and {} names, its manifest says {} and {}, or their checksums differ",
                seen.chunks, seen.names, manifest.chunks, manifest.names
            )));
        }
        let is_closed = |it: &Stored| it.head.generation < manifest.generation;
        let written = chunks.split_off(chunks.partition_point(is_closed));
        let index = Self {
            storage,
            limits,
            state: RwLock::new(State {
                manifest,
                chunks,
                open: Open::default(),
                written,
                names,
                is_changed,
            }),
            cache: Mutex::default(),
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
    pub fn add(&self, lsn: Lsn, at: Option<WallTime>, addition: Addition) -> Result<(), Fault> {
        if lsn <= self.applied() {
            return Ok(());
        }
        let names = self.better_names(addition.names)?;
        let mut state = self.write();
        state.note(lsn, at);
        names.into_iter().for_each(|name| state.names.note(name));
        for (subjects, entry) in addition.entries {
            state.open.add(subjects, &entry)?;
        }
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
        let is_due = state.is_full() || state.names.pending_bytes() >= PENDING_NAMES_BYTES_MAX;
        drop(state);
        if is_due { self.persist() } else { Ok(()) }
    }

    /// Adds what is known without a record that the index has read.
    ///
    /// # Errors
    /// That the storage failed.
    pub fn remember(&self, addition: Addition) -> Result<(), Fault> {
        let names = self.better_names(addition.names)?;
        let mut state = self.write();
        names.into_iter().for_each(|name| state.names.note(name));
        for (subjects, entry) in addition.entries {
            state.open.add(subjects, &entry)?;
        }
        state.is_changed = true;
        let is_due = state.is_full();
        drop(state);
        if is_due { self.persist() } else { Ok(()) }
    }

    /// Names with what is known in the place of those that say less.
    fn better_names(&self, mut names: Vec<Name>) -> Result<Vec<Name>, Fault> {
        if names.is_empty() {
            return Ok(names);
        }
        let state = self.read();
        names.retain(|name| !state.names.is_idle(name));
        drop(state);
        for name in names.iter_mut().filter(|name| !name.is_whole) {
            if let Some(known) = self.name(name.key)? {
                name.content = known;
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
        state.names.written(draft.known);
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
        let names = state.names.draft(lsn);
        let mut draft = Draft {
            changes: names.changes,
            known: names.known,
            manifest: state.manifest.clone(),
            written: Vec::new(),
            is_full: state.is_full(),
        };
        draft.manifest.names += names.added;
        draft.manifest.add_crc(names.crc_added);
        let before = state.written.clone();
        let chunks = state.open.drafts(state.manifest.generation);
        drop(state);
        draft.chunks(&before, chunks, lsn)?;
        if draft.is_full {
            draft.manifest.generation += 1;
        }
        draft.changes.push(draft.manifest.change()?);
        Ok(Some(draft))
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
        self.retain_names(oldest_ns, bytes_max / 2)?;
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
        state.manifest = manifest;
        Ok(())
    }

    fn retain_names(&self, oldest_ns: i64, bytes_max: u64) -> Result<(), Fault> {
        let (gone, mut manifest) = {
            let state = self.read();
            let gone = state.names.disposable(oldest_ns, bytes_max);
            (gone, state.manifest.clone())
        };
        if gone.is_empty() {
            return Ok(());
        }
        let mut changes = Vec::new();
        for (key, crc) in &gone {
            manifest.names -= 1;
            manifest.remove_crc(u64::from(*crc));
            changes.push(Change {
                key: key.bytes(),
                value: None,
            });
        }
        changes.push(manifest.change()?);
        self.storage.apply(changes)?;
        let mut state = self.write();
        state.manifest = manifest;
        gone.iter().for_each(|(key, _)| state.names.forget(*key));
        Ok(())
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
        let mut packed = Vec::new();
        for part in 0..head.parts {
            let key = head.part_key(part);
            let bytes = self.storage.get(&key)?;
            let missing = || Fault::Lied("a part of a chunk is missing".to_owned());
            let bytes = bytes.ok_or_else(missing)?;
            packed.extend(value::open(&key, &bytes)?.0.content);
        }
        Unpacked::new(&packed)
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
        {
            let state = self.read();
            if let Some(content) = state.names.pending(key) {
                return Ok(Some(content.to_vec()));
            }
            if !state.names.has(key) {
                return Ok(None);
            }
        }
        let stored = key.bytes();
        match self.storage.get(&stored)? {
            Some(bytes) => {
                let content = value::open(&stored, &bytes)?.0.content;
                Ok(Some(names::content(content)?.to_vec()))
            }
            None if self.read().names.has(key) => Err(Fault::Lied("a name is missing".to_owned())),
            None => Ok(None),
        }
    }

    /// Visits all names of a kind and a tenant; the order means nothing.
    ///
    /// # Errors
    /// That the storage failed, or what the visitor reports.
    pub fn names(&self, kind: u8, tenant: u64, visit: &mut VisitNames<'_>) -> Result<(), Fault> {
        let pending = self.read().names.all_pending(kind, tenant);
        let prefix = NameKey::prefix(kind, tenant);
        self.storage.scan(&prefix, &mut |key, bytes| {
            let named = NameKey::read(key)?;
            if pending.contains_key(&named) {
                return Ok(());
            }
            visit(named, names::content(value::open(key, bytes)?.0.content)?)
        })?;
        for (key, content) in &pending {
            visit(*key, content)?;
        }
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

fn by_position(items: Vec<Item>) -> BTreeMap<Position, Vec<Item>> {
    let mut map: BTreeMap<Position, Vec<Item>> = BTreeMap::new();
    for item in items {
        map.entry(item.position()).or_default().push(item);
    }
    map
}

impl Draft {
    /// Puts another version of the open chunk in the place of the one in storage; what of it has not
    /// changed stays.
    fn chunks(
        &mut self,
        before: &[Stored],
        chunks: Vec<super::chunk::Draft>,
        lsn: Lsn,
    ) -> Result<(), Fault> {
        let count = chunks.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            let old = before.get(at);
            let same = old.filter(|old| old.head.items_crc == chunk.items_crc());
            let stored = match same {
                Some(same) => same.clone(),
                None => {
                    let (head, parts) = chunk.pack()?;
                    self.chunk(old, head, &parts, lsn)?
                }
            };
            self.written.push(stored);
        }
        for surplus in before.iter().skip(count) {
            self.manifest.chunks -= 1;
            self.manifest.remove_crc(surplus.crc);
            self.remove(surplus.head.key());
            self.remove_parts(&surplus.head, 0);
        }
        Ok(())
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
