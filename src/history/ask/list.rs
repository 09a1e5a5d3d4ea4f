//! What happened, as a list: which entries, in which order, from where on.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Surroundings;
use super::events::Exporter;
use super::page::{Media, Said};
use super::parameters::{Mistake, Parameters, cursor};
use crate::history::index::Past;
use crate::history::{
    Entry, GroupHash, Order, Position, Span, Subject, Timeline, TimelineError, What,
};
use crate::model::{Fingerprint, LabelSet, Mode};
use crate::record::group_hash;
use crate::sys::WallTime;

const KNOWN: &[&str] = &[
    "filter",
    "fingerprint",
    "group",
    "receiver",
    "silence",
    "kind",
    "reason",
    "from",
    "to",
    "order",
    "limit",
    "cursor",
    "format",
];

/// The kinds of entry, as `kind` names them.
const KINDS: &[&str] = &[
    "received",
    "touched",
    "end_moved",
    "placed",
    "limited",
    "forgotten",
    "group_created",
    "flushed",
    "intended",
    "attempted",
    "ended",
    "silence_set",
    "silence_expired",
    "silence_used",
    "config_applied",
    "recovered",
    "tenant_created",
    "tenant_deleted",
    "senders",
];

/// Alerts that one question may be about.
const ALERTS_MAX: usize = 100;

/// Entries of one subject that are looked at for one page; the next page goes on there.
const SCANNED_MAX: usize = 50_000;

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(super) fn broken(error: TimelineError) -> Mistake {
    Mistake::Broken(error.to_string())
}

/// What a list is asked for, besides which subjects.
pub(super) struct Bounds {
    pub(super) span: Span,
    pub(super) order: Order,
    pub(super) limit: usize,
    after: Option<Position>,
}

impl Bounds {
    pub(super) fn read(parameters: &Parameters, now: WallTime) -> Result<Self, Mistake> {
        let from = parameters.time("from", now)?.unwrap_or(Span::ALL.from.at);
        let to = parameters.time("to", now)?.unwrap_or(Span::ALL.to.at);
        if from > to {
            return Err(Mistake::bad(
                "bad parameters from and to: the end is before the beginning; example: from=2h",
            ));
        }
        let order = parameters.order()?;
        let after = parameters.cursor()?;
        let mut span = Span::between(from, to);
        match (after, order) {
            (None, _) => {}
            (Some(after), Order::NewestFirst) => span.to = span.to.min(after),
            (Some(after), Order::OldestFirst) => span.from = span.from.max(after),
        }
        let limit = parameters.limit()?;
        Ok(Self {
            span,
            order,
            limit,
            after,
        })
    }

    /// What comes behind a position, that many at most.
    pub(super) fn behind(&self, position: Position, limit: usize) -> Self {
        let mut span = self.span;
        match self.order {
            Order::NewestFirst => span.to = position,
            Order::OldestFirst => span.from = position,
        }
        Self {
            span,
            order: self.order,
            limit,
            after: Some(position),
        }
    }

    /// The same, that many at most.
    pub(super) fn of(&self, limit: usize) -> Self {
        Self { limit, ..*self }
    }

    /// Whether one position comes before another in this order.
    fn is_before(&self, one: Position, other: Position) -> bool {
        match self.order {
            Order::NewestFirst => one > other,
            Order::OldestFirst => one < other,
        }
    }
}

/// Which entries.
pub(super) struct Selection {
    /// All of them are looked through; `None` for everything.
    pub(super) subjects: Option<Vec<Subject>>,
    pub(super) alerts: Vec<(Fingerprint, LabelSet)>,
    receiver: Option<String>,
    group: Option<GroupHash>,
}

impl Selection {
    pub(super) fn read(past: &Past, parameters: &Parameters, mode: Mode) -> Result<Self, Mistake> {
        let alerts = alerts(past, parameters, mode)?;
        let group = parameters.hash("group")?.map(GroupHash);
        let receiver = parameters.one("receiver")?.map(str::to_owned);
        let silence = parameters.one("silence")?;
        if let Some(name) = &receiver {
            known_receiver(past, name)?;
        }
        let subjects = match (&alerts, group, silence, &receiver) {
            (Some(alerts), ..) => Some(of_alerts(past, alerts)?),
            (_, Some(group), ..) => Some(vec![Subject::Group(group)]),
            (_, _, Some(id), _) => Some(vec![Subject::Silence(id.into())]),
            (_, _, _, Some(name)) => Some(vec![Subject::Receiver(name.as_str().into())]),
            _ => None,
        };
        Ok(Self {
            subjects,
            alerts: alerts.unwrap_or_default(),
            receiver,
            group,
        })
    }

    pub(super) fn wants(&self, what: &What) -> bool {
        let receiver = self.receiver.as_deref();
        (receiver.is_none() || receiver_of(what) == receiver)
            && (self.group.is_none() || group_of(what) == self.group)
    }
}

