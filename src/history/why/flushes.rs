//! What a group did: its last flush that says something of an alert, and its notifications.

use super::answer::ShownAlert;
use super::life::{Place, enough};
use super::{LINES_MAX, SCANNED_MAX};
use crate::core::notification_hash;
use crate::history::entry::{Entry, Flush, GroupHash, Integration, Subject, Told, What};
use crate::history::read::GroupFacts;
use crate::history::timeline::{Order, Span, Timeline, TimelineError};
use crate::record::{FlushOccasion, ToldVerdict, group_hash};
use crate::sys::WallTime;

/// What is known of a group up to the time asked.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) place: Place,
    pub(super) facts: Option<GroupFacts>,
    /// The last flush since the alert is there, if there was one.
    pub(super) flush: Option<Flushed>,
    /// When it is due first, if it is new.
    pub(super) first_due: Option<WallTime>,
    /// When it was due next after its last flush, whether or not that says something of the alert.
    pub(super) next_due: Option<WallTime>,
    /// Everything that was seen, the newest first.
    pub(super) entries: Vec<Entry>,
    receiver: Option<String>,
    route: Option<String>,
}

/// A flush, or the same again and again.
#[derive(Debug, Clone)]
pub(super) struct Flushed {
    pub(super) from: WallTime,
    /// The last time, at most the time asked.
    pub(super) at: WallTime,
    /// The last time of all that is known.
    pub(super) until: WallTime,
    pub(super) times: u32,
    pub(super) flush: Flush,
}

impl Flushed {
    fn new(entry: &Entry, flush: &Flush, at: WallTime) -> Self {
        Self {
            from: entry.position.at,
            at: entry.until.min(at),
            until: entry.until,
            times: entry.times,
            flush: flush.clone(),
        }
    }
}

impl Past {
    pub(super) fn read(
        timeline: &dyn Timeline,
        place: Place,
        alert: &ShownAlert,
        at: WallTime,
    ) -> Result<Self, TimelineError> {
        let hash = notification_hash(&alert.labels);
        let facts = timeline.group(place.group)?;
        let mut past = Self {
            place,
            flush: None,
            first_due: None,
            next_due: None,
            entries: Vec::new(),
            receiver: None,
            route: None,
            facts,
        };
        for group in past.subjects() {
            past.scan(timeline, group, (alert.fingerprint.0, hash), at)?;
        }
        past.entries
            .sort_by_key(|entry| std::cmp::Reverse(entry.position));
        past.entries.dedup_by_key(|entry| entry.position);
        Ok(past)
    }

    /// The group, and the first of those with its key, under which notifications are.
    fn subjects(&self) -> Vec<GroupHash> {
        let mut subjects = vec![self.place.group];
        if let Some(facts) = &self.facts {
            let first = GroupHash(group_hash(&facts.key, 0));
            if first != self.place.group {
                subjects.push(first);
            }
        }
        subjects
    }

    fn scan(
        &mut self,
        timeline: &dyn Timeline,
        group: GroupHash,
        (alert, hash): (u64, u64),
        at: WallTime,
    ) -> Result<(), TimelineError> {
        let is_own = group == self.place.group;
        let mut scanned = 0;
        // Whether the last entry is from before the alert came.
        let (mut has_told, mut is_past) = (false, false);
        let mut visit = |entry: Entry| {
            scanned += 1;
            has_told |= entry.what.is_about(hash);
            let is_before = self.place.since.is_some_and(|since| entry.until < since);
            match &entry.what {
                What::Flushed(flush) if is_own => {
                    self.receiver.get_or_insert_with(|| flush.receiver.clone());
                    self.next_due.get_or_insert(flush.next_at);
                    if !is_before {
                        self.flushed(&entry, flush, alert, at);
                    }
                    self.entries.push(entry);
                }
                What::GroupCreated {
                    due_at,
                    route,
                    receiver,
                    ..
                } if is_own => {
                    self.first_due.get_or_insert(*due_at);
                    self.receiver.get_or_insert_with(|| receiver.clone());
                    self.route.get_or_insert_with(|| route.clone());
                    self.entries.push(entry);
                }
                What::Intended { .. } | What::Attempted { .. } | What::Ended { .. } => {
                    self.entries.push(entry);
                }
                _ => {}
            }
            let is_enough = self.flush.is_some() && scanned >= LINES_MAX;
            is_past = is_before;
            enough(is_enough || scanned >= SCANNED_MAX)
        };
        let subject = Subject::Group(group);
        timeline.scan(&subject, Span::up_to(at), Order::NewestFirst, &mut visit)?;
        if has_told || is_past {
            return Ok(());
        }
        let mut scanned = 0;
        let mut visit = |entry: Entry| {
            scanned += 1;
            let is_before = self.place.since.is_some_and(|since| entry.until < since);
            let is_last = is_before || entry.what.is_about(hash);
            self.entries.push(entry);
            enough(is_last || scanned >= SCANNED_MAX)
        };
        let subject = Subject::Intents(group);
        timeline.scan(&subject, Span::up_to(at), Order::NewestFirst, &mut visit)
    }

