//! Which files are kept, and the removal of those that are no longer needed.

use std::path::PathBuf;

use super::checkpoint::CHECKPOINTS_KEPT;
use super::error::OpenError;
use super::fileops::{remove_if_there, sync_parent};
use super::ids::Lsn;
use super::layout;
use crate::bugs::{Bug, planted};
use crate::sys::Disk;

/// A segment that is no longer written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClosedSegment {
    pub(crate) path: PathBuf,
    pub(crate) last: Lsn,
    pub(crate) file_bytes: u64,
}

/// The files behind the active segment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Retained {
    /// Oldest first.
    pub(crate) closed: Vec<ClosedSegment>,
    /// Newest first; all of them whole.
    pub(crate) checkpoints: Vec<Lsn>,
}

impl Retained {
    /// Notes a checkpoint that is durable and verified.
    pub(crate) fn add_checkpoint(&mut self, lsn: Lsn) {
        self.checkpoints.retain(|other| *other != lsn);
        self.checkpoints.push(lsn);
        self.checkpoints.sort_by_key(|lsn| std::cmp::Reverse(*lsn));
    }

    /// The LSN up to which the log may go: that of the oldest checkpoint that is kept, once there
    /// are as many as are to be kept.
    fn disposable(&self) -> Lsn {
        let spared = planted(Bug::OneCheckpointKept) || planted(Bug::DeleteUpToNewer);
        let kept = CHECKPOINTS_KEPT - usize::from(spared);
        self.checkpoints.get(kept - 1).copied().unwrap_or(Lsn::ZERO)
    }

    /// Removes the checkpoints beyond those to be kept, then the segments behind the oldest kept
    /// one, oldest first; each removal is durable before the next, so that a crash leaves no gap.
    ///
    /// # Errors
    /// Whatever the disk reports; what was not removed is tried again behind the next checkpoint.
    pub(crate) fn remove_disposable(&mut self, disk: &dyn Disk) -> Result<Vec<PathBuf>, OpenError> {
        let kept = CHECKPOINTS_KEPT - usize::from(planted(Bug::OneCheckpointKept));
        let mut removed = Vec::new();
        while let Some(&lsn) = self.checkpoints.get(kept) {
            let path = layout::checkpoint_path(lsn);
            remove_if_there(disk, &path)?;
            sync_parent(disk, &path)?;
            self.checkpoints.remove(kept);
            removed.push(path);
        }
        while let Some(oldest) = self
            .closed
            .first()
            .filter(|oldest| oldest.last <= self.disposable())
        {
            let path = oldest.path.clone();
            remove_if_there(disk, &path)?;
            sync_parent(disk, &path)?;
            self.closed.remove(0);
            removed.push(path);
        }
        Ok(removed)
    }
}
