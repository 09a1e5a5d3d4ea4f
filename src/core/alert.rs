//! An alert, and what becomes of one that is received again.
//!
//! There is no stored state "firing" or "resolved": an alert is resolved from its end on, and one that
//! is not sent again turns resolved by itself.

use std::sync::Arc;

use twox_hash::XxHash64;

use crate::model::{Fingerprint, LabelSet};
use crate::record::{Lsn, Pairs};
use crate::sys::WallTime;

/// An alert as the core holds it. Readers share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What it is: alerts of equal labels are one.
    pub labels: LabelSet,
    /// What it says.
    pub annotations: LabelSet,
    /// The link back to its sender; empty for none.
    pub generator_url: Arc<str>,
    /// When it began to fire.
    pub starts_at: WallTime,
    /// When it ended, or will be taken as ended.
    pub ends_at: WallTime,
    /// When it was received last.
    pub updated_at: WallTime,
    /// The record that changed it last. Of two alerts the one with the greater number is the younger,
    /// whatever the clock said.
    pub version: Lsn,
    /// Whether the end is a guess (`resolve_timeout`, downtime) and not the sender's word.
    pub is_timeout: bool,
}

impl Alert {
    /// Whether it has ended by then.
    #[must_use]
    pub fn is_resolved_at(&self, at: WallTime) -> bool {
        self.ends_at <= at
    }

    /// Its identity in the store, in groups and in the API.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.labels.fingerprint()
    }

    /// The bytes of heap that it holds but for the generator URL, which alerts share.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Self>()
            + 2 * size_of::<usize>()
            + self.labels.heap_bytes()
            + self.annotations.heap_bytes()
    }

    /// This alert, received when the other was known. See [`Times::received_after`].
    #[must_use]
    pub(super) fn received_after(mut self, old: &Self) -> Self {
        self.set_times(self.times().received_after(old.times(), self.updated_at));
        self
    }

    /// What a touch does: the times change, nothing else.
    pub(super) fn touch(
        &mut self,
        ends_at: WallTime,
        is_timeout: bool,
        at: WallTime,
        version: Lsn,
    ) {
        let old = self.times();
        let received = Times {
            ends_at,
            is_timeout,
            ..old
        };
        self.set_times(received.received_after(old, at));
        self.updated_at = at;
        self.version = version;
    }

    fn times(&self) -> Times {
        Times {
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            is_timeout: self.is_timeout,
        }
    }

    fn set_times(&mut self, times: Times) {
        self.starts_at = times.starts_at;
        self.ends_at = times.ends_at;
        self.is_timeout = times.is_timeout;
    }
}

/// When an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Times {
    starts_at: WallTime,
    ends_at: WallTime,
    is_timeout: bool,
}

impl Times {
    /// Alertmanager 0.34, `provider/mem`: two alerts are merged only if their times overlap in a strict
    /// sense; else the new one takes the place of the old one. The younger's annotations and link count;
    /// the beginning is the earlier one. The end is the younger's, unless the older one ends later and is
    /// either resolved like the younger one, or was given that end by its sender.
    fn received_after(mut self, old: Self, now: WallTime) -> Self {
        let ends_inside = self.ends_at > old.starts_at && self.ends_at < old.ends_at;
        let starts_inside = self.starts_at > old.starts_at && self.starts_at < old.ends_at;
        if !ends_inside && !starts_inside {
            return self;
        }
        self.starts_at = self.starts_at.min(old.starts_at);
        let is_old_end_kept = match self.ends_at <= now {
            true => old.ends_at <= now,
            false => !old.is_timeout,
        };
        if is_old_end_kept {
            self.ends_at = self.ends_at.max(old.ends_at);
        }
        self
    }
}

/// The hash of an alert in the notification log.
///
/// Alertmanager 0.34: XXH64 with seed 0 over name, `0xFF`, value, `0xFF` of each label.
#[must_use]
pub fn notification_hash(labels: &LabelSet) -> u64 {
    let mut bytes = Vec::with_capacity(labels.heap_bytes() + 2 * labels.len());
    for (name, value) in labels.iter() {
        for text in [name, value] {
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(0xFF);
        }
    }
    XxHash64::oneshot(0, &bytes)
}

/// The pairs of a set, as records hold them.
pub(super) fn pairs(set: &LabelSet) -> Pairs {
    set.iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
