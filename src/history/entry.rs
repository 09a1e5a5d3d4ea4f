//! One thing that happened, as the keepers of history hold it.
//!
//! Entries are written by [`crate::record::encode_part`] and read by [`crate::record::decode_part`]. They
//! are no promise: a keeper whose entries another version wrote is thrown away and filled from the log.
//!
//! **Rules**
//! * An entry stands under every subject that somebody would look for it under; but what a flush found is
//!   kept under its group alone, and an alert is followed to its groups by [`What::Placed`].
//! * What is repeated without news is one entry: [`Entry::absorb`]. Alerts are sent again every minute and
//!   groups looked at every few, for months. An alert that fires on is one entry, however often it is sent.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::shown;
use crate::model::Fingerprint;
use crate::record::{FlushOccasion, Lsn, MutedBy, ToldReason, ToldVerdict};
use crate::sys::WallTime;

/// A group, by the hash of its key and ordinal: see [`crate::record::group_hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupHash(#[serde(with = "shown::hash")] pub u64);

impl fmt::Display for GroupHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// What a timeline is about; within one tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An alert: when it was received, where it was placed.
    Alert(Fingerprint),
    /// What is rare in the timeline of an alert and has to be known however long ago it was: which groups it
    /// came to, left, or could not come to. An alert that fires for a month says otherwise that it still fires.
    Places(Fingerprint),
    /// When an alert was received in full: that, too, may be long ago.
    Receipts(Fingerprint),
    /// A group: what its flushes found, and its notifications.
    Group(GroupHash),
    /// What a group decided to send, without its flushes: most of those find nothing new.
    Intents(GroupHash),
    /// A receiver: its notifications, and flushes that did not just find nothing new.
    Receiver(Box<str>),
    /// A silence: its changes, and where it kept alerts back.
    Silence(Box<str>),
    /// The tenant: configurations, starts, limits, and the changes of silences.
    Tenant,
    /// Who sent what: [`What::Senders`] only.
    Senders,
}

impl Subject {
    /// A key that no other subject has, and none begins with that is of another kind.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        if let Some(key) = self.short_key() {
            return key.to_vec();
        }
        let with = |kind: u8, rest: &[u8]| [&[kind], rest].concat();
        match self {
            Self::Receiver(name) => with(b'r', name.as_bytes()),
            Self::Silence(id) => with(b's', id.as_bytes()),
            Self::Senders => vec![b'f'],
            _ => vec![b't'],
        }
    }

    /// [`Self::key`] of what is looked up most often, some hundred thousand times a second: if it is of a number.
    #[must_use]
    pub fn short_key(&self) -> Option<[u8; 9]> {
        let (kind, number) = match self {
            Self::Alert(fingerprint) => (b'a', fingerprint.0),
            Self::Places(fingerprint) => (b'p', fingerprint.0),
            Self::Receipts(fingerprint) => (b'e', fingerprint.0),
            Self::Group(group) => (b'g', group.0),
            Self::Intents(group) => (b'i', group.0),
            Self::Receiver(_) | Self::Silence(_) | Self::Tenant | Self::Senders => return None,
        };
        let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
        Some([kind, a, b, c, d, e, f, g, h])
    }
}

/// The end of an alert, as a sender last gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// When it ended, or will be taken as ended.
    pub at: WallTime,
    /// Whether that is a guess.
    pub is_guess: bool,
}

impl End {
    /// Whether the next end, given at a later time, says the same again: an alert that fires on is the same,
    /// and so is one that has ended.
    #[must_use]
    pub fn goes_on(self, given_at: WallTime, next: Self, next_given_at: WallTime) -> bool {
        let still_fires = (self.at <= given_at) == (next.at <= next_given_at);
        self.is_guess == next.is_guess && still_fires
    }
}

/// Where an entry stands in the timeline of each of its subjects. No two entries of one subject share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// When it happened.
    #[serde(with = "shown::time")]
    pub at: WallTime,
    /// The record that says so.
    #[serde(with = "shown::lsn")]
    pub lsn: Lsn,
    /// Its place among what that record says.
    pub place: u32,
}

