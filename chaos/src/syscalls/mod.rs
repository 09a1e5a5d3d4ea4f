//! Kills the server before and after every system call that changes its data directory, and lets every
//! one of them fail.
//!
//! One life without any fault tells which calls there are. strace counts the calls of each thread by
//! itself, so there are two kinds of aims: the *n*-th call from the start of the process on hits the
//! thread that gets that far first; a tracer attached to one thread when the server is ready hits that
//! thread's. Calls of other threads before readiness cannot be aimed at; the table says how many.
//!
//! *Before* is SIGKILL at the entry of the call, which is then not carried out; *after* is SIGKILL while
//! strace holds the thread at the exit of a call that was carried out.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

mod life;
mod trace;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tocsin::sys::Clock;
use tokio::task::JoinSet;

use crate::checker::Counts;
use crate::kill::judge;
use crate::table::Part;
use life::{Aim, Deed, Which, live};
use trace::Call;

/// How often a call is aimed at: threads do not run alike each time, and it may not be made.
const TRIES_MAX: u32 = 3;

/// What fails how.
const ERRORS: [(&str, &str); 7] = [
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("fdatasync", "EIO"),
    ("fsync", "EIO"),
    ("rename", "EIO"),
    ("unlink", "EIO"),
    ("openat", "ENOSPC"),
];

