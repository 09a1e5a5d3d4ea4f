//! Lines of the log, which `amtool` writes to standard output.

use gotemplate::strconv::quote;

use crate::config::yaml::MatcherWarning;
use crate::model::matcher::Warning;
use crate::sys::WallTime;

/// The warning about a matcher that the two parsers read differently.
pub(super) fn matcher_warning(now: WallTime, warning: &MatcherWarning) -> String {
    let mut fields = vec![
        ("time", milliseconds(now)),
        ("level", "WARN".to_owned()),
        ("msg", warning.warning.message().to_owned()),
        ("input", warning.input.clone()),
        ("origin", "config".to_owned()),
    ];
    if let Warning::Incompatible { error, suggestion } = &warning.warning {
        fields.push(("err", error.to_string()));
        fields.push(("suggestion", suggestion.clone()));
    }
    let fields: Vec<String> = fields
        .into_iter()
        .map(|(key, value)| format!("{key}={}", quoted(&value)))
        .collect();
    fields.join(" ")
}

fn milliseconds(now: WallTime) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(now.0)) {
        Ok(timestamp) => format!("{timestamp:.3}"),
        Err(_) => now.to_string(),
    }
}

/// The value as logfmt has it: in quotes if it is empty or holds what would end it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '=' && c != '"';
    match !value.is_empty() && value.chars().all(is_plain) {
        true => value.to_owned(),
        false => quote(value.as_bytes()),
    }
}
