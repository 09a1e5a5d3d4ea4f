//! Opening a store to continue it.
//!
//! ```text
//!  1 lock                                        second process: refused
//!  2 STORE                                       none and no records: a new store is made
//!  3 remove *.tmp; make the names that are there durable
//!  4 newest whole checkpoint ─► replay
//!  5 scan ─► replay of every record behind it    M: refused, nothing was changed
//!  6 a fresh segment with a copy of the suspect tail, durable before it has its name
//!  7 remove what that segment has replaced; put damaged files that are not needed into quarantine
//!  8 Boot record
//! ```
//!
//! **Why a fresh segment.** Records above the proven LSN may exist in the page cache only, or be
//! clean pages of a failed sync: they were read, so their effect counts from now on, so they must be
//! made durable. They are copied, with their LSNs, never repaired in place; the new segment's first
//! LSN voids the originals and whatever torn bytes follow them.
//!
//! **Why folding.** When the last segment is less than a quarter full, all of it is copied and the
//! old file removed, so that any number of starts leaves one segment, not one each.
//!
//! A crash at any step leaves a store that opens to the same records: until step 6 nothing but
//! unfinished files was touched; the fresh segment appears whole or not at all; what step 7 removes
//! counts for nothing from the moment on at which the segment's name is durable.

use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::{CheckpointFile, read_checkpoint};
use super::control::Control;
use super::error::{AppendError, OpenError};
use super::fileops::{at, read_full, remove_if_there, sync_parent};
use super::frame::{FRAME_HEADER_BYTES, FrameCodec, FrameDraft, Link};
use super::ids::{Lsn, Salt, SegmentSeq, StoreId};
use super::layout;
use super::report::{Class, ScanReport};
use super::retained::{ClosedSegment, Retained};
use super::scan::{Behind, Continuation, Scan, Scanned, scan};
use super::segment::{
    BlankSegment, FRAMES_OFFSET, SegmentFailure, SegmentHeader, make_blank, publish,
};
use super::spare::SpareSlot;
use super::store::StoreIdentity;
use super::view::{LastSegment, Segment, View, list_segments};
use super::writer::{ActiveSegment, Environment, Writer, WriterStart, new_salt};
use crate::bugs::{Bug, planted, unless_planted};
#[cfg(feature = "bug-hooks")]
use crate::sys::Access;
use crate::sys::{Disk, LockGuard, LockOutcome};

/// A last segment with less than this part in use is copied whole.
const FOLD_PART: u64 = 4;

