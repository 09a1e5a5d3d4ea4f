//! A disk in memory that fails on demand and can lose power.
//!
//! Faults are given as a list: "the n-th call of this kind (on a path that contains this text) does
//! that". With the same list and the same calls, the same thing happens.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::crash_model::{CrashModel, Fate, Fill, Image};
use super::disk::{Access, Disk, DiskFile, Held, LockGuard, LockOutcome};
use super::entropy::Entropy;
use super::recording_disk::{DiskOp, FileId};

/// The kinds of call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// [`Disk::open`].
    Open,
    /// [`Disk::create`].
    Create,
    /// [`Disk::create_dir`].
    CreateDir,
    /// [`Disk::list`].
    List,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::unlink`].
    Unlink,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::lock`].
    Lock,
    /// [`DiskFile::pwrite`].
    Pwrite,
    /// [`DiskFile::fdatasync`].
    Fdatasync,
    /// [`DiskFile::read`].
    Read,
    /// [`DiskFile::len`].
    Len,
    /// [`DiskFile::preallocate`].
    Preallocate,
}

/// The system errors that a store meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errno {
    /// Input/output error.
    Eio,
    /// No space left on device.
    Enospc,
    /// Disk quota exceeded.
    Edquot,
    /// Too many open files.
    Emfile,
    /// Read-only file system.
    Erofs,
    /// Permission denied.
    Eacces,
    /// Interrupted system call.
    Eintr,
    /// No such file: another process removed it.
    Enoent,
}

impl Errno {
    /// The error as the operating system reports it.
    #[must_use]
    pub fn error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::Eio => 5,
            Self::Enospc => 28,
            Self::Edquot => 122,
            Self::Emfile => 24,
            Self::Erofs => 30,
            Self::Eacces => 13,
            Self::Eintr => 4,
            Self::Enoent => 2,
        })
    }
}

/// What a failing call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It fails and changes nothing (a failed sync leaves the pages clean, see [`CrashModel`]).
    Error(Errno),
    /// It reads or writes this many bytes only, without an error.
    Short(usize),
    /// It writes this many bytes and then fails.
    PartThenError(usize, Errno),
    /// It writes, but one bit of what it writes is wrong. Only for [`Call::Pwrite`].
    FlipBit(usize),
}

/// One planned failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The kind of call.
    pub call: Call,
    /// Only calls on paths that contain this text count; empty for all.
    pub path_contains: String,
    /// The first call (counted from 1 among those that match, from when the fault was added) that
    /// fails.
    pub from_nth: u64,
    /// How many calls fail from then on; `u64::MAX` for all.
    pub times: u64,
    /// What they do.
    pub kind: FaultKind,
}

impl Fault {
    /// The `nth` call of that kind fails once.
    #[must_use]
    pub fn once(call: Call, nth: u64, kind: FaultKind) -> Self {
        Self {
            call,
            path_contains: String::new(),
            from_nth: nth,
            times: 1,
            kind,
        }
    }

    /// Every call of that kind fails from the `nth` on.
    #[must_use]
    pub fn from(call: Call, nth: u64, kind: FaultKind) -> Self {
        Self {
            times: u64::MAX,
            ..Self::once(call, nth, kind)
        }
    }

    /// Restricts the fault to paths that contain `text`.
    #[must_use]
    pub fn on(mut self, text: &str) -> Self {
        self.path_contains = text.to_owned();
        self
    }
}

#[derive(Debug)]
struct State {
    model: CrashModel,
    next_file: u32,
    locks: BTreeMap<PathBuf, String>,
    faults: Vec<(Fault, u64)>,
    calls: BTreeMap<Call, u64>,
}

/// A disk in memory. Clones share the same contents.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new(&Image::default())
    }
}

fn missing(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("no such file: {}", path.display()),
    )
}

