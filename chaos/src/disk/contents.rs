//! The bytes of a file, by page. A page of zeros takes no room: a log writes many of them ahead.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Unsynced data survives or is lost in pieces of this size at most.
pub(super) const PAGE_BYTES: u64 = 4096;

type Page = [u8; PAGE_BYTES as usize];

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Contents {
    len: u64,
    pages: BTreeMap<u64, Arc<Page>>,
}

impl Contents {
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Cuts it off, or makes it longer by zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.pages.split_off(&len.div_ceil(PAGE_BYTES));
            let kept = (len % PAGE_BYTES) as usize;
            if kept > 0
                && let Some(page) = self.pages.get_mut(&(len / PAGE_BYTES))
            {
                Arc::make_mut(page)[kept..].fill(0);
            }
        }
        self.len = len;
    }

    /// Writes within one page, and makes the file long enough.
    pub(super) fn put(&mut self, offset: u64, bytes: &[u8]) {
        let (number, from) = (offset / PAGE_BYTES, (offset % PAGE_BYTES) as usize);
        self.len = self.len.max(offset + bytes.len() as u64);
        let is_zero = bytes.iter().all(|byte| *byte == 0);
        if is_zero && !self.pages.contains_key(&number) {
            return;
        }
        let page = self
            .pages
            .entry(number)
            .or_insert_with(|| Arc::new([0; PAGE_BYTES as usize]));
        Arc::make_mut(page)[from..from + bytes.len()].copy_from_slice(bytes);
    }

    /// What is not zeros, with where it stands.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.pages.iter().map(|(number, page)| {
            let start = number * PAGE_BYTES;
            let len = PAGE_BYTES.min(self.len.saturating_sub(start)) as usize;
            (start, &page[..len])
        })
    }

    /// What is there from an offset on: so many bytes, or up to the end.
    pub(super) fn read(&self, offset: u64, len: u64) -> Vec<u8> {
        let end = self.len.min(offset.saturating_add(len));
        if offset >= end {
            return Vec::new();
        }
        let mut out = vec![0; (end - offset) as usize];
        for (number, page) in self
            .pages
            .range(offset / PAGE_BYTES..end.div_ceil(PAGE_BYTES))
        {
            let start = number * PAGE_BYTES;
            let (from, to) = (start.max(offset), (start + PAGE_BYTES).min(end));
            if from < to {
                out[(from - offset) as usize..(to - offset) as usize]
                    .copy_from_slice(&page[(from - start) as usize..(to - start) as usize]);
            }
        }
        out
    }
}
