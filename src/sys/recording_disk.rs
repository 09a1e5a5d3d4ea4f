//! A disk that writes down what is done to it.
//!
//! The list of [`DiskOp`]s is what the crash-image enumerator works on: every state that a power
//! loss could leave is a point in the list plus a choice about what was not yet synced.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Access, Disk, DiskFile, Held, LockOutcome};

/// Identifies a file through renames within one recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One thing that was done to the disk and succeeded, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskOp {
    /// A directory came into being.
    CreateDir {
        /// Its path.
        path: PathBuf,
    },
    /// A file came into being, empty.
    Create {
        /// The identity used by the ops that follow.
        file: FileId,
        /// Its path.
        path: PathBuf,
    },
    /// A file that existed before was opened for writing.
    Open {
        /// The identity used by the ops that follow.
        file: FileId,
        /// Its path.
        path: PathBuf,
    },
    /// Bytes were written in place.
    Write {
        /// Where.
        file: FileId,
        /// From which byte on.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// The file was filled with zeros from its end up to `len_bytes`.
    Preallocate {
        /// Where.
        file: FileId,
        /// The new length.
        len_bytes: u64,
    },
    /// All that was written to the file became durable.
    SyncData {
        /// Which.
        file: FileId,
    },
    /// A sync failed: what was pending is in the page cache, marked clean, and will never be written.
    SyncFailed {
        /// Which.
        file: FileId,
    },
    /// A name changed.
    Rename {
        /// The old path.
        from: PathBuf,
        /// The new path.
        to: PathBuf,
    },
    /// A name went.
    Unlink {
        /// The path.
        path: PathBuf,
    },
    /// The names in a directory became durable.
    SyncDir {
        /// Which.
        path: PathBuf,
    },
}

#[derive(Debug, Default)]
struct Tape {
    ops: Vec<DiskOp>,
    names: BTreeMap<PathBuf, FileId>,
    next_file: u32,
}

impl Tape {
    fn new_file(&mut self, path: &Path) -> FileId {
        let file = FileId(self.next_file);
        self.next_file += 1;
        self.names.insert(path.to_path_buf(), file);
        file
    }
}

/// Passes every call on to another disk and records those that succeeded and changed something.
#[derive(Debug)]
pub struct RecordingDisk<D> {
    inner: D,
    tape: Arc<Mutex<Tape>>,
}

fn lock(tape: &Mutex<Tape>) -> MutexGuard<'_, Tape> {
    // A panic while the tape is held leaves a list that is still in order.
    tape.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Disk> RecordingDisk<D> {
    /// Starts an empty recording over `inner`.
    #[must_use]
    pub fn new(inner: D) -> Self {
        Self {
            inner,
            tape: Arc::default(),
        }
    }

    /// Starts an empty recording that numbers files from `first` on, so that its operations can
    /// follow those of another recording in one [`super::CrashModel`].
    #[must_use]
    pub fn numbered_from(inner: D, first: u32) -> Self {
        let tape = Tape {
            next_file: first,
            ..Tape::default()
        };
        Self {
            inner,
            tape: Arc::new(Mutex::new(tape)),
        }
    }

    /// How many operations were recorded so far.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.tape).ops.len()
    }

    /// Whether nothing was recorded yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of the operations recorded so far.
    #[must_use]
    pub fn ops(&self) -> Vec<DiskOp> {
        lock(&self.tape).ops.clone()
    }

    /// The disk below.
    pub fn inner(&self) -> &D {
        &self.inner
    }

    fn push(&self, op: DiskOp) {
        lock(&self.tape).ops.push(op);
    }
}

#[derive(Debug)]
struct RecordingFile {
    inner: Arc<dyn DiskFile>,
    file: FileId,
    tape: Arc<Mutex<Tape>>,
}

impl RecordingFile {
    fn visible(&self, offset: u64, len: usize) -> Arc<[u8]> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        while let Ok(read @ 1..) = self
            .inner
            .read(offset + filled as u64, &mut bytes[filled..])
        {
            filled += read;
        }
        bytes.truncate(filled);
        Arc::from(bytes)
    }
}

impl DiskFile for RecordingFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.pwrite(offset, bytes);
        let bytes = match &result {
            Ok(written) => Arc::from(&bytes[..*written]),
            // A part may have been written nevertheless; what can be read there now tells.
            Err(_) => self.visible(offset, bytes.len()),
        };
        let file = self.file;
        lock(&self.tape).ops.push(DiskOp::Write {
            file,
            offset,
            bytes,
        });
        result
    }

    fn fdatasync(&self) -> io::Result<()> {
        let result = self.inner.fdatasync();
        let file = self.file;
        let op = match result {
            Ok(()) => DiskOp::SyncData { file },
            Err(_) => DiskOp::SyncFailed { file },
        };
        lock(&self.tape).ops.push(op);
        result
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(offset, buffer)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        let result = self.inner.preallocate(len_bytes);
        let len_bytes = if result.is_ok() {
            len_bytes
        } else {
            self.inner.len().unwrap_or(0)
        };
        let file = self.file;
        lock(&self.tape)
            .ops
            .push(DiskOp::Preallocate { file, len_bytes });
        result
    }
}

impl<D: Disk> Disk for RecordingDisk<D> {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.open(path, access)?;
        if access == Access::Read {
            return Ok(inner);
        }
        let mut tape = lock(&self.tape);
        let file = match tape.names.get(path) {
            Some(file) => *file,
            None => {
                let file = tape.new_file(path);
                tape.ops.push(DiskOp::Open {
                    file,
                    path: path.to_path_buf(),
                });
                file
            }
        };
        Ok(Arc::new(RecordingFile {
            inner,
            file,
            tape: Arc::clone(&self.tape),
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.create(path)?;
        let mut tape = lock(&self.tape);
        let file = tape.new_file(path);
        tape.ops.push(DiskOp::Create {
            file,
            path: path.to_path_buf(),
        });
        Ok(Arc::new(RecordingFile {
            inner,
            file,
            tape: Arc::clone(&self.tape),
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)?;
        self.push(DiskOp::CreateDir {
            path: path.to_path_buf(),
        });
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)?;
        let mut tape = lock(&self.tape);
        if let Some(file) = tape.names.remove(from) {
            tape.names.insert(to.to_path_buf(), file);
        } else {
            tape.names.remove(to);
        }
        tape.ops.push(DiskOp::Rename {
            from: from.to_path_buf(),
            to: to.to_path_buf(),
        });
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.inner.unlink(path)?;
        let mut tape = lock(&self.tape);
        tape.names.remove(path);
        tape.ops.push(DiskOp::Unlink {
            path: path.to_path_buf(),
        });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)?;
        self.push(DiskOp::SyncDir {
            path: dir.to_path_buf(),
        });
        Ok(())
    }

    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome> {
        // A lock does not outlive the machine: it is not part of any crash state.
        self.inner.lock(path, contents)
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        self.inner.lock_holder(path)
    }

    fn display(&self, path: &Path) -> PathBuf {
        self.inner.display(path)
    }
}
