//! One file of the log.
//!
//! ```text
//!      0  header, first copy (96 bytes), zeros
//!   2048  header, second copy, zeros
//!   4096  frames, back to back; zeros to the end of the file
//! ```
//!
//! The header, little endian:
//!
//! ```text
//! offset size
//!      0    8  "TOCSIN\0W"
//!      8    2  format version                        these two keep their place in every version
//!     10    6  zero
//!     16   16  store id
//!     32    8  segment number
//!     40    8  LSN of the first record
//!     48    8  salt
//!     56    8  salt of the segment before (0: none, or not known)
//!     64    8  LSN of the last record before this segment
//!     72    8  length of this file
//!     80    8  wall time of creation, ns
//!     88    4  payload CRC of the last record before this segment (0: none, or not known)
//!     92    4  CRC-32 over bytes 0..92
//! ```
//!
//! **Invariants**
//! * A segment has its name only once its header, and every record that recovery copied into it, is
//!   durable; its full length was filled with zeros and synced before that, so that appending changes
//!   neither length nor block map, and a file shorter than its header says was cut by someone.
//! * A segment whose first LSN is *n* voids everything from *n* on in all segments with lower
//!   numbers. In normal running that range is empty; after a torn tail it is what recovery copied.
//! * Its word about the predecessor ("last LSN *n* − 1, with this CRC") is a durable claim.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::fileops::{is_no_room, read_full, write_all};
use super::frame::{Link, PAYLOAD_BYTES_MAX, frame_bytes, u16_at, u32_at, u64_at};
use super::ids::{Lsn, Salt, SegmentSeq, StoreId};
use super::layout;
use crate::bugs::{Bug, planted, unless_planted};
use crate::sys::{Disk, DiskFile, WallTime};

/// The format version this program writes, and the highest it reads.
pub const FORMAT_VERSION: u16 = 1;

/// The first frame starts here.
pub const FRAMES_OFFSET: u64 = HEADER_PAGE_BYTES as u64;

const HEADER_PAGE_BYTES: usize = 4096;

const MAGIC: &[u8; 8] = b"TOCSIN\0W";
const HEADER_BYTES: usize = 96;
const SECOND_COPY_OFFSET: usize = 2048;

/// The smallest segment: the header page and room for a few records (tests use it).
pub const SEGMENT_BYTES_MIN: u64 = 8192;

/// 16 MiB: some 45,000 alerts; long enough that a rotation is rare, short enough that the copying
/// of a short tail at start, and the zero-filling ahead of need, take milliseconds.
pub const SEGMENT_BYTES_DEFAULT: u64 = 16 * 1024 * 1024;

/// 1 GiB: beyond it, start-up would spend seconds filling with zeros.
pub const SEGMENT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHeader {
    /// The store it belongs to.
    pub store: StoreId,
    /// Its number.
    pub seq: SegmentSeq,
    /// The LSN of its first record.
    pub first: Lsn,
    /// Part of every checksum in it.
    pub salt: Salt,
    /// The salt of the segment before, [`Salt::NONE`] if there is none or it is not known.
    pub previous_salt: Salt,
    /// The last record before this segment; it was durable when this header was written.
    pub previous_last: Lsn,
    /// The payload CRC of that record, 0 if there is none or it is not known.
    pub previous_link: Link,
    /// The length that the file was given.
    pub file_bytes: u64,
    /// When it was made.
    pub created: WallTime,
}

/// Why a file's header cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderFault {
    /// Written by a later version.
    Newer(u16),
    /// Neither copy is whole.
    Damaged,
}

