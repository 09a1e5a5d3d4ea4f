//! Parameters in the query (`http-api.md` §4.5, §4.6).

use percent_encoding::percent_decode_str;

use crate::model::matcher::{MatcherError, Warning};
use crate::model::{LabelSet, Matchers, Mode};

/// The parameters of a request.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what stands behind the `?`. What Go cannot read (a broken escape, a semicolon) it drops
    /// in silence, and so do we.
    #[must_use]
    pub fn new(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.contains(';'));
        let pairs = pairs.filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescaped(name)?, unescaped(value)?))
        });
        Self {
            pairs: pairs.collect(),
        }
    }

    /// All parameters, in their order.
    #[must_use]
    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }

    /// All values of a parameter.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let named = self.pairs.iter().filter(move |(it, _)| it == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter: the last, unless it is empty.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<&str> {
        self.all(name).last().filter(|value| !value.is_empty())
    }

    /// A flag, which is on by default. Whatever is no word for yes turns it off.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        const YES: [&str; 10] = [
            "true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled",
        ];
        let is_yes = |value: &str| YES.iter().any(|yes| yes.eq_ignore_ascii_case(value));
        self.last(name).is_none_or(is_yes)
    }

    /// The matchers of a parameter, one a value.
    ///
    /// # Errors
    /// About the first value that is not one matcher.
    pub fn matchers(&self, name: &str, mode: Mode) -> Result<Matchers, MatcherError> {
        let parsed = self.all(name).map(|text| {
            let parsed = mode.parse_matcher(text)?;
            if let Some(warning) = &parsed.warning {
                warn(text, warning);
            }
            Ok(parsed.value)
        });
        parsed.collect()
    }
}

/// Where a matcher came from, in the log.
const ORIGIN: &str = "api";

fn warn(input: &str, warning: &Warning) {
    let message = warning.message();
    match warning {
        Warning::Incompatible { error, suggestion } => {
            tracing::warn!(input, origin = ORIGIN, err = %error, suggestion, "{message}");
        }
        Warning::Disagreement => tracing::warn!(input, origin = ORIGIN, "{message}"),
    }
}

/// Whether labels match all matchers of a list, or there are none.
#[must_use]
pub fn matches(matchers: &Matchers, labels: &LabelSet) -> bool {
    matchers.is_empty() || matchers.matches(labels)
}

fn unescaped(text: &str) -> Option<String> {
    let has_broken_escape = text.split('%').skip(1).any(|rest| {
        let digits = rest.as_bytes().get(..2);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    if has_broken_escape {
        return None;
    }
    let text = text.replace('+', " ");
    Some(percent_decode_str(&text).decode_utf8_lossy().into_owned())
}