/// Receives the state at a start: first the sections of the checkpoint, then every record behind it.
pub trait Replay {
    /// A section of the checkpoint.
    ///
    /// # Errors
    /// Ends the start.
    fn checkpoint_section(
        &mut self,
        kind: u32,
        bytes: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// A record behind the checkpoint, the log's own included, in LSN order.
    ///
    /// # Errors
    /// Ends the start.
    fn record(
        &mut self,
        record: &Scanned<'_>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Takes a replay and keeps nothing of it: for those who only append.
#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreReplay;

impl Replay for IgnoreReplay {
    fn checkpoint_section(
        &mut self,
        _kind: u32,
        _bytes: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }

    fn record(
        &mut self,
        _record: &Scanned<'_>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

/// Settings of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// The length of new segments in bytes.
    pub segment_bytes: u64,
    /// Whether a torn tail is dropped (the default) or refused.
    pub drops_torn_tail: bool,
    /// For the Boot record.
    pub version: String,
    /// For the Boot record and the lock file.
    pub pid: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: super::segment::SEGMENT_BYTES_DEFAULT,
            drops_torn_tail: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        }
    }
}

/// What a start found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartReport {
    /// Whether the store was made by this start.
    pub is_new: bool,
    /// What the scan found.
    pub scan: ScanReport,
    /// Records that were copied into the fresh segment.
    pub copied_records: u64,
    /// Segments that the fresh one replaced; they are gone.
    pub removed: Vec<PathBuf>,
    /// Damaged files that were put into quarantine.
    pub quarantined: Vec<PathBuf>,
}

/// Opens a store, making it if there is none, and replays it.
///
/// # Errors
/// See [`OpenError`]; the store is unchanged but for unfinished files.
pub fn open(
    environment: &Environment,
    options: &LogOptions,
    replay: &mut dyn Replay,
) -> Result<(Writer, StartReport), OpenError> {
    let disk = environment.disk.as_ref();
    let lock = take_lock(environment, options)?;
    let (identity, is_new) = match StoreIdentity::read(disk)? {
        Some(identity) => {
            make_directories(disk)?;
            (identity, false)
        }
        None => (create(environment, options)?, true),
    };
    unless_planted(Bug::TmpNotCleaned, || remove_unfinished(disk))?;
    // After a kill, a name that can be read may exist in memory only; what follows relies on it.
    for dir in [
        layout::root_dir(),
        layout::wal_dir(),
        layout::checkpoint_dir(),
    ] {
        disk.sync_dir(dir)
            .map_err(at(disk, "sync the directory", dir))?;
    }
    let view = View::load_as(disk, identity)?;
    replay_checkpoint(disk, &view, replay)?;
    let base = view.base();
    let mut visitor = |record: &Scanned<'_>| {
        if record.lsn <= base {
            return Ok(());
        }
        replay.record(record).map_err(|source| OpenError::Replay {
            lsn: record.lsn,
            source,
        })
    };
    let found = scan(&view, Behind::Stop, &mut visitor)?;
    let is_refused_tail = found.report.class == Class::TornTail && !options.drops_torn_tail;
    let is_refused = found.report.class == Class::Damaged || is_refused_tail;
    // A log that has no readable end is damaged too.
    let Some(last) = view.last().filter(|_| !is_refused) else {
        return Err(OpenError::Damaged(Box::new(found.report)));
    };
    continue_log(environment, options, &view, last, found, is_new, lock)
}

fn take_lock(
    environment: &Environment,
    options: &LogOptions,
) -> Result<Option<Box<dyn LockGuard>>, OpenError> {
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::LockNotTaken) {
        return Ok(None);
    }
    let disk = environment.disk.as_ref();
    let path = layout::lock_path();
    let contents = format!("pid {}, since {}\n", options.pid, environment.clock.wall());
    match disk.lock(path, &contents).map_err(at(disk, "lock", path))? {
        LockOutcome::Taken(guard) => Ok(Some(guard)),
        LockOutcome::Held(held) => Err(OpenError::InUse {
            path: disk.display(layout::root_dir()),
            holder: held.contents.trim().to_owned(),
        }),
    }
}

/// Takes the lock of a store for an offline tool.
pub(crate) fn lock_store(
    environment: &Environment,
) -> Result<Option<Box<dyn LockGuard>>, OpenError> {
    take_lock(environment, &LogOptions::default())
}

/// Makes a store: directories, the first segment, and last the identity, which makes it count.
fn create(environment: &Environment, options: &LogOptions) -> Result<StoreIdentity, OpenError> {
    let disk = environment.disk.as_ref();
    let root = layout::root_dir();
    make_directories(disk)?;
    disk.sync_dir(root)
        .map_err(at(disk, "sync the directory", root))?;
    remove_unfinished(disk)?;
    discard_interrupted_creation(disk)?;
    let id =
        StoreId(uuid::Builder::from_random_bytes(environment.entropy.next_16_bytes()).into_uuid());
    let header = SegmentHeader {
        store: id,
        seq: SegmentSeq(1),
        first: Lsn::FIRST,
        salt: new_salt(environment.entropy.as_ref()),
        previous_salt: Salt::NONE,
        previous_last: Lsn::ZERO,
        previous_link: 0,
        file_bytes: options.segment_bytes,
        created: environment.clock.wall(),
    };
    new_segment(disk, &header, &[])?;
    let identity = StoreIdentity {
        id,
        created: environment.clock.wall(),
    };
    identity.write(disk)?;
    Ok(identity)
}

