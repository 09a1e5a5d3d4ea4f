//! The disk below the server of a run: where it is mounted, when it fails, and when it loses power.

#![expect(
    clippy::disallowed_types,
    reason = "what a failing run leaves is a real file"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tocsin::sys::{Entropy, SeededEntropy};
use tokio::time::{Instant, sleep};

use super::faults::{Call, Faults, Room, Trap};
use super::mount::{Mount, OnError, Shared, Strike, detach};
use super::store::{Ino, ROOT, Store, Toll};
use crate::history::Event;
use crate::kill::ground::Ground;
use crate::kill::nemesis::{Moment, Nemesis};
use crate::kill::plan::{Plan, stream};
use crate::kill::recorder::Recorder;

/// The longest that a sync takes on a slow disk. What a server notes of a delivery is durable that much
/// later, and has to be so within the time in which the checker excuses one more of it.
const SLOW_MS_MAX: u64 = 60;

/// Names that a start changes or syncs, about: a store that is opened again makes a segment and removes one,
/// and the index of history has some of its own.
const NAMES_OF_A_START: u64 = 10;

/// How long after its start a server may be left alone by a full disk. Until then it tells what was due
/// before; what it could not tell for long would be of a state that nobody remembers.
const FULL_AFTER: Duration = Duration::from_millis(250);

/// What happened to the disks of all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Losses of power.
    pub losses: u64,
    /// What they took.
    pub toll: Toll,
    /// Writes, syncs of files, and syncs of directories.
    pub calls: [u64; 3],
    /// Lives in which a write or a sync got EIO.
    pub errors: u64,
    /// Times at which the disk was full.
    pub full: u64,
    /// Lives with a slow disk.
    pub slow: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.losses += other.losses;
        self.toll.add(&other.toll);
        for (sum, calls) in self.calls.iter_mut().zip(other.calls) {
            *sum += calls;
        }
        self.errors += other.errors;
        self.full += other.full;
        self.slow += other.slow;
    }
}

/// Which faults the disk of a run has besides that it loses power. Whole kinds are left out by seed.
#[derive(Debug, Clone, Copy)]
struct Ills {
    errors: bool,
    full: bool,
    slow: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct LyingDisk {
    path: PathBuf,
    seed: u64,
    ills: Ills,
    entropy: SeededEntropy,
    state: Arc<Mutex<State>>,
    /// Where what happened is added up, when the run is over.
    total: Arc<Mutex<Tally>>,
}

#[derive(Debug, Default)]
struct State {
    around: Option<Around>,
    shared: Option<Arc<Shared>>,
    mount: Option<Mount>,
    /// Which life it is, so that what was planned for one does not happen to the next.
    life: u64,
    full_since: Option<Instant>,
    tally: Tally,
}

#[derive(Debug, Clone)]
struct Around {
    recorder: Arc<Recorder>,
    nemesis: Arc<Nemesis>,
    has_failed: Arc<AtomicBool>,
}

impl Around {
    /// The first error of a life is noted; from then on the process may end by itself.
    fn on_error(&self) -> OnError {
        let around = self.clone();
        Box::new(move |call, error| {
            if !around.has_failed.swap(true, Ordering::SeqCst) {
                around.nemesis.expect_exit(true);
                around.note(call, error);
            }
        })
    }

