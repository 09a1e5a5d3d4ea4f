//! How what is too old, or too much, goes.

use super::{Index, PENDING_NAMES_BYTES_MAX, State, Stored};
use crate::history::index::hash;
use crate::history::index::names::{BlockKey, Disposable, GROUPS, NameKey};
use crate::history::index::storage::{Change, Fault};
use crate::history::{GroupHash, Subject};
use crate::model::Fingerprint;
use crate::sys::WallTime;

/// How much more a storage may take than what is in it: sled leaves holes in its file, and fills them
/// later.
const STORAGE_FACTOR: u64 = 2;

impl Index {
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
}

impl State {
    /// Whether something in it is about that name.
    fn is_used(&self, key: NameKey) -> bool {
        let subject = subject_of(key);
        let mut latest = self.written.iter().chain(self.chunks.iter().rev());
        latest.any(|stored| stored.head.filter.may_have(subject))
    }
}

/// The hash under which entries about what has that name stand.
fn subject_of(name: NameKey) -> u64 {
    match name.kind {
        GROUPS => hash::of_subject(name.tenant, &Subject::Group(GroupHash(name.id))),
        _ => hash::of_alert(name.tenant, Fingerprint(name.id)),
    }
}
