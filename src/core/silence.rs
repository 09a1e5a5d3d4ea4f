//! A silence: matchers, a span of time, and who said so.
//!
//! ```text
//!  pending ── startsAt ──► active ── after endsAt ──► expired ── endsAt + retention ──► collected
//! ```
//!
//! Alertmanager 0.34, `silence/silence.go`: at both ends of its span a silence is active.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

use crate::model::{Duration, LabelSet, Matcher, Matchers, Operator};
use crate::sys::WallTime;

use super::proto::{self, MeshSilence, ProtoError, time};
use super::time::after;

/// Where in its life a silence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SilenceState {
    /// It mutes.
    Active,
    /// It will.
    Pending,
    /// It did.
    Expired,
}

/// A silence as the core holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// A UUID.
    pub id: Arc<str>,
    /// From when on.
    pub starts_at: WallTime,
    /// Until when.
    pub ends_at: WallTime,
    /// When it was changed last.
    pub updated_at: WallTime,
    /// When it is to be forgotten.
    pub expires_at: WallTime,
    /// Who.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is to be known.
    pub annotations: BTreeMap<String, String>,
    /// One of these sets has to match. Empty if one cannot be compiled: such a silence, which only a
    /// peer can send, is listed and mutes nothing.
    pub matcher_sets: Vec<Matchers>,
    /// Why a set cannot be compiled.
    pub fault: Option<String>,
    encoded: Box<[u8]>,
}

impl Silence {
    /// Reads a `MeshSilence`.
    ///
    /// # Errors
    /// If the bytes are no such message, or there is no silence in it.
    pub fn read(encoded: &[u8]) -> Result<Self, ProtoError> {
        let mesh = MeshSilence::decode(encoded)?;
        let mut silence = mesh.silence.ok_or(ProtoError::InvalidState)?;
        if let Some(first) = silence.comments.first() {
            silence.created_by.clone_from(&first.author);
            silence.comment.clone_from(&first.comment);
        }
        if silence.matcher_sets.is_empty() && !silence.matchers.is_empty() {
            silence.matcher_sets = vec![proto::MatcherSet {
                matchers: std::mem::take(&mut silence.matchers),
            }];
        }
        let compiled: Result<Vec<Matchers>, String> =
            silence.matcher_sets.iter().map(compile).collect();
        let (matcher_sets, fault) = match compiled {
            Ok(sets) => (sets, None),
            Err(fault) => (Vec::new(), Some(fault)),
        };
        Ok(Self {
            id: silence.id.into(),
            starts_at: time(silence.starts_at),
            ends_at: time(silence.ends_at),
            updated_at: time(silence.updated_at),
            expires_at: time(mesh.expires_at),
            created_by: silence.created_by,
            comment: silence.comment,
            annotations: silence.annotations,
            matcher_sets,
            fault,
            encoded: encoded.into(),
        })
    }

    /// The message.
    #[must_use]
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Where in its life it is.
    #[must_use]
    pub fn state_at(&self, at: WallTime) -> SilenceState {
        if at < self.starts_at {
            return SilenceState::Pending;
        }
        match at > self.ends_at {
            true => SilenceState::Expired,
            false => SilenceState::Active,
        }
    }

    /// Whether it is about alerts of these labels.
    #[must_use]
    pub fn matches(&self, labels: &LabelSet) -> bool {
        self.matcher_sets
            .iter()
            .any(|set| !set.is_empty() && set.matches(labels))
    }

    /// Ends it at once.
    #[must_use]
    pub(super) fn expired(&self, now: WallTime, retention: Duration) -> Option<Self> {
        let mut ended = self.clone();
        match self.state_at(now) {
            SilenceState::Expired => return None,
            SilenceState::Active => {}
            SilenceState::Pending => ended.starts_at = now,
        }
        ended.ends_at = now;
        ended.updated_at = now;
        ended.expires_at = after(now, retention);
        ended.write();
        Some(ended)
    }

    /// Makes the message anew from the fields that can change.
    fn write(&mut self) {
        let mut mesh = MeshSilence::decode(self.encoded()).unwrap_or_default();
        if let Some(silence) = &mut mesh.silence {
            silence.starts_at = Some(self.starts_at.into());
            silence.ends_at = Some(self.ends_at.into());
            silence.updated_at = Some(self.updated_at.into());
            if silence.matchers.is_empty()
                && let Some(first) = silence.matcher_sets.first()
            {
                silence.matchers.clone_from(&first.matchers);
            }
        }
        mesh.expires_at = Some(self.expires_at.into());
        self.encoded = mesh.encode_to_vec().into();
    }
}

/// How the message numbers operators.
const KINDS: [Operator; 4] = [
    Operator::Equal,
    Operator::Regex,
    Operator::NotEqual,
    Operator::NotRegex,
];

/// A matcher as a message.
pub(super) fn matcher_message(name: &str, operator: Operator, value: &str) -> proto::Matcher {
    let kind = (0..).zip(KINDS).find(|(_, kind)| *kind == operator);
    proto::Matcher {
        kind: kind.map_or(0, |(number, _)| number),
        name: name.to_owned(),
        pattern: value.to_owned(),
    }
}

fn compile(set: &proto::MatcherSet) -> Result<Matchers, String> {
    let matchers = set.matchers.iter().map(|matcher| {
        let kind = usize::try_from(matcher.kind).ok();
        let Some(operator) = kind.and_then(|kind| KINDS.get(kind).copied()) else {
            return Err(format!("unknown matcher type \"{}\"", matcher.kind));
        };
        Matcher::new(matcher.name.as_str(), operator, matcher.pattern.as_str())
            .map_err(|error| error.to_string())
    });
    matchers.collect()
}
