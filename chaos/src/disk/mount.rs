//! The disk as a file system of the kernel, by FUSE, without libfuse.
//!
//! Everything is in memory; see [`super::store`]. The kernel hands every write on at once (no write-back
//! cache is asked for), so that what a process has written is here, synced or not, when it is killed.
//!
//! A mount needs `/dev/fuse`, and root or the program `fusermount3`. [`try_it`] says what is missing.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request,
    TimeOrNow, WriteFlags,
};
use nix::mount::{MntFlags, umount2};
use rustix::process::{getgid, getuid};

use super::faults::{Call, Failure, Faults};
use super::store::{About, Refusal, Store};

/// How long the kernel may remember names and attributes: nobody else changes them.
const TTL: Duration = Duration::from_secs(3_600);

/// A call that is slow must not hold up those that are not.
const THREADS: usize = 4;

/// What a full disk has, in blocks. Nobody should depend on it.
const BLOCKS: u64 = 1 << 20;

const BLOCK_BYTES: u32 = 4096;

/// What hears of errors before the process does: the call, and the error.
pub(super) type OnError = Box<dyn Fn(&str, &str) + Send + Sync>;

/// What is behind a mount, shared with whoever makes it fail.
pub(super) struct Shared {
    state: Mutex<State>,
    on_error: OnError,
}

/// Takes the power away at a call of a start.
pub(super) struct Strike {
    /// How many names are changed, or synced, before.
    pub(super) after: u64,
    /// Kills the process; whether there was one to kill.
    pub(super) kill: Box<dyn Fn() -> bool + Send>,
}

pub(super) struct State {
    pub(super) store: Store,
    pub(super) faults: Faults,
    pub(super) strike: Option<Strike>,
    /// Nothing is written any more, whatever the process still asks for.
    is_off: bool,
    /// Directories that are being read, each as it was when it was opened.
    listings: BTreeMap<u64, Vec<(OsString, About)>>,
    next_listing: u64,
    /// Calls so far: writes, syncs of files, syncs of directories.
    pub(super) calls: [u64; 3],
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl State {
    fn is_on(&self) -> Result<(), Errno> {
        match self.is_off {
            true => Err(Errno::EIO),
            false => Ok(()),
        }
    }

    /// A name was changed or synced.
    fn strikes(&mut self) {
        match &mut self.strike {
            Some(strike) if strike.after > 0 => strike.after -= 1,
            Some(strike) => {
                self.is_off = (strike.kill)();
                self.strike = None;
            }
            None => {}
        }
    }
}

impl Shared {
    pub(super) fn new(store: Store, faults: Faults, on_error: OnError) -> Self {
        Self {
            state: Mutex::new(State {
                store,
                faults,
                strike: None,
                is_off: false,
                listings: BTreeMap::new(),
                next_listing: 0,
                calls: [0; 3],
            }),
            on_error,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, which may get an error.
    fn meets(&self, state: &mut State, call: Call) -> Result<(), Errno> {
        state.is_on()?;
        state.calls[call as usize] += 1;
        let Some(failure) = state.faults.meets(call) else {
            return Ok(());
        };
        Err(self.fails(call, failure))
    }

    fn fails(&self, call: Call, failure: Failure) -> Errno {
        let (name, error) = match failure {
            Failure::Broken => ("EIO", Errno::EIO),
            Failure::Full => ("ENOSPC", Errno::ENOSPC),
        };
        (self.on_error)(call.name(), name);
        error
    }

    fn write(&self, ino: u64, offset: u64, bytes: &[u8]) -> Result<(), Errno> {
        let mut state = self.state();
        self.meets(&mut state, Call::Write)?;
        let about = state.store.about(ino).map_err(errno)?;
        let is_new = offset + bytes.len() as u64 > about.len;
        if !state.faults.has_room(is_new) {
            return Err(self.fails(Call::Write, Failure::Full));
        }
        state.store.write(ino, offset, bytes).map_err(errno)
    }

    fn sync(&self, ino: u64, call: Call) -> Result<(), Errno> {
        let delay = self.state().faults.delay();
        if !delay.is_zero() {
            // Nobody unparks these threads.
            std::thread::park_timeout(delay);
        }
        let mut state = self.state();
        let met = self.meets(&mut state, call);
        let done = match (call, met.is_ok()) {
            (Call::SyncDir, true) => state.store.sync_dir(ino),
            (Call::SyncDir, false) => Ok(()),
            (_, true) => state.store.sync(ino),
            (_, false) => state.store.fail_sync(ino),
        };
        met?;
        if call == Call::SyncDir {
            state.strikes();
        }
        done.map_err(errno)
    }

    /// Changes names.
    fn names<T>(&self, change: impl FnOnce(&mut Store) -> Result<T, Refusal>) -> Result<T, Errno> {
        let mut state = self.state();
        state.is_on()?;
        let done = change(&mut state.store);
        state.strikes();
        done.map_err(errno)
    }
}

fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::NotFound => Errno::ENOENT,
        Refusal::Exists => Errno::EEXIST,
        Refusal::NotADirectory => Errno::ENOTDIR,
        Refusal::IsADirectory => Errno::EISDIR,
        Refusal::NotEmpty => Errno::ENOTEMPTY,
    }
}

fn kind(about: About) -> FileType {
    match about.is_dir {
        true => FileType::Directory,
        false => FileType::RegularFile,
    }
}

fn attributes(about: About) -> FileAttr {
    let never = SystemTime::UNIX_EPOCH;
    FileAttr {
        ino: INodeNo(about.ino),
        size: about.len,
        blocks: about.len.div_ceil(512),
        atime: never,
        mtime: never,
        ctime: never,
        crtime: never,
        kind: kind(about),
        perm: about.mode,
        nlink: 1,
        uid: getuid().as_raw(),
        gid: getgid().as_raw(),
        rdev: 0,
        blksize: BLOCK_BYTES,
        flags: 0,
    }
}

/// What the kernel talks to.
#[derive(Debug)]
struct Door(Arc<Shared>);

impl Door {
    fn new_entry(
        &self,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        is_dir: bool,
    ) -> Result<FileAttr, Errno> {
        if !self.0.state().faults.has_room(true) {
            return Err(self.0.fails(Call::Write, Failure::Full));
        }
        let mode = (mode & 0o7777) as u16;
        let made = self
            .0
            .names(|store| store.create(parent.0, name, mode, is_dir));
        made.map(attributes)
    }

