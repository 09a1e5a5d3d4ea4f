//! Reading a file front to back in constant memory.

use std::io;
use std::ops::Range;

use super::fileops::read_full;
use crate::sys::DiskFile;

/// One read: large enough for the device, small enough to stay in the cache of the processor.
const CHUNK_BYTES: usize = 512 * 1024;

/// After a read error the file is read in pieces of this size, so that only what is unreadable is
/// lost.
const PIECE_BYTES: usize = 4096;

/// A part of a file in memory that moves forwards. Places that the device cannot read are zeros and
/// are remembered.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    file: &'a dyn DiskFile,
    file_bytes: u64,
    start: u64,
    bytes: Vec<u8>,
    unreadable: Vec<Range<u64>>,
}

impl<'a> Window<'a> {
    /// A window on a file of that length; `buffer` is reused from file to file.
    pub(crate) fn new(file: &'a dyn DiskFile, file_bytes: u64, mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self {
            file,
            file_bytes,
            start: 0,
            bytes: buffer,
            unreadable: Vec::new(),
        }
    }

    /// Gives the buffer back.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }

    /// The file's length.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Whether any of the range could not be read.
    pub(crate) fn is_unreadable(&self, range: Range<u64>) -> bool {
        self.unreadable
            .iter()
            .any(|bad| bad.start < range.end && range.start < bad.end)
    }

    /// Up to `want` bytes from `offset` on; fewer only at the end of the file.
    pub(crate) fn get(&mut self, offset: u64, want: usize) -> &[u8] {
        self.load(offset, want);
        self.held(offset, want)
    }

    /// Sees to it that `want` bytes from `offset` on are in memory, as far as the file has them.
    #[inline]
    pub(crate) fn load(&mut self, offset: u64, want: usize) {
        let end = self.start + self.bytes.len() as u64;
        if offset >= self.start && offset + want as u64 <= end {
            return;
        }
        let rest = usize::try_from(self.file_bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let want = want.min(rest);
        if offset < self.start || offset + want as u64 > end {
            self.move_to(offset, want, rest);
        }
    }

    /// Up to `want` bytes from `offset` on, of what is in memory.
    #[inline]
    pub(crate) fn held(&self, offset: u64, want: usize) -> &[u8] {
        let at = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let held = self.bytes.get(at..).unwrap_or_default();
        &held[..want.min(held.len())]
    }

    fn move_to(&mut self, offset: u64, want: usize, rest: usize) {
        let held_end = self.start + self.bytes.len() as u64;
        let mut kept = 0;
        if offset >= self.start && offset < held_end {
            let from = usize::try_from(offset - self.start).unwrap_or(0);
            self.bytes.copy_within(from.., 0);
            kept = self.bytes.len() - from;
        }
        let target = want.max(CHUNK_BYTES).min(rest);
        self.bytes.resize(target, 0);
        self.start = offset;
        if self.fill(kept).is_err() {
            self.fill_in_pieces(kept);
        }
    }

    fn fill(&mut self, from: usize) -> io::Result<()> {
        let read = read_full(self.file, self.start + from as u64, &mut self.bytes[from..])?;
        // The file may have become shorter under a reader of a live store.
        self.bytes[from + read..].fill(0);
        Ok(())
    }

    fn fill_in_pieces(&mut self, from: usize) {
        let mut at = from;
        while at < self.bytes.len() {
            let offset = self.start + at as u64;
            let to_boundary =
                PIECE_BYTES - usize::try_from(offset % PIECE_BYTES as u64).unwrap_or(0);
            let end = (at + to_boundary).min(self.bytes.len());
            match read_full(self.file, offset, &mut self.bytes[at..end]) {
                Ok(read) => self.bytes[at + read..end].fill(0),
                Err(_) => {
                    self.bytes[at..end].fill(0);
                    self.unreadable.push(offset..offset + (end - at) as u64);
                }
            }
            at = end;
        }
    }
}
