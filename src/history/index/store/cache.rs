//! What was unpacked last: one question looks at the same things several times.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things that are kept. The largest are chunks with some 32 kB: eight megabytes.
const KEPT_MAX: usize = 256;

/// The last things that were unpacked, by their keys.
#[derive(Debug)]
pub struct Cache<K, V>(Mutex<VecDeque<(K, Arc<V>)>>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Copy + PartialEq, V> Cache<K, V> {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(K, Arc<V>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept under that key.
    pub fn get(&self, key: K) -> Option<Arc<V>> {
        let kept = self.lock();
        let found = kept.iter().find(|(it, _)| *it == key);
        found.map(|(_, value)| Arc::clone(value))
    }

    /// Keeps a value, in the place of the oldest.
    pub fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.lock();
        kept.truncate(KEPT_MAX - 1);
        kept.push_front((key, Arc::clone(&value)));
        value
    }
}
