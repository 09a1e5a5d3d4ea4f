//! The files of the disk: as a process sees them, and as they are when power is lost.
//!
//! Every file and every directory has two states, the *live* one, which is what was written, and the
//! *durable* one, which is what was synced. Between them stand changes in the order in which they were
//! made:
//!
//! | Change | Is durable after | At a power loss |
//! |---|---|---|
//! | bytes, at most a page of them | `fsync` or `fdatasync` of the file | kept, lost, or torn between sectors |
//! | a file is cut off or made longer | the same | kept or lost |
//! | a name comes, goes or changes | `fsync` of its directory | kept or lost; a rename within a directory as a whole |
//!
//! This is the weakest that file systems promise, and what `tocsin::sys::CrashModel` says too (compared in
//! the tests below). That model is one of a log's few calls; this one has inodes, truncation and directories,
//! so that any program can live on it.
//!
//! **Invariants**
//! * What was synced is never harmed, nor is a byte that nobody wrote.
//! * After a sync that failed the pending pages are clean: they may be on the disk or not, and no later sync
//!   changes that.
//! * The same calls and the same seed leave the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use tocsin::sys::Entropy;

use super::contents::{Contents, PAGE_BYTES};
use super::survival::{Fate, Survival};

/// The number of a file or directory. The root has [`ROOT`].
pub(super) type Ino = u64;

/// The root, by FUSE's convention.
pub(super) const ROOT: Ino = 1;

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    Exists,
    NotADirectory,
    IsADirectory,
    NotEmpty,
}

#[derive(Debug, Clone)]
struct Inode {
    mode: u16,
    node: Node,
}

#[derive(Debug, Clone)]
enum Node {
    File(File),
    Dir(Dir),
}

#[derive(Debug, Clone, Default)]
struct File {
    live: Contents,
    durable: Contents,
    pending: Vec<Change>,
}

#[derive(Debug, Clone, Default)]
struct Dir {
    live: BTreeMap<OsString, Ino>,
    durable: BTreeMap<OsString, Ino>,
}

/// Something of a file that is not synced.
#[derive(Debug, Clone)]
struct Change {
    /// When it was made, among all changes.
    number: u64,
    what: Data,
    /// A sync of it has failed: no later one makes it durable.
    is_clean: bool,
}

#[derive(Debug, Clone)]
enum Data {
    Bytes { offset: u64, bytes: Arc<[u8]> },
    Len(u64),
}

impl Data {
    fn overlaps(&self, other: &Self) -> bool {
        let span = |data: &Self| match data {
            Self::Bytes { offset, bytes } => (*offset, offset + bytes.len() as u64),
            Self::Len(len) => (*len, u64::MAX),
        };
        let (one, other) = (span(self), span(other));
        one.0 < other.1 && other.0 < one.1
    }
}

/// Something of a directory that is not synced.
#[derive(Debug, Clone)]
struct NameChange {
    number: u64,
    dir: Ino,
    what: Naming,
}

#[derive(Debug, Clone)]
enum Naming {
    Add(OsString, Ino),
    Move(OsString, OsString, Ino),
    Remove(OsString),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<OsString, Ino>) {
        match self {
            Self::Add(name, ino) => {
                names.insert(name.clone(), *ino);
            }
            Self::Move(from, to, ino) => {
                // Only if it is the one: what came before may be lost.
                if names.get(from) == Some(ino) {
                    names.remove(from);
                }
                names.insert(to.clone(), *ino);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

/// What is known of a file or directory from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct About {
    pub(super) ino: Ino,
    pub(super) is_dir: bool,
    pub(super) len: u64,
    /// Permission bits.
    pub(super) mode: u16,
}

/// What a power loss came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Toll {
    /// Pieces of data that were not synced.
    pub unsynced: u64,
    /// Of these, lost or torn.
    pub lost: u64,
    /// Of these, torn.
    pub torn: u64,
    /// Names that were not synced.
    pub names: u64,
    /// Of these, lost.
    pub names_lost: u64,
}

impl Toll {
    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        self.unsynced += other.unsynced;
        self.lost += other.lost;
        self.torn += other.torn;
        self.names += other.names;
        self.names_lost += other.names_lost;
    }
}

