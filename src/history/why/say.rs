//! The sentence, and what it rests on.

use std::ops::ControlFlow;

use super::answer::{Because, Evidence, ShownAlert, clock, minutes, moment};
use super::flushes::{Flushed, Past, foremost};
use super::life::Life;
use super::line::took;
use super::sending::{Sending, State};
use crate::core::{Outcome, notification_hash};
use crate::history::entry::{Entry, Inhibited, Integration, Muted, Silenced, Subject, Told, What};
use crate::history::timeline::{Order, Span, Timeline, TimelineError};
use crate::model::Fingerprint;
use crate::record::{FlushOccasion, MutedBy, ToldVerdict};
use crate::sys::WallTime;

/// What is decided is written with the next batch, about a second later. A busy disk takes longer.
const PLACED_WITHIN_NS: i64 = 10 * 1_000_000_000;

/// What a sentence is about.
pub(super) struct Subjects<'a> {
    pub(super) timeline: &'a dyn Timeline,
    pub(super) alert: &'a ShownAlert,
    pub(super) life: &'a Life,
    pub(super) receiver: Option<&'a str>,
    pub(super) at: WallTime,
    pub(super) now: WallTime,
}

impl Subjects<'_> {
    /// A time in a sentence: without the date if that is today's.
    fn time(&self, at: WallTime) -> String {
        clock(at, self.now)
    }
}

/// An answer in the making.
pub(super) struct Finding<'a> {
    pub(super) because: Because,
    pub(super) sentence: String,
    pub(super) evidence: Evidence,
    /// The group that it is about.
    pub(super) past: Option<&'a Past>,
    /// The notification that it is about.
    pub(super) sending: Option<Sending>,
}

impl<'a> Finding<'a> {
    fn new(because: Because, sentence: String) -> Self {
        Self {
            because,
            sentence,
            evidence: Evidence::default(),
            past: None,
            sending: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Self {
        self.evidence.add(name, value);
        self
    }

    fn of(mut self, past: &'a Past) -> Self {
        self.past = Some(past);
        self
    }
}

/// Says why.
pub(super) fn say<'a>(
    about: &Subjects<'_>,
    pasts: &'a [Past],
) -> Result<Finding<'a>, TimelineError> {
    let is_asked = |past: &&Past| match (about.receiver, past.receiver()) {
        (Some(asked), Some(receiver)) => asked == receiver,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let newest = pasts.iter().filter(is_asked).max_by_key(|past| {
        let flushed_at = past.flush.as_ref().map(|flush| flush.at);
        (past.place.left_at.is_none(), flushed_at, past.place.since)
    });
    let Some(past) = newest else {
        return Ok(no_group(about, pasts));
    };
    let Some(flushed) = &past.flush else {
        return Ok(not_flushed(about, past));
    };
    let hash = notification_hash(&about.alert.labels);
    let has_left_untold = past.place.left_at.is_some() && past.last_told(hash, None).is_none();
    let kept_back =
        has_left_untold.then(|| past.last_kept_back(about.alert.fingerprint.0, about.at));
    let flushed = kept_back.flatten().unwrap_or_else(|| flushed.clone());
    Ok(of_flush(about, past, &flushed)?.of(past))
}

/// No group of the receiver has the alert.
fn no_group<'a>(about: &Subjects<'_>, pasts: &'a [Past]) -> Finding<'a> {
    let at = about.time(about.at);
    let (whom, what) = match about.receiver {
        Some(receiver) => (format!(" to {receiver}"), "a group of this receiver"),
        None => (String::new(), "any group"),
    };
    if let Some((when, key)) = &about.life.limited {
        let sentence = format!(
            "Not sent{whom} at {at}: limited, there were too many groups to make another one when it came at {}.",
            clock(*when, about.at)
        );
        return Finding::new(Because::Limited, sentence).with("group that would be", key);
    }
    let Some(first) = pasts.first() else {
        return not_placed(about, &whom, what);
    };
    let mut receivers: Vec<&str> = pasts.iter().filter_map(Past::receiver).collect();
    receivers.sort_unstable();
    receivers.dedup();
    let receivers = receivers.join(", ");
    let is_default = pasts.iter().all(|past| {
        let facts = past.facts.as_ref();
        facts.is_some_and(|facts| facts.key.starts_with("{}:"))
    });
    let (because, sentence) = match is_default {
        true => (
            Because::OnlyDefaultRoute,
            format!(
                "Not sent{whom} at {at}: the alert was received, but no route other than the default matched, which goes to {receivers}."
            ),
        ),
        false => (
            Because::RoutedElsewhere,
            format!(
                "Not sent{whom} at {at}: the alert was received, and its routes go to {receivers}."
            ),
        ),
    };
    Finding::new(because, sentence).of(first)
}

/// It was received, and no group is known that it came to.
fn not_placed<'a>(about: &Subjects<'_>, whom: &str, what: &str) -> Finding<'a> {
    let at = about.time(about.at);
    let Some(came_at) = about.life.came_at() else {
        let sentence = format!(
            "Not known{whom} at {at}: the alert was received, but not that it came to {what}: that was before history begins."
        );
        return Finding::new(Because::RoutingUnknown, sentence);
    };
    let received = clock(came_at, about.at);
    if about.at.0.saturating_sub(came_at.0) > PLACED_WITHIN_NS {
        let sentence = format!(
            "Not known{whom} at {at}: the alert was received at {received}, but not that it came to {what}: what was decided then was not written."
        );
        return Finding::new(Because::RoutingUnknown, sentence);
    }
    let sentence = format!(
        "Not known{whom} yet at {at}: the alert was received at {received}, and where it is routed is written within a few seconds; ask again."
    );
    Finding::new(Because::NotDecided, sentence)
}