    fn remove(&self, parent: INodeNo, name: &OsStr, is_dir: bool) -> Result<(), Errno> {
        self.0.names(|store| store.remove(parent.0, name, is_dir))
    }
}

/// Answers with nothing but the result.
fn answer(reply: ReplyEmpty, result: Result<(), Errno>) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn answer_entry(reply: ReplyEntry, result: Result<FileAttr, Errno>) {
    match result {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

fn answer_attributes(reply: ReplyAttr, result: Result<About, Errno>) {
    match result {
        Ok(about) => reply.attr(&TTL, &attributes(about)),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Door {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.0.state().store.lookup(parent.0, name);
        answer_entry(reply, found.map(attributes).map_err(errno));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        let found = self.0.state().store.about(ino.0);
        answer_attributes(reply, found.map_err(errno));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _uid: Option<u32>,
        _gid: Option<u32>,
        size: Option<u64>,
        _atime: Option<TimeOrNow>,
        _mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        _fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<fuser::BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.0.state();
        let store = &mut state.store;
        let set = || {
            if let Some(mode) = mode {
                store.set_mode(ino.0, (mode & 0o7777) as u16)?;
            }
            if let Some(size) = size {
                store.set_len(ino.0, size)?;
            }
            store.about(ino.0)
        };
        let mut set = set;
        answer_attributes(reply, set().map_err(errno));
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        answer_entry(reply, self.new_entry(parent, name, mode & !umask, true));
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        match self.new_entry(parent, name, mode & !umask, false) {
            Ok(attributes) => {
                reply.created(
                    &TTL,
                    &attributes,
                    Generation(0),
                    FileHandle(0),
                    FopenFlags::empty(),
                );
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.remove(parent, name, false));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer(reply, self.remove(parent, name, true));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let (from, to) = ((parent.0, name), (newparent.0, newname));
        answer(reply, self.0.names(|store| store.rename(from, to)));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.0.state().store.read(ino.0, offset, u64::from(size));
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        _write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.0.write(ino.0, offset, data) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // What is closed is not synced.
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.0.sync(ino.0, Call::Sync));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer(reply, self.0.sync(ino.0, Call::SyncDir));
    }

    fn opendir(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        let mut state = self.0.state();
        match state.store.list(ino.0) {
            Ok(listing) => {
                let number = state.next_listing;
                state.next_listing += 1;
                state.listings.insert(number, listing);
                reply.opened(FileHandle(number), FopenFlags::empty());
            }
            Err(refusal) => reply.error(errno(refusal)),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let state = self.0.state();
        let Some(listing) = state.listings.get(&fh.0) else {
            return reply.error(Errno::EBADF);
        };
        let dots = [".", ".."].map(|name| (OsStr::new(name), ino, FileType::Directory));
        let entries = listing
            .iter()
            .map(|(name, about)| (name.as_os_str(), INodeNo(about.ino), kind(*about)));
        let all = dots.into_iter().chain(entries).zip(1_u64..);
        for ((name, ino, kind), next) in all.skip(offset as usize) {
            if reply.add(ino, next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn releasedir(&self, _: &Request, _: INodeNo, fh: FileHandle, _: OpenFlags, reply: ReplyEmpty) {
        self.0.state().listings.remove(&fh.0);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let free = match self.0.state().faults.has_room(true) {
            true => BLOCKS / 2,
            false => 0,
        };
        reply.statfs(
            BLOCKS,
            free,
            free,
            BLOCKS,
            BLOCKS / 2,
            BLOCK_BYTES,
            255,
            BLOCK_BYTES,
        );
    }
}

/// A mount. It ends with this.
#[derive(Debug)]
pub(super) struct Mount {
    path: PathBuf,
    session: Option<BackgroundSession>,
}

impl Mount {
    /// Mounts it on an empty directory.
    pub(super) fn new(path: &Path, shared: Arc<Shared>) -> io::Result<Self> {
        let mut config = Config::default();
        config.mount_options = vec![
            MountOption::FSName("tocsin-chaos".to_owned()),
            MountOption::NoSuid,
            MountOption::NoDev,
            MountOption::NoAtime,
        ];
        config.n_threads = Some(THREADS);
        let session = fuser::spawn_mount(Door(shared), path, &config)?;
        Ok(Self {
            path: path.to_owned(),
            session: Some(session),
        })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        detach(&self.path);
        if let Some(session) = self.session.take() {
            // It has gone already, or goes now; whoever still looks at it keeps it for that long.
            let _ = session.umount_and_join();
        }
    }
}

/// Takes away what is mounted there, also what a run that was cut off has left.
pub(super) fn detach(path: &Path) {
    // Not everybody may do that; then fusermount3 does it when the session ends.
    let _ = umount2(path, MntFlags::MNT_DETACH);
}

/// Why there can be no such disk here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Missing(String);

/// Whether a disk can be mounted here.
///
/// # Errors
/// What is missing.
#[expect(
    clippy::disallowed_types,
    reason = "the real device is what is asked for"
)]
pub fn try_it() -> Result<(), Missing> {
    const DEVICE: &str = "/dev/fuse";
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(DEVICE);
    if let Err(error) = opened {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "load the module fuse, or give the container the device",
            _ => "run it as a user who may open it",
        };
        return Err(Missing(format!("cannot open {DEVICE}: {error}; {advice}")));
    }
    let mounted = || -> Result<()> {
        let dir = tempfile::tempdir().context("no directory to mount on")?;
        let shared = Shared::new(Store::default(), Faults::none(0), Box::new(|_, _| {}));
        Mount::new(dir.path(), Arc::new(shared))?;
        Ok(())
    };
    mounted().map_err(|error| {
        let advice = match getuid().is_root() {
            true => "root needs the capability CAP_SYS_ADMIN for it",
            false => "whoever is not root needs the program fusermount3 for it (Debian: fuse3)",
        };
        Missing(format!(
            "cannot mount a FUSE file system: {error:#}; {advice}"
        ))
    })
}

#[cfg(test)]
#[path = "mount_tests.rs"]
mod tests;
