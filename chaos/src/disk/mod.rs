//! Lets an alertmanager live on a disk that lies, and takes the power away.
//!
//! ```text
//!  senders ──► the server ──► sink            as in `kill`, with the same checker
//!                  │ files
//!                  ▼
//!       FUSE mount ── store: written │ synced
//!                         ▲
//!                         └── power loss: SIGKILL, then what was not synced is dropped, kept, torn or
//!                             reordered, and the mount shows what is left
//! ```
//!
//! A kill keeps what was written; a power loss keeps what was synced. So this shows what [`crate::kill`]
//! cannot: an answer before the sync, a file renamed before it is synced, a directory that is not. Between
//! losses the disk may be full, slow, or answer a write or sync with EIO; after an EIO the process may end,
//! and is started again, half of the times on a machine that went on.
//!
//! The disk is in memory. Where none can be mounted, [`try_it`] says why.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real directories"
)]

mod contents;
mod faults;
mod ground;
mod mount;
pub mod report;
mod store;
mod survival;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde::{Deserialize, Serialize};
use tocsin::sys::Clock;

pub use ground::Tally;
pub use mount::{Missing, try_it};
pub use store::Toll;

use crate::checker::Verdict;
use crate::kill::plan::Plan;
use crate::kill::{self, Options, Remembered, campaign_of, folder, remember};
use ground::LyingDisk;

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the server did.
    pub run: kill::Outcome,
    /// What the disk did.
    pub disk: Tally,
}

/// Where a run has its disk: the data directory of its server.
const DATA: &str = "data";

/// Carries out all runs; `kills` are losses of power.
///
/// # Errors
/// As [`kill::campaign`], and where no disk can be mounted.
pub async fn campaign(options: &Options, progress: &mut dyn Write) -> Result<Outcome> {
    try_it()?;
    let total = Arc::new(Mutex::new(Tally::default()));
    let run = |dir: PathBuf, plan: Plan| {
        let remembered = remember(&options.target, plan, true);
        let (clock, total) = (Arc::clone(&options.clock), Arc::clone(&total));
        async move { one(&remembered, &dir, plan, clock, total).await }
    };
    let run = campaign_of(options, progress, "losses", run).await?;
    let disk = *total.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Outcome { run, disk })
}

/// Carries out one run again.
///
/// # Errors
/// That it cannot be carried out.
pub async fn replay(run: &Remembered, dir: &Path, clock: Arc<dyn Clock>) -> Result<Verdict> {
    try_it()?;
    let plan = Plan::draw(run.seed, run.kills);
    let (verdict, _) = one(run, &folder(dir, run.seed), plan, clock, Arc::default()).await?;
    Ok(verdict)
}

async fn one(
    run: &Remembered,
    dir: &Path,
    plan: Plan,
    clock: Arc<dyn Clock>,
    total: Arc<Mutex<Tally>>,
) -> Result<(Verdict, u32)> {
    let data = dir.join(DATA);
    // One that was cut off may have left its mount.
    mount::detach(&data);
    let disk = LyingDisk::new(data, plan, total);
    kill::one(run, dir, plan, clock, Arc::new(disk)).await
}
