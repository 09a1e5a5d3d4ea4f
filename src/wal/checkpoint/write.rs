//! Writing a checkpoint: steps 1 to 5 of the module header.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{
    ALIGN, HEADER_BYTES, HEADER_CRC_OFFSET, MAGIC, SECTION_BYTES_MAX, SECTION_HEADER_BYTES,
    TRAILER_BYTES, TRAILER_KIND,
};
use super::{CheckpointDamage, CheckpointInfo, read_checkpoint};
use crate::bugs::{Bug, unless_planted};
use crate::sys::{Disk, DiskFile, WallTime};
use crate::wal::error::OpenError;
use crate::wal::fileops::{at, remove_if_there, sync_parent, write_all};
use crate::wal::ids::{Lsn, StoreId};
use crate::wal::layout;
use crate::wal::segment::FORMAT_VERSION;

/// Bytes gathered before a write: few system calls, little memory.
const BUFFER_BYTES: usize = 256 * 1024;

/// Takes the sections of a checkpoint, in order.
#[derive(Debug)]
pub struct CheckpointWriter {
    file: Arc<dyn DiskFile>,
    tmp: PathBuf,
    lsn: Lsn,
    buffer: Vec<u8>,
    offset: u64,
    crc: crc32fast::Hasher,
    sections: u64,
}

impl CheckpointWriter {
    /// Appends a section.
    ///
    /// # Errors
    /// Whatever the disk reports, or that the section is longer than [`SECTION_BYTES_MAX`].
    pub fn section(&mut self, kind: u32, payload: &[u8]) -> io::Result<()> {
        let length = payload.len() as u64;
        if payload.len() > SECTION_BYTES_MAX || kind == TRAILER_KIND {
            let text = format!(
                "a section of kind {kind} and {length} bytes could not be read back: kinds end below {TRAILER_KIND}, sections at {SECTION_BYTES_MAX} bytes"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&kind.to_le_bytes());
        crc.update(&length.to_le_bytes());
        crc.update(payload);
        let mut header = [0; SECTION_HEADER_BYTES];
        header[0..4].copy_from_slice(&kind.to_le_bytes());
        header[4..8].copy_from_slice(&crc.finalize().to_le_bytes());
        header[8..16].copy_from_slice(&length.to_le_bytes());
        self.put(&header)?;
        self.put(payload)?;
        let padding = payload.len().next_multiple_of(ALIGN) - payload.len();
        self.put(&[0; ALIGN][..padding])?;
        self.sections += 1;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.crc.update(bytes);
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write_out()
        } else {
            Ok(())
        }
    }

    fn write_out(&mut self) -> io::Result<()> {
        write_all(self.file.as_ref(), self.offset, &self.buffer)?;
        self.offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Step 1: creates the unfinished file.
///
/// # Errors
/// Whatever the disk reports.
pub(crate) fn begin(
    disk: &dyn Disk,
    store: StoreId,
    lsn: Lsn,
    wall: WallTime,
) -> Result<CheckpointWriter, OpenError> {
    let tmp = layout::tmp_path(&layout::checkpoint_path(lsn));
    remove_if_there(disk, &tmp)?;
    let file = disk.create(&tmp).map_err(at(disk, "create", &tmp))?;
    let mut header = [0; HEADER_BYTES];
    header[0..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[16..32].copy_from_slice(store.0.as_bytes());
    header[32..40].copy_from_slice(&lsn.0.to_le_bytes());
    header[40..48].copy_from_slice(&wall.0.to_le_bytes());
    let crc = crc32fast::hash(&header[..HEADER_CRC_OFFSET]);
    header[HEADER_CRC_OFFSET..HEADER_CRC_OFFSET + 4].copy_from_slice(&crc.to_le_bytes());
    let mut writer = CheckpointWriter {
        file,
        tmp: tmp.clone(),
        lsn,
        buffer: Vec::with_capacity(HEADER_BYTES),
        offset: 0,
        crc: crc32fast::Hasher::new(),
        sections: 0,
    };
    // Not `put`: a checksum that ran over the header's own checksum would be the same for all.
    writer.crc.update(&header[..HEADER_CRC_OFFSET]);
    writer.crc.update(&header[HEADER_CRC_OFFSET + 4..]);
    writer.buffer.extend_from_slice(&header);
    Ok(writer)
}

/// Steps 1 (the trailer) to 5. `state_hash` is the caller's; it comes back at recovery.
///
/// # Errors
/// Whatever the disk reports, or that the file does not read back as it was written. Nothing was
/// removed; the older checkpoints hold.
pub(crate) fn finish(
    disk: &dyn Disk,
    mut writer: CheckpointWriter,
    store: StoreId,
    state_hash: u64,
) -> Result<CheckpointInfo, OpenError> {
    let tmp = writer.tmp.clone();
    let file_bytes = writer.offset + (writer.buffer.len() + TRAILER_BYTES) as u64;
    let mut trailer = [0; TRAILER_BYTES];
    trailer[0..4].copy_from_slice(&TRAILER_KIND.to_le_bytes());
    trailer[8..16].copy_from_slice(&writer.sections.to_le_bytes());
    trailer[16..24].copy_from_slice(&file_bytes.to_le_bytes());
    trailer[24..32].copy_from_slice(&state_hash.to_le_bytes());
    let mut crc = writer.crc.clone();
    crc.update(&trailer[8..]);
    let crc = crc.finalize();
    trailer[4..8].copy_from_slice(&crc.to_le_bytes());
    writer.buffer.extend_from_slice(&trailer);
    writer.write_out().map_err(at(disk, "write", &tmp))?;

    let path = layout::checkpoint_path(writer.lsn);
    unless_planted(Bug::CheckpointRenamedBeforeSync, || {
        writer.file.fdatasync().map_err(at(disk, "sync", &tmp))
    })?;
    disk.rename(&tmp, &path).map_err(at(disk, "rename", &tmp))?;
    unless_planted(Bug::NoDirSyncAfterRename, || sync_parent(disk, &path))?;
    let written = CheckpointInfo {
        lsn: writer.lsn,
        file_bytes,
        crc,
        state_hash,
    };
    unless_planted(Bug::CheckpointNotVerified, || verify(disk, store, &written))?;
    Ok(written)
}

/// Step 5: reads back what was written.
fn verify(disk: &dyn Disk, store: StoreId, written: &CheckpointInfo) -> Result<(), OpenError> {
    let path = layout::checkpoint_path(written.lsn);
    let read = read_checkpoint(disk, written.lsn, store, &mut |_, _| Ok(()))?;
    if read == Ok(*written) {
        return Ok(());
    }
    // A whole checkpoint that is not this one holds another state.
    let reason = read.err().unwrap_or(CheckpointDamage::Checksum);
    // It must not be taken for the newest checkpoint at the next start.
    remove_if_there(disk, &path)?;
    sync_parent(disk, &path)?;
    let source = io::Error::new(io::ErrorKind::InvalidData, reason.to_string());
    Err(at(disk, "verify", &path)(source))
}
