//! A picture of the place where something is wrong.
//!
//! ```text
//!   --> alertmanager.yml:4:3
//!    |
//!  4 |   group_intervall: 5m
//!    |   ^^^^^^^^^^^^^^^ did you mean `group_interval`?
//! ```
//!
//! **Invariant**: the value of a key that may hold a secret is not shown, in whatever form it is
//! written. In a text that is no YAML, a line is shown only as far as it surely is none of a secret.

use std::fmt::Write;

use super::values::MASK;
use super::yaml::{Document, Error, Place, Problem};

/// More pictures than this help nobody.
const PICTURES_MAX: usize = 10;

/// Longer lines are cut.
const LINE_CHARS_MAX: usize = 160;

/// Keys whose value is a secret in some block or other.
pub const SECRET_KEYS: [&str; 37] = [
    "alert_source_token",
    "api_key",
    "api_secret",
    "api_url",
    "app_token",
    "auth_password",
    "auth_secret",
    "bearer_token",
    "bot_token",
    "client_certificate_key",
    "client_secret",
    "credentials",
    "key",
    "mattermost_webhook_url",
    "opsgenie_api_key",
    "password",
    "proxy_connect_header",
    "proxy_url",
    "rocketchat_token",
    "rocketchat_token_id",
    "routing_key",
    "secret_key",
    "secrets",
    "service_key",
    "slack_api_url",
    "slack_app_token",
    "smtp_auth_password",
    "smtp_auth_secret",
    "telegram_bot_token",
    "token",
    "token_id",
    "url",
    "user_key",
    "victorops_api_key",
    "webhook_url",
    "wechat_api_secret",
    "http_headers",
];

/// Pictures of all that is wrong with a text, in lines that end with a line feed.
#[must_use]
pub fn draw(file: &str, text: &[u8], error: &Error, document: Option<&Document>) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text.lines().collect();
    let problems = error.problems();
    let mut out = String::new();
    for problem in problems.iter().take(PICTURES_MAX) {
        out.push_str(&picture(file, &lines, problem, document).unwrap_or_default());
    }
    if problems.len() > PICTURES_MAX {
        let more = problems.len() - PICTURES_MAX;
        let _ = writeln!(out, "  ... and {more} more");
    }
    out
}

fn picture(
    file: &str,
    lines: &[&str],
    problem: &Problem,
    document: Option<&Document>,
) -> Option<String> {
    let place = problem.place.filter(|place| place.line > 0)?;
    let hint = problem.suggestion.as_deref().unwrap_or_default();
    let line = lines.get(place.line - 1).copied().unwrap_or_default();
    let (shown, place) = shown(line, place, document);
    let number = place.line.to_string();
    let gap = " ".repeat(number.len());
    let before = " ".repeat(place.column - 1);
    let under = "^".repeat(place.width);
    let mark = format!("{before}{under} {hint}");
    Some(format!(
        "  {gap}--> {file}:{number}:{}\n  {gap} |\n  {number} | {shown}\n  {gap} | {}\n",
        place.column,
        mark.trim_end()
    ))
}

/// The line as it may be shown, and what is underlined in it.
fn shown(line: &str, mut place: Place, document: Option<&Document>) -> (String, Place) {
    let hidden = match document {
        Some(document) => document.hidden_from(place.line, &SECRET_KEYS),
        None => hidden_in(line),
    };
    let limit = hidden.map_or(LINE_CHARS_MAX, |column| (column - 1).min(LINE_CHARS_MAX));
    let mut shown: String = line
        .chars()
        .take(limit)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let count = shown.chars().count();
    if line.chars().count() > count {
        shown.push_str(if hidden.is_some() { MASK } else { "..." });
    }
    if place.column > count {
        place.column = count + 1;
        place.width = shown.chars().count().saturating_sub(count).max(1);
    }
    let end = shown.chars().count().max(place.column);
    place.width = place.width.min(end + 1 - place.column).max(1);
    (shown, place)
}

/// From which column on a line of a text that is no YAML must not be shown.
fn hidden_in(line: &str) -> Option<usize> {
    let column = |byte: usize| line[..byte].chars().count() + 1;
    let start = line.len() - line.trim_start_matches([' ', '\t', '-']).len();
    let key_end = line[start..].find(':').map(|end| start + end);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '\'' | '{' | ' ');
    let Some(key_end) = key_end.filter(|end| line[start..*end].chars().all(is_word)) else {
        // What goes on from the line before may be anything.
        return Some(column(start));
    };
    let secret = |key: &&str| {
        let found = line.find(*key)?;
        Some(column(found + key.len()))
    };
    let named = SECRET_KEYS.iter().filter_map(secret).min();
    // An anchor may give its value to a secret elsewhere.
    let anchored = line[key_end..].find('&').map(|at| column(key_end + at));
    named.into_iter().chain(anchored).min()
}
