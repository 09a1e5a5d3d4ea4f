//! The one table at the end.

use std::io::{self, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::log::suites::Tally;

/// What the zoo found, if it was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZooResult {
    /// Bugs found.
    pub found: u64,
    /// Bugs planted.
    pub planted: u64,
}

/// Prints the table and tells whether all is well.
///
/// # Errors
/// That the output cannot be written.
pub fn print(
    out: &mut dyn Write,
    tally: &Tally,
    zoo: Option<ZooResult>,
    seed: u64,
    took: Duration,
) -> io::Result<bool> {
    let violations = tally.violations();
    let lost = violations
        .iter()
        .filter(|text| text.contains("was acknowledged and is lost"))
        .count();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    for violation in &violations {
        writeln!(out, "VIOLATION {violation}")?;
    }
    writeln!(out)?;
    let mut row = |name: &str, value: String| writeln!(out, "{name:<44} {value:>14}");
    row("crash images checked", grouped(count(&tally.images)))?;
    row(
        "  of these, crashes during recovery",
        grouped(count(&tally.nested)),
    )?;
    row("bit flips classified", grouped(count(&tally.flips)))?;
    row(
        "pages zeroed or exchanged, files cut",
        grouped(count(&tally.mangled)),
    )?;
    row("random histories", grouped(count(&tally.histories)))?;
    row("runs of the writer thread", grouped(count(&tally.threads)))?;
    if let Some(zoo) = zoo {
        row(
            "planted bugs found",
            format!("{} of {}", zoo.found, zoo.planted),
        )?;
    }
    row("acknowledged records lost", lost.to_string())?;
    row("other violations", (violations.len() - lost).to_string())?;
    row("panics", count(&tally.panics).to_string())?;
    row("hangs", count(&tally.hangs).to_string())?;
    row("seed", seed.to_string())?;
    row("time", format!("{:.0} s", took.as_secs_f64()))?;
    let zoo_is_well = zoo.is_none_or(|zoo| zoo.found == zoo.planted && zoo.planted > 0);
    Ok(violations.is_empty() && zoo_is_well)
}

/// A number with a comma at every third digit.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
