//! What a power loss may leave behind.
//!
//! The model follows the weakest contract of real file systems (see [`super::disk`]):
//!
//! * what was written and not synced survives or not, page by page, in any combination; a page may
//!   also be torn, its unwritten part holding the old bytes, zeros, ones or garbage;
//! * bytes outside the written range are never harmed (the file systems and devices in question
//!   overwrite in place or copy; a sector that dies whole is the business of the bit-rot tests);
//! * a name that was not synced survives or not, independently of its neighbours; a rename within
//!   one directory is atomic, a rename across directories is an add and a remove;
//! * after a failed sync the pending pages are clean: they may be on disk or not, and no later
//!   sync changes that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recording_disk::{DiskOp, FileId};

/// Unsynced data survives or is lost in pieces of this size.
const PAGE_BYTES: u64 = 4096;

/// The contents of a disk at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Image {
    /// Every file's bytes, by path.
    pub files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    /// Every directory but the root.
    pub dirs: BTreeSet<PathBuf>,
}

/// A piece of data, at most a page, that was written and not yet synced.
#[derive(Debug, Clone)]
pub struct PendingWrite {
    inode: usize,
    offset: u64,
    content: Content,
    /// Set by a failed sync: no later sync makes this piece durable.
    clean: bool,
}

#[derive(Debug, Clone)]
enum Content {
    Bytes(Arc<[u8]>, std::ops::Range<usize>),
    Zeros(u64),
}

impl PendingWrite {
    /// How many bytes the piece has.
    #[must_use]
    pub fn len(&self) -> u64 {
        match &self.content {
            Content::Bytes(_, range) => range.len() as u64,
            Content::Zeros(len) => *len,
        }
    }

    /// Whether the piece has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the piece only extends the file with zeros.
    #[must_use]
    pub fn is_zero_fill(&self) -> bool {
        matches!(self.content, Content::Zeros(_))
    }

    /// Whether a failed sync has left it in doubt: no later sync of its file makes it durable.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.clean
    }

    fn end(&self) -> u64 {
        self.offset + self.len()
    }

    fn overlaps(&self, other: &PendingWrite) -> bool {
        self.inode == other.inode && self.offset < other.end() && other.offset < self.end()
    }
}

/// A change of names that was made and not yet synced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameOp {
    /// A directory was created.
    CreateDir(PathBuf),
    /// A name was added.
    Add(PathBuf, usize),
    /// A name was changed within one directory.
    Move(PathBuf, PathBuf, usize),
    /// A name was removed.
    Remove(PathBuf),
}

impl NameOp {
    fn directory(&self) -> &Path {
        let (Self::CreateDir(path)
        | Self::Add(path, _)
        | Self::Move(_, path, _)
        | Self::Remove(path)) = self;
        parent(path)
    }
}

/// What becomes of a piece of pending data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It reached the disk.
    Kept,
    /// It did not, and neither did the length it would have given the file.
    Lost,
    /// Bytes `keep_from..keep_to` of it reached the disk; `fill` stands in the rest.
    Torn {
        /// First byte kept.
        keep_from: u64,
        /// End of the bytes kept.
        keep_to: u64,
        /// What stands elsewhere in the piece.
        fill: Fill,
    },
}

/// What stands in the part of a torn piece that did not reach the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The bytes that were there before.
    Old,
    /// Zeros.
    Zeros,
    /// Bytes of 0xff.
    Ones,
    /// Garbage derived from the seed.
    Garbage(u64),
}

#[derive(Debug, Clone)]
struct Inode {
    durable: Arc<Vec<u8>>,
    live: Arc<Vec<u8>>,
}

