//! The classic grammar, in which a value ends at the comma and most texts mean something.
//!
//! ```text
//!  list     = ["{"] matcher {"," matcher} [","] ["}"]      each brace for itself; commas in quotes are none
//!  matcher  = blank name blank operator blank value blank
//!  name     = a letter, "_" or ":", then digits too
//! ```

use super::{Matcher, MatcherError, Matchers, Operator};

/// The operators in the order in which they are tried.
const OPERATORS: [Operator; 4] = [
    Operator::Regex,
    Operator::Equal,
    Operator::NotEqual,
    Operator::NotRegex,
];

pub(super) fn matchers(input: &str) -> Result<Matchers, MatcherError> {
    let body = input.strip_prefix('{').unwrap_or(input);
    let body = body.strip_suffix('}').unwrap_or(body);
    let mut pieces = pieces(body);
    // The last piece may be blank, so that a list may end in a comma.
    let last = pieces.pop().unwrap_or_default().trim();
    if !last.is_empty() {
        pieces.push(last);
    }
    pieces.into_iter().map(matcher).collect()
}

/// What stands between the commas that are not quoted.
fn pieces(body: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in body.char_indices() {
        match c {
            ',' if !is_quoted => {
                pieces.push(body.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            // A backslash before a comma still holds for what follows the comma.
            ',' => {}
            '"' => {
                is_quoted ^= !is_escaped;
                is_escaped = false;
            }
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    pieces.push(body.get(start..).unwrap_or_default());
    pieces
}

pub(super) fn matcher(piece: &str) -> Result<Matcher, MatcherError> {
    let Some((name, operator, raw)) = parts(piece) else {
        return Err(MatcherError(format!("bad matcher format: {piece}")));
    };
    let Some(value) = unescaped(raw) else {
        let text = format!("matcher value contains unescaped double quote: {raw}");
        return Err(MatcherError(text));
    };
    Ok(Matcher::new(name, operator, value)?)
}

/// Name, operator and value as it is written.
fn parts(piece: &str) -> Option<(&str, Operator, &str)> {
    let is_blank = |c: char| matches!(c, '\t' | '\n' | '\u{c}' | '\r' | ' ');
    let is_name = |c: char| c == '_' || c == ':' || c.is_ascii_alphanumeric();
    let text = piece.trim_matches(is_blank);
    let (name, rest) = text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()));
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let rest = rest.trim_start_matches(is_blank);
    let (operator, value) = OPERATORS
        .into_iter()
        .find_map(|operator| Some((operator, rest.strip_prefix(operator.as_str())?)))?;
    Some((name, operator, value.trim_start_matches(is_blank)))
}

/// The value without its quotes and escapes; none if there is a quote too many or too few.
fn unescaped(raw: &str) -> Option<String> {
    let (body, is_quoted) = match raw.strip_prefix('"') {
        Some(body) => (body.strip_suffix('"')?, true),
        None => (raw, false),
    };
    let mut value = String::with_capacity(body.len());
    let mut chars = body.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('"', _) => return None,
            ('\\', Some('n')) => value.push('\n'),
            ('\\', Some(next @ ('"' | '\\'))) => value.push(next),
            // The closing quote belongs to this escape, so there is none.
            ('\\', None) if is_quoted => return None,
            // An escape of nothing is a backslash and what follows it.
            ('\\', Some(next)) => value.extend(['\\', next]),
            _ => {
                value.push(c);
                continue;
            }
        }
        chars.next();
    }
    Some(value)
}
