//! The table of a campaign on a lying disk.

use std::io::{self, Write};

use super::{Missing, Outcome};
use crate::report;
use crate::table::{Part, grouped};

/// The title of its part of the table.
const TITLE: &str = "losses of power";

/// Its part of the table at the end.
#[must_use]
pub fn part(outcome: &Outcome) -> Part {
    let (disk, counts) = (&outcome.disk, &outcome.run.counts);
    let (toll, run) = (&disk.toll, &outcome.run);
    let per_loss = counts.duplicates as f64 / disk.losses.max(1) as f64;
    let violations: u64 = run.violations.iter().map(|it| it.1).sum();
    let mut rows: Vec<(String, String)> = [
        ("target", report::name(run)),
        ("losses of power", grouped(disk.losses)),
        ("  during a start", grouped(counts.starts_killed)),
        ("  pieces of data not synced at one", grouped(toll.unsynced)),
        ("    of these, lost", grouped(toll.lost - toll.torn)),
        ("    of these, torn", grouped(toll.torn)),
        ("  names not synced at one", grouped(toll.names)),
        ("    of these, lost", grouped(toll.names_lost)),
        (
            "lives with a write or sync that got EIO",
            grouped(disk.errors),
        ),
        ("times that the disk was full", grouped(disk.full)),
        ("lives with a slow disk", grouped(disk.slow)),
        ("writes", grouped(disk.calls[0])),
        ("syncs of files", grouped(disk.calls[1])),
        ("syncs of directories", grouped(disk.calls[2])),
        ("runs", grouped(run.runs)),
        ("acknowledged transitions", grouped(counts.transitions)),
        ("deliveries owed for them", grouped(counts.deliveries_owed)),
        ("  lost", grouped(counts.lost)),
        ("  out of bound", grouped(counts.out_of_bound)),
        ("false all-clears", grouped(counts.false_all_clears)),
        ("duplicates", grouped(counts.duplicates)),
        ("  per loss", format!("{per_loss:.3}")),
        (
            "  of a send under way at one",
            grouped(counts.duplicates_attributed),
        ),
        (
            "  with the same idempotency key",
            grouped(counts.duplicates_same_key),
        ),
        ("violations in all", grouped(violations)),
        (
            "runs that could not be carried out",
            grouped(run.broken.len() as u64),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    for (invariant, count) in &run.violations {
        rows.push((format!("violations of {invariant:?}"), count.to_string()));
    }
    rows.push(("first seed".to_owned(), run.seed.to_string()));
    rows.push(("time".to_owned(), format!("{:.0} s", run.seconds)));
    Part {
        title: TITLE.to_owned(),
        is_well: run.is_well(),
        rows,
    }
}

/// The part of a layer that could not be run here.
#[must_use]
pub fn not_run(missing: &Missing) -> Part {
    Part::not_run(TITLE, &missing.to_string())
}

/// Prints a campaign.
///
/// # Errors
/// That it cannot be written.
pub fn print(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    report::print_findings(out, &outcome.run)?;
    part(outcome).print(out)
}