/// Makes the directories that are not there: all at a creation; else what a copy left out because it
/// was empty.
fn make_directories(disk: &dyn Disk) -> Result<(), OpenError> {
    for dir in [layout::wal_dir(), layout::checkpoint_dir()] {
        disk.create_dir(dir)
            .map_err(at(disk, "create the directory", dir))?;
    }
    Ok(())
}

/// Removes what a creation left that did not come to its last step; refuses anything else.
fn discard_interrupted_creation(disk: &dyn Disk) -> Result<(), OpenError> {
    let missing = || OpenError::IdentityMissing {
        path: disk.display(layout::store_path()),
    };
    let dir = layout::checkpoint_dir();
    let has_checkpoints = disk
        .list(dir)
        .map_err(at(disk, "list", dir))?
        .iter()
        .any(|name| layout::parse_checkpoint_name(name).is_some());
    if has_checkpoints {
        return Err(missing());
    }
    for segment in list_segments(disk)? {
        if segment.seq != SegmentSeq(1) || has_frames(disk, &segment)? {
            return Err(missing());
        }
        remove_if_there(disk, &segment.path)?;
        sync_parent(disk, &segment.path)?;
    }
    Ok(())
}

fn has_frames(disk: &dyn Disk, segment: &Segment) -> Result<bool, OpenError> {
    let mut head = [0; FRAME_HEADER_BYTES];
    let read = read_full(segment.file.as_ref(), FRAMES_OFFSET, &mut head);
    read.map_err(at(disk, "read", &segment.path))?;
    Ok(head.iter().any(|byte| *byte != 0))
}

pub(crate) fn remove_unfinished(disk: &dyn Disk) -> Result<(), OpenError> {
    for dir in [
        layout::root_dir(),
        layout::wal_dir(),
        layout::checkpoint_dir(),
    ] {
        #[cfg(feature = "bug-hooks")]
        if planted(Bug::TmpTakenAsCheckpoint) && dir == layout::checkpoint_dir() {
            continue;
        }
        let names = match disk.list(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(at(disk, "list", dir))?,
        };
        for name in names
            .iter()
            .filter(|name| name.ends_with(layout::TMP_SUFFIX))
        {
            remove_if_there(disk, &dir.join(name))?;
        }
    }
    Ok(())
}

fn replay_checkpoint(
    disk: &dyn Disk,
    view: &View,
    replay: &mut dyn Replay,
) -> Result<(), OpenError> {
    let Some(info) = view.checkpoints.iter().find_map(CheckpointFile::whole) else {
        return Ok(());
    };
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::TmpTakenAsCheckpoint) && info.file_bytes == 0 {
        return Ok(());
    }
    let mut visit = |kind: u32, bytes: &[u8]| replay.checkpoint_section(kind, bytes);
    let read = read_checkpoint(disk, info.lsn, view.identity.id, &mut visit)?;
    read.map(|_| ()).map_err(|damage| {
        // It was whole a moment ago.
        let path = layout::checkpoint_path(info.lsn);
        let source = std::io::Error::new(std::io::ErrorKind::InvalidData, damage.to_string());
        at(disk, "read again", &path)(source)
    })
}

/// What the fresh segment begins with.
pub(crate) struct Carried {
    pub(crate) first: Lsn,
    previous_salt: Salt,
    previous_link: Link,
    /// Where the copied records begin in the last segment.
    from: u64,
    to: u64,
    /// Whether the last segment is replaced whole.
    is_fold: bool,
}

fn continue_log(
    environment: &Environment,
    options: &LogOptions,
    view: &View,
    last: LastSegment<'_>,
    found: Scan,
    is_new: bool,
    lock: Option<Box<dyn LockGuard>>,
) -> Result<(Writer, StartReport), OpenError> {
    let disk = environment.disk.as_ref();
    let Scan {
        report,
        continuation,
    } = found;
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::TruncateInPlace) {
        return continue_in_place(
            environment,
            options,
            view,
            report,
            &continuation,
            last,
            lock,
        );
    }
    let fresh = fresh_segment(environment, options, view, last, &report, &continuation)?;
    let removed = remove_replaced(disk, view, &fresh)?;
    let quarantined = quarantine_covered(environment, &report)?;
    let retained = retained(view, &report, &fresh.carried, &quarantined);
    let copied_records = fresh.copied_records;
    let start = WriterStart {
        store: view.identity.id,
        active: fresh.active,
        next: report.next,
        link: fresh.link,
        retained,
        spares: SpareSlot::new(Arc::clone(&environment.disk), options.segment_bytes),
        lock,
    };
    let mut writer = Writer::new(environment.clone(), start);
    boot(environment, options, &mut writer, &report)?;
    let report = StartReport {
        is_new,
        scan: report,
        copied_records,
        removed,
        quarantined,
    };
    Ok((writer, report))
}

