//! Offline repair: never in place, never without a copy of what was damaged.
//!
//! *Tail* does what a start does by itself: it copies the suspect tail into a fresh segment, which
//! voids the torn bytes. *Salvage* is for damage to acknowledged records: it keeps every record
//! whose checksums hold and puts a `Lost` record where others were, so that the gap is part of the
//! log for ever and every later reader knows of it.
//!
//! ```text
//! 1 lock ─ 2 scan ─ 3 copy damaged files to quarantine/<time>/ ─ 4 write the new segment, sync, name it
//!   ─ 5 read it back ─ 6 remove what it replaces ─ 7 report.json
//!   crash before 4 ends: the store is as it was; after it: the repaired store, and what step 6 did
//!   not remove counts for nothing and goes at the next start
//! ```

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::checkpoint::CheckpointFile;
use super::control::{CONTROL_SCHEMA, Control};
use super::error::OpenError;
use super::fileops::{at, read_full, remove_if_there, sync_parent, write_all};
use super::frame::{FrameCodec, FrameDraft, Link, frame_bytes};
use super::ids::{Lsn, RecordType, Salt};
use super::layout;
use super::recover::{
    LogOptions, fresh_segment, lock_store, make_quarantine, remove_replaced, remove_unfinished,
};
use super::report::{Class, Damage, ScanReport};
use super::scan::{Behind, Scan, Scanned, Visitor, scan};
use super::segment::{BlankSegment, FRAMES_OFFSET, SegmentHeader, make_blank};
use super::store::StoreIdentity;
use super::view::{View, identity_of_segments, list_segments, without_identity};
use super::writer::{Environment, new_salt};
use crate::sys::{Access, Disk, DiskFile};

/// Copying goes in pieces of this size.
const COPY_BYTES: usize = 1024 * 1024;

/// A stretch of records that could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostRange {
    /// The first record.
    pub first_lsn: u64,
    /// The last record; `null` when nothing says how many there were.
    pub last_lsn: Option<u64>,
    /// The file that held them, as far as it is known.
    pub file: String,
    /// Where in that file.
    pub offset: u64,
    /// What was wrong.
    pub cause: String,
    /// Whether a checkpoint has their effect, so that nothing is lost as long as it is readable.
    pub covered_by_checkpoint: bool,
}

/// What a repair did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepairReport {
    /// `tail` or `salvage`.
    pub kind: &'static str,
    /// The class before: E, S, T, C or M.
    pub class_before: char,
    /// Whether anything was changed.
    pub changed: bool,
    /// Records that are in the log now.
    pub kept_records: u64,
    /// Bytes of a torn tail that were dropped.
    pub dropped_tail_bytes: u64,
    /// Records that are not.
    pub lost: Vec<LostRange>,
    /// Copies of the damaged files.
    pub quarantined: Vec<String>,
    /// Files that were replaced.
    pub removed: Vec<String>,
    /// The segment that was written.
    pub new_segment: Option<String>,
    /// Whether `STORE` had to be made anew.
    pub identity_rebuilt: bool,
    /// Where this report was written.
    pub report_file: Option<String>,
}

impl RepairReport {
    fn new(kind: &'static str, report: &ScanReport) -> Self {
        Self {
            kind,
            class_before: report.class.letter(),
            changed: false,
            kept_records: report.records,
            dropped_tail_bytes: report.torn.as_ref().map_or(0, |torn| torn.bytes),
            lost: report.damage.iter().map(lost_range).collect(),
            quarantined: Vec::new(),
            removed: Vec::new(),
            new_segment: None,
            identity_rebuilt: false,
            report_file: None,
        }
    }
}

fn lost_range(damage: &Damage) -> LostRange {
    LostRange {
        first_lsn: damage.first.0,
        last_lsn: damage.last.map(|lsn| lsn.0),
        file: damage.path.display().to_string(),
        offset: damage.offset,
        cause: damage.cause.to_string(),
        covered_by_checkpoint: damage.is_covered,
    }
}

