//! From what the core decided and did to the records that explain it.
//!
//! Whoever runs the core gives every [`Decision`] and [`Event`] to an [`Explanations`], and appends what it
//! makes of them beside other records. Nothing waits for these records and nothing depends on them: who
//! cannot append them drops them.
//!
//! **Rules**
//! * All flushes of one record are of one time, that of the record. What happened before is told by how long
//!   before.
//! * A record is closed when it has [`RECORD_BYTES_TARGET`], so that one flush may be told in several.
//! * What nobody takes is bounded by [`PENDING_BYTES_MAX`]; the rest is dropped and counted.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::dedup::Reason;
use super::event::{Decision, Event, To, Verdict};
use super::groups::GroupName;
use crate::record::{
    DecisionsV1, FlushV1, GroupV1, InhibitedV1, LimitedV1, Lsn, MutedBy, MutedV1, PlacedV1,
    ReceiptsV1, Record, SilencedV1, ToldReason, ToldV1, ToldVerdict, group_hash,
};
use crate::sys::WallTime;

/// A record is closed when it is about that long: a few thousand decisions that nothing changed.
pub const RECORD_BYTES_TARGET: usize = 64 * 1024;

/// What may wait to be taken, about. It is taken every second at the latest; at a million alerts a second
/// this would be reached, and the log with it.
pub const PENDING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Senders of one record. A sender beyond is in the next one.
const SENDERS_MAX: usize = 256;

/// Requests of one record: some kilobytes.
const REQUESTS_MAX: usize = 4_096;

/// Explanations that wait to be appended.
#[derive(Debug, Default)]
pub struct Explanations {
    open: BTreeMap<Arc<str>, Draft>,
    receipts: BTreeMap<Arc<str>, Receipts>,
    closed: Vec<Record>,
    closed_bytes: usize,
    dropped: u64,
    since: Option<WallTime>,
}

/// A record in the making.
#[derive(Debug, Default)]
struct Draft {
    names: Vec<String>,
    places: HashMap<Arc<str>, u32>,
    groups: Vec<(WallTime, GroupV1)>,
    placed: Vec<(WallTime, PlacedV1)>,
    limited: Vec<(WallTime, LimitedV1)>,
    flushes: Vec<FlushV1>,
    /// The time of the flushes.
    flushed_at: Option<WallTime>,
    /// The time of the rest, the last.
    last_at: WallTime,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Receipts {
    senders: Vec<Arc<str>>,
    requests: Vec<(Lsn, u32)>,
    last_at: WallTime,
}

impl Explanations {
    /// Takes a decision.
    pub fn decided(&mut self, decision: &Decision) {
        let draft = self.open.entry(Arc::clone(&decision.tenant)).or_default();
        if draft.flushed_at.is_some_and(|at| at != decision.at) {
            self.close(&decision.tenant);
        }
        self.since.get_or_insert(decision.at);
        let draft = self.open.entry(Arc::clone(&decision.tenant)).or_default();
        draft.flushed_at = Some(decision.at);
        for part in parts(&decision.verdict) {
            let draft = self.open.entry(Arc::clone(&decision.tenant)).or_default();
            draft.flushed_at = Some(decision.at);
            draft.flush(decision, &part);
            if draft.bytes >= RECORD_BYTES_TARGET {
                self.close(&decision.tenant);
            }
        }
    }

    /// Takes what a record of a tenant did.
    pub fn happened(&mut self, tenant: &str, at: WallTime, event: &Event) {
        if !matches!(
            event,
            Event::GroupCreated { .. } | Event::AlertPlaced { .. } | Event::GroupLimited { .. }
        ) {
            return;
        }
        let (key, draft) = match self.open.get_key_value(tenant) {
            Some((key, _)) => (Arc::clone(key), self.open.get_mut(tenant)),
            None => (Arc::from(tenant), None),
        };
        let draft = match draft {
            Some(draft) => draft,
            None => self.open.entry(Arc::clone(&key)).or_default(),
        };
        self.since.get_or_insert(at);
        draft.happened(at, event);
        if draft.bytes >= RECORD_BYTES_TARGET {
            self.close(&key);
        }
    }

