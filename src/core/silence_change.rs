//! What it takes to create or change a silence: validation, and the choice between a change in place and
//! a replacement.
//!
//! Alertmanager 0.34, `silence/silence.go`. A silence is changed in place if its matchers stay what they
//! are, and its past is not touched: an active one keeps its beginning (to the second) and does not end
//! before now; one that is pending does not begin before now; one that has expired is never changed.
//! Otherwise the old one is expired and a new one takes its place, which needs a free slot.

use std::collections::BTreeMap;

use gotemplate::strconv::quote;
use prost::Message;

use crate::model::{NameRule, Operator, regex};
use crate::record::{Record, SilenceExpireV1, SilenceSetV1};
use crate::sys::WallTime;

use super::limits::Limits;
use super::policy::Policy;
use super::proto::{MatcherSet, MeshSilence, Silence as SilenceMessage};
use super::silence::{Silence, SilenceState, matcher_message};
use super::silences::Silences;
use super::time::after;

const SECOND_NS: i64 = 1_000_000_000;

/// A silence as someone wants it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SilenceDraft {
    /// The silence to change; empty for a new one.
    pub id: String,
    /// Name, operator and value of the matchers of each set.
    pub matcher_sets: Vec<Vec<(String, Operator, String)>>,
    /// From when on; absent for now.
    pub starts_at: Option<WallTime>,
    /// Until when.
    pub ends_at: Option<WallTime>,
    /// Who.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is to be known.
    pub annotations: BTreeMap<String, String>,
}

/// Why a silence cannot be as someone wants it, in the words of Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// It makes no sense.
    #[error("invalid silence: {0}")]
    Invalid(String),
    /// There is none of that id.
    #[error("silence not found")]
    NotFound,
    /// There are too many already.
    #[error("exceeded maximum number of silences: {count} (limit: {limit})")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: u32,
    },
    /// It is too large.
    #[error("silence exceeded maximum size: {bytes} bytes (limit: {limit} bytes)")]
    TooLarge {
        /// How large it would be.
        bytes: usize,
        /// How large it may be.
        limit: u32,
    },
}

/// What is to be appended to the log so that a silence becomes what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SilenceChange {
    /// The id that the silence has then.
    pub id: String,
    /// The records, in this order, in one batch.
    pub records: Vec<Record>,
    /// Whether it is a new silence, as opposed to a change in place.
    pub is_new: bool,
}

/// Who changes silences, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) tenant: &'a str,
    pub(super) policy: &'a Policy,
    pub(super) names: NameRule,
    pub(super) now: WallTime,
}