/// Its group was not flushed since it is there.
fn not_flushed<'a>(about: &Subjects<'_>, past: &'a Past) -> Finding<'a> {
    let whom = whom(past);
    let at = about.time(about.at);
    let due = past.next_due.or(past.first_due);
    let came = past.place.since.map_or(String::new(), |since| {
        format!(" it came at {},", clock(since, about.at))
    });
    let sentence = match due {
        Some(due) if due > about.at => format!(
            "Not sent{whom} at {at}: not due yet,{came} and its group is flushed next at {}.",
            clock(due, about.at)
        ),
        Some(due) => format!(
            "Not sent{whom} at {at}: its group was due at {}, and no flush since then is recorded.",
            clock(due, about.at)
        ),
        None => format!(
            "Not sent{whom} at {at}: not due yet,{came} and no flush of its group is recorded since."
        ),
    };
    let finding = Finding::new(Because::NotDue, sentence).of(past);
    match due {
        Some(due) => finding.with("next flush", moment(due)),
        None => finding,
    }
}

fn of_flush<'a>(
    about: &Subjects<'_>,
    past: &'a Past,
    flushed: &Flushed,
) -> Result<Finding<'a>, TimelineError> {
    let flush = &flushed.flush;
    let alert = about.alert.fingerprint.0;
    let mut finding = if flush.occasion == FlushOccasion::NotReady {
        not_ready(about, past, flushed)
    } else if let Some(by) = flush.inhibited.iter().find(|it| it.alert == alert) {
        inhibited(about, past, flushed, by)?
    } else if let Some(by) = flush.silenced.iter().find(|it| it.alert == alert) {
        silenced(about, past, flushed, by)?
    } else if let Some(muted) = flush.muted.first() {
        muted_by(about, past, flushed, muted)
    } else if let Some(told) = foremost(&flush.told) {
        return told_or_not(
            about,
            past,
            flushed,
            undelivered(about, past, flushed, told)?,
        );
    } else {
        not_flushed(about, past)
    };
    add_times(&mut finding.evidence, flushed);
    Ok(finding)
}