/// What to do.
#[derive(Debug)]
pub struct Options {
    /// The server.
    pub target: PathBuf,
    /// Lives at a time.
    pub lanes: usize,
    /// Every so many calls; 1 for each.
    pub every: usize,
    /// Where lives have their folders, and failing ones leave them.
    pub dir: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Outcome {
    /// Calls of the workload that change the data directory.
    pub calls: u64,
    /// Of these, made by a thread that cannot be aimed at.
    pub out_of_reach: u64,
    /// Killed before one.
    pub before: u64,
    /// Killed after one.
    pub after: u64,
    /// Failed.
    pub failed: u64,
    /// Aims that the life did not come to: threads do not run alike each time.
    pub missed: u64,
    /// What was seen, over all lives.
    pub counts: Counts,
    /// What did not hold.
    pub violations: Vec<String>,
    /// Lives that could not be lived, and why.
    pub broken: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Outcome {
    /// Whether all lives were lived and nothing was violated.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty() && self.broken.is_empty()
    }

    /// As a part of the table at the end.
    #[must_use]
    pub fn part(&self) -> Part {
        let reach = self.calls - self.out_of_reach;
        let rows = vec![
            ("system calls on the data directory", self.calls.to_string()),
            ("  that can be aimed at", reach.to_string()),
            ("killed before one", self.before.to_string()),
            ("killed after one", self.after.to_string()),
            ("failed with EIO or ENOSPC", self.failed.to_string()),
            ("aims not met in that life", self.missed.to_string()),
            (
                "acknowledged transitions",
                self.counts.transitions.to_string(),
            ),
            ("  lost", self.counts.lost.to_string()),
            ("false all-clears", self.counts.false_all_clears.to_string()),
            ("duplicates", self.counts.duplicates.to_string()),
            (
                "  with the same idempotency key",
                self.counts.duplicates_same_key.to_string(),
            ),
            (
                "out-of-bound deliveries",
                self.counts.out_of_bound.to_string(),
            ),
            ("violations in all", self.violations.len().to_string()),
            (
                "lives that could not be lived",
                self.broken.len().to_string(),
            ),
            ("time", format!("{:.0} s", self.seconds)),
        ];
        let rows = rows.into_iter();
        Part {
            title: "every system call".to_owned(),
            is_well: self.is_well(),
            rows: rows.map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }
}

/// Lives without a fault, and then with each.
///
/// # Errors
/// That there is no strace, or that a life without a fault cannot be lived.
pub async fn sweep(options: &Options, progress: &mut dyn Write) -> Result<Outcome> {
    let is_there = std::process::Command::new("strace")
        .arg("--version")
        .stdout(std::process::Stdio::null())
        .status();
    if !is_there.is_ok_and(|status| status.success()) {
        bail!("there is no strace on the PATH (on Debian: apt-get install strace)");
    }
    let began = options.clock.monotonic();
    let mut outcome = Outcome::default();
    let mut aims = Vec::new();
    for which in [Which::First, Which::Second] {
        aims.extend(explore(options, which, &mut outcome).await?);
    }
    let aims: Vec<Aim> = aims.into_iter().step_by(options.every.max(1)).collect();
    let count = aims.len();
    let mut waiting = aims.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < options.lanes.max(1)
            && let Some((number, aim)) = waiting.next()
        {
            let dir = options.dir.join(format!("life-{number}"));
            let (target, clock) = (options.target.clone(), Arc::clone(&options.clock));
            running.spawn(async move {
                let result = one(&target, &dir, &aim, clock).await;
                (aim, dir, result)
            });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (aim, dir, result) = ended.context("a life panicked")?;
        match result {
            Err(error) => outcome
                .broken
                .push(format!("{aim}: {error:#} ({})", dir.display())),
            Ok((is_hit, verdict)) => {
                match (is_hit, aim.deed) {
                    (false, _) => outcome.missed += 1,
                    (true, Deed::Before) => outcome.before += 1,
                    (true, Deed::After) => outcome.after += 1,
                    (true, Deed::Fail(_)) => outcome.failed += 1,
                }
                outcome.counts.add(&verdict.counts);
                let found = verdict.violations.iter();
                outcome
                    .violations
                    .extend(found.map(|it| format!("{aim}: {it} ({})", dir.display())));
            }
        }
        let done = outcome.before + outcome.after + outcome.failed + outcome.missed;
        if done.is_multiple_of(20) {
            writeln!(
                progress,
                "{done} of {count} lives, {} violations",
                outcome.violations.len()
            )?;
        }
    }
    let took = options.clock.monotonic().saturating_sub(began);
    outcome.seconds = took.as_secs_f64();
    Ok(outcome)
}

/// A life without a fault: what can be aimed at.
async fn explore(options: &Options, which: Which, outcome: &mut Outcome) -> Result<Vec<Aim>> {
    let dir = options.dir.join(format!("explore-{which:?}"));
    fresh(&dir)?;
    let lived = live(
        &options.target,
        &dir,
        which,
        None,
        Arc::clone(&options.clock),
    )
    .await?;
    let verdict = judge(&lived.history)?;
    if let Some(violation) = verdict.violations.first() {
        bail!(
            "without any fault: {violation} ({})",
            lived.history.display()
        );
    }
    let data = dir.join("data");
    let calls = trace::calls(&lived.trace, &data.display().to_string());
    let mut aims = Vec::new();
    let mut reached: BTreeSet<(u32, &str, u32)> = BTreeSet::new();
    for call in &calls {
        let is_first = !calls.iter().any(|other| {
            other.call == call.call && other.ordinal == call.ordinal && other.at < call.at
        });
        if is_first && call.is_data {
            reached.insert((call.thread, call.call, call.ordinal));
            aims.extend(deeds(which, None, call.call, call.ordinal));
        }
    }
    for call in calls.iter().filter(|it| it.is_data) {
        if reached.contains(&(call.thread, call.call, call.ordinal)) {
            continue;
        }
        let is_running = call.at > lived.ready_at && !call.name.starts_with("tocsin");
        if !is_running {
            outcome.out_of_reach += 1;
            continue;
        }
        let earlier = calls.iter().filter(|it: &&Call| {
            it.thread == call.thread && it.call == call.call && it.at <= lived.ready_at
        });
        let ordinal = call.ordinal - earlier.count() as u32;
        let thread = Some(call.name.clone());
        aims.extend(deeds(which, thread.as_ref(), call.call, ordinal));
    }
    outcome.calls += calls.iter().filter(|it| it.is_data).count() as u64;
    std::fs::remove_dir_all(&dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    Ok(aims)
}

fn deeds(
    which: Which,
    thread: Option<&String>,
    call: &'static str,
    ordinal: u32,
) -> impl Iterator<Item = Aim> {
    let errors = ERRORS.into_iter().filter(move |(it, _)| *it == call);
    let deeds = [Deed::Before, Deed::After]
        .into_iter()
        .chain(errors.map(|(_, error)| Deed::Fail(error)));
    deeds.map(move |deed| Aim {
        which,
        thread: thread.cloned(),
        call,
        ordinal,
        deed,
    })
}

async fn one(
    target: &Path,
    dir: &Path,
    aim: &Aim,
    clock: Arc<dyn Clock>,
) -> Result<(bool, crate::checker::Verdict)> {
    fresh(dir)?;
    let mut lived = live(target, dir, aim.which, Some(aim), Arc::clone(&clock)).await?;
    let mut verdict = judge(&lived.history)?;
    for _ in 1..TRIES_MAX {
        if lived.is_hit || !verdict.is_well() {
            break;
        }
        fresh(dir)?;
        lived = live(target, dir, aim.which, Some(aim), Arc::clone(&clock)).await?;
        verdict = judge(&lived.history)?;
    }
    if verdict.is_well() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok((lived.is_hit, verdict))
}

fn fresh(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))
}
