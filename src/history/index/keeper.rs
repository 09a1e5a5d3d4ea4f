//! The index in a running server: one thread that fills it, and one that watches that thread.
//!
//! ```text
//!            ┌── fault: put aside, counted ──┐
//!            ▼                               │
//!   probe ─► open ─► read the log ─► follow the feed ─► stop: write, close
//!     │ nothing there: an empty one          │ feed dropped something: read the log again
//!     └── three faults within an hour, or no place to put it: in memory until the next start
//! ```
//!
//! **Invariants**
//! * A thread that is stuck in the storage for longer than [`HANG`] is left alone, with its storage. No
//!   other thread waits for it: not at a question (bounded by [`ANSWER`]), not at the stop ([`STOP`]).
//! * Whatever happens to the index, a question gets an answer: what is there, since when, or that there
//!   is nothing.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::feed::{Fed, Feed};
use super::follow::{FollowError, Followed, follow, take};
use super::guard::{Guarded, Watch};
use super::memory::MemoryStorage;
use super::storage::{Fault, Storage};
use super::store::{Contents, Index, Limits};
use crate::sys::{Clock, Disk, WallTime};
use crate::wal::Lsn;

/// A call to the storage that takes longer will not return: sled answers in milliseconds.
pub const HANG: Duration = Duration::from_secs(10);

/// How long a question waits for what was durable when it was asked.
pub const ANSWER: Duration = Duration::from_secs(1);

/// How long a stop waits for what is not written yet; the next start reads it from the log.
pub const STOP: Duration = Duration::from_secs(2);

/// How often the feed is emptied if nobody asks.
const NAP: Duration = Duration::from_millis(250);

/// How often what is new is written: a start after a kill reads that much of the log once more. Earlier if
/// the log has a new checkpoint: see [`Source::checkpoint`].
const PERSIST_EVERY: Duration = Duration::from_secs(30);

/// How often it is looked for what is too old.
const RETAIN_EVERY: Duration = Duration::from_secs(60);

/// How often the watching thread looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Faults within [`FAULTS_WITHIN`] after which it stays in memory.
const FAULTS_MAX: usize = 3;

/// See [`FAULTS_MAX`].
const FAULTS_WITHIN: Duration = Duration::from_secs(60 * 60);

/// Bytes of an index in memory, if its limit is not lower.
pub const MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where the index is on disk.
pub trait Place: Send + Sync + fmt::Debug {
    /// Whether what is there can be used. Takes as long as it takes, but not for ever.
    ///
    /// # Errors
    /// Why not.
    fn probe(&self) -> Result<(), Fault>;

    /// Opens it, or makes it. May panic, or never return.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self) -> Result<Box<dyn Storage>, Fault>;

    /// Puts what is there out of the way.
    ///
    /// # Errors
    /// Why it cannot be: then there is no place.
    fn discard(&self) -> Result<(), Fault>;
}

/// The log that it follows.
pub struct Source {
    /// The data directory.
    pub disk: Arc<dyn Disk>,
    /// The last record that is durable, also of those that the log writes for itself.
    pub durable: Box<dyn Fn() -> Lsn + Send + Sync>,
    /// The last record that was handed to the feed, or would have been.
    pub handed_on: Box<dyn Fn() -> Lsn + Send + Sync>,
    /// The newest checkpoint of the log. Behind the next one, the log begins here: what came before has to be
    /// written by then, or a kill would lose it.
    pub checkpoint: Box<dyn Fn() -> Lsn + Send + Sync>,
    /// Makes the calling thread give way to others.
    pub give_way: fn(),
}

impl fmt::Debug for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Source").finish_non_exhaustive()
    }
}

/// What an index is kept of, and where.
#[derive(Debug)]
pub struct Setup {
    /// On disk; `None` for memory.
    pub place: Option<Arc<dyn Place>>,
    /// What may be kept.
    pub limits: Limits,
    /// Whose it is.
    pub store: [u8; 16],
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The log.
    pub source: Source,
    /// What became durable.
    pub feed: Arc<Feed>,
}

