//! Words on the command line that stand for matchers and labels.

use gotemplate::strconv::quote;

use super::failure::Failure;
use super::object::Labels;
use crate::model::{Matcher, Mode, Operator};

/// The words with the first one made a matcher: Alertmanager 0.34 takes it for the name of an alert if
/// it is none.
pub(super) fn with_alert_name(words: &[String], mode: Mode) -> Vec<String> {
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut()
        && mode.parse_matcher(first).is_err()
    {
        *first = format!("alertname={}", quote(first.as_bytes()));
    }
    words
}

/// Each word as a matcher.
pub(super) fn matchers(words: &[String], mode: Mode) -> Result<Vec<Matcher>, Failure> {
    let matchers = words.iter().map(|word| {
        let parsed = mode
            .parse_matcher(word)
            .map_err(|error| Failure::Command(error.to_string()))?;
        Ok(parsed.value)
    });
    matchers.collect()
}

/// Each word as a name and its value; `what` they are stands in errors.
pub(super) fn labels(words: &[String], what: &str, mode: Mode) -> Result<Labels, Failure> {
    let mut labels = Labels::new();
    for matcher in matchers(words, mode)? {
        if matcher.operator() != Operator::Equal {
            let text = format!("{what} must be specified as key=value pairs");
            return Err(Failure::Command(text));
        }
        labels.insert(matcher.name().to_owned(), matcher.value().to_owned());
    }
    Ok(labels)
}

/// Matchers as filters of a query.
pub(super) fn filters(words: &[String]) -> Vec<(&'static str, String)> {
    words.iter().map(|word| ("filter", word.clone())).collect()
}

/// A path with its query.
pub(super) fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| {
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            format!("{name}={value}")
        })
        .collect();
    match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    }
}