/// All files and directories.
#[derive(Debug, Clone)]
pub(super) struct Store {
    inodes: BTreeMap<Ino, Inode>,
    next: Ino,
    names: Vec<NameChange>,
    changes: u64,
}

impl Default for Store {
    /// An empty one.
    fn default() -> Self {
        let root = Inode {
            mode: 0o755,
            node: Node::Dir(Dir::default()),
        };
        Self {
            inodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            names: Vec::new(),
            changes: 0,
        }
    }
}

impl Store {
    fn inode(&self, ino: Ino) -> Result<&Inode, Refusal> {
        self.inodes.get(&ino).ok_or(Refusal::NotFound)
    }

    fn dir(&self, ino: Ino) -> Result<&Dir, Refusal> {
        match &self.inode(ino)?.node {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(Refusal::NotADirectory),
        }
    }

    fn dir_mut(&mut self, ino: Ino) -> Result<&mut Dir, Refusal> {
        match &mut self.inodes.get_mut(&ino).ok_or(Refusal::NotFound)?.node {
            Node::Dir(dir) => Ok(dir),
            Node::File(_) => Err(Refusal::NotADirectory),
        }
    }

    fn file_mut(&mut self, ino: Ino) -> Result<&mut File, Refusal> {
        match &mut self.inodes.get_mut(&ino).ok_or(Refusal::NotFound)?.node {
            Node::File(file) => Ok(file),
            Node::Dir(_) => Err(Refusal::IsADirectory),
        }
    }

