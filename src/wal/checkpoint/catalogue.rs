//! Which checkpoints there are, and which of them can be used.

use super::{CheckpointDamage, CheckpointInfo, read_checkpoint};
use crate::sys::Disk;
use crate::wal::error::OpenError;
use crate::wal::ids::{Lsn, StoreId};
use crate::wal::layout;

/// Whether a checkpoint can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointState {
    /// Every checksum holds.
    Whole(CheckpointInfo),
    /// It cannot be used.
    Damaged(CheckpointDamage),
}

/// A checkpoint file and what reading it showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The LSN in its name.
    pub lsn: Lsn,
    /// What reading it showed.
    pub state: CheckpointState,
}

impl CheckpointFile {
    /// What it says of itself, if it can be used.
    #[must_use]
    pub fn whole(&self) -> Option<CheckpointInfo> {
        match self.state {
            CheckpointState::Whole(info) => Some(info),
            CheckpointState::Damaged(_) => None,
        }
    }

    /// Why it cannot be used, for an operator, if it cannot.
    pub(crate) fn complaint(&self) -> Option<String> {
        match self.state {
            CheckpointState::Whole(_) => None,
            CheckpointState::Damaged(reason) => {
                Some(format!("checkpoint {} cannot be used: {reason}", self.lsn))
            }
        }
    }
}

/// Reads every checkpoint, newest (highest LSN) first. Unfinished ones are not looked at, and
/// neither are times of files or in files: the LSN decides.
///
/// # Errors
/// As [`read_checkpoint`].
pub(crate) fn newest_first(
    disk: &dyn Disk,
    store: StoreId,
) -> Result<Vec<CheckpointFile>, OpenError> {
    let mut found = Vec::new();
    for name in list(disk)? {
        let Some(lsn) = layout::parse_checkpoint_name(&name) else {
            continue;
        };
        let state = match read_checkpoint(disk, lsn, store, &mut |_, _| Ok(()))? {
            Ok(info) => CheckpointState::Whole(info),
            Err(damage) => CheckpointState::Damaged(damage),
        };
        found.push(CheckpointFile { lsn, state });
    }
    found.sort_by_key(|file| std::cmp::Reverse(file.lsn));
    #[cfg(feature = "bug-hooks")]
    planted::spoil(disk, &mut found)?;
    Ok(found)
}

fn list(disk: &dyn Disk) -> Result<Vec<String>, OpenError> {
    let dir = layout::checkpoint_dir();
    match disk.list(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(crate::wal::fileops::at(disk, "list", dir)),
    }
}

/// What planted bugs make of the list.
#[cfg(feature = "bug-hooks")]
mod planted {
    use super::super::HEADER_BYTES;
    use super::{
        CheckpointFile, CheckpointInfo, CheckpointState, Disk, Lsn, OpenError, layout, list,
    };
    use crate::bugs::{Bug, planted};
    use crate::wal::fileops::read_full;
    use crate::wal::frame::u64_at;

    pub(super) fn spoil(disk: &dyn Disk, found: &mut Vec<CheckpointFile>) -> Result<(), OpenError> {
        if planted(Bug::TmpTakenAsCheckpoint) {
            for name in list(disk)? {
                let Some(stem) = name.strip_suffix(layout::TMP_SUFFIX) else {
                    continue;
                };
                let Some(lsn) = layout::parse_checkpoint_name(stem) else {
                    continue;
                };
                let info = CheckpointInfo {
                    lsn,
                    file_bytes: 0,
                    crc: 0,
                    state_hash: 0,
                };
                found.push(CheckpointFile {
                    lsn,
                    state: CheckpointState::Whole(info),
                });
            }
            found.sort_by_key(|file| std::cmp::Reverse(file.lsn));
        }
        if planted(Bug::CheckpointByWallClock) {
            found.sort_by_key(|file| std::cmp::Reverse(written_at(disk, file.lsn)));
        }
        Ok(())
    }

    /// The time of writing that a checkpoint names.
    fn written_at(disk: &dyn Disk, lsn: Lsn) -> i64 {
        let mut header = [0; HEADER_BYTES];
        let Ok(file) = disk.open(&layout::checkpoint_path(lsn), crate::sys::Access::Read) else {
            return 0;
        };
        match read_full(file.as_ref(), 0, &mut header) {
            Ok(_) => u64_at(&header, 40).cast_signed(),
            Err(_) => 0,
        }
    }
}
