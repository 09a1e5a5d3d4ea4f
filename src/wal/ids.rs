//! The numbers that identify things in the log.

use std::fmt;

use uuid::Uuid;

/// Log sequence number: the place of a record in the log. The first record is 1; each record's is
/// one more than its predecessor's; a number that was acknowledged is never given to another record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before the first record.
    pub const ZERO: Lsn = Lsn(0);
    /// The first record.
    pub const FIRST: Lsn = Lsn(1);

    /// The number after this one. 2^64 records cannot be reached: at a million a second it would
    /// take half a million years.
    #[must_use]
    pub fn next(self) -> Lsn {
        Lsn(self.0.saturating_add(1))
    }

    /// The number before this one; stays at zero.
    #[must_use]
    pub fn previous(self) -> Lsn {
        Lsn(self.0.saturating_sub(1))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a segment file: rises by one with each file made, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentSeq(pub u64);

/// Random per segment, part of every checksum in it: bytes of another file or of an earlier life of
/// this one never pass for frames. Zero means "no segment".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt(pub u64);

impl Salt {
    /// No segment.
    pub const NONE: Salt = Salt(0);
}

/// The identity of a store: in `STORE`, in every segment and in every checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StoreId(pub Uuid);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The kind of a record. The log knows only its own kinds (see [`super::control`]); the others are
/// its caller's and pass through unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordType(pub u8);

impl RecordType {
    /// A sign of life, at most every few seconds.
    pub const HEARTBEAT: RecordType = RecordType(10);
    /// A process opened the log.
    pub const BOOT: RecordType = RecordType(11);
    /// A process closed the log in order.
    pub const SHUTDOWN: RecordType = RecordType(12);
    /// A checkpoint is durable and was verified.
    pub const CHECKPOINT_DONE: RecordType = RecordType(13);
    /// The first record of every batch.
    pub const BATCH_START: RecordType = RecordType(16);
    /// Stands in for records that a salvage had to give up.
    pub const LOST: RecordType = RecordType(18);

    /// Whether the log itself writes and reads records of this kind.
    #[must_use]
    pub fn is_control(self) -> bool {
        matches!(
            self,
            Self::HEARTBEAT
                | Self::BOOT
                | Self::SHUTDOWN
                | Self::CHECKPOINT_DONE
                | Self::BATCH_START
                | Self::LOST
        )
    }
}
