//! What a history shows.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::history::At;

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Invariant {
    /// What was acknowledged firing is told firing.
    I1,
    /// What was told firing and acknowledged over is told over.
    I2,
    /// What was due during downtime is told as it was then.
    I3,
    /// Nothing is told that is not so, and no notification leaves out what it has to contain.
    I4,
    /// Nothing is told twice, but for a send that a kill left in doubt; then with the same key.
    I5,
    /// Different notifications of a group keep the group interval.
    I6,
    /// Each receiver is told firing and over in turn.
    I7,
    /// The first notification of a group comes when the group has waited, across restarts.
    I8,
    /// An acknowledged silence silences, and an acknowledged end of it ends that.
    I9,
    /// What the server shows is what was acknowledged.
    I10,
    /// It starts, soon, and neither panics nor ends by itself.
    I11,
    /// Recoveries of the same store agree.
    I12,
    /// Tenants do not mix.
    I13,
    /// Counters agree with what was seen.
    I14,
    /// Nothing grows with the number of kills.
    I15,
}

/// Under what a violation is counted in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What was acknowledged was not delivered.
    Lost,
    /// An all-clear while something fires.
    FalseAllClear,
    /// Told twice without a reason, or under another key.
    Duplicate,
    /// Delivered, too late.
    OutOfBound,
    /// Anything else.
    Other,
}

/// The harness excuses what is late because the machine stood still, up to so long.
const STALL_MS_MAX: u64 = 3_000;

/// That something did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What.
    pub invariant: Invariant,
    /// Under what it is counted.
    pub kind: Kind,
    /// When.
    pub at: At,
    /// Who, what, and what was expected instead.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} at {}: {}", self.invariant, self.at, self.what)
    }
}

/// How much there was to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// SIGKILLs and power losses.
    pub kills: u64,
    /// Of these, at no particular moment; the others wait for one at which something is under way.
    pub kills_at_random: u64,
    /// Starts.
    pub starts: u64,
    /// Of these, killed before they were ready.
    pub starts_killed: u64,
    /// Requests with alerts, acknowledged (2xx, or 400 with valid alerts).
    pub requests_acknowledged: u64,
    /// Without any effect: nobody listened, or a refusal.
    pub requests_refused: u64,
    /// Of which nobody knows.
    pub requests_unknown: u64,
    /// Changes of an alert that were acknowledged: it fires, or it is over.
    pub transitions: u64,
    /// Deliveries that are owed for them: one for each integration, if the state lasted long enough.
    pub deliveries_owed: u64,
    /// Deliveries that came, owed or not.
    pub delivered: u64,
    /// Owed and never delivered.
    pub lost: u64,
    /// Of these, of senders that repeat what they say, as Prometheus does.
    pub lost_though_repeated: u64,
    /// All-clears while something fires.
    pub false_all_clears: u64,
    /// Delivered later than the bound.
    pub out_of_bound: u64,
    /// The longest that any delivery took, in time in which the server was up and the receiver was well.
    pub slowest_ms: u64,
    /// Notifications received.
    pub messages: u64,
    /// Of these, sent again because the receiver had not taken the last one, or not said so.
    pub retries: u64,
    /// Of these, telling again what something else in between, in doubt since a kill, may have undone.
    pub told_anew: u64,
    /// Of these, telling again what a receiver had taken in good health.
    pub duplicates: u64,
    /// Of these, of a send that was under way at a kill.
    pub duplicates_attributed: u64,
    /// Of these, at a kill at no particular moment.
    pub duplicates_at_random: u64,
    /// Of the duplicates, with the key of the first.
    pub duplicates_same_key: u64,
    /// The longest that the machine stood still.
    #[serde(default)]
    pub stalled_ms: u64,
}

impl Counts {
    /// Adds another run.
    pub fn add(&mut self, other: &Self) {
        let mine = [
            (&mut self.kills, other.kills),
            (&mut self.kills_at_random, other.kills_at_random),
            (&mut self.starts, other.starts),
            (&mut self.starts_killed, other.starts_killed),
            (&mut self.requests_acknowledged, other.requests_acknowledged),
            (&mut self.requests_refused, other.requests_refused),
            (&mut self.requests_unknown, other.requests_unknown),
            (&mut self.transitions, other.transitions),
            (&mut self.deliveries_owed, other.deliveries_owed),
            (&mut self.delivered, other.delivered),
            (&mut self.lost, other.lost),
            (&mut self.lost_though_repeated, other.lost_though_repeated),
            (&mut self.false_all_clears, other.false_all_clears),
            (&mut self.out_of_bound, other.out_of_bound),
            (&mut self.messages, other.messages),
            (&mut self.retries, other.retries),
            (&mut self.told_anew, other.told_anew),
            (&mut self.duplicates, other.duplicates),
            (&mut self.duplicates_attributed, other.duplicates_attributed),
            (&mut self.duplicates_at_random, other.duplicates_at_random),
            (&mut self.duplicates_same_key, other.duplicates_same_key),
        ];
        for (count, more) in mine {
            *count += more;
        }
        self.slowest_ms = self.slowest_ms.max(other.slowest_ms);
        self.stalled_ms = self.stalled_ms.max(other.stalled_ms);
    }
}

/// The judgement of a history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// How much there was.
    pub counts: Counts,
    /// What did not hold, in the order of time.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// Whether everything holds, and there was something to hold.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.violations.is_empty()
    }

    /// Whether nothing can be concluded from a violation: the machine stood still for so long that requests
    /// between harness and server timed out on both sides, whoever is to blame.
    #[must_use]
    pub fn is_void(&self) -> bool {
        !self.is_well() && self.counts.stalled_ms >= STALL_MS_MAX
    }

    pub(super) fn add(&mut self, invariant: Invariant, kind: Kind, at: At, what: String) {
        match kind {
            Kind::Lost => self.counts.lost += 1,
            Kind::FalseAllClear => self.counts.false_all_clears += 1,
            Kind::OutOfBound => self.counts.out_of_bound += 1,
            Kind::Duplicate | Kind::Other => {}
        }
        self.violations.push(Violation {
            invariant,
            kind,
            at,
            what,
        });
    }
}