/// The segment with which a log goes on.
pub(crate) struct Fresh {
    pub(crate) active: ActiveSegment,
    /// The payload CRC of the last record.
    pub(crate) link: Link,
    pub(crate) copied_records: u64,
    carried: Carried,
}

/// Step 6: makes the segment with which the log goes on, and in it the copy of the suspect tail.
pub(crate) fn fresh_segment(
    environment: &Environment,
    options: &LogOptions,
    view: &View,
    last: LastSegment<'_>,
    report: &ScanReport,
    continuation: &Continuation,
) -> Result<Fresh, OpenError> {
    let disk = environment.disk.as_ref();
    let carried = choose_carried(last, report, continuation);
    let header = SegmentHeader {
        store: view.identity.id,
        seq: view.next_seq(),
        first: carried.first,
        salt: new_salt(environment.entropy.as_ref()),
        previous_salt: carried.previous_salt,
        previous_last: carried.first.previous(),
        previous_link: carried.previous_link,
        file_bytes: options
            .segment_bytes
            .max(FRAMES_OFFSET + 2 * (carried.to - carried.from)),
        created: environment.clock.wall(),
    };
    let copy = copy_frames(disk, last, &header, carried.from..carried.to)?;
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::OldSegmentDeletedEarly) && carried.is_fold {
        remove_if_there(disk, &last.segment.path)?;
        sync_parent(disk, &last.segment.path)?;
    }
    let file = new_segment(disk, &header, &copy.frames)?;
    let active = ActiveSegment {
        file,
        header,
        offset: FRAMES_OFFSET + copy.frames.len() as u64,
    };
    Ok(Fresh {
        active,
        link: copy.link,
        copied_records: copy.records,
        carried,
    })
}

/// Step 7: removes the segments that count for nothing any more.
pub(crate) fn remove_replaced(
    disk: &dyn Disk,
    view: &View,
    fresh: &Fresh,
) -> Result<Vec<PathBuf>, OpenError> {
    let is_fold = fresh.carried.is_fold && !planted(Bug::BootsAccumulate);
    let replaced = view.segments.last().filter(|_| is_fold);
    let mut removed = Vec::new();
    for segment in view.void.iter().chain(replaced) {
        remove_if_there(disk, &segment.path)?;
        sync_parent(disk, &segment.path)?;
        removed.push(segment.path.clone());
    }
    Ok(removed)
}

fn boot(
    environment: &Environment,
    options: &LogOptions,
    writer: &mut Writer,
    report: &ScanReport,
) -> Result<(), AppendError> {
    writer.boot(&Control::Boot {
        wall: environment.clock.wall(),
        pid: options.pid,
        previous_clean: report.ended_clean() || report.records == 0,
        version: options.version.clone(),
    })?;
    Ok(())
}

