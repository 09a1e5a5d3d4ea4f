//! A directory of the real file system.
//!
//! **Invariants**
//! * Looking changes nothing: opening for reading, listing and asking for the holder of the lock work
//!   on a read-only file system and need no right to write.
//! * The lock is `flock(2)`: it goes with the process, however that ends. The running process holds
//!   it *exclusively*; who only wants to know whether it is held asks for it *shared*, for an instant.
//!   A start that meets such an instant knows it by that difference and tries again, so that looking
//!   never makes a start fail.
//! * A directory's handle is opened when the directory is first made, listed or synced, and kept: the
//!   sync after a rename must not fail for want of a file handle.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the real disk"
)]

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::sys::{Access, Disk, DiskFile, Held, LockGuard, LockOutcome};

/// Alerts may name what outsiders should not read; the umask may take more away.
const FILE_MODE: u32 = 0o640;
const DIR_MODE: u32 = 0o750;

/// Zeros are written in pieces of this size.
const ZEROS_BYTES: usize = 1024 * 1024;

/// A lock file holds one line; more is not ours.
const LOCK_BYTES_MAX: u64 = 4096;

/// Each look holds the lock for microseconds; so many in a row means something else.
const LOCK_TRIES_MAX: u32 = 100_000;

/// The files below one directory.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    dirs: Mutex<BTreeMap<PathBuf, Arc<File>>>,
}

impl RealDisk {
    /// The files below `root`. Touches nothing yet; `root` may be missing.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            dirs: Mutex::new(BTreeMap::new()),
        }
    }

    /// Makes the root directory and those above it, if they are missing, durably.
    ///
    /// # Errors
    /// Whatever the file system reports.
    pub fn create_root(&self) -> io::Result<()> {
        let missing: Vec<&Path> = self
            .root
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        DirBuilder::new()
            .recursive(true)
            .mode(DIR_MODE)
            .create(&self.root)?;
        for dir in missing {
            let parent = match dir.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    fn at(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        }
    }

    /// The kept handle of a directory.
    fn dir(&self, dir: &Path) -> io::Result<Arc<File>> {
        // The map holds whole entries, whoever panicked.
        let mut dirs = self.dirs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = dirs.get(dir) {
            return Ok(Arc::clone(handle));
        }
        let handle = Arc::new(File::open(self.at(dir))?);
        dirs.insert(dir.to_path_buf(), Arc::clone(&handle));
        Ok(handle)
    }
}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn fdatasync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// Writes the zeros: `fallocate` would leave extents whose first overwriting changes metadata,
    /// which every `fdatasync` would then have to wait for.
    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        let mut offset = self.len()?;
        let zeros = vec![0; ZEROS_BYTES];
        while offset < len_bytes {
            let rest = usize::try_from(len_bytes - offset).unwrap_or(usize::MAX);
            let piece = rest.min(ZEROS_BYTES);
            self.0.write_all_at(&zeros[..piece], offset)?;
            offset += piece as u64;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct RealLock(File);

impl LockGuard for RealLock {}

impl Drop for RealLock {
    /// Gives the lock back by word and not only by closing the file: a child that another thread has
    /// just forked, and that has not yet begun its own program, has the file open too.
    fn drop(&mut self) {
        // If this fails, closing does it.
        let _ = self.0.unlock();
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(access == Access::ReadWrite)
            .open(self.at(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(self.at(path))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(DIR_MODE).create(self.at(path)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        if !fs::metadata(self.at(path))?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.dir(path).map(|_| ())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.at(dir))? {
            let entry = entry?;
            let is_plain = match entry.file_type() {
                Ok(kind) => kind.is_file(),
                // A running process may remove a file under us.
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error),
            };
            // No name of ours is anything but ASCII.
            if let (true, Ok(name)) = (is_plain, entry.file_name().into_string()) {
                names.push(name);
            }
        }
        self.dir(dir)?;
        names.sort_unstable();
        Ok(names)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.dir(dir)?.sync_all()
    }

    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(self.at(path))?;
        for _ in 0..LOCK_TRIES_MAX {
            if is_taken(file.try_lock())? {
                file.set_len(0)?;
                file.write_all_at(contents.as_bytes(), 0)?;
                return Ok(LockOutcome::Taken(Box::new(RealLock(file))));
            }
            if !is_taken(file.try_lock_shared())? {
                break;
            }
            // Somebody only looked.
            file.unlock()?;
            std::thread::yield_now();
        }
        Ok(LockOutcome::Held(held(&file)?))
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        let file = match File::open(self.at(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        if !is_taken(file.try_lock_shared())? {
            return held(&file).map(Some);
        }
        // By word, as in the drop of a taken lock.
        file.unlock()?;
        Ok(None)
    }

    fn display(&self, path: &Path) -> PathBuf {
        self.at(path)
    }
}

fn is_taken(outcome: Result<(), TryLockError>) -> io::Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn held(file: &File) -> io::Result<Held> {
    let mut contents = Vec::new();
    file.take(LOCK_BYTES_MAX).read_to_end(&mut contents)?;
    Ok(Held {
        contents: String::from_utf8_lossy(&contents).into_owned(),
    })
}

#[cfg(test)]
#[path = "real_disk_tests.rs"]
mod tests;
