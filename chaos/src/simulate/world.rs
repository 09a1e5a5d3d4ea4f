//! The world of a run: its clock, its disk that dies, its receivers.
//!
//! Time is that of the run's tokio runtime, which is paused: it moves on only when every task waits, and
//! then at once to the first moment for which one waits. A run has one thread, so that the order of
//! everything follows from the seed.

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tocsin::delivery::LaneId;
use tocsin::receivers::{Attempt, Failure, Integration, Notification, Outcome, Reason};
use tocsin::sys::{
    Access, Clock, Disk, DiskFile, Errno, Held, LockOutcome, SeededEntropy, SimDisk, WallTime,
};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::event::Told;
use super::setting::{Ms, Target, between, one_in};

/// When every run begins: 2026-01-01T00:00:00Z.
const START_NS: i64 = 1_767_225_600_000_000_000;

const MS_NS: i64 = 1_000_000;

pub(super) fn wall(at: Ms) -> WallTime {
    WallTime(START_NS + at * MS_NS)
}

/// Rounded down.
pub(super) fn since_start(wall_ns: i64) -> Ms {
    (wall_ns - START_NS).div_euclid(MS_NS)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time of a run; the server's clock may have been set otherwise.
#[derive(Debug, Default)]
pub(super) struct SimClock {
    state: Mutex<ClockState>,
}

#[derive(Debug, Default)]
struct ClockState {
    /// When this life of the process began, or now if there is none.
    base: Ms,
    life: Option<Instant>,
    /// By how much the server's clock is ahead.
    ahead: Ms,
}

impl SimClock {
    pub(super) fn now(&self) -> Ms {
        let state = lock(&self.state);
        state.base + state.life.map_or(0, |life| to_ms(life.elapsed()))
    }

    /// A life begins; called inside its runtime.
    pub(super) fn begin_life(&self) {
        lock(&self.state).life = Some(Instant::now());
    }

    /// It has ended at that time.
    pub(super) fn end_life(&self, at: Ms) {
        let mut state = lock(&self.state);
        state.base = at;
        state.life = None;
    }

    /// The moment of this life's runtime.
    pub(super) fn instant(&self, at: Ms) -> Instant {
        let state = lock(&self.state);
        let left = Duration::from_millis(u64::try_from(at - state.base).unwrap_or(0));
        state.life.unwrap_or_else(Instant::now) + left
    }

    /// The server's clock is ahead by so much from now on.
    pub(super) fn set_ahead(&self, ahead: Ms) {
        lock(&self.state).ahead = ahead;
    }
}

fn to_ms(duration: Duration) -> Ms {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl Clock for SimClock {
    fn wall(&self) -> WallTime {
        let ahead = lock(&self.state).ahead;
        wall(self.now() + ahead)
    }

    fn monotonic(&self) -> Duration {
        let state = lock(&self.state);
        state.life.map_or(Duration::ZERO, |life| life.elapsed())
    }
}

/// A disk that stops at some operation, and with it the process.
#[derive(Debug, Clone)]
pub(super) struct MortalDisk {
    inner: SimDisk,
    fate: Arc<Mutex<DiskFate>>,
}

#[derive(Debug, Default)]
struct DiskFate {
    is_dead: bool,
    /// Operations that change something until it dies.
    left: Option<u64>,
}

impl MortalDisk {
    pub(super) fn new(inner: SimDisk) -> Self {
        Self {
            inner,
            fate: Arc::default(),
        }
    }

    pub(super) fn inner(&self) -> &SimDisk {
        &self.inner
    }

    /// Lets so many operations happen, and no more.
    pub(super) fn die_after(&self, operations: u64) {
        lock(&self.fate).left = Some(operations);
    }

    pub(super) fn kill(&self) {
        lock(&self.fate).is_dead = true;
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.fate).is_dead
    }

    fn alive(&self) -> io::Result<()> {
        match self.is_dead() {
            true => Err(Errno::Eio.error()),
            false => Ok(()),
        }
    }

    /// Counts an operation that changes something.
    fn change(&self) -> io::Result<()> {
        let mut fate = lock(&self.fate);
        match &mut fate.left {
            Some(0) => fate.is_dead = true,
            Some(left) => *left -= 1,
            None => {}
        }
        drop(fate);
        self.alive()
    }
}

#[derive(Debug)]
struct MortalFile {
    disk: MortalDisk,
    file: Arc<dyn DiskFile>,
}

impl MortalFile {
    fn of(disk: &MortalDisk, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(Self {
            disk: disk.clone(),
            file,
        })
    }
}

impl DiskFile for MortalFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.disk.change()?;
        self.file.pwrite(offset, bytes)
    }

    fn fdatasync(&self) -> io::Result<()> {
        self.disk.change()?;
        self.file.fdatasync()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.alive()?;
        self.file.read(offset, buffer)
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.alive()?;
        self.file.len()
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.disk.change()?;
        self.file.preallocate(len_bytes)
    }
}

