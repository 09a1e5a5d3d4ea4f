//! What a run came to, as a table.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use super::Dropped;
use super::ledger::{Faults, Judged};
use super::nemesis::Moment;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The kills.
    pub kills: Vec<Moment>,
    /// How long there was no server, in all.
    pub down: Duration,
    /// How long it all took.
    pub took: Duration,
    /// What Prometheus lost.
    pub dropped: Dropped,
    /// The log of the server.
    pub log: PathBuf,
    /// The comparison.
    pub judged: Judged,
}

impl Report {
    /// Whether all claims hold.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.judged.faults == Faults::default()
            && self.dropped.counted == self.dropped.refused
            && self.judged.changes_told > 0
    }

    /// Prints it.
    ///
    /// # Errors
    /// That it cannot be written.
    pub fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let judged = &self.judged;
        let faults = &judged.faults;
        let lists = [
            ("MISSING", &faults.missing),
            ("FALSE END", &faults.false_ends),
            ("TOLD AGAIN", &faults.told_again),
            ("KEY USED TWICE", &faults.keys_used_twice),
            ("REFUSED WHILE UP", &faults.refused_while_up),
        ];
        writeln!(out)?;
        for (what, list) in lists {
            for fault in list {
                writeln!(out, "{what} {fault}")?;
            }
        }
        let mut moments: BTreeMap<Moment, usize> = BTreeMap::new();
        for moment in &self.kills {
            *moments.entry(*moment).or_default() += 1;
        }
        let mut row = |name: &str, value: String| writeln!(out, "{name:<60} {value:>8}");
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        row("kills (SIGKILL)", self.kills.len().to_string())?;
        for (moment, count) in moments {
            row(&format!("  {moment}"), count.to_string())?;
        }
        row("time without a server", seconds(self.down))?;
        row(
            "requests of Prometheus answered with 200",
            judged.acknowledged.to_string(),
        )?;
        row("  alerts in them", judged.alerts_acknowledged.to_string())?;
        row(
            "requests refused while the server was down",
            judged.refused.to_string(),
        )?;
        row(
            "requests that were cut off by a kill",
            judged.unknown.to_string(),
        )?;
        row(
            "requests refused or cut off while the server was up",
            faults.refused_while_up.len().to_string(),
        )?;
        row(
            "alerts in requests that were not acknowledged",
            self.dropped.refused.to_string(),
        )?;
        row(
            "  prometheus_notifications_dropped_total",
            self.dropped.counted.to_string(),
        )?;
        row("changes acknowledged", judged.changes.to_string())?;
        row("  told", judged.changes_told.to_string())?;
        row(
            "  over again too soon to be told",
            judged.changes_too_short.to_string(),
        )?;
        row("  missing", faults.missing.len().to_string())?;
        row("notifications", judged.tellings.to_string())?;
        row(
            "  repeated, with the same Idempotency-Key",
            judged.repeated.to_string(),
        )?;
        row(
            "  told again, with another key",
            faults.told_again.len().to_string(),
        )?;
        row(
            "  ends that nobody sent",
            faults.false_ends.len().to_string(),
        )?;
        row("time", seconds(self.took))
    }
}
