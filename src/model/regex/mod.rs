//! Go's regular expressions on top of the `regex` crate.
//!
//! Both are descendants of RE2 and match alike, but their syntax differs in many small ways: Go's
//! classes are ASCII, it quotes with `\Q…\E`, takes `{` for itself where no count follows, and
//! refuses `a**`. The pattern is read by Go's rules here ([`reader`]), with Go's errors, and written
//! anew by those of the crate. The rules are those of Go 1.25 and later.
//!
//! Bounds: Go's own (1000 repetitions, also of repetitions; 1000 levels; some 3 million steps), and
//! [`COMPILED_BYTES_MAX`]. What is beyond is refused with Go's `expression too large`.

mod anchored;
mod class;
mod escape;
mod limits;
mod reader;
mod unicode;

pub use anchored::AnchoredRegex;

use regex::{Regex, RegexBuilder};

/// What a compiled pattern may occupy: the default of the crate, and hundreds of times what a pattern
/// written by hand needs. A pattern compiles in a fraction of a second up to there.
pub const COMPILED_BYTES_MAX: usize = 10 << 20;

/// Levels of a pattern that the crate accepts. Go's bound is checked before; some of Go's levels are
/// two of the crate.
const CRATE_NESTING_MAX: u32 = 3 * limits::HEIGHT_MAX;

/// Why a text is no regular expression, in the words of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {code}: `{fragment}`")]
pub struct RegexError {
    code: &'static str,
    fragment: String,
}

impl RegexError {
    fn new(code: &'static str, fragment: impl Into<String>) -> Self {
        Self {
            code,
            fragment: fragment.into(),
        }
    }
}

/// Compiles a pattern, and lists the names of its groups: empty for those without one; the first is
/// the whole match.
///
/// # Errors
/// If Go would not compile it, or the result is too large.
pub fn compile(pattern: &[u8]) -> Result<(Regex, Vec<String>), RegexError> {
    let text = match std::str::from_utf8(pattern) {
        Ok(text) => text,
        Err(error) => {
            let rest = pattern.get(error.valid_up_to()..).unwrap_or_default();
            let rest = String::from_utf8_lossy(rest);
            return Err(RegexError::new("invalid UTF-8", rest));
        }
    };
    let translation = reader::translate(text)?;
    let regex = RegexBuilder::new(&translation.pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .nest_limit(CRATE_NESTING_MAX)
        .build()
        .map_err(|_| RegexError::new(limits::TOO_LARGE, text))?;
    Ok((regex, translation.names))
}

#[cfg(test)]
mod tests;
