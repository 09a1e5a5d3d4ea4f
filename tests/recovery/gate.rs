//! A disk whose writes or syncs, or the filling of whose spare segments, can be held up.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use tocsin::sys::{Access, Call, Disk, DiskFile, Held, LockOutcome, SimDisk};
use tocsin::wal::{Writer, open};

use crate::support::{Texts, World};

#[derive(Debug, Default)]
struct GateState {
    closed_for: Option<Call>,
    is_blocked: bool,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self, call: Call) {
        let mut state = self.state.lock().unwrap();
        while state.closed_for == Some(call) {
            state.is_blocked = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap();
        }
    }
}

/// Passes everything on, but lets no call of one kind through to the log while it is closed. Writes and
/// syncs of spare segments are not held up; their filling with zeros is.
#[derive(Debug, Clone)]
pub struct GatedDisk {
    inner: SimDisk,
    gate: Arc<Gate>,
}

impl GatedDisk {
    pub fn over(inner: SimDisk) -> Self {
        Self {
            inner,
            gate: Arc::default(),
        }
    }

    pub fn close(&self, call: Call) {
        self.gate.state.lock().unwrap().closed_for = Some(call);
    }

    pub fn open(&self) {
        self.gate.state.lock().unwrap().closed_for = None;
        self.gate.changed.notify_all();
    }

    /// Returns once a call of the log waits at the gate.
    pub fn wait_until_blocked(&self) {
        let state = self.gate.state.lock().unwrap();
        drop(
            self.gate
                .changed
                .wait_while(state, |state| !state.is_blocked)
                .unwrap(),
        );
    }
}

/// Opens the store through a gate.
pub fn open_gated(world: &World) -> (GatedDisk, Writer) {
    let gated = GatedDisk::over(world.disk.clone());
    let environment = world.environment_over(Arc::new(gated.clone()), 3);
    let (writer, _) = open(&environment, &world.options, &mut Texts::default()).unwrap();
    (gated, writer)
}

#[derive(Debug)]
struct GatedFile {
    inner: Arc<dyn DiskFile>,
    gate: Arc<Gate>,
    is_spare: bool,
}

impl DiskFile for GatedFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_spare {
            self.gate.pass(Call::Pwrite);
        }
        self.inner.pwrite(offset, bytes)
    }

    fn fdatasync(&self) -> io::Result<()> {
        if !self.is_spare {
            self.gate.pass(Call::Fdatasync);
        }
        self.inner.fdatasync()
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(offset, buffer)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn preallocate(&self, len_bytes: u64) -> io::Result<()> {
        self.gate.pass(Call::Preallocate);
        self.inner.preallocate(len_bytes)
    }
}

impl Disk for GatedDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.inner.open(path, access)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inner = self.inner.create(path)?;
        let is_spare = path.to_string_lossy().contains("spare");
        Ok(Arc::new(GatedFile {
            inner,
            gate: Arc::clone(&self.gate),
            is_spare,
        }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        self.inner.unlink(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.sync_dir(dir)
    }

    fn lock(&self, path: &Path, contents: &str) -> io::Result<LockOutcome> {
        self.inner.lock(path, contents)
    }

    fn lock_holder(&self, path: &Path) -> io::Result<Option<Held>> {
        self.inner.lock_holder(path)
    }

    fn display(&self, path: &Path) -> PathBuf {
        self.inner.display(path)
    }
}
