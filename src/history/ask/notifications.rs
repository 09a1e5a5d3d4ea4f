//! The notification log as a table: what was sent to whom, why, and how it went.

use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::json;

use super::Surroundings;
use super::events::Exporter;
use super::list::{Bounds, Selection, broken, collect};
use super::page::{Media, Said};
use super::parameters::{Mistake, Parameters, cursor};
use crate::core::notification_hash;
use crate::history::index::Past;
use crate::history::{
    Attempt, Entry, GroupHash, Order, Position, Span, Subject, Timeline, TimelineError, What,
};
use crate::record::group_hash;
use crate::sys::WallTime;

const KNOWN: &[&str] = &[
    "filter",
    "fingerprint",
    "group",
    "receiver",
    "status",
    "reason",
    "from",
    "to",
    "order",
    "limit",
    "cursor",
    "format",
];

/// Entries behind an intent among which its end is looked for.
const SCANNED_MAX: usize = 1000;

/// Notifications that are looked at for one page: what became of each is read from its group. A page of a
/// rare status that is not full by then says so, and the next one goes on there.
const WALKED_MAX: usize = 2_000;

/// Notifications that are taken out of the index at a time, if most of them may be of another status.
const TAKEN_AT_ONCE: usize = 500;

/// The status of a notification that has no end yet.
const UNDER_WAY: &str = "under_way";

/// How notifications end, as `status` names it.
const STATUSES: &[&str] = &[
    "delivered",
    "failed",
    "superseded",
    "assumed_delivered",
    "quarantined",
    "nothing_to_send",
    UNDER_WAY,
];

