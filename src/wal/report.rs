//! What a scan of the log found, as values: for the start, for the tools, for the tests.

use std::fmt;
use std::path::PathBuf;

use super::checkpoint::CheckpointFile;
use super::frame::Broken;
use super::ids::{Lsn, RecordType, Salt, SegmentSeq, StoreId};
use crate::sys::WallTime;

/// How the log ends, or is broken. The order is that of gravity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// E: the last record is followed by zeros.
    CleanEnd,
    /// S: as E, and an older segment has leftovers behind the place where its successor sealed it.
    Sealed,
    /// T: the last batch was torn while it was written; it was never acknowledged.
    TornTail,
    /// C: acknowledged records are unreadable, but a checkpoint contains what they did.
    Covered,
    /// M: acknowledged records are unreadable.
    Damaged,
}

impl Class {
    /// The letter used in `wal-format.md`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::CleanEnd => 'E',
            Self::Sealed => 'S',
            Self::TornTail => 'T',
            Self::Covered => 'C',
            Self::Damaged => 'M',
        }
    }

    /// One sentence for an operator.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::CleanEnd => "sound",
            Self::Sealed => {
                "sound; leftovers of an earlier crash lie behind a seal and are not read"
            }
            Self::TornTail => {
                "sound; the last batch was torn before it was acknowledged, and the next start drops it"
            }
            Self::Covered => {
                "damaged, but a checkpoint covers every record that is known to be: the next start goes on without them"
            }
            Self::Damaged => "damaged: acknowledged records cannot be read",
        }
    }
}

/// What is wrong with a stretch of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// A record is not what it should be.
    Frame(Broken),
    /// Neither copy of a segment's header is whole.
    Header,
    /// A segment's name and header disagree.
    Name,
    /// No file holds these records.
    SegmentMissing,
    /// A segment names another predecessor than the one that is there.
    Seal,
    /// A segment is shorter than it was made.
    ShortFile,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frame(broken) => return broken.fmt(f),
            Self::Header => "neither copy of the segment's header is whole",
            Self::Name => "the segment's name and its header disagree",
            Self::SegmentMissing => "no segment holds these records",
            Self::Seal => "the segment names another predecessor than the one that is there",
            Self::ShortFile => "the file is shorter than it was made",
        })
    }
}

/// A stretch of the log that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file it is in, or the one where what is missing would have to continue.
    pub path: PathBuf,
    /// Where it begins in that file.
    pub offset: u64,
    /// Where it ends in that file, if that is known.
    pub offset_end: Option<u64>,
    /// The first record lost.
    pub first: Lsn,
    /// The last record lost, if that is known.
    pub last: Option<Lsn>,
    /// What is wrong.
    pub cause: Cause,
    /// Whether a checkpoint contains what the lost records did.
    pub is_covered: bool,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, offset, cause) = (self.path.display(), self.offset, self.cause);
        let first = self.first;
        let records = match self.last {
            Some(last) if last == first => format!("record {last} is unreadable"),
            Some(last) => format!("records {first} to {last} are unreadable"),
            None => format!("records from {first} on are unreadable"),
        };
        let covered = if self.is_covered {
            " (a checkpoint contains what they did)"
        } else {
            ""
        };
        write!(f, "{path} offset {offset}: {cause}; {records}{covered}")
    }
}

/// A tail that is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub path: PathBuf,
    /// Where the readable part ends.
    pub offset: u64,
    /// The first LSN that could not be read; the next record gets it.
    pub lsn: Lsn,
    /// Bytes from there to the last byte that is not zero.
    pub bytes: u64,
    /// Why reading stopped there.
    pub broken: Broken,
}

impl fmt::Display for TornTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, offset, broken) = (self.path.display(), self.offset, self.broken);
        let (bytes, lsn) = (self.bytes, self.lsn);
        write!(
            f,
            "{path} offset {offset}: {broken}; {bytes} bytes from record {lsn} on were never acknowledged"
        )
    }
}

