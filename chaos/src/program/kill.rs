//! `kill`, `check`, `replay` and `report`.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness runs in the real world"
)]

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use tocsin::sys::Clock;

use crate::checker::Verdict;
use crate::kill::{Options, Outcome, Remembered, campaign, judge, remembered, replay};
use crate::{hunt, report, syscalls};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs, and for `report`.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct KillArgs {
    /// The program to kill, by path or by name; tocsin beside this program unless another is named
    #[arg(long)]
    target: Option<PathBuf>,
    /// SIGKILLs
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// Decides what is sent, which faults there are, and when
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Runs at a time; two for each processor unless a number is given, as they mostly wait
    #[arg(long)]
    jobs: Option<usize>,
    /// Where each run has its folder, and a failing one leaves it
    #[arg(long, default_value = "chaos-runs")]
    dir: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A file for the result, for `table`
    #[arg(long)]
    result: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SyscallsArgs {
    /// The program to kill; tocsin beside this program unless another is named
    #[arg(long)]
    target: Option<PathBuf>,
    /// Every so many calls; 1 for all of them
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Lives at a time; they mostly wait
    #[arg(long, default_value_t = 10)]
    jobs: usize,
    /// Stop at the first violation
    #[arg(long)]
    first: bool,
    /// Where each life has its folder, and a failing one leaves it
    #[arg(long, default_value = "chaos-lives")]
    dir: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// A file for the result, for `table`
    #[arg(long)]
    result: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct HuntsArgs {
    /// The server with the planted bugs in it; tocsin-chaos-server beside this program unless another is named
    #[arg(long)]
    target: Option<PathBuf>,
    /// Decides what is sent, which other faults there are, and when
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this bug
    #[arg(long)]
    bug: Option<String>,
    /// Where each hunt has its folder
    #[arg(long, default_value = "chaos-hunts")]
    dir: PathBuf,
    /// A file for the result, for `table`
    #[arg(long)]
    result: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// A history, as a run leaves it
    history: PathBuf,
    /// How the verdict is printed
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The folder of a run, or the seed of a simulated one
    pub(super) run: String,
    /// The program to kill, instead of that of the run
    #[arg(long)]
    target: Option<PathBuf>,
    /// The seed is one of `kill`, of a run with so many SIGKILLs
    #[arg(long)]
    kills: Option<u32>,
    /// Where the new run has its folder
    #[arg(long, default_value = "chaos-replays")]
    dir: PathBuf,
    /// Where a simulated run is kept
    #[arg(long, default_value = "chaos-failures")]
    pub(super) failures: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Results of `kill --format json`
    #[arg(required = true)]
    results: Vec<PathBuf>,
}

impl ReplayArgs {
    /// The seed, if it is one of the simulator.
    pub(super) fn simulated(&self) -> Option<u64> {
        let seed = self.run.parse().ok()?;
        (self.kills.is_none() && !Path::new(&self.run).is_dir()).then_some(seed)
    }
}

/// Runs it on threads of its own.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(work)
}

/// The target: as named, on the `PATH`, or tocsin beside this program.
pub(super) fn find_target(named: Option<&Path>) -> Result<PathBuf> {
    let Some(named) = named else {
        return beside("tocsin");
    };
    if named.components().count() == 1 && !named.is_file() {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .map(|dir| dir.join(named))
            .find(|program| program.is_file());
        return found.with_context(|| {
            format!(
                "there is no program {} here or on the PATH",
                named.display()
            )
        });
    }
    if !named.is_file() {
        bail!("there is no program {}", named.display());
    }
    std::path::absolute(named).context("cannot tell where this is")
}

/// A program beside this one.
fn beside(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let beside = own.with_file_name(name);
    if !beside.is_file() {
        bail!(
            "there is no {name} beside {}; name a program with --target",
            own.display()
        );
    }
    Ok(beside)
}

/// Progress goes to people only.
pub(super) fn progress() -> Box<dyn Write> {
    match io::stderr().is_terminal() {
        true => Box::new(io::stderr()),
        false => Box::new(io::sink()),
    }
}

pub(super) fn kill(
    args: &KillArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let options = Options {
        target: find_target(args.target.as_deref())?,
        kills: args.kills,
        seed: args.seed,
        lanes: lanes(args.jobs),
        dir: absolute(&args.dir)?,
        clock,
    };
    let outcome = block_on(campaign(&options, &mut *progress()))?;
    match args.format {
        Format::Text => report::print(out, &outcome)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&outcome)?)?,
    }
    if let Some(result) = &args.result {
        report::part(&outcome).leave(result)?;
    }
    ended(outcome.is_well(), args.format, &args.dir, out)
}

/// Runs at a time: as many as were asked for, or two for each processor, as they mostly wait.
pub(super) fn lanes(jobs: Option<usize>) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    jobs.unwrap_or(2 * cores)
}

/// Where runs have their folders.
pub(super) fn absolute(dir: &Path) -> Result<PathBuf> {
    std::path::absolute(dir).context("cannot tell where --dir is")
}