/// How the index is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// Whether it is in memory although it should be on disk.
    pub is_degraded: bool,
    /// Records that are durable and not in it.
    pub lag_records: u64,
    /// For how long it has not been complete.
    pub lag: Duration,
    /// What it holds.
    pub contents: Contents,
    /// Bytes that its storage takes.
    pub size_bytes: u64,
    /// Since when it knows everything.
    pub known_since: Option<WallTime>,
    /// How often it was made anew, by reason.
    pub rebuilds: Vec<(&'static str, u64)>,
    /// Entries that were removed because of their age or number.
    pub expired: u64,
    /// Records that the log had no more when they were wanted.
    pub missing: u64,
    /// Records of kinds that this program does not know.
    pub unknown: u64,
    /// How often it fell behind so far that it had to read the log.
    pub fell_behind: u64,
}

/// The index of a running server.
#[derive(Debug)]
pub struct Keeper {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    setup: Setup,
    state: Mutex<State>,
    changed: Condvar,
    is_stopping: AtomicBool,
    expired: AtomicU64,
    missing: AtomicU64,
    unknown: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<Index>>,
    /// Counts the workers; an earlier one that comes back finds that it is not wanted.
    worker: u64,
    is_degraded: bool,
    rebuilds: Vec<(&'static str, u64)>,
    size_bytes: u64,
    /// How the last worker ended, if it has.
    ended: Option<Result<(), Fault>>,
    /// When the index last had everything.
    complete_at: Duration,
    is_over: bool,
}

impl Keeper {
    /// Starts the threads.
    ///
    /// # Errors
    /// That the operating system gives no thread.
    pub fn start(setup: Setup) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                complete_at: setup.clock.monotonic(),
                ..State::default()
            }),
            setup,
            changed: Condvar::new(),
            is_stopping: AtomicBool::new(false),
            expired: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
        });
        let watched = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || watched.watch())?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The index with everything in it that is durable now, or as much as it has after [`ANSWER`]; `None`
    /// while there is none. Blocks: not for a thread that others wait for.
    #[must_use]
    pub fn index(&self) -> Option<Arc<Index>> {
        let shared = &self.shared;
        let (wanted, asked) = (
            (shared.setup.source.handed_on)(),
            shared.setup.clock.monotonic(),
        );
        let mut state = shared.lock();
        loop {
            let current = state.current.clone();
            let has_all = current.as_ref().is_some_and(|it| it.applied() >= wanted);
            let waited = shared.setup.clock.monotonic().saturating_sub(asked);
            if has_all || state.is_over || waited >= ANSWER {
                return current;
            }
            drop(state);
            shared.setup.feed.shake();
            state = shared.wait(shared.lock(), ANSWER - waited);
        }
    }

    /// How it is doing.
    #[must_use]
    pub fn condition(&self) -> Condition {
        let shared = &self.shared;
        let durable = (shared.setup.source.handed_on)();
        let state = shared.lock();
        let current = state.current.clone();
        let applied = current.as_ref().map_or(Lsn::ZERO, |index| index.applied());
        let lag_records = durable.0.saturating_sub(applied.0);
        let now = shared.setup.clock.monotonic();
        Condition {
            is_degraded: state.is_degraded,
            lag_records,
            lag: match lag_records {
                0 => Duration::ZERO,
                _ => now.saturating_sub(state.complete_at),
            },
            contents: current.as_ref().map(|it| it.contents()).unwrap_or_default(),
            size_bytes: state.size_bytes,
            known_since: current.and_then(|index| index.known_since()),
            rebuilds: state.rebuilds.clone(),
            expired: shared.expired.load(Ordering::Relaxed),
            missing: shared.missing.load(Ordering::Relaxed),
            unknown: shared.unknown.load(Ordering::Relaxed),
            fell_behind: shared.setup.feed.dropped(),
        }
    }

    /// Writes what is not written, if that does not take too long, and ends the threads.
    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        self.shared.setup.feed.end();
        self.shared.changed.notify_all();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // It ends in time by itself. What it would say if it panicked, it has said.
        let _ = thread.map(JoinHandle::join);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// The watching thread.
    fn watch(self: &Arc<Self>) {
        (self.setup.source.give_way)();
        let mut place = self.setup.place.clone();
        let mut faults: Vec<Duration> = Vec::new();
        while !self.is_stopping() {
            let fault = match self.watch_one(place.clone()) {
                Ok(()) => break,
                // The next start looks at what is on disk.
                Err(_) if self.is_stopping() => break,
                Err(fault) => fault,
            };
            let Some(on_disk) = place.take() else {
                warn!(component = "history", err = %fault, "The index of history in memory has failed; it is begun anew");
                self.count(fault.reason());
                continue;
            };
            self.count(fault.reason());
            let now = self.setup.clock.monotonic();
            faults.retain(|at| now.saturating_sub(*at) < FAULTS_WITHIN);
            faults.push(now);
            // A disk that is full or cannot be written to says nothing about what is on it.
            let is_of_disk = matches!(fault, Fault::Reported(_));
            if is_of_disk || faults.len() >= FAULTS_MAX || on_disk.discard().is_err() {
                warn!(component = "history", err = %fault, "The index of history cannot be kept on disk; it is kept in memory until the next start. Nothing else is affected");
                self.lock().is_degraded = true;
            } else {
                warn!(component = "history", err = %fault, "The index of history was discarded; it is made anew from the log. Nothing else is affected");
                place = Some(on_disk);
            }
        }
        let mut state = self.lock();
        state.is_over = true;
        state.current = None;
        drop(state);
        self.changed.notify_all();
    }

    fn count(&self, reason: &'static str) {
        let mut state = self.lock();
        match state.rebuilds.iter_mut().find(|(it, _)| *it == reason) {
            Some((_, count)) => *count += 1,
            None => state.rebuilds.push((reason, 1)),
        }
    }

    /// Lets one worker work until it ends, fails or hangs.
    fn watch_one(self: &Arc<Self>, place: Option<Arc<dyn Place>>) -> Result<(), Fault> {
        let watch = Arc::new(Watch::new(Arc::clone(&self.setup.clock)));
        let number = {
            let mut state = self.lock();
            state.worker += 1;
            state.ended = None;
            state.worker
        };
        let worker = Worker {
            shared: Arc::clone(self),
            watch: Arc::clone(&watch),
            number,
        };
        let spawned = std::thread::Builder::new()
            .name("history-index".to_owned())
            .spawn(move || worker.work(place.as_ref()));
        if let Err(error) = spawned {
            return Err(Fault::Reported(format!(
                "there is no thread for it: {error}"
            )));
        }
        let ended = self.wait_for_end(&watch);
        if ended.is_err() {
            watch.give_up();
            self.lock().current = None;
        }
        ended
    }

    fn wait_for_end(&self, watch: &Watch) -> Result<(), Fault> {
        let mut stopped_at = None;
        let mut state = self.lock();
        loop {
            if let Some(ended) = state.ended.take() {
                return ended;
            }
            if let Some(fault) = state.current.as_ref().and_then(|it| it.reported()) {
                return Err(fault);
            }
            let now = self.setup.clock.monotonic();
            if self.is_stopping() && now.saturating_sub(*stopped_at.get_or_insert(now)) >= STOP {
                debug!(
                    component = "history",
                    "The index of history is left as it is; the next start reads on"
                );
                watch.give_up();
                return Ok(());
            }
            if watch.longest().is_some_and(|longest| longest >= HANG) {
                return Err(Fault::Hung(HANG.as_secs()));
            }
            state = self.wait(state, LOOK_EVERY);
        }
    }
}

