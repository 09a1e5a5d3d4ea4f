//! Kills the server before and after every system call that changes its data directory, and lets every
//! one of them fail.
//!
//! Some lives without any fault tell which calls there are; see [`calls`]. Threads do not run alike each
//! time: what one batch writes in one life are two in another. The calls that all of those lives make are the
//! boundaries of the reference workload, and each of them has to be met, however often its life must be
//! lived. What only some of them make is aimed at as well, and may not be met.
//!
//! *Before* is SIGKILL at the entry of the call, which is then not carried out; *after* is SIGKILL at its
//! exit, before the process learns of it; see [`supervisor`].
//!
//! A life that shows a violation leaves its folder, from which `replay` lives it again:
//!
//! ```text
//! life-N/
//!   life.json        target, which life, which call, what is done to it
//!   history.jsonl    what happened
//!   verdict.json     what the checker says
//!   alertmanager.yml, server.log, data/
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

mod calls;
mod life;
mod supervisor;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tocsin::sys::Clock;
use tokio::task::JoinSet;

use crate::checker::{Counts, Verdict};
use crate::kill::judge;
use crate::kill::server::{read, write};
use crate::table::Part;
use calls::{Boundary, Kind};
use life::{Aim, Deed, Fault, Which, live};

/// Lives without a fault, of each kind.
const EXPLORATIONS: usize = 6;

/// How often a call is aimed at that every life makes: in one it may be part of another after all.
const TRIES_MAX: u32 = 16;

/// How often one is that only some lives make.
const TRIES_OF_SOME_MAX: u32 = 2;

/// How often a life is lived again until it shows a violation: threads do not run alike each time.
const REPLAYS_MAX: u32 = 5;

/// What fails how.
const ERRORS: [(&str, Fault); 9] = [
    ("write", Fault::Eio),
    ("pwrite64", Fault::Eio),
    ("pwrite64", Fault::Enospc),
    ("fdatasync", Fault::Eio),
    ("fsync", Fault::Eio),
    ("rename", Fault::Eio),
    ("unlink", Fault::Eio),
    ("openat", Fault::Enospc),
    ("mkdir", Fault::Enospc),
];

/// What a failing life leaves, for [`replay`].
const LIFE: &str = "life.json";