/// What is known of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentSummary {
    /// Its path.
    pub path: PathBuf,
    /// Its number.
    pub seq: SegmentSeq,
    /// Its first LSN.
    pub first: Lsn,
    /// Its last readable LSN that counts; one less than `first` when there is none.
    pub last: Lsn,
    /// Records that count.
    pub records: u64,
    /// Where the records that count end in the file.
    pub end_offset: u64,
    /// The file's length.
    pub file_bytes: u64,
    /// Part of every checksum in it, if its header is readable.
    pub salt: Option<Salt>,
    /// Bytes behind the seal that are not zero.
    pub leftover_bytes: u64,
    /// Whether any of it is damaged.
    pub is_damaged: bool,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanReport {
    /// Which store.
    pub store: StoreId,
    /// The verdict.
    pub class: Class,
    /// The LSN of the checkpoint that recovery starts from; zero when there is none.
    pub base: Lsn,
    /// The highest LSN that is proven to have been durable.
    pub durable: Lsn,
    /// The LSN that the next record gets.
    pub next: Lsn,
    /// Readable records that count.
    pub records: u64,
    /// Bytes of those records in frames.
    pub record_bytes: u64,
    /// The segments that count, in order.
    pub segments: Vec<SegmentSummary>,
    /// Segments that a later one has replaced whole.
    pub void: Vec<PathBuf>,
    /// What cannot be read, in order.
    pub damage: Vec<Damage>,
    /// The tail that is dropped, if any.
    pub torn: Option<TornTail>,
    /// Records given up by an earlier salvage.
    pub given_up: Vec<(Lsn, Lsn)>,
    /// Every checkpoint, newest first.
    pub checkpoints: Vec<CheckpointFile>,
    /// The type of the last record.
    pub last_type: Option<RecordType>,
    /// The last sign of life in the log. That a process came up is none; what it wrote then is.
    pub last_alive: Option<WallTime>,
}

impl ScanReport {
    /// The damage that no checkpoint covers.
    pub fn uncovered(&self) -> impl Iterator<Item = &Damage> {
        self.damage.iter().filter(|damage| !damage.is_covered)
    }

    /// Whether the log was closed in order.
    #[must_use]
    pub fn ended_clean(&self) -> bool {
        self.class <= Class::Sealed && self.last_type == Some(RecordType::SHUTDOWN)
    }

    /// The first record that recovery needs: the one after the older whole checkpoint.
    #[must_use]
    pub fn oldest_needed(&self) -> Lsn {
        let whole: Vec<Lsn> = self
            .checkpoints
            .iter()
            .filter(|file| file.whole().is_some())
            .map(|file| file.lsn)
            .collect();
        whole.get(1).map_or(Lsn::FIRST, |lsn| lsn.next())
    }
}

impl fmt::Display for ScanReport {
    /// The refusal to start, for an operator: what, where, and the way out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LOOK: &str = "nothing was changed. Look: `tocsin wal check`.";
        let verdict = match self.class {
            // Sound: it is refused only because nobody may have dropped anything.
            Class::TornTail => {
                "the log ends in a torn batch, which this start may not drop".to_owned()
            }
            class => format!("the log is {}", class.sentence()),
        };
        let mut lines = vec![verdict];
        lines.extend(self.uncovered().map(ToString::to_string));
        lines.extend(self.torn.as_ref().map(ToString::to_string));
        lines.extend(
            self.checkpoints
                .iter()
                .filter_map(CheckpointFile::complaint),
        );
        lines.extend(match self.class {
            Class::CleanEnd | Class::Sealed | Class::Covered => None,
            Class::TornTail => Some(format!("{LOOK} Drop it: `tocsin wal repair tail`")),
            Class::Damaged => Some(format!(
                "{LOOK} Restore the files from a copy, or keep all that is readable: `tocsin wal repair salvage`"
            )),
        });
        f.write_str(&lines.join("\n  "))
    }
}
