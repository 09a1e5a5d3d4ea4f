//! Aggregation groups and their timers.
//!
//! ```text
//!             first alert                      tick, alerts in it
//!  (none) ──────────────────► waiting ───────────────────────────────► in flight
//!                             ▲  due after group_wait,                    │ every integration answered,
//!                             │  at once if the alert is older            │ the timer's record is back
//!                             └──────────────────────────────────────────┘
//!                                due group_interval after the last tick     └─► (none), once empty
//! ```
//!
//! **Invariants**
//! * A group is in the set of timers exactly if it is neither in flight nor waiting to catch up: two
//!   flushes of one group never overlap.
//! * What a group is in flight for is not part of the state: a crash ends the flight, and the group is
//!   decided anew.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Fingerprint, LabelSet, RouteIndex};
use crate::record::Lsn;
use crate::sys::WallTime;

use super::notification::TellAlert;

/// The place of a group in the table; given to another once the group is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub(super) u32);

/// How a group is called in records.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName {
    /// `<route key>:<group labels>`.
    pub key: Arc<str>,
    /// Which of the routes with the same key.
    pub ordinal: u32,
}

/// A flush that was decided.
#[derive(Debug, Clone, Default)]
pub(super) struct Flight {
    /// The notifications without a result.
    pub(super) waiting: BTreeSet<u64>,
    /// Whether an integration could not be told.
    pub(super) has_failed: bool,
    /// Whether the record of the timer is still to come back.
    pub(super) is_timer_pending: bool,
    /// Whether the record of what is forgotten is still to come back.
    pub(super) is_forgetting: bool,
    /// The resolved alerts that leave the group when everyone has been told.
    pub(super) to_forget: Vec<(Fingerprint, Lsn)>,
}

/// Alerts that are told together.
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name in records.
    pub name: GroupName,
    /// Its route.
    pub route: RouteIndex,
    /// The labels that its alerts share.
    pub labels: LabelSet,
    /// When it came into being.
    pub created_at: WallTime,
    /// When it is flushed next.
    pub next_flush_at: WallTime,
    /// Flushes so far.
    pub flush_index: u64,
    /// Its alerts.
    pub alerts: BTreeSet<Fingerprint>,
    /// The time intervals that kept its last flush back. Not part of the state.
    pub muted_by: Arc<[String]>,
    /// Its alerts as they were when the process came up and found the group due; until it was flushed.
    pub(super) frozen: Vec<TellAlert>,
    pub(super) flight: Option<Flight>,
    /// Whether it waits to catch up after a downtime.
    pub(super) is_catching_up: bool,
}

impl Group {
    pub(super) fn new(
        name: GroupName,
        route: RouteIndex,
        labels: LabelSet,
        now: WallTime,
        next_flush_at: WallTime,
    ) -> Self {
        Self {
            name,
            route,
            labels,
            created_at: now,
            next_flush_at,
            flush_index: 0,
            alerts: BTreeSet::new(),
            muted_by: Arc::default(),
            frozen: Vec::new(),
            flight: None,
            is_catching_up: false,
        }
    }

    fn is_waiting(&self) -> bool {
        self.flight.is_none() && !self.is_catching_up
    }
}

/// All groups of a tenant.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    table: Vec<Option<Group>>,
    free: Vec<u32>,
    by_name: HashMap<GroupName, GroupId>,
    timers: BTreeSet<(WallTime, GroupId)>,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        self.table.get(id.0 as usize)?.as_ref()
    }

    pub(super) fn find(&self, name: &GroupName) -> Option<GroupId> {
        self.by_name.get(name).copied()
    }

    /// The groups with that key, of routes that share theirs.
    pub(super) fn of_key(&self, key: &Arc<str>, ordinals: u32) -> impl Iterator<Item = &Group> {
        (0..ordinals).filter_map(|ordinal| {
            let key = Arc::clone(key);
            self.get(self.find(&GroupName { key, ordinal })?)
        })
    }

    /// All groups in the order of their names.
    pub(super) fn sorted(&self) -> Vec<(GroupId, &Group)> {
        let mut all: Vec<(GroupId, &Group)> = self
            .by_name
            .values()
            .filter_map(|id| Some((*id, self.get(*id)?)))
            .collect();
        all.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
        all
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        (0..)
            .zip(&self.table)
            .filter_map(|(place, group)| Some((GroupId(place), group.as_ref()?)))
    }

    pub(super) fn insert(&mut self, group: Group) -> GroupId {
        let id = match self.free.pop() {
            Some(place) => GroupId(place),
            None => {
                self.table.push(None);
                // More groups than 32 bits count do not fit into memory.
                GroupId(u32::try_from(self.table.len() - 1).unwrap_or(u32::MAX))
            }
        };
        self.by_name.insert(group.name.clone(), id);
        if group.is_waiting() {
            self.timers.insert((group.next_flush_at, id));
        }
        self.table[id.0 as usize] = Some(group);
        id
    }

    pub(super) fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.table.get_mut(id.0 as usize)?.take()?;
        self.timers.remove(&(group.next_flush_at, id));
        self.by_name.remove(&group.name);
        self.free.push(id.0);
        Some(group)
    }

    /// Changes a group, and keeps its timer where it belongs.
    pub(super) fn change<T>(
        &mut self,
        id: GroupId,
        change: impl FnOnce(&mut Group) -> T,
    ) -> Option<T> {
        let group = self.table.get_mut(id.0 as usize)?.as_mut()?;
        let before = (group.is_waiting(), group.next_flush_at);
        let result = change(group);
        let now = (group.is_waiting(), group.next_flush_at);
        if before != now {
            self.timers.remove(&(before.1, id));
            if now.0 {
                self.timers.insert((now.1, id));
            }
        }
        Some(result)
    }

    /// Adds an alert, which moves no timer; whether it was not there.
    pub(super) fn add(&mut self, id: GroupId, fingerprint: Fingerprint) -> bool {
        match self.table.get_mut(id.0 as usize) {
            Some(Some(group)) => group.alerts.insert(fingerprint),
            _ => false,
        }
    }

    /// Forgets what was frozen of alerts that are in other groups now.
    pub(super) fn forget_frozen_of_others(&mut self) {
        for group in self.table.iter_mut().flatten() {
            let alerts = &group.alerts;
            group
                .frozen
                .retain(|it| alerts.contains(&it.alert.fingerprint()));
        }
    }

    /// The groups that are due by then.
    pub(super) fn due_by(&self, now: WallTime) -> impl Iterator<Item = &Group> {
        let due = self.timers.iter().take_while(move |(at, _)| *at <= now);
        due.filter_map(|(_, id)| self.get(*id))
    }

    /// The group that is due first, and when.
    pub(super) fn first_due(&self) -> Option<(WallTime, GroupId)> {
        self.timers.first().copied()
    }
}