    fn number(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    fn name(&mut self, dir: Ino, what: Naming) -> Result<(), Refusal> {
        what.apply(&mut self.dir_mut(dir)?.live);
        let number = self.number();
        self.names.push(NameChange { number, dir, what });
        Ok(())
    }

    // What a process asks for.

    pub(super) fn about(&self, ino: Ino) -> Result<About, Refusal> {
        let inode = self.inode(ino)?;
        let (is_dir, len) = match &inode.node {
            Node::Dir(_) => (true, 0),
            Node::File(file) => (false, file.live.len()),
        };
        Ok(About {
            ino,
            is_dir,
            len,
            mode: inode.mode,
        })
    }

    pub(super) fn lookup(&self, dir: Ino, name: &OsStr) -> Result<About, Refusal> {
        let ino = self.dir(dir)?.live.get(name);
        self.about(*ino.ok_or(Refusal::NotFound)?)
    }

    /// The names in a directory.
    pub(super) fn list(&self, dir: Ino) -> Result<Vec<(OsString, About)>, Refusal> {
        let names = self.dir(dir)?.live.iter();
        names
            .map(|(name, ino)| Ok((name.clone(), self.about(*ino)?)))
            .collect()
    }

    pub(super) fn create(
        &mut self,
        dir: Ino,
        name: &OsStr,
        mode: u16,
        is_dir: bool,
    ) -> Result<About, Refusal> {
        if self.dir(dir)?.live.contains_key(name) {
            return Err(Refusal::Exists);
        }
        let ino = self.next;
        self.next += 1;
        let node = match is_dir {
            true => Node::Dir(Dir::default()),
            false => Node::File(File::default()),
        };
        self.inodes.insert(ino, Inode { mode, node });
        self.name(dir, Naming::Add(name.to_owned(), ino))?;
        self.about(ino)
    }

    /// Removes a name: of a file, or of an empty directory.
    pub(super) fn remove(&mut self, dir: Ino, name: &OsStr, is_dir: bool) -> Result<(), Refusal> {
        let about = self.lookup(dir, name)?;
        match (is_dir, about.is_dir) {
            (true, false) => return Err(Refusal::NotADirectory),
            (false, true) => return Err(Refusal::IsADirectory),
            (true, true) if !self.dir(about.ino)?.live.is_empty() => return Err(Refusal::NotEmpty),
            _ => {}
        }
        self.name(dir, Naming::Remove(name.to_owned()))
    }

    /// Renames, over another if there is one.
    pub(super) fn rename(
        &mut self,
        (from_dir, from): (Ino, &OsStr),
        (to_dir, to): (Ino, &OsStr),
    ) -> Result<(), Refusal> {
        let moved = self.lookup(from_dir, from)?;
        match self.lookup(to_dir, to) {
            Ok(other) if other.ino == moved.ino => return Ok(()),
            Ok(other) if other.is_dir && !moved.is_dir => return Err(Refusal::IsADirectory),
            Ok(other) if !other.is_dir && moved.is_dir => return Err(Refusal::NotADirectory),
            Ok(other) if other.is_dir && !self.dir(other.ino)?.live.is_empty() => {
                return Err(Refusal::NotEmpty);
            }
            Ok(_) | Err(Refusal::NotFound) => {}
            Err(refusal) => return Err(refusal),
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        if from_dir == to_dir {
            return self.name(from_dir, Naming::Move(from, to, moved.ino));
        }
        self.name(to_dir, Naming::Add(to, moved.ino))?;
        self.name(from_dir, Naming::Remove(from))
    }

    pub(super) fn read(&self, ino: Ino, offset: u64, len: u64) -> Result<Vec<u8>, Refusal> {
        match &self.inode(ino)?.node {
            Node::File(file) => Ok(file.live.read(offset, len)),
            Node::Dir(_) => Err(Refusal::IsADirectory),
        }
    }

    /// What is in a file besides zeros, with where it stands.
    pub(super) fn pieces(&self, ino: Ino) -> impl Iterator<Item = (u64, &[u8])> {
        let live = match self.inodes.get(&ino).map(|inode| &inode.node) {
            Some(Node::File(file)) => Some(&file.live),
            _ => None,
        };
        live.into_iter().flat_map(Contents::pieces)
    }

    pub(super) fn write(&mut self, ino: Ino, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let number = self.number();
        let file = self.file_mut(ino)?;
        let mut rest = bytes;
        let mut at = offset;
        while !rest.is_empty() {
            let room = (PAGE_BYTES - at % PAGE_BYTES) as usize;
            let (piece, others) = rest.split_at(room.min(rest.len()));
            file.live.put(at, piece);
            file.pending.push(Change {
                number,
                what: Data::Bytes {
                    offset: at,
                    bytes: Arc::from(piece),
                },
                is_clean: false,
            });
            at += piece.len() as u64;
            rest = others;
        }
        Ok(())
    }

    pub(super) fn set_len(&mut self, ino: Ino, len: u64) -> Result<(), Refusal> {
        let number = self.number();
        let file = self.file_mut(ino)?;
        if file.live.len() != len {
            file.live.set_len(len);
            file.pending.push(Change {
                number,
                what: Data::Len(len),
                is_clean: false,
            });
        }
        Ok(())
    }

    pub(super) fn set_mode(&mut self, ino: Ino, mode: u16) -> Result<(), Refusal> {
        self.inodes.get_mut(&ino).ok_or(Refusal::NotFound)?.mode = mode;
        Ok(())
    }

    /// Makes what was written to a file durable.
    pub(super) fn sync(&mut self, ino: Ino) -> Result<(), Refusal> {
        let file = self.file_mut(ino)?;
        let (clean, synced): (Vec<Change>, Vec<Change>) = std::mem::take(&mut file.pending)
            .into_iter()
            .partition(|change| change.is_clean);
        for change in &synced {
            match &change.what {
                Data::Bytes { offset, bytes } => file.durable.put(*offset, bytes),
                Data::Len(len) => file.durable.set_len(*len),
            }
        }
        // A clean page that was written again since is no longer in doubt.
        let is_in_doubt = |old: &Change| !synced.iter().any(|new| new.what.overlaps(&old.what));
        file.pending = clean.into_iter().filter(is_in_doubt).collect();
        Ok(())
    }

    /// A sync of a file that fails.
    pub(super) fn fail_sync(&mut self, ino: Ino) -> Result<(), Refusal> {
        for change in &mut self.file_mut(ino)?.pending {
            change.is_clean = true;
        }
        Ok(())
    }

    /// Makes the names of a directory durable.
    pub(super) fn sync_dir(&mut self, dir: Ino) -> Result<(), Refusal> {
        let (synced, rest): (Vec<NameChange>, Vec<NameChange>) = std::mem::take(&mut self.names)
            .into_iter()
            .partition(|change| change.dir == dir);
        self.names = rest;
        let names = &mut self.dir_mut(dir)?.durable;
        for change in &synced {
            change.what.apply(names);
        }
        Ok(())
    }

    // What power loss leaves.

    /// The disk when power is back, all of it durable, and what is gone. What has no name is gone too.
    pub(super) fn after_power_loss(&self, entropy: &dyn Entropy) -> (Self, Toll) {
        let numbers = self.names.iter().map(|it| it.number);
        let data = self.inodes.values().flat_map(|inode| match &inode.node {
            Node::File(file) => file.pending.as_slice(),
            Node::Dir(_) => &[],
        });
        let mut numbers: Vec<u64> = numbers.chain(data.map(|it| it.number)).collect();
        numbers.sort_unstable();
        self.survivors(Survival::draw(entropy, &numbers), entropy)
    }

    /// What one way of losing power leaves.
    pub(super) fn survivors(&self, way: Survival, entropy: &dyn Entropy) -> (Self, Toll) {
        let mut toll = Toll::default();
        let mut named: BTreeMap<Ino, BTreeMap<OsString, Ino>> = BTreeMap::new();
        for (ino, inode) in &self.inodes {
            if let Node::Dir(dir) = &inode.node {
                named.insert(*ino, dir.durable.clone());
            }
        }
        for change in &self.names {
            toll.names += 1;
            match (
                way.keeps_name(change.number, entropy),
                named.get_mut(&change.dir),
            ) {
                (true, Some(names)) => change.what.apply(names),
                _ => toll.names_lost += 1,
            }
        }
        let mut left = Self {
            inodes: BTreeMap::new(),
            next: self.next,
            names: Vec::new(),
            changes: 0,
        };
        let mut waiting = vec![ROOT];
        let mut seen = BTreeSet::from([ROOT]);
        while let Some(ino) = waiting.pop() {
            let Some(inode) = self.inodes.get(&ino) else {
                continue;
            };
            let node = match &inode.node {
                Node::File(file) => Node::File(survive(file, way, entropy, &mut toll)),
                Node::Dir(_) => {
                    let mut names = named.remove(&ino).unwrap_or_default();
                    // A directory that was moved to another may have two names: it keeps one.
                    names.retain(|_, it| seen.insert(*it) || !self.is_dir(*it));
                    waiting.extend(names.values());
                    Node::Dir(Dir {
                        durable: names.clone(),
                        live: names,
                    })
                }
            };
            let mode = inode.mode;
            left.inodes.entry(ino).or_insert(Inode { mode, node });
        }
        (left, toll)
    }

    fn is_dir(&self, ino: Ino) -> bool {
        self.about(ino).is_ok_and(|about| about.is_dir)
    }
}

fn survive(file: &File, way: Survival, entropy: &dyn Entropy, toll: &mut Toll) -> File {
    let mut contents = file.durable.clone();
    for change in &file.pending {
        toll.unsynced += 1;
        match &change.what {
            Data::Len(len) => match way.keeps_data(change.number, entropy) {
                true => contents.set_len(*len),
                false => toll.lost += 1,
            },
            Data::Bytes { offset, bytes } => {
                match way.fate(change.number, *offset, bytes, entropy) {
                    Fate::Kept => contents.put(*offset, bytes),
                    Fate::Lost => toll.lost += 1,
                    Fate::Torn(pieces) => {
                        toll.lost += 1;
                        toll.torn += 1;
                        for (at, piece) in pieces {
                            contents.put(at, &piece);
                        }
                    }
                }
            }
        }
    }
    File {
        live: contents.clone(),
        durable: contents,
        pending: Vec::new(),
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
