//! Which bodies are taken and which answers are wanted (`http-api.md` §4.2, steps 2 and 3).

use hyper::HeaderMap;
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};

use crate::api::answer::{Answer, refused};

const JSON: &str = "application/json";
/// What a body is said to be if nothing is said.
const UNKNOWN: &str = "application/octet-stream";

/// Refuses a body that is no JSON.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Box<Answer>> {
    let header = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let header = String::from_utf8_lossy(header.unwrap_or_default());
    let media_type = match header.as_ref() {
        "" => UNKNOWN.to_owned(),
        header => media_type(header).map_err(|error| {
            let header = gotemplate::strconv::quote(header.as_bytes());
            let message =
                format!("parsing Content-Type header from {header} failed, because {error}");
            Box::new(refused(400, &message))
        })?,
    };
    if media_type == JSON {
        return Ok(());
    }
    let media_type = gotemplate::strconv::quote(media_type.as_bytes());
    let message = format!("unsupported media type {media_type}, only [{JSON}] are allowed");
    Err(Box::new(refused(415, &message)))
}

/// Refuses a client that does not want JSON.
pub fn check_accept(headers: &HeaderMap) -> Result<(), Box<Answer>> {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| accepted(value.as_bytes()))
        .peekable();
    let is_json = |(range, weight): (String, f64)| {
        weight > 0.0 && matches!(range.as_str(), JSON | "application/*" | "*/*")
    };
    if ranges.peek().is_none() || ranges.any(is_json) {
        return Ok(());
    }
    let message = format!("unsupported media type requested, only [{JSON}] are available");
    Err(Box::new(refused(406, &message)))
}

/// Ranges of media types and their weights. What cannot be read ends the list.
fn accepted(header: &[u8]) -> Vec<(String, f64)> {
    let header = String::from_utf8_lossy(header);
    let ranges = header.split(',').map_while(|part| {
        let mut parts = part.split(';').map(str::trim);
        let range = parts.next().filter(|range| !range.is_empty())?;
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.and_then(|weight| weight.parse().ok());
        Some((range.to_owned(), weight.unwrap_or(1.0)))
    });
    ranges.collect()
}

/// Go's `mime.ParseMediaType`: the type in lower case, or the text of the error.
///
/// # Errors
/// If the header does not follow the grammar.
pub fn media_type(header: &str) -> Result<String, &'static str> {
    const INVALID: &str = "mime: invalid media parameter";
    let (kind, mut rest) = header.split_at(header.find(';').unwrap_or(header.len()));
    let kind = kind.trim().to_lowercase();
    check_kind(&kind)?;
    let mut seen: Vec<(String, String)> = Vec::new();
    while !rest.trim_start().is_empty() {
        let Some((name, value, behind)) = parameter(rest.trim_start()) else {
            // Go forgives a semicolon at the end.
            return match rest.trim() {
                ";" => Ok(kind),
                _ => Err(INVALID),
            };
        };
        match seen.iter().find(|(it, _)| *it == name) {
            Some((_, earlier)) if *earlier != value => {
                return Err("mime: duplicate parameter name");
            }
            _ => seen.push((name, value)),
        }
        rest = behind;
    }
    Ok(kind)
}

fn check_kind(kind: &str) -> Result<(), &'static str> {
    let (major, rest) = token(kind);
    if major.is_empty() {
        return Err("mime: no media type");
    }
    if rest.is_empty() {
        return Ok(());
    }
    let Some(rest) = rest.strip_prefix('/') else {
        return Err("mime: expected slash after first token");
    };
    let (minor, rest) = token(rest);
    match (minor, rest) {
        ("", _) => Err("mime: expected token after slash"),
        (_, "") => Ok(()),
        _ => Err("mime: unexpected content after media subtype"),
    }
}

/// `; name=value`, and what is behind it.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let text = text.strip_prefix(';')?.trim_start();
    let (name, text) = token(text);
    if name.is_empty() {
        return None;
    }
    let text = text.trim_start().strip_prefix('=')?.trim_start();
    let name = name.to_ascii_lowercase();
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then(|| (name, value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((name, value, quoted.get(at + 1..)?)),
            '\r' | '\n' => return None,
            // A backslash escapes only what would be special; else it is one, as in paths of Windows.
            '\\' => match quoted.get(at + 1..)?.chars().next()? {
                next @ ('"' | '\\') => {
                    value.push(next);
                    chars.next();
                }
                _ => value.push(c),
            },
            _ => value.push(c),
        }
    }
    None
}

/// The token at the beginning, which may be empty, and what is behind it.
fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_read_as_go_reads_them() {
        let cases: Vec<(String, String, String)> =
            serde_json::from_str(include_str!("../../../tests/api/data/media_types.json")).unwrap();
        let different: Vec<_> = cases
            .iter()
            .map(|(header, kind, error)| {
                let expected = match error.as_str() {
                    "" => Ok(kind.clone()),
                    error => Err(error.to_owned()),
                };
                (header, media_type(header).map_err(str::to_owned), expected)
            })
            .filter(|(_, seen, expected)| seen != expected)
            .collect();
        assert_eq!(different, vec![]);
    }
}