/// One thing that happened, or the same again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it stands; of several, the first.
    pub position: Position,
    /// When it happened last. The same as the first time if it happened once.
    #[serde(with = "shown::time")]
    pub until: WallTime,
    /// The record of the last time.
    #[serde(with = "shown::lsn")]
    pub until_lsn: Lsn,
    /// How often it happened.
    pub times: u32,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An alert was received in full: it was not known, or not as it was sent.
    Received {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// When it began, as the sender says.
        #[serde(with = "shown::time")]
        starts_at: WallTime,
        /// When it ended or will be taken as ended.
        #[serde(with = "shown::time")]
        ends_at: WallTime,
        /// Whether that end is a guess.
        is_timeout: bool,
        /// Tells annotations apart.
        #[serde(with = "shown::hash")]
        annotations: u64,
        /// Tells the links back to the sender apart.
        #[serde(with = "shown::hash")]
        generator_url: u64,
    },
    /// An alert was received again, with nothing changed but its end.
    Touched {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// Its new end.
        #[serde(with = "shown::time")]
        ends_at: WallTime,
        /// Whether that end is a guess.
        is_timeout: bool,
    },
    /// Downtime moved the end of an alert.
    EndMoved {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// Its new end.
        #[serde(with = "shown::time")]
        ends_at: WallTime,
    },
    /// An alert came to a group.
    Placed {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// Which group.
        group: GroupHash,
    },
    /// An alert came to no group of a route, because there are too many.
    Limited {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// The key of the group that would be.
        key: String,
    },
    /// A resolved alert left a group: everyone was told, or had nothing to be told.
    Forgotten {
        /// Which.
        #[serde(with = "shown::hash")]
        alert: u64,
        /// Which group.
        group: GroupHash,
    },
    /// A group came into being.
    GroupCreated {
        /// Which.
        group: GroupHash,
        /// The path of its route then; with another configuration the same group may be of another one.
        route: String,
        /// The receiver of its route then.
        receiver: String,
        /// When it is flushed first.
        #[serde(with = "shown::time")]
        due_at: WallTime,
    },
    /// A group was flushed, or had to wait. What one record has no room for is in several entries.
    Flushed(Flush),
    /// A notification was about to be sent.
    Intended {
        /// Its number.
        flush_id: u64,
        /// Of which group's key; the ordinal is not known here.
        group_key: String,
        /// To whom.
        to: Integration,
        /// Counts from 1.
        attempt: u32,
        /// Why, in Alertmanager's words.
        reason: String,
        /// The hashes of what fired, sorted.
        #[serde(with = "shown::hashes")]
        firing: Vec<u64>,
        /// The hashes of what was resolved, sorted.
        #[serde(with = "shown::hashes")]
        resolved: Vec<u64>,
        /// As sent.
        idempotency_key: [u8; 32],
    },
    /// How a notification was tried.
    Attempted {
        /// Its number.
        flush_id: u64,
        /// Of which group's key.
        group_key: String,
        /// To whom.
        to: Integration,
        /// As sent.
        idempotency_key: [u8; 32],
        /// How many attempts there were.
        count: u32,
        /// The first and the last of them.
        attempts: Vec<Attempt>,
    },
    /// A notification ended.
    Ended {
        /// Its number.
        flush_id: u64,
        /// Of which group's key.
        group_key: String,
        /// To whom.
        to: Integration,
        /// As records spell it: see [`crate::core::Outcome`].
        outcome: String,
        /// What the receiver or the network said, if it failed.
        detail: String,
    },
    /// A silence was created, changed, or came from a peer.
    SilenceSet {
        /// Its id.
        id: String,
        /// Who.
        created_by: String,
        /// Why.
        comment: String,
        /// From when on.
        #[serde(with = "shown::time")]
        starts_at: WallTime,
        /// Until when.
        #[serde(with = "shown::time")]
        ends_at: WallTime,
        /// What it matches: a text for each set of matchers.
        matchers: Vec<String>,
    },
    /// A silence was expired by hand.
    SilenceExpired {
        /// Its id.
        id: String,
    },
    /// A silence kept alerts of a group back.
    SilenceUsed {
        /// Its id.
        id: String,
        /// Which group.
        group: GroupHash,
        /// How many alerts.
        alerts: u32,
    },
    /// A configuration took effect.
    ConfigApplied {
        /// Its hash.
        #[serde(with = "shown::hash")]
        hash: u64,
    },
    /// The process came up again, or its clock jumped, and found groups overdue.
    Recovered {
        /// How many.
        groups: u32,
    },
    /// The tenant came.
    TenantCreated,
    /// The tenant went.
    TenantDeleted,
    /// Who sent the alerts of which records.
    Senders {
        /// Who.
        senders: Vec<String>,
        /// The first LSN of each request, rising, and the place of its sender.
        requests: Vec<(u64, u32)>,
    },
}