    /// Takes who sent a request, whose records begin at that LSN.
    pub fn received(&mut self, tenant: &Arc<str>, at: WallTime, first: Lsn, sender: &Arc<str>) {
        self.since.get_or_insert(at);
        let receipts = self.receipts.entry(Arc::clone(tenant)).or_default();
        let known = receipts.senders.iter().position(|it| it == sender);
        let place = known.unwrap_or_else(|| {
            receipts.senders.push(Arc::clone(sender));
            receipts.senders.len() - 1
        });
        receipts.requests.push((first, number(place)));
        receipts.last_at = at;
        if receipts.senders.len() >= SENDERS_MAX || receipts.requests.len() >= REQUESTS_MAX {
            self.close_receipts(&Arc::clone(tenant));
        }
    }

    /// When the oldest of what waits came.
    #[must_use]
    pub fn waiting_since(&self) -> Option<WallTime> {
        self.since
    }

    /// Whether there is a record's worth or more.
    #[must_use]
    pub fn is_plenty(&self) -> bool {
        !self.closed.is_empty()
    }

    /// The records, and how many explanations were dropped since the last time.
    pub fn take(&mut self) -> (Vec<Record>, u64) {
        let tenants: Vec<Arc<str>> = self.open.keys().cloned().collect();
        for tenant in tenants {
            self.close(&tenant);
        }
        let tenants: Vec<Arc<str>> = self.receipts.keys().cloned().collect();
        for tenant in tenants {
            self.close_receipts(&tenant);
        }
        self.since = None;
        self.closed_bytes = 0;
        let dropped = std::mem::take(&mut self.dropped);
        (std::mem::take(&mut self.closed), dropped)
    }

    fn close(&mut self, tenant: &Arc<str>) {
        let Some(draft) = self.open.remove(tenant) else {
            return;
        };
        let bytes = draft.bytes;
        if let Some(record) = draft.record(tenant) {
            self.put(record, bytes);
        }
    }

    fn close_receipts(&mut self, tenant: &Arc<str>) {
        let Some(receipts) = self.receipts.remove(tenant) else {
            return;
        };
        let bytes = 4 * receipts.requests.len();
        self.put(receipts.record(tenant), bytes);
    }

    fn put(&mut self, record: Record, bytes: usize) {
        if self.closed_bytes + bytes > PENDING_BYTES_MAX {
            self.dropped += 1;
            return;
        }
        self.closed_bytes += bytes;
        self.closed.push(record);
    }
}

impl Draft {
    fn name(&mut self, text: &str) -> u32 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = number(self.names.len());
        self.bytes += text.len() + 2;
        self.names.push(text.to_owned());
        self.places.insert(text.into(), place);
        place
    }

    fn happened(&mut self, at: WallTime, event: &Event) {
        self.last_at = self.last_at.max(at);
        match event {
            Event::GroupCreated {
                group,
                route,
                receiver,
                due_at,
            } => {
                let created = GroupV1 {
                    group: hash(group),
                    key: group.key.to_string(),
                    ordinal: group.ordinal,
                    route: self.name(route),
                    receiver: self.name(receiver),
                    due_at_ns: due_at.0,
                    before_ms: 0,
                };
                self.bytes += created.key.len() + 28;
                self.groups.push((at, created));
            }
            Event::AlertPlaced { group, alert } => {
                self.bytes += 20;
                let placed = PlacedV1 {
                    alert: alert.0,
                    group: hash(group),
                    before_ms: 0,
                };
                self.placed.push((at, placed));
            }
            Event::GroupLimited { group_key, alert } => {
                self.bytes += 12;
                let limited = LimitedV1 {
                    alert: alert.0,
                    key: self.name(group_key),
                    before_ms: 0,
                };
                self.limited.push((at, limited));
            }
            _ => {}
        }
    }

