//! The index: entries in chunks, names beside them, over a storage that may fail.
//!
//! ```text
//!   add ─► open chunk (memory) ─ persist ─► storage: heads, parts, names, manifest ─ retain ─► away
//!                 └──────────────┬── filters of all chunks (memory)
//!   look (visit, name) ──────────┘─► the chunks that may know ─► unpacked, cached
//! ```
//!
//! **Invariants**
//! * One thread adds, any number read. No lock is held while the storage is called: a storage that hangs
//!   holds up who called it, and nobody else.
//! * What is written together is written in one [`Storage::apply`]: chunks, names and manifest agree after
//!   a crash at any point. What was not written is read from the log again. Names may be in storage before the
//!   entries that they came with; then they are known already when these are read again.
//! * What is read and is not what was written is a [`Fault::Lied`], never an answer.

mod cache;
mod look;
mod persist;
mod restore;
mod retain;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use cache::Cache;
use restore::Restored;

use super::chunk::{self, Head, Subjects};
use super::manifest::Manifest;
use super::names::{self, BlockKey, Name, Names};
use super::open::Open;
use super::storage::{Fault, Storage};
use crate::history::{Entry, Touch};
use crate::sys::WallTime;
use crate::wal::Lsn;

/// New names that are kept in memory until they are written.
const PENDING_NAMES_BYTES_MAX: usize = 1024 * 1024;

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
    pub entries: Vec<(Subjects, Entry)>,
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
    unpacked_chunks: Cache<(u64, u16), chunk::Unpacked>,
    unpacked_blocks: Cache<BlockKey, names::Unpacked>,
    reported: Mutex<Option<Fault>>,
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

    fn add(&mut self, names: Vec<Name<'_>>, entries: Vec<(Subjects, Entry)>) -> Result<(), Fault> {
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
        let Restored {
            manifest,
            is_new,
            mut chunks,
            names,
        } = Restored::read(storage.as_ref(), store)?;
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
                is_changed: is_new,
            }),
            unpacked_chunks: Cache::default(),
            unpacked_blocks: Cache::default(),
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
        self.write().open.restore(items)
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
}
