//! The file operations a durable store needs, and no others.
//!
//! Paths are relative to the root of the disk handle (the data directory). The contract is the
//! weakest that real file systems offer, because that is what recovery has to live with:
//!
//! * data is durable only after [`DiskFile::fdatasync`] of that file returned success;
//! * a name (created, renamed, unlinked) is durable only after [`Disk::sync_dir`] of its directory;
//! * after a failed `fdatasync` nothing is known about what was written since the one before, and a
//!   later success says nothing about it either.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What an opened file may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading only; works on a read-only file system.
    Read,
    /// Reading and writing in place.
    ReadWrite,
}

/// An open file. Positions are absolute, so one handle can be shared.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Writes some of `bytes` at `offset` and returns how many were taken, like `pwrite(2)`.
    ///
    /// # Errors
    /// Whatever the file system reports; after an error any part of `bytes` may have been written.
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes everything written to this file durable, its length included.
    ///
    /// # Errors
    /// Must be treated as final for this file: never call it again on it.
    fn fdatasync(&self) -> io::Result<()>;

    /// Reads some bytes at `offset` and returns how many; 0 is the end of the file.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The length of the file in bytes.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file holds no bytes.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills the file with zeros up to `len_bytes`, so that later writes in place change neither its
    /// length nor its block map. Durable only after [`DiskFile::fdatasync`].
    ///
    /// # Errors
    /// Whatever the file system reports; the file may then have any length up to `len_bytes`.
    fn preallocate(&self, len_bytes: u64) -> io::Result<()>;
}

/// Keeps an exclusive lock until dropped (or until the process dies).
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// Who holds a lock that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The contents of the lock file, as its holder wrote them.
    pub contents: String,
}

/// What [`Disk::lock`] did.
#[derive(Debug)]
pub enum LockOutcome {
    /// The lock is ours until the guard is dropped.
    Taken(Box<dyn LockGuard>),
    /// Another process (or handle) has it.
    Held(Held),
}

/// A directory tree with the operations a durable store needs.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens an existing file.
    ///
    /// # Errors
    /// `NotFound` when there is none; else whatever the file system reports.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a file that must not exist yet.
    ///
    /// # Errors
    /// `AlreadyExists` when it does; else whatever the file system reports.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates a directory; one that exists already is not an error.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// The names of the plain files in a directory, sorted.
    ///
    /// # Errors
    /// `NotFound` when there is no such directory; else whatever the file system reports.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Renames a file, replacing what stands at `to`.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn unlink(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in `dir` durable.
    ///
    /// # Errors
    /// Whatever the file system reports.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes an exclusive lock on a file (created if need be) and writes `contents` into it.
    ///
    /// # Errors
    /// Whatever the file system reports; a lock held by another is not an error but an outcome.
    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome>;

    /// Whether another process (or handle) holds the lock now. Changes nothing.
    ///
    /// # Errors
    /// Whatever the file system reports; a missing lock file means that nobody holds it.
    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>>;

    /// The path as an operator would write it, for messages.
    fn display(&self, path: &Path) -> PathBuf;
}