    fn flushed(&mut self, entry: &Entry, flush: &Flush, alert: u64, at: WallTime) {
        if let Some(known) = &mut self.flush {
            // What one record had no room for.
            if known.from == entry.position.at && known.times == 1 {
                known.flush.join(flush);
            }
            return;
        }
        let is_telling = flush.occasion == FlushOccasion::NotReady
            || !flush.told.is_empty()
            || flush.keeps_back(alert);
        if is_telling {
            self.flush = Some(Flushed::new(entry, flush, at));
        }
    }

    /// The last flush that kept the alert back while it was in its group: later ones say nothing of an
    /// alert that has left.
    pub(super) fn last_kept_back(&self, alert: u64, at: WallTime) -> Option<Flushed> {
        let since = self.place.since?;
        self.entries.iter().find_map(|entry| match &entry.what {
            What::Flushed(flush) if entry.until >= since && flush.keeps_back(alert) => {
                Some(Flushed::new(entry, flush, at))
            }
            _ => None,
        })
    }

    /// Its receiver then, if it is known.
    pub(super) fn receiver(&self) -> Option<&str> {
        let now = self.facts.as_ref().map(|facts| facts.receiver.as_str());
        let known = self.receiver.as_deref().or(now);
        known.filter(|receiver| !receiver.is_empty())
    }

    /// The path of its route then, if it is known.
    pub(super) fn route(&self) -> Option<&str> {
        let now = self.facts.as_ref().map(|facts| facts.route.as_str());
        let known = self.route.as_deref().or(now);
        known.filter(|route| !route.is_empty())
    }

    /// The last notification of the alert to an integration before a time: the entry of its intent.
    pub(super) fn last_told(&self, hash: u64, to: Option<&Integration>) -> Option<&Entry> {
        self.entries.iter().find(|entry| match &entry.what {
            What::Intended { to: told, .. } => {
                to.is_none_or(|to| to == told) && entry.what.is_about(hash)
            }
            _ => false,
        })
    }

    /// The intent of that number.
    pub(super) fn intent(&self, flush_id: u64, receiver: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| match &entry.what {
            What::Intended {
                flush_id: id, to, ..
            } => *id == flush_id && to.receiver == receiver,
            _ => false,
        })
    }
}

impl What {
    /// Whether it is an intent to tell of the alert with that hash.
    pub(super) fn is_about(&self, hash: u64) -> bool {
        match self {
            Self::Intended {
                firing, resolved, ..
            } => [firing, resolved]
                .iter()
                .any(|it| it.binary_search(&hash).is_ok()),
            _ => false,
        }
    }
}

impl Flush {
    /// Whether the alert was not let pass: by a silence, another alert, or what mutes the whole group.
    fn keeps_back(&self, alert: u64) -> bool {
        !self.muted.is_empty()
            || self.silenced.iter().any(|it| it.alert == alert)
            || self.inhibited.iter().any(|it| it.alert == alert)
    }

    /// Takes in what the same flush says in another entry.
    fn join(&mut self, other: &Self) {
        self.inhibited.extend_from_slice(&other.inhibited);
        self.silenced.extend_from_slice(&other.silenced);
        self.muted.extend_from_slice(&other.muted);
        self.told.extend_from_slice(&other.told);
    }
}

/// The verdict that says most about what a receiver was told.
pub(super) fn foremost(told: &[Told]) -> Option<&Told> {
    let weight = |told: &&Told| match told.verdict {
        ToldVerdict::Notify => 0,
        ToldVerdict::Quarantined => 1,
        ToldVerdict::AssumedDelivered => 2,
        ToldVerdict::Superseded => 3,
        ToldVerdict::NothingToSend => 4,
        ToldVerdict::NothingChanged => 5,
        ToldVerdict::Unknown => 6,
    };
    told.iter().min_by_key(weight)
}