fn not_ready<'a>(about: &Subjects<'_>, past: &Past, flushed: &Flushed) -> Finding<'a> {
    let sentence = format!(
        "Not sent{} at {}: not ready, its group was due at {} and the process had just come up; it is flushed at {}.",
        whom(past),
        about.time(flushed.at),
        clock(flushed.flush.due_at, flushed.at),
        clock(flushed.flush.next_at, flushed.at),
    );
    Finding::new(Because::NotReady, sentence)
}

fn inhibited<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    by: &Inhibited,
) -> Result<Finding<'a>, TimelineError> {
    let source = Fingerprint(by.source);
    let labels = about.timeline.alert(source)?;
    let other = labels.map_or_else(|| source.to_string(), |labels| labels.to_string());
    let number = by.rule + 1;
    let rule = match by.rule_name.as_str() {
        "" => format!("inhibition rule {number}"),
        name => format!("inhibition rule {number}, '{name}'"),
    };
    let sentence = format!(
        "Not sent{} at {}: inhibited by {other} ({rule}).",
        whom(past),
        about.time(flushed.at)
    );
    Ok(Finding::new(Because::Inhibited, sentence)
        .with("inhibited by", &other)
        .with("fingerprint", source)
        .with("rule", rule))
}

fn silenced<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    by: &Silenced,
) -> Result<Finding<'a>, TimelineError> {
    let mut finding = Finding::new(Because::Silenced, String::new());
    let mut said = Vec::new();
    for id in &by.silences {
        let silence = silence_at(about.timeline, id, flushed.at)?;
        let what = match silence.map(|entry| entry.what) {
            Some(What::SilenceSet {
                created_by,
                comment,
                ends_at,
                matchers,
                ..
            }) => {
                let until = minutes(ends_at, flushed.at);
                let text = format!("{created_by}, '{comment}', until {until}");
                finding = finding.with("silence", format!("{id} ({text})"));
                finding = finding.with("silence matches", matchers.join(" or "));
                format!("{} ({text})", shortened(id))
            }
            _ => {
                finding = finding.with("silence", id);
                shortened(id)
            }
        };
        said.push(what);
    }
    finding.sentence = format!(
        "Not sent{} at {}: silenced by {}.",
        whom(past),
        about.time(flushed.at),
        said.join(" and ")
    );
    Ok(finding)
}

/// A silence as it was then.
fn silence_at(
    timeline: &dyn Timeline,
    id: &str,
    at: WallTime,
) -> Result<Option<Entry>, TimelineError> {
    let mut found = None;
    let subject = Subject::Silence(id.into());
    timeline.scan(
        &subject,
        Span::up_to(at),
        Order::NewestFirst,
        &mut |entry| {
            if !matches!(entry.what, What::SilenceSet { .. }) {
                return ControlFlow::Continue(());
            }
            found = Some(entry);
            ControlFlow::Break(())
        },
    )?;
    Ok(found)
}

fn muted_by<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    muted: &Muted,
) -> Finding<'a> {
    let names = muted.intervals.join(", ");
    let (because, why) = match muted.by {
        MutedBy::OutsideActiveIntervals => (
            Because::OutsideActiveInterval,
            format!("outside of the active time interval {names}"),
        ),
        MutedBy::InMuteIntervals | MutedBy::Unknown => (
            Because::MuteInterval,
            format!("muted by the time interval {names}"),
        ),
        MutedBy::UnknownInterval => (
            Because::UnknownInterval,
            format!("its route names the time interval {names}, which there is not"),
        ),
        MutedBy::ReceiverMissing => (
            Because::ReceiverMissing,
            "its route names this receiver, which there is not".to_owned(),
        ),
    };
    let sentence = format!(
        "Not sent{} at {}: {why}.",
        whom(past),
        about.time(flushed.at)
    );
    let finding = Finding::new(because, sentence);
    match names.is_empty() {
        true => finding,
        false => finding.with("interval", names),
    }
}