/// What to do.
#[derive(Debug)]
pub struct Options {
    /// The server.
    pub target: PathBuf,
    /// Lives at a time.
    pub lanes: usize,
    /// Every so many calls; 1 for each.
    pub every: usize,
    /// Whether the first violation ends it.
    pub stops_at_first: bool,
    /// Where lives have their folders, and failing ones leave them.
    pub dir: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a sweep came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Outcome {
    /// Calls on the data directory that every life makes.
    pub boundaries: u64,
    /// Of these, chosen by [`Options::every`].
    pub chosen: u64,
    /// Of these, met by all that was to be done to them.
    pub met: u64,
    /// Calls that only some lives make, and that were chosen.
    pub of_some: u64,
    /// Of these, met by all that was to be done to them.
    pub of_some_met: u64,
    /// Killed before one.
    pub before: u64,
    /// Killed after one.
    pub after: u64,
    /// Failed.
    pub failed: u64,
    /// Lives that did not come to their call, and were lived again.
    pub again: u64,
    /// What was seen, over all lives.
    pub counts: Counts,
    /// What did not hold.
    pub violations: Vec<String>,
    /// What was to be done to a boundary and was not, in all tries.
    pub missed: Vec<String>,
    /// Lives that could not be lived, and why.
    pub broken: Vec<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Outcome {
    /// Whether all lives were lived, all boundaries met, and nothing was violated.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty() && self.broken.is_empty() && self.missed.is_empty()
    }

    /// As a part of the table at the end.
    #[must_use]
    pub fn part(&self) -> Part {
        let share = |met: u64, of: u64| format!("{met} of {of}");
        let rows = vec![
            (
                "system calls on the data directory",
                self.boundaries.to_string(),
            ),
            ("  chosen", self.chosen.to_string()),
            ("  met, by each deed", share(self.met, self.chosen)),
            (
                "  made by some lives only, met",
                share(self.of_some_met, self.of_some),
            ),
            ("killed before one", self.before.to_string()),
            ("killed after one", self.after.to_string()),
            ("failed with EIO or ENOSPC", self.failed.to_string()),
            (
                "lived again, as the call was not made",
                self.again.to_string(),
            ),
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

/// What is to be done to one call.
#[derive(Debug, Clone)]
struct Task {
    aim: Aim,
    /// Which of the chosen calls.
    number: usize,
    /// Whether every life makes it.
    is_reference: bool,
}

/// Lives without a fault, and then with each.
///
/// # Errors
/// That processes cannot be traced here, or that a life without a fault cannot be lived.
pub async fn sweep(options: &Options, progress: &mut dyn Write) -> Result<Outcome> {
    let began = options.clock.monotonic();
    let mut outcome = Outcome::default();
    let (tasks, calls) = plan(options, &mut outcome).await?;
    let count = tasks.len();
    // Whether each chosen call is of the reference, and what was not done to it.
    let mut is_met = vec![true; calls];
    let references: BTreeMap<usize, bool> = tasks
        .iter()
        .map(|task| (task.number, task.is_reference))
        .collect();
    let mut waiting = tasks.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut done = 0_usize;
    loop {
        let is_over = options.stops_at_first && !outcome.violations.is_empty();
        while running.len() < options.lanes.max(1)
            && !is_over
            && let Some((number, task)) = waiting.next()
        {
            let dir = options.dir.join(format!("life-{number}"));
            let (target, clock) = (options.target.clone(), Arc::clone(&options.clock));
            running.spawn(async move {
                let tries_max = match task.is_reference {
                    true => TRIES_MAX,
                    false => TRIES_OF_SOME_MAX,
                };
                let result = one(&target, &dir, &task.aim, tries_max, clock).await;
                (task, dir, result)
            });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (
            Task {
                aim,
                number,
                is_reference,
            },
            dir,
            result,
        ) = ended.context("a life panicked")?;
        done += 1;
        match result {
            Err(error) => {
                is_met[number] = false;
                let what = format!("{aim}: {error:#} ({})", dir.display());
                outcome.broken.push(what);
            }
            Ok(Judged {
                is_hit,
                tries,
                verdict,
            }) => {
                outcome.again += u64::from(tries - 1);
                is_met[number] &= is_hit;
                match (is_hit, aim.deed) {
                    (false, _) if is_reference => outcome.missed.push(aim.to_string()),
                    (false, _) => {}
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
        if done.is_multiple_of(20) {
            let violations = outcome.violations.len();
            writeln!(progress, "{done} of {count} lives, {violations} violations")?;
        }
    }
    for (number, is_reference) in references {
        let met = match is_reference {
            true => &mut outcome.met,
            false => &mut outcome.of_some_met,
        };
        *met += u64::from(is_met[number]);
    }
    let took = options.clock.monotonic().saturating_sub(began);
    outcome.seconds = took.as_secs_f64();
    Ok(outcome)
}

/// What is to be done, and to how many calls.
async fn plan(options: &Options, outcome: &mut Outcome) -> Result<(Vec<Task>, usize)> {
    let mut exploring = JoinSet::new();
    for which in [Which::First, Which::Second] {
        for number in 0..EXPLORATIONS {
            let dir = options.dir.join(format!("explore-{which:?}-{number}"));
            let (target, clock) = (options.target.clone(), Arc::clone(&options.clock));
            exploring.spawn(async move {
                let calls = explore(&target, &dir, which, clock).await?;
                anyhow::Ok((which, calls))
            });
        }
    }
    let mut lives: BTreeMap<Which, Vec<BTreeMap<Kind, u32>>> = BTreeMap::new();
    while let Some(explored) = exploring.join_next().await {
        let (which, calls) = explored.context("a life panicked")??;
        lives.entry(which).or_default().push(calls);
    }
    let (mut calls, mut every): (Vec<(Which, Boundary)>, Vec<bool>) = (Vec::new(), Vec::new());
    for (which, lives) in &lives {
        let mut kinds: BTreeMap<&Kind, (u32, u32)> = BTreeMap::new();
        for kind in lives.iter().flat_map(BTreeMap::keys) {
            let counts = lives
                .iter()
                .map(|life| life.get(kind).copied().unwrap_or_default());
            let most = counts.clone().max().unwrap_or_default();
            kinds.insert(kind, (counts.min().unwrap_or_default(), most));
        }
        for (kind, (least, most)) in kinds {
            for ordinal in 1..=most {
                let kind = kind.clone();
                calls.push((*which, Boundary { kind, ordinal }));
                every.push(ordinal <= least);
            }
        }
    }
    outcome.boundaries = every.iter().filter(|it| **it).count() as u64;
    let chosen = calls.into_iter().zip(every).step_by(options.every.max(1));
    let mut tasks = Vec::new();
    let mut count = 0;
    for (number, ((which, boundary), is_reference)) in chosen.enumerate() {
        count += 1;
        match is_reference {
            true => outcome.chosen += 1,
            false => outcome.of_some += 1,
        }
        let aims = deeds(&boundary.kind.call).map(|deed| Aim {
            which,
            boundary: boundary.clone(),
            deed,
        });
        tasks.extend(aims.map(|aim| Task {
            aim,
            number,
            is_reference,
        }));
    }
    Ok((tasks, count))
}

fn deeds(call: &str) -> impl Iterator<Item = Deed> {
    let errors = ERRORS.into_iter().filter(move |(it, _)| *it == call);
    let deeds = [Deed::Before, Deed::After].into_iter();
    deeds.chain(errors.map(|(_, fault)| Deed::Fail(fault)))
}

/// The calls of a life without a fault.
async fn explore(
    target: &Path,
    dir: &Path,
    which: Which,
    clock: Arc<dyn Clock>,
) -> Result<BTreeMap<Kind, u32>> {
    fresh(dir)?;
    let lived = live(target, dir, which, None, clock).await?;
    let verdict = judge(&lived.history)?;
    if let Some(violation) = verdict.violations.first() {
        let history = lived.history.display();
        bail!("without any fault: {violation} ({history})");
    }
    std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    Ok(lived.calls)
}

/// A life, and what is said of it.
#[derive(Debug)]
struct Judged {
    is_hit: bool,
    tries: u32,
    verdict: Verdict,
}

/// What `replay` needs of a life.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    target: PathBuf,
    #[serde(flatten)]
    aim: Aim,
}

/// Lives it, again and again if it does not come to its call. Its folder stays if there is a violation.
async fn one(
    target: &Path,
    dir: &Path,
    aim: &Aim,
    tries_max: u32,
    clock: Arc<dyn Clock>,
) -> Result<Judged> {
    let mut tries = 0;
    loop {
        tries += 1;
        fresh(dir)?;
        let remembered = Remembered {
            target: target.to_owned(),
            aim: aim.clone(),
        };
        write(&dir.join(LIFE), &serde_json::to_string_pretty(&remembered)?)?;
        let lived = live(target, dir, aim.which, Some(aim), Arc::clone(&clock)).await?;
        let verdict = judge(&lived.history)?;
        if verdict.is_void() && tries < tries_max {
            continue;
        }
        if !verdict.is_well() {
            let text = serde_json::to_string_pretty(&verdict)?;
            write(&dir.join("verdict.json"), &text)?;
        } else if !lived.is_hit && tries < tries_max {
            continue;
        } else {
            std::fs::remove_dir_all(dir)
                .with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        return Ok(Judged {
            is_hit: lived.is_hit,
            tries,
            verdict,
        });
    }
}

/// Whether a folder is that of a life.
#[must_use]
pub fn is_life(folder: &Path) -> bool {
    folder.join(LIFE).is_file()
}

/// Lives a life again, several times if need be, with another program if one is named: what was done, whether it came to that, and
/// what is said of it.
///
/// # Errors
/// That it left nothing, or that it cannot be lived.
pub async fn replay(
    folder: &Path,
    target: Option<&Path>,
    dir: &Path,
    clock: Arc<dyn Clock>,
) -> Result<(String, bool, Verdict)> {
    let text = read(&folder.join(LIFE))?;
    let remembered: Remembered =
        serde_json::from_str(&text).context("life.json is not what a life leaves")?;
    let Remembered { target: own, aim } = remembered;
    let name = folder.file_name().context("a folder without a name")?;
    let target = target.unwrap_or(&own);
    let dir = dir.join(name);
    let mut judged = one(target, &dir, &aim, TRIES_MAX, Arc::clone(&clock)).await?;
    for _ in 1..REPLAYS_MAX {
        if !judged.verdict.is_well() {
            break;
        }
        judged = one(target, &dir, &aim, TRIES_MAX, Arc::clone(&clock)).await?;
    }
    Ok((aim.to_string(), judged.is_hit, judged.verdict))
}

fn fresh(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))
}