/// Follows a list of [`DiskOp`]s and can say, at any point, what a power loss could leave.
#[derive(Debug, Clone)]
pub struct CrashModel {
    inodes: Vec<Inode>,
    handles: BTreeMap<FileId, usize>,
    live_names: BTreeMap<PathBuf, usize>,
    live_dirs: BTreeSet<PathBuf>,
    durable_names: BTreeMap<PathBuf, usize>,
    durable_dirs: BTreeSet<PathBuf>,
    pending_names: Vec<NameOp>,
    pending_writes: Vec<PendingWrite>,
    tracks_pending: bool,
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

impl CrashModel {
    /// Starts from a disk on which everything is durable.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        let mut model = Self {
            inodes: Vec::with_capacity(image.files.len()),
            handles: BTreeMap::new(),
            live_names: BTreeMap::new(),
            live_dirs: image.dirs.clone(),
            durable_names: BTreeMap::new(),
            durable_dirs: image.dirs.clone(),
            pending_names: Vec::new(),
            pending_writes: Vec::new(),
            tracks_pending: true,
        };
        for (path, bytes) in &image.files {
            model.live_names.insert(path.clone(), model.inodes.len());
            model.inodes.push(Inode {
                durable: Arc::clone(bytes),
                live: Arc::clone(bytes),
            });
        }
        model.durable_names.clone_from(&model.live_names);
        model
    }

    /// Starts from a disk of which only the live contents will be asked for: cheaper, and
    /// [`CrashModel::materialise`] must not be used.
    #[must_use]
    pub fn untracked(image: &Image) -> Self {
        Self {
            tracks_pending: false,
            ..Self::new(image)
        }
    }

    /// The names changed and not yet synced, in order.
    #[must_use]
    pub fn pending_names(&self) -> &[NameOp] {
        &self.pending_names
    }

    /// The data written and not yet synced, in order, in pieces of at most a page.
    #[must_use]
    pub fn pending_writes(&self) -> &[PendingWrite] {
        &self.pending_writes
    }

    /// What a process started now would read: the state after a kill without power loss.
    #[must_use]
    pub fn live_image(&self) -> Image {
        let files = self
            .live_names
            .iter()
            .map(|(path, inode)| (path.clone(), Arc::clone(&self.inodes[*inode].live)))
            .collect();
        Image {
            files,
            dirs: self.live_dirs.clone(),
        }
    }

    /// The live bytes of a file.
    #[must_use]
    pub fn live(&self, file: FileId) -> Option<&Arc<Vec<u8>>> {
        self.handles
            .get(&file)
            .map(|inode| &self.inodes[*inode].live)
    }

    /// Whether a file of that name exists now.
    #[must_use]
    pub fn exists(&self, path: &Path) -> bool {
        self.live_names.contains_key(path)
    }

    /// Whether a directory of that name exists now; the root always does.
    #[must_use]
    pub fn dir_exists(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.live_dirs.contains(path)
    }

    /// The paths of the files that exist now.
    pub fn names(&self) -> impl Iterator<Item = &PathBuf> {
        self.live_names.keys()
    }

    /// Lets one operation take effect.
    pub fn apply(&mut self, op: &DiskOp) {
        match op {
            DiskOp::CreateDir { path } => self.create_dir(path),
            DiskOp::Create { file, path } => self.create(*file, path),
            DiskOp::Open { file, path } => {
                if let Some(inode) = self.live_names.get(path) {
                    self.handles.insert(*file, *inode);
                }
            }
            DiskOp::Write {
                file,
                offset,
                bytes,
            } => self.write(*file, *offset, bytes),
            DiskOp::Preallocate { file, len_bytes } => self.preallocate(*file, *len_bytes),
            DiskOp::SyncData { file } => self.sync_data(*file),
            DiskOp::SyncFailed { file } => self.sync_failed(*file),
            DiskOp::Rename { from, to } => self.rename(from, to),
            DiskOp::Unlink { path } => {
                self.live_names.remove(path);
                self.pend_name(NameOp::Remove(path.clone()));
            }
            DiskOp::SyncDir { path } => self.sync_dir(path),
        }
    }

    fn pend_name(&mut self, op: NameOp) {
        if self.tracks_pending {
            self.pending_names.push(op);
        }
    }

    fn create_dir(&mut self, path: &Path) {
        if self.live_dirs.insert(path.to_path_buf()) {
            self.pend_name(NameOp::CreateDir(path.to_path_buf()));
        }
    }

    fn create(&mut self, file: FileId, path: &Path) {
        let inode = self.inodes.len();
        self.inodes.push(Inode {
            durable: Arc::default(),
            live: Arc::default(),
        });
        self.handles.insert(file, inode);
        self.live_names.insert(path.to_path_buf(), inode);
        self.pend_name(NameOp::Add(path.to_path_buf(), inode));
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let Some(inode) = self.live_names.remove(from) else {
            return;
        };
        self.live_names.insert(to.to_path_buf(), inode);
        if parent(from) == parent(to) {
            self.pend_name(NameOp::Move(from.to_path_buf(), to.to_path_buf(), inode));
        } else {
            self.pend_name(NameOp::Add(to.to_path_buf(), inode));
            self.pend_name(NameOp::Remove(from.to_path_buf()));
        }
    }

    fn write(&mut self, file: FileId, offset: u64, bytes: &Arc<[u8]>) {
        let Some(&inode) = self.handles.get(&file) else {
            return;
        };
        overwrite(Arc::make_mut(&mut self.inodes[inode].live), offset, bytes);
        if !self.tracks_pending {
            return;
        }
        let mut start = 0;
        while start < bytes.len() {
            let at = offset + start as u64;
            let room = usize::try_from(PAGE_BYTES - at % PAGE_BYTES).unwrap_or(usize::MAX);
            let end = bytes.len().min(start.saturating_add(room));
            let content = Content::Bytes(Arc::clone(bytes), start..end);
            self.pending_writes.push(PendingWrite {
                inode,
                offset: at,
                content,
                clean: false,
            });
            start = end;
        }
    }

    fn preallocate(&mut self, file: FileId, len_bytes: u64) {
        let Some(&inode) = self.handles.get(&file) else {
            return;
        };
        let live = Arc::make_mut(&mut self.inodes[inode].live);
        let offset = live.len() as u64;
        if offset >= len_bytes {
            return;
        }
        live.resize(index(len_bytes), 0);
        if self.tracks_pending {
            let content = Content::Zeros(len_bytes - offset);
            self.pending_writes.push(PendingWrite {
                inode,
                offset,
                content,
                clean: false,
            });
        }
    }

    fn sync_data(&mut self, file: FileId) {
        let Some(&inode) = self.handles.get(&file) else {
            return;
        };
        let (synced, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending_writes)
            .into_iter()
            .partition(|piece| piece.inode == inode && !piece.clean);
        let durable = Arc::make_mut(&mut self.inodes[inode].durable);
        for piece in &synced {
            place(durable, piece, Fate::Kept);
        }
        // A clean page that was written over since is no longer in doubt.
        self.pending_writes = rest
            .into_iter()
            .filter(|old| !synced.iter().any(|new| new.overlaps(old)))
            .collect();
    }

    fn sync_failed(&mut self, file: FileId) {
        let Some(&inode) = self.handles.get(&file) else {
            return;
        };
        for piece in self
            .pending_writes
            .iter_mut()
            .filter(|piece| piece.inode == inode)
        {
            piece.clean = true;
        }
    }

    fn sync_dir(&mut self, dir: &Path) {
        let (synced, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending_names)
            .into_iter()
            .partition(|op| op.directory() == dir);
        for op in &synced {
            apply_name(op, &mut self.durable_names, &mut self.durable_dirs);
        }
        self.pending_names = rest;
        self.forget_unreachable();
    }

    /// Data of files that no name leads to any more can make no difference.
    fn forget_unreachable(&mut self) {
        let pending = self.pending_names.iter().filter_map(|op| match op {
            NameOp::Add(_, inode) | NameOp::Move(_, _, inode) => Some(*inode),
            NameOp::CreateDir(_) | NameOp::Remove(_) => None,
        });
        let reachable: BTreeSet<usize> = self
            .durable_names
            .values()
            .chain(self.live_names.values())
            .copied()
            .chain(pending)
            .collect();
        self.pending_writes
            .retain(|piece| reachable.contains(&piece.inode));
    }

    /// The disk after a power loss now, given what becomes of each pending name (in the order of
    /// [`CrashModel::pending_names`]) and each pending piece of data (in the order of
    /// [`CrashModel::pending_writes`]).
    #[must_use]
    pub fn materialise(
        &self,
        mut name_kept: impl FnMut(usize) -> bool,
        mut fate: impl FnMut(usize) -> Fate,
    ) -> Image {
        let mut names = self.durable_names.clone();
        let mut dirs = self.durable_dirs.clone();
        for (at, op) in self.pending_names.iter().enumerate() {
            if name_kept(at) {
                apply_name(op, &mut names, &mut dirs);
            }
        }
        let mut changed: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        for (at, piece) in self.pending_writes.iter().enumerate() {
            let fate = fate(at);
            if fate == Fate::Lost {
                continue;
            }
            let bytes = changed
                .entry(piece.inode)
                .or_insert_with(|| self.inodes[piece.inode].durable.as_ref().clone());
            place(bytes, piece, fate);
        }
        let changed: BTreeMap<usize, Arc<Vec<u8>>> = changed
            .into_iter()
            .map(|(inode, bytes)| (inode, Arc::new(bytes)))
            .collect();
        let files = names
            .into_iter()
            .filter(|(path, _)| parent(path).as_os_str().is_empty() || dirs.contains(parent(path)))
            .map(|(path, inode)| {
                let bytes = changed.get(&inode).unwrap_or(&self.inodes[inode].durable);
                (path, Arc::clone(bytes))
            })
            .collect();
        Image { files, dirs }
    }
}