impl Disk for MortalDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.alive()?;
        Ok(MortalFile::of(self, self.inner.open(path, access)?))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.change()?;
        Ok(MortalFile::of(self, self.inner.create(path)?))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.alive()?;
        self.inner.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.unlink(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change()?;
        self.inner.sync_dir(dir)
    }

    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome> {
        self.alive()?;
        self.inner.lock(path, contents)
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        self.alive()?;
        self.inner.lock_holder(path)
    }

    fn display(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}

/// What a receiver does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// It takes it.
    Up,
    /// 503.
    Unavailable,
    /// It has it, and answers 503.
    TakesAndRefuses,
    /// 400.
    Rejects,
    /// No answer.
    Hangs,
    /// It has it, and does not answer.
    TakesAndHangs,
    /// The connection is reset.
    Resets,
    /// It has it, and the connection is reset.
    TakesAndResets,
}

impl Health {
    pub(super) const FAULTS: [Self; 7] = [
        Self::Unavailable,
        Self::TakesAndRefuses,
        Self::Rejects,
        Self::Hangs,
        Self::TakesAndHangs,
        Self::Resets,
        Self::TakesAndResets,
    ];

    fn has_message(self) -> bool {
        match self {
            Self::Up | Self::TakesAndRefuses | Self::TakesAndHangs | Self::TakesAndResets => true,
            Self::Unavailable | Self::Rejects | Self::Hangs | Self::Resets => false,
        }
    }
}

/// When the process is killed at a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtMessage {
    /// The receiver has not got it.
    Before,
    /// It has, and has not answered.
    After,
    /// The answer has arrived, and nothing was done with it yet.
    Answered,
}

/// What a receiver saw.
#[derive(Debug, Clone)]
pub(super) enum Seen {
    Message(Message),
    Taken { at: Ms, target: usize, flush: u64 },
}

/// A message as a receiver got it.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) at: Ms,
    pub(super) target: usize,
    pub(super) group: usize,
    pub(super) flush: u64,
    pub(super) attempt: u32,
    pub(super) is_recovered: bool,
    pub(super) key: [u8; 32],
    pub(super) reason: String,
    pub(super) alerts: Vec<Told>,
    pub(super) health: Health,
}

/// What a client was answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) request: u64,
    pub(super) is_ok: bool,
    /// The id of a silence.
    pub(super) id: Option<String>,
}

/// What the tasks of a run share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Arc<SimClock>,
    pub(super) targets: &'static [Target],
    /// Something happened that the run has to look at.
    pub(super) notify: Notify,
    state: Mutex<WorldState>,
}

#[derive(Debug)]
struct WorldState {
    entropy: SeededEntropy,
    health: Vec<Health>,
    seen: Vec<Seen>,
    answers: Vec<Answer>,
    at_message: Option<AtMessage>,
    is_killed: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<World>>> = const { RefCell::new(None) };
}

impl World {
    /// The world of this thread from now on.
    pub(super) fn begin(seed: u64, targets: &'static [Target]) -> Arc<Self> {
        let world = Arc::new(Self {
            clock: Arc::default(),
            targets,
            notify: Notify::new(),
            state: Mutex::new(WorldState {
                entropy: SeededEntropy::new(seed ^ 0x7265_6365_6976_6572),
                health: vec![Health::Up; targets.len()],
                seen: Vec::new(),
                answers: Vec::new(),
                at_message: None,
                is_killed: false,
            }),
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(Arc::clone(&world)));
        world
    }

    pub(super) fn now(&self) -> Ms {
        self.clock.now()
    }

    pub(super) fn health(&self, target: usize) -> Health {
        lock(&self.state).health[target]
    }

    pub(super) fn set_health(&self, target: usize, health: Health) {
        lock(&self.state).health[target] = health;
    }

    pub(super) fn answer(&self, answer: Answer) {
        lock(&self.state).answers.push(answer);
        self.notify.notify_one();
    }

    pub(super) fn take_answers(&self) -> Vec<Answer> {
        std::mem::take(&mut lock(&self.state).answers)
    }

    pub(super) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state).seen)
    }

    /// The process is killed at the next message.
    pub(super) fn kill_at_message(&self, when: AtMessage) {
        lock(&self.state).at_message = Some(when);
    }

    /// Whether it was; asked once a life.
    pub(super) fn take_killed(&self) -> bool {
        let mut state = lock(&self.state);
        let is_killed = std::mem::take(&mut state.is_killed);
        if is_killed {
            state.at_message = None;
        }
        is_killed
    }

    /// A life has ended.
    pub(super) fn end_life(&self) {
        let mut state = lock(&self.state);
        (state.is_killed, state.at_message) = (false, None);
    }

    fn see(&self, seen: Seen) {
        lock(&self.state).seen.push(seen);
        self.notify.notify_one();
    }

    /// Whether this is where the process is killed. It is then at once, and whoever asked waits for ever.
    async fn may_die(&self, here: AtMessage) {
        let dies = {
            let mut state = lock(&self.state);
            let dies = state.at_message == Some(here);
            state.is_killed |= dies;
            dies
        };
        if dies {
            self.notify.notify_one();
            std::future::pending::<()>().await;
        }
    }

    fn draw_latency(&self) -> Duration {
        let state = lock(&self.state);
        let ms = match one_in(&state.entropy, 16) {
            true => between(&state.entropy, 200, 1_500),
            false => between(&state.entropy, 1, 100),
        };
        Duration::from_millis(ms.unsigned_abs())
    }
}

