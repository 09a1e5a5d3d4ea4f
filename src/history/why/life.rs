//! What is known of an alert up to a time: when it was received, and which groups it was in.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::{LINES_MAX, SCANNED_MAX};
use crate::history::entry::{Entry, GroupHash, Subject, What};
use crate::history::timeline::{Order, Span, Timeline, TimelineError};
use crate::model::Fingerprint;
use crate::record::Lsn;
use crate::sys::WallTime;

/// The life of an alert up to the time asked.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// When it was received last in full, and by which record.
    pub(super) received: Option<(WallTime, Lsn)>,
    /// When it was received last at all.
    pub(super) seen_at: Option<WallTime>,
    /// When it began, as the sender said last.
    pub(super) starts_at: Option<WallTime>,
    /// When it ended or would end, by what was known then.
    pub(super) ends_at: Option<WallTime>,
    /// The groups, the one that it came to last first.
    pub(super) places: Vec<Place>,
    /// The key of a group that it did not come to, and when.
    pub(super) limited: Option<(WallTime, String)>,
    /// Everything that was seen, the newest first.
    pub(super) entries: Vec<Entry>,
}

/// A group that an alert is in, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: GroupHash,
    /// When it came there; `None` if that was before history begins.
    pub(super) since: Option<WallTime>,
    /// When it left.
    pub(super) left_at: Option<WallTime>,
}

impl Life {
    pub(super) fn read(
        timeline: &dyn Timeline,
        alert: Fingerprint,
        at: WallTime,
    ) -> Result<Self, TimelineError> {
        let mut life = Self::default();
        let mut places: BTreeMap<GroupHash, Place> = BTreeMap::new();
        let mut order: Vec<GroupHash> = Vec::new();
        // Those whose stay began after what is older.
        let mut begun: BTreeSet<GroupHash> = BTreeSet::new();
        let mut placed = |entry: Entry| {
            match &entry.what {
                // It may be said again: after a start with another configuration.
                What::Placed { group, .. } if !begun.contains(group) => {
                    let place = places.entry(*group).or_insert_with(|| {
                        order.push(*group);
                        Place {
                            group: *group,
                            since: None,
                            left_at: None,
                        }
                    });
                    place.since = Some(entry.position.at);
                }
                What::Forgotten { group, .. } => {
                    if places.contains_key(group) {
                        begun.insert(*group);
                    }
                    places.entry(*group).or_insert_with(|| {
                        order.push(*group);
                        Place {
                            group: *group,
                            since: None,
                            left_at: Some(entry.position.at),
                        }
                    });
                }
                _ => {}
            }
            life.take(&entry, at);
            life.entries.push(entry);
            enough(life.entries.len() >= SCANNED_MAX)
        };
        let up_to = |subject, visit: &mut dyn FnMut(Entry) -> ControlFlow<()>| {
            timeline.scan(&subject, Span::up_to(at), Order::NewestFirst, visit)
        };
        up_to(Subject::Places(alert), &mut placed)?;
        let mut lines = 0;
        up_to(Subject::Alert(alert), &mut |entry| {
            life.take(&entry, at);
            life.entries.push(entry);
            lines += 1;
            enough(lines >= LINES_MAX)
        })?;
        if life.received.is_none() {
            up_to(Subject::Receipts(alert), &mut |entry| {
                life.take(&entry, at);
                life.entries.push(entry);
                enough(true)
            })?;
        }
        life.entries
            .sort_by_key(|entry| std::cmp::Reverse(entry.position));
        life.entries.dedup_by_key(|entry| entry.position);
        life.places = order
            .iter()
            .filter_map(|group| places.get(group).copied())
            .collect();
        Ok(life)
    }

    /// From the newest entry to the oldest: what is known already is newer.
    fn take(&mut self, entry: &Entry, at: WallTime) {
        let seen_at = entry.until.min(at);
        match &entry.what {
            What::Received {
                starts_at, ends_at, ..
            } => {
                self.seen_at.get_or_insert(seen_at);
                self.starts_at.get_or_insert(*starts_at);
                self.ends_at.get_or_insert(*ends_at);
                self.received
                    .get_or_insert((entry.position.at, entry.position.lsn));
            }
            What::Touched { ends_at, .. } => {
                self.seen_at.get_or_insert(seen_at);
                self.ends_at.get_or_insert(*ends_at);
            }
            What::EndMoved { ends_at, .. } => {
                self.ends_at.get_or_insert(*ends_at);
            }
            What::Limited { key, .. } => {
                self.limited
                    .get_or_insert_with(|| (entry.position.at, key.clone()));
            }
            _ => {}
        }
    }

    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        !self.entries.is_empty()
    }

    /// When it came, if history knows its beginning: the first that it knows is that it was received in
    /// full.
    pub(super) fn came_at(&self) -> Option<WallTime> {
        let is_all = self.entries.len() < LINES_MAX;
        let first = self.entries.last().filter(|_| is_all)?;
        matches!(first.what, What::Received { .. }).then_some(first.position.at)
    }

    /// When it ended, if it had by then.
    pub(super) fn ended_by(&self, at: WallTime) -> Option<WallTime> {
        self.ends_at.filter(|ends_at| *ends_at <= at)
    }
}

pub(super) fn enough(is_enough: bool) -> ControlFlow<()> {
    match is_enough {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    }
}

/// When an alert was received first after a time.
pub(super) fn received_after(
    timeline: &dyn Timeline,
    alert: Fingerprint,
    at: WallTime,
) -> Result<Option<WallTime>, TimelineError> {
    let mut found = None;
    let span = Span::between(WallTime(at.0.saturating_add(1)), WallTime(i64::MAX));
    let subject = Subject::Alert(alert);
    timeline.scan(&subject, span, Order::OldestFirst, &mut |entry| {
        found = Some(entry.position.at);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// Records of senders that are looked at for one request: they are written within a second or so.
const SENDERS_LOOKED_AT_MAX: usize = 16;

/// Records of one request, at most about.
const REQUEST_RECORDS_MAX: u64 = 64;

/// Who sent what a record says.
pub(super) fn sender_of(
    timeline: &dyn Timeline,
    at: WallTime,
    lsn: Lsn,
) -> Result<Option<String>, TimelineError> {
    let mut found = None;
    let mut looked_at = 0;
    let span = Span::between(at, WallTime(i64::MAX));
    let mut visit = |entry: Entry| {
        looked_at += 1;
        if let What::Senders { senders, requests } = entry.what {
            let before = requests.iter().rev().find(|(first, _)| *first <= lsn.0);
            found = before
                .filter(|(first, _)| lsn.0 - first < REQUEST_RECORDS_MAX)
                .and_then(|(_, sender)| senders.get(*sender as usize).cloned());
        }
        match found.is_some() || looked_at >= SENDERS_LOOKED_AT_MAX {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    timeline.scan(&Subject::Senders, span, Order::OldestFirst, &mut visit)?;
    Ok(found)
}