impl Change<'_> {
    /// The records of a creation or change. `new_id` is the id of a new silence, should it become one.
    pub(super) fn set(
        &self,
        silences: &Silences,
        draft: &SilenceDraft,
        new_id: &str,
    ) -> Result<SilenceChange, SilenceError> {
        let starts_at = draft.starts_at.unwrap_or(self.now);
        let ends_at = self.validated(draft, starts_at)?;
        let known = match draft.id.as_str() {
            "" => None,
            id => Some(silences.get(id).ok_or(SilenceError::NotFound)?),
        };
        let mut message = SilenceMessage {
            id: draft.id.clone(),
            starts_at: Some(starts_at.into()),
            ends_at: Some(ends_at.into()),
            updated_at: Some(self.now.into()),
            created_by: draft.created_by.clone(),
            comment: draft.comment.clone(),
            annotations: draft.annotations.clone(),
            matcher_sets: draft.matcher_sets.iter().map(|set| message(set)).collect(),
            ..SilenceMessage::default()
        };
        if let Some(first) = message.matcher_sets.first() {
            message.matchers.clone_from(&first.matchers);
        }
        let limits = &self.policy.limits;
        if let Some(known) = known
            && self.fits_into(known, &message, starts_at, ends_at)
        {
            return Ok(SilenceChange {
                id: draft.id.clone(),
                records: vec![self.record(message, ends_at, limits)?],
                is_new: false,
            });
        }
        if let Some(limit) = limits.silences
            && silences.len() >= limit as usize
        {
            let count = silences.len();
            return Err(SilenceError::TooMany { count, limit });
        }
        new_id.clone_into(&mut message.id);
        message.starts_at = Some(starts_at.max(self.now).into());
        let created = self.record(message, ends_at, limits)?;
        let mut records: Vec<Record> = known
            .and_then(|known| self.expire(known))
            .into_iter()
            .collect();
        records.push(created);
        Ok(SilenceChange {
            id: new_id.to_owned(),
            records,
            is_new: true,
        })
    }

    /// The record that expires a silence; none if it has expired.
    pub(super) fn expire(&self, silence: &Silence) -> Option<Record> {
        (silence.state_at(self.now) != SilenceState::Expired).then(|| {
            Record::SilenceExpire(SilenceExpireV1 {
                tenant: self.tenant.to_owned(),
                received_at_ns: self.now.0,
                silence_id: silence.id.to_string(),
            })
        })
    }

    fn record(
        &self,
        message: SilenceMessage,
        ends_at: WallTime,
        limits: &Limits,
    ) -> Result<Record, SilenceError> {
        let mesh = MeshSilence {
            silence: Some(message),
            expires_at: Some(after(ends_at, self.policy.retention).into()),
        };
        let silence = mesh.encode_to_vec();
        if let Some(limit) = limits.silence_bytes
            && silence.len() > limit as usize
        {
            let bytes = silence.len();
            return Err(SilenceError::TooLarge { bytes, limit });
        }
        Ok(Record::SilenceSet(SilenceSetV1 {
            tenant: self.tenant.to_owned(),
            received_at_ns: self.now.0,
            silence,
        }))
    }

    /// Whether the change can be made in place.
    fn fits_into(
        &self,
        known: &Silence,
        wanted: &SilenceMessage,
        starts_at: WallTime,
        ends_at: WallTime,
    ) -> bool {
        let has_same_matchers = MeshSilence::decode(known.encoded())
            .ok()
            .and_then(|mesh| mesh.silence)
            .is_some_and(|message| message.matcher_sets == wanted.matcher_sets);
        let second = |at: WallTime| at.0.div_euclid(SECOND_NS);
        has_same_matchers
            && match known.state_at(self.now) {
                SilenceState::Active => {
                    second(known.starts_at) == second(starts_at) && ends_at >= self.now
                }
                SilenceState::Pending => starts_at >= self.now,
                SilenceState::Expired => false,
            }
    }

    /// The end of the silence, if it makes sense.
    fn validated(
        &self,
        draft: &SilenceDraft,
        starts_at: WallTime,
    ) -> Result<WallTime, SilenceError> {
        let invalid = |text: String| Err(SilenceError::Invalid(text));
        if draft.matcher_sets.is_empty() {
            return invalid("at least one matcher set required".to_owned());
        }
        for (place, set) in draft.matcher_sets.iter().enumerate() {
            if set.is_empty() {
                return invalid(format!("matcher set {place} is empty"));
            }
            let mut is_content_with_nothing = true;
            for (number, matcher) in set.iter().enumerate() {
                match self.matches_empty(matcher) {
                    Ok(matches) => is_content_with_nothing &= matches,
                    Err(fault) => {
                        return invalid(format!(
                            "invalid label matcher {number} in set {place}: {fault}"
                        ));
                    }
                }
            }
            if is_content_with_nothing {
                return invalid(format!(
                    "matcher set {place}: at least one matcher must not match the empty string"
                ));
            }
        }
        let Some(ends_at) = draft.ends_at else {
            return invalid("invalid zero end timestamp".to_owned());
        };
        if ends_at < starts_at {
            return invalid("end time must not be before start time".to_owned());
        }
        Ok(ends_at)
    }

    /// Whether a matcher is content with an empty value; of negative ones Alertmanager says they never
    /// are.
    fn matches_empty(
        &self,
        (name, operator, value): &(String, Operator, String),
    ) -> Result<bool, String> {
        if !self.names.allows(name) {
            return Err(format!("invalid label name {}", quote(name.as_bytes())));
        }
        if !operator.is_regex() {
            return Ok(*operator == Operator::Equal && value.is_empty());
        }
        let invalid = |error: regex::RegexError| {
            format!(
                "invalid regular expression {}: {error}",
                quote(value.as_bytes())
            )
        };
        let (pattern, _) = regex::compile(value.as_bytes()).map_err(invalid)?;
        // The whole pattern of a matcher is anchored, and has to compile too.
        crate::model::Matcher::new(name.as_str(), *operator, value.as_str()).map_err(invalid)?;
        Ok(*operator == Operator::Regex && pattern.is_match(""))
    }
}

fn message(set: &[(String, Operator, String)]) -> MatcherSet {
    MatcherSet {
        matchers: set
            .iter()
            .map(|(name, operator, value)| matcher_message(name, *operator, value))
            .collect(),
    }
}
