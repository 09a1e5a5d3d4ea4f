//! What a look showed, as the values that scripts get: the fields are a promise.

use std::path::Path;

use serde::Serialize;

use super::line::hash;
use super::look::Look;
use crate::sys::Disk;
use crate::wal::checkpoint::{CheckpointFile, CheckpointState};
use crate::wal::{Damage, SegmentSummary, TornTail, layout};

/// A store.
#[derive(Debug, Serialize)]
pub(super) struct StoreFacts {
    pub(super) path: String,
    pub(super) id: String,
    pub(super) created_at: String,
    /// What the process that has the store open says of itself; `null` when there is none.
    pub(super) held_by: Option<String>,
}

impl StoreFacts {
    pub(super) fn of(look: &Look) -> Self {
        Self {
            path: shown(look.disk.as_ref(), layout::root_dir()),
            id: look.view.identity.id.to_string(),
            created_at: look.view.identity.created.to_string(),
            held_by: look
                .holder
                .as_ref()
                .map(|held| held.contents.trim().to_owned()),
        }
    }
}

/// A stretch of the log that cannot be read.
#[derive(Debug, Serialize)]
pub(super) struct DamageFacts {
    pub(super) file: String,
    pub(super) offset: u64,
    pub(super) offset_end: Option<u64>,
    pub(super) first_lsn: u64,
    pub(super) last_lsn: Option<u64>,
    pub(super) cause: String,
    pub(super) covered_by_checkpoint: bool,
}

impl DamageFacts {
    pub(super) fn of(disk: &dyn Disk, damage: &Damage) -> Self {
        Self {
            file: shown(disk, &damage.path),
            offset: damage.offset,
            offset_end: damage.offset_end,
            first_lsn: damage.first.0,
            last_lsn: damage.last.map(|lsn| lsn.0),
            cause: damage.cause.to_string(),
            covered_by_checkpoint: damage.is_covered,
        }
    }
}

/// A tail that the next start drops.
#[derive(Debug, Serialize)]
pub(super) struct TornFacts {
    pub(super) file: String,
    pub(super) offset: u64,
    pub(super) lsn: u64,
    pub(super) bytes: u64,
    pub(super) cause: String,
}

impl TornFacts {
    pub(super) fn of(disk: &dyn Disk, torn: &TornTail) -> Self {
        Self {
            file: shown(disk, &torn.path),
            offset: torn.offset,
            lsn: torn.lsn.0,
            bytes: torn.bytes,
            cause: torn.broken.to_string(),
        }
    }
}

/// A checkpoint.
#[derive(Debug, Serialize)]
pub(super) struct CheckpointFacts {
    pub(super) lsn: u64,
    pub(super) file: String,
    /// What is wrong with it; `null` when it is whole.
    pub(super) fault: Option<String>,
    pub(super) bytes: Option<u64>,
    pub(super) crc: Option<String>,
    pub(super) state_hash: Option<String>,
}

impl CheckpointFacts {
    pub(super) fn of(disk: &dyn Disk, checkpoint: &CheckpointFile) -> Self {
        let whole = checkpoint.whole();
        Self {
            lsn: checkpoint.lsn.0,
            file: shown(disk, &layout::checkpoint_path(checkpoint.lsn)),
            fault: match checkpoint.state {
                CheckpointState::Whole(_) => None,
                CheckpointState::Damaged(damage) => Some(damage.to_string()),
            },
            bytes: whole.map(|info| info.file_bytes),
            crc: whole.map(|info| format!("{:08x}", info.crc)),
            state_hash: whole.map(|info| hash(info.state_hash)),
        }
    }
}

/// A segment.
#[derive(Debug, Serialize)]
pub(super) struct SegmentFacts {
    pub(super) file: String,
    pub(super) seq: u64,
    pub(super) first_lsn: u64,
    /// `null` when it holds no record that counts.
    pub(super) last_lsn: Option<u64>,
    pub(super) records: u64,
    pub(super) used_bytes: u64,
    pub(super) file_bytes: u64,
    /// `active`: records go here; `closed`: no more; `leftovers`: closed, with something behind the
    /// seal; `damaged`; `void`: replaced whole by a later one.
    pub(super) state: &'static str,
}

impl SegmentFacts {
    /// The segments of a store, void ones last.
    pub(super) fn all(look: &Look) -> Vec<Self> {
        let disk = look.disk.as_ref();
        let count = look.report.segments.len();
        let counting = look.report.segments.iter().enumerate();
        let void = look.view.void.iter().map(|segment| Self {
            file: shown(disk, &segment.path),
            seq: segment.seq.0,
            first_lsn: segment.first.0,
            last_lsn: None,
            records: 0,
            used_bytes: 0,
            file_bytes: segment.file_bytes,
            state: "void",
        });
        counting
            .map(|(at, summary)| Self::of(disk, summary, at + 1 == count))
            .chain(void)
            .collect()
    }

    fn of(disk: &dyn Disk, summary: &SegmentSummary, is_last: bool) -> Self {
        Self {
            file: shown(disk, &summary.path),
            seq: summary.seq.0,
            first_lsn: summary.first.0,
            last_lsn: (summary.records > 0).then_some(summary.last.0),
            records: summary.records,
            used_bytes: summary.end_offset,
            file_bytes: summary.file_bytes,
            state: match () {
                () if summary.is_damaged => "damaged",
                () if is_last => "active",
                () if summary.leftover_bytes > 0 => "leftovers",
                () => "closed",
            },
        }
    }
}

/// Records that an earlier salvage gave up.
#[derive(Debug, Serialize)]
pub(super) struct GivenUpFacts {
    pub(super) first_lsn: u64,
    pub(super) last_lsn: u64,
}

/// A path as an operator would write it.
pub(super) fn shown(disk: &dyn Disk, path: &Path) -> String {
    disk.display(path).display().to_string()
}

/// "record 5", "records 5 to 7", "records from 5 on".
pub(super) fn records(first: u64, last: Option<u64>) -> String {
    match last {
        Some(last) if last == first => format!("record {first}"),
        Some(last) => format!("records {first} to {last}"),
        None => format!("records from {first} on"),
    }
}