/// How a campaign of runs in that folder ended.
pub(super) fn ended(
    is_well: bool,
    format: Format,
    dir: &Path,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    if is_well {
        // Runs without a violation have left nothing.
        let _ = std::fs::remove_dir(dir);
        return Ok(ExitCode::SUCCESS);
    }
    if format == Format::Text {
        let dir = dir.display();
        writeln!(
            out,
            "\nFailing runs are in {dir}; run one again with: tocsin-chaos replay {dir}/run-SEED"
        )?;
    }
    Ok(ExitCode::FAILURE)
}

pub(super) fn syscalls(
    args: &SyscallsArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let options = syscalls::Options {
        target: find_target(args.target.as_deref())?,
        lanes: args.jobs,
        every: args.every,
        stops_at_first: args.first,
        dir: absolute(&args.dir)?,
        clock,
    };
    let outcome = block_on(syscalls::sweep(&options, &mut *progress()))?;
    match args.format {
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&outcome)?)?,
        Format::Text => {
            for what in outcome.violations.iter().chain(&outcome.broken) {
                writeln!(out, "VIOLATION {what}")?;
            }
            for what in &outcome.missed {
                writeln!(out, "NOT MET {what}")?;
            }
            writeln!(out)?;
            outcome.part().print(out)?;
        }
    }
    if let Some(result) = &args.result {
        outcome.part().leave(result)?;
    }
    if outcome.is_well() {
        // Lives without a violation have left nothing.
        let _ = std::fs::remove_dir(&options.dir);
    }
    Ok(code(outcome.is_well()))
}

pub(super) fn hunts(args: &HuntsArgs, clock: &dyn Clock, out: &mut dyn Write) -> Result<ExitCode> {
    let target = match &args.target {
        Some(named) => find_target(Some(named))?,
        None => beside("tocsin-chaos-server")?,
    };
    let dir = absolute(&args.dir)?;
    let part = hunt::all(&target, args.seed, args.bug.as_deref(), &dir, clock, out)?;
    // Each hunt has removed its own.
    let _ = std::fs::remove_dir(&dir);
    writeln!(out)?;
    part.print(out)?;
    if let Some(result) = &args.result {
        part.leave(result)?;
    }
    Ok(code(part.is_well))
}

pub(super) fn check(args: &CheckArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let verdict = judge(&args.history)?;
    match args.format {
        Format::Text => print_verdict(out, &verdict)?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(&verdict)?)?,
    }
    Ok(code(verdict.is_well()))
}

fn print_verdict(out: &mut dyn Write, verdict: &Verdict) -> Result<()> {
    for violation in &verdict.violations {
        writeln!(out, "VIOLATION {violation}")?;
    }
    let counts = &verdict.counts;
    writeln!(
        out,
        "{} kills, {} acknowledged transitions, {} deliveries owed, {} lost, {} false all-clears, \
         {} duplicates ({} attributed), {} out of bound, {} violations",
        counts.kills,
        counts.transitions,
        counts.deliveries_owed,
        counts.lost,
        counts.false_all_clears,
        counts.duplicates,
        counts.duplicates_attributed,
        counts.out_of_bound,
        verdict.violations.len()
    )?;
    Ok(())
}

pub(super) fn again(
    args: &ReplayArgs,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let folder = Path::new(&args.run);
    let target = args.target.as_deref();
    let target = target.map(|named| find_target(Some(named))).transpose()?;
    let dir = absolute(&args.dir)?;
    if syscalls::is_life(folder) {
        let lived = syscalls::replay(folder, target.as_deref(), &dir, clock);
        let (what, is_hit, verdict) = block_on(lived)?;
        let met = match is_hit {
            true => "",
            false => " (not met: threads did not run alike)",
        };
        writeln!(out, "{what}{met}")?;
        print_verdict(out, &verdict)?;
        return Ok(code(verdict.is_well()));
    }
    let mut run = match (folder.is_dir(), args.run.parse::<u64>(), args.kills) {
        (true, _, _) => remembered(folder)?,
        (false, Ok(seed), Some(kills)) => Remembered {
            target: find_target(args.target.as_deref())?,
            seed,
            kills,
            loses_power: false,
        },
        _ => bail!("{} is neither the folder of a run nor a seed", args.run),
    };
    if let Some(target) = target {
        run.target = target;
    }
    writeln!(
        out,
        "seed {}, {} kills of {}: the same script and the same faults; what the processes make of them \
         is up to the machine",
        run.seed,
        run.kills,
        run.target.display()
    )?;
    let verdict = match run.loses_power {
        true => block_on(crate::disk::replay(&run, &dir, clock))?,
        false => block_on(replay(&run, &dir, clock))?,
    };
    print_verdict(out, &verdict)?;
    Ok(code(verdict.is_well()))
}

pub(super) fn side_by_side(args: &ReportArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let outcomes: Result<Vec<Outcome>> = args.results.iter().map(|path| result(path)).collect();
    report::side_by_side(out, &outcomes?)?;
    Ok(ExitCode::SUCCESS)
}

fn result(path: &Path) -> Result<Outcome> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is no result of kill --format json", path.display()))
}

fn code(is_well: bool) -> ExitCode {
    match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
