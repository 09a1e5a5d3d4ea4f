//! What was acknowledged of an alert: its changes, and what it certainly was at a time.
//!
//! An alert *changes* when it fires for the first time, is over after it fired, or fires after it was
//! over. Only what was acknowledged counts; what nobody knows of ends what was owed and owes nothing.
//!
//! ```text
//!  said      F F ? R R F        ? nobody knows, of R
//!  changes   F     R   F
//!  held      ├───┤ ├───┤
//! ```

use super::world::{AlertId, Class, Statement, World};
use crate::history::{At, Status};

/// A change that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) status: Status,
    pub(super) asked: At,
    pub(super) acked: At,
    /// From when on something else may be so; the end of time if nothing else was said.
    pub(super) superseded: At,
    /// When the same was said again after the opposite.
    pub(super) same_again: At,
}

impl World {
    /// The changes of an alert, in order.
    pub(super) fn changes(&self, alert: AlertId) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        // Until when the last change holds by itself.
        let mut expires = At::NEVER;
        for statement in &self.statements[alert] {
            if statement.class == Class::Never {
                continue;
            }
            let last = changes.last_mut();
            let is_news = last
                .as_ref()
                .is_none_or(|last| last.status != statement.status);
            if let Some(last) = last {
                last.superseded = last.superseded.min(expires_of(last.status, expires));
                if is_news {
                    last.superseded = last.superseded.min(statement.asked);
                }
            }
            if statement.class != Class::Must {
                continue;
            }
            expires = match is_news {
                true => statement.expires,
                false => expires.max(statement.expires),
            };
            if is_news {
                changes.push(Change {
                    status: statement.status,
                    asked: statement.asked,
                    acked: statement.ended,
                    superseded: At::NEVER,
                    same_again: At::NEVER,
                });
            } else if let Some(last) = changes.last_mut()
                && last.superseded >= statement.asked
            {
                // Said again in time.
                last.superseded = At::NEVER;
            }
        }
        if let Some(last) = changes.last_mut() {
            last.superseded = last.superseded.min(expires_of(last.status, expires));
        }
        // An end of which nobody heard a beginning is no news.
        if changes
            .first()
            .is_some_and(|it| it.status == Status::Resolved)
        {
            changes.remove(0);
        }
        for index in 0..changes.len() {
            if let Some(again) = changes.get(index + 2).map(|it| it.asked) {
                changes[index].same_again = again;
            }
        }
        changes
    }

    /// Whether an alert certainly was that, all the time from one moment to the other.
    pub(super) fn was_certainly(&self, alert: AlertId, status: Status, from: At, to: At) -> bool {
        let statements = &self.statements[alert];
        let is_it =
            |it: &Statement| it.class == Class::Must && it.status == status && it.ended <= from;
        let Some(index) = statements.iter().rposition(is_it) else {
            return false;
        };
        let contrary =
            |it: &Statement| it.class != Class::Never && it.status != status && it.asked <= to;
        if statements[index + 1..].iter().any(contrary) {
            return false;
        }
        // Nothing else may have been said between a first and this one either; it was then confirmed.
        let it = &statements[index];
        status == Status::Resolved || self.end_after_downtimes(it.ended, it.expires) > to
    }
}

/// Only what fires ends by itself.
fn expires_of(status: Status, expires: At) -> At {
    match status {
        Status::Firing => expires,
        Status::Resolved => At::NEVER,
    }
}
