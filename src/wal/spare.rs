//! A segment made ahead of need, so that a rotation costs two syncs and not the filling of a file.
//!
//! **Invariant:** one blank is made at a time. Under more load than the disk takes, a rotation comes while
//! the thread is still filling the spare: two fillings at once would each take twice as long, and every
//! batch behind them longer still.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::layout;
use super::segment::{BlankSegment, SegmentFailure, make_blank};
use crate::sys::Disk;

/// Holds at most one blank segment.
#[derive(Debug)]
pub(crate) struct SpareSlot {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    made: AtomicU64,
    blank: Mutex<Option<BlankSegment>>,
    /// Held by whoever fills a file.
    making: Mutex<()>,
}

impl SpareSlot {
    pub(crate) fn new(disk: Arc<dyn Disk>, segment_bytes: u64) -> Self {
        Self {
            disk,
            segment_bytes,
            made: AtomicU64::new(0),
            blank: Mutex::new(None),
            making: Mutex::new(()),
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<BlankSegment>> {
        // The slot holds a whole blank or nothing, whoever panicked.
        self.blank.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a blank is ready.
    pub(crate) fn is_filled(&self) -> bool {
        self.slot().is_some()
    }

    /// Takes the spare, waits for the one that is being made, or makes a blank now.
    pub(crate) fn take(&self) -> Result<BlankSegment, SegmentFailure> {
        if let Some(blank) = self.slot().take() {
            return Ok(blank);
        }
        let _alone = self.alone();
        if let Some(blank) = self.slot().take() {
            return Ok(blank);
        }
        self.make()
    }

    /// Makes a spare if there is none.
    pub(crate) fn fill(&self) -> Result<(), SegmentFailure> {
        let _alone = self.alone();
        if self.is_filled() {
            return Ok(());
        }
        let blank = self.make()?;
        *self.slot() = Some(blank);
        Ok(())
    }

    fn alone(&self) -> std::sync::MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make(&self) -> Result<BlankSegment, SegmentFailure> {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        make_blank(
            self.disk.as_ref(),
            &layout::spare_path(number),
            self.segment_bytes,
        )
    }
}
