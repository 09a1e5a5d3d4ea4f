//! Which parser reads a text, and what is to be told about it.

use super::{Matcher, MatcherError, Matchers, classic, joined, utf8};
use crate::model::NameRule;

/// How matchers are read.
///
/// Alertmanager 0.34: `--enable-feature=utf8-strict-mode` and `classic-mode`; both together are
/// refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// By both parsers; the classic one has the last word.
    #[default]
    Fallback,
    /// By the UTF-8 parser alone.
    Utf8Strict,
    /// By the classic parser alone.
    Classic,
}

/// What was read, and the warning to log about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The matcher or matchers.
    pub value: T,
    /// What the operator should know.
    pub warning: Option<Warning>,
}

/// A text that the two parsers read differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Only the classic parser can read it.
    Incompatible {
        /// What is wrong in the eyes of the UTF-8 parser.
        error: MatcherError,
        /// The same matchers as both parsers read them.
        suggestion: String,
    },
    /// Both can, and see different matchers.
    Disagreement,
}

impl Warning {
    /// The words of Alertmanager's log.
    #[must_use]
    pub fn message(&self) -> &'static str {
        match self {
            Self::Incompatible { .. } => {
                "Alertmanager is moving to a new parser for labels and matchers, and this input is incompatible. Alertmanager has instead parsed the input using the classic matchers parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make sure all regular expressions and values are double-quoted and backslashes are escaped. If you are still seeing this message please open an issue."
            }
            Self::Disagreement => "Matchers input has disagreement",
        }
    }
}

impl Mode {
    /// The names that labels may have in this mode.
    #[must_use]
    pub fn name_rule(self) -> NameRule {
        match self {
            Self::Fallback | Self::Utf8Strict => NameRule::Utf8,
            Self::Classic => NameRule::Classic,
        }
    }

    /// The words of Alertmanager's log, at the level of debugging, about every text read.
    #[must_use]
    pub fn debug_message(self) -> &'static str {
        match self {
            Self::Fallback => {
                "Parsing with UTF-8 matchers parser, with fallback to classic matchers parser"
            }
            Self::Utf8Strict => "Parsing with UTF-8 matchers parser",
            Self::Classic => "Parsing with classic matchers parser",
        }
    }

    /// Reads a text with any number of matchers, in their order there.
    ///
    /// # Errors
    /// If the text is not in the grammar of this mode.
    pub fn parse_matchers(self, input: &str) -> Result<Parsed<Matchers>, MatcherError> {
        match self {
            Self::Utf8Strict => utf8::matchers(input).map(Parsed::quietly),
            Self::Classic => classic::matchers(input).map(Parsed::quietly),
            Self::Fallback => {
                // Alertmanager compares a list that was never made with one that is empty.
                let differ = |new: &Matchers, old: &Matchers| new != old || new.is_empty();
                either(
                    utf8::matchers(input),
                    classic::matchers(input),
                    differ,
                    |matchers| joined(matchers),
                )
            }
        }
    }

    /// Reads a text with exactly one matcher.
    ///
    /// # Errors
    /// If the text is not in the grammar of this mode, or holds none or several.
    pub fn parse_matcher(self, input: &str) -> Result<Parsed<Matcher>, MatcherError> {
        if self == Self::Classic {
            return classic::matcher(input).map(Parsed::quietly);
        }
        if input.starts_with('{') || input.ends_with('}') {
            let text = format!("unexpected open or close brace: {input}");
            return Err(MatcherError(text));
        }
        if self == Self::Utf8Strict {
            return utf8::matcher(input).map(Parsed::quietly);
        }
        either(
            utf8::matcher(input),
            classic::matcher(input),
            PartialEq::ne,
            ToString::to_string,
        )
    }
}

impl<T> Parsed<T> {
    fn quietly(value: T) -> Self {
        Self {
            value,
            warning: None,
        }
    }
}

fn either<T>(
    new: Result<T, MatcherError>,
    classic: Result<T, MatcherError>,
    differ: impl Fn(&T, &T) -> bool,
    suggest: impl Fn(&T) -> String,
) -> Result<Parsed<T>, MatcherError> {
    match (new, classic) {
        (Err(_), Err(error)) => Err(error),
        (Ok(new), Err(_)) => Ok(Parsed::quietly(new)),
        (Ok(new), Ok(classic)) if differ(&new, &classic) => Ok(Parsed {
            value: classic,
            warning: Some(Warning::Disagreement),
        }),
        (Ok(new), Ok(_)) => Ok(Parsed::quietly(new)),
        (Err(error), Ok(classic)) => Ok(Parsed {
            warning: Some(Warning::Incompatible {
                error,
                suggestion: suggest(&classic),
            }),
            value: classic,
        }),
    }
}
