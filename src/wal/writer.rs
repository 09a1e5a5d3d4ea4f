//! The one writer of the log.
//!
//! A batch is: a `BatchStart`, the records, one write, one `fdatasync`. Only then is it durable and
//! may be acknowledged. Batches never span segments.
//!
//! ```text
//! encode ─► room? ─► pwrite ─► fdatasync ─► durable
//!            │no       │no room   │error
//!            ▼         ▼          ▼
//!         rotate    zero back   poisoned: no append succeeds any more in this process
//!            │no       │no
//!            ▼         ▼
//!          Full      Full, and the segment is sealed before the next batch
//! ```
//!
//! The encoding may have been done already, while the batch before was being synced ([`Draft`]).
//!
//! What a crash leaves: before the sync, any part of the batch, which nobody was told about; after
//! it, the whole batch. During a rotation: the old segment alone, or the old one and an empty new
//! one that seals it.
//!
//! **Invariants**
//! * `fdatasync` is never called again on a file on which it failed, and nothing is acknowledged
//!   after that.
//! * A full disk uses up no LSN and leaves no frame that could be read later.
//! * The last 1/16 of a segment (at most [`RESERVE_BYTES_MAX`]) is kept for the priority lane, so
//!   that results of notifications can be recorded when new alerts already get a 503.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::checkpoint::{self, CheckpointInfo, CheckpointWriter};
use super::control::{CONTROL_SCHEMA, Control};
use super::draft::{BATCH_START_BYTES, Draft, Position};
use super::error::{AppendError, OpenError};
use super::fileops::{at, is_no_room, remove_if_there, write_all};
use super::frame::{Link, frame_bytes};
use super::ids::{Lsn, RecordType, Salt, SegmentSeq, StoreId};
use super::layout;
use super::retained::{ClosedSegment, Retained};
use super::segment::{FRAMES_OFFSET, SegmentFailure, SegmentHeader, batch_bytes_max, publish};
use super::spare::SpareSlot;
use crate::bugs::{Bug, planted};
use crate::sys::{Clock, Disk, DiskFile, Entropy};

/// Room for some thousand notification results.
pub const RESERVE_BYTES_MAX: u64 = 256 * 1024;

/// The reserve is this part of a segment, if that is less.
const RESERVE_PART: u64 = 16;

/// A record that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its kind.
    pub record_type: RecordType,
    /// The version of its payload's layout.
    pub schema: u8,
    /// Its payload; at least one byte. Shared, so that neither copying a request nor letting go of one that
    /// was answered costs the writer's thread anything a record.
    pub payload: Bytes,
}

impl NewRecord {
    pub(crate) fn of(control: &Control) -> Self {
        Self {
            record_type: control.record_type(),
            schema: CONTROL_SCHEMA,
            payload: control.encode().into(),
        }
    }
}

/// Who may use the last of the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// New input: can be refused and sent again.
    Normal,
    /// Results of what has been done already, and what takes input back: comes first, and may use
    /// the reserve.
    Priority,
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The LSN of the first of the records.
    pub first: Lsn,
    /// The LSN of the last of the records; everything up to it is durable.
    pub last: Lsn,
    /// Bytes written.
    pub bytes: usize,
}

/// The handles and settings that a writer works with.
#[derive(Debug, Clone)]
pub struct Environment {
    /// The data directory.
    pub disk: Arc<dyn Disk>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Salts.
    pub entropy: Arc<dyn Entropy>,
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) header: SegmentHeader,
    pub(crate) offset: u64,
}

/// Appends to the log. One per store; not shared between threads.
#[derive(Debug)]
pub struct Writer {
    environment: Environment,
    store: StoreId,
    active: ActiveSegment,
    next: Lsn,
    link: Link,
    durable: Lsn,
    spares: Arc<SpareSlot>,
    retained: Arc<Mutex<Retained>>,
    /// The first failure that ended acknowledgement.
    poison: Option<String>,
    /// A refused batch could not be zeroed: the segment takes no more.
    must_seal: bool,
    /// Room for the frames of a batch, used again and again.
    frames: Vec<u8>,
    _lock: Option<Box<dyn crate::sys::LockGuard>>,
}

/// What a new writer starts from.
#[derive(Debug)]
pub(crate) struct WriterStart {
    pub(crate) store: StoreId,
    pub(crate) active: ActiveSegment,
    pub(crate) next: Lsn,
    pub(crate) link: Link,
    pub(crate) retained: Retained,
    pub(crate) spares: SpareSlot,
    pub(crate) lock: Option<Box<dyn crate::sys::LockGuard>>,
}

