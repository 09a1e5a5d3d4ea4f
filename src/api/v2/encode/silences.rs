//! Silences.

use std::sync::Arc;

use super::json::{Escape, comma, instant, labels, string};
use crate::api::backend::Silence;
use crate::sys::WallTime;

/// What a silence does now, in the order in which silences are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SilenceState {
    /// It silences.
    Active,
    /// It will.
    Pending,
    /// It did.
    Expired,
}

impl SilenceState {
    /// The state of a silence at some time.
    #[must_use]
    pub fn of(silence: &Silence, now: WallTime) -> Self {
        match () {
            () if now < silence.starts_at => Self::Pending,
            () if now < silence.ends_at => Self::Active,
            () => Self::Expired,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// A list of silences.
///
/// # Errors
/// The text about the first that cannot be written.
pub fn silences(list: &[Arc<Silence>], now: WallTime) -> Result<Vec<u8>, String> {
    let mut out = vec![b'['];
    for (index, it) in list.iter().enumerate() {
        comma(&mut out, index);
        object(&mut out, it, now)?;
    }
    out.extend_from_slice(b"]\n");
    Ok(out)
}

/// One silence.
///
/// # Errors
/// A text about it, if it cannot be written.
pub fn silence(silence: &Silence, now: WallTime) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    object(&mut out, silence, now)?;
    out.push(b'\n');
    Ok(out)
}

fn object(out: &mut Vec<u8>, silence: &Silence, now: WallTime) -> Result<(), String> {
    if silence.matcher_sets.len() > 1 {
        let id = &silence.id;
        return Err(format!(
            "silence '{id}' has multiple matcher sets which is not supported by this API version"
        ));
    }
    out.extend_from_slice(b"{\"id\":");
    string(out, &silence.id, Escape::Html);
    out.extend_from_slice(b",\"status\":{\"state\":\"");
    out.extend_from_slice(SilenceState::of(silence, now).as_str().as_bytes());
    out.extend_from_slice(b"\"},\"updatedAt\":");
    instant(out, silence.updated_at);
    if !silence.annotations.is_empty() {
        out.extend_from_slice(b",\"annotations\":");
        labels(out, &silence.annotations, Escape::Html);
    }
    out.extend_from_slice(b",\"comment\":");
    string(out, &silence.comment, Escape::Html);
    out.extend_from_slice(b",\"createdBy\":");
    string(out, &silence.created_by, Escape::Html);
    out.extend_from_slice(b",\"endsAt\":");
    instant(out, silence.ends_at);
    out.extend_from_slice(b",\"matchers\":[");
    for (index, matcher) in silence.matcher_sets.iter().flatten().enumerate() {
        comma(out, index);
        let operator = matcher.operator();
        let (is_equal, is_regex) = (operator.is_equal(), operator.is_regex());
        let flags = format!("{{\"isEqual\":{is_equal},\"isRegex\":{is_regex},\"name\":");
        out.extend_from_slice(flags.as_bytes());
        string(out, matcher.name(), Escape::Html);
        out.extend_from_slice(b",\"value\":");
        string(out, matcher.value(), Escape::Html);
        out.push(b'}');
    }
    out.extend_from_slice(b"],\"startsAt\":");
    instant(out, silence.starts_at);
    out.push(b'}');
    Ok(())
}