/// An integration of a receiver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Integration {
    /// The receiver.
    pub receiver: String,
    /// Its kind.
    pub integration: String,
    /// Its place among those of its kind.
    pub index: u32,
}

impl fmt::Display for Integration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}/{}[{}]",
            self.receiver, self.integration, self.index
        )
    }
}

/// A flush of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flush {
    /// Which group.
    pub group: GroupHash,
    /// The receiver of its route.
    pub receiver: String,
    /// Why it was flushed, or that it had to wait.
    pub occasion: FlushOccasion,
    /// When it was due; of several times, the last.
    #[serde(with = "shown::time")]
    pub due_at: WallTime,
    /// When it is due next; the same as `due_at` if its timer stays.
    #[serde(with = "shown::time")]
    pub next_at: WallTime,
    /// How many alerts fired and were kept back by nothing.
    pub firing: u32,
    /// How many had ended and were kept back by nothing.
    pub resolved: u32,
    /// Alerts kept back by others.
    pub inhibited: Vec<Inhibited>,
    /// Alerts kept back by silences.
    pub silenced: Vec<Silenced>,
    /// What kept all others back.
    pub muted: Vec<Muted>,
    /// What each integration was told, or why not.
    pub told: Vec<Told>,
}

impl Flush {
    /// Whether nothing but that nothing had changed was found.
    #[must_use]
    pub fn is_uneventful(&self) -> bool {
        self.occasion == FlushOccasion::Tick
            && self.inhibited.is_empty()
            && self.silenced.is_empty()
            && self.muted.is_empty()
            && self.is_silent()
    }

    /// Whether nobody was told anything.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        let mut told = self.told.iter();
        told.all(|told| told.verdict == ToldVerdict::NothingChanged)
    }

    /// Whether the other says the same, but for the times.
    fn repeats(&self, other: &Self) -> bool {
        let timeless = |flush: &Self| Self {
            due_at: WallTime(0),
            next_at: WallTime(0),
            ..flush.clone()
        };
        timeless(self) == timeless(other)
    }
}

/// An alert was kept back by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inhibited {
    /// The fingerprint.
    #[serde(with = "shown::hash")]
    pub alert: u64,
    /// That of the other.
    #[serde(with = "shown::hash")]
    pub source: u64,
    /// The place of the rule in the configuration, from 0.
    pub rule: u32,
    /// Its name; empty if it has none.
    pub rule_name: String,
}

/// An alert was kept back by silences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// The fingerprint.
    #[serde(with = "shown::hash")]
    pub alert: u64,
    /// The ids of the silences.
    pub silences: Vec<String>,
}

/// A group was kept back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Muted {
    /// By what.
    pub by: MutedBy,
    /// The names of the intervals.
    pub intervals: Vec<String>,
    /// How many alerts.
    pub alerts: u32,
}

/// What an integration was told, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its kind.
    pub integration: String,
    /// Its place among those of its kind.
    pub index: u32,
    /// What was decided.
    pub verdict: ToldVerdict,
    /// Why it is told, or would be.
    pub reason: ToldReason,
    /// The intent; 0 if there is none.
    pub flush_id: u64,
    /// Counts from 1; 0 if nothing is sent.
    pub attempt: u32,
    /// The hashes of what fires and was not told before.
    #[serde(with = "shown::hashes")]
    pub added: Vec<u64>,
    /// The hashes of what was told to fire and does not any more.
    #[serde(with = "shown::hashes")]
    pub ended: Vec<u64>,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Counts from 1.
    pub number: u32,
    /// When it began.
    #[serde(with = "shown::time")]
    pub started_at: WallTime,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// The status of the answer; 0 if there was none, or it has none.
    pub status: u32,
    /// The class of the error; empty if it succeeded.
    pub error: String,
    /// What the receiver or the network said.
    pub detail: String,
}

impl Entry {
    /// Something that happened once.
    #[must_use]
    pub fn new(position: Position, what: What) -> Self {
        Self {
            until: position.at,
            until_lsn: position.lsn,
            position,
            times: 1,
            what,
        }
    }

    /// Takes the next entry of the same subject in, if it says the same again; whether it did. One that was
    /// taken in before is not counted twice.
    pub fn absorb(&mut self, next: &Self) -> bool {
        let is_known = next.until_lsn <= self.until_lsn;
        if next.position.at < self.until || !self.what.is_again(&next.what, self.until, next.until)
        {
            return false;
        }
        if !is_known {
            self.what.take_news(&next.what);
            self.until = next.until;
            self.until_lsn = next.until_lsn;
            self.times = self.times.saturating_add(next.times);
        }
        true
    }
}

