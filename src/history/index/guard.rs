//! Storage behind a panic barrier and under a clock.
//!
//! A call that panics becomes an error. A call that never returns cannot be ended, only noticed:
//! [`Watch::longest`] says for how long the oldest call has been under way. Whoever watches leaves the
//! storage to its fate then, and with it the thread that is stuck in it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::storage::{Change, Fault, Storage, Visit};
use crate::sys::Clock;

/// Calls under way.
#[derive(Debug)]
pub struct Watch {
    clock: Arc<dyn Clock>,
    calls: Mutex<Calls>,
    is_given_up: AtomicBool,
}

#[derive(Debug, Default)]
struct Calls {
    next: u64,
    since: BTreeMap<u64, Duration>,
}

impl Watch {
    /// No call is under way.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            calls: Mutex::default(),
            is_given_up: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when the oldest call has been under way.
    #[must_use]
    pub fn longest(&self) -> Option<Duration> {
        let since = *self.lock().since.values().next()?;
        Some(self.clock.monotonic().saturating_sub(since))
    }

    /// The storage is left alone from now on: it is not even closed, for that might hang too.
    pub fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Release);
    }

    /// Makes a call.
    ///
    /// # Errors
    /// What the call reports, or that it panicked.
    pub fn call<T>(&self, call: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
        if self.is_given_up.load(Ordering::Acquire) {
            return Err(Fault::Reported("it was given up".to_owned()));
        }
        let number = {
            let mut calls = self.lock();
            calls.next += 1;
            let number = calls.next;
            calls.since.insert(number, self.clock.monotonic());
            number
        };
        let result = catch_unwind(AssertUnwindSafe(call));
        self.lock().since.remove(&number);
        result.unwrap_or_else(|payload| Err(Fault::Panicked(said(payload.as_ref()))))
    }
}

fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}

/// See the module header.
pub struct Guarded {
    inner: Option<Box<dyn Storage>>,
    watch: Arc<Watch>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl Guarded {
    /// Watches a storage.
    #[must_use]
    pub fn new(inner: Box<dyn Storage>, watch: Arc<Watch>) -> Self {
        Self {
            inner: Some(inner),
            watch,
        }
    }

    fn call<T>(&self, call: impl FnOnce(&dyn Storage) -> Result<T, Fault>) -> Result<T, Fault> {
        match &self.inner {
            Some(inner) => self.watch.call(|| call(inner.as_ref())),
            None => Err(Fault::Reported("it is closed".to_owned())),
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let inner = self.inner.take();
        if self.watch.is_given_up.load(Ordering::Acquire) {
            // Closing it might hang or panic; what it holds is bounded.
            std::mem::forget(inner);
            return;
        }
        // That it could not be closed is found out when it is opened again.
        let _ = self.watch.call(|| {
            drop(inner);
            Ok(())
        });
    }
}

impl Storage for Guarded {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        self.call(|inner| inner.apply(changes))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.call(|inner| inner.get(key))
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.call(|inner| inner.scan(prefix, visit))
    }

    fn size_bytes(&self) -> Result<u64, Fault> {
        self.call(|inner| inner.size_bytes())
    }

    fn flush(&self) -> Result<(), Fault> {
        self.call(|inner| inner.flush())
    }
}
