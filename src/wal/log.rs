//! The log as the rest of the program sees it: a handle to the writer thread.
//!
//! ```text
//!  callers ──append──► queue ──all that waits──► wal-writer ──one write, one fdatasync──► disk
//!                                                   │ durable
//!                                                   ├──► sink      records in LSN order
//!                                                   └──► callers   their LSNs, or why not
//!                            wal-ahead: encodes the next batch while the disk takes this one
//!                            wal-spare: keeps one blank segment ready
//! ```
//!
//! **Invariants**
//! * A completion is called exactly once for each request that was taken in, with success only after
//!   its records are durable and were handed to the sink.
//! * After the first failed sync every request is answered with [`AppendError::Poisoned`], those
//!   that wait included.
//! * The writer thread is the only one that writes to segments.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::checkpoint::{CheckpointInfo, CheckpointWriter};
use super::draft::{BATCH_START_BYTES, Draft};
use super::error::{AppendError, OpenError};
use super::ids::{Lsn, StoreId};
use super::queue::{Completion, Queue, QueueLimits, Request, Taken};
use super::retained::Retained;
use super::spare::SpareSlot;
use super::writer::{
    Appended, Environment, Lane, NewRecord, Writer, checkpoint_done, retire, write_checkpoint,
};
use crate::bugs::{Bug, planted};

/// A sign of life after this much silence: it bounds the part of the log whose durability nothing
/// proves, and says when the process was last alive.
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(5);

/// How long to wait after a spare segment could not be made.
const SPARE_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Records that became durable in one batch.
#[derive(Debug)]
pub struct DurableBatch {
    /// The LSN of the first of the records; the others follow without a gap.
    pub first: Lsn,
    /// The records, in LSN order.
    pub records: Vec<NewRecord>,
}

/// Receives everything that becomes durable, in LSN order, on the writer thread: hand it on and
/// return.
pub trait DurableSink: Send {
    /// A batch became durable.
    fn durable(&mut self, batch: DurableBatch);
}

impl<F: FnMut(DurableBatch) + Send> DurableSink for F {
    fn durable(&mut self, batch: DurableBatch) {
        self(batch);
    }
}

/// Settings of the writer thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadOptions {
    /// Bounds of the queue.
    pub limits: QueueLimits,
    /// The silence after which a heartbeat is written; `None` for never.
    pub heartbeat_every: Option<Duration>,
}

impl Default for ThreadOptions {
    fn default() -> Self {
        Self {
            limits: QueueLimits::default(),
            heartbeat_every: Some(HEARTBEAT_EVERY),
        }
    }
}

/// Counters of a log since it was opened, for metrics.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches made durable.
    pub batches: AtomicU64,
    /// Requests that were encoded while the disk took the batch before.
    pub encoded_ahead: AtomicU64,
    /// Records made durable, the log's own not counted.
    pub records: AtomicU64,
    /// Bytes made durable.
    pub bytes: AtomicU64,
    /// Requests refused because too much waited.
    pub overloaded: AtomicU64,
    /// Requests refused for want of room.
    pub full: AtomicU64,
    /// Requests refused because the log is poisoned.
    pub poisoned: AtomicU64,
    /// Spare segments that could not be made.
    pub spare_failures: AtomicU64,
    /// Checkpoints that could not be made.
    pub checkpoint_failures: AtomicU64,
}

impl Counters {
    fn count_refusal(&self, error: &AppendError) {
        let counter = match error {
            AppendError::Overloaded { .. } => &self.overloaded,
            AppendError::Full { .. } => &self.full,
            AppendError::Poisoned { .. } => &self.poisoned,
            AppendError::Closed | AppendError::TooLarge { .. } | AppendError::Empty => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

struct Shared {
    queue: Queue,
    durable: AtomicU64,
    counters: Counters,
    spare_wanted: Signal,
}

/// A flag that can be waited for.
#[derive(Default)]
struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Default)]
struct SignalState {
    is_wanted: bool,
    is_closed: bool,
}

impl Signal {
    fn raise(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_wanted = true;
        self.changed.notify_one();
    }