impl Writer {
    pub(crate) fn new(environment: Environment, start: WriterStart) -> Self {
        Self {
            environment,
            store: start.store,
            active: start.active,
            next: start.next,
            link: start.link,
            durable: start.next.previous(),
            spares: Arc::new(start.spares),
            retained: Arc::new(Mutex::new(start.retained)),
            poison: None,
            must_seal: false,
            frames: Vec::new(),
            _lock: start.lock,
        }
    }

    /// The store that is written to.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.store
    }

    /// Everything up to this LSN is durable.
    #[must_use]
    pub fn durable(&self) -> Lsn {
        self.durable
    }

    /// The number of the segment that is written to.
    #[must_use]
    pub fn segment(&self) -> SegmentSeq {
        self.active.header.seq
    }

    /// The first failure that ended acknowledgement, if there was one.
    #[must_use]
    pub fn poison(&self) -> Option<&str> {
        self.poison.as_deref()
    }

    /// The most bytes of frames that one append takes.
    #[must_use]
    pub fn batch_bytes_max(&self) -> usize {
        batch_bytes_max(self.active.header.file_bytes)
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn spares(&self) -> Arc<SpareSlot> {
        Arc::clone(&self.spares)
    }

    pub(crate) fn retained(&self) -> Arc<Mutex<Retained>> {
        Arc::clone(&self.retained)
    }

    /// Makes a spare segment if there is none. Called between batches, or from another thread
    /// through [`super::Log`].
    ///
    /// # Errors
    /// Why it could not be made. The log goes on: the next rotation tries again.
    pub fn prepare_spare(&self) -> Result<(), AppendError> {
        self.spares.fill().map_err(|failure| AppendError::Full {
            cause: describe(&failure),
        })
    }

    /// Appends the records as one batch. When this returns `Ok`, they are durable.
    ///
    /// # Errors
    /// [`AppendError::Full`]: nothing was appended, later calls may succeed.
    /// [`AppendError::Poisoned`]: whether the records will be there after a restart is not known.
    pub fn append(&mut self, lane: Lane, records: &[&NewRecord]) -> Result<Appended, AppendError> {
        self.commit(lane, records, None, |_, _| ())
    }

    /// Appends a batch of these records, which may have been encoded ahead. When this returns `Ok`,
    /// they are durable. `before_write` is given the position behind the batch, for which the next
    /// one may be encoded already, and room for it.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub(crate) fn commit(
        &mut self,
        lane: Lane,
        records: &[&NewRecord],
        draft: Option<Draft>,
        before_write: impl FnOnce(Position, Vec<u8>),
    ) -> Result<Appended, AppendError> {
        if let Some(cause) = &self.poison {
            return Err(AppendError::Poisoned {
                cause: cause.clone(),
            });
        }
        self.make_room(batch_bytes(records)?, lane)?;
        let draft = match draft {
            Some(draft) if draft.at() == self.position() || planted(Bug::AheadNotChecked) => draft,
            Some(stale) => self.encode(stale.into_frames(), records),

            None => {
                let room = std::mem::take(&mut self.frames);
                self.encode(room, records)
            }
        };
        before_write(draft.after(), std::mem::take(&mut self.frames));
        let result = self.put(&draft);
        self.frames = draft.into_frames();
        result
    }

    /// Where the next batch goes.
    pub(crate) fn position(&self) -> Position {
        Position {
            salt: self.active.header.salt,
            next: self.next,
            link: self.link,
            durable: self.durable,
        }
    }

    fn encode(&self, room: Vec<u8>, records: &[&NewRecord]) -> Draft {
        let wall = self.environment.clock.wall();
        let mut draft = Draft::begin(room, self.position(), wall);
        for record in records {
            draft.push(record);
        }
        draft.end();
        draft
    }

    /// Writes a batch and makes it durable.
    fn put(&mut self, draft: &Draft) -> Result<Appended, AppendError> {
        self.write(draft.frames())?;
        let appended = Appended {
            first: self.next.next(),
            last: draft.last(),
            bytes: draft.frames().len(),
        };
        self.active.offset += draft.frames().len() as u64;
        let after = draft.after();
        (self.next, self.link) = (after.next, after.link);
        // A failure here is final, so it does not matter that the position has moved on already.
        self.sync()?;
        self.durable = after.durable;
        Ok(appended)
    }

    /// Appends a sign of life, which also proves everything before it durable.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn heartbeat(&mut self) -> Result<Appended, AppendError> {
        let clock = &self.environment.clock;
        let monotonic_ns = u64::try_from(clock.monotonic().as_nanos()).unwrap_or(u64::MAX);
        let control = Control::Heartbeat {
            wall: clock.wall(),
            monotonic_ns,
            durable: self.durable,
        };
        self.append(Lane::Priority, &[&NewRecord::of(&control)])
    }

    pub(crate) fn boot(&mut self, control: &Control) -> Result<Appended, AppendError> {
        self.append(Lane::Priority, &[&NewRecord::of(control)])
    }

    /// Appends the record of an orderly stop.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn shutdown(mut self) -> Result<Appended, AppendError> {
        let wall = self.environment.clock.wall();
        let control = Control::Shutdown {
            wall,
            durable: self.durable,
        };
        self.append(Lane::Priority, &[&NewRecord::of(&control)])
    }

    /// Writes a checkpoint of the state at `lsn` (which must be durable), and removes what is no
    /// longer needed. The order of the steps is that of [`super::checkpoint`].
    ///
    /// # Errors
    /// Nothing was removed unless the checkpoint stands; an error of a removal only means that the
    /// file is removed behind a later checkpoint.
    pub fn checkpoint(
        &mut self,
        lsn: Lsn,
        state_hash: u64,
        fill: impl FnOnce(&mut CheckpointWriter) -> std::io::Result<()>,
    ) -> Result<CheckpointInfo, OpenError> {
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::DeleteBeforeCheckpoint) {
            let mut early = lock(&self.retained);
            early.add_checkpoint(lsn);
            early.remove_disposable(self.environment.disk.as_ref())?;
        }
        let info = write_checkpoint(&self.environment, self.store, lsn, state_hash, fill)?;
        self.append(Lane::Priority, &[&checkpoint_done(&info)])?;
        retire(&self.environment, &self.retained, lsn)?;
        Ok(info)
    }

    fn make_room(&mut self, bytes: usize, lane: Lane) -> Result<(), AppendError> {
        if bytes > self.batch_bytes_max() {
            return Err(AppendError::TooLarge {
                bytes,
                bytes_max: self.batch_bytes_max(),
            });
        }
        let bytes = bytes as u64;
        let end = self.active.header.file_bytes;
        let reserve = match lane {
            Lane::Priority => 0,
            Lane::Normal => ((end - FRAMES_OFFSET) / RESERVE_PART).min(RESERVE_BYTES_MAX),
        };
        if !self.must_seal && self.active.offset + bytes <= end - reserve {
            return Ok(());
        }
        self.rotate()
    }

    /// Goes on in a new segment, which seals this one after the last batch. Does nothing when this
    /// one is empty.
    ///
    /// # Errors
    /// [`AppendError::Full`] when there is no room for one; poisons the log on any other failure.
    pub fn rotate(&mut self) -> Result<(), AppendError> {
        let old = self.active.header;
        let is_empty = self.next == old.first;
        if is_empty && !self.must_seal {
            return Ok(());
        }
        let blank = self
            .spares
            .take()
            .map_err(|failure| self.fail(&failure, None))?;
        let header = SegmentHeader {
            store: self.store,
            seq: SegmentSeq(old.seq.0 + 1),
            first: self.next,
            salt: new_salt(self.environment.entropy.as_ref()),
            // A segment without records is replaced whole: it is nobody's predecessor.
            previous_salt: if is_empty {
                old.previous_salt
            } else {
                old.salt
            },
            previous_last: self.next.previous(),
            previous_link: self.link,
            file_bytes: blank.file_bytes,
            created: self.environment.clock.wall(),
        };
        let disk = Arc::clone(&self.environment.disk);
        publish(disk.as_ref(), &blank, &header, &[])
            .map_err(|failure| self.fail(&failure, Some(&blank.path)))?;
        lock(&self.retained).closed.push(ClosedSegment {
            path: layout::segment_path(old.seq, old.first),
            last: self.next.previous(),
            file_bytes: old.file_bytes,
        });
        self.active = ActiveSegment {
            file: blank.file,
            header,
            offset: FRAMES_OFFSET,
        };
        self.must_seal = false;
        Ok(())
    }

    fn write(&mut self, frames: &[u8]) -> Result<(), AppendError> {
        let offset = self.active.offset;
        let Err(error) = write_all(self.active.file.as_ref(), offset, frames) else {
            return Ok(());
        };
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::WriteErrorSwallowed) {
            return Ok(());
        }
        if !is_no_room(&error) || planted(Bug::FullPoisons) {
            return Err(self.fall_ill("write to", &error));
        }
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::LsnHoleAfterFull) {
            self.next = self.next.next();
        }
        self.zero_back(frames.len());
        Err(AppendError::Full {
            cause: self.explain("write to", &error),
        })
    }

    /// Takes back what a full disk accepted of a batch. The zeros become durable with the next
    /// batch; if they cannot be written, the segment is sealed before it.
    fn zero_back(&mut self, bytes: usize) {
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::PartialBatchLeft) {
            return;
        }
        let zeros = vec![0; bytes];
        let zeros = write_all(self.active.file.as_ref(), self.active.offset, &zeros);
        self.must_seal |= zeros.is_err();
    }

    fn sync(&mut self) -> Result<(), AppendError> {
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::AckAfterWriteOnly)
            || planted(Bug::AckBeforeFsync) && self.next.0.is_multiple_of(2)
        {
            return Ok(());
        }
        let Err(error) = self.active.file.fdatasync() else {
            return Ok(());
        };
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::FsyncRetried) && self.active.file.fdatasync().is_ok()
            || planted(Bug::SyncErrorSwallowed)
        {
            return Ok(());
        }
        Err(self.fall_ill("sync", &error))
    }

    fn fail(
        &mut self,
        failure: &SegmentFailure,
        leftover: Option<&std::path::Path>,
    ) -> AppendError {
        let cause = describe(failure);
        if let Some(path) = leftover.filter(|_| failure.is_transient) {
            // It has a header already: of no use as a spare. If it stays, the next start removes it.
            let _ = remove_if_there(self.environment.disk.as_ref(), path);
        }
        if failure.is_transient || leftover.is_none() {
            return AppendError::Full { cause };
        }
        self.set_poison(cause)
    }

    fn fall_ill(&mut self, operation: &str, error: &std::io::Error) -> AppendError {
        let cause = self.explain(operation, error);
        self.set_poison(cause)
    }

    fn set_poison(&mut self, cause: String) -> AppendError {
        if !planted(Bug::PoisonIgnored) {
            self.poison = Some(cause.clone());
        }
        AppendError::Poisoned { cause }
    }

    fn explain(&self, operation: &str, error: &std::io::Error) -> String {
        let header = &self.active.header;
        let path = layout::segment_path(header.seq, header.first);
        let path = self.environment.disk.display(&path);
        format!(
            "cannot {operation} {} at offset {}: {error}",
            path.display(),
            self.active.offset
        )
    }
}