/// Of several integrations that were to be told, one that does not have it says more than one that does.
fn undelivered<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &'a Flushed,
    foremost: &'a Told,
) -> Result<&'a Told, TimelineError> {
    let hash = notification_hash(&about.alert.labels);
    let notified = flushed.flush.told.iter();
    for told in notified.filter(|told| told.verdict == ToldVerdict::Notify) {
        let intent = past.intent(told.flush_id, &flushed.flush.receiver);
        let is_delivered = follow(about, intent, hash)?
            .is_none_or(|it| matches!(it.state, State::Ended(Outcome::Delivered, _)));
        if !is_delivered {
            return Ok(told);
        }
    }
    Ok(foremost)
}

/// The alert passed, and its receiver was told or needed not be.
fn told_or_not<'a>(
    about: &Subjects<'_>,
    past: &'a Past,
    flushed: &Flushed,
    told: &Told,
) -> Result<Finding<'a>, TimelineError> {
    let hash = notification_hash(&about.alert.labels);
    let to = Integration {
        receiver: flushed.flush.receiver.clone(),
        integration: told.integration.clone(),
        index: told.index,
    };
    let last = past.last_told(hash, Some(&to));
    let sending = match (told.verdict, last) {
        (ToldVerdict::Notify, _) => {
            let intent = past.intent(told.flush_id, &to.receiver).or(last);
            follow(about, intent, hash)?
        }
        (_, last) => follow(about, last, hash)?,
    };
    if let Some(ended) = about.life.ended_by(about.at)
        && ended > flushed.at
        && past.place.left_at.is_none()
    {
        return Ok(end_not_due(about, past, flushed, ended, sending));
    }
    let mut finding = match told.verdict {
        ToldVerdict::Notify => match sending {
            Some(sending) => sent(about, past, sending),
            None => Finding::new(
                Because::UnderWay,
                format!(
                    "To be sent to {to} since {}: nothing more is recorded.",
                    about.time(flushed.at)
                ),
            ),
        },
        ToldVerdict::Quarantined => Finding::new(
            Because::Quarantined,
            format!(
                "Not sent to {to} at {}: quarantined, sending it did harm, and it is the same still.",
                about.time(flushed.at)
            ),
        ),
        ToldVerdict::Superseded => Finding::new(
            Because::Superseded,
            format!(
                "Not sent to {to} again at {}: superseded, a crash left unknown whether it has the notification, and by then it would have been another one, or none.",
                about.time(flushed.at)
            ),
        ),
        ToldVerdict::AssumedDelivered => Finding::new(
            Because::AssumedDelivered,
            format!(
                "Not sent to {to} again at {}: assumed delivered, a crash left unknown whether it has the notification, and the configuration takes it as sent.",
                about.time(flushed.at)
            ),
        ),
        ToldVerdict::NothingToSend => Finding::new(
            Because::NothingToSend,
            format!(
                "Not sent to {to} at {}: nothing to send, only resolved alerts were left, of which this integration is not told (send_resolved: false).",
                about.time(flushed.at)
            ),
        ),
        ToldVerdict::NothingChanged | ToldVerdict::Unknown => {
            unchanged(about, past, flushed, &to, sending)
        }
    };
    add_times(&mut finding.evidence, flushed);
    if told.verdict == ToldVerdict::Notify {
        finding.evidence.add("reason", told.reason);
        let news = [
            ("newly firing", &told.added),
            ("no longer firing", &told.ended),
        ];
        for (name, hashes) in news {
            if !hashes.is_empty() {
                finding.evidence.add(name, hashes.len());
            }
        }
    }
    for other in flushed.flush.told.iter().filter(|other| *other != told) {
        let text = format!("{}[{}]: {}", other.integration, other.index, other.verdict);
        finding.evidence.add("also", text);
    }
    Ok(finding)
}

fn follow(
    about: &Subjects<'_>,
    intent: Option<&Entry>,
    hash: u64,
) -> Result<Option<Sending>, TimelineError> {
    match intent {
        Some(intent) => Sending::follow(about.timeline, intent, hash),
        None => Ok(None),
    }
}