/// That an alert was received again, with nothing changed but its end: an entry of [`What::Touched`] without
/// anything that takes time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// Which alert.
    pub alert: Fingerprint,
    /// Its new end.
    pub end: End,
    /// When, and which record says so.
    pub position: Position,
}

impl Touch {
    /// As an entry.
    #[must_use]
    pub fn entry(&self) -> Entry {
        let what = What::Touched {
            alert: self.alert.0,
            ends_at: self.end.at,
            is_timeout: self.end.is_guess,
        };
        Entry::new(self.position, what)
    }
}

/// How an entry about the end of an alert goes on: all that a touch may change of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// [`Entry::until`].
    pub until: WallTime,
    /// [`Entry::until_lsn`].
    pub until_lsn: Lsn,
    /// [`Entry::times`].
    pub times: u32,
    /// The end that was given last.
    pub end: End,
}

impl Course {
    /// That of an entry, if it is about the end of an alert.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        entry.what.end().map(|(_, end)| Self {
            until: entry.until,
            until_lsn: entry.until_lsn,
            times: entry.times,
            end,
        })
    }

    /// [`Entry::absorb`] of a touch of the same alert, for the course of an entry in the place of the entry.
    pub fn absorb(&mut self, touch: &Touch) -> bool {
        let (at, lsn) = (touch.position.at, touch.position.lsn);
        if at < self.until || !self.end.goes_on(self.until, touch.end, at) {
            return false;
        }
        if lsn > self.until_lsn {
            (self.until, self.until_lsn, self.end) = (at, lsn, touch.end);
            self.times = self.times.saturating_add(1);
        }
        true
    }

    /// Makes it the course of the entry that it was of.
    pub fn put(&self, entry: &mut Entry) {
        entry.until = self.until;
        entry.until_lsn = self.until_lsn;
        entry.times = self.times;
        entry.what.put_end(self.end.at);
    }
}

impl What {
    /// Whether the other, at a later time, says the same again. An alert that fires on is the same, also if
    /// its annotations change, as they do with every value in them.
    fn is_again(&self, other: &Self, at: WallTime, then: WallTime) -> bool {
        match (self, other) {
            (Self::Flushed(flush), Self::Flushed(other)) => {
                flush.is_silent() && flush.repeats(other)
            }
            (Self::SilenceUsed { .. }, _) => self == other,
            (
                Self::Received {
                    starts_at: began, ..
                },
                Self::Received { starts_at, .. },
            ) if began != starts_at => false,
            (Self::Touched { .. }, Self::Received { .. }) => false,
            _ => match (self.end(), other.end()) {
                (Some((alert, end)), Some((again, next))) => {
                    alert == again && end.goes_on(at, next, then)
                }
                _ => false,
            },
        }
    }

    /// Of which alert a sender gave which end.
    #[must_use]
    pub fn end(&self) -> Option<(Fingerprint, End)> {
        let (Self::Received {
            alert,
            ends_at,
            is_timeout,
            ..
        }
        | Self::Touched {
            alert,
            ends_at,
            is_timeout,
        }) = self
        else {
            return None;
        };
        let end = End {
            at: *ends_at,
            is_guess: *is_timeout,
        };
        Some((Fingerprint(*alert), end))
    }

    /// Another end of the alert, that the same sender gave.
    fn put_end(&mut self, at: WallTime) {
        if let Self::Received { ends_at, .. } | Self::Touched { ends_at, .. } = self {
            *ends_at = at;
        }
    }

    /// Takes over what is newer in the same.
    fn take_news(&mut self, other: &Self) {
        if let Self::Touched { ends_at, .. } = other {
            return self.put_end(*ends_at);
        }
        match (self, other) {
            (Self::Flushed(flush), Self::Flushed(other)) => {
                (flush.due_at, flush.next_at) = (other.due_at, other.next_at);
            }
            (
                Self::Received {
                    ends_at,
                    annotations,
                    generator_url,
                    ..
                },
                Self::Received {
                    ends_at: end,
                    annotations: new,
                    generator_url: link,
                    ..
                },
            ) => (*ends_at, *annotations, *generator_url) = (*end, *new, *link),
            _ => {}
        }
    }
}

/// Tells annotations and links apart.
pub(super) fn content_hash(pairs: &[(&str, &str)]) -> u64 {
    use std::hash::Hasher as _;
    let mut hasher = twox_hash::XxHash64::with_seed(0);
    for (name, value) in pairs {
        for text in [name, value] {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xFF);
        }
    }
    hasher.finish()
}