/// Chooses which records the fresh segment repeats: all of the last segment if that is little, else
/// those above the proven LSN.
pub(crate) fn choose_carried(
    last: LastSegment<'_>,
    report: &ScanReport,
    continuation: &Continuation,
) -> Carried {
    let LastSegment { segment, header } = last;
    let used = continuation.end_offset - FRAMES_OFFSET;
    let room = segment.file_bytes.saturating_sub(FRAMES_OFFSET);
    let is_damaged = report
        .segments
        .last()
        .is_none_or(|summary| summary.is_damaged);
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::TailNotRewritten) {
        let end = continuation.end_offset;
        let first = report.next;
        return Carried {
            first,
            previous_salt: Salt::NONE,
            previous_link: 0,
            from: end,
            to: end,
            is_fold: first == segment.first,
        };
    }
    if !is_damaged && used <= room / FOLD_PART {
        return Carried {
            first: segment.first,
            previous_salt: header.previous_salt,
            previous_link: header.previous_link,
            from: FRAMES_OFFSET,
            to: continuation.end_offset,
            is_fold: true,
        };
    }
    let first = report.durable.next();
    // The record at the proven LSN is the predecessor; when it was not read, none is named.
    let (previous_salt, previous_link) = match continuation.durable_link {
        Some(link) if first > segment.first => (header.salt, link),
        Some(link) => (header.previous_salt, link),
        None => (Salt::NONE, 0),
    };
    Carried {
        first,
        previous_salt,
        previous_link,
        from: continuation.suspect_from.unwrap_or(continuation.end_offset),
        to: continuation.end_offset,
        is_fold: first <= segment.first,
    }
}

pub(crate) struct Copy {
    pub(crate) frames: Vec<u8>,
    pub(crate) records: u64,
    /// The payload CRC of the last record copied, or of the predecessor.
    pub(crate) link: Link,
}

/// Reads the frames in `range`, which the scan has found sound, and writes them anew with the new
/// segment's salt and links.
pub(crate) fn copy_frames(
    disk: &dyn Disk,
    from: LastSegment<'_>,
    header: &SegmentHeader,
    range: std::ops::Range<u64>,
) -> Result<Copy, OpenError> {
    let mut copy = Copy {
        frames: Vec::new(),
        records: 0,
        link: header.previous_link,
    };
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    let path = &from.segment.path;
    read_full(from.segment.file.as_ref(), range.start, &mut bytes)
        .map_err(at(disk, "read", path))?;
    let old = FrameCodec::new(from.header.salt);
    let new = FrameCodec::new(header.salt);
    let changed = || {
        let source = std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "the file changed while it was read",
        );
        at(disk, "read again", path)(source)
    };
    let mut offset = 0;
    while offset < length {
        let frame = &bytes[offset..];
        let head = old.header(frame).map_err(|_| changed())?;
        let holds = frame.len() >= head.frame_bytes() && old.payload_holds(&head, frame);
        let head = holds.then_some(head).ok_or_else(changed)?;
        copy.link = new.append(
            &mut copy.frames,
            &FrameDraft {
                link: copy.link,
                lsn: head.lsn,
                record_type: head.record_type,
                schema: head.schema,
                flags: head.flags,
                payload: &frame[FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + head.payload_bytes],
            },
        );
        copy.records += 1;
        offset += head.frame_bytes();
    }
    Ok(copy)
}

/// Makes a segment with these frames; it has its name only once all of it is durable.
pub(crate) fn new_segment(
    disk: &dyn Disk,
    header: &SegmentHeader,
    frames: &[u8],
) -> Result<Arc<dyn crate::sys::DiskFile>, OpenError> {
    let tmp = layout::tmp_path(&layout::segment_path(header.seq, header.first));
    let blank = make_blank(disk, &tmp, header.file_bytes).map_err(open_error)?;
    publish(disk, &blank, header, frames).map_err(open_error)?;
    let BlankSegment { file, .. } = blank;
    Ok(file)
}

fn open_error(failure: SegmentFailure) -> OpenError {
    OpenError::Io {
        operation: failure.operation,
        path: failure.path,
        source: failure.source,
    }
}

/// Puts damaged files that nothing needs any more where nothing reads them.
fn quarantine_covered(
    environment: &Environment,
    report: &ScanReport,
) -> Result<Vec<PathBuf>, OpenError> {
    let checkpoints = report
        .checkpoints
        .iter()
        .filter(|file| file.whole().is_none())
        .map(|file| layout::checkpoint_path(file.lsn));
    let ends = report
        .segments
        .iter()
        .skip(1)
        .map(|next| next.first.previous());
    let segments = report
        .segments
        .iter()
        .zip(ends)
        .filter(|(segment, end)| segment.is_damaged && *end <= report.base)
        .map(|(segment, _)| segment.path.clone());
    let paths: Vec<PathBuf> = checkpoints.chain(segments).collect();
    if paths.is_empty() {
        return Ok(paths);
    }
    let disk = environment.disk.as_ref();
    let dir = make_quarantine(environment)?;
    for path in &paths {
        // The new name is durable before the old one goes.
        let target = dir.join(path.file_name().unwrap_or_default());
        disk.rename(path, &target)
            .map_err(at(disk, "move into quarantine", path))?;
        sync_parent(disk, &target)?;
        sync_parent(disk, path)?;
    }
    Ok(paths)
}

