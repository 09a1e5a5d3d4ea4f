//! `POST /api/v2/silences`: from bytes to a silence that may be stored (`http-api.md` §5.7).

use gotemplate::strconv::quote;

use super::decode::{BodyError, DateTime, PostedMatcher, PostedSilence, decode_silence};
use super::fault::Fault;
use crate::api::backend::NewSilence;
use crate::model::{LabelSet, Matcher, Mode, Operator, regex};
use crate::sys::WallTime;

/// Reads a body, received at this time.
///
/// # Errors
/// That it is refused.
pub fn receive(body: &[u8], mode: Mode, now: WallTime) -> Result<NewSilence, Fault> {
    let posted = decode_silence(body).map_err(|error| match error {
        BodyError::Empty => Fault::required("silence in body"),
        BodyError::Malformed(text) => Fault::unread("silence", &text),
    })?;
    let (starts_at, ends_at) = check_shape(&posted)?;
    if starts_at >= ends_at {
        let text = "Failed to create silence: start time must be before end time";
        return Err(Fault::bad(text));
    }
    if ends_at.to_wall() < now {
        let text = "Failed to create silence: end time can't be in the past";
        return Err(Fault::bad(text));
    }
    let posted_matchers = posted.matchers.as_deref().unwrap_or_default();
    let mut matchers = Vec::with_capacity(posted_matchers.len());
    for (index, posted) in posted_matchers.iter().flatten().enumerate() {
        matchers.push(matcher(posted, index, mode)?);
    }
    if matchers.iter().all(can_match_nothing) {
        let text = "matcher set 0: at least one matcher must not match the empty string";
        return Err(invalid(text));
    }
    let starts_at = match starts_at.is_zero() {
        true => now,
        false => starts_at.to_wall(),
    };
    if ends_at.to_wall() < starts_at {
        return Err(invalid("end time must not be before start time"));
    }
    let annotations = posted
        .annotations
        .iter()
        .map(|(name, value)| (&**name, &**value));
    Ok(NewSilence {
        matchers,
        starts_at,
        ends_at: ends_at.to_wall(),
        annotations: LabelSet::new(annotations),
        id: posted.id.into_owned(),
        created_by: posted.created_by.unwrap_or_default().into_owned(),
        comment: posted.comment.unwrap_or_default().into_owned(),
        received_at: now,
    })
}

/// What the framework checks, in its order; what is left of it are the times. (Of a matcher that is
/// `null` it makes a panic.)
fn check_shape(posted: &PostedSilence<'_>) -> Result<(DateTime, DateTime), Fault> {
    let required = |what: &str| Fault::required(&format!("{what} in body"));
    if posted.comment.is_none() {
        return Err(required("comment"));
    }
    if posted.created_by.is_none() {
        return Err(required("createdBy"));
    }
    let ends_at = posted.ends_at.ok_or_else(|| required("endsAt"))?;
    let matchers = posted
        .matchers
        .as_ref()
        .ok_or_else(|| required("matchers"))?;
    if matchers.is_empty() {
        let message = "matchers in body should have at least 1 items".to_owned();
        return Err(Fault::Refused { code: 612, message });
    }
    for (index, matcher) in matchers.iter().enumerate() {
        let Some(matcher) = matcher else {
            return Err(required(&format!("matchers.{index}")));
        };
        let missing = [
            ("isRegex", matcher.is_regex.is_none()),
            ("name", matcher.name.is_none()),
            ("value", matcher.value.is_none()),
        ];
        if let Some((name, _)) = missing.iter().find(|(_, is_missing)| *is_missing) {
            return Err(required(&format!("matchers.{index}.{name}")));
        }
    }
    let starts_at = posted.starts_at.ok_or_else(|| required("startsAt"))?;
    Ok((starts_at, ends_at))
}

fn matcher(posted: &PostedMatcher<'_>, index: usize, mode: Mode) -> Result<Matcher, Fault> {
    let wrong = |what: String| invalid(&format!("invalid label matcher {index} in set 0: {what}"));
    let name = posted.name.as_deref().unwrap_or_default();
    let value = posted.value.as_deref().unwrap_or_default();
    if !mode.name_rule().allows(name) {
        return Err(wrong(format!(
            "invalid label name {}",
            quote(name.as_bytes())
        )));
    }
    let is_regex = posted.is_regex.unwrap_or_default();
    let operator = Operator::from_flags(is_regex, posted.is_equal.unwrap_or(true));
    let bad_regex = |error| {
        let value = quote(value.as_bytes());
        wrong(format!("invalid regular expression {value}: {error}"))
    };
    if is_regex {
        // Checked as it stands there, and not with anchors around it.
        regex::compile(value.as_bytes()).map_err(bad_regex)?;
    }
    Matcher::new(name, operator, value).map_err(bad_regex)
}

/// Whether it is like the empty text. Upstream does not ask that of negative matchers.
fn can_match_nothing(matcher: &Matcher) -> bool {
    matcher.operator().is_equal() && matcher.matches_value("")
}

fn invalid(what: &str) -> Fault {
    Fault::bad(format!("invalid silence: {what}"))
}