    fn close(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_closed = true;
        self.changed.notify_one();
    }

    /// Waits until the flag is raised, or `timeout` has passed; `false` once closed.
    fn wait(&self, timeout: Option<Duration>) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.is_wanted && !state.is_closed {
            match timeout {
                None => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Some(timeout) => {
                    let waited = self.changed.wait_timeout(state, timeout);
                    let (woken, result) = waited.unwrap_or_else(PoisonError::into_inner);
                    state = woken;
                    if result.timed_out() {
                        break;
                    }
                }
            }
        }
        state.is_wanted = false;
        !state.is_closed
    }
}

/// A running log.
pub struct Log {
    shared: Arc<Shared>,
    environment: Environment,
    store: StoreId,
    batch_bytes_max: usize,
    retained: Arc<Mutex<Retained>>,
    stepped: Option<Stepped>,
    writer_thread: Option<JoinHandle<Result<(), AppendError>>>,
    ahead_thread: Option<JoinHandle<()>>,
    spare_thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("store", &self.store)
            .field("durable", &self.durable())
            .finish()
    }
}

impl Log {
    /// Starts the threads over an opened writer.
    ///
    /// # Errors
    /// That the operating system gives no thread.
    pub fn start(
        writer: Writer,
        options: ThreadOptions,
        sink: Box<dyn DurableSink>,
    ) -> std::io::Result<Self> {
        let spares = writer.spares();
        let mut log = Self::around(&writer, options.limits);
        let shared = Arc::clone(&log.shared);
        let environment = log.environment.clone();
        let spare_thread = {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name("wal-spare".to_owned())
                .spawn(move || keep_spare(&shared, &spares))?
        };
        let ahead_thread = {
            let shared = Arc::clone(&shared);
            let clock = Arc::clone(&environment.clock);
            std::thread::Builder::new()
                .name("wal-ahead".to_owned())
                .spawn(move || {
                    let counter = &shared.counters.encoded_ahead;
                    while let Some(requests) = shared.queue.encode_ahead(|| clock.wall()) {
                        counter.fetch_add(requests as u64, Ordering::Relaxed);
                    }
                })?
        };
        let writer_thread = {
            let shared = Arc::clone(&shared);
            let heartbeat_every = options.heartbeat_every;
            std::thread::Builder::new()
                .name("wal-writer".to_owned())
                .spawn(move || {
                    WriterThread {
                        shared,
                        writer,
                        sink,
                        heartbeat_every,
                    }
                    .run()
                })?
        };
        log.writer_thread = Some(writer_thread);
        log.ahead_thread = Some(ahead_thread);
        log.spare_thread = Some(spare_thread);
        shared.spare_wanted.raise();
        Ok(log)
    }

    /// A log without threads, whose work is done by [`Log::step`]: for simulations, in which the same seed
    /// has to give the same run.
    #[must_use]
    pub fn stepped(writer: Writer, limits: QueueLimits, sink: Box<dyn DurableSink>) -> Self {
        let mut log = Self::around(&writer, limits);
        log.stepped = Some(Stepped::new(WriterThread {
            shared: Arc::clone(&log.shared),
            writer,
            sink,
            heartbeat_every: None,
        }));
        log
    }

    fn around(writer: &Writer, mut limits: QueueLimits) -> Self {
        let batch_bytes_max = writer.batch_bytes_max();
        limits.batch_bytes_max = limits
            .batch_bytes_max
            .min(batch_bytes_max - BATCH_START_BYTES);
        Self {
            shared: Arc::new(Shared {
                queue: Queue::new(limits),
                durable: AtomicU64::new(writer.durable().0),
                counters: Counters::default(),
                spare_wanted: Signal::default(),
            }),
            environment: writer.environment().clone(),
            store: writer.store(),
            batch_bytes_max,
            retained: writer.retained(),
            stepped: None,
            writer_thread: None,
            ahead_thread: None,
            spare_thread: None,
        }
    }

