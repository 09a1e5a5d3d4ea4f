//! From a question to an answer: which alert, which group, which flush.

use super::answer::{Answer, Because, Evidence, ShownAlert, clock, moment};
use super::flushes::Past;
use super::life::{Life, received_after, sender_of};
use super::line::line;
use super::say::{Finding, Subjects, say};
use super::{ALERTS_MAX, Asked, Context, LINES_MAX, Question, WhyError};
use crate::history::entry::{Entry, Subject};
use crate::history::timeline::{Order, Span, Timeline, TimelineError};
use crate::model::Fingerprint;
use crate::sys::WallTime;

/// Answers a question.
///
/// # Errors
/// That history cannot be read, or that the question makes no sense.
pub fn why(
    timeline: &dyn Timeline,
    question: &Question,
    context: &Context<'_>,
) -> Result<Answer, WhyError> {
    let at = question.at.unwrap_or(context.now);
    if at > context.now {
        let now = context.now;
        return Err(WhyError::Future { at, now });
    }
    let receiver = question.receiver.as_deref();
    if let Some(name) = receiver {
        check_receiver(timeline, name, context)?;
    }
    let from = timeline.horizon();
    let (alert, life, others) = choose(timeline, &question.alert, at)?;
    let mut answer = Answer {
        sentence: String::new(),
        because: Because::NotReceived,
        at,
        alert,
        others,
        receiver: question.receiver.clone(),
        evidence: Evidence::default(),
        timeline: Vec::new(),
        history_from: from,
    };
    if let Some(from) = from
        && at < from
    {
        answer.because = Because::BeforeHistory;
        answer.sentence = format!(
            "Not known: history begins at {}, later than the time asked, {}.",
            moment(from),
            clock(at, from)
        );
        return Ok(answer);
    }
    let Some(alert) = answer.alert.clone().filter(|_| life.is_known()) else {
        answer.sentence = not_received(timeline, answer.alert.as_ref(), from, at)?;
        return Ok(answer);
    };
    let mut pasts = Vec::new();
    for place in &life.places {
        pasts.push(Past::read(timeline, *place, &alert, at)?);
    }
    let subjects = Subjects {
        timeline,
        alert: &alert,
        life: &life,
        receiver,
        at,
        now: context.now,
    };
    let finding = say(&subjects, &pasts)?;
    fill(&mut answer, &subjects, finding)?;
    Ok(answer)
}

/// Moves what was found into the answer.
fn fill(
    answer: &mut Answer,
    subjects: &Subjects<'_>,
    finding: Finding<'_>,
) -> Result<(), TimelineError> {
    let Finding {
        because,
        sentence,
        mut evidence,
        past,
        sending,
    } = finding;
    let life = subjects.life;
    let mut entries: Vec<&Entry> = life.entries.iter().collect();
    if let Some(past) = past {
        let receiver = past.receiver().map(str::to_owned);
        answer.receiver = answer.receiver.take().or(receiver);
        if let Some(facts) = &past.facts {
            evidence.add("group", &facts.key);
        }
        if let Some(route) = past.route() {
            evidence.add("route", route);
        }
        entries.extend(&past.entries);
    }
    entries.extend(sending.iter().flat_map(|sending| &sending.entries));
    if let Some((received_at, lsn)) = life.received {
        evidence.add("received", moment(received_at));
        if let Some(sender) = sender_of(subjects.timeline, received_at, lsn)? {
            evidence.add("received from", sender);
        }
    }
    entries.sort_by_key(|entry| entry.position);
    entries.dedup_by_key(|entry| entry.position);
    let skipped = entries.len().saturating_sub(LINES_MAX);
    let lines = entries.iter().skip(skipped);
    let lines = lines.map(|entry| line(subjects.timeline, entry));
    answer.timeline = lines.collect::<Result<_, _>>()?;
    answer.because = because;
    answer.sentence = sentence;
    answer.evidence = evidence;
    Ok(())
}

/// The alert that the question is about, its life, and the others that match.
fn choose(
    timeline: &dyn Timeline,
    asked: &Asked,
    at: WallTime,
) -> Result<(Option<ShownAlert>, Life, Vec<ShownAlert>), WhyError> {
    let found = match asked {
        Asked::Matchers(matchers) => timeline.find(matchers, ALERTS_MAX)?,
        Asked::Fingerprint(fingerprint) => {
            let labels = timeline.alert(*fingerprint)?;
            labels
                .map(|labels| (*fingerprint, labels))
                .into_iter()
                .collect()
        }
    };
    let mut newest: Option<(WallTime, usize)> = None;
    for (place, (fingerprint, _)) in found.iter().enumerate().skip(usize::from(found.len() == 1)) {
        let Some(seen_at) = last_seen(timeline, *fingerprint, at)? else {
            continue;
        };
        if newest.is_none_or(|(known, _)| known < seen_at) {
            newest = Some((seen_at, place));
        }
    }
    let chosen = newest.map_or(0, |(_, place)| place);
    let mut shown: Vec<ShownAlert> = found
        .into_iter()
        .map(|(fingerprint, labels)| ShownAlert {
            fingerprint,
            labels,
        })
        .collect();
    if shown.is_empty() {
        return Ok((None, Life::default(), shown));
    }
    let alert = shown.remove(chosen);
    let life = Life::read(timeline, alert.fingerprint, at)?;
    Ok((Some(alert), life, shown))
}

fn last_seen(
    timeline: &dyn Timeline,
    alert: Fingerprint,
    at: WallTime,
) -> Result<Option<WallTime>, TimelineError> {
    let mut seen_at = None;
    let subject = Subject::Alert(alert);
    timeline.scan(
        &subject,
        Span::up_to(at),
        Order::NewestFirst,
        &mut |entry| {
            seen_at = Some(entry.until.min(at));
            std::ops::ControlFlow::Break(())
        },
    )?;
    Ok(seen_at)
}

fn not_received(
    timeline: &dyn Timeline,
    alert: Option<&ShownAlert>,
    from: Option<WallTime>,
    at: WallTime,
) -> Result<String, TimelineError> {
    let Some(from) = from else {
        return Ok("No such alert was received: there is no history.".to_owned());
    };
    let sentence = format!(
        "No such alert was received between {} and {}",
        moment(from),
        clock(at, from)
    );
    let first = match alert {
        Some(alert) => received_after(timeline, alert.fingerprint, at)?,
        None => None,
    };
    Ok(match first {
        Some(first) => format!("{sentence}; it came first at {}.", clock(first, at)),
        None => format!("{sentence}."),
    })
}

fn check_receiver(
    timeline: &dyn Timeline,
    name: &str,
    context: &Context<'_>,
) -> Result<(), WhyError> {
    let Some(policy) = context.policy else {
        return Ok(());
    };
    if policy.receivers.contains_key(name) {
        return Ok(());
    }
    let mut is_known = false;
    let subject = Subject::Receiver(name.into());
    timeline.scan(&subject, Span::ALL, Order::NewestFirst, &mut |_| {
        is_known = true;
        std::ops::ControlFlow::Break(())
    })?;
    match is_known {
        true => Ok(()),
        false => Err(WhyError::UnknownReceiver {
            name: name.to_owned(),
            known: policy.receivers.keys().map(ToString::to_string).collect(),
        }),
    }
}
