//! Whether an integration has to be told, and why.
//!
//! A pure function of the notification log's entry, what fires, what is resolved, and the time.
//! Alertmanager 0.34, `notify/dedup_stage.go`; the first line that applies counts:
//!
//! ```text
//!  no entry            some fire                               notify   first notification
//!  no entry            none fires                              -        none
//!  some fire that the entry does not list; it lists none       notify   first notification
//!  some fire that the entry does not list; it lists others     notify   new alerts added
//!  none fires          the entry lists firing ones             notify   all alerts resolved
//!  none fires          the entry lists none                    -        none
//!  some are resolved that the entry does not list, and the integration wants them
//!                                                              notify   some alerts resolved
//!  the entry is older than repeat_interval                     notify   repeat interval elapsed
//!  else                                                        -        none
//! ```
//!
//! Where the table says no, [`reason_in_doubt`] asks what the entry does not know.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::Duration;
use crate::sys::WallTime;

use super::time::before;

/// Why an integration is told, or that there is no reason to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nothing was told before.
    FirstNotification,
    /// Alerts came to those told.
    NewAlerts,
    /// Alerts of those told ended.
    SomeResolved,
    /// All alerts told ended.
    AllResolved,
    /// It was told too long ago.
    RepeatInterval,
    /// There is none.
    None,
}

impl Reason {
    /// As templates see it (`notification_reason`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstNotification => "first notification",
            Self::NewAlerts => "new alerts added",
            Self::SomeResolved => "some alerts resolved",
            Self::AllResolved => "all alerts resolved",
            Self::RepeatInterval => "repeat interval elapsed",
            Self::None => "none",
        }
    }

    /// The reason that a record spells.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let all = [
            Self::FirstNotification,
            Self::NewAlerts,
            Self::SomeResolved,
            Self::AllResolved,
            Self::RepeatInterval,
        ];
        let found = all.into_iter().find(|reason| reason.as_str() == text);
        found.unwrap_or(Self::None)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// What was told last; all hashes sorted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// When.
    pub at: WallTime,
    /// What fired.
    pub firing: Vec<u64>,
    /// What was resolved.
    pub resolved: Vec<u64>,
}

/// What is to be told now, and to whom.
#[derive(Debug, Clone, Copy)]
pub struct Telling<'a> {
    /// The hashes of what fires.
    pub firing: &'a [u64],
    /// The hashes of what is resolved.
    pub resolved: &'a [u64],
    /// Whether the integration wants to know of the latter.
    pub send_resolved: bool,
    /// When to tell the same again.
    pub repeat_interval: Duration,
    /// The time of the group's tick.
    pub now: WallTime,
}

/// Why to tell.
#[must_use]
pub fn reason(told: Option<&Told>, telling: &Telling<'_>) -> Reason {
    let Some(told) = told else {
        return match telling.firing.is_empty() {
            true => Reason::None,
            false => Reason::FirstNotification,
        };
    };
    if has_new(telling.firing, &told.firing) {
        return match told.firing.is_empty() {
            true => Reason::FirstNotification,
            false => Reason::NewAlerts,
        };
    }
    if telling.firing.is_empty() {
        return match told.firing.is_empty() {
            true => Reason::None,
            false => Reason::AllResolved,
        };
    }
    if telling.send_resolved && has_new(telling.resolved, &told.resolved) {
        return Reason::SomeResolved;
    }
    if told.at < before(telling.now, telling.repeat_interval) {
        return Reason::RepeatInterval;
    }
    Reason::None
}

/// Why to tell, although the entry gives no reason: about some alerts the integration may believe something
/// else than the entry says (see [`super::owed`]). That one of them fires is told, and so is its end.
#[must_use]
pub(super) fn reason_in_doubt(
    told: Option<&Told>,
    owed: &BTreeSet<u64>,
    telling: &Telling<'_>,
) -> Reason {
    if telling.firing.iter().any(|hash| owed.contains(hash)) {
        let is_all_in_doubt =
            told.is_none_or(|told| told.firing.iter().all(|hash| owed.contains(hash)));
        return match is_all_in_doubt {
            true => Reason::FirstNotification,
            false => Reason::NewAlerts,
        };
    }
    if !telling.send_resolved || !telling.resolved.iter().any(|hash| owed.contains(hash)) {
        return Reason::None;
    }
    match telling.firing.is_empty() {
        true => Reason::AllResolved,
        false => Reason::SomeResolved,
    }
}

/// Whether some are not among the known ones, which are sorted.
fn has_new(hashes: &[u64], known: &[u64]) -> bool {
    hashes.iter().any(|hash| known.binary_search(hash).is_err())
}
