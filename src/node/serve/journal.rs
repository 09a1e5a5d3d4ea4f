//! The way into the log, and out of it to the core.
//!
//! ```text
//!   submit(records) ─► encoded ─► wal ─ durable ─► arrivals (to the core, in LSN order) ─► then(Ok)
//!                                      └ refused ───────────────────────────────────────► then(Err)
//! ```
//!
//! Records are handed to the core as they were handed in: nothing is decoded again. That an encoded
//! record reads as what it was made from is shown by the tests of `record`.
//!
//! **Invariants**
//! * Whoever is told that records are durable finds them before everything later in `arrivals`:
//!   whoever waits until the core has caught up ([`Journal::handed_on`]) sees their effect.
//! * `arrivals` is bounded. When the core is slow the writer of the log waits for it, the queue of the
//!   log fills, and senders get a 503.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::arrivals::Arrivals;

use crate::core::Notification;
use crate::record::Record;
use crate::wal::{AppendError, Appended, Lane, Log, Lsn, NewRecord};

/// Records that are durable.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The LSN of the first; the others follow without a gap.
    pub(super) first: Lsn,
    /// The records.
    pub(super) records: Vec<Record>,
    /// What may be sent now.
    pub(super) release: Vec<Notification>,
    /// Whether the core takes over from a jump of the clock when they are applied.
    pub(super) resumes: bool,
    /// Who sent the alerts in them.
    pub(super) sender: Option<Arc<str>>,
}

/// Records that the core decided, and the notifications that wait for them.
#[derive(Debug, Default)]
pub(super) struct Decided {
    pub(super) records: Vec<Record>,
    pub(super) release: Vec<Notification>,
    /// Whether the core takes over from a jump of the clock when they are applied.
    pub(super) resumes: bool,
    /// How many records at the end explain the others. They are not handed in again if they are refused.
    pub(super) explanations: usize,
    /// Who sent the alerts in them.
    pub(super) sender: Option<Arc<str>>,
}

/// Records that were not made durable, and why.
#[derive(Debug)]
pub(super) struct NotDurable {
    pub(super) error: AppendError,
    pub(super) records: Vec<Record>,
}

/// The log, as the rest of the node uses it.
pub(super) struct Journal {
    /// Absent once the log is closed.
    log: RwLock<Option<Log>>,
    arrivals: Arc<Arrivals>,
    handed_on: AtomicU64,
}

impl fmt::Debug for Journal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Journal").finish_non_exhaustive()
    }
}

impl Journal {
    /// `applied` is the last record that the core has. What the log writes for itself after it is handed
    /// to nobody, so that nobody may wait for it.
    pub(super) fn new(log: Log, arrivals: Arc<Arrivals>, applied: Lsn) -> Self {
        Self {
            handed_on: AtomicU64::new(applied.0),
            log: RwLock::new(Some(log)),
            arrivals,
        }
    }

    /// The last record that was handed on to the core.
    pub(super) fn handed_on(&self) -> Lsn {
        Lsn(self.handed_on.load(Ordering::Acquire))
    }

    /// As [`Self::submit_from`], from nobody.
    pub(super) fn submit(
        self: &Arc<Self>,
        lane: Lane,
        records: Vec<Record>,
        then: impl FnOnce(Result<(), NotDurable>) + Send + 'static,
    ) {
        self.submit_from(lane, records, None, then);
    }

    /// Asks for the records to be appended together. `then` is called once: when they are durable and
    /// on their way to the core, or with the reason why they are not, perhaps before this returns.
    pub(super) fn submit_from(
        self: &Arc<Self>,
        lane: Lane,
        records: Vec<Record>,
        sender: Option<Arc<str>>,
        then: impl FnOnce(Result<(), NotDurable>) + Send + 'static,
    ) {
        let decided = Decided {
            records,
            sender,
            ..Decided::default()
        };
        self.submit_decided(lane, decided, |result| {
            then(result.map_err(|(error, decided)| NotDurable {
                error,
                records: decided.records,
            }));
        });
    }

    /// As [`Self::submit`], with what is to be done once the records are durable.
    pub(super) fn submit_decided(
        self: &Arc<Self>,
        lane: Lane,
        decided: Decided,
        then: impl FnOnce(Result<(), (AppendError, Decided)>) + Send + 'static,
    ) {
        let encoded = match encode(&decided.records) {
            Ok(encoded) => encoded,
            Err(error) => return then(Err((error, decided))),
        };
        // The completion owns what it needs; if the log does not take the request, it comes back
        // through this slot.
        let slot = Arc::new(Mutex::new(Some((decided, then))));
        let journal = Arc::clone(self);
        let taken = Arc::clone(&slot);
        let take = move |slot: &Mutex<Option<_>>| {
            slot.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        let done = Box::new(move |result: Result<Appended, AppendError>| {
            let Some((decided, then)) = take(&taken) else {
                return;
            };
            match result {
                Ok(appended) => {
                    journal.hand_on(&appended, decided);
                    then(Ok(()));
                }
                Err(error) => then(Err((error, decided))),
            }
        });
        let pushed = match &*self.log.read().unwrap_or_else(PoisonError::into_inner) {
            Some(log) => log.append(lane, encoded, done),
            None => Err(AppendError::Closed),
        };
        if let Err(error) = pushed
            && let Some((decided, then)) = take(&slot)
        {
            then(Err((error, decided)));
        }
    }

    fn hand_on(&self, appended: &Appended, decided: Decided) {
        self.handed_on.store(appended.last.0, Ordering::Release);
        self.arrivals.push(Arrival {
            first: appended.first,
            records: decided.records,
            release: decided.release,
            resumes: decided.resumes,
            sender: decided.sender,
        });
    }

    /// Makes the core's thread look at once.
    pub(super) fn shake(&self) {
        self.arrivals.shake();
    }

    /// Does something with the log, unless it is closed.
    pub(super) fn with_log<T>(&self, act: impl FnOnce(&Log) -> T) -> Option<T> {
        let log = self.log.read().unwrap_or_else(PoisonError::into_inner);
        log.as_ref().map(act)
    }

    /// Appends what waits, and closes the log in order.
    ///
    /// # Errors
    /// Why the last records could not be appended.
    pub(super) fn close(&self) -> Result<(), AppendError> {
        let log = self
            .log
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        log.map_or(Ok(()), Log::close)
    }

    /// Lets go of the log and of those who wait for it. They know the journal, and the journal them: without
    /// this nothing of a server that is given up in the midst of its work would ever be freed.
    pub(super) fn abandon(&self) {
        let log = self
            .log
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(log) = log {
            log.abandon();
        }
    }
}

fn encode(records: &[Record]) -> Result<Vec<NewRecord>, AppendError> {
    let encoded = records.iter().map(|record| {
        record.encoded().map_err(|_| AppendError::TooLarge {
            bytes: crate::wal::frame::PAYLOAD_BYTES_MAX + 1,
            bytes_max: crate::wal::frame::PAYLOAD_BYTES_MAX,
        })
    });
    encoded.collect()
}