/// Which group of alerts a key is of.
pub(super) fn group_of(key: &str) -> usize {
    let value = key.rsplit_once("g=\"").map(|(_, rest)| rest);
    let digits = value.and_then(|rest| rest.split('"').next());
    digits.and_then(|it| it.parse().ok()).unwrap_or(usize::MAX)
}

/// An integration of a run.
#[derive(Debug)]
struct SimReceiver {
    lane: LaneId,
}

/// For [`tocsin::node::serve::stepped::Blueprint`].
pub(super) fn stand_in(lane: &LaneId) -> Arc<dyn Integration> {
    Arc::new(SimReceiver { lane: lane.clone() })
}

impl Integration for SimReceiver {
    fn attempt<'a>(&'a self, notification: &'a Notification) -> Attempt<'a> {
        let world = CURRENT.with(|current| current.borrow().clone());
        Box::pin(async move {
            match world {
                Some(world) => self.receive(&world, notification).await,
                None => Outcome::Permanent(Failure::other("there is no world")),
            }
        })
    }
}

impl SimReceiver {
    async fn receive(&self, world: &World, notification: &Notification) -> Outcome {
        let is_this = |it: &&Target| {
            it.receiver == self.lane.receiver && it.index == self.lane.integration.index
        };
        let Some(target) = world.targets.iter().position(|it| is_this(&it)) else {
            return Outcome::Permanent(Failure::other("no such receiver"));
        };
        world.may_die(AtMessage::Before).await;
        let health = world.health(target);
        if health.has_message() {
            world.see(Seen::Message(message(world, target, notification, health)));
            world.may_die(AtMessage::After).await;
        }
        let failed = |reason, text: &str| Outcome::Retryable(Failure::new(reason, text));
        match health {
            Health::Hangs | Health::TakesAndHangs => {
                sleep_until(notification.deadline).await;
                failed(Reason::ContextDeadlineExceeded, "no answer")
            }
            Health::Unavailable | Health::TakesAndRefuses => {
                sleep(world.draw_latency()).await;
                failed(Reason::ServerError, "503")
            }
            Health::Rejects => {
                sleep(world.draw_latency()).await;
                Outcome::Permanent(Failure::new(Reason::ClientError, "400"))
            }
            Health::Resets | Health::TakesAndResets => {
                sleep(world.draw_latency()).await;
                failed(Reason::Other, "connection reset")
            }
            Health::Up => {
                sleep(world.draw_latency()).await;
                world.see(Seen::Taken {
                    at: world.now(),
                    target,
                    flush: notification.flush_id,
                });
                world.may_die(AtMessage::Answered).await;
                Outcome::Delivered(tocsin::receivers::ReceiverData::new())
            }
        }
    }
}

fn message(world: &World, target: usize, from: &Notification, health: Health) -> Message {
    let content = &from.content;
    let alerts = content.alerts.iter().map(|alert| {
        let name = alert.labels.get("alertname");
        let series = name.and_then(|name| name.strip_prefix('A'));
        let series = series.and_then(|it| it.parse().ok());
        let starts_ns = alert.starts_at.unix() * 1_000_000_000 + i64::from(alert.starts_at.nanos());
        (
            series.unwrap_or(usize::MAX),
            since_start(starts_ns),
            alert.status != "firing",
        )
    });
    let mut alerts: Vec<Told> = alerts.collect();
    alerts.sort_unstable();
    Message {
        at: world.now(),
        target,
        group: group_of(&from.group_key),
        flush: from.flush_id,
        attempt: from.attempt,
        is_recovered: from.is_recovered,
        key: from.idempotency_key,
        reason: content.reason.clone(),
        alerts,
        health,
    }
}
