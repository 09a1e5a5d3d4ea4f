//! What can go wrong, in words fit for an operator.

use std::io;
use std::path::PathBuf;

use super::ids::{Lsn, StoreId};
use super::report::ScanReport;

/// Why a store could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A call to the operating system failed.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was tried, as it reads after "cannot".
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use by another process ({holder})", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
        /// What that process wrote into the lock file.
        holder: String,
    },
    /// There is nothing of ours in that directory.
    #[error("{} is not a tocsin data directory: it has no STORE file and no wal directory", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
    },
    /// The identity file is gone, but there are records.
    #[error("{} is missing, but there are segments with records or checkpoints beside it; was the directory copied in part? `tocsin wal repair salvage` makes it anew from the segments", path.display())]
    IdentityMissing {
        /// Where the identity file should be.
        path: PathBuf,
    },
    /// The identity file is damaged.
    #[error("{} is damaged: {reason}; `tocsin wal repair salvage` makes it anew from the segments", path.display())]
    IdentityDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file was written by a later version.
    #[error("{} has format version {found}; this program reads up to version {supported}. Use the version of tocsin that wrote it, or a later one", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The highest version known here.
        supported: u16,
    },
    /// A file belongs to another store.
    #[error("{} belongs to store {found}, not to this store {expected}; was it copied from another data directory? Move it away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The store it names.
        found: StoreId,
        /// The store it lies in.
        expected: StoreId,
    },
    /// Acknowledged records cannot be read.
    #[error("{0}")]
    Damaged(Box<ScanReport>),
    /// A record could be read, but its receiver refused it.
    #[error("record {lsn} cannot be applied: {source}")]
    Replay {
        /// Which.
        lsn: Lsn,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The checkpoint could be read, but its receiver refused it.
    #[error("the checkpoint {} cannot be applied: {source}", path.display())]
    ReplayCheckpoint {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The log could be read but not continued.
    #[error("the log could be read but not continued: {0}")]
    Append(#[from] AppendError),
}

impl OpenError {
    /// The exit code that goes with it: 3 damage, 4 in use, 5 foreign or newer, 6 not a store, 13
    /// no permission, 74 input/output error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => 13,
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => 6,
                _ => 74,
            },
            Self::InUse { .. } => 4,
            Self::NotAStore { .. } => 6,
            Self::NewerFormat { .. } | Self::Foreign { .. } => 5,
            Self::IdentityMissing { .. }
            | Self::IdentityDamaged { .. }
            | Self::Damaged(_)
            | Self::Replay { .. }
            | Self::ReplayCheckpoint { .. } => 3,
            Self::Append(_) => 74,
        }
    }
}

/// Why records were not made durable. Each is a 503 to the sender but the two that say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// A write or a sync failed earlier: nothing can be acknowledged until the process restarts.
    #[error("the log is poisoned: {cause}; restart to recover")]
    Poisoned {
        /// The first failure.
        cause: String,
    },
    /// There is no room on the disk. Nothing was written; try again later.
    #[error("the log has no room: {cause}")]
    Full {
        /// The failure.
        cause: String,
    },
    /// Too much is waiting already. Try again later.
    #[error("the log is overloaded: {reason}")]
    Overloaded {
        /// Which bound was hit.
        reason: &'static str,
    },
    /// The log is closing.
    #[error("the log is closed")]
    Closed,
    /// The records do not fit into one batch: a mistake of the caller (413).
    #[error("{bytes} bytes of records do not fit into one batch of at most {bytes_max} bytes")]
    TooLarge {
        /// The records' size in frames.
        bytes: usize,
        /// The most that fits.
        bytes_max: usize,
    },
    /// There is nothing to append, or a record without payload: a mistake of the caller.
    #[error("a record needs a payload, and a request at least one record")]
    Empty,
}

impl AppendError {
    /// Whether the sender should try the same request again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Overloaded { .. })
    }
}
