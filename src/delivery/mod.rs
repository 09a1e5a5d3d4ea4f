//! From "integration I of receiver R is to be told this" to an attempt, and to the next one.
//!
//! ```text
//!   core ──Order──► submit ──► slot of the lane ──► permit ──► intent durable ──► attempt ─┐
//!                     │ full                          ▲                                    │
//!                     ▼                               └────── wait (backoff) ◄── retryable ┤
//!                  Refused                                                                 │
//!   core ◄── wal ◄── result record ◄── delivered, failed, quarantined ◄────────────────────┘
//! ```
//!
//! Every integration of every receiver has a lane of its own, with bounds of its own, so that one
//! that is slow, down or broken holds up nobody else.
//!
//! **Invariants**
//! * Nothing is sent before its intent is durable (by us or by whoever orders: [`Intents`]), and whatever
//!   was accepted ends in one result record, or in none only because the process ends: then the
//!   intent alone stays, and the next start takes the notification for in doubt.
//! * Everything is bounded: orders by [`ORDERS_MAX`] a lane, attempts at once by
//!   [`ATTEMPTS_AT_ONCE_MAX`] a lane and about [`ATTEMPTS_MAX`] in all. An order beyond the bound is
//!   given back, counted and logged.
//! * Integrations are known by their trait only. A panic in one is a failed attempt.
//! * The deadline of a notification is counted from when it may start: waiting for a permit of ours
//!   costs it nothing.
//!
//! **Crash.** Before the intent is durable: the core decides anew. After it: in doubt, sent again
//! with the same key. After the result: done. (`durability.md` §4.5.)
//!
//! **Reload.** [`Delivery::install`] replaces the integrations. An attempt under way goes on to its
//! end; the next one, which is due at once, is made with the new integration. Orders of an
//! integration that is gone are cancelled.

mod backoff;
mod lane;
mod order;
mod quarantine;
mod run;
mod statistics;
mod tries;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::sys::{Clock, Entropy, WallTime};

pub use backoff::Backoff;
pub use lane::{Installation, LaneId};
pub use order::{Durable, Ending, Entry, Journal, JournalError, Order, Refusal, Refused, Report};
pub use quarantine::{BROKEN_IN_A_ROW_MAX, PROBE_INTERVAL};
pub use run::{CRASHES_MAX, HANG_GRACE};
pub use statistics::{Counts, LATENCY_BOUNDS_SECONDS, Latency, Statistics};

use lane::Lane;

/// The orders a lane takes, waiting and under way. A group has at most one order at an integration,
/// so this is a bound on groups that are due together; an order is some 500 bytes beside its alerts,
/// which it shares with the group.
pub const ORDERS_MAX: usize = 10_000;

/// The attempts of a lane at once. At a tenth of a second an attempt, that is a thousand
/// notifications a second; more connections look like an attack to a receiver.
pub const ATTEMPTS_AT_ONCE_MAX: usize = 128;

/// The attempts of all lanes at once, as long as that leaves each some. Each holds a socket, and a
/// process may have a few thousand.
pub const ATTEMPTS_MAX: usize = 4096;

/// The least that a lane may do at once, however many lanes there are.
const ATTEMPTS_AT_ONCE_MIN: usize = 4;

/// Whether delivery writes intents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intents {
    /// Before anything is sent.
    Durable,
    /// Not at all: whoever orders has made them durable, together with what was decided beside them.
    Off,
}

/// What delivery needs of the rest of the program.
#[derive(Clone)]
pub struct World {
    /// Where attempts run.
    pub runtime: Handle,
    /// Where records go.
    pub journal: Arc<dyn Journal>,
    /// The time for records.
    pub clock: Arc<dyn Clock>,
    /// What varies the waits.
    pub entropy: Arc<dyn Entropy>,
    /// Whether delivery writes intents.
    pub intents: Intents,
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("World")
            .field("intents", &self.intents)
            .finish_non_exhaustive()
    }
}

