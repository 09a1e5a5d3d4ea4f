//! The command line of `tocsin-chaos`.

mod disk;
mod kill;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use crate::demo;
use crate::log::enumerate::{Plan, Points};
use crate::log::suites::{
    Tally, bounded, histories, history, in_parallel, reference, rot, threads, workload,
};
use crate::log::workload::Op;
use crate::simulate;
use crate::table::{self, Part, ZooResult};
use crate::zoo;
use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use tocsin::bugs::Bug;
use tocsin::sys::Clock;

#[derive(Debug, Parser)]
#[command(
    name = "tocsin-chaos",
    version,
    about = "Tries to refute what an alertmanager promises"
)]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Length {
    /// A few minutes: what every change has to pass.
    Short,
    /// At most twelve minutes on two cores.
    Full,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Kills an alertmanager again and again under load, and tells what it lost, told twice or falsely
    Kill(kill::KillArgs),
    /// Kills tocsin before and after every system call on its data directory, and lets each fail
    Syscalls(kill::SyscallsArgs),
    /// Takes the power from an alertmanager again and again, on a disk that loses what was not synced
    Disk(disk::DiskArgs),
    /// Judges the history of a run
    Check(kill::CheckArgs),
    /// Carries out a run again, from what it left or from its seed
    Replay(kill::ReplayArgs),
    /// Several results side by side, as Markdown
    Report(kill::ReportArgs),
    /// Kills the server again and again while a real Prometheus sends to it, then one table
    Demo {
        /// The server's program; tocsin beside this program unless another is named
        #[arg(long)]
        target: Option<PathBuf>,
        /// Prometheus' program; the one on the PATH, or that of scripts/test-deps, unless another is named
        #[arg(long)]
        prometheus: Option<PathBuf>,
        /// How often it is killed
        #[arg(long, default_value_t = 5)]
        kills: usize,
    },
    /// All suites over the log, then one table
    Log {
        /// How much of it
        #[arg(long, value_enum, default_value = "full")]
        length: Length,
        /// Decides everything that is drawn
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The program with the planted bugs; without it they are not hunted
        #[arg(long)]
        zoo: Option<String>,
        /// The test program `recovery` built with the planted bugs
        #[arg(long)]
        scenarios: Option<String>,
        /// A file for the result, for `table`
        #[arg(long)]
        result: Option<PathBuf>,
    },
    /// Results of several layers as one table
    Table {
        /// Files that `--result` has left
        #[arg(required = true)]
        parts: Vec<PathBuf>,
    },
    /// Planted bugs in the real server must be found by kills of it (needs the feature bug-zoo)
    Hunts(kill::HuntsArgs),
    /// Every planted bug must be found (needs the feature bug-zoo)
    Zoo {
        /// Decides everything that is drawn
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The test program `recovery` built with the planted bugs
        #[arg(long)]
        scenarios: Option<String>,
        /// Only this bug
        #[arg(long)]
        bug: Option<String>,
    },
    /// Hunts one planted bug (needs the feature bug-zoo)
    Hunt {
        /// Its feature
        bug: String,
        /// Decides everything that is drawn
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Every crash point of one workload, as printed with a violation
    Workload {
        /// Decides everything that is drawn
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The steps
        steps: Vec<String>,
    },
    /// One random history, as printed with a violation
    History {
        /// Decides everything
        #[arg(long)]
        seed: u64,
    },
    /// The bit-rot matrix, as printed with a violation
    Rot {
        /// Decides the contents of the log
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Every n-th flip
        #[arg(long, default_value_t = 1)]
        every: u64,
    },
    /// A small store to try the log tools on
    Example {
        /// The directory to make it in; it must be empty or not there
        dir: PathBuf,
    },
    /// The server on a simulated disk, clock and network, again and again
    Simulate {
        /// How many runs
        #[arg(long, default_value_t = 10_000)]
        seeds: u64,
        /// The seed of the first
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where a run that fails is kept
        #[arg(long, default_value = "chaos-failures")]
        failures: PathBuf,
        /// A file for the result, for `table`
        #[arg(long)]
        result: Option<PathBuf>,
    },
    /// The writer thread under several senders, as printed with a violation
    Threads {
        /// Decides where the disk fails
        #[arg(long)]
        seed: u64,
    },
}

/// Runs what the command line asks for.
#[expect(clippy::print_stderr, reason = "this is where errors end")]
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse().command, &mut io::stdout()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("tocsin-chaos: error: {error:#}");
            ExitCode::from(2)
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the harness runs in the real world"
)]
fn real_clock() -> impl Clock {
    tocsin::node::RealClock::new()
}