fn alerts(
    past: &Past,
    parameters: &Parameters,
    mode: Mode,
) -> Result<Option<Vec<(Fingerprint, LabelSet)>>, Mistake> {
    if let Some(alert) = parameters.fingerprint()? {
        let labels = past.alert(alert).map_err(broken)?;
        let labels = labels.map(|labels| (alert, labels));
        return Ok(Some(labels.into_iter().collect()));
    }
    let Some(matchers) = parameters.matchers(mode)? else {
        return Ok(None);
    };
    let found = past.find(&matchers, ALERTS_MAX + 1).map_err(broken)?;
    match found.len() > ALERTS_MAX {
        false => Ok(Some(found)),
        true => Err(Mistake::Bad(format!(
            "bad parameter filter: more than {ALERTS_MAX} alerts match; add matchers, or take fingerprint; example: filter=instance=\"db1:9100\""
        ))),
    }
}

/// A receiver of which nothing is known is mostly misspelt.
fn known_receiver(past: &Past, name: &str) -> Result<(), Mistake> {
    let subject = Subject::Receiver(name.into());
    let mut is_known = false;
    let mut found = |_| {
        is_known = true;
        ControlFlow::Break(())
    };
    let scanned = past.scan(&subject, Span::ALL, Order::NewestFirst, &mut found);
    scanned.map_err(broken)?;
    match is_known {
        true => Ok(()),
        false => Err(Mistake::Bad(format!(
            "bad parameter receiver: nothing is known of a receiver `{name}`; example: receiver=team-x"
        ))),
    }
}

