//! What the index keeps its bytes in: an ordered map that may fail in any way.
//!
//! **Rules**
//! * [`Storage::apply`] is all or nothing, also across a crash.
//! * Nothing that is read is believed before its checksum was compared ([`super::value`]).
//! * Whoever calls must expect that a call panics or never returns: [`super::guard`].

use std::fmt;

/// A value to be set, or a key to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// Its new value; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// Why the index cannot be used any longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The storage reports an error: a full disk, a file that cannot be opened.
    #[error("it reports: {0}")]
    Reported(String),
    /// The storage panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
    /// A call did not return in time.
    #[error("it did not answer within {0} s")]
    Hung(u64),
    /// What was read is not what was written.
    #[error("it gave back something else than it was given: {0}")]
    Lied(String),
    /// It belongs to another store, or was written by another version.
    #[error("{0}")]
    Foreign(String),
}

impl Fault {
    /// The value of the label `reason` in metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Reported(_) => "error",
            Self::Panicked(_) => "panic",
            Self::Hung(_) => "hang",
            Self::Lied(_) => "mismatch",
            Self::Foreign(_) => "foreign",
        }
    }
}

/// Receives keys and values in the order of the keys.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), Fault> + 'a;

/// An ordered map of bytes.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Makes all changes, or none.
    ///
    /// # Errors
    /// That nothing more can be written. The storage is not used any longer.
    fn apply(&self, changes: Vec<Change>) -> Result<(), Fault>;

    /// The value of a key.
    ///
    /// # Errors
    /// That it cannot be read. The storage is not used any longer.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Visits all keys that begin so, in order.
    ///
    /// # Errors
    /// That they cannot be read, or what `visit` reports.
    fn scan(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), Fault>;

    /// Bytes that it takes, on disk or in memory.
    ///
    /// # Errors
    /// That it cannot be told.
    fn size_bytes(&self) -> Result<u64, Fault>;

    /// Does what can be done so that what was applied survives.
    ///
    /// # Errors
    /// That it could not be done.
    fn flush(&self) -> Result<(), Fault>;
}
