//! `tocsin wal check`: is the log sound, and if not, what exactly is lost?

use std::io::{self, Write};

use serde::Serialize;

use super::args::{Format, LookArgs};
use super::facts::{
    CheckpointFacts, DamageFacts, GivenUpFacts, SegmentFacts, StoreFacts, TornFacts, records,
};
use super::look::{self, Look};
use crate::cli::exit::Exit;
use crate::cli::table::write_pairs;
use crate::cli::{Context, Problem};
use crate::wal::Class;

/// Runs the command.
pub(super) fn run(args: &LookArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let look = look::look(context.world, args.data.root())?;
    let exit = Exit::of_class(look.report.class);
    let verdict = Verdict::of(&look, exit);
    match args.format {
        Format::Text => verdict.write(context.out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *context.out, &verdict).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(exit)
}

/// Everything that a check found.
#[derive(Debug, Serialize)]
struct Verdict {
    class: char,
    verdict: &'static str,
    exit_code: u8,
    damage: Vec<DamageFacts>,
    torn_tail: Option<TornFacts>,
    given_up: Vec<GivenUpFacts>,
    store: StoreFacts,
    /// Whether something was being written while this looked; that is no damage.
    in_flight: bool,
    scans: u32,
    next_lsn: u64,
    durable_lsn: u64,
    base_lsn: u64,
    oldest_needed_lsn: u64,
    records: u64,
    record_bytes: u64,
    ended_in_order: bool,
    last_sign_of_life: Option<String>,
    checkpoints: Vec<CheckpointFacts>,
    segments: Vec<SegmentFacts>,
    #[serde(skip)]
    way_out: Option<&'static str>,
}

impl Verdict {
    fn of(look: &Look, exit: Exit) -> Self {
        let report = &look.report;
        let disk = look.disk.as_ref();
        let lost = report
            .damage
            .iter()
            .map(|damage| DamageFacts::of(disk, damage));
        let given_up = report.given_up.iter().map(|(first, last)| GivenUpFacts {
            first_lsn: first.0,
            last_lsn: last.0,
        });
        let checkpoints = report
            .checkpoints
            .iter()
            .map(|checkpoint| CheckpointFacts::of(disk, checkpoint));
        Self {
            class: report.class.letter(),
            verdict: report.class.sentence(),
            exit_code: exit.code(),
            damage: lost.collect(),
            torn_tail: report.torn.as_ref().map(|torn| TornFacts::of(disk, torn)),
            given_up: given_up.collect(),
            store: StoreFacts::of(look),
            in_flight: look.is_moving,
            scans: look.scans,
            next_lsn: report.next.0,
            durable_lsn: report.durable.0,
            base_lsn: report.base.0,
            oldest_needed_lsn: report.oldest_needed().0,
            records: report.records,
            record_bytes: report.record_bytes,
            ended_in_order: report.ended_clean(),
            last_sign_of_life: report.last_alive.map(|wall| wall.to_string()),
            checkpoints: checkpoints.collect(),
            segments: SegmentFacts::all(look),
            way_out: way_out(report.class),
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}: the log is {}", self.class, self.verdict)?;
        for damage in &self.damage {
            let covered = if damage.covered_by_checkpoint {
                " (a checkpoint contains what they did)"
            } else {
                ""
            };
            writeln!(
                out,
                "  {} offset {}: {}; {} unreadable{covered}",
                damage.file,
                damage.offset,
                damage.cause,
                records(damage.first_lsn, damage.last_lsn),
            )?;
        }
        if let Some(torn) = &self.torn_tail {
            writeln!(
                out,
                "  {} offset {}: {}; {} bytes at record {} are dropped",
                torn.file, torn.offset, torn.cause, torn.bytes, torn.lsn
            )?;
        }
        for checkpoint in &self.checkpoints {
            if let Some(fault) = &checkpoint.fault {
                writeln!(out, "  {}: cannot be used: {fault}", checkpoint.file)?;
            }
        }
        for gap in &self.given_up {
            writeln!(
                out,
                "  {} given up by an earlier salvage",
                records(gap.first_lsn, Some(gap.last_lsn))
            )?;
        }
        write_pairs(out, &self.pairs())?;
        match self.way_out {
            Some(way_out) => writeln!(out, "{way_out}"),
            None => Ok(()),
        }
    }

    fn pairs(&self) -> Vec<(&'static str, String)> {
        let open = match (&self.store.held_by, self.in_flight) {
            (None, _) => "by nobody".to_owned(),
            (Some(holder), false) => format!("by {holder}"),
            (Some(holder), true) => format!("by {holder}; a batch was just being written"),
        };
        let checkpoints: Vec<String> = self
            .checkpoints
            .iter()
            .map(|checkpoint| match checkpoint.fault {
                None => format!("{} whole", checkpoint.lsn),
                Some(_) => format!("{} damaged", checkpoint.lsn),
            })
            .collect();
        let ended = if self.ended_in_order {
            "in order"
        } else {
            "without an orderly stop"
        };
        let mut pairs = vec![
            ("store", format!("{} ({})", self.store.path, self.store.id)),
            ("open", open),
            (
                "records",
                format!("{}, {} bytes", self.records, self.record_bytes),
            ),
            ("segments", self.segments.len().to_string()),
            ("next LSN", self.next_lsn.to_string()),
            (
                "durable LSN",
                format!("{} (proven by what the log says itself)", self.durable_lsn),
            ),
            (
                "checkpoints",
                if checkpoints.is_empty() {
                    "none".to_owned()
                } else {
                    checkpoints.join(", ")
                },
            ),
        ];
        if let Some(at) = &self.last_sign_of_life {
            pairs.push(("last sign of life", at.clone()));
        }
        // How a damaged log ended is not known: the last record may be among those that are lost.
        if self.store.held_by.is_none() && self.damage.is_empty() {
            pairs.push(("ended", ended.to_owned()));
        }
        pairs
    }
}

fn way_out(class: Class) -> Option<&'static str> {
    match class {
        Class::CleanEnd | Class::Sealed => None,
        Class::TornTail => Some(
            "Nothing to do: start the server. To look at the torn bytes first, copy the directory.",
        ),
        Class::Covered => {
            Some("Nothing to do: start the server. It moves the damaged files to quarantine/.")
        }
        Class::Damaged => Some(
            "The server will not start like this. Restore the files from a copy, or keep all that is readable: `tocsin wal repair salvage --dry-run` says what would be lost.",
        ),
    }
}
