//! What lies in a data directory, before any record is read: the identity, the checkpoints, the
//! segments and which of them count. Changes nothing, so it can be used beside a running process.

use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::{CheckpointFile, newest_first};
use super::error::OpenError;
use super::fileops::at;
use super::frame::Broken;
use super::ids::{Lsn, SegmentSeq, StoreId};
use super::layout;
use super::report::Cause;
use super::segment::{FORMAT_VERSION, HeaderFault, SegmentHeader};
use super::store::StoreIdentity;
use crate::bugs::{Bug, planted};
use crate::sys::{Access, Disk, DiskFile};

/// A segment file.
#[derive(Debug, Clone)]
pub struct Segment {
    /// Its path.
    pub path: PathBuf,
    /// Its number, from the name.
    pub seq: SegmentSeq,
    /// Its first LSN, from the name.
    pub first: Lsn,
    /// Its length.
    pub file_bytes: u64,
    /// Its header, or what is wrong with it.
    pub header: Result<SegmentHeader, Cause>,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// The segment in which the log ends, with its header: only such a log can be continued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastSegment<'a> {
    pub(crate) segment: &'a Segment,
    pub(crate) header: SegmentHeader,
}

/// The files of a store.
#[derive(Debug, Clone)]
pub struct View {
    /// The store's identity.
    pub identity: StoreIdentity,
    /// Every checkpoint, newest first.
    pub checkpoints: Vec<CheckpointFile>,
    /// The segments that count, by rising LSN.
    pub segments: Vec<Segment>,
    /// Segments that a later one has replaced whole.
    pub void: Vec<Segment>,
}

impl View {
    /// Looks at a store.
    ///
    /// # Errors
    /// That there is no store, that it was written by a later version, that a file in it belongs to
    /// another store, or whatever the disk reports.
    pub fn load(disk: &dyn Disk) -> Result<Self, OpenError> {
        let Some(identity) = StoreIdentity::read(disk)? else {
            return Err(without_identity(disk)?);
        };
        Self::load_as(disk, identity)
    }

    pub(crate) fn load_as(disk: &dyn Disk, identity: StoreIdentity) -> Result<Self, OpenError> {
        let mut all = list_segments(disk)?;
        for segment in &mut all {
            let Ok(header) = segment.header else { continue };
            if header.store != identity.id && !planted(Bug::StoreIdNotChecked) {
                return Err(OpenError::Foreign {
                    path: disk.display(&segment.path),
                    found: header.store,
                    expected: identity.id,
                });
            }
            if (header.seq, header.first) != (segment.seq, segment.first) {
                segment.header = Err(Cause::Name);
            }
        }
        all.sort_by_key(|segment| segment.seq);
        let (segments, void) = split_void(all);
        let checkpoints = newest_first(disk, identity.id)?;
        Ok(Self {
            identity,
            checkpoints,
            segments,
            void,
        })
    }

    /// The LSN that recovery starts from: that of the newest whole checkpoint, or zero.
    #[must_use]
    pub fn base(&self) -> Lsn {
        self.checkpoints
            .iter()
            .find_map(CheckpointFile::whole)
            .map_or(Lsn::ZERO, |info| info.lsn)
    }

    /// The segment in which the log ends; `None` when there is none, or its header is not readable,
    /// both of which a scan reports as damage.
    pub(crate) fn last(&self) -> Option<LastSegment<'_>> {
        let segment = self.segments.last()?;
        let header = segment.header.ok()?;
        Some(LastSegment { segment, header })
    }

    /// The number for the next segment file.
    #[must_use]
    pub fn next_seq(&self) -> SegmentSeq {
        let highest = self
            .segments
            .iter()
            .chain(&self.void)
            .map(|segment| segment.seq.0)
            .max();
        SegmentSeq(highest.unwrap_or(0).saturating_add(1))
    }

    /// All bytes of the segments that count: what a scan will read, for a progress bar.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_bytes).sum()
    }
}

/// The error for a directory without `STORE`.
pub(crate) fn without_identity(disk: &dyn Disk) -> Result<OpenError, OpenError> {
    let root = layout::root_dir();
    disk.list(root)
        .map_err(at(disk, "open the data directory", root))?;
    if list_segments(disk)?.is_empty() {
        return Ok(OpenError::NotAStore {
            path: disk.display(root),
        });
    }
    Ok(OpenError::IdentityMissing {
        path: disk.display(layout::store_path()),
    })
}

/// Opens every segment file and reads its header.
pub(crate) fn list_segments(disk: &dyn Disk) -> Result<Vec<Segment>, OpenError> {
    let dir = layout::wal_dir();
    let names = match disk.list(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(at(disk, "list", dir))?,
    };
    let mut segments = Vec::new();
    for name in names {
        let Some((seq, first)) = layout::parse_segment_name(&name) else {
            continue;
        };
        let path = dir.join(&name);
        let file = match disk.open(&path, Access::Read) {
            // A running process may remove a segment that is no longer needed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other.map_err(at(disk, "open", &path))?,
        };
        let file_bytes = file.len().map_err(at(disk, "measure", &path))?;
        let header = match SegmentHeader::read(file.as_ref()) {
            Err(_) => Err(Cause::Frame(Broken::Unreadable)),
            Ok(Err(HeaderFault::Damaged)) => Err(Cause::Header),
            Ok(Err(HeaderFault::Newer(found))) => {
                return Err(OpenError::NewerFormat {
                    path: disk.display(&path),
                    found,
                    supported: FORMAT_VERSION,
                });
            }
            Ok(Ok(header)) => Ok(header),
        };
        segments.push(Segment {
            path,
            seq,
            first,
            file_bytes,
            header,
            file,
        });
    }
    Ok(segments)
}

/// A segment whose first LSN is not below that of every later one counts for nothing: all that it
/// held was copied into the later one before that got its name.
fn split_void(ascending: Vec<Segment>) -> (Vec<Segment>, Vec<Segment>) {
    let mut lowest = Lsn(u64::MAX);
    let mut segments = Vec::new();
    let mut void = Vec::new();
    for segment in ascending.into_iter().rev() {
        if segment.first < lowest {
            lowest = segment.first;
            segments.push(segment);
        } else {
            void.push(segment);
        }
    }
    segments.reverse();
    void.reverse();
    (segments, void)
}

/// The store that the segments belong to, when all that are readable agree.
pub(crate) fn identity_of_segments(segments: &[Segment]) -> Option<StoreId> {
    let mut ids = segments
        .iter()
        .filter_map(|segment| segment.header.ok())
        .map(|header| header.store);
    let first = ids.next()?;
    ids.all(|id| id == first).then_some(first)
}