/// Sends notifications.
#[derive(Debug, Clone)]
pub struct Delivery {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    world: World,
    lanes: Mutex<BTreeMap<LaneId, Arc<Lane>>>,
    /// By kind of integration. They outlive the lanes.
    kinds: Mutex<BTreeMap<String, Arc<Statistics>>>,
    tasks: TaskTracker,
    /// No new attempts.
    draining: CancellationToken,
    /// No attempts at all.
    killed: CancellationToken,
    is_full_logged: AtomicBool,
}

impl Shared {
    fn now(&self) -> WallTime {
        self.world.clock.wall()
    }
}

/// A lock is held for a few instructions that cannot panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Delivery {
    /// Without integrations.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            shared: Arc::new(Shared {
                world,
                lanes: Mutex::default(),
                kinds: Mutex::default(),
                tasks: TaskTracker::new(),
                draining: CancellationToken::new(),
                killed: CancellationToken::new(),
                is_full_logged: AtomicBool::new(false),
            }),
        }
    }

    /// Takes these integrations from now on, and no others.
    pub fn install(&self, installations: Vec<Installation>) {
        let share = ATTEMPTS_MAX / installations.len().max(1);
        let width = share.clamp(ATTEMPTS_AT_ONCE_MIN, ATTEMPTS_AT_ONCE_MAX);
        let mut lanes = lock(&self.shared.lanes);
        let mut former = std::mem::take(&mut *lanes);
        for installation in installations {
            let id = installation.lane.clone();
            let lane = former.remove(&id).unwrap_or_else(|| {
                let kind = id.integration.kind.clone();
                let kind = lock(&self.shared.kinds).entry(kind).or_default().clone();
                Arc::new(Lane::new(&id, kind))
            });
            lane.install(installation, width);
            lanes.insert(id, lane);
        }
        for lane in former.values() {
            lane.remove();
        }
    }

    /// Takes an order. What becomes of it is recorded, and said by the receiver that is returned,
    /// which need not be listened to.
    ///
    /// # Errors
    /// The order, if there is no such integration, too many orders are waiting for it, or the
    /// program ends.
    pub fn submit(&self, order: Order) -> Result<oneshot::Receiver<Report>, Box<Refused>> {
        let refused = |order, refusal| Err(Box::new(Refused { order, refusal }));
        if self.shared.draining.is_cancelled() {
            return refused(order, Refusal::Stopping);
        }
        let lane = lock(&self.shared.lanes)
            .get(&LaneId::of(&order.intent.key))
            .cloned();
        let Some(lane) = lane else {
            return refused(order, Refusal::Unknown);
        };
        let Some(slot) = lane.take_slot() else {
            lane.count(Statistics::count_refused);
            if !self.shared.is_full_logged.swap(true, Ordering::Relaxed) {
                warn!(
                    receiver = lane.id().receiver,
                    integration = %lane.id().integration,
                    waiting = ORDERS_MAX,
                    "Too many notifications are waiting, the rest is put off"
                );
            }
            return refused(order, Refusal::Full);
        };
        self.shared.is_full_logged.store(false, Ordering::Relaxed);
        let (done, report) = oneshot::channel();
        let task = run::Run::new(self.shared.clone(), lane, order);
        let task = async move {
            let report = task.run().await;
            drop(slot);
            // Nobody has to listen.
            let _ = done.send(report);
        };
        self.shared.tasks.spawn_on(task, &self.shared.world.runtime);
        Ok(report)
    }

    /// Ends: nothing new is accepted or tried, and what is under way has `drain` to end before it is
    /// cut off.
    pub async fn shut_down(&self, drain: Duration) {
        self.shared.draining.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(drain, self.shared.tasks.wait())
            .await
            .is_err()
        {
            self.shared.killed.cancel();
            self.shared.tasks.wait().await;
        }
    }

    /// The counts of each integration of each receiver that there is now.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<LaneId, Counts> {
        let lanes = lock(&self.shared.lanes);
        lanes
            .iter()
            .map(|(id, lane)| (id.clone(), lane.counts()))
            .collect()
    }

    /// The counts of each kind of integration, since the program started.
    #[must_use]
    pub fn counts_of_kinds(&self) -> BTreeMap<String, Counts> {
        let kinds = lock(&self.shared.kinds);
        kinds
            .iter()
            .map(|(kind, counts)| (kind.clone(), counts.read()))
            .collect()
    }
}