    /// Asks for the records to be appended together; `done` is called when they are durable, or
    /// with the reason why not.
    ///
    /// # Errors
    /// The request was not taken in, and `done` will not be called.
    pub fn append(
        &self,
        lane: Lane,
        records: Vec<NewRecord>,
        done: Completion,
    ) -> Result<(), AppendError> {
        let now = self.environment.clock.monotonic();
        let request = Request::new(lane, records, now, done);
        let is_empty = request.records.is_empty()
            || request
                .records
                .iter()
                .any(|record| record.payload.is_empty());
        let pushed = if is_empty {
            Err(AppendError::Empty)
        } else if request.bytes > self.batch_bytes_max - BATCH_START_BYTES {
            Err(AppendError::TooLarge {
                bytes: request.bytes,
                bytes_max: self.batch_bytes_max - BATCH_START_BYTES,
            })
        } else {
            self.shared.queue.push(request, now)
        };
        match (&pushed, &self.stepped) {
            (Err(error), _) => self.shared.counters.count_refusal(error),
            (Ok(()), Some(stepped)) => stepped.wake(),
            (Ok(()), None) => {}
        }
        pushed
    }

    /// Does the work of the threads that a stepped log has not: appends one batch of what waits, and keeps
    /// a blank segment ready. Whether anything waited. A log with threads has nothing to do here.
    pub fn step(&self) -> bool {
        self.stepped.as_ref().is_some_and(Stepped::step)
    }

    /// Appends the sign of life of a stepped log.
    pub fn beat(&self) {
        if let Some(stepped) = &self.stepped {
            stepped.beat();
        }
    }

    /// Calls this whenever a request waits for a stepped log. Only the first one given is called.
    pub fn wake_with(&self, wake: impl Fn() + Send + Sync + 'static) {
        if let Some(stepped) = &self.stepped {
            // A second one is of no use to anybody.
            let _ = stepped.wake.set(Box::new(wake));
        }
    }

    /// As [`Log::append`], and waits for the answer.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_and_wait(
        &self,
        lane: Lane,
        records: Vec<NewRecord>,
    ) -> Result<Appended, AppendError> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let done: Completion = Box::new(move |result| {
            // The receiver waits below; it cannot be gone.
            let _ = sender.send(result);
        });
        self.append(lane, records, done)?;
        while self.step() {}
        receiver.recv().unwrap_or(Err(AppendError::Closed))
    }

    /// Everything up to this LSN is durable.
    #[must_use]
    pub fn durable(&self) -> Lsn {
        Lsn(self.shared.durable.load(Ordering::Acquire))
    }

    /// The newest checkpoint that is durable and verified; zero if there is none. Behind the next one the
    /// log may begin here.
    #[must_use]
    pub fn newest_checkpoint(&self) -> Lsn {
        let retained = self.retained.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = retained.checkpoints.first().copied();
        newest.unwrap_or(Lsn::ZERO)
    }

    /// What happened since the log was opened.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Requests that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.queue.len()
    }

    /// Writes a checkpoint of the state at `lsn`, on the calling thread, while appends go on.
    ///
    /// # Errors
    /// As [`Writer::checkpoint`].
    pub fn checkpoint(
        &self,
        lsn: Lsn,
        state_hash: u64,
        fill: impl FnOnce(&mut CheckpointWriter) -> std::io::Result<()>,
    ) -> Result<CheckpointInfo, OpenError> {
        let result = self.try_checkpoint(lsn, state_hash, fill);
        if result.is_err() {
            self.shared
                .counters
                .checkpoint_failures
                .fetch_add(1, Ordering::Relaxed);
        }
        result
    }

    fn try_checkpoint(
        &self,
        lsn: Lsn,
        state_hash: u64,
        fill: impl FnOnce(&mut CheckpointWriter) -> std::io::Result<()>,
    ) -> Result<CheckpointInfo, OpenError> {
        let info = write_checkpoint(&self.environment, self.store, lsn, state_hash, fill)?;
        self.append_and_wait(Lane::Priority, vec![checkpoint_done(&info)])?;
        retire(&self.environment, &self.retained, lsn)?;
        Ok(info)
    }

    /// Appends what waits, records the orderly stop, and ends the threads.
    ///
    /// # Errors
    /// Why the last records could not be appended.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.stop()
    }

    /// Lets go of a log that is run in steps without a last record, as a kill does. Whoever waits is not
    /// told.
    pub fn abandon(mut self) {
        self.stepped = None;
    }

    fn stop(&mut self) -> Result<(), AppendError> {
        self.shared.queue.close();
        self.shared.spare_wanted.close();
        for helper in [self.spare_thread.take(), self.ahead_thread.take()]
            .into_iter()
            .flatten()
        {
            // What they make, a file or an encoding, is made again where it is missing.
            let _ = helper.join();
        }
        if let Some(stepped) = self.stepped.take() {
            return stepped.close();
        }
        let Some(thread) = self.writer_thread.take() else {
            return Ok(());
        };
        let panicked = || AppendError::Poisoned {
            cause: "the writer thread panicked".to_owned(),
        };
        thread.join().unwrap_or_else(|_| Err(panicked()))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Whoever wants to know how it ended calls `close`.
        let _ = self.stop();
    }
}

