//! The table of a campaign, and several of them side by side.

use std::io::{self, Write};

use crate::kill::Outcome;
use crate::table::Part;

/// A row: its name, and its value for one campaign.
type Row = (&'static str, fn(&Outcome) -> String);

const ROWS: &[Row] = &[
    ("kills (SIGKILL)", |it| it.counts.kills.to_string()),
    ("  during a start", |it| it.counts.starts_killed.to_string()),
    ("  at no particular moment", |it| {
        it.counts.kills_at_random.to_string()
    }),
    ("runs", |it| it.runs.to_string()),
    ("requests with alerts, acknowledged", |it| {
        it.counts.requests_acknowledged.to_string()
    }),
    ("  refused, or nobody listened", |it| {
        it.counts.requests_refused.to_string()
    }),
    ("  cut off", |it| it.counts.requests_unknown.to_string()),
    ("acknowledged transitions", |it| {
        it.counts.transitions.to_string()
    }),
    ("deliveries owed for them", |it| {
        it.counts.deliveries_owed.to_string()
    }),
    ("  lost", |it| it.counts.lost.to_string()),
    ("    though the sender repeats what it says", |it| {
        it.counts.lost_though_repeated.to_string()
    }),
    ("  out of bound", |it| it.counts.out_of_bound.to_string()),
    ("  the slowest, up and well (ms)", |it| {
        it.counts.slowest_ms.to_string()
    }),
    ("false all-clears", |it| {
        it.counts.false_all_clears.to_string()
    }),
    ("notifications received", |it| {
        it.counts.messages.to_string()
    }),
    ("  retries after a receiver's fault", |it| {
        it.counts.retries.to_string()
    }),
    ("  told anew, as a kill left a change in doubt", |it| {
        it.counts.told_anew.to_string()
    }),
    ("duplicates", |it| it.counts.duplicates.to_string()),
    ("  per kill", |it| {
        let kills = it.counts.kills.max(1);
        format!("{:.4}", it.counts.duplicates as f64 / kills as f64)
    }),
    ("  of a send under way at a kill", |it| {
        it.counts.duplicates_attributed.to_string()
    }),
    ("    at a kill at no particular moment", |it| {
        it.counts.duplicates_at_random.to_string()
    }),
    ("    per such kill", |it| {
        let kills = it.counts.kills_at_random.max(1);
        format!(
            "{:.4}",
            it.counts.duplicates_at_random as f64 / kills as f64
        )
    }),
    ("  with the same idempotency key", |it| {
        it.counts.duplicates_same_key.to_string()
    }),
    ("violations in all", |it| {
        it.violations.iter().map(|it| it.1).sum::<u64>().to_string()
    }),
    ("runs that could not be carried out", |it| {
        it.broken.len().to_string()
    }),
    ("runs again, as the machine stood still", |it| {
        it.again.to_string()
    }),
    ("time", |it| format!("{:.0} s", it.seconds)),
];

/// What a campaign came to, as a part of the table at the end.
#[must_use]
pub fn part(outcome: &Outcome) -> Part {
    let mut rows = vec![("target".to_owned(), name(outcome))];
    rows.extend(
        ROWS.iter()
            .map(|(name, value)| ((*name).to_owned(), value(outcome))),
    );
    for (invariant, count) in &outcome.violations {
        rows.push((format!("violations of {invariant:?}"), count.to_string()));
    }
    rows.push(("first seed".to_owned(), outcome.seed.to_string()));
    Part {
        title: "kills of the real process".to_owned(),
        is_well: outcome.is_well(),
        rows,
    }
}

/// Prints a campaign.
///
/// # Errors
/// That it cannot be written.
pub fn print(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    print_findings(out, outcome)?;
    part(outcome).print(out)
}

/// Prints what was violated, and what could not be carried out.
pub(crate) fn print_findings(out: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
    for example in &outcome.examples {
        writeln!(out, "VIOLATION {example}")?;
    }
    for broken in &outcome.broken {
        writeln!(out, "BROKEN {broken}")?;
    }
    writeln!(out)
}

/// Prints campaigns side by side, as Markdown.
///
/// # Errors
/// That it cannot be written.
pub fn side_by_side(out: &mut dyn Write, outcomes: &[Outcome]) -> io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, values: Vec<String>| {
        writeln!(out, "| {} | {} |", name.trim_end(), values.join(" | "))
    };
    line(out, "", outcomes.iter().map(name).collect())?;
    line(out, "---", vec!["---:".to_owned(); outcomes.len()])?;
    for &(name, value) in ROWS {
        let name = match name.trim_start() {
            inner if inner.len() < name.len() => format!("… {inner}"),
            _ => name.to_owned(),
        };
        line(out, &name, outcomes.iter().map(value).collect())?;
    }
    Ok(())
}

/// The program's name without its directory.
pub(crate) fn name(outcome: &Outcome) -> String {
    let parts = outcome.target.rsplit('/');
    parts.map(str::to_owned).next().unwrap_or_default()
}
