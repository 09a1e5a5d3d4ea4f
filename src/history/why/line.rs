//! An entry as a line of a timeline.

use super::answer::{Line, clock};
use crate::history::entry::{Entry, Flush, What};
use crate::history::timeline::{Timeline, TimelineError};
use crate::model::Fingerprint;
use crate::record::{FlushOccasion, MutedBy, ToldVerdict};
use crate::sys::WallTime;

/// The line of an entry. What it says of groups is said by their keys, if these are known.
pub(super) fn line(timeline: &dyn Timeline, entry: &Entry) -> Result<Line, TimelineError> {
    let mut text = text(timeline, entry)?;
    if entry.times > 1 {
        let until = clock(entry.until, entry.position.at);
        text = format!("{text}; {} times, last at {until}", entry.times);
    }
    Ok(Line {
        at: entry.position.at,
        lsn: entry.position.lsn.0,
        text,
    })
}

fn text(timeline: &dyn Timeline, entry: &Entry) -> Result<String, TimelineError> {
    let at = entry.position.at;
    let end = |ends_at: &WallTime| match *ends_at <= at {
        true => format!("ended at {}", clock(*ends_at, at)),
        false => format!("fires until {}", clock(*ends_at, at)),
    };
    let group_name = |group| -> Result<String, TimelineError> {
        let facts = timeline.group(group)?;
        Ok(facts.map_or_else(|| group.to_string(), |facts| facts.key))
    };
    Ok(match &entry.what {
        What::Received {
            ends_at,
            is_timeout,
            ..
        } => {
            let guess = if *is_timeout {
                " if it is not sent again"
            } else {
                ""
            };
            format!("received: {}{guess}", end(ends_at))
        }
        What::Touched { ends_at, .. } => format!("received again, unchanged: {}", end(ends_at)),
        What::EndMoved { ends_at, .. } => {
            format!("downtime moved its end: {}", end(ends_at))
        }
        What::Placed { group, .. } => format!("came to group {}", group_name(*group)?),
        What::Limited { key, .. } => {
            format!("came to no group: there are too many to make {key}")
        }
        What::Forgotten { group, .. } => format!("left group {}", group_name(*group)?),
        What::GroupCreated { group, due_at, .. } => format!(
            "group {} came into being, due at {}",
            group_name(*group)?,
            clock(*due_at, at)
        ),
        What::Flushed(flush) => flushed(flush, at),
        What::Intended {
            to,
            attempt,
            reason,
            firing,
            resolved,
            ..
        } => {
            let again = match attempt {
                0 | 1 => String::new(),
                attempt => format!(", attempt {attempt}"),
            };
            let (firing, resolved) = (firing.len(), resolved.len());
            format!("{to}: to be sent ({reason}{again}): {firing} firing, {resolved} resolved")
        }
        What::Attempted {
            to,
            count,
            attempts,
            ..
        } => {
            let last = attempts.last();
            let how = last.map_or(String::new(), |last| {
                let took = took(last.duration_us);
                match last.error.as_str() {
                    "" => format!(", the last succeeded after {took}"),
                    error => format!(", the last failed after {took} ({error}): {}", last.detail),
                }
            });
            let tried = match count {
                1 => "tried once".to_owned(),
                count => format!("tried {count} times"),
            };
            format!("{to}: {tried}{how}")
        }
        What::Ended {
            to,
            outcome,
            detail,
            ..
        } => match detail.as_str() {
            "" => format!("{to}: {outcome}"),
            detail => format!("{to}: {outcome}: {detail}"),
        },
        What::SilenceSet {
            id,
            created_by,
            comment,
            ends_at,
            matchers,
            ..
        } => format!(
            "silence {id} of {created_by} ('{comment}') set until {}: {}",
            clock(*ends_at, at),
            matchers.join(" or ")
        ),
        What::SilenceExpired { id } => format!("silence {id} expired by hand"),
        What::SilenceUsed { id, group, alerts } => format!(
            "silence {id} kept {alerts} alerts of group {} back",
            group_name(*group)?
        ),
        What::ConfigApplied { hash } => format!("configuration {hash:016x} took effect"),
        What::Recovered { groups } => {
            format!("the process came up again: {groups} groups were overdue")
        }
        What::TenantCreated => "the tenant came".to_owned(),
        What::TenantDeleted => "the tenant went".to_owned(),
        What::Senders { senders, requests } => {
            format!("{} requests of {}", requests.len(), senders.join(", "))
        }
    })
}

fn flushed(flush: &Flush, at: WallTime) -> String {
    if flush.occasion == FlushOccasion::NotReady {
        let (due, next) = (clock(flush.due_at, at), clock(flush.next_at, at));
        return format!("due at {due}, waits until {next}: the process came up and catches up");
    }
    let mut parts = Vec::new();
    if !flush.inhibited.is_empty() {
        let source = Fingerprint(flush.inhibited[0].source);
        parts.push(format!(
            "{} inhibited, the first by {source}",
            flush.inhibited.len()
        ));
    }
    if let Some(first) = flush.silenced.first() {
        let by = first.silences.join(", ");
        parts.push(format!(
            "{} silenced, the first by {by}",
            flush.silenced.len()
        ));
    }
    for muted in &flush.muted {
        let names = muted.intervals.join(", ");
        parts.push(match muted.by {
            MutedBy::OutsideActiveIntervals => {
                format!("{} muted outside of {names}", muted.alerts)
            }
            MutedBy::InMuteIntervals => format!("{} muted by {names}", muted.alerts),
            MutedBy::UnknownInterval => format!("there is no time interval {names}"),
            MutedBy::ReceiverMissing => format!("there is no receiver {}", flush.receiver),
            MutedBy::Unknown => "muted".to_owned(),
        });
    }
    for told in &flush.told {
        let to = format!("{}/{}[{}]", flush.receiver, told.integration, told.index);
        parts.push(match told.verdict {
            ToldVerdict::NothingChanged => format!("nothing changed for {to}"),
            ToldVerdict::Notify => format!("{to} is told"),
            ToldVerdict::NothingToSend => format!("nothing that {to} is told of"),
            ToldVerdict::Superseded => format!("what was in doubt is not sent to {to} again"),
            ToldVerdict::AssumedDelivered => format!("what was in doubt counts as sent to {to}"),
            ToldVerdict::Quarantined => format!("nothing is sent to {to}, it did harm"),
            ToldVerdict::Unknown => format!("something of {to}"),
        });
    }
    let why = match flush.occasion {
        FlushOccasion::CatchUp => "flushed late, after a downtime",
        FlushOccasion::InDoubt => "looked at again, a notification is in doubt",
        FlushOccasion::Tick | FlushOccasion::NotReady | FlushOccasion::Unknown => "flushed",
    };
    format!("{why}: {}", parts.join("; "))
}

/// A duration as people read it.
pub(super) fn took(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{:03} s", us / 1_000_000, us / 1_000 % 1_000),
    }
}
