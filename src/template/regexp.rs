//! What templates do with regular expressions: match, and replace by templates of Go's kind.

use std::borrow::Cow;

use regex::Regex;

use crate::model::regex::compile;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct GoRegexp {
    regex: Regex,
    /// The name of each group, empty for those without one; the first is the whole match.
    names: Vec<String>,
}

impl GoRegexp {
    /// Compiles a pattern; the error is Go's text.
    pub(super) fn new(pattern: &[u8]) -> Result<Self, String> {
        let (regex, names) = compile(pattern).map_err(|error| error.to_string())?;
        Ok(Self { regex, names })
    }

    /// Whether the pattern matches anywhere in the text.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(&String::from_utf8_lossy(text))
    }

    /// The text with all matches replaced, in which `$1`, `$name` and `${name}` stand for groups.
    pub(super) fn replace_all(
        &self,
        text: &[u8],
        replacement: &[u8],
        limit: usize,
    ) -> Option<Vec<u8>> {
        let subject = Subject::new(text);
        let mut out = Vec::with_capacity(text.len());
        let mut kept = 0;
        for groups in self.regex.captures_iter(&subject.shown) {
            let Some(whole) = groups.get(0) else {
                continue;
            };
            let start = subject.origin(whole.start());
            out.extend_from_slice(text.get(kept..start).unwrap_or_default());
            self.expand(&mut out, replacement, &groups, &subject);
            kept = subject.origin(whole.end());
            if out.len() > limit {
                return None;
            }
        }
        out.extend_from_slice(text.get(kept..).unwrap_or_default());
        Some(out)
    }

    fn expand(
        &self,
        out: &mut Vec<u8>,
        template: &[u8],
        groups: &regex::Captures<'_>,
        subject: &Subject<'_>,
    ) {
        let mut rest = template;
        while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
            let (before, reference) = rest.split_at(at);
            out.extend_from_slice(before);
            if let Some(behind) = reference.strip_prefix(b"$$") {
                out.push(b'$');
                rest = behind;
                continue;
            }
            let Some((name, len)) = group_name(reference) else {
                out.push(b'$');
                rest = reference.get(1..).unwrap_or_default();
                continue;
            };
            rest = reference.get(len..).unwrap_or_default();
            let group = match group_number(&name) {
                Some(number) => groups.get(number),
                None => (0..self.names.len())
                    .filter(|&at| self.names.get(at) == Some(&name))
                    .find_map(|at| groups.get(at)),
            };
            if let Some(group) = group {
                let place = subject.origin(group.start())..subject.origin(group.end());
                out.extend_from_slice(subject.text.get(place).unwrap_or_default());
            }
        }
        out.extend_from_slice(rest);
    }
}

/// A text as a pattern sees it: each malformed byte is one U+FFFD.
struct Subject<'t> {
    text: &'t [u8],
    shown: Cow<'t, str>,
    /// For each malformed byte the place behind it in what is shown and in the text.
    malformed: Vec<(usize, usize)>,
}

impl<'t> Subject<'t> {
    fn new(text: &'t [u8]) -> Self {
        if let Ok(shown) = std::str::from_utf8(text) {
            return Self {
                text,
                shown: shown.into(),
                malformed: Vec::new(),
            };
        }
        let mut shown = String::with_capacity(text.len());
        let mut malformed = Vec::new();
        let mut at = 0;
        for chunk in text.utf8_chunks() {
            shown.push_str(chunk.valid());
            at += chunk.valid().len();
            for _ in chunk.invalid() {
                shown.push(char::REPLACEMENT_CHARACTER);
                at += 1;
                malformed.push((shown.len(), at));
            }
        }
        Self {
            text,
            shown: shown.into(),
            malformed,
        }
    }

    /// The place in the text of a place in what is shown.
    fn origin(&self, shown: usize) -> usize {
        let before = self
            .malformed
            .partition_point(|&(behind, _)| behind <= shown);
        let (behind, origin) = match before.checked_sub(1).and_then(|at| self.malformed.get(at)) {
            Some(&place) => place,
            None => (0, 0),
        };
        origin + (shown - behind)
    }
}

/// The name behind a dollar sign and the length of the reference.
fn group_name(reference: &[u8]) -> Option<(String, usize)> {
    let behind = reference.get(1..)?;
    let (body, braced) = match behind.strip_prefix(b"{") {
        Some(body) => (body, true),
        None => (behind, false),
    };
    let text = body.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let len = text
        .find(|c: char| !(c == '_' || c.is_alphanumeric()))
        .unwrap_or(text.len());
    let name = text.get(..len).filter(|name| !name.is_empty())?;
    if braced {
        return (body.get(len) == Some(&b'}')).then(|| (name.to_owned(), len + 3));
    }
    Some((name.to_owned(), len + 1))
}

/// The number a name is; one with a leading zero is a name.
fn group_number(name: &str) -> Option<usize> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number || (name.len() > 1 && name.starts_with('0')) {
        return None;
    }
    Some(name.parse().unwrap_or(usize::MAX))
}
