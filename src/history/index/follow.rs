//! Reading the log beside the one who writes it: for an index that fell behind, and for a copied log.

use std::io;
use std::sync::Arc;

use super::past::{add_alerts, add_record, label_set, of_facts};
use super::storage::Fault;
use super::store::{Addition, Index};
use crate::core::{Remembered, remembered};
use crate::history::{Entry, Facts, GroupFacts, GroupHash, Noted, Position, What, of_place};
use crate::model::Fingerprint;
use crate::record::{AlertBatchView, Record, group_hash};
use crate::sys::{Disk, WallTime};
use crate::wal::checkpoint::{CheckpointFile, read_checkpoint};
use crate::wal::scan::{Behind, Scanned, inspect};
use crate::wal::{Lsn, OpenError, RecordType, View};

/// Files come and go under a reader; so often it looks again.
const TRIES_MAX: u32 = 5;

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Followed {
    /// Records that the index took in.
    pub records: u64,
    /// Records that the log no longer has, or that cannot be read.
    pub missing: u64,
    /// Records of a kind that this program does not know.
    pub unknown: u64,
}

/// Why the log could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The index failed.
    #[error(transparent)]
    Index(#[from] Fault),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// Nobody wants it any more.
    #[error("it was stopped")]
    Stopped,
}

/// Adds a record to the index; whether its kind is known.
///
/// # Errors
/// That the index failed.
pub fn take(
    index: &Index,
    lsn: Lsn,
    record_type: RecordType,
    schema: u8,
    payload: &[u8],
) -> Result<bool, Fault> {
    if record_type.is_control() {
        index.add(lsn, None, Addition::default())?;
        return Ok(true);
    }
    if let Some(batch) = AlertBatchView::read(record_type, schema, payload) {
        add_alerts(index, lsn, &batch)?;
        return Ok(true);
    }
    match Record::decode(record_type, schema, payload) {
        Ok(record) => {
            let before = index.known_until().unwrap_or_default();
            add_record(index, lsn, &record, before)?;
            Ok(true)
        }
        Err(_) => {
            index.add(lsn, None, Addition::default())?;
            Ok(false)
        }
    }
}

/// Reads into the index what the log has and the index has not, up to that LSN. If the index begins in the
/// middle of the log's past, what the last checkpoint remembers comes first.
///
/// # Errors
/// That the index or the log failed, or that it was told to stop.
pub fn follow(
    disk: &Arc<dyn Disk>,
    index: &Index,
    to: Lsn,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Followed, FollowError> {
    let view = view(disk.as_ref())?;
    let from = index.applied().next();
    if from > to {
        return Ok(Followed::default());
    }
    let has_all = view
        .segments
        .first()
        .is_some_and(|first| first.first <= from);
    if !has_all {
        remember(disk.as_ref(), &view, index)?;
    }
    let mut reader = Reader {
        index,
        next: from,
        to,
        is_stopped,
        followed: Followed::default(),
        stop: None,
    };
    let scanned = inspect(
        &since(view, from),
        Behind::HandOn,
        &mut |record: &Scanned<'_>| {
            reader.record(record).map_err(|stop| {
                reader.stop = Some(stop);
                // Only ends the scan.
                OpenError::Io {
                    operation: "go on after",
                    path: record.segment.path.clone(),
                    source: io::ErrorKind::Interrupted.into(),
                }
            })
        },
    );
    match reader.stop.take() {
        Some(Stop::Enough) => {}
        Some(Stop::Failed(error)) => return Err(error),
        None => drop(scanned?),
    }
    let mut followed = reader.followed;
    if to != EVERYTHING && index.applied() < to {
        followed.missing += to.0 - index.applied().0;
        index.skip_to(to);
    }
    Ok(followed)
}

/// Up to the end of the log, wherever that is.
pub const EVERYTHING: Lsn = Lsn(u64::MAX);

