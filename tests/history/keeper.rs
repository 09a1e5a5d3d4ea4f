//! The thread that keeps the index, over storages that fail in every way that sled has shown: scenarios C14
//! to C17 (`docs/history.md`), on a virtual clock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use tocsin::history::index::feed::Feed;
use tocsin::history::index::keeper::{HANG, Keeper, Place, Setup, Source};
use tocsin::history::index::{Change, Fault, Limits, MemoryStorage, Storage, Visit};
use tocsin::record::{Lsn, Record, TenantV1};
use tocsin::sys::{SimDisk, VirtualClock};
use tocsin::wal::{DurableBatch, NewRecord};

use crate::support::until;

/// What a storage does wrong, from a call on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vice {
    None,
    FullDisk,
    Panics,
    Hangs,
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
}

impl Stuck {
    fn wait(&self) {
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
    /// Whether the stop came soon.
    has_stopped_soon: bool,
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

fn kept(vice: Vice, bad: usize) -> Outcome {
    let clock = Arc::new(VirtualClock::default());
    let stuck = Arc::new(Stuck::default());
    let place = Arc::new(Spoilt {
        vice,
        bad,
        opened: AtomicUsize::new(0),
        discarded: AtomicUsize::new(0),
        stuck: Arc::clone(&stuck),
    });
    let feed = Arc::new(Feed::default());
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
            durable: Box::new(|| Lsn(3)),
            handed_on: Box::new(|| Lsn(3)),
            checkpoint: Box::new(|| Lsn::ZERO),
            give_way: || {},
        },
        feed: Arc::clone(&feed),
    })
    .unwrap();
    // Time goes on: what hangs is noticed, what is to be written is. Where nothing hangs it goes slower, so
    // that a panic, whose trace is printed on a busy machine, is not taken for it.
    let step = match vice {
        Vice::Hangs | Vice::HangsAtOpen => HANG / 4,
        _ => HANG / 200,
    };
    let mut number = 3;
    until("a complete index", || {
        clock.advance(step);
        number += 1;
        feed.offer(&batch(number));
        let condition = keeper.condition();
        let has_failed = condition
            .rebuilds
            .iter()
            .map(|(_, count)| count)
            .sum::<u64>();
        let expected = if vice == Vice::None {
            0
        } else {
            bad.min(3) as u64
        };
        let is_there = has_failed >= expected && condition.lag_records == 0;
        (is_there && condition.contents.entries > 0).then_some(())
    });
    let condition = keeper.condition();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| keeper.stop());
        // A stop that waits, waits on this clock.
        until("the end", || {
            clock.advance(HANG);
            keeper.index().is_none().then_some(())
        });
    });
    let has_stopped_soon = begun.elapsed() < Duration::from_secs(20);
    stuck.release();
    Outcome {
        rebuilds: condition.rebuilds,
        is_degraded: condition.is_degraded,
        opened: place.opened.load(Ordering::SeqCst),
        discarded: place.discarded.load(Ordering::SeqCst),
        is_complete: condition.lag_records == 0,
        has_stopped_soon,
    }
}

fn rebuilt_once(reason: &'static str) -> Outcome {
    Outcome {
        rebuilds: vec![(reason, 1)],
        is_degraded: false,
        opened: 2,
        discarded: 1,
        is_complete: true,
        has_stopped_soon: true,
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
fn c15_a_call_or_an_opening_that_never_returns_costs_a_rebuild_and_no_stop() {
    assert_eq!(
        [kept(Vice::Hangs, 1), kept(Vice::HangsAtOpen, 1)],
        [rebuilt_once("hang"), rebuilt_once("hang")]
    );
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