fn describe(failure: &SegmentFailure) -> String {
    format!(
        "cannot {} {}: {}",
        failure.operation,
        failure.path.display(),
        failure.source
    )
}

/// The frames' size, or why they cannot be appended at all.
fn batch_bytes(records: &[&NewRecord]) -> Result<usize, AppendError> {
    if records.is_empty() || records.iter().any(|record| record.payload.is_empty()) {
        return Err(AppendError::Empty);
    }
    let frames = records
        .iter()
        .map(|record| frame_bytes(record.payload.len()))
        .sum::<usize>();
    Ok(frames + BATCH_START_BYTES)
}

pub(crate) fn new_salt(entropy: &dyn Entropy) -> Salt {
    // Zero means "none".
    Salt(entropy.next_u64().max(1))
}

pub(crate) fn checkpoint_done(info: &CheckpointInfo) -> NewRecord {
    NewRecord::of(&Control::CheckpointDone {
        checkpoint: info.lsn,
        file_bytes: info.file_bytes,
        crc: info.crc,
    })
}

/// Steps 1 to 5 of a checkpoint; on an error the unfinished file is removed.
pub(crate) fn write_checkpoint(
    environment: &Environment,
    store: StoreId,
    lsn: Lsn,
    state_hash: u64,
    fill: impl FnOnce(&mut CheckpointWriter) -> std::io::Result<()>,
) -> Result<CheckpointInfo, OpenError> {
    let disk = environment.disk.as_ref();
    let tmp = layout::tmp_path(&layout::checkpoint_path(lsn));
    let written =
        checkpoint::begin(disk, store, lsn, environment.clock.wall()).and_then(|mut writer| {
            fill(&mut writer).map_err(at(disk, "write", &tmp))?;
            checkpoint::finish(disk, writer, store, state_hash)
        });
    if written.is_err() {
        // The first error is the one to report; a leftover is removed at the next start.
        let _ = remove_if_there(disk, &tmp);
    }
    written
}

/// Steps 7 and 8 of a checkpoint.
pub(crate) fn retire(
    environment: &Environment,
    retained: &Mutex<Retained>,
    lsn: Lsn,
) -> Result<(), OpenError> {
    let mut retained = lock(retained);
    retained.add_checkpoint(lsn);
    retained.remove_disposable(environment.disk.as_ref())?;
    Ok(())
}

pub(crate) fn lock(retained: &Mutex<Retained>) -> std::sync::MutexGuard<'_, Retained> {
    // The lists are changed only after the disk was: whoever panicked left them true.
    retained.lock().unwrap_or_else(PoisonError::into_inner)
}
