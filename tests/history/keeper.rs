//! The thread that keeps the index, over storages that fail in every way that sled has shown: scenarios C14
//! to C17 (`docs/history.md`), on a virtual clock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tocsin::history::index::feed::Feed;
use tocsin::history::index::guard::{Guarded, Watch};
use tocsin::history::index::keeper::{Condition, HANG, Keeper, Place, STOP, Setup, Source};
use tocsin::history::index::{Change, Fault, Limits, MemoryStorage, Storage, Visit};
use tocsin::record::{Lsn, Record, TenantV1};
use tocsin::sys::{Clock, SimDisk, VirtualClock, WallTime};
use tocsin::wal::{DurableBatch, NewRecord};

use crate::support::until;

/// What a storage does wrong, from a call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vice {
    None,
    FullDisk,
    Panics,
    Hangs,
    /// Only when it is about to be closed.
    HangsAtFlush,
    /// Gives back something else.
    Lies,
    /// Is not there even when it is opened.
    HangsAtOpen,
    PanicsAtOpen,
}

/// Holds up whoever calls, until the test is over.
#[derive(Debug, Default)]
struct Stuck {
    is_over: Mutex<bool>,
    over: Condvar,
    callers: AtomicUsize,
}

impl Stuck {
    fn wait(&self) {
        self.callers.fetch_add(1, Ordering::SeqCst);
        let mut is_over = self.is_over.lock().unwrap();
        while !*is_over {
            is_over = self.over.wait(is_over).unwrap();
        }
    }

    fn release(&self) {
        *self.is_over.lock().unwrap() = true;
        self.over.notify_all();
    }
}

#[derive(Debug)]
struct Faulty {
    inner: MemoryStorage,
    vice: Vice,
    stuck: Arc<Stuck>,
}