    fn note(&self, call: &str, error: &str) {
        self.recorder.note(Event::DiskFault {
            call: call.to_owned(),
            error: error.to_owned(),
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn shared(&self) -> Result<Arc<Shared>> {
        self.shared.clone().context("the disk is not there yet")
    }

    /// Mounts these files in the place of those that were there.
    fn mount(&mut self, path: &Path, store: Store, seed: u64) -> Result<()> {
        let around = self.around.clone().context("the run has not begun")?;
        // First the old one, so that there are never two at one place.
        self.mount = None;
        let faults = Faults::none(seed ^ self.life);
        let shared = Arc::new(Shared::new(store, faults, around.on_error()));
        let mount = Mount::new(path, Arc::clone(&shared));
        self.mount = Some(mount.with_context(|| format!("cannot mount {}", path.display()))?);
        self.shared = Some(shared);
        Ok(())
    }

    /// There is room again.
    fn make_room(&mut self) {
        let (Some(since), Some(around), Some(shared)) =
            (self.full_since.take(), &self.around, &self.shared)
        else {
            return;
        };
        shared.state().faults.room = Room::Plenty;
        // Whoever has to write before it goes on could not: that is what a stall says.
        let ms = since.elapsed().as_millis() as u64;
        around.recorder.note(Event::Stall { ms });
    }
}

impl LyingDisk {
    /// A disk at that place, for a run of that plan.
    pub(super) fn new(path: PathBuf, plan: Plan, total: Arc<Mutex<Tally>>) -> Self {
        let entropy = stream(plan.seed, "disk");
        let half = || entropy.below(2) == 0;
        Self {
            path,
            seed: plan.seed,
            ills: Ills {
                errors: half(),
                full: half(),
                slow: half(),
            },
            entropy,
            state: Arc::default(),
            total,
        }
    }

    fn one_in(&self, share: u64) -> bool {
        self.entropy.below(share) == 0
    }

    /// An error that will come in this life, or not.
    fn trap(&self) -> Trap {
        let (call, within) = match self.entropy.below(5) {
            0 | 1 => (Call::Write, 40),
            2 | 3 => (Call::Sync, 40),
            _ => (Call::SyncDir, 2),
        };
        Trap {
            call,
            after: self.entropy.below(within),
            stays: self.one_in(2),
        }
    }

    /// Lets the disk be full for a while, some time from now.
    fn plan_fullness(&self, life: u64) {
        let wait = FULL_AFTER + Duration::from_millis(self.entropy.below(300));
        let lasts = Duration::from_millis(100 + self.entropy.below(900));
        let room = match self.one_in(2) {
            true => Room::NoMore,
            false => Room::None,
        };
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            sleep(wait).await;
            {
                let mut state = lock(&state);
                if state.life != life {
                    return;
                }
                let (Some(around), Some(shared)) = (&state.around, &state.shared) else {
                    return;
                };
                around.note("write", "ENOSPC");
                shared.state().faults.room = room;
                state.full_since = Some(Instant::now());
                state.tally.full += 1;
            }
            sleep(lasts).await;
            let mut state = lock(&state);
            if state.life == life {
                state.make_room();
            }
        });
    }
}

impl Ground for LyingDisk {
    fn begin(&self, recorder: &Arc<Recorder>, nemesis: &Arc<Nemesis>) -> Result<()> {
        nemesis.lose_power();
        std::fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot create {}", self.path.display()))?;
        let mut state = lock(&self.state);
        // It may be carried out more than once.
        *state = State::default();
        state.around = Some(Around {
            recorder: Arc::clone(recorder),
            nemesis: Arc::clone(nemesis),
            has_failed: Arc::default(),
        });
        state.mount(&self.path, Store::default(), self.seed)
    }

    fn up(&self) {
        let mut state = lock(&self.state);
        let Some(shared) = state.shared.clone() else {
            return;
        };
        if self.ills.slow && self.one_in(2) {
            shared.state().faults.slow_ms_max = SLOW_MS_MAX;
            state.tally.slow += 1;
        }
        if self.ills.errors && self.one_in(4) {
            let trap = self.trap();
            shared.state().faults.trap = Some(trap);
        } else if self.ills.full && self.one_in(3) {
            self.plan_fullness(state.life);
        }
    }

    fn strikes_at_a_start(&self) -> bool {
        let state = lock(&self.state);
        let (Some(shared), Some(around)) = (&state.shared, state.around.clone()) else {
            return false;
        };
        shared.state().strike = Some(Strike {
            after: self.entropy.below(NAMES_OF_A_START),
            kill: Box::new(move || around.nemesis.sees(Moment::Starting)),
        });
        true
    }

    fn between_lives(&self) -> Result<()> {
        let mut state = lock(&self.state);
        state.life += 1;
        state.make_room();
        let shared = state.shared()?;
        let around = state.around.clone().context("the run has not begun")?;
        around.nemesis.expect_exit(false);
        let has_failed = around.has_failed.swap(false, Ordering::SeqCst);
        state.tally.errors += u64::from(has_failed);
        if has_failed && around.nemesis.has_exited() && self.one_in(2) {
            // The process has ended of it: the machine goes on. What was written is still to be read, whether
            // or not it is on the disk.
            shared.state().faults.end();
            return Ok(());
        }
        let (left, toll) = {
            let behind = shared.state();
            for (sum, calls) in state.tally.calls.iter_mut().zip(behind.calls) {
                *sum += calls;
            }
            behind.store.after_power_loss(&self.entropy)
        };
        state.tally.losses += 1;
        state.tally.toll.add(&toll);
        state.mount(&self.path, left, self.seed)
    }

    fn end(&self) -> Result<()> {
        let (shared, tally) = {
            let mut state = lock(&self.state);
            state.life += 1;
            state.mount = None;
            // Those that wait for the disk know this, and this knows them.
            state.around = None;
            (state.shared.take(), state.tally)
        };
        lock(&self.total).add(&tally);
        detach(&self.path);
        match shared {
            Some(shared) => export(&shared.state().store, ROOT, &self.path),
            None => Ok(()),
        }
    }
}

/// Writes the files, as a process sees them, to a real directory.
fn export(store: &Store, dir: Ino, path: &Path) -> Result<()> {
    let failed = || format!("cannot write what is on the disk to {}", path.display());
    std::fs::create_dir_all(path).with_context(failed)?;
    for (name, about) in store.list(dir).unwrap_or_default() {
        let path = path.join(name);
        if about.is_dir {
            export(store, about.ino, &path)?;
            continue;
        }
        let file = File::create(&path).with_context(failed)?;
        file.set_len(about.len).with_context(failed)?;
        for (offset, bytes) in store.pieces(about.ino) {
            file.write_all_at(bytes, offset).with_context(failed)?;
        }
    }
    Ok(())
}
