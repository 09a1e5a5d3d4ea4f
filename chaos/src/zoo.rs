//! The test of the tests: every planted bug must be found.
//!
//! One child process per bug, so that a bug that hangs or aborts costs no more than its own hunt.
//! The layers are tried one after the other, the cheap ones first, until one refuses:
//!
//! | layer     | what it is                                                        |
//! |-----------|-------------------------------------------------------------------|
//! | images    | crash images of all workloads of one step                         |
//! | threads   | the writer thread under several senders                           |
//! | histories | random kills and power losses                                     |
//! | rot       | a sample of bit flips, zeroed pages and cuts                       |
//! | scenarios | the named tests of `tests/recovery`                               |
//! | simulate  | the server in the simulator; the first layer for bugs that are not the log's |

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tocsin::bugs::{Bug, VARIABLE, select};
use tocsin::sys::Clock;

use crate::log::suites::{Tally, bounded, histories, in_parallel, rot, threads};
use crate::log::workload::Op;
use crate::simulate;

/// What a hunt found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which layer refused.
    pub layer: &'static str,
    /// With which words, the first line of them.
    pub what: String,
    /// After how long.
    pub after: Duration,
}

type Layer = (&'static str, fn(&Tally, u64, u64, u64));

const LAYERS: [Layer; 4] = [
    ("images", |tally, seed, part, parts| {
        bounded(tally, &Op::ALL, 1, seed, part, parts);
    }),
    ("threads", |tally, seed, part, parts| {
        threads(tally, 40, seed, part, parts);
    }),
    ("histories", |tally, seed, part, parts| {
        histories(tally, 400, seed, part, parts);
    }),
    ("rot", |tally, seed, part, parts| {
        rot(tally, 41, seed, part, parts);
    }),
];

/// The first of the bugs that are not in the log. Before it stand those that are.
const FIRST_OF_SERVER: Bug = Bug::TimersReset;

/// Seeds of a hunt in the simulator: a minute's worth at most.
const SEEDS_MAX: u64 = 2_000;

/// Hunts with the simulator; the words say after how many seeds it was found.
fn hunt_in_simulator(seed: u64, clock: &dyn Clock) -> Option<Found> {
    let summary = simulate::command::run_many(seed, SEEDS_MAX, 1, clock);
    let (_, what) = summary.violations.first()?;
    Some(Found {
        layer: "simulate",
        what: format!("{} seeds: {what}", summary.seeds),
        after: summary.took,
    })
}

/// Hunts one bug in this process, with the layers that need no other program.
#[must_use]
pub fn hunt(bug: Bug, seed: u64, clock: &dyn Clock) -> Option<Found> {
    select(Some(bug));
    let start = clock.monotonic();
    // A planted panic is a finding and needs no backtrace.
    std::panic::set_hook(Box::new(|_| ()));
    if bug >= FIRST_OF_SERVER
        && let Some(found) = hunt_in_simulator(seed, clock)
    {
        return Some(found);
    }
    for (layer, work) in LAYERS {
        let tally = Tally::for_hunt();
        in_parallel(&tally, clock, &|part, parts| {
            work(&tally, seed, part, parts);
        });
        if let Some(violation) = tally.violations().first() {
            let what = violation.lines().next().unwrap_or_default().to_owned();
            return Some(Found {
                layer,
                what,
                after: clock.monotonic() - start,
            });
        }
    }
    None
}

/// Runs the named tests with the bug, and tells which of them failed first.
///
/// # Errors
/// That the test program cannot be run.
pub fn hunt_with_scenarios(bug: Bug, scenarios: &str, clock: &dyn Clock) -> Result<Option<Found>> {
    let start = clock.monotonic();
    let mut child = Command::new(scenarios)
        .env(VARIABLE, bug.feature())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run {scenarios}"))?;
    let Some(stdout) = child.stdout.take() else {
        bail!("no output of {scenarios}")
    };
    for line in BufReader::new(stdout).lines() {
        let line = line.with_context(|| format!("cannot read the output of {scenarios}"))?;
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            let found = Found {
                layer: "scenarios",
                what: name.to_owned(),
                after: clock.monotonic() - start,
            };
            // The rest of the tests can add nothing.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(Some(found));
        }
    }
    child
        .wait()
        .with_context(|| format!("cannot wait for {scenarios}"))?;
    Ok(None)
}

/// Hunts all bugs, each in a child process, and prints a line for each.
///
/// # Errors
/// That a child cannot be run.
pub fn zoo(
    scenarios: Option<&str>,
    seed: u64,
    only: Option<&str>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let (mut found, mut missed) = (0, 0);
    writeln!(
        out,
        "{:<34} {:<10} {:>8}  how it shows",
        "planted bug", "found by", "after"
    )?;
    for bug in Bug::ALL
        .iter()
        .filter(|bug| only.is_none_or(|only| bug.feature() == only))
    {
        let output = Command::new(&program)
            .args(["hunt", bug.feature(), "--seed", &seed.to_string()])
            .stderr(Stdio::null())
            .output()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let mut parts = line.splitn(3, '\t').map(str::to_owned);
        let mut result = match (parts.next(), parts.next(), parts.next()) {
            (Some(layer), Some(after), Some(what)) => Some((layer, after, what)),
            // Neither found nor clean: it died of the bug.
            _ if line != "clean" => Some(("crash".to_owned(), String::new(), line)),
            _ => None,
        };
        if let (None, Some(scenarios)) = (&result, scenarios) {
            result = hunt_with_scenarios(*bug, scenarios, clock)?
                .map(|found| (found.layer.to_owned(), seconds(found.after), found.what));
        }
        let (layer, after, what) = match result {
            Some(result) => {
                found += 1;
                result
            }
            None => {
                missed += 1;
                (
                    "NOT FOUND".to_owned(),
                    String::new(),
                    bug.about().to_owned(),
                )
            }
        };
        let what: String = what.chars().take(110).collect();
        writeln!(out, "{:<34} {layer:<10} {after:>8}  {what}", bug.feature())?;
        out.flush()?;
    }
    writeln!(out, "planted bugs found: {found} of {}", found + missed)?;
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Seconds with two decimals.
#[must_use]
pub fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}