fn keep_spare(shared: &Shared, spares: &SpareSlot) {
    let mut timeout = None;
    while shared.spare_wanted.wait(timeout) {
        timeout = match spares.fill() {
            Ok(()) => None,
            Err(_) => {
                shared
                    .counters
                    .spare_failures
                    .fetch_add(1, Ordering::Relaxed);
                Some(SPARE_RETRY_AFTER)
            }
        };
    }
}

/// The writer of a log without threads.
struct Stepped {
    writer: Mutex<WriterThread>,
    wake: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Stepped {
    fn new(writer: WriterThread) -> Self {
        Self {
            writer: Mutex::new(writer),
            wake: OnceLock::new(),
        }
    }

    fn writer(&self) -> MutexGuard<'_, WriterThread> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    fn step(&self) -> bool {
        let mut writer = self.writer();
        // To wait for no time at all would cost as much as the rest of a step.
        let waits = writer.shared.queue.len() > 0;
        let has_worked = waits && matches!(writer.turn(Some(Duration::ZERO)), Turn::Worked);
        if has_worked {
            writer.publish();
            // One that cannot be made is tried again after the next batch.
            let _ = writer.writer.spares().fill();
        }
        has_worked
    }

    fn beat(&self) {
        let mut writer = self.writer();
        writer.beat();
        writer.publish();
    }

    fn close(self) -> Result<(), AppendError> {
        while self.step() {}
        let writer = self.writer.into_inner();
        let writer = writer.unwrap_or_else(PoisonError::into_inner).writer;
        writer.shutdown().map(|_| ())
    }
}

/// What the writer did.
enum Turn {
    Worked,
    /// Nothing came for the time given.
    Idle,
    /// Nothing comes any more.
    Closed,
}

struct WriterThread {
    shared: Arc<Shared>,
    writer: Writer,
    sink: Box<dyn DurableSink>,
    heartbeat_every: Option<Duration>,
}

/// Answers everybody if the writer thread panics, in the sink for instance.
struct PoisonOnPanic(Arc<Shared>);

impl Drop for PoisonOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            refuse_all(&self.0, "the writer thread panicked");
        }
    }
}

/// Refuses what waits, and everything that comes.
fn refuse_all(shared: &Shared, cause: &str) {
    let error = AppendError::Poisoned {
        cause: cause.to_owned(),
    };
    for request in shared.queue.poison(cause) {
        shared.counters.count_refusal(&error);
        (request.done)(Err(error.clone()));
    }
}

impl WriterThread {
    fn run(mut self) -> Result<(), AppendError> {
        let _guard = PoisonOnPanic(Arc::clone(&self.shared));
        loop {
            match self.turn(self.heartbeat_every) {
                Turn::Worked => {}
                Turn::Idle => self.beat(),
                Turn::Closed => return self.writer.shutdown().map(|_| ()),
            }
            self.publish();
        }
    }