/// It ended after the last flush.
fn end_not_due<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    ended: WallTime,
    sending: Option<Sending>,
) -> Finding<'a> {
    let told = match &sending {
        Some(Sending {
            state: State::Ended(Outcome::Delivered, at),
            ..
        }) => format!(" That it fires was delivered at {}.", clock(*at, about.at)),
        _ => String::new(),
    };
    let sentence = format!(
        "Its end at {} is not sent{} yet: not due, its group is flushed next at {}.{told}",
        about.time(ended),
        whom(past),
        clock(flushed.flush.next_at, ended),
    );
    let mut finding = Finding::new(Because::NotDue, sentence).with("ended", moment(ended));
    add_times(&mut finding.evidence, flushed);
    finding.sending = sending;
    finding
}

/// It was decided to send it.
fn sent<'a>(about: &Subjects<'_>, past: &Past, sending: Sending) -> Finding<'a> {
    let (to, since) = (&sending.to, about.time(sending.since));
    let reason = &sending.reason;
    let left = past.place.left_at.map_or(String::new(), |left_at| {
        let left_at = about.time(left_at);
        format!("; it left its group at {left_at}, and was not received again since")
    });
    let (because, sentence) = match sending.state {
        State::Ended(Outcome::Delivered, at) => {
            let tried = match sending.failures {
                0 => String::new(),
                _ => format!(
                    ", after the send had failed {} since {}",
                    sending.failed_how_often(),
                    clock(sending.since, at)
                ),
            };
            (
                Because::Delivered,
                format!(
                    "Delivered to {to} at {} ({reason}){tried}{left}.",
                    about.time(at)
                ),
            )
        }
        State::Ended(Outcome::Failed, at) => (
            Because::Failed,
            format!(
                "Not delivered to {to}: the send failed {}, the last time at {}; the next flush tries again.",
                sending.failed_how_often(),
                about.time(at)
            ),
        ),
        State::Ended(Outcome::Superseded, at) => (
            Because::Superseded,
            format!(
                "In doubt: whether {to} has the notification of {since} is not known, a crash came in between; at {} it was superseded by another one, or by none.",
                clock(at, sending.since)
            ),
        ),
        State::Ended(Outcome::AssumedDelivered, at) => (
            Because::AssumedDelivered,
            format!(
                "Assumed delivered to {to}: a crash left unknown whether it has the notification of {since}; it was taken as sent at {}.",
                clock(at, sending.since)
            ),
        ),
        State::Ended(Outcome::Quarantined, at) => (
            Because::Quarantined,
            format!(
                "Not delivered to {to}: quarantined at {}, sending it did harm.",
                about.time(at)
            ),
        ),
        State::Ended(Outcome::NothingToSend, at) => (
            Because::NothingToSend,
            format!(
                "Not sent to {to} at {}: there was nothing to send.",
                about.time(at)
            ),
        ),
        State::Open(at) => (
            Because::UnderWay,
            match sending.failures {
                0 => format!(
                    "Under way or in doubt: being sent to {to} since {} ({reason}), and there is no result yet.",
                    about.time(at)
                ),
                _ => format!(
                    "Under way or in doubt: being sent to {to} since {} ({reason}), and there is no result yet; before, the send failed {}.",
                    about.time(at),
                    sending.failed_how_often()
                ),
            },
        ),
    };
    let mut finding = Finding::new(because, sentence);
    finding.evidence.add("decided", moment(sending.since));
    if sending.failures > 0 {
        finding.evidence.add("failed", sending.failed_how_often());
    }
    if !sending.detail.is_empty() {
        finding.evidence.add("last error", &sending.detail);
    }
    let attempts = sending
        .entries
        .iter()
        .rev()
        .find_map(|entry| match &entry.what {
            What::Attempted { attempts, .. } => attempts.last(),
            _ => None,
        });
    if let Some(last) = attempts {
        finding
            .evidence
            .add("last attempt took", took(last.duration_us));
    }
    let key = sending
        .idempotency_key
        .iter()
        .map(|byte| format!("{byte:02x}"));
    finding
        .evidence
        .add("idempotency key", key.collect::<String>());
    finding.sending = Some(sending);
    finding
}