fn apply_name(op: &NameOp, names: &mut BTreeMap<PathBuf, usize>, dirs: &mut BTreeSet<PathBuf>) {
    match op {
        NameOp::CreateDir(path) => {
            dirs.insert(path.clone());
        }
        NameOp::Add(path, inode) => {
            names.insert(path.clone(), *inode);
        }
        NameOp::Move(from, to, inode) => {
            names.remove(from);
            names.insert(to.clone(), *inode);
        }
        NameOp::Remove(path) => {
            names.remove(path);
        }
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn overwrite(file: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let start = index(offset);
    let end = start + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[start..end].copy_from_slice(bytes);
}

/// Puts what `fate` leaves of `piece` into the durable bytes of its file.
fn place(file: &mut Vec<u8>, piece: &PendingWrite, fate: Fate) {
    let new = match &piece.content {
        Content::Bytes(bytes, range) => bytes[range.clone()].to_vec(),
        Content::Zeros(len) => vec![0; index(*len)],
    };
    let (start, end) = (index(piece.offset), index(piece.end()));
    if file.len() < end {
        file.resize(end, 0);
    }
    let target = &mut file[start..end];
    match fate {
        Fate::Lost => {}
        Fate::Kept => target.copy_from_slice(&new),
        Fate::Torn {
            keep_from,
            keep_to,
            fill,
        } => {
            apply_fill(target, fill);
            let keep = index(keep_from).min(new.len())..index(keep_to).min(new.len());
            if keep.start < keep.end {
                target[keep.clone()].copy_from_slice(&new[keep]);
            }
        }
    }
}

fn apply_fill(target: &mut [u8], fill: Fill) {
    match fill {
        Fill::Old => {}
        Fill::Zeros => target.fill(0),
        Fill::Ones => target.fill(0xff),
        Fill::Garbage(seed) => {
            let mut state = seed | 1;
            for byte in target {
                // xorshift64: garbage has to be cheap and reproducible, nothing more.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                *byte = state.to_le_bytes()[3];
            }
        }
    }
}