/// Makes a directory in quarantine, named after the time.
pub(crate) fn make_quarantine(environment: &Environment) -> Result<PathBuf, OpenError> {
    let disk = environment.disk.as_ref();
    let parent = layout::quarantine_dir();
    let wanted = layout::quarantine_for(environment.clock.wall());
    let mut dir = wanted.clone();
    let mut number = 1;
    // One that was broken off may have left files under the same time.
    while disk.list(&dir).is_ok_and(|names| !names.is_empty()) {
        dir = PathBuf::from(format!("{}-{number}", wanted.display()));
        number += 1;
    }
    for path in [parent, &dir] {
        disk.create_dir(path)
            .map_err(at(disk, "create the directory", path))?;
        sync_parent(disk, path)?;
    }
    Ok(dir)
}

fn retained(
    view: &View,
    report: &ScanReport,
    carried: &Carried,
    quarantined: &[PathBuf],
) -> Retained {
    let mut closed = Vec::new();
    for (at, segment) in view.segments.iter().enumerate() {
        let end = view
            .segments
            .get(at + 1)
            .map_or(carried.first, |next| next.first)
            .previous();
        let is_gone =
            quarantined.contains(&segment.path) || carried.is_fold && at + 1 == view.segments.len();
        if !is_gone {
            let path = segment.path.clone();
            closed.push(ClosedSegment {
                path,
                last: end,
                file_bytes: segment.file_bytes,
            });
        }
    }
    let whole = report
        .checkpoints
        .iter()
        .filter(|file| file.whole().is_some());
    Retained {
        closed,
        checkpoints: whole.map(|file| file.lsn).collect(),
    }
}

/// For a planted bug only: goes on in the same file.
#[cfg(feature = "bug-hooks")]
fn continue_in_place(
    environment: &Environment,
    options: &LogOptions,
    view: &View,
    report: ScanReport,
    continuation: &Continuation,
    last: LastSegment<'_>,
    lock: Option<Box<dyn LockGuard>>,
) -> Result<(Writer, StartReport), OpenError> {
    let disk = environment.disk.as_ref();
    let LastSegment { segment, header } = last;
    let file =
        disk.open(&segment.path, Access::ReadWrite)
            .map_err(at(disk, "open", &segment.path))?;
    let copy = copy_frames(disk, last, &header, FRAMES_OFFSET..continuation.end_offset)?;
    let zeros = vec![0; usize::try_from(header.file_bytes - continuation.end_offset).unwrap_or(0)];
    super::fileops::write_all(file.as_ref(), continuation.end_offset, &zeros).map_err(at(
        disk,
        "write",
        &segment.path,
    ))?;
    let carried = Carried {
        first: segment.first,
        previous_salt: header.previous_salt,
        previous_link: header.previous_link,
        from: 0,
        to: 0,
        is_fold: true,
    };
    let start = WriterStart {
        store: view.identity.id,
        active: ActiveSegment {
            file,
            header,
            offset: continuation.end_offset,
        },
        next: report.next,
        link: copy.link,
        retained: retained(view, &report, &carried, &[]),
        spares: SpareSlot::new(Arc::clone(&environment.disk), options.segment_bytes),
        lock,
    };
    let mut writer = Writer::new(environment.clone(), start);
    boot(environment, options, &mut writer, &report)?;
    let report = StartReport {
        is_new: false,
        scan: report,
        copied_records: 0,
        removed: Vec::new(),
        quarantined: Vec::new(),
    };
    Ok((writer, report))
}