/// It passed, and the receiver knew all of it.
fn unchanged<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    to: &Integration,
    sending: Option<Sending>,
) -> Finding<'a> {
    let at = about.time(flushed.at);
    let Some(sending) = sending else {
        return never_told(about, past, flushed, to);
    };
    if let (Some(left_at), Some(ended)) = (past.place.left_at, about.life.ended_by(about.at)) {
        let (ended, left_at) = (clock(ended, about.at), clock(left_at, about.at));
        let found = match sending.state {
            State::Ended(Outcome::Delivered | Outcome::AssumedDelivered, _)
                if !sending.is_end_told =>
            {
                Some((
                    Because::NothingToSend,
                    format!(
                        "Not sent to {to} at {}: it ended at {ended}, of which this integration is not told (send_resolved: false), and it left its group at {left_at}; it was not received again since.",
                        about.time(about.at)
                    ),
                ))
            }
            State::Ended(Outcome::Delivered | Outcome::AssumedDelivered, _) => Some((
                Because::ToldAndForgotten,
                format!(
                    "Not sent to {to} at {}: it ended at {ended}, that was told, and it left its group at {left_at}; it was not received again since.",
                    about.time(about.at)
                ),
            )),
            State::Ended(Outcome::Failed, _) => Some((
                Because::Failed,
                format!(
                    "Not delivered to {to}: the send failed {}, it ended at {ended} before it could be told, and left its group at {left_at}.",
                    sending.failed_how_often()
                ),
            )),
            _ => None,
        };
        if let Some((because, sentence)) = found {
            let mut finding = Finding::new(because, sentence);
            finding.sending = Some(sending);
            return finding;
        }
    }
    let sentence = match sending.state {
        State::Ended(Outcome::Delivered, told_at) => format!(
            "Not sent to {to} again at {at}: nothing had changed since it was told at {} ({}).",
            clock(told_at, flushed.at),
            sending.reason
        ),
        _ => format!("Not sent to {to} at {at}: nothing had changed."),
    };
    let mut finding = Finding::new(Because::NothingChanged, sentence);
    finding.sending = Some(sending);
    finding
}

/// Nothing had changed, and no notification of the alert is known.
fn never_told<'a>(
    about: &Subjects<'_>,
    past: &Past,
    flushed: &Flushed,
    to: &Integration,
) -> Finding<'a> {
    let at = about.time(flushed.at);
    if let Some(ended) = about.life.ended_by(flushed.at)
        && past.place.since.is_some()
    {
        let began = about.life.starts_at.unwrap_or(ended);
        let sentence = format!(
            "Not sent to {to}: it fired at {} and resolved at {}, before its group was due at {}.",
            about.time(began),
            clock(ended, began),
            clock(flushed.flush.due_at, began)
        );
        return Finding::new(Because::ResolvedBeforeFlush, sentence);
    }
    let sentence = format!(
        "Not sent to {to} at {at}: nothing had changed since it was told, which was before history begins."
    );
    Finding::new(Because::NothingChanged, sentence)
}

/// ` to team-x`, as far as it is known.
fn whom(past: &Past) -> String {
    past.receiver()
        .map_or(String::new(), |receiver| format!(" to {receiver}"))
}

/// When the group was due and was flushed, or how often with the same result; and when it is flushed next.
fn add_times(evidence: &mut Evidence, flushed: &Flushed) {
    let flush = &flushed.flush;
    if flushed.times > 1 {
        let (from, until) = (moment(flushed.from), clock(flushed.until, flushed.from));
        let times = flushed.times;
        let text = format!("{from} to {until}, {times} times with the same result");
        evidence.add("flushed", text);
    } else {
        evidence.add("due", moment(flush.due_at));
        evidence.add("flushed", moment(flushed.at));
    }
    if flush.next_at > flush.due_at {
        evidence.add("next flush", moment(flush.next_at));
    }
}

/// The beginning of a UUID is enough to recognise it.
fn shortened(id: &str) -> String {
    match id.get(..8) {
        Some(first) if id.len() > 12 => format!("{first}…"),
        _ => id.to_owned(),
    }
}
