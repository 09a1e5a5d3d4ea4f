//! `tocsin-chaos simulate` and `tocsin-chaos replay SEED`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tocsin::sys::Clock;

use super::{Outcome, Simulator};
use crate::table::{Part, grouped};

/// Violations after which no more seeds are tried: they are of one cause, as a rule.
const VIOLATIONS_MAX: usize = 8;

const MS_PER_YEAR: f64 = 365.25 * 24.0 * 3_600_000.0;

/// What many runs came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Runs.
    pub seeds: u64,
    /// Everything that their outcomes count, added up.
    pub total: Outcome,
    /// Seeds, and what must not have happened.
    pub violations: Vec<(u64, String)>,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    fn add(&mut self, seed: u64, outcome: Outcome) {
        self.seeds += 1;
        let total = &mut self.total;
        total.events += outcome.events;
        total.ms += outcome.ms;
        total.kills += outcome.kills;
        total.lives += outcome.lives;
        total.acknowledged += outcome.acknowledged;
        total.messages += outcome.messages;
        total.duplicates += outcome.duplicates;
        self.violations
            .extend(outcome.violation.map(|what| (seed, what)));
    }

    /// Simulated time.
    #[must_use]
    pub fn years(&self) -> f64 {
        self.total.ms as f64 / MS_PER_YEAR
    }

    /// Its part of the table.
    #[must_use]
    pub fn part(&self) -> Part {
        let seconds = self.took.as_secs_f64().max(0.001);
        let total = &self.total;
        let per_kill = total.duplicates as f64 / (total.kills.max(1)) as f64;
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        row("simulated seeds", grouped(self.seeds));
        row(
            "  seeds per second",
            format!("{:.1}", self.seeds as f64 / seconds),
        );
        row("  simulated years", format!("{:.1}", self.years()));
        row(
            "  simulated months per second",
            format!("{:.1}", self.years() * 12.0 / seconds),
        );
        row("  events", grouped(total.events));
        row("  starts", grouped(total.lives));
        row("  kills", grouped(total.kills));
        row("  acknowledged changes", grouped(total.acknowledged));
        row("  messages", grouped(total.messages));
        row(
            "  duplicates, all with the same key",
            grouped(total.duplicates),
        );
        row("  duplicates per kill", format!("{per_kill:.3}"));
        row(
            "  lost, false all-clears, out of bound, other",
            self.violations.len().to_string(),
        );
        row("  time", format!("{seconds:.0} s"));
        Part {
            title: "the simulator".to_owned(),
            is_well: self.violations.is_empty(),
            rows,
        }
    }
}

/// Runs so many seeds on all cores. So many violations end it.
#[must_use]
pub fn run_many(first: u64, seeds: u64, violations_max: usize, clock: &dyn Clock) -> Summary {
    let began = clock.monotonic();
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let lock = || summary.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut simulator = Simulator::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= seeds || lock().violations.len() >= violations_max {
                        return;
                    }
                    let seed = first.wrapping_add(number);
                    let outcome = simulator.run(seed, false);
                    lock().add(seed, outcome);
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.violations.sort();
    summary.took = clock.monotonic().saturating_sub(began);
    summary
}

/// `tocsin-chaos simulate`.
///
/// # Errors
/// That something cannot be written.
pub fn simulate(
    first: u64,
    seeds: u64,
    failures: &Path,
    result: Option<&Path>,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let summary = run_many(first, seeds, VIOLATIONS_MAX, clock);
    for (seed, what) in &summary.violations {
        writeln!(out, "VIOLATION seed {seed}: {what}")?;
        writeln!(out, "    reproduce: tocsin-chaos replay {seed}")?;
    }
    if let Some((seed, _)) = summary.violations.first() {
        let dir = keep(*seed, &Simulator::default().run(*seed, true), failures)?;
        writeln!(out, "    what happened is in {}", dir.display())?;
    }
    let part = summary.part();
    part.print(out)?;
    if let Some(result) = result {
        part.leave(result)?;
    }
    Ok(match summary.violations.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// `tocsin-chaos replay SEED`: the same run again, with everything that happened in a folder.
///
/// # Errors
/// That something cannot be written.
pub fn replay(seed: u64, failures: &Path, out: &mut dyn Write) -> Result<ExitCode> {
    let mut simulator = Simulator::default();
    let outcome = simulator.run(seed, true);
    let again = simulator.run(seed, false);
    let dir = keep(seed, &outcome, failures)?;
    writeln!(
        out,
        "seed {seed}: {} events, hash {:016x}",
        outcome.events, outcome.hash
    )?;
    writeln!(out, "what happened is in {}", dir.display())?;
    if again.hash != outcome.hash {
        writeln!(
            out,
            "VIOLATION a second run of the seed gives {:016x}",
            again.hash
        )?;
        return Ok(ExitCode::FAILURE);
    }
    match &outcome.violation {
        Some(what) => {
            writeln!(out, "VIOLATION {what}")?;
            Ok(ExitCode::FAILURE)
        }
        None => {
            writeln!(out, "nothing found")?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes a run into a folder of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "what was found is kept on the real disk"
)]
fn keep(seed: u64, outcome: &Outcome, failures: &Path) -> Result<PathBuf> {
    let dir = failures.join(format!("seed-{seed}"));
    let failed = || format!("cannot write to {}", dir.display());
    std::fs::create_dir_all(&dir).with_context(failed)?;
    let verdict = outcome.violation.as_deref().unwrap_or("nothing found");
    let files = [
        ("seed", format!("{seed}\n")),
        ("setting.json", format!("{}\n", outcome.setting)),
        ("events.jsonl", joined(&outcome.lines)),
        ("verdict", format!("{verdict}\n")),
    ];
    for (name, contents) in files {
        std::fs::write(dir.join(name), contents).with_context(failed)?;
    }
    // The store as the process left it: for the log tools.
    for (path, bytes) in &outcome.disk.files {
        let path = dir.join("store").join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&dir)).with_context(failed)?;
        std::fs::write(path, bytes.as_slice()).with_context(failed)?;
    }
    Ok(dir)
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
