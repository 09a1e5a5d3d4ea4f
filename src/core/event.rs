//! What the core did and decided, for those who log, count and keep history. The core itself does none
//! of that.

use std::sync::Arc;

use crate::model::Fingerprint;
use crate::record::{FlushOccasion, Record};
use crate::sys::WallTime;

use super::alert::Alert;
use super::dedup::Reason;
use super::groups::GroupName;
use super::notification::Notification;

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Action {
    /// Append this record, and hand it to `apply` when it is durable.
    Append(Record),
    /// Send this, once the records of the same decision are durable; then append its result.
    Notify(Box<Notification>),
    /// Keep this for those who ask why.
    Explain(Decision),
}

/// Why a group, or an integration of it, was told or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whose.
    pub tenant: Arc<str>,
    /// Of which group.
    pub group_key: Arc<str>,
    /// Which of the routes with the same key.
    pub ordinal: u32,
    /// Its receiver.
    pub receiver: Arc<str>,
    /// The tick.
    pub at: WallTime,
    /// The same for all decisions of a flush.
    pub tick: Tick,
    /// What was decided.
    pub verdict: Verdict,
}

/// What is to be known of a flush beside its verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Why the group was flushed.
    pub occasion: FlushOccasion,
    /// When it was due.
    pub due_at: WallTime,
    /// When it is due next; the time of the tick, if its timer stays.
    pub next_at: WallTime,
    /// How many alerts fired and were kept back by nothing.
    pub firing: u32,
    /// How many had ended and were kept back by nothing.
    pub resolved: u32,
}

/// An alert that is kept back by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InhibitedBy {
    /// Which.
    pub alert: Fingerprint,
    /// The other.
    pub source: Fingerprint,
    /// The place of the rule in the configuration, from 0.
    pub rule: u32,
    /// Its name; empty if it has none.
    pub rule_name: String,
}

/// An integration of a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct To {
    /// Its kind.
    pub integration: Arc<str>,
    /// Its place among its kind.
    pub index: u32,
}

/// What was decided at a tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An integration is told.
    Notify {
        /// Which.
        to: To,
        /// Why.
        reason: Reason,
        /// The intent.
        flush_id: u64,
        /// Counts from 1.
        attempt: u32,
        /// The hashes of what fires and was not told before; empty if nothing was.
        added: Vec<u64>,
        /// The hashes of what was told to fire and does not any more.
        ended: Vec<u64>,
    },
    /// An integration knows all of it already.
    Deduplicated {
        /// Which.
        to: To,
    },
    /// An integration is not told of resolved alerts, and there are no others; its entry is written as
    /// if it had been.
    NothingToSend {
        /// Which.
        to: To,
        /// Why it would have been told.
        reason: Reason,
    },
    /// A notification in doubt is not sent again, because it would be another one by now, or none.
    Superseded {
        /// To whom it went.
        to: To,
        /// Its intent.
        flush_id: u64,
    },
    /// A notification in doubt is taken as sent, as the configuration says.
    AssumedDelivered {
        /// To whom it went.
        to: To,
        /// Its intent.
        flush_id: u64,
    },
    /// A notification did harm, and is the same still.
    Quarantined {
        /// To whom it would go.
        to: To,
        /// Its intent.
        flush_id: u64,
    },
    /// Alerts were kept back by others.
    Inhibited {
        /// Which, and by which.
        alerts: Vec<InhibitedBy>,
    },
    /// Alerts were kept back by silences.
    Silenced {
        /// Which, and the ids of the silences.
        alerts: Vec<(Fingerprint, Vec<Arc<str>>)>,
    },
    /// The group was kept back because none of these intervals was on.
    OutsideActiveIntervals {
        /// Their names.
        names: Arc<[String]>,
        /// How many alerts were kept back.
        alerts: usize,
    },
    /// The group was kept back because these intervals were on.
    InMuteIntervals {
        /// Their names, once for each part of an interval that was on.
        names: Arc<[String]>,
        /// How many alerts were kept back.
        alerts: usize,
    },
    /// Nothing could be decided: the route names an interval that there is not. Alertmanager's words.
    UnknownInterval {
        /// Its name.
        name: String,
    },
    /// Nothing could be told: the route names a receiver that there is not.
    ReceiverMissing,
    /// The group is due and has to wait: the process came up and catches up, or flushes nothing yet
    /// (Alertmanager 0.34: `--dispatch.start-delay`).
    NotReady,
}

/// What a record, or a new policy, did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An alert that was not known came.
    AlertCreated(Arc<Alert>),
    /// A group came into being.
    GroupCreated {
        /// Its name.
        group: GroupName,
        /// The path of its route.
        route: Arc<str>,
        /// Its receiver.
        receiver: Arc<str>,
        /// When it is flushed first.
        due_at: WallTime,
    },
    /// An alert came to a group.
    AlertPlaced {
        /// The group.
        group: GroupName,
        /// The alert.
        alert: Fingerprint,
    },
    /// A resolved alert left a group: everyone was told, or had nothing to be told.
    AlertResolved {
        /// The group.
        group_key: Arc<str>,
        /// The alert.
        alert: Arc<Alert>,
    },
    /// An alert is in no group of a route, because there are too many. Alertmanager's words: `too many
    /// aggregation groups, cannot create new group for alert`.
    GroupLimited {
        /// The group that would be.
        group_key: Arc<str>,
        /// The alert.
        alert: Fingerprint,
    },
    /// An alert was touched that is not known: the log lacks what came before.
    UnknownTouched {
        /// Its fingerprint.
        alert: Fingerprint,
    },
    /// A group has no place in the new policy.
    GroupDropped {
        /// Its key.
        group_key: Arc<str>,
        /// How many of its alerts nobody was told of the end of.
        unsent: usize,
    },
    /// A message in a record could not be read.
    Unreadable {
        /// What kind of record it was in.
        record: &'static str,
        /// What is wrong.
        fault: String,
    },
}
