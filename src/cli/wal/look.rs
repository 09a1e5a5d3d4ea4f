//! Looking at a store that may be in use.
//!
//! A store that nobody has open stands still: one scan is the truth. A live one moves under the
//! reader, in three ways, none of which is damage:
//!
//! * *A batch is being written.* The scan meets its place before the bytes and looks further on after
//!   them: a hole with sound records behind it, some of which even prove that the hole was durable.
//! * *Files come and go.* A segment or checkpoint is in the list and gone when it is opened, or came
//!   after the list was made: a gap that is none.
//! * *A process starts*, and replaces the last segment by a copy.
//!
//! What the three have in common: they are over when the scan is. By then the bytes of the hole are
//! readable (whatever was proven durable had been written before), the files are all gone or all
//! there. So a second scan, begun after the first has ended, can meet such a thing again, but not *the
//! same* one:
//!
//! **Invariant:** on a live store only what two scans in a row found at the same place is reported. A
//! sound verdict needs no second scan.
//!
//! Whether a store stands still is told by its lock, asked for before and after its files were opened:
//! free both times and with the same contents (each start writes its own) means that nobody had it
//! open in between. What is opened stays readable, whatever happens to the names.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::progress::Progress;
use crate::cli::{Problem, World};
use crate::sys::{Access, Disk, Held};
use crate::wal::scan::{Behind, Scanned, Visitor, inspect};
use crate::wal::{Class, Damage, Lsn, OpenError, ScanReport, TornTail, View, layout};

/// Scans of a live store until the best verdict that repeats is taken.
const SCANS_MAX: u32 = 5;

/// A longer lock file is not ours.
const LOCK_BYTES_MAX: usize = 4096;

/// What a look at a store showed.
#[derive(Debug)]
pub(super) struct Look {
    /// The data directory.
    pub(super) disk: Arc<dyn Disk>,
    /// Its files, as they were opened.
    pub(super) view: View,
    /// What is in them.
    pub(super) report: ScanReport,
    /// Who has the store open, if anybody.
    pub(super) holder: Option<Held>,
    /// How often the log was read.
    pub(super) scans: u32,
    /// Whether something was being written just then.
    pub(super) is_moving: bool,
}

/// Files opened, and whether they stand still.
struct Opened {
    view: View,
    holder: Option<Held>,
    stands_still: bool,
}

/// Looks at the store in `root`.
pub(super) fn look(world: &World, root: &Path) -> Result<Look, Problem> {
    let disk = (world.open_disk)(root);
    let first = open(disk.as_ref());
    settle(world, disk, first)
}

/// Looks at the store in `root`, and hands every sound record to `visitor`, once, in LSN order. On a
/// live store these are the records that were there when the look began.
pub(super) fn visit(
    world: &World,
    root: &Path,
    shows_progress: bool,
    visitor: &mut dyn Visitor,
) -> Result<Look, Problem> {
    let disk = (world.open_disk)(root);
    let first = match open(disk.as_ref()) {
        Ok(Opened {
            view,
            holder,
            stands_still: true,
        }) => {
            let report = read(world, &view, shows_progress, visitor)?;
            return Ok(Look {
                disk,
                view,
                report,
                holder,
                scans: 1,
                is_moving: false,
            });
        }
        other => other,
    };
    let look = settle(world, disk, first)?;
    let mut bounded = Bounded {
        below: look.report.next,
        visitor,
    };
    // The same open files again: all that is below the bound is in them by now.
    read(world, &look.view, shows_progress, &mut bounded)?;
    Ok(look)
}

/// Opens the files of the store in `root`, without reading the log.
pub(super) fn files(world: &World, root: &Path) -> Result<(Arc<dyn Disk>, View), Problem> {
    let disk = (world.open_disk)(root);
    let mut tries = 1;
    loop {
        match open(disk.as_ref()) {
            Ok(opened) => return Ok((disk, opened.view)),
            Err(problem) if tries == SCANS_MAX || !is_transient(disk.as_ref(), &problem) => {
                return Err(problem);
            }
            Err(_) => tries += 1,
        }
    }
}

