//! From a question to an answer.

use super::answer::{Answer, Because, Evidence, ShownAlert, clock, moment};
use super::{ALERTS_MAX, Asked, Context, Question, WhyError};
use crate::history::timeline::Timeline;
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
    let mut found = found(timeline, &question.alert)?;
    let from = timeline.horizon();
    let (because, sentence) = match from {
        Some(from) if at < from => (Because::BeforeHistory, before_history(at, from)),
        _ => (Because::NotReceived, not_received(from, at)),
    };
    let alert = (!found.is_empty()).then(|| found.remove(0));
    Ok(Answer {
        sentence,
        because,
        at,
        alert,
        others: found,
        receiver: question.receiver.clone(),
        evidence: Evidence::default(),
        timeline: Vec::new(),
        history_from: from,
    })
}

fn found(timeline: &dyn Timeline, asked: &Asked) -> Result<Vec<ShownAlert>, WhyError> {
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
    let shown = found.into_iter().map(|(fingerprint, labels)| ShownAlert {
        fingerprint,
        labels,
    });
    Ok(shown.collect())
}

fn before_history(at: WallTime, from: WallTime) -> String {
    format!(
        "Not known: history begins at {}, later than the time asked, {}.",
        moment(from),
        moment(at)
    )
}

fn not_received(from: Option<WallTime>, at: WallTime) -> String {
    match from {
        Some(from) => format!(
            "No such alert was received between {} and {}.",
            moment(from),
            clock(at, from)
        ),
        None => "No such alert was received: there is no history.".to_owned(),
    }
}
