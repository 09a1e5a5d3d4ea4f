//! The log lets go of what is behind its checkpoints; the index has written it before.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tocsin::history::index::feed::Feed;
use tocsin::history::index::keeper::{Keeper, Place, Setup, Source};
use tocsin::history::index::{Change, Fault, Index, Limits, MemoryStorage, Storage, Visit};
use tocsin::record::Lsn;
use tocsin::sys::{SimDisk, VirtualClock};

use crate::keeper::batch;
use crate::support::until;

const STORE: [u8; 16] = [1; 16];

const LIMITS: Limits = Limits {
    retention: Duration::from_secs(3600),
    bytes_max: 1 << 30,
};

/// A storage that notes up to which record it had the log, each time that changed.
#[derive(Debug, Clone, Default)]
struct Noting {
    inner: Arc<MemoryStorage>,
    written: Arc<Mutex<Vec<Lsn>>>,
}

impl Storage for Noting {
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault> {
        self.inner.apply(changes)?;
        let written = Index::open(Arc::clone(&self.inner) as _, STORE, LIMITS)?.applied();
        let mut all = self.written.lock().unwrap();
        if all.last() != Some(&written) {
            all.push(written);
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault> {
        self.inner.scan(prefix, visit)
    }

    fn size_bytes(&self) -> Result<u64, Fault> {
        self.inner.size_bytes()
    }

    fn flush(&self) -> Result<(), Fault> {
        self.inner.flush()
    }
}

impl Place for Noting {
    fn probe(&self) -> Result<(), Fault> {
        Ok(())
    }

    fn open(&self) -> Result<Box<dyn Storage>, Fault> {
        Ok(Box::new(self.clone()))
    }

    fn discard(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The clock stands still: nothing is written because of the time. The checkpoint is of record 9.
#[test]
fn what_is_behind_a_checkpoint_is_written_once_all_of_it_is_there() {
    let place = Noting::default();
    let feed = Arc::new(Feed::default());
    let keeper = Keeper::start(Setup {
        place: Some(Arc::new(place.clone())),
        limits: LIMITS,
        store: STORE,
        clock: Arc::new(VirtualClock::default()),
        source: Source {
            disk: Arc::new(SimDisk::default()),
            durable: Box::new(|| Lsn(3)),
            handed_on: Box::new(|| Lsn(3)),
            checkpoint: Box::new(|| Lsn(9)),
            give_way: || {},
        },
        feed: Arc::clone(&feed),
    })
    .unwrap();
    let entries = |count| (keeper.condition().contents.entries == count).then_some(());
    let last_written = || place.written.lock().unwrap().last().copied();
    until("an index", || {
        (last_written() == Some(Lsn(3))).then_some(())
    });
    (4..9).for_each(|lsn| feed.offer(&batch(lsn)));
    until("what is before the checkpoint", || entries(5));
    feed.offer(&batch(9));
    until("what is behind it to be written", || {
        (last_written() == Some(Lsn(9))).then_some(())
    });
    feed.offer(&batch(10));
    until("what is after it", || entries(7));
    keeper.stop();
    let written = place.written.lock().unwrap().clone();
    assert_eq!(written, [Lsn(3), Lsn(9), Lsn(10)]);
}
