//! Storage in memory: for `--history=memory`, for a disk that cannot be used, for a look at a copied log.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use super::storage::{Change, Fault, Storage, Visit};

/// A map. It is bounded by who fills it: the index removes what its limits do not allow.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    map: RwLock<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Storage for MemoryStorage {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        let mut map = self.map.write().unwrap_or_else(PoisonError::into_inner);
        for Change { key, value } in changes {
            match value {
                Some(value) => drop(map.insert(key, value)),
                None => drop(map.remove(&key)),
            }
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        Ok(map.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let from = map.range(prefix.to_vec()..);
        for (key, value) in from.take_while(|(key, _)| key.starts_with(prefix)) {
            visit(key, value)?;
        }
        Ok(())
    }

    fn size_bytes(&self) -> Result<u64, Fault> {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        let bytes = map.iter().map(|(key, value)| key.len() + value.len());
        Ok(bytes.sum::<usize>() as u64)
    }

    fn flush(&self) -> Result<(), Fault> {
        Ok(())
    }
}