fn view(disk: &dyn Disk) -> Result<View, OpenError> {
    let mut tries = 1;
    loop {
        match View::load(disk) {
            Err(OpenError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && tries < TRIES_MAX =>
            {
                tries += 1;
            }
            other => return other,
        }
    }
}

/// Without the segments that end before that record.
fn since(mut view: View, from: Lsn) -> View {
    let begun = view
        .segments
        .partition_point(|segment| segment.first <= from);
    view.segments.drain(..begun.saturating_sub(1));
    view
}

enum Stop {
    Enough,
    Failed(FollowError),
}

struct Reader<'a> {
    index: &'a Index,
    /// The LSN that comes next if nothing is missing.
    next: Lsn,
    to: Lsn,
    is_stopped: &'a dyn Fn() -> bool,
    followed: Followed,
    stop: Option<Stop>,
}

impl Reader<'_> {
    fn record(&mut self, record: &Scanned<'_>) -> Result<(), Stop> {
        let failed = |fault: Fault| Stop::Failed(fault.into());
        if record.lsn > self.to {
            return Err(Stop::Enough);
        }
        if record.lsn < self.next {
            return Ok(());
        }
        if (self.is_stopped)() {
            return Err(Stop::Failed(FollowError::Stopped));
        }
        if record.lsn > self.next {
            self.followed.missing += record.lsn.0 - self.next.0;
            self.index.skip_to(record.lsn.previous());
        }
        self.next = record.lsn.next();
        let (kind, schema) = (record.record_type, record.schema);
        let is_known = take(self.index, record.lsn, kind, schema, record.payload);
        self.followed.unknown += u64::from(!is_known.map_err(failed)?);
        self.followed.records += 1;
        Ok(())
    }
}

/// What the newest whole checkpoint remembers of alerts and groups from before the log.
fn remember(disk: &dyn Disk, view: &View, index: &Index) -> Result<(), FollowError> {
    let Some(checkpoint) = view.checkpoints.iter().find_map(CheckpointFile::whole) else {
        return Ok(());
    };
    let mut found = Vec::new();
    let read = read_checkpoint(
        disk,
        checkpoint.lsn,
        view.identity.id,
        &mut |kind, bytes| {
            found.extend(remembered(kind, bytes)?);
            Ok(())
        },
    );
    match read {
        Ok(Ok(_)) => {}
        // It went away or is damaged: the log has to do.
        Ok(Err(_)) | Err(OpenError::Io { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let mut tenant = String::new();
    let mut groups = Vec::new();
    for one in found {
        let mut facts = Facts::default();
        let at = match one {
            Remembered::Tenant { name } => {
                tenant = name;
                groups.clear();
                continue;
            }
            Remembered::Group { key, ordinal, at } => {
                let hash = GroupHash(group_hash(&key, ordinal));
                groups.push(hash);
                let (route, receiver) = (String::new(), String::new());
                facts.groups.push((
                    hash,
                    GroupFacts {
                        key,
                        ordinal,
                        route,
                        receiver,
                    },
                ));
                at
            }
            Remembered::Alert(alert) => {
                let labels = label_set(&alert.alert.labels);
                let fingerprint = labels.fingerprint();
                facts.alerts.push((fingerprint, labels));
                let places = alert.groups.iter();
                let of = places.filter_map(|place| groups.get(usize::try_from(*place).ok()?));
                facts.entries = entries_of(fingerprint, alert.at, alert.lsn, of.copied());
                alert.at
            }
        };
        index.remember(of_facts(&tenant, at, facts)?)?;
    }
    Ok(())
}

/// That an alert is in these groups.
fn entries_of(
    alert: Fingerprint,
    at: WallTime,
    lsn: Lsn,
    groups: impl Iterator<Item = GroupHash>,
) -> Vec<Noted> {
    let placed = (0..).zip(groups).map(|(place, group)| {
        let position = Position { at, lsn, place };
        let alert = alert.0;
        Noted {
            subjects: of_place(Fingerprint(alert)).to_vec(),
            entry: Entry::new(position, What::Placed { alert, group }),
        }
    });
    placed.collect()
}
