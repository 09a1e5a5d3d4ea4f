//! What the threads of the server share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{Notify, watch};
use tracing::error;

use super::counts::Counts;
use super::journal::{Decided, Journal};
use super::plan::Plan;
use crate::core::{Core, Event};
use crate::sys::{Clock, Entropy, WallTime};
use crate::wal::{AppendError, Lsn};

/// See the module header.
#[derive(Debug)]
pub(super) struct Shared {
    core: Mutex<Core>,
    pub(super) journal: Arc<Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) counts: Counts,
    /// No new decisions.
    pub(super) is_stopping: AtomicBool,
    plan: RwLock<Arc<Plan>>,
    /// The last record that the core has applied.
    applied: watch::Sender<Lsn>,
    /// What the log refused while it was handed in.
    refused: Mutex<Vec<Decided>>,
    /// What a reload did, until the core's thread explains it.
    happened: Mutex<Vec<(WallTime, Event)>>,
    /// Why the process cannot go on.
    failure: Mutex<Option<String>>,
    pub(super) failed: Notify,
}

/// A lock is held for work that cannot panic half way through a change: the core's invariants hold
/// after a panic in it as far as they held before, and the next restart rebuilds it anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(
        core: Core,
        journal: Arc<Journal>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        plan: Arc<Plan>,
        applied: Lsn,
    ) -> Self {
        Self {
            core: Mutex::new(core),
            journal,
            clock,
            entropy,
            counts: Counts::default(),
            is_stopping: AtomicBool::new(false),
            plan: RwLock::new(plan),
            applied: watch::Sender::new(applied),
            refused: Mutex::default(),
            happened: Mutex::default(),
            failure: Mutex::default(),
            failed: Notify::new(),
        }
    }

    /// The core, for as short as can be.
    pub(super) fn core(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    /// The configuration in force.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another configuration in force.
    pub(super) fn set_plan(&self, plan: Arc<Plan>) {
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    pub(super) fn applied_up_to(&self, lsn: Lsn) {
        self.applied.send_replace(lsn);
    }

    /// The last record that the core has applied.
    pub(super) fn applied(&self) -> Lsn {
        *self.applied.borrow()
    }

    /// Waits until the core has applied everything that was durable when this was called: who got an
    /// answer to what they sent find its effect.
    pub(super) async fn caught_up(&self) {
        let target = self.journal.handed_on();
        if self.applied() < target {
            self.journal.shake();
        }
        let mut applied = self.applied.subscribe();
        // The sender is in `self`: it cannot be gone.
        let _ = applied.wait_for(|applied| *applied >= target).await;
    }

    /// What a new configuration did.
    pub(super) fn happened(&self, at: WallTime, events: Vec<Event>) {
        lock(&self.happened).extend(events.into_iter().map(|event| (at, event)));
    }

    pub(super) fn take_happened(&self) -> Vec<(WallTime, Event)> {
        std::mem::take(&mut lock(&self.happened))
    }

    /// What the core decided was refused.
    pub(super) fn refused(&self, decided: Decided) {
        lock(&self.refused).push(decided);
        self.look();
    }

    pub(super) fn take_refused(&self) -> Vec<Decided> {
        std::mem::take(&mut lock(&self.refused))
    }

    /// Makes the core's thread look again: the policy has changed, or there is something to take back.
    pub(super) fn look(&self) {
        self.journal.shake();
    }

    /// Ends the process, for nothing can be acknowledged any more.
    pub(super) fn fail(&self, cause: &AppendError) {
        self.fail_because(format!("the log has failed: {cause}"));
    }

    /// Ends the process, for it cannot do what it is for.
    pub(super) fn fail_because(&self, cause: String) {
        let mut failure = lock(&self.failure);
        if failure.is_none() {
            error!(
                err = cause,
                "The process cannot go on. It ends, so that the next start recovers."
            );
            *failure = Some(cause);
            self.failed.notify_one();
        }
    }

    /// Why the process cannot go on.
    pub(super) fn failure(&self) -> Option<String> {
        lock(&self.failure).clone()
    }
}
