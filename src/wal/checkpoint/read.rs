//! Reading a checkpoint back: every byte is covered by a checksum, and none is believed before.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::{
    ALIGN, HEADER_BYTES, HEADER_CRC_OFFSET, MAGIC, SECTION_BYTES_MAX, SECTION_HEADER_BYTES,
    TRAILER_BYTES, TRAILER_KIND,
};
use crate::bugs::{Bug, planted};
use crate::sys::{Disk, DiskFile};
use crate::wal::error::OpenError;
use crate::wal::fileops::{at, open_existing, read_full};
use crate::wal::frame::{u16_at, u32_at, u64_at};
use crate::wal::ids::{Lsn, StoreId};
use crate::wal::layout;
use crate::wal::segment::FORMAT_VERSION;

/// What a whole checkpoint says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointInfo {
    /// The last record it contains.
    pub lsn: Lsn,
    /// The file's length in bytes.
    pub file_bytes: u64,
    /// The checksum over the file.
    pub crc: u32,
    /// The caller's hash of the state.
    pub state_hash: u64,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointDamage {
    /// The file does not begin like a checkpoint, or its header's checksum is wrong.
    Header,
    /// It names another LSN than its file name.
    Name,
    /// A section or the whole does not match its checksum.
    Checksum,
    /// The file ends too early, or goes on after its end.
    Length,
    /// The device cannot read it.
    Unreadable,
}

impl fmt::Display for CheckpointDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "its header is damaged",
            Self::Name => "its name and its header disagree",
            Self::Checksum => "its contents do not match their checksum",
            Self::Length => "its length is wrong",
            Self::Unreadable => "the device cannot read it",
        })
    }
}

/// Receives the sections of a checkpoint: kind and bytes.
pub type SectionVisit<'a> =
    dyn FnMut(u32, &[u8]) -> Result<(), Box<dyn std::error::Error + Send + Sync>> + 'a;

/// Reads the checkpoint at `lsn` and hands its sections on as they come. The result tells whether
/// all of it holds; only then may what was handed on be used.
///
/// # Errors
/// The outer error: the disk's (but for read errors, which are damage), the visitor's, or that this
/// program must not touch the store: a checkpoint of another one, or of a later version, is not damage.
/// The inner one: the file is no whole checkpoint.
pub fn read_checkpoint(
    disk: &dyn Disk,
    lsn: Lsn,
    store: StoreId,
    visit: &mut SectionVisit<'_>,
) -> Result<Result<CheckpointInfo, CheckpointDamage>, OpenError> {
    let path = layout::checkpoint_path(lsn);
    let Some(file) = open_existing(disk, &path)? else {
        let source = io::Error::from(io::ErrorKind::NotFound);
        return Err(at(disk, "open", &path)(source));
    };
    let file_bytes = file.len().map_err(at(disk, "measure", &path))?;
    let mut input = Input {
        file,
        offset: 0,
        file_bytes,
        crc: crc32fast::Hasher::new(),
    };
    match read(&mut input, lsn, store, visit) {
        Ok(info) => Ok(Ok(info)),
        Err(Stop::Damage(damage)) => Ok(Err(damage)),
        Err(Stop::Newer(found)) => Err(OpenError::NewerFormat {
            path: disk.display(&path),
            found,
            supported: FORMAT_VERSION,
        }),
        Err(Stop::Foreign(found)) => Err(OpenError::Foreign {
            path: disk.display(&path),
            found,
            expected: store,
        }),
        Err(Stop::Visitor(source)) => Err(OpenError::ReplayCheckpoint {
            path: disk.display(&path),
            source,
        }),
    }
}

enum Stop {
    Damage(CheckpointDamage),
    Newer(u16),
    Foreign(StoreId),
    Visitor(Box<dyn std::error::Error + Send + Sync>),
}

impl From<CheckpointDamage> for Stop {
    fn from(damage: CheckpointDamage) -> Self {
        Self::Damage(damage)
    }
}

struct Input {
    file: Arc<dyn DiskFile>,
    offset: u64,
    file_bytes: u64,
    crc: crc32fast::Hasher,
}