    fn flush(&mut self, decision: &Decision, part: &Part<'_>) {
        let group = group_hash(&decision.group_key, decision.ordinal);
        let occasion = decision.tick.occasion;
        let receiver = self.name(&decision.receiver);
        let is_same = self
            .flushes
            .last()
            .is_some_and(|last| last.group == group && last.occasion == occasion.number());
        if !is_same {
            self.bytes += 26;
            self.flushes.push(FlushV1 {
                group,
                receiver,
                occasion: occasion.number(),
                late_ms: ms_between(decision.tick.due_at, decision.at),
                next_ms: ms_between(decision.at, decision.tick.next_at),
                firing: decision.tick.firing,
                resolved: decision.tick.resolved,
                ..FlushV1::default()
            });
        }
        let Some(mut flush) = self.flushes.pop() else {
            return;
        };
        self.tell(&mut flush, part);
        self.flushes.push(flush);
    }

    fn tell(&mut self, flush: &mut FlushV1, part: &Part<'_>) {
        match part {
            Part::Nothing => {}
            Part::Inhibited(alerts) => {
                self.bytes += 22 * alerts.len();
                for by in *alerts {
                    flush.inhibited.push(InhibitedV1 {
                        alert: by.alert.0,
                        source: by.source.0,
                        rule: by.rule,
                        rule_name: self.name(&by.rule_name),
                    });
                }
            }
            Part::Silenced(alerts) => {
                for (alert, ids) in *alerts {
                    self.bytes += 11 + ids.len();
                    flush.silenced.push(SilencedV1 {
                        alert: alert.0,
                        silences: ids.iter().map(|id| self.name(id)).collect(),
                    });
                }
            }
            Part::Muted(by, names, alerts) => {
                self.bytes += 8;
                flush.muted.push(MutedV1 {
                    cause: by.number(),
                    intervals: names.iter().map(|name| self.name(name)).collect(),
                    alerts: number(*alerts),
                });
            }
            Part::Told(told) => {
                self.bytes += 18 + 9 * (told.added.len() + told.ended.len());
                flush.told.push(ToldV1 {
                    integration: self.name(&told.to.integration),
                    index: told.to.index,
                    verdict: told.verdict.number(),
                    reason: told_reason(told.reason).number(),
                    flush_id: told.flush_id,
                    attempt: told.attempt,
                    added: told.added.to_vec(),
                    ended: told.ended.to_vec(),
                });
            }
        }
    }

    fn record(self, tenant: &str) -> Option<Record> {
        let at = self.flushed_at.unwrap_or(self.last_at);
        let is_empty = self.groups.is_empty()
            && self.placed.is_empty()
            && self.limited.is_empty()
            && self.flushes.is_empty();
        if is_empty {
            return None;
        }
        let groups = self.groups.into_iter().map(|(then, group)| GroupV1 {
            before_ms: ms_between(then, at),
            ..group
        });
        let placed = self.placed.into_iter().map(|(then, placed)| PlacedV1 {
            before_ms: ms_between(then, at),
            ..placed
        });
        let limited = self.limited.into_iter().map(|(then, limited)| LimitedV1 {
            before_ms: ms_between(then, at),
            ..limited
        });
        Some(Record::Decisions(DecisionsV1 {
            tenant: tenant.to_owned(),
            at_ns: at.0,
            groups: groups.collect(),
            placed: placed.collect(),
            limited: limited.collect(),
            names: self.names,
            flushes: self.flushes,
        }))
    }
}

impl Receipts {
    fn record(self, tenant: &str) -> Record {
        let mut before = 0;
        let requests = self.requests.into_iter().map(|(first, sender)| {
            let step = first.0.saturating_sub(before);
            before = first.0;
            (step, sender)
        });
        Record::Receipts(ReceiptsV1 {
            tenant: tenant.to_owned(),
            at_ns: self.last_at.0,
            requests: requests.collect(),
            senders: self.senders.iter().map(ToString::to_string).collect(),
        })
    }
}

