//! Which records are shown.

use super::args::FilterArgs;
use super::line::{Content, TypeName};
use crate::sys::WallTime;
use crate::wal::scan::Scanned;

/// The conditions, with times relative to now made absolute.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    args: &'a FilterArgs,
    since: Option<WallTime>,
    until: Option<WallTime>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(args: &'a FilterArgs, now: WallTime) -> Self {
        Self {
            args,
            since: args.since.map(|when| when.seen_from(now)),
            until: args.until.map(|when| when.seen_from(now)),
        }
    }

    /// Whether no record from this one on can be wanted.
    pub(super) fn is_past(&self, record: &Scanned<'_>) -> bool {
        self.args.to_lsn.is_some_and(|to| record.lsn.0 > to)
    }

    /// What can be told without decoding the record. A record whose time was lost is shown rather
    /// than hidden.
    pub(super) fn wants(&self, record: &Scanned<'_>, written_at: Option<WallTime>) -> bool {
        let args = self.args;
        let is_in_time = written_at.is_none_or(|at| {
            self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until)
        });
        is_in_time
            && args.from_lsn.is_none_or(|from| record.lsn.0 >= from)
            && args.to_lsn.is_none_or(|to| record.lsn.0 <= to)
            && (args.types.is_empty() || args.types.contains(&TypeName(record.record_type)))
            && !(args.no_control && record.record_type.is_control())
    }

    /// What can be told only from what the record says.
    pub(super) fn wants_content(&self, content: &Content) -> bool {
        let args = self.args;
        let is_tenants = args
            .tenant
            .as_deref()
            .is_none_or(|tenant| content.tenant() == Some(tenant));
        let matches = args.matchers.is_empty()
            || content.alerts().iter().any(|alert| {
                let mut matchers = args.matchers.iter();
                matchers.all(|matcher| matcher.holds(&alert.labels))
            });
        is_tenants && matches
    }
}