impl SimDisk {
    /// A disk on which everything in `image` is durable.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        Self::with_model(CrashModel::new(image))
    }

    /// A disk that will not be asked to lose power; cheaper.
    #[must_use]
    pub fn without_power_loss(image: &Image) -> Self {
        Self::with_model(CrashModel::untracked(image))
    }

    fn with_model(model: CrashModel) -> Self {
        let state = State {
            model,
            next_file: 0,
            locks: BTreeMap::new(),
            faults: Vec::new(),
            calls: BTreeMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panicking test must not hide behind a poisoned lock: the state stays in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plans a failure; calls are counted from now on.
    pub fn plan(&self, fault: Fault) {
        self.state().faults.push((fault, 0));
    }

    /// Forgets all planned failures: the disk is healthy again.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// How many calls of a kind were made so far, failed ones included.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.state().calls.get(&call).copied().unwrap_or(0)
    }

    /// What a process started now would read (a kill without power loss).
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().model.live_image()
    }

    /// A power loss that keeps nothing that was not synced.
    #[must_use]
    pub fn power_loss(&self) -> Image {
        self.state().model.materialise(|_| false, |_| Fate::Lost)
    }

    /// A power loss whose choices are drawn from `entropy`: what was not synced is kept, lost or
    /// torn, in any combination.
    #[must_use]
    pub fn random_power_loss(&self, entropy: &dyn Entropy) -> Image {
        let state = self.state();
        let pieces: Vec<u64> = state
            .model
            .pending_writes()
            .iter()
            .map(super::PendingWrite::len)
            .collect();
        state.model.materialise(
            |_| entropy.below(2) == 0,
            |at| match entropy.below(4) {
                0 => Fate::Kept,
                1 => Fate::Lost,
                _ => {
                    let cut = entropy.below(pieces[at] + 1);
                    let fill = match entropy.below(4) {
                        0 => Fill::Old,
                        1 => Fill::Zeros,
                        2 => Fill::Ones,
                        _ => Fill::Garbage(entropy.next_u64()),
                    };
                    Fate::Torn {
                        keep_from: 0,
                        keep_to: cut,
                        fill,
                    }
                }
            },
        )
    }
}

impl State {
    /// Counts a call and says whether a planned failure hits it.
    fn fault(&mut self, call: Call, path: &Path) -> Option<FaultKind> {
        *self.calls.entry(call).or_insert(0) += 1;
        let mut hit = None;
        for (fault, seen) in &mut self.faults {
            let on_path = fault.path_contains.is_empty()
                || path.to_string_lossy().contains(&fault.path_contains);
            if fault.call != call || !on_path {
                continue;
            }
            *seen += 1;
            let past = *seen >= fault.from_nth && *seen - fault.from_nth < fault.times;
            if past && hit.is_none() {
                hit = Some(fault.kind);
            }
        }
        hit
    }

    /// Counts a call that can only fail as a whole.
    fn check(&mut self, call: Call, path: &Path) -> io::Result<()> {
        match self.fault(call, path) {
            Some(FaultKind::Error(errno) | FaultKind::PartThenError(_, errno)) => {
                Err(errno.error())
            }
            Some(FaultKind::Short(_) | FaultKind::FlipBit(_)) | None => Ok(()),
        }
    }

    fn parent_exists(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(Path::new(""));
        if self.model.dir_exists(parent) {
            Ok(())
        } else {
            Err(missing(parent))
        }
    }