/// The thread that fills an index.
struct Worker {
    shared: Arc<Shared>,
    watch: Arc<Watch>,
    number: u64,
}

impl Worker {
    fn work(self, place: Option<&Arc<dyn Place>>) {
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.fill(place)));
        let worked = worked.unwrap_or_else(|_| Err(Fault::Panicked("its thread".to_owned())));
        let mut state = self.shared.lock();
        if state.worker == self.number {
            state.ended = Some(worked);
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    fn is_wanted(&self) -> bool {
        self.shared.lock().worker == self.number
    }

    fn fill(&self, place: Option<&Arc<dyn Place>>) -> Result<(), Fault> {
        let setup = &self.shared.setup;
        (setup.source.give_way)();
        let started = setup.clock.monotonic();
        let mut limits = setup.limits;
        let storage: Box<dyn Storage> = match place {
            Some(place) => {
                place.probe()?;
                self.watch.call(|| place.open())?
            }
            None => {
                limits.bytes_max = limits.bytes_max.min(MEMORY_BYTES_MAX);
                Box::new(MemoryStorage::default())
            }
        };
        let storage = Guarded::new(storage, Arc::clone(&self.watch));
        let index = Arc::new(Index::open(Arc::new(storage), setup.store, limits)?);
        let mut state = self.shared.lock();
        if state.worker != self.number {
            return Ok(());
        }
        state.current = Some(Arc::clone(&index));
        drop(state);
        self.catch_up(&index)?;
        info!(
            component = "history",
            entries = index.contents().entries,
            since = %index.known_since().unwrap_or_default(),
            is_on_disk = place.is_some(),
            duration = ?setup.clock.monotonic().saturating_sub(started),
            "The index of history is complete"
        );
        self.follow(&index)
    }

    /// Reads the log up to its end as it is now.
    fn catch_up(&self, index: &Index) -> Result<(), Fault> {
        let setup = &self.shared.setup;
        setup.feed.accept();
        let to = (setup.source.durable)();
        let is_stopped = || self.shared.is_stopping() || !self.is_wanted();
        let followed = match follow(&setup.source.disk, index, to, &is_stopped) {
            Ok(followed) => followed,
            Err(FollowError::Index(fault)) => return Err(fault),
            Err(FollowError::Stopped) => return Ok(()),
            Err(FollowError::Log(error)) => {
                warn!(component = "history", err = %error, "The log could not be read for the index of history, which lacks what is in it");
                let missing = to.0.saturating_sub(index.applied().0);
                index.skip_to(to);
                Followed {
                    missing,
                    ..Followed::default()
                }
            }
        };
        self.shared
            .missing
            .fetch_add(followed.missing, Ordering::Relaxed);
        self.shared
            .unknown
            .fetch_add(followed.unknown, Ordering::Relaxed);
        Ok(())
    }

    fn follow(&self, index: &Index) -> Result<(), Fault> {
        let setup = &self.shared.setup;
        let now = setup.clock.monotonic();
        let (mut persisted, mut retained) = (now, now);
        let mut persisted_to = Lsn::ZERO;
        self.look(index)?;
        let mut fed = Fed::default();
        while setup.feed.take(NAP, &mut fed) {
            if !self.is_wanted() {
                return Ok(());
            }
            for (lsn, kind, schema, payload) in fed.records() {
                if !take(index, lsn, kind, schema, payload)? {
                    self.shared.unknown.fetch_add(1, Ordering::Relaxed);
                }
            }
            if !setup.feed.is_whole() {
                self.catch_up(index)?;
            }
            let now = setup.clock.monotonic();
            let checkpoint = (setup.source.checkpoint)();
            let is_log_going = (persisted_to.next()..=index.applied()).contains(&checkpoint);
            if is_log_going || now.saturating_sub(persisted) >= PERSIST_EVERY {
                index.persist()?;
                (persisted, persisted_to) = (now, index.applied());
            }
            if now.saturating_sub(retained) >= RETAIN_EVERY {
                self.look(index)?;
                retained = now;
            }
            let is_complete = index.applied() >= (setup.source.handed_on)();
            let mut state = self.shared.lock();
            if is_complete {
                state.complete_at = now;
            }
            drop(state);
            self.shared.changed.notify_all();
        }
        index.flush()
    }

    /// Removes what is too old, and looks how large it is.
    fn look(&self, index: &Index) -> Result<(), Fault> {
        let expired = index.retain(self.shared.setup.clock.wall())?;
        self.shared.expired.fetch_add(expired, Ordering::Relaxed);
        let size_bytes = index.size_bytes()?;
        self.shared.lock().size_bytes = size_bytes;
        Ok(())
    }
}
