//! Kills a real alertmanager, again and again, and lets the [checker](crate::checker) judge what it did.
//!
//! A campaign consists of runs, several at a time. Each run has a seed of its own, a fresh data
//! directory, and a history; see [`episode`]. A run that shows a violation leaves its folder:
//!
//! ```text
//! run-SEED/
//!   run.json         target, seed, number of kills: what `replay` needs
//!   history.jsonl    what happened
//!   verdict.json     what the checker says
//!   alertmanager.yml, server.log, data/
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts real processes on real files"
)]

mod episode;
pub(crate) mod ground;
pub(crate) mod nemesis;
mod operator;
pub(crate) mod plan;
pub(crate) mod recorder;
pub(crate) mod sender;
pub(crate) mod server;
pub(crate) mod sink;
pub(crate) mod stalls;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tocsin::sys::Clock;
use tokio::task::JoinSet;

use crate::checker::{Counts, Invariant, Verdict, check};
use crate::history;
use ground::{Ground, Plain};
use plan::Plan;

/// Kills of one run. With the bound after its heal a run takes some twenty seconds, and a few hundred kills are
/// enough for several at a time.
const KILLS_OF_A_RUN: u32 = 50;

/// How often a run is carried out if the machine stands still for long in each.
const TRIES_MAX: u32 = 3;

/// What to do.
#[derive(Debug)]
pub struct Options {
    /// Any program that takes Alertmanager's flags.
    pub target: PathBuf,
    /// SIGKILLs in all.
    pub kills: u32,
    /// The seed of the first run; each next one has the next.
    pub seed: u64,
    /// Runs at a time.
    pub lanes: usize,
    /// Where runs have their folders, and failing ones leave them.
    pub dir: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What was tested.
    pub target: String,
    /// The first seed.
    pub seed: u64,
    /// Runs.
    pub runs: u64,
    /// How long it took.
    pub seconds: f64,
    /// How much there was, over all runs.
    pub counts: Counts,
    /// Violations, by invariant.
    pub violations: Vec<(Invariant, u64)>,
    /// The first of them, with the seed of its run.
    pub examples: Vec<String>,
    /// Runs that could not be carried out, and why.
    pub broken: Vec<String>,
    /// Runs that were carried out again, as the machine stood still in them.
    #[serde(default)]
    pub again: u64,
}

impl Outcome {
    /// Whether all runs were carried out and nothing was violated.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty() && self.broken.is_empty()
    }

    fn add(&mut self, seed: u64, verdict: &Verdict) {
        /// Examples that are shown in full.
        const EXAMPLES_MAX: usize = 20;
        self.runs += 1;
        self.counts.add(&verdict.counts);
        for violation in &verdict.violations {
            match self
                .violations
                .iter_mut()
                .find(|it| it.0 == violation.invariant)
            {
                Some((_, count)) => *count += 1,
                None => self.violations.push((violation.invariant, 1)),
            }
            if self.examples.len() < EXAMPLES_MAX {
                self.examples.push(format!("seed {seed}: {violation}"));
            }
        }
        self.violations.sort_unstable();
    }
}

/// What `replay` needs of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// What was tested.
    pub target: PathBuf,
    /// Its seed.
    pub seed: u64,
    /// How often it was killed.
    pub kills: u32,
    /// Whether every kill was a loss of power; see [`crate::disk`].
    #[serde(default)]
    pub loses_power: bool,
}

/// The folder of a run.
#[must_use]
pub fn folder(dir: &Path, seed: u64) -> PathBuf {
    dir.join(format!("run-{seed}"))
}

/// Reads what a run left.
///
/// # Errors
/// That there is no such run.
pub fn remembered(folder: &Path) -> Result<Remembered> {
    let text = server::read(&folder.join("run.json"))?;
    serde_json::from_str(&text).context("run.json is not what a run leaves")
}

/// Carries out all runs.
///
/// # Errors
/// That the target is no program, or that there is no room for its files. A run that cannot be carried out
/// is part of the outcome.
pub async fn campaign(options: &Options, progress: &mut dyn Write) -> Result<Outcome> {
    let run = |dir: PathBuf, plan: Plan| {
        let remembered = remember(&options.target, plan, false);
        let clock = Arc::clone(&options.clock);
        async move { one(&remembered, &dir, plan, clock, Arc::new(Plain)).await }
    };
    campaign_of(options, progress, "kills", run).await
}