    fn new_file(&mut self) -> FileId {
        let file = FileId(self.next_file);
        self.next_file += 1;
        file
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: FileId,
    path: PathBuf,
}

impl DiskFile for SimFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let (taken, flip, then) = match state.fault(Call::Pwrite, &self.path) {
            Some(FaultKind::Error(errno)) => return Err(errno.error()),
            Some(FaultKind::Short(len)) => (len.min(bytes.len()), None, Ok(())),
            Some(FaultKind::PartThenError(len, errno)) => {
                (len.min(bytes.len()), None, Err(errno.error()))
            }
            Some(FaultKind::FlipBit(bit)) => (bytes.len(), Some(bit), Ok(())),
            None => (bytes.len(), None, Ok(())),
        };
        let mut written: Vec<u8> = bytes[..taken].to_vec();
        if let Some(byte) = flip.and_then(|bit| written.get_mut(bit / 8)) {
            *byte ^= 1 << (flip.unwrap_or(0) % 8);
        }
        let bytes = Arc::from(written);
        state.model.apply(&DiskOp::Write {
            file: self.file,
            offset,
            bytes,
        });
        then.map(|()| taken)
    }

    fn fdatasync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let result = state.check(Call::Fdatasync, &self.path);
        let file = self.file;
        state.model.apply(&match result {
            Ok(()) => DiskOp::SyncData { file },
            Err(_) => DiskOp::SyncFailed { file },
        });
        result
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let limit = match state.fault(Call::Read, &self.path) {
            Some(FaultKind::Error(errno) | FaultKind::PartThenError(_, errno)) => {
                return Err(errno.error());
            }
            Some(FaultKind::Short(len)) => len,
            Some(FaultKind::FlipBit(_)) | None => buffer.len(),
        };
        let Some(bytes) = state.model.live(self.file) else {
            return Err(missing(&self.path));
        };
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        let len = buffer.len().min(limit).min(bytes.len() - start);
        buffer[..len].copy_from_slice(&bytes[start..start + len]);
        Ok(len)
    }

    fn len(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.check(Call::Len, &self.path)?;
        state
            .model
            .live(self.file)
            .map(|bytes| bytes.len() as u64)
            .ok_or_else(|| missing(&self.path))
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let (len_bytes, then) = match state.fault(Call::Preallocate, &self.path) {
            Some(FaultKind::Error(errno)) => return Err(errno.error()),
            Some(FaultKind::PartThenError(len, errno)) => (len as u64, Err(errno.error())),
            Some(FaultKind::Short(_) | FaultKind::FlipBit(_)) | None => (len_bytes, Ok(())),
        };
        state.model.apply(&DiskOp::Preallocate {
            file: self.file,
            len_bytes,
        });
        then
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, _access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.check(Call::Open, path)?;
        if !state.model.exists(path) {
            return Err(missing(path));
        }
        let file = state.new_file();
        state.model.apply(&DiskOp::Open {
            file,
            path: path.to_path_buf(),
        });
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
            path: path.to_path_buf(),
        }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.check(Call::Create, path)?;
        state.parent_exists(path)?;
        if state.model.exists(path) {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("file exists: {}", path.display()),
            ));
        }
        let file = state.new_file();
        state.model.apply(&DiskOp::Create {
            file,
            path: path.to_path_buf(),
        });
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            file,
            path: path.to_path_buf(),
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Call::CreateDir, path)?;
        if path.as_os_str().is_empty() {
            return Ok(());
        }
        state.parent_exists(path)?;
        state.model.apply(&DiskOp::CreateDir {
            path: path.to_path_buf(),
        });
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.check(Call::List, dir)?;
        if !state.model.dir_exists(dir) {
            return Err(missing(dir));
        }
        Ok(state
            .model
            .names()
            .filter(|path| path.parent().unwrap_or(Path::new("")) == dir)
            .filter_map(|path| {
                path.file_name()
                    .map(|name| name.to_string_lossy().into_owned())
            })
            .collect())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Call::Rename, from)?;
        state.parent_exists(to)?;
        if !state.model.exists(from) {
            return Err(missing(from));
        }
        state.model.apply(&DiskOp::Rename {
            from: from.to_path_buf(),
            to: to.to_path_buf(),
        });
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Call::Unlink, path)?;
        if !state.model.exists(path) {
            return Err(missing(path));
        }
        state.model.apply(&DiskOp::Unlink {
            path: path.to_path_buf(),
        });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.check(Call::SyncDir, dir)?;
        state.model.apply(&DiskOp::SyncDir {
            path: dir.to_path_buf(),
        });
        Ok(())
    }

    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome> {
        let mut state = self.state();
        state.check(Call::Lock, path)?;
        if let Some(held) = state.locks.get(path) {
            return Ok(LockOutcome::Held(Held {
                contents: held.clone(),
            }));
        }
        state.locks.insert(path.to_path_buf(), contents.to_owned());
        let guard = SimLock {
            disk: self.clone(),
            path: path.to_path_buf(),
        };
        Ok(LockOutcome::Taken(Box::new(guard)))
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        let state = self.state();
        Ok(state.locks.get(path).map(|contents| Held {
            contents: contents.clone(),
        }))
    }

    fn display(&self, path: &Path) -> PathBuf {
        path.to_path_buf()
    }
}
