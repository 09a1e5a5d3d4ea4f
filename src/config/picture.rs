//! A picture of the place where something is wrong.
//!
//! ```text
//!   --> alertmanager.yml:4:3
//!    |
//!  4 |   group_intervall: 5m
//!    |   ^^^^^^^^^^^^^^^ did you mean `group_interval`?
//! ```
//!
//! **Invariant**: a value is shown only if its key is known to hold no secret, in whatever form it is
//! written; a misspelt `passwort` hides its value as well. Of a text that is no YAML, a line is shown as
//! far as it surely is none of a secret.

use std::fmt::Write;

use super::yaml::{Document, Error, Place, Problem};

/// More pictures than this help nobody.
const PICTURES_MAX: usize = 10;

/// Longer lines are cut.
const LINE_CHARS_MAX: usize = 160;

/// What stands for what is not shown.
const HIDDEN: &str = "...";

/// Keys whose own values are no secrets. What stands below them has keys of its own.
const SHOWN_KEYS: [&str; 102] = [
    "active_time_intervals",
    "api_type",
    "attachments",
    "brokers",
    "channel",
    "chat_id",
    "client_type",
    "compression",
    "continue",
    "days_of_month",
    "description",
    "discord_configs",
    "email_configs",
    "enable_http2",
    "enable_update",
    "enabled",
    "end_time",
    "endpoint",
    "equal",
    "event_recorder",
    "expire",
    "file_outputs",
    "follow_redirects",
    "format",
    "from",
    "global",
    "grant_type",
    "group_by",
    "group_interval",
    "group_wait",
    "hello",
    "html",
    "http_config",
    "incidentio_configs",
    "inhibit_rules",
    "insecure",
    "insecure_skip_verify",
    "issue_type",
    "jira_configs",
    "kafka_outputs",
    "link_names",
    "location",
    "matchers",
    "mattermost_configs",
    "max_alerts",
    "max_version",
    "message",
    "message_type",
    "min_version",
    "months",
    "msteams_configs",
    "msteamsv2_configs",
    "mute_time_intervals",
    "name",
    "no_proxy",
    "oauth2",
    "opsgenie_configs",
    "pagerduty_configs",
    "parse_mode",
    "priority",
    "project",
    "pushover_configs",
    "receiver",
    "receivers",
    "region",
    "repeat_interval",
    "require_tls",
    "resolve_timeout",
    "retry",
    "rocketchat_configs",
    "room_id",
    "route",
    "routes",
    "sampling_fraction",
    "send_resolved",
    "server_name",
    "severity",
    "sigv4",
    "slack_configs",
    "smarthost",
    "smtp_from",
    "smtp_hello",
    "smtp_require_tls",
    "smtp_smarthost",
    "sns_configs",
    "source_matchers",
    "start_time",
    "summary",
    "target_matchers",
    "telegram_configs",
    "templates",
    "thread_by_date",
    "threading",
    "time_intervals",
    "timeout",
    "times",
    "title",
    "tls_config",
    "victorops_configs",
    "webex_configs",
    "weekdays",
    "years",
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
    // A misspelt key may be shown with its value if what it was meant for may.
    let meant = hint.split('`').nth(1).unwrap_or_default();
    let may_be_shown = |key: &str, at: Place| {
        is_shown(key) || is_shown(meant) && (at.line, at.column) == (place.line, place.column)
    };
    let hidden = match document {
        Some(document) => document.hidden_from(place.line, may_be_shown),
        None => hidden_in(line),
    };
    let (shown, place) = shown(line, place, hidden);
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

fn is_shown(key: &str) -> bool {
    // The two lists that are named like others of the same block.
    SHOWN_KEYS.contains(&key) || matches!(key, "webhook_configs" | "wechat_configs")
}

/// The line as it may be shown, and what is underlined in it.
fn shown(line: &str, mut place: Place, hidden: Option<usize>) -> (String, Place) {
    let limit = hidden.map_or(LINE_CHARS_MAX, |column| (column - 1).min(LINE_CHARS_MAX));
    let mut shown: String = line
        .chars()
        .take(limit)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let count = shown.chars().count();
    if line.chars().count() > count {
        shown.push_str(HIDDEN);
    }
    if place.column > count {
        place.column = count + 1;
        place.width = HIDDEN.len();
    }
    let end = shown.chars().count().max(place.column);
    place.width = place.width.min(end + 1 - place.column).max(1);
    (shown, place)
}

/// From which column on a line of a text that is no YAML must not be shown.
fn hidden_in(line: &str) -> Option<usize> {
    let column = |byte: usize| line[..byte].chars().count() + 1;
    let start = line.len() - line.trim_start_matches([' ', '\t', '-']).len();
    // What goes on from the line before may be anything.
    let Some(colon) = line[start..].find(':').map(|end| start + end) else {
        return Some(column(start));
    };
    if !is_shown(&line[start..colon]) {
        let is_key = line[start..colon]
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
        return Some(column(if is_key { colon + 1 } else { start }));
    }
    // There may be other keys in the line, and other lines may refer to this one.
    let next = line[colon + 1..].find([':', '{', '[', '&', ',']);
    next.map(|next| column(colon + 1 + next))
}
