//! A value that others watch.
//!
//! As `tokio::sync::watch`, but those who wait are woken in the order in which they began to: there a random
//! number decides, and a simulation in which the same seed has to give the same run cannot have that.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;

use super::lock;

/// The value, for who sets it.
#[derive(Debug)]
pub(super) struct Watched<T> {
    inner: Arc<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    state: Mutex<State<T>>,
    changed: Notify,
}

#[derive(Debug)]
struct State<T> {
    version: u64,
    value: T,
}

/// For who watches it.
#[derive(Debug, Clone)]
pub(super) struct Watcher<T> {
    inner: Arc<Inner<T>>,
    seen: u64,
}

impl<T> Watched<T> {
    pub(super) fn new(value: T) -> Self {
        let state = Mutex::new(State { version: 0, value });
        Self {
            inner: Arc::new(Inner {
                state,
                changed: Notify::new(),
            }),
        }
    }

    /// Puts another value there.
    pub(super) fn set(&self, value: T) {
        let mut state = lock(&self.inner.state);
        state.version += 1;
        state.value = value;
        drop(state);
        self.inner.changed.notify_waiters();
    }

    /// Watches it. The value that it has now counts as unseen.
    pub(super) fn watch(&self) -> Watcher<T> {
        let version = lock(&self.inner.state).version;
        Watcher {
            inner: Arc::clone(&self.inner),
            seen: version,
        }
    }
}

impl<T: Clone> Watcher<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.inner.state)
    }

    /// The value, which counts as seen.
    pub(super) fn see(&mut self) -> T {
        let state = lock(&self.inner.state);
        self.seen = state.version;
        state.value.clone()
    }

    /// Waits until it is another than the one that was seen.
    pub(super) async fn changed(&mut self) {
        loop {
            // From here on no change is missed.
            let changed = self.inner.changed.notified();
            let version = self.state().version;
            if version != self.seen {
                self.seen = version;
                return;
            }
            changed.await;
        }
    }

    /// Waits until it is such a one.
    pub(super) async fn wait_for(&self, is_it: impl Fn(&T) -> bool) {
        loop {
            let changed = self.inner.changed.notified();
            if is_it(&self.state().value) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_began() {
        let value = Watched::new(0);
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for number in 0..50 {
            let mut watcher = value.watch();
            let order = Arc::clone(&order);
            tasks.push(tokio::spawn(async move {
                watcher.changed().await;
                let seen = watcher.see();
                watcher.wait_for(|it| *it == 1).await;
                lock(&order).push((number, seen));
            }));
        }
        tokio::task::yield_now().await;
        value.set(1);
        for task in tasks {
            task.await.unwrap();
        }
        let expected: Vec<_> = (0..50).map(|number| (number, 1)).collect();
        assert_eq!(*lock(&order), expected);
    }
}