    /// Appends one batch of what waits; waits for it for `idle_max` at most.
    fn turn(&mut self, idle_max: Option<Duration>) -> Turn {
        let clock = Arc::clone(&self.writer.environment().clock);
        match self.shared.queue.take(idle_max, || clock.monotonic()) {
            Taken::Batch {
                requests,
                expired,
                draft,
            } => {
                let error = AppendError::Overloaded {
                    reason: "the disk is too slow: it waited too long",
                };
                self.refuse(expired, &error);
                self.append(requests, draft);
                Turn::Worked
            }
            Taken::Idle => Turn::Idle,
            Taken::Closed => Turn::Closed,
        }
    }

    /// Tells the others how far it is.
    fn publish(&self) {
        self.shared
            .durable
            .store(self.writer.durable().0, Ordering::Release);
        if !self.writer.spares().is_filled() {
            self.shared.spare_wanted.raise();
        }
    }

    fn beat(&mut self) {
        if let Err(AppendError::Poisoned { cause }) = self.writer.heartbeat() {
            refuse_all(&self.shared, &cause);
        }
    }

    fn append(&mut self, mut requests: Vec<Request>, draft: Option<Draft>) {
        if requests.is_empty() {
            return;
        }
        let drops_last = planted(Bug::BatchPartlyAcked) && requests.len() > 1;
        let unwritten = if drops_last { requests.pop() } else { None };
        let result = self.try_append(&requests, draft.filter(|_| unwritten.is_none()));
        let normal_too = requests.iter().any(|request| request.lane == Lane::Normal);
        let priority_too = requests
            .iter()
            .any(|request| request.lane == Lane::Priority);
        match result {
            Ok(appended) => self.acknowledge(requests, appended, unwritten),
            Err(error @ AppendError::Full { .. }) if normal_too && priority_too => {
                // What is left of the room is for the priority lane.
                let (priority, normal): (Vec<_>, Vec<_>) = requests
                    .into_iter()
                    .partition(|request| request.lane == Lane::Priority);
                self.refuse(normal, &error);
                self.append(priority, None);
            }
            Err(error) => {
                self.refuse(requests, &error);
                if let AppendError::Poisoned { cause } = error {
                    refuse_all(&self.shared, &cause);
                }
            }
        }
    }

    fn try_append(
        &mut self,
        requests: &[Request],
        draft: Option<Draft>,
    ) -> Result<Appended, AppendError> {
        let lane = requests
            .iter()
            .map(|request| request.lane)
            .min()
            .unwrap_or(Lane::Normal);
        let records: Vec<&NewRecord> = requests
            .iter()
            .flat_map(|request| request.records.iter())
            .collect();
        let queue = &self.shared.queue;
        let result = self.writer.commit(lane, &records, draft, |next, room| {
            queue.begin_commit(next, room);
        });
        queue.end_commit();
        result
    }

    fn acknowledge(
        &mut self,
        requests: Vec<Request>,
        appended: Appended,
        unwritten: Option<Request>,
    ) {
        let counters = &self.shared.counters;
        let count = appended.last.0 + 1 - appended.first.0;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.records.fetch_add(count, Ordering::Relaxed);
        counters
            .bytes
            .fetch_add(appended.bytes as u64, Ordering::Relaxed);
        self.shared
            .durable
            .store(appended.last.0, Ordering::Release);
        let mut batch = DurableBatch {
            first: appended.first,
            records: Vec::new(),
        };
        let mut answers = Vec::with_capacity(requests.len());
        let mut first = appended.first;
        for request in requests {
            let last = Lsn(first.0 + request.records.len() as u64 - 1);
            answers.push((
                request.done,
                Appended {
                    first,
                    last,
                    bytes: request.bytes,
                },
            ));
            if batch.records.is_empty() {
                // Most batches are one request: nothing to copy.
                batch.records = request.records;
            } else {
                batch.records.extend(request.records);
            }
            first = last.next();
        }
        self.sink.durable(batch);
        for (done, answer) in answers {
            done(Ok(answer));
        }
        if let Some(request) = unwritten {
            (request.done)(Ok(appended));
        }
    }

    fn refuse(&self, requests: Vec<Request>, error: &AppendError) {
        for request in requests {
            self.shared.counters.count_refusal(error);
            (request.done)(Err(error.clone()));
        }
    }
}