/// As [`campaign`], of runs that are made otherwise: of a plan, in a folder.
pub(crate) async fn campaign_of<F>(
    options: &Options,
    progress: &mut dyn Write,
    losses: &str,
    run: impl Fn(PathBuf, Plan) -> F,
) -> Result<Outcome>
where
    F: Future<Output = Result<(Verdict, u32)>> + Send + 'static,
{
    if !options.target.is_file() {
        bail!("there is no program {}", options.target.display());
    }
    std::fs::create_dir_all(&options.dir)
        .with_context(|| format!("cannot create {}", options.dir.display()))?;
    let began = options.clock.monotonic();
    let seconds = || {
        let took = options.clock.monotonic().saturating_sub(began);
        took.as_secs_f64()
    };
    let mut outcome = Outcome {
        target: options.target.display().to_string(),
        seed: options.seed,
        runs: 0,
        seconds: 0.0,
        counts: Counts::default(),
        violations: Vec::new(),
        examples: Vec::new(),
        broken: Vec::new(),
        again: 0,
    };
    let mut waiting = plans(options.seed, options.kills).into_iter();
    let mut running: JoinSet<(u64, Result<(Verdict, u32)>)> = JoinSet::new();
    loop {
        while running.len() < options.lanes.max(1)
            && let Some(plan) = waiting.next()
        {
            let run = run(folder(&options.dir, plan.seed), plan);
            running.spawn(async move { (plan.seed, run.await) });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (seed, verdict) = ended.context("a run panicked")?;
        match verdict {
            Ok((verdict, tries)) => {
                outcome.add(seed, &verdict);
                outcome.again += u64::from(tries - 1);
            }
            Err(error) => outcome.broken.push(format!("seed {seed}: {error:#}")),
        }
        outcome.seconds = seconds();
        let counts = &outcome.counts;
        writeln!(
            progress,
            "{:>6.0} s  {} of {} {losses}, {} transitions, {} lost, {} duplicates, {} violations",
            outcome.seconds,
            counts.kills,
            options.kills,
            counts.transitions,
            counts.lost,
            counts.duplicates,
            outcome.violations.iter().map(|it| it.1).sum::<u64>(),
        )?;
        if outcome.runs == 0 && outcome.broken.len() >= options.lanes.max(1) {
            // Nothing works: the others would fail alike.
            break;
        }
    }
    outcome.seconds = seconds();
    Ok(outcome)
}

fn plans(seed: u64, kills: u32) -> Vec<Plan> {
    let runs = kills.div_ceil(KILLS_OF_A_RUN);
    let plan = |run: u32| {
        let left = kills - run * KILLS_OF_A_RUN;
        Plan::draw(seed.wrapping_add(u64::from(run)), left.min(KILLS_OF_A_RUN))
    };
    (0..runs).map(plan).collect()
}

/// Carries out one run again.
///
/// # Errors
/// That it cannot be carried out.
pub async fn replay(run: &Remembered, dir: &Path, clock: Arc<dyn Clock>) -> Result<Verdict> {
    let folder = folder(dir, run.seed);
    let plan = Plan::draw(run.seed, run.kills);
    let (verdict, _) = one(run, &folder, plan, clock, Arc::new(Plain)).await?;
    Ok(verdict)
}

/// What is kept of a run that is about to begin.
pub(crate) fn remember(target: &Path, plan: Plan, loses_power: bool) -> Remembered {
    Remembered {
        target: target.to_owned(),
        seed: plan.seed,
        kills: plan.kills,
        loses_power,
    }
}

/// One run, and its judgement; and how often it was carried out, since one in which the machine stood still
/// for long shows nothing. Its folder stays if there is a violation.
pub(crate) async fn one(
    run: &Remembered,
    dir: &Path,
    plan: Plan,
    clock: Arc<dyn Clock>,
    ground: Arc<dyn Ground>,
) -> Result<(Verdict, u32)> {
    let mut tries = 1;
    loop {
        let verdict = once(run, dir, plan, Arc::clone(&clock), Arc::clone(&ground)).await?;
        if !verdict.is_void() || tries == TRIES_MAX {
            return Ok((verdict, tries));
        }
        tries += 1;
    }
}

async fn once(
    run: &Remembered,
    dir: &Path,
    plan: Plan,
    clock: Arc<dyn Clock>,
    ground: Arc<dyn Ground>,
) -> Result<Verdict> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let text = serde_json::to_string_pretty(run)?;
    server::write(&dir.join("run.json"), &text)?;
    let path = episode::run(&run.target, dir, plan, clock, ground).await?;
    let verdict = tokio::task::spawn_blocking(move || judge(&path))
        .await
        .context("the checker panicked")??;
    let text = serde_json::to_string_pretty(&verdict)?;
    server::write(&dir.join("verdict.json"), &text)?;
    if verdict.is_well() {
        std::fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
    }
    Ok(verdict)
}

/// Judges the history in a file.
///
/// # Errors
/// That it is none.
#[expect(clippy::disallowed_types, reason = "the history is a real file")]
pub fn judge(path: &Path) -> Result<Verdict> {
    let open = || -> Result<Verdict> {
        let file = std::fs::File::open(path)?;
        let entries = history::read(std::io::BufReader::new(file))?;
        Ok(check(&entries))
    };
    open().with_context(|| format!("cannot judge {}", path.display()))
}