/// Drops a torn tail, as the next start would.
///
/// # Errors
/// That acknowledged records are damaged (then nothing was changed), that the store is in use, or
/// whatever the disk reports.
pub fn repair_tail(
    environment: &Environment,
    options: &LogOptions,
) -> Result<RepairReport, OpenError> {
    let disk = environment.disk.as_ref();
    if StoreIdentity::read(disk)?.is_none() {
        return Err(without_identity(disk)?);
    }
    let _lock = lock_store(environment)?;
    remove_unfinished(disk)?;
    let view = View::load(disk)?;
    let Scan {
        report,
        continuation,
    } = scan(&view, Behind::Stop, &mut |_: &Scanned<'_>| Ok(()))?;
    if report.class == Class::Damaged {
        return Err(OpenError::Damaged(Box::new(report)));
    }
    let mut done = RepairReport::new("tail", &report);
    let (Some(torn), Some(last)) = (&report.torn, view.last()) else {
        return Ok(done);
    };
    let dir = make_quarantine(environment)?;
    done.quarantined.push(copy_file(disk, &torn.path, &dir)?);
    let fresh = fresh_segment(environment, options, &view, last, &report, &continuation)?;
    let header = fresh.active.header;
    done.new_segment = Some(shown(disk, &layout::segment_path(header.seq, header.first)));
    let removed = remove_replaced(disk, &view, &fresh)?;
    done.removed = removed.iter().map(|path| shown(disk, path)).collect();
    finish(disk, &dir, done)
}

/// Keeps every record whose checksums hold.
///
/// # Errors
/// That the store is in use, that there is nothing to go by, or whatever the disk reports. Unless
/// the new segment has its name, the store is as it was.
pub fn salvage(environment: &Environment, options: &LogOptions) -> Result<RepairReport, OpenError> {
    let disk = environment.disk.as_ref();
    let (identity, identity_rebuilt) = identity(disk)?;
    let _lock = lock_store(environment)?;
    remove_unfinished(disk)?;
    let view = View::load_as(disk, identity)?;
    let report = scan(&view, Behind::HandOn, &mut |_: &Scanned<'_>| Ok(()))?.report;
    let mut done = RepairReport::new("salvage", &report);
    done.identity_rebuilt = identity_rebuilt;
    if report.damage.is_empty() && damaged_checkpoints(&view).is_empty() && !identity_rebuilt {
        return Ok(done);
    }
    let dir = make_quarantine(environment)?;
    if identity_rebuilt {
        if disk.open(layout::store_path(), Access::Read).is_ok() {
            done.quarantined
                .push(copy_file(disk, layout::store_path(), &dir)?);
        }
        identity.write(disk)?;
    }
    let replaced = replaced_by_salvage(&view, &report);
    if !report.damage.is_empty() {
        let damaged = report.segments.iter().filter(|segment| segment.is_damaged);
        for segment in damaged {
            done.quarantined.push(copy_file(disk, &segment.path, &dir)?);
        }
        let path = write_survivors(environment, options, &view, &report)?;
        done.new_segment = Some(shown(disk, &path));
    }
    for checkpoint in damaged_checkpoints_of(&replaced) {
        done.quarantined.push(copy_file(disk, checkpoint, &dir)?);
    }
    verify(disk, &report)?;
    for path in &replaced {
        remove_if_there(disk, path)?;
        sync_parent(disk, path)?;
        done.removed.push(shown(disk, path));
    }
    finish(disk, &dir, done)
}

/// What [`repair_tail`] would do. Changes nothing and takes no lock, so the store must stand still.
///
/// # Errors
/// As [`repair_tail`].
pub fn repair_tail_dry_run(disk: &dyn Disk) -> Result<RepairReport, OpenError> {
    let view = View::load(disk)?;
    let report = scan(&view, Behind::Stop, &mut |_: &Scanned<'_>| Ok(()))?.report;
    if report.class == Class::Damaged {
        return Err(OpenError::Damaged(Box::new(report)));
    }
    Ok(RepairReport::new("tail", &report))
}

/// What [`salvage`] would do. Changes nothing and takes no lock, so the store must stand still.
///
/// # Errors
/// As [`salvage`].
pub fn salvage_dry_run(disk: &dyn Disk) -> Result<RepairReport, OpenError> {
    let (identity, identity_rebuilt) = identity(disk)?;
    let view = View::load_as(disk, identity)?;
    let report = scan(&view, Behind::HandOn, &mut |_: &Scanned<'_>| Ok(()))?.report;
    let mut would = RepairReport::new("salvage", &report);
    would.identity_rebuilt = identity_rebuilt;
    would.removed = replaced_by_salvage(&view, &report)
        .iter()
        .map(|path| shown(disk, path))
        .collect();
    Ok(would)
}

fn identity(disk: &dyn Disk) -> Result<(StoreIdentity, bool), OpenError> {
    match StoreIdentity::read(disk) {
        Ok(Some(identity)) => Ok((identity, false)),
        Ok(None) => match identity_from_segments(disk)? {
            Some(identity) => Ok((identity, true)),
            None => Err(without_identity(disk)?),
        },
        Err(damaged @ OpenError::IdentityDamaged { .. }) => {
            Ok((identity_from_segments(disk)?.ok_or(damaged)?, true))
        }
        Err(other) => Err(other),
    }
}

fn identity_from_segments(disk: &dyn Disk) -> Result<Option<StoreIdentity>, OpenError> {
    let segments = list_segments(disk)?;
    let created = segments
        .iter()
        .filter_map(|segment| segment.header.ok())
        .map(|h| h.created)
        .min();
    let id = identity_of_segments(&segments);
    Ok(id
        .zip(created)
        .map(|(id, created)| StoreIdentity { id, created }))
}

/// The files that are removed at the end of a salvage: checkpoints that cannot be used and, when
/// there is damage, all segments, whose readable records are then in the new one.
fn replaced_by_salvage(view: &View, report: &ScanReport) -> Vec<PathBuf> {
    let mut replaced = damaged_checkpoints(view);
    if !report.damage.is_empty() {
        let segments = view.void.iter().chain(&view.segments);
        replaced.extend(segments.map(|segment| segment.path.clone()));
    }
    replaced
}

fn damaged_checkpoints(view: &View) -> Vec<PathBuf> {
    let damaged = |file: &&CheckpointFile| file.whole().is_none();
    view.checkpoints
        .iter()
        .filter(damaged)
        .map(|file| layout::checkpoint_path(file.lsn))
        .collect()
}

fn damaged_checkpoints_of(replaced: &[PathBuf]) -> impl Iterator<Item = &PathBuf> {
    replaced
        .iter()
        .filter(|path| path.starts_with(layout::checkpoint_dir()))
}

/// Writes frames one after the other into a file that is not yet a segment.
struct Survivors<'a> {
    disk: &'a dyn Disk,
    blank: &'a BlankSegment,
    codec: FrameCodec,
    offset: u64,
    buffer: Vec<u8>,
    link: Link,
    expected: Lsn,
}

impl Survivors<'_> {
    fn put(&mut self, lsn: Lsn, draft: &FrameDraft<'_>) -> Result<(), OpenError> {
        self.link = self.codec.append(&mut self.buffer, draft);
        self.expected = lsn.next();
        if self.buffer.len() >= COPY_BYTES {
            self.write_out()
        } else {
            Ok(())
        }
    }

    fn write_out(&mut self) -> Result<(), OpenError> {
        write_all(self.blank.file.as_ref(), self.offset, &self.buffer).map_err(at(
            self.disk,
            "write",
            &self.blank.path,
        ))?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Puts a `Lost` record over everything before `next` that has not come.
    fn give_up_before(&mut self, next: Lsn) -> Result<(), OpenError> {
        if next <= self.expected {
            return Ok(());
        }
        let to = next.previous();
        let payload = Control::Lost {
            from: self.expected,
            to,
        }
        .encode();
        let draft = FrameDraft {
            link: self.link,
            lsn: to,
            record_type: RecordType::LOST,
            schema: CONTROL_SCHEMA,
            flags: 0,
            payload: &payload,
        };
        self.put(to, &draft)
    }
}

impl Visitor for Survivors<'_> {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError> {
        let first = match record.control {
            Some(Control::Lost { from, .. }) => from,
            _ => record.lsn,
        };
        self.give_up_before(first)?;
        let draft = FrameDraft {
            link: self.link,
            lsn: record.lsn,
            record_type: record.record_type,
            schema: record.schema,
            flags: record.flags,
            payload: record.payload,
        };
        self.put(record.lsn, &draft)
    }
}

/// Writes one segment with everything that is readable; its first LSN voids all others.
fn write_survivors(
    environment: &Environment,
    options: &LogOptions,
    view: &View,
    report: &ScanReport,
) -> Result<PathBuf, OpenError> {
    let disk = environment.disk.as_ref();
    let first = view.segments.first().map_or(report.base.next(), |segment| {
        segment.first.min(report.base.next())
    });
    let lost_bytes = (report.damage.len() + 1) * frame_bytes(16);
    let needed = FRAMES_OFFSET + report.record_bytes + lost_bytes as u64;
    let header = SegmentHeader {
        store: view.identity.id,
        seq: view.next_seq(),
        first,
        salt: new_salt(environment.entropy.as_ref()),
        previous_salt: Salt::NONE,
        previous_last: first.previous(),
        previous_link: 0,
        file_bytes: needed
            .next_multiple_of(FRAMES_OFFSET)
            .max(options.segment_bytes),
        created: environment.clock.wall(),
    };
    let path = layout::segment_path(header.seq, header.first);
    let tmp = layout::tmp_path(&path);
    let blank = make_blank(disk, &tmp, header.file_bytes).map_err(|failure| OpenError::Io {
        operation: failure.operation,
        path: failure.path,
        source: failure.source,
    })?;
    let mut survivors = Survivors {
        disk,
        blank: &blank,
        codec: FrameCodec::new(header.salt),
        offset: FRAMES_OFFSET,
        buffer: Vec::new(),
        link: 0,
        expected: first,
    };
    let again = scan(view, Behind::HandOn, &mut survivors)?.report;
    if (again.records, &again.damage) != (report.records, &report.damage) {
        // What was announced as kept must not be given up because the device failed meanwhile.
        let source = std::io::Error::other(
            "the damage is not the same at a second reading; the device may be failing, and nothing was changed",
        );
        // The unfinished file is of no use; if it stays, the next start removes it.
        let _ = remove_if_there(disk, &tmp);
        return Err(at(disk, "salvage into", &path)(source));
    }
    survivors.give_up_before(report.next)?;
    survivors.write_out()?;
    write_all(blank.file.as_ref(), 0, &header.encode_page()).map_err(at(disk, "write", &tmp))?;
    blank.file.fdatasync().map_err(at(disk, "sync", &tmp))?;
    disk.rename(&tmp, &path).map_err(at(disk, "rename", &tmp))?;
    sync_parent(disk, &path)?;
    Ok(path)
}

/// Reads the repaired log back before anything is removed.
fn verify(disk: &dyn Disk, before: &ScanReport) -> Result<(), OpenError> {
    let view = View::load(disk)?;
    let after = scan(&view, Behind::Stop, &mut |_: &Scanned<'_>| Ok(()))?.report;
    if after.class <= Class::TornTail && after.next == before.next {
        return Ok(());
    }
    Err(OpenError::Damaged(Box::new(after)))
}

fn shown(disk: &dyn Disk, path: &Path) -> String {
    disk.display(path).display().to_string()
}

/// Copies a file into quarantine, durably. What cannot be read is left out as zeros.
fn copy_file(disk: &dyn Disk, path: &Path, dir: &Path) -> Result<String, OpenError> {
    let target = dir.join(path.file_name().unwrap_or_default());
    let from = disk
        .open(path, Access::Read)
        .map_err(at(disk, "open", path))?;
    let to = disk.create(&target).map_err(at(disk, "create", &target))?;
    let length = from.len().map_err(at(disk, "measure", path))?;
    let mut buffer = vec![0; COPY_BYTES];
    let mut offset = 0;
    while offset < length {
        let read = match read_full(from.as_ref(), offset, &mut buffer) {
            Ok(read) => read,
            Err(_) => read_in_pieces(from.as_ref(), offset, length, &mut buffer),
        };
        write_all(to.as_ref(), offset, &buffer[..read]).map_err(at(disk, "write", &target))?;
        offset += COPY_BYTES as u64;
    }
    to.preallocate(length).map_err(at(disk, "write", &target))?;
    to.fdatasync().map_err(at(disk, "sync", &target))?;
    sync_parent(disk, &target)?;
    Ok(shown(disk, &target))
}

/// Reads around what the device cannot read: zeros stand there.
fn read_in_pieces(from: &dyn DiskFile, offset: u64, length: u64, buffer: &mut [u8]) -> usize {
    const PIECE_BYTES: usize = 4096;
    let wanted = usize::try_from(length - offset)
        .unwrap_or(usize::MAX)
        .min(buffer.len());
    let mut at = offset;
    for piece in buffer[..wanted].chunks_mut(PIECE_BYTES) {
        if read_full(from, at, piece).is_err() {
            piece.fill(0);
        }
        at += piece.len() as u64;
    }
    wanted
}

fn finish(disk: &dyn Disk, dir: &Path, mut done: RepairReport) -> Result<RepairReport, OpenError> {
    let path = dir.join("report.json");
    done.changed = true;
    done.report_file = Some(shown(disk, &path));
    let text = serde_json::to_string_pretty(&done).unwrap_or_default() + "\n";
    let file = disk.create(&path).map_err(at(disk, "create", &path))?;
    write_all(file.as_ref(), 0, text.as_bytes()).map_err(at(disk, "write", &path))?;
    file.fdatasync().map_err(at(disk, "sync", &path))?;
    sync_parent(disk, &path)?;
    Ok(done)
}