fn run(action: Action, out: &mut dyn Write) -> Result<ExitCode> {
    let clock = real_clock();
    match action {
        Action::Kill(args) => kill::kill(&args, Arc::new(clock), out),
        Action::Syscalls(args) => kill::syscalls(&args, Arc::new(clock), out),
        Action::Disk(args) => disk::disk(&args, Arc::new(clock), out),
        Action::Check(args) => kill::check(&args, out),
        Action::Replay(args) => match args.simulated() {
            Some(seed) => simulate::command::replay(seed, &args.failures, out),
            None => kill::again(&args, Arc::new(clock), out),
        },
        Action::Report(args) => kill::side_by_side(&args, out),
        Action::Demo {
            target,
            prometheus,
            kills,
        } => demo(target, prometheus, kills, Arc::new(clock), out),
        Action::Log {
            length,
            seed,
            zoo,
            scenarios,
            result,
        } => log(
            length,
            seed,
            zoo.as_deref(),
            scenarios.as_deref(),
            result.as_deref(),
            &clock,
            out,
        ),
        Action::Table { parts } => {
            let parts: Result<Vec<Part>> = parts.iter().map(|path| Part::read(path)).collect();
            Ok(match table::all(out, &parts?)? {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        Action::Hunts(args) => {
            needs_zoo()?;
            kill::hunts(&args, &clock, out)
        }
        Action::Zoo {
            seed,
            scenarios,
            bug,
        } => {
            needs_zoo()?;
            zoo::zoo(scenarios.as_deref(), seed, bug.as_deref(), &clock, out)
        }
        Action::Hunt { bug, seed } => {
            needs_zoo()?;
            let Some(bug) = Bug::ALL.iter().find(|known| known.feature() == bug) else {
                bail!("no such bug: {bug}");
            };
            match zoo::hunt(*bug, seed, &clock) {
                Some(found) => {
                    writeln!(
                        out,
                        "{}\t{}\t{}",
                        found.layer,
                        zoo::seconds(found.after),
                        found.what
                    )?;
                }
                None => writeln!(out, "clean")?,
            }
            Ok(ExitCode::SUCCESS)
        }
        Action::Workload { seed, steps } => {
            let steps = steps
                .iter()
                .map(|name| step(name))
                .collect::<Result<Vec<Op>>>()?;
            let tally = Tally::default();
            workload(
                &tally,
                &steps,
                Plan {
                    points: Points::All,
                    nested_every: Some(97),
                    seed,
                },
            );
            verdict(&tally, out)
        }
        Action::History { seed } => {
            history(seed).map_err(|violation| anyhow::anyhow!("{violation}"))?;
            writeln!(out, "nothing lost")?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Example { dir } => {
            example(&dir, &clock)?;
            writeln!(out, "made an example store in {}", dir.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Action::Rot { seed, every } => {
            let tally = Tally::default();
            in_parallel(&tally, &clock, &|part, parts| {
                rot(&tally, every, seed, part, parts);
            });
            verdict(&tally, out)
        }
        Action::Simulate {
            seeds,
            seed,
            failures,
            result,
        } => simulate::command::simulate(seed, seeds, &failures, result.as_deref(), &clock, out),
        Action::Threads { seed } => {
            let tally = Tally::default();
            threads(&tally, 1, seed, 0, 1);
            verdict(&tally, out)
        }
    }
}

/// Requests that Prometheus loses at each kill of the demonstration.
const REFUSED_MIN: usize = 2;

fn demo(
    target: Option<PathBuf>,
    prometheus: Option<PathBuf>,
    kills: usize,
    clock: Arc<dyn Clock>,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let own = std::env::current_exe().context("cannot tell where this program is")?;
    let profile_dir = own.parent().unwrap_or(Path::new("."));
    let target_dir = profile_dir.parent().unwrap_or(Path::new("."));
    let target = target.unwrap_or_else(|| profile_dir.join("tocsin"));
    let prometheus = match prometheus {
        Some(prometheus) => prometheus,
        None => demo::find_prometheus(target_dir)?,
    };
    let dir = tempfile::Builder::new().prefix("tocsin-demo-").tempdir()?;
    let options = demo::Options {
        target: &target,
        prometheus: &prometheus,
        dir: dir.path(),
        kills: &demo::kills_in_turn(kills, REFUSED_MIN),
        clock,
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let report = runtime.block_on(demo::run(&options, out));
    let is_well = match &report {
        Ok(report) => {
            report.print(out)?;
            report.is_well()
        }
        Err(_) => false,
    };
    if !is_well {
        // What happened is in the logs.
        let kept = dir.keep();
        writeln!(out, "The files of this run are in {}", kept.display())?;
    }
    report.map(|_| match is_well {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the store is to be on the real disk"
)]
fn example(dir: &Path, clock: &dyn Clock) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let disk = Arc::new(tocsin::node::RealDisk::new(dir));
    crate::example::make(disk, clock.wall(), dir)
}

fn needs_zoo() -> Result<()> {
    if cfg!(feature = "bug-zoo") {
        return Ok(());
    }
    bail!(
        "this program has no planted bugs in it; build it with --features bug-zoo --profile chaos"
    )
}

fn step(name: &str) -> Result<Op> {
    Op::ALL
        .into_iter()
        .find(|op| format!("{op:?}") == name)
        .with_context(|| format!("no such step: {name}; there are {:?}", Op::ALL))
}

fn verdict(tally: &Tally, out: &mut dyn Write) -> Result<ExitCode> {
    let violations = tally.violations();
    for violation in &violations {
        writeln!(out, "VIOLATION {violation}")?;
    }
    if violations.is_empty() {
        writeln!(out, "nothing found")?;
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

fn log(
    length: Length,
    seed: u64,
    zoo_program: Option<&str>,
    scenarios: Option<&str>,
    result: Option<&Path>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let start = clock.monotonic();
    let tally = Tally::default();
    let is_full = length == Length::Full;
    let mut suite = |name: &str, work: &(dyn Fn(&Tally, u64, u64) + Sync)| -> Result<()> {
        let began = clock.monotonic();
        write!(out, "{name:<60}")?;
        out.flush()?;
        in_parallel(&tally, clock, &|part, parts| work(&tally, part, parts));
        writeln!(out, "{:>10}", zoo::seconds(clock.monotonic() - began))?;
        Ok(())
    };
    for steps in 0..=1 {
        suite(
            &format!("all workloads of {steps} steps, healthy and failing"),
            &|t, part, parts| {
                bounded(t, &Op::ALL, steps, seed, part, parts);
            },
        )?;
    }
    let every = if is_full { 1 } else { 16 };
    suite("bit rot", &|t, part, parts| {
        rot(t, every, seed, part, parts);
    })?;
    suite("the writer thread", &|t, part, parts| {
        threads(t, 200, seed, part, parts);
    })?;
    let count = if is_full { 20_000 } else { 2_000 };
    suite("random histories", &|t, part, parts| {
        histories(t, count, seed, part, parts);
    })?;
    if is_full {
        suite(
            "all workloads of 2 steps, healthy and failing",
            &|t, part, parts| {
                bounded(t, &Op::ALL, 2, seed, part, parts);
            },
        )?;
        for steps in 3..=4 {
            suite(
                &format!("all workloads of {steps} steps, healthy"),
                &|t, part, parts| {
                    bounded(t, &Op::HEALTHY, steps, seed, part, parts);
                },
            )?;
        }
        suite("sixteen workloads of 25 steps", &|t, part, parts| {
            reference(t, 25, 16, seed, part, parts);
        })?;
    } else {
        suite("all workloads of 2 steps, healthy", &|t, part, parts| {
            bounded(t, &Op::HEALTHY, 2, seed, part, parts);
        })?;
    }
    let zoo_result = match zoo_program {
        Some(program) => Some(run_zoo(program, scenarios, seed, out)?),
        None => None,
    };
    let part = table::of_the_log(out, &tally, zoo_result, seed, clock.monotonic() - start)?;
    writeln!(out)?;
    part.print(out)?;
    if let Some(result) = result {
        part.leave(result)?;
    }
    Ok(if part.is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run_zoo(
    program: &str,
    scenarios: Option<&str>,
    seed: u64,
    out: &mut dyn Write,
) -> Result<ZooResult> {
    let mut command = Command::new(program);
    command
        .args(["zoo", "--seed", &seed.to_string()])
        .stderr(Stdio::inherit());
    if let Some(scenarios) = scenarios {
        command.args(["--scenarios", scenarios]);
    }
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    write!(out, "\n{text}")?;
    let numbers = text
        .lines()
        .find_map(|line| line.strip_prefix("planted bugs found: "))
        .and_then(|counts| counts.split_once(" of "));
    let (found, planted) =
        numbers.with_context(|| format!("{program} did not say what it found"))?;
    Ok(ZooResult {
        found: found.parse()?,
        planted: planted.parse()?,
    })
}