/// Alerts, and the groups that they were in.
fn of_alerts(past: &Past, alerts: &[(Fingerprint, LabelSet)]) -> Result<Vec<Subject>, Mistake> {
    let mut groups = BTreeSet::new();
    for (alert, _) in alerts {
        let subject = Subject::Places(*alert);
        let mut left = SCANNED_MAX;
        let mut note = |entry: Entry| {
            if let What::Placed { group, .. } = entry.what {
                groups.insert(group);
            }
            left -= 1;
            match left {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        past.scan(&subject, Span::ALL, Order::NewestFirst, &mut note)
            .map_err(broken)?;
    }
    let alerts = alerts.iter().map(|(alert, _)| Subject::Alert(*alert));
    Ok(alerts
        .chain(groups.into_iter().map(Subject::Group))
        .collect())
}

/// Entries, and where to go on if there may be more.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) next: Option<Position>,
}

/// Entries of all subjects together, in order.
pub(super) fn collect(
    past: &Past,
    subjects: Option<&[Subject]>,
    bounds: &Bounds,
    wants: &dyn Fn(&Entry) -> bool,
) -> Result<Found, Mistake> {
    let mut entries = Vec::new();
    // Behind this nothing is sure: some subject was not read so far.
    let mut frontier: Option<Position> = None;
    let everything = [None];
    let each: Vec<Option<&Subject>> = match subjects {
        None => everything.to_vec(),
        Some(subjects) => subjects.iter().map(Some).collect(),
    };
    for subject in each {
        let (mut count, mut scanned) = (0, 0);
        let mut stopped = None;
        let mut take = |entry: Entry| {
            let position = entry.position;
            if bounds.after == Some(position) {
                return ControlFlow::Continue(());
            }
            scanned += 1;
            if wants(&entry) {
                count += 1;
                entries.push(entry);
            }
            if count > bounds.limit || scanned >= SCANNED_MAX {
                stopped = Some(position);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let visited = match subject {
            Some(subject) => past.scan(subject, bounds.span, bounds.order, &mut take),
            None => past.scan_all(bounds.span, bounds.order, &mut take),
        };
        visited.map_err(broken)?;
        frontier = match (frontier, stopped) {
            (Some(one), Some(other)) if bounds.is_before(other, one) => Some(other),
            (None, stopped) => stopped,
            (frontier, _) => frontier,
        };
    }
    entries.sort_by_key(|entry| entry.position);
    entries.dedup();
    if bounds.order == Order::NewestFirst {
        entries.reverse();
    }
    if let Some(frontier) = frontier {
        entries.retain(|entry| !bounds.is_before(frontier, entry.position));
    }
    let has_more = entries.len() > bounds.limit;
    entries.truncate(bounds.limit);
    let last = entries.last().map(|entry| entry.position);
    let next = match has_more {
        true => last,
        false => frontier,
    };
    Ok(Found { entries, next })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    entries: Vec<Value>,
    next_cursor: Option<String>,
    history_from: Option<String>,
}

pub(super) fn answer(
    past: &Past,
    parameters: &Parameters,
    around: &Surroundings<'_>,
) -> Result<Said, Mistake> {
    parameters.check(KNOWN)?;
    let media = parameters.media(&[Media::Json, Media::JsonLines, Media::Text])?;
    let bounds = Bounds::read(parameters, around.now)?;
    let kinds = kinds(parameters)?;
    let reasons: Vec<&str> = parameters.all("reason").collect();
    let selection = Selection::read(past, parameters, around.mode)?;
    let wants = |entry: &Entry| {
        let what = &entry.what;
        let is_kind = kinds.is_empty() || kinds.contains(&kind_and_body(what).0);
        is_kind && selection.wants(what) && has_reason(what, &reasons)
    };
    let found = collect(past, selection.subjects.as_deref(), &bounds, &wants)?;
    let next = found.next.map(cursor);
    let entries = found.entries.iter();
    Ok(match media {
        Media::Json => Said::json(&Page {
            entries: entries.map(shown).collect(),
            next_cursor: next,
            history_from: past.horizon().map(|it| it.to_string()),
        }),
        Media::JsonLines => {
            let mut exporter = Exporter::new(past, around.instance);
            let mut lines = Vec::new();
            for entry in entries {
                lines.extend(exporter.events(entry).map_err(broken)?);
            }
            lines.extend(next.map(|next| json!({ "nextCursor": next })));
            Said::lines(&lines)
        }
        Media::Text => {
            let mut text: String = entries.map(line).collect();
            text.extend(next.map(|next| format!("there is more: --cursor {next}\n")));
            Said::text(text)
        }
    })
}

fn kinds(parameters: &Parameters) -> Result<Vec<String>, Mistake> {
    let kinds = parameters
        .all("kind")
        .map(|kind| match KINDS.contains(&kind) {
            true => Ok(kind.to_owned()),
            false => Err(Mistake::Bad(format!(
                "bad parameter kind: `{kind}`: it is none of {}; example: kind=flushed",
                KINDS.join(", ")
            ))),
        });
    kinds.collect()
}

/// The kind of an entry, and everything else that it says.
pub(super) fn kind_and_body(what: &What) -> (String, Value) {
    match serde_json::to_value(what) {
        Ok(Value::Object(one)) => match one.into_iter().next() {
            Some((kind, body)) => (kind, body),
            None => (String::new(), Value::Null),
        },
        Ok(Value::String(kind)) => (kind, Value::Null),
        _ => (String::new(), Value::Null),
    }
}

/// An entry as JSON: when, what, and how often.
fn shown(entry: &Entry) -> Value {
    let (kind, body) = kind_and_body(&entry.what);
    let mut shown = Map::new();
    shown.insert("at".to_owned(), json!(entry.position.at.to_string()));
    if entry.times > 1 {
        shown.insert("until".to_owned(), json!(entry.until.to_string()));
        shown.insert("times".to_owned(), json!(entry.times));
    }
    shown.insert("lsn".to_owned(), json!(entry.position.lsn.0));
    shown.insert("kind".to_owned(), json!(kind));
    if let Value::Object(body) = body {
        shown.extend(body);
    }
    shown.insert("cursor".to_owned(), json!(cursor(entry.position)));
    Value::Object(shown)
}

/// An entry as a line for people.
fn line(entry: &Entry) -> String {
    let (kind, body) = kind_and_body(&entry.what);
    let mut line = format!("{}  {kind}", entry.position.at);
    if entry.times > 1 {
        line.push_str(&format!(" ×{} until {}", entry.times, entry.until));
    }
    if let Value::Object(body) = body {
        for (name, value) in body {
            let value = match value {
                Value::Null => continue,
                Value::String(text) if text.is_empty() => continue,
                Value::String(text) => text,
                Value::Array(items) if items.is_empty() => continue,
                other => other.to_string(),
            };
            line.push_str(&format!("  {name}={value}"));
        }
    }
    line.push('\n');
    line
}

fn receiver_of(what: &What) -> Option<&str> {
    match what {
        What::Flushed(flush) => Some(&flush.receiver),
        What::Intended { to, .. } | What::Attempted { to, .. } | What::Ended { to, .. } => {
            Some(&to.receiver)
        }
        _ => None,
    }
}

fn group_of(what: &What) -> Option<GroupHash> {
    match what {
        What::Flushed(flush) => Some(flush.group),
        What::Placed { group, .. }
        | What::Forgotten { group, .. }
        | What::GroupCreated { group, .. }
        | What::SilenceUsed { group, .. } => Some(*group),
        What::Intended { group_key, .. }
        | What::Attempted { group_key, .. }
        | What::Ended { group_key, .. } => Some(GroupHash(group_hash(group_key, 0))),
        _ => None,
    }
}

/// Whether an entry has one of these reasons.
fn has_reason(what: &What, wanted: &[&str]) -> bool {
    if wanted.is_empty() {
        return true;
    }
    let is_wanted = |reason: &str| wanted.contains(&reason);
    match what {
        What::Flushed(flush) => {
            is_wanted(flush.occasion.as_str())
                || (!flush.silenced.is_empty() && is_wanted("silenced"))
                || (!flush.inhibited.is_empty() && is_wanted("inhibited"))
                || flush.muted.iter().any(|it| is_wanted(it.by.as_str()))
                || flush
                    .told
                    .iter()
                    .any(|it| is_wanted(it.verdict.as_str()) || is_wanted(it.reason.as_str()))
        }
        What::Intended { reason, .. } => is_wanted(reason),
        What::Ended { outcome, .. } => is_wanted(outcome),
        What::Limited { .. } => is_wanted("limited"),
        _ => false,
    }
}
