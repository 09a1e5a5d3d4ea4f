//! `tocsin wal repair`: the only command here that changes anything.

use std::io::{self, Write};
use std::path::Path;

use super::args::{Format, LookArgs, RepairArgs, RepairKind, RepairTargetArgs};
use super::facts::{records, shown};
use crate::cli::exit::{self, Exit};
use crate::cli::{Context, Problem};
use crate::sys::Disk;
use crate::wal::{
    LogOptions, LostRange, OpenError, RepairReport, layout, repair_tail, repair_tail_dry_run,
    salvage, salvage_dry_run,
};

/// Runs the command.
pub(super) fn run(args: &RepairArgs, context: &mut Context<'_>) -> Result<Exit, Problem> {
    let (RepairKind::Tail(target) | RepairKind::Salvage(target)) = &args.kind;
    let RepairTargetArgs {
        look: LookArgs { data, format },
        dry_run,
    } = target;
    let environment = context.world.environment(data.root());
    let disk = environment.disk.as_ref();
    refuse_if_held(disk)?;
    let options = LogOptions::default();
    let report = match (&args.kind, dry_run) {
        (RepairKind::Tail(_), false) => repair_tail(&environment, &options),
        (RepairKind::Tail(_), true) => repair_tail_dry_run(disk),
        (RepairKind::Salvage(_), false) => salvage(&environment, &options),
        (RepairKind::Salvage(_), true) => salvage_dry_run(disk),
    }
    .map_err(|error| match error {
        OpenError::Damaged(report) => Problem::Damaged {
            path: disk.display(layout::root_dir()),
            places: report.uncovered().count(),
        },
        error => error.into(),
    })?;
    match format {
        Format::Text => write(&report, *dry_run, disk, context.out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut *context.out, &report).map_err(io::Error::from)?;
            writeln!(context.out)?;
        }
    }
    Ok(exit::SOUND)
}

/// A held store is refused before its files are looked at: what is in flight there is no damage. The
/// repair itself takes the lock; this also stands before a dry run, which does not.
fn refuse_if_held(disk: &dyn Disk) -> Result<(), OpenError> {
    let path = layout::lock_path();
    let holder = disk.lock_holder(path).map_err(|source| OpenError::Io {
        operation: "look at the lock",
        path: disk.display(path),
        source,
    })?;
    match holder {
        None => Ok(()),
        Some(held) => Err(OpenError::InUse {
            path: disk.display(layout::root_dir()),
            holder: held.contents.trim().to_owned(),
        }),
    }
}

fn write(
    report: &RepairReport,
    is_dry: bool,
    disk: &dyn Disk,
    out: &mut dyn Write,
) -> io::Result<()> {
    let has_work = if is_dry {
        report.kind == "tail" && report.dropped_tail_bytes > 0
            || report.kind == "salvage" && (!report.removed.is_empty() || report.identity_rebuilt)
    } else {
        report.changed
    };
    let class = report.class_before;
    writeln!(
        out,
        "{}: {} (class {class} before)",
        report.kind,
        match (has_work, is_dry) {
            (false, _) => "there is nothing to repair, nothing was changed",
            (true, true) => "this would be done; nothing was changed",
            (true, false) => "done",
        }
    )?;
    writeln!(out, "  records kept: {}", report.kept_records)?;
    for lost in &report.lost {
        writeln!(out, "  {}", lost_line(lost, disk))?;
    }
    if report.dropped_tail_bytes > 0 && has_work {
        writeln!(
            out,
            "  bytes of the torn tail dropped: {}",
            report.dropped_tail_bytes
        )?;
    }
    if report.identity_rebuilt {
        writeln!(out, "  STORE made anew from the segments")?;
    }
    for path in &report.quarantined {
        writeln!(out, "  copied to quarantine: {path}")?;
    }
    if let Some(path) = &report.new_segment {
        writeln!(out, "  written: {path}")?;
    }
    for path in &report.removed {
        writeln!(out, "  removed: {path}")?;
    }
    if let Some(path) = &report.report_file {
        writeln!(out, "  report: {path}")?;
    }
    Ok(())
}

fn lost_line(lost: &LostRange, disk: &dyn Disk) -> String {
    let covered = if lost.covered_by_checkpoint {
        " (a checkpoint contains what they did)"
    } else {
        ""
    };
    format!(
        "lost: {}{covered}: {} offset {}: {}",
        records(lost.first_lsn, lost.last_lsn),
        shown(disk, Path::new(&lost.file)),
        lost.offset,
        lost.cause
    )
}
