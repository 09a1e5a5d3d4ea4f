//! Where history is looked up: implemented by the index in sled, by the one in memory, and by a scan of the
//! log. One value is the history of one tenant.

use std::ops::ControlFlow;

use super::entry::{Entry, GroupHash, Position, Subject};
use super::read::GroupFacts;
use crate::model::{Fingerprint, LabelSet, Matchers};
use crate::record::Lsn;
use crate::sys::WallTime;

/// A stretch of a timeline, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From here on.
    pub from: Position,
    /// Up to here.
    pub to: Position,
}

impl Span {
    /// Everything.
    pub const ALL: Self = Self {
        from: Position {
            at: WallTime(i64::MIN),
            lsn: Lsn(0),
            place: 0,
        },
        to: Position {
            at: WallTime(i64::MAX),
            lsn: Lsn(u64::MAX),
            place: u32::MAX,
        },
    };

    /// Everything between two times.
    #[must_use]
    pub fn between(from: WallTime, to: WallTime) -> Self {
        Self {
            from: Position {
                at: from,
                ..Self::ALL.from
            },
            to: Position {
                at: to,
                ..Self::ALL.to
            },
        }
    }

    /// Everything up to a time.
    #[must_use]
    pub fn up_to(to: WallTime) -> Self {
        Self::between(WallTime(i64::MIN), to)
    }

    /// Whether a position is in it.
    #[must_use]
    pub fn contains(&self, position: Position) -> bool {
        self.from <= position && position <= self.to
    }
}

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The newest entry comes first.
    NewestFirst,
    /// The oldest entry comes first.
    OldestFirst,
}

/// Why history cannot be looked up. Its text is for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TimelineError(pub String);

/// The history of a tenant.
pub trait Timeline {
    /// Visits the entries of a subject whose [`Entry::position`] is in the span, in order of their
    /// positions, until told to stop. Who calls it stops in time: it need not be bounded here.
    ///
    /// # Errors
    /// That it cannot be read.
    fn scan(
        &self,
        subject: &Subject,
        span: Span,
        order: Order,
        visit: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), TimelineError>;

    /// The labels of an alert, if it is known.
    ///
    /// # Errors
    /// That it cannot be read.
    fn alert(&self, alert: Fingerprint) -> Result<Option<LabelSet>, TimelineError>;

    /// What a group is, if it is known.
    ///
    /// # Errors
    /// That it cannot be read.
    fn group(&self, group: GroupHash) -> Result<Option<GroupFacts>, TimelineError>;

    /// Alerts whose labels match, in the order of their fingerprints, that many at most.
    ///
    /// # Errors
    /// That it cannot be read.
    fn find(
        &self,
        matchers: &Matchers,
        most: usize,
    ) -> Result<Vec<(Fingerprint, LabelSet)>, TimelineError>;

    /// From when on everything is here; `None` if that is not known, because nothing is.
    fn horizon(&self) -> Option<WallTime>;

    /// The time of the last thing that is here. What came later is not here yet.
    fn known_until(&self) -> Option<WallTime>;
}