impl Faulty {
    fn sin(&self) -> Result<(), Fault> {
        match self.vice {
            Vice::FullDisk => Err(Fault::Reported("no space left on device".to_owned())),
            Vice::Panics => panic!("as planned"),
            Vice::Hangs => {
                self.stuck.wait();
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Storage for Faulty {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        self.sin()?;
        self.inner.apply(changes)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let value = self.inner.get(key)?;
        Ok(match self.vice {
            Vice::Lies => Some(vec![0; 40]),
            _ => value,
        })
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.inner.scan(prefix, visit)
    }

    fn size_bytes(&self) -> Result<u64, Fault> {
        self.inner.size_bytes()
    }

    fn flush(&self) -> Result<(), Fault> {
        if self.vice == Vice::HangsAtFlush {
            self.stuck.wait();
        }
        self.sin()
    }
}

/// A place whose first storages have a vice, and all later ones none.
#[derive(Debug)]
struct Spoilt {
    vice: Vice,
    /// How many are bad.
    bad: usize,
    opened: AtomicUsize,
    discarded: AtomicUsize,
    stuck: Arc<Stuck>,
}

impl Spoilt {
    fn new(vice: Vice, bad: usize) -> Arc<Self> {
        Arc::new(Self {
            vice,
            bad,
            opened: AtomicUsize::new(0),
            discarded: AtomicUsize::new(0),
            stuck: Arc::default(),
        })
    }
}

impl Place for Spoilt {
    fn probe(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Storage>, Fault> {
        let number = self.opened.fetch_add(1, Ordering::SeqCst);
        let vice = match number < self.bad {
            true => self.vice,
            false => Vice::None,
        };
        match vice {
            Vice::HangsAtOpen => self.stuck.wait(),
            Vice::PanicsAtOpen => panic!("as planned"),
            _ => {}
        }
        Ok(Box::new(Faulty {
            inner: MemoryStorage::default(),
            vice,
            stuck: Arc::clone(&self.stuck),
        }))
    }

    fn discard(&self) -> Result<(), Fault> {
        self.discarded.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

/// What a keeper came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    rebuilds: Vec<(&'static str, u64)>,
    is_degraded: bool,
    opened: usize,
    discarded: usize,
    /// Whether what came is in the index in the end.
    is_complete: bool,
}

/// A clock that moves only when told to, and counts how often the thread that watches has looked at it.
#[derive(Debug, Default)]
struct WatchedClock {
    inner: VirtualClock,
    looks: AtomicUsize,
}

impl Clock for WatchedClock {
    fn wall(&self) -> WallTime {
        self.inner.wall()
    }

    fn monotonic(&self) -> Duration {
        if std::thread::current().name() == Some("history") {
            self.looks.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.monotonic()
    }
}

/// One record.
pub(crate) fn batch(lsn: u64) -> DurableBatch {
    let record = Record::TenantCreated(TenantV1 {
        tenant: String::new(),
        at_ns: 1,
    });
    DurableBatch {
        first: Lsn(lsn),
        records: vec![NewRecord {
            record_type: record.record_type(),
            schema: record.schema(),
            payload: record.encode().unwrap().into(),
        }],
    }
}

/// By so much time goes on at once. Two of these steps are no hang.
const STEP: Duration = HANG.checked_div(4).unwrap();

/// What no log has, and the feed brings nevertheless, follows this.
const DURABLE: u64 = 3;

fn failures(condition: &Condition) -> u64 {
    condition.rebuilds.iter().map(|(_, count)| count).sum()
}

/// A keeper at work.
struct Run {
    place: Arc<Spoilt>,
    clock: Arc<WatchedClock>,
    feed: Arc<Feed>,
    /// The last record that the feed was offered.
    offered: Arc<AtomicU64>,
    keeper: Arc<Keeper>,
}

impl Run {
    fn start(vice: Vice, bad: usize) -> Self {
        let place = Spoilt::new(vice, bad);
        let clock = Arc::new(WatchedClock::default());
        let feed = Arc::new(Feed::default());
        let offered = Arc::new(AtomicU64::new(DURABLE));
        let handed_on = Arc::clone(&offered);
        let keeper = Keeper::start(Setup {
            place: Some(Arc::clone(&place) as _),
            limits: Limits {
                retention: Duration::from_secs(3600),
                bytes_max: 1 << 30,
            },
            store: [1; 16],
            clock: Arc::clone(&clock) as _,
            source: Source {
                disk: Arc::new(SimDisk::default()),
                durable: Box::new(|| Lsn(DURABLE)),
                handed_on: Box::new(move || Lsn(handed_on.load(Ordering::SeqCst))),
                checkpoint: Box::new(|| Lsn::ZERO),
                give_way: || {},
            },
            feed: Arc::clone(&feed),
        });
        Self {
            place,
            clock,
            feed,
            offered,
            keeper: Arc::new(keeper.unwrap()),
        }
    }

    fn offer(&self) {
        let number = self.offered.fetch_add(1, Ordering::SeqCst) + 1;
        self.feed.offer(&batch(number));
        self.feed.shake();
    }

    /// Waits until a record is in the index that came after now, or something has failed: either way no call
    /// to the storage is under way that has been since before. However slow the machine is, no time goes by
    /// meanwhile.
    fn settle(&self) {
        let from = self.offered.load(Ordering::SeqCst);
        let before = failures(&self.keeper.condition());
        until("a record in the index, or a fault", || {
            self.offer();
            let condition = self.keeper.condition();
            let applied = self.offered.load(Ordering::SeqCst) - condition.lag_records;
            (applied > from || failures(&condition) > before).then_some(())
        });
    }

    /// Stops it, having let time go on as is said, and looks. What hangs has to hang until then.
    fn stopped(self, meanwhile: impl FnOnce(&Self)) -> Outcome {
        let condition = self.keeper.condition();
        let stopping = std::thread::spawn({
            let keeper = Arc::clone(&self.keeper);
            move || keeper.stop()
        });
        meanwhile(&self);
        until("the end", || stopping.is_finished().then_some(()));
        self.place.stuck.release();
        Outcome {
            rebuilds: condition.rebuilds,
            is_degraded: condition.is_degraded,
            opened: self.place.opened.load(Ordering::SeqCst),
            discarded: self.place.discarded.load(Ordering::SeqCst),
            is_complete: condition.lag_records == 0,
        }
    }
}

fn kept(vice: Vice, bad: usize) -> Outcome {
    let run = Run::start(vice, bad);
    let opened = || run.place.opened.load(Ordering::SeqCst);
    until("an opening", || (opened() > 0).then_some(()));
    let failures_wanted = bad.min(3) as u64;
    let hangs = matches!(vice, Vice::Hangs | Vice::HangsAtOpen);
    until("an index after the faults", || {
        // What is to be written is, after a while, and what hangs is noticed.
        run.clock.inner.advance(STEP);
        match hangs && failures(&run.keeper.condition()) < failures_wanted {
            true => run.offer(),
            false => run.settle(),
        }
        let condition = run.keeper.condition();
        let has_failed = failures(&condition) >= failures_wanted;
        (has_failed && condition.contents.entries > 0).then_some(())
    });
    until("a complete index", || {
        run.feed.shake();
        (run.keeper.condition().lag_records == 0).then_some(())
    });
    run.stopped(|_| {})
}

fn rebuilt_once(reason: &'static str) -> Outcome {
    Outcome {
        rebuilds: vec![(reason, 1)],
        is_degraded: false,
        opened: 2,
        discarded: 1,
        is_complete: true,
    }
}

#[test]
fn a_storage_without_vices_is_opened_once() {
    let expected = Outcome {
        rebuilds: Vec::new(),
        opened: 1,
        discarded: 0,
        ..rebuilt_once("")
    };
    assert_eq!(kept(Vice::None, 0), expected);
}

#[test]
fn c14_a_panic_at_a_call_or_at_the_opening_costs_a_rebuild() {
    assert_eq!(
        [kept(Vice::Panics, 1), kept(Vice::PanicsAtOpen, 1)],
        [rebuilt_once("panic"), rebuilt_once("panic")]
    );
}

#[test]
fn c14_a_panic_reaches_nobody_who_asks() {
    let clock: Arc<dyn Clock> = Arc::new(VirtualClock::default());
    let watch = Arc::new(Watch::new(clock));
    let storage = Faulty {
        inner: MemoryStorage::default(),
        vice: Vice::Panics,
        stuck: Arc::default(),
    };
    let guarded = Guarded::new(Box::new(storage), Arc::clone(&watch));
    // What has panicked is no call under way.
    assert_eq!(
        (guarded.flush(), watch.longest()),
        (Err(Fault::Panicked("as planned".to_owned())), None)
    );
}

#[test]
fn c15_a_call_or_an_opening_that_never_returns_costs_a_rebuild_and_no_stop() {
    assert_eq!(
        [kept(Vice::Hangs, 1), kept(Vice::HangsAtOpen, 1)],
        [rebuilt_once("hang"), rebuilt_once("hang")]
    );
}

#[test]
fn c15_a_stop_does_not_wait_for_a_call_that_never_returns_and_discards_nothing() {
    let run = Run::start(Vice::HangsAtFlush, 1);
    run.settle();
    until("a complete index", || {
        run.feed.shake();
        (run.keeper.condition().lag_records == 0).then_some(())
    });
    let outcome = run.stopped(|run| {
        let callers = || run.place.stuck.callers.load(Ordering::SeqCst);
        until("a call that hangs", || (callers() > 0).then_some(()));
        // The watching thread has to know since when it stops: a look is two readings of the clock.
        let looks = || run.clock.looks.load(Ordering::SeqCst);
        let looked = looks();
        until("a look at the clock", || {
            (looks() > looked + 2).then_some(())
        });
        run.clock.inner.advance(STOP);
    });
    let expected = Outcome {
        rebuilds: Vec::new(),
        opened: 1,
        discarded: 0,
        ..rebuilt_once("")
    };
    assert_eq!(outcome, expected);
}

#[test]
fn c16_a_storage_that_gives_back_something_else_costs_a_rebuild() {
    assert_eq!(kept(Vice::Lies, 1), rebuilt_once("mismatch"));
}

#[test]
fn c17_a_full_disk_leaves_the_index_in_memory_and_what_is_on_disk_there() {
    let expected = Outcome {
        rebuilds: vec![("error", 1)],
        is_degraded: true,
        opened: 1,
        discarded: 0,
        ..rebuilt_once("")
    };
    assert_eq!(kept(Vice::FullDisk, 1), expected);
}

#[test]
fn a_storage_that_fails_again_and_again_is_given_up_for_memory() {
    let expected = Outcome {
        rebuilds: vec![("panic", 3)],
        is_degraded: true,
        opened: 3,
        discarded: 2,
        ..rebuilt_once("")
    };
    assert_eq!(kept(Vice::Panics, 99), expected);
}