impl Input {
    /// The next `length` bytes; refuses before it allocates when the file has fewer.
    fn take(&mut self, length: usize) -> Result<Vec<u8>, CheckpointDamage> {
        if length as u64 > self.file_bytes.saturating_sub(self.offset) {
            return Err(CheckpointDamage::Length);
        }
        let mut bytes = vec![0; length];
        let read = read_full(self.file.as_ref(), self.offset, &mut bytes)
            .map_err(|_| CheckpointDamage::Unreadable)?;
        if read != length {
            return Err(CheckpointDamage::Length);
        }
        self.offset += length as u64;
        Ok(bytes)
    }

    fn take_counted(&mut self, length: usize) -> Result<Vec<u8>, CheckpointDamage> {
        let bytes = self.take(length)?;
        self.crc.update(&bytes);
        Ok(bytes)
    }
}

fn read(
    input: &mut Input,
    lsn: Lsn,
    store: StoreId,
    visit: &mut SectionVisit<'_>,
) -> Result<CheckpointInfo, Stop> {
    let header = input.take(HEADER_BYTES)?;
    read_header(&header, lsn, store)?;
    input.crc.update(&header[..HEADER_CRC_OFFSET]);
    input.crc.update(&header[HEADER_CRC_OFFSET + 4..]);
    let mut sections: u64 = 0;
    loop {
        let start = input.take(SECTION_HEADER_BYTES)?;
        let kind = u32_at(&start, 0);
        if kind == TRAILER_KIND {
            return Ok(read_trailer(input, &start, sections, lsn)?);
        }
        input.crc.update(&start);
        let length = u64_at(&start, 8);
        if length > SECTION_BYTES_MAX as u64 {
            return Err(CheckpointDamage::Length.into());
        }
        let length = usize::try_from(length).map_err(|_| CheckpointDamage::Length)?;
        let mut payload = input.take_counted(length.next_multiple_of(ALIGN))?;
        payload.truncate(length);
        let mut crc = crc32fast::Hasher::new();
        crc.update(&start[0..4]);
        crc.update(&start[8..16]);
        crc.update(&payload);
        if crc.finalize() != u32_at(&start, 4) && !planted(Bug::CheckpointCrcIgnored) {
            return Err(CheckpointDamage::Checksum.into());
        }
        sections += 1;
        visit(kind, &payload).map_err(Stop::Visitor)?;
    }
}

fn read_header(header: &[u8], lsn: Lsn, store: StoreId) -> Result<(), Stop> {
    if &header[0..8] != MAGIC
        || crc32fast::hash(&header[..HEADER_CRC_OFFSET]) != u32_at(header, HEADER_CRC_OFFSET)
    {
        return Err(CheckpointDamage::Header.into());
    }
    let version = u16_at(header, 8);
    if version != FORMAT_VERSION {
        return Err(Stop::Newer(version));
    }
    let mut id = [0; 16];
    id.copy_from_slice(&header[16..32]);
    let id = StoreId(uuid::Uuid::from_bytes(id));
    if id != store {
        return Err(Stop::Foreign(id));
    }
    if u64_at(header, 32) != lsn.0 {
        return Err(CheckpointDamage::Name.into());
    }
    Ok(())
}

fn read_trailer(
    input: &mut Input,
    start: &[u8],
    sections: u64,
    lsn: Lsn,
) -> Result<CheckpointInfo, CheckpointDamage> {
    let rest = input.take(TRAILER_BYTES - SECTION_HEADER_BYTES)?;
    if input.offset != input.file_bytes {
        return Err(CheckpointDamage::Length);
    }
    let mut crc = input.crc.clone();
    crc.update(&start[8..16]);
    crc.update(&rest);
    let crc = crc.finalize();
    let holds = crc == u32_at(start, 4)
        && u64_at(start, 8) == sections
        && u64_at(&rest, 0) == input.file_bytes;
    if !holds && !planted(Bug::CheckpointCrcIgnored) {
        return Err(CheckpointDamage::Checksum);
    }
    Ok(CheckpointInfo {
        lsn,
        file_bytes: input.file_bytes,
        crc,
        state_hash: u64_at(&rest, 8),
    })
}