/// Scans a live store until it is sound, or the same thing was found twice in a row.
fn settle(
    world: &World,
    disk: Arc<dyn Disk>,
    first: Result<Opened, Problem>,
) -> Result<Look, Problem> {
    let mut opened = first;
    let mut before: Option<ScanReport> = None;
    let mut scans = 0;
    loop {
        scans += 1;
        let is_last = scans == SCANS_MAX;
        match opened {
            Ok(Opened {
                view,
                holder,
                stands_still,
            }) => {
                let found = read(world, &view, true, &mut |_: &Scanned<'_>| Ok(()))?;
                let report = if stands_still {
                    found.clone()
                } else {
                    confirmed(&found, before.as_ref())
                };
                let is_settled =
                    stands_still || found.class <= Class::Sealed || !report.damage.is_empty();
                if is_settled || is_last {
                    let is_moving = !stands_still && report.class < found.class;
                    return Ok(Look {
                        disk,
                        view,
                        report,
                        holder,
                        scans,
                        is_moving,
                    });
                }
                before = Some(found);
            }
            Err(problem) if is_last || !is_transient(disk.as_ref(), &problem) => {
                return Err(problem);
            }
            Err(_) => {}
        }
        opened = open(disk.as_ref());
    }
}

fn open(disk: &dyn Disk) -> Result<Opened, Problem> {
    let dir = layout::root_dir();
    disk.list(dir)
        .map_err(|source| failed("open the data directory", &disk.display(dir), source))?;
    let before = occupancy(disk)?;
    let view = View::load(disk);
    let after = occupancy(disk)?;
    let holder = after.0.clone();
    let view = view.map_err(|error| match (&holder, error) {
        // A store gets its identity last.
        (Some(held), OpenError::NotAStore { .. } | OpenError::IdentityMissing { .. }) => {
            Problem::BeingMade {
                path: disk.display(dir),
                holder: held.contents.trim().to_owned(),
            }
        }
        (_, error) => Problem::Store(error),
    })?;
    Ok(Opened {
        view,
        stands_still: holder.is_none() && before == after,
        holder,
    })
}

/// Who holds the lock, and what the last one who took it wrote into it.
fn occupancy(disk: &dyn Disk) -> Result<(Option<Held>, Vec<u8>), OpenError> {
    let path = layout::lock_path();
    let at = |operation| move |source| failed(operation, &disk.display(path), source);
    let holder = disk.lock_holder(path).map_err(at("look at the lock"))?;
    let mut contents = vec![0; LOCK_BYTES_MAX];
    let read = match disk.open(path, Access::Read) {
        Ok(file) => file.read(0, &mut contents).map_err(at("read"))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(at("open")(error)),
    };
    contents.truncate(read);
    Ok((holder, contents))
}

fn failed(operation: &'static str, path: &Path, source: io::Error) -> OpenError {
    OpenError::Io {
        operation,
        path: path.to_path_buf(),
        source,
    }
}

/// Whether the problem may come from files that a running process has just removed or not yet made.
/// That the data directory itself is missing is no such thing.
fn is_transient(disk: &dyn Disk, problem: &Problem) -> bool {
    match problem {
        Problem::BeingMade { .. } => true,
        Problem::Store(OpenError::Io { path, source, .. }) => {
            source.kind() == io::ErrorKind::NotFound && *path != disk.display(layout::root_dir())
        }
        _ => false,
    }
}

fn read(
    world: &World,
    view: &View,
    shows_progress: bool,
    visitor: &mut dyn Visitor,
) -> Result<ScanReport, OpenError> {
    let mut watched = Watched {
        progress: Progress::new(world, shows_progress, view.segment_bytes()),
        visitor,
    };
    inspect(view, Behind::HandOn, &mut watched)
}

/// What of `found` was found at the same place by the scan before.
fn confirmed(found: &ScanReport, before: Option<&ScanReport>) -> ScanReport {
    let mut report = found.clone();
    let place = |damage: &Damage| {
        (
            damage.path.clone(),
            damage.offset,
            damage.first,
            damage.cause,
        )
    };
    report.damage.retain(|damage| {
        before.is_some_and(|before| before.damage.iter().any(|old| place(old) == place(damage)))
    });
    let tail = |torn: &TornTail| (torn.path.clone(), torn.offset, torn.lsn);
    report.torn = report.torn.filter(|torn| {
        let old = before.and_then(|before| before.torn.as_ref());
        old.is_some_and(|old| tail(old) == tail(torn))
    });
    for segment in &mut report.segments {
        segment.is_damaged &= report
            .damage
            .iter()
            .any(|damage| damage.path == segment.path);
    }
    report.class = class_of(&report);
    report
}

/// The verdict that follows from the findings.
fn class_of(report: &ScanReport) -> Class {
    let closed = report
        .segments
        .split_last()
        .map_or(&[][..], |(_, rest)| rest);
    let damage = report.damage.iter().map(|damage| {
        if damage.is_covered {
            Class::Covered
        } else {
            Class::Damaged
        }
    });
    let torn = report.torn.as_ref().map(|_| Class::TornTail);
    let sealed = closed
        .iter()
        .any(|segment| segment.leftover_bytes > 0)
        .then_some(Class::Sealed);
    damage
        .chain(torn)
        .chain(sealed)
        .max()
        .unwrap_or(Class::CleanEnd)
}

/// Hands on the records below an LSN.
struct Bounded<'a> {
    below: Lsn,
    visitor: &'a mut dyn Visitor,
}

impl Visitor for Bounded<'_> {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError> {
        if record.lsn < self.below {
            self.visitor.record(record)
        } else {
            Ok(())
        }
    }
}

/// Shows how far a scan is.
struct Watched<'a> {
    progress: Progress,
    visitor: &'a mut dyn Visitor,
}

impl Visitor for Watched<'_> {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), OpenError> {
        self.visitor.record(record)
    }

    fn progress(&mut self, bytes: u64) {
        self.progress.add(bytes);
        self.visitor.progress(bytes);
    }
}

#[cfg(test)]
#[path = "look_tests.rs"]
mod tests;
