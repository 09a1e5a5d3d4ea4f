//! The one table at the end: parts, each with its rows, from one or several programs.

use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::log::suites::Tally;

/// What the zoo found, if it was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZooResult {
    /// Bugs found.
    pub found: u64,
    /// Bugs planted.
    pub planted: u64,
}

/// What one layer came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The layer.
    pub title: String,
    /// Whether it found nothing.
    pub is_well: bool,
    /// Names and values.
    pub rows: Vec<(String, String)>,
}

/// The row of a layer that could not be run here.
const NOT_RUN: &str = "not run";

impl Part {
    /// A layer that could not be run here, and why.
    #[must_use]
    pub fn not_run(title: &str, why: &str) -> Self {
        Self {
            title: title.to_owned(),
            is_well: true,
            rows: vec![(NOT_RUN.to_owned(), why.to_owned())],
        }
    }

    /// What is said of it as a whole.
    fn verdict(&self) -> &'static str {
        let is_run = self.rows.iter().all(|(name, _)| name != NOT_RUN);
        match (is_run, self.is_well) {
            (false, _) => "NOT RUN",
            (true, true) => "",
            (true, false) => "NOT WELL",
        }
    }

    /// Prints its rows.
    ///
    /// # Errors
    /// That they cannot be written.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        for (name, value) in &self.rows {
            writeln!(out, "{name:<46} {value:>14}")?;
        }
        Ok(())
    }

    /// Leaves it in a file, for [`all`].
    ///
    /// # Errors
    /// That it cannot be written.
    #[expect(clippy::disallowed_methods, reason = "a real file")]
    pub fn leave(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Reads one that was left.
    ///
    /// # Errors
    /// That there is none: that layer did not come to its end.
    #[expect(clippy::disallowed_methods, reason = "a real file")]
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}; did that layer end?", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} is no part of a table", path.display()))
    }
}

/// Prints all parts as one table, and tells whether all is well.
///
/// # Errors
/// That it cannot be written.
pub fn all(out: &mut dyn Write, parts: &[Part]) -> io::Result<bool> {
    for part in parts {
        let verdict = part.verdict();
        writeln!(out, "\n{:<46} {verdict:>14}", part.title)?;
        part.print(out)?;
    }
    Ok(parts.iter().all(|part| part.is_well))
}

/// What the suites over the log came to; violations are printed at once.
///
/// # Errors
/// That the output cannot be written.
pub fn of_the_log(
    out: &mut dyn Write,
    tally: &Tally,
    zoo: Option<ZooResult>,
    seed: u64,
    took: Duration,
) -> io::Result<Part> {
    let violations = tally.violations();
    let lost = violations
        .iter()
        .filter(|text| text.contains("was acknowledged and is lost"))
        .count();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    for violation in &violations {
        writeln!(out, "VIOLATION {violation}")?;
    }
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("crash images checked", grouped(count(&tally.images)));
    row(
        "  of these, crashes during recovery",
        grouped(count(&tally.nested)),
    );
    row("bit flips classified", grouped(count(&tally.flips)));
    row(
        "pages zeroed or exchanged, files cut",
        grouped(count(&tally.mangled)),
    );
    row("random histories", grouped(count(&tally.histories)));
    row("runs of the writer thread", grouped(count(&tally.threads)));
    if let Some(zoo) = zoo {
        row(
            "planted bugs found",
            format!("{} of {}", zoo.found, zoo.planted),
        );
    }
    row("acknowledged records lost", lost.to_string());
    row("other violations", (violations.len() - lost).to_string());
    row("panics", count(&tally.panics).to_string());
    row("hangs", count(&tally.hangs).to_string());
    row("seed", seed.to_string());
    row("time", format!("{:.0} s", took.as_secs_f64()));
    let zoo_is_well = zoo.is_none_or(|zoo| zoo.found == zoo.planted && zoo.planted > 0);
    Ok(Part {
        title: "the log".to_owned(),
        is_well: violations.is_empty() && zoo_is_well,
        rows,
    })
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