impl SegmentHeader {
    /// One copy.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(MAGIC);
        out[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[16..32].copy_from_slice(self.store.0.as_bytes());
        out[32..40].copy_from_slice(&self.seq.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.first.0.to_le_bytes());
        out[48..56].copy_from_slice(&self.salt.0.to_le_bytes());
        out[56..64].copy_from_slice(&self.previous_salt.0.to_le_bytes());
        out[64..72].copy_from_slice(&self.previous_last.0.to_le_bytes());
        out[72..80].copy_from_slice(&self.file_bytes.to_le_bytes());
        out[80..88].copy_from_slice(&self.created.0.to_le_bytes());
        out[88..92].copy_from_slice(&self.previous_link.to_le_bytes());
        let crc = crc32fast::hash(&out[..92]);
        out[92..96].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The header page: both copies.
    #[must_use]
    pub fn encode_page(&self) -> Vec<u8> {
        let mut page = vec![0; HEADER_PAGE_BYTES];
        let copy = self.encode();
        page[..HEADER_BYTES].copy_from_slice(&copy);
        if !planted(Bug::OneHeaderCopy) {
            page[SECOND_COPY_OFFSET..SECOND_COPY_OFFSET + HEADER_BYTES].copy_from_slice(&copy);
        }
        page
    }

    /// Reads the header from the first page of a file: the first copy that is whole.
    ///
    /// # Errors
    /// That a later version wrote it, or that neither copy is whole.
    pub fn decode_page(page: &[u8]) -> Result<Self, HeaderFault> {
        let mut newer = None;
        for offset in [0, SECOND_COPY_OFFSET] {
            let Some(copy) = page.get(offset..offset + HEADER_BYTES) else {
                continue;
            };
            match Self::decode(copy) {
                Ok(header) => return Ok(header),
                Err(HeaderFault::Newer(version)) => newer = Some(version),
                Err(HeaderFault::Damaged) => {}
            }
        }
        Err(newer.map_or(HeaderFault::Damaged, HeaderFault::Newer))
    }

    fn decode(copy: &[u8]) -> Result<Self, HeaderFault> {
        if &copy[0..8] != MAGIC {
            return Err(HeaderFault::Damaged);
        }
        if crc32fast::hash(&copy[..92]) != u32_at(copy, 92) {
            return Err(HeaderFault::Damaged);
        }
        // Later versions keep this checksum over these bytes, so that a flipped bit in the version
        // is damage and not the future.
        let version = u16_at(copy, 8);
        if version != FORMAT_VERSION {
            return Err(HeaderFault::Newer(version));
        }
        let mut store = [0; 16];
        store.copy_from_slice(&copy[16..32]);
        Ok(Self {
            store: StoreId(uuid::Uuid::from_bytes(store)),
            seq: SegmentSeq(u64_at(copy, 32)),
            first: Lsn(u64_at(copy, 40)),
            salt: Salt(u64_at(copy, 48)),
            previous_salt: Salt(u64_at(copy, 56)),
            previous_last: Lsn(u64_at(copy, 64)),
            file_bytes: u64_at(copy, 72),
            created: WallTime(u64_at(copy, 80).cast_signed()),
            previous_link: u32_at(copy, 88),
        })
    }

    /// Reads the header of an open file.
    ///
    /// # Errors
    /// The outer error is the disk's.
    pub fn read(file: &dyn DiskFile) -> io::Result<Result<Self, HeaderFault>> {
        let mut page = vec![0; HEADER_PAGE_BYTES];
        let read = read_full(file, 0, &mut page)?;
        Ok(Self::decode_page(&page[..read]))
    }
}

/// The longest batch that fits into segments of that length: half of one, so that the tail that a
/// start has to copy always fits with room to spare.
#[must_use]
pub fn batch_bytes_max(segment_bytes: u64) -> usize {
    let half = segment_bytes.saturating_sub(FRAMES_OFFSET) / 2;
    usize::try_from(half)
        .unwrap_or(usize::MAX)
        .min(frame_bytes(PAYLOAD_BYTES_MAX) + 4096)
}

/// A file filled with zeros and synced, without a header yet.
#[derive(Debug)]
pub(crate) struct BlankSegment {
    pub(crate) path: std::path::PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) file_bytes: u64,
}

/// A failure while making a segment.
#[derive(Debug)]
pub(crate) struct SegmentFailure {
    pub(crate) operation: &'static str,
    pub(crate) path: std::path::PathBuf,
    pub(crate) source: io::Error,
    /// No room or no handle: the log can go on once that has passed.
    pub(crate) is_transient: bool,
}

/// Makes a file of `file_bytes` zeros at `path` and syncs it.
///
/// On a failure the file is removed if that is possible; else the next start removes it.
pub(crate) fn make_blank(
    disk: &dyn Disk,
    path: &Path,
    file_bytes: u64,
) -> Result<BlankSegment, SegmentFailure> {
    let fail = |operation, source: io::Error| SegmentFailure {
        operation,
        path: disk.display(path),
        is_transient: is_no_room(&source),
        source,
    };
    let file = disk.create(path).map_err(|source| fail("create", source))?;
    let filled = unless_planted(Bug::SegmentNotPreallocated, || {
        file.preallocate(file_bytes)
            .map_err(|source| fail("fill with zeros", source))?;
        file.fdatasync().map_err(|source| fail("sync", source))
    });
    if let Err(failure) = filled {
        // The first error is the one to report; a leftover is harmless and goes at the next start.
        let _ = disk.unlink(path);
        return Err(failure);
    }
    Ok(BlankSegment {
        path: path.to_path_buf(),
        file,
        file_bytes,
    })
}

/// Turns a blank file into a segment: header and `frames` durable first, then the name, then the
/// directory.
///
/// ```text
/// write header + frames ─► fdatasync ─► rename ─► sync directory
///   crash before the rename: a *.tmp that the next start removes
///   crash after it: a whole segment, whether the name survived or not
/// ```
pub(crate) fn publish(
    disk: &dyn Disk,
    blank: &BlankSegment,
    header: &SegmentHeader,
    frames: &[u8],
) -> Result<std::path::PathBuf, SegmentFailure> {
    let path = layout::segment_path(header.seq, header.first);
    let fail = |operation, source: io::Error, is_transient| SegmentFailure {
        operation,
        path: disk.display(&path),
        source,
        is_transient,
    };
    write_all(blank.file.as_ref(), 0, &header.encode_page())
        .and_then(|()| write_all(blank.file.as_ref(), FRAMES_OFFSET, frames))
        .map_err(|source| {
            let no_room = is_no_room(&source);
            fail("write the header of", source, no_room)
        })?;
    let sync = || {
        let synced = blank.file.fdatasync();
        synced.map_err(|source| fail("sync", source, false))
    };
    unless_planted(Bug::TailPublishedEarly, sync)?;
    disk.rename(&blank.path, &path).map_err(|source| {
        let no_room = is_no_room(&source);
        fail("name", source, no_room)
    })?;
    unless_planted(Bug::NoDirSyncAfterCreate, || {
        disk.sync_dir(layout::wal_dir())
            .map_err(|source| fail("sync the directory of", source, false))
    })?;
    #[cfg(feature = "bug-hooks")]
    if planted(Bug::TailPublishedEarly) {
        sync()?;
    }
    Ok(path)
}