/// As much of a verdict as goes into one record.
enum Part<'a> {
    Nothing,
    Inhibited(&'a [super::event::InhibitedBy]),
    Silenced(&'a [(crate::model::Fingerprint, Vec<Arc<str>>)]),
    Muted(MutedBy, &'a [String], usize),
    Told(ToldPart<'a>),
}

struct ToldPart<'a> {
    to: &'a To,
    verdict: ToldVerdict,
    reason: Reason,
    flush_id: u64,
    attempt: u32,
    added: &'a [u64],
    ended: &'a [u64],
}

/// Alerts that were kept back, of one part: at most a record's worth.
const ALERTS_PER_PART_MAX: usize = 2_000;

fn parts(verdict: &Verdict) -> Vec<Part<'_>> {
    let told = |to, verdict, reason, flush_id| {
        Part::Told(ToldPart {
            to,
            verdict,
            reason,
            flush_id,
            attempt: 0,
            added: &[],
            ended: &[],
        })
    };
    let one = match verdict {
        Verdict::Inhibited { alerts } => {
            let parts = alerts.chunks(ALERTS_PER_PART_MAX).map(Part::Inhibited);
            return parts.collect();
        }
        Verdict::Silenced { alerts } => {
            let parts = alerts.chunks(ALERTS_PER_PART_MAX).map(Part::Silenced);
            return parts.collect();
        }
        Verdict::Notify {
            to,
            reason,
            flush_id,
            attempt,
            added,
            ended,
        } => Part::Told(ToldPart {
            to,
            verdict: ToldVerdict::Notify,
            reason: *reason,
            flush_id: *flush_id,
            attempt: *attempt,
            added,
            ended,
        }),
        Verdict::Deduplicated { to } => told(to, ToldVerdict::NothingChanged, Reason::None, 0),
        Verdict::NothingToSend { to, reason } => told(to, ToldVerdict::NothingToSend, *reason, 0),
        Verdict::Superseded { to, flush_id } => {
            told(to, ToldVerdict::Superseded, Reason::None, *flush_id)
        }
        Verdict::AssumedDelivered { to, flush_id } => {
            told(to, ToldVerdict::AssumedDelivered, Reason::None, *flush_id)
        }
        Verdict::Quarantined { to, flush_id } => {
            told(to, ToldVerdict::Quarantined, Reason::None, *flush_id)
        }
        Verdict::OutsideActiveIntervals { names, alerts } => {
            Part::Muted(MutedBy::OutsideActiveIntervals, names, *alerts)
        }
        Verdict::InMuteIntervals { names, alerts } => {
            Part::Muted(MutedBy::InMuteIntervals, names, *alerts)
        }
        Verdict::UnknownInterval { name } => {
            Part::Muted(MutedBy::UnknownInterval, std::slice::from_ref(name), 0)
        }
        Verdict::ReceiverMissing => Part::Muted(MutedBy::ReceiverMissing, &[], 0),
        Verdict::NotReady => Part::Nothing,
    };
    vec![one]
}

fn told_reason(reason: Reason) -> ToldReason {
    match reason {
        Reason::None => ToldReason::None,
        Reason::FirstNotification => ToldReason::FirstNotification,
        Reason::NewAlerts => ToldReason::NewAlerts,
        Reason::SomeResolved => ToldReason::SomeResolved,
        Reason::AllResolved => ToldReason::AllResolved,
        Reason::RepeatInterval => ToldReason::RepeatInterval,
    }
}

fn hash(group: &GroupName) -> u64 {
    group_hash(&group.key, group.ordinal)
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Whole milliseconds from one time to a later one; 0 if it is not later.
fn ms_between(from: WallTime, to: WallTime) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0) / 1_000_000).unwrap_or(0)
}