/// One notification.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    at: String,
    pub(super) flush_id: u64,
    pub(super) group_key: String,
    receiver: String,
    pub(super) integration: String,
    pub(super) index: u32,
    pub(super) reason: String,
    pub(super) status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) detail: String,
    ended_at: Option<String>,
    duration_seconds: Option<f64>,
    attempts: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tried: Vec<Attempt>,
    pub(super) firing: Vec<String>,
    pub(super) resolved: Vec<String>,
    idempotency_key: String,
    cursor: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    notifications: Vec<Row>,
    next_cursor: Option<String>,
    /// There may be more although the page is not full: so many were looked at that it ends here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ended_early: bool,
    history_from: Option<String>,
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The notification that an entry says was about to be sent; `None` if it says something else.
pub(super) fn row(past: &Past, entry: &Entry) -> Result<Option<Row>, TimelineError> {
    let What::Intended {
        flush_id,
        group_key,
        to,
        attempt,
        reason,
        firing,
        resolved,
        idempotency_key,
    } = &entry.what
    else {
        return Ok(None);
    };
    let hashes = |hashes: &[u64]| hashes.iter().map(|it| format!("{it:016x}")).collect();
    let mut row = Row {
        at: entry.position.at.to_string(),
        flush_id: *flush_id,
        group_key: group_key.clone(),
        receiver: to.receiver.clone(),
        integration: to.integration.clone(),
        index: to.index,
        reason: reason.clone(),
        status: UNDER_WAY.to_owned(),
        detail: String::new(),
        ended_at: None,
        duration_seconds: None,
        attempts: *attempt,
        tried: Vec::new(),
        firing: hashes(firing),
        resolved: hashes(resolved),
        idempotency_key: hexadecimal(idempotency_key),
        cursor: cursor(entry.position),
    };
    let subject = Subject::Group(GroupHash(group_hash(group_key, 0)));
    let behind = Span {
        from: entry.position,
        ..Span::ALL
    };
    let mut left = SCANNED_MAX;
    past.scan(&subject, behind, Order::OldestFirst, &mut |next| {
        left -= 1;
        let is_over = row.take(&next, entry.position.at);
        match is_over || left == 0 {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })?;
    Ok(Some(row))
}

impl Row {
    /// Takes in what happened later; whether that was the end.
    fn take(&mut self, later: &Entry, begun: WallTime) -> bool {
        let is_own = |flush_id: u64, to: &crate::history::Integration| {
            flush_id == self.flush_id
                && to.receiver == self.receiver
                && to.integration == self.integration
                && to.index == self.index
        };
        match &later.what {
            What::Attempted {
                flush_id,
                to,
                count,
                attempts,
                ..
            } if is_own(*flush_id, to) => {
                self.attempts = *count;
                self.tried.clone_from(attempts);
                // It comes after the end if the log had it later.
                self.ended_at.is_some()
            }
            What::Ended {
                flush_id,
                to,
                outcome,
                detail,
                ..
            } if is_own(*flush_id, to) => {
                let at = later.position.at;
                self.status.clone_from(outcome);
                self.detail.clone_from(detail);
                self.ended_at = Some(at.to_string());
                self.duration_seconds = Some(seconds_between(begun, at));
                !self.tried.is_empty()
            }
            _ => false,
        }
    }

    fn line(&self) -> String {
        let detail = match self.detail.as_str() {
            "" => String::new(),
            detail => format!(" ({detail})"),
        };
        format!(
            "{}  {}/{}[{}]  {}{detail}  {}  {} firing, {} resolved  {}\n",
            self.at,
            self.receiver,
            self.integration,
            self.index,
            self.status,
            self.reason,
            self.firing.len(),
            self.resolved.len(),
            self.group_key,
        )
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a notification takes less than the months beyond which nanoseconds are rounded"
)]
fn seconds_between(from: WallTime, to: WallTime) -> f64 {
    to.0.saturating_sub(from.0) as f64 / 1e9
}

/// The notifications of a page.
struct Walk {
    rows: Vec<(Position, Row)>,
    /// Where to go on, if there may be more.
    next: Option<Position>,
    ended_early: bool,
}

/// Walks until the page is full. What became of a notification stands behind it, so that a status is known
/// only once that was read.
fn walk(
    past: &Past,
    subjects: Option<&[Subject]>,
    bounds: &Bounds,
    is_wanted: &dyn Fn(&Entry) -> bool,
    statuses: &[&str],
) -> Result<Walk, Mistake> {
    let is_asked = |row: &Row| statuses.is_empty() || statuses.contains(&row.status.as_str());
    let at_once = match statuses.is_empty() {
        true => bounds.limit,
        false => bounds.limit.max(TAKEN_AT_ONCE),
    };
    let mut rows: Vec<(Position, Row)> = Vec::new();
    let mut walked = 0;
    let mut taken = bounds.of(at_once);
    loop {
        let found = collect(past, subjects, &taken, is_wanted)?;
        let last = found.entries.last().map(|entry| entry.position);
        for entry in &found.entries {
            walked += 1;
            let row = row(past, entry).map_err(broken)?;
            rows.extend(row.filter(is_asked).map(|row| (entry.position, row)));
            let is_full = rows.len() >= bounds.limit;
            if is_full || walked >= WALKED_MAX {
                let has_more = found.next.is_some() || last != Some(entry.position);
                return Ok(Walk {
                    rows,
                    next: has_more.then_some(entry.position),
                    ended_early: has_more && !is_full,
                });
            }
        }
        match found.next {
            None => {
                return Ok(Walk {
                    rows,
                    next: None,
                    ended_early: false,
                });
            }
            // So many other entries were looked at that one has to stop for once.
            Some(next) if found.entries.is_empty() => {
                return Ok(Walk {
                    rows,
                    next: Some(next),
                    ended_early: true,
                });
            }
            Some(next) => taken = bounds.behind(next, at_once),
        }
    }
}

pub(super) fn answer(
    past: &Past,
    parameters: &Parameters,
    around: &Surroundings<'_>,
) -> Result<Said, Mistake> {
    parameters.check(KNOWN)?;
    let media = parameters.media(&[Media::Json, Media::JsonLines, Media::Text])?;
    let bounds = Bounds::read(parameters, around.now)?;
    let statuses: Vec<&str> = parameters.all("status").collect();
    if let Some(wrong) = statuses.iter().find(|it| !STATUSES.contains(it)) {
        return Err(Mistake::Bad(format!(
            "bad parameter status: `{wrong}`: it is none of {}; example: status=failed",
            STATUSES.join(", ")
        )));
    }
    let reasons: Vec<&str> = parameters.all("reason").collect();
    let selection = Selection::read(past, parameters, around.mode)?;
    let hashes: Vec<u64> = selection
        .alerts
        .iter()
        .map(|(_, labels)| notification_hash(labels))
        .collect();
    let is_of_alerts = !parameters
        .0
        .iter()
        .all(|(name, _)| name != "filter" && name != "fingerprint");
    let is_wanted = |entry: &Entry| match &entry.what {
        What::Intended {
            reason,
            firing,
            resolved,
            ..
        } => {
            let has = |hash: &u64| firing.contains(hash) || resolved.contains(hash);
            selection.wants(&entry.what)
                && (reasons.is_empty() || reasons.contains(&reason.as_str()))
                && (!is_of_alerts || hashes.iter().any(has))
        }
        _ => false,
    };
    let subjects = selection.subjects.as_deref();
    let Walk {
        rows,
        next,
        ended_early,
    } = walk(past, subjects, &bounds, &is_wanted, &statuses)?;
    let next = next.map(cursor);
    Ok(match media {
        Media::Json => Said::json(&Page {
            notifications: rows.into_iter().map(|(_, row)| row).collect(),
            next_cursor: next,
            ended_early,
            history_from: past.horizon().map(|it| it.to_string()),
        }),
        Media::JsonLines => {
            let mut exporter = Exporter::new(past, around.instance);
            let mut lines = Vec::new();
            for (position, row) in &rows {
                lines.push(exporter.notification(position.at, row).map_err(broken)?);
            }
            lines.extend(next.map(|next| match ended_early {
                true => json!({ "nextCursor": next, "endedEarly": true }),
                false => json!({ "nextCursor": next }),
            }));
            Said::lines(&lines)
        }
        Media::Text => {
            let mut text: String = rows.iter().map(|(_, row)| row.line()).collect();
            text.extend(next.map(|next| match ended_early {
                true => format!(
                    "{WALKED_MAX} notifications were looked at; there may be more: --cursor {next}\n"
                ),
                false => format!("there is more: --cursor {next}\n"),
            }));
            Said::text(text)
        }
    })
}
