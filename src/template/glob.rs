//! Go's file patterns, by which the configuration names template files.
//!
//! `*` and `?` do not match a slash; a pattern is matched directory by directory, and directories
//! that cannot be read match nothing.

use std::io;
use std::path::Path;

use crate::sys::Files;

/// A pattern that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPattern;

impl std::fmt::Display for BadPattern {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("syntax error in pattern")
    }
}

impl std::error::Error for BadPattern {}

/// Whether a name without slashes matches a pattern of `*`, `?`, `[a-z]`, `[^a-z]` and `\x`.
///
/// ```
/// use tocsin::template::glob::matches;
/// assert_eq!(matches("*.tm[op]l", ".x.tmpl"), Ok(true));
/// assert!(matches("[a", "a").is_err());
/// ```
///
/// # Errors
/// If the pattern is malformed, whatever the name.
pub fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let parts = parse(pattern)?;
    let name: Vec<char> = name.chars().collect();
    // The place of the last star and of what it has taken so far, to which a failure returns.
    let mut star: Option<(usize, usize)> = None;
    let (mut part, mut at) = (0, 0);
    loop {
        match (parts.get(part), name.get(at)) {
            (None, None) => return Ok(true),
            (Some(Part::Star), _) => {
                star = Some((part, at));
                part += 1;
                continue;
            }
            (Some(single), Some(&c)) if single.takes(c) => {
                part += 1;
                at += 1;
                continue;
            }
            _ => {}
        }
        match star {
            Some((star_part, taken)) if name.get(taken).is_some_and(|&c| c != '/') => {
                star = Some((star_part, taken + 1));
                part = star_part + 1;
                at = taken + 1;
            }
            _ => return Ok(false),
        }
    }
}

/// The paths that match, in the order of their bytes within each directory. What does not exist
/// matches nothing.
///
/// # Errors
/// If the pattern is malformed, whether or not anything is there.
pub fn expand(files: &dyn Files, pattern: &str) -> Result<Vec<String>, BadPattern> {
    parse(pattern)?;
    if !has_meta(pattern) {
        let is_there = match files.read(Path::new(pattern), 0) {
            Ok(_) => true,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ),
        };
        return Ok(if is_there {
            vec![pattern.to_owned()]
        } else {
            Vec::new()
        });
    }
    let (dir, name) = match pattern.rfind('/') {
        Some(slash) => pattern.split_at(slash + 1),
        None => ("", pattern),
    };
    let dir = match dir {
        "" => ".",
        "/" => "/",
        dir => dir.strip_suffix('/').unwrap_or(dir),
    };
    if !has_meta(dir) {
        return in_dir(files, dir, name);
    }
    let mut found = Vec::new();
    for dir in expand(files, dir)? {
        found.extend(in_dir(files, &dir, name)?);
    }
    Ok(found)
}

fn has_meta(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '\\'])
}

fn in_dir(files: &dyn Files, dir: &str, pattern: &str) -> Result<Vec<String>, BadPattern> {
    let mut found = Vec::new();
    for entry in files.list(Path::new(dir)).unwrap_or_default() {
        if matches(pattern, &entry.name)? {
            found.push(join(dir, &entry.name));
        }
    }
    Ok(found)
}

/// A path below a directory, without `.`, and without `..` where there is something to go up from.
#[must_use]
pub fn join(dir: &str, path: &str) -> String {
    let whole = format!("{dir}/{path}");
    let is_rooted = whole.starts_with('/') && !dir.is_empty();
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") | None if !is_rooted => parts.push(".."),
                _ => {
                    parts.pop();
                }
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (is_rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

enum Part {
    Star,
    Any,
    Char(char),
    Class {
        is_negative: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Star => false,
            Self::Any => c != '/',
            Self::Char(own) => *own == c,
            Self::Class {
                is_negative,
                ranges,
            } => {
                let is_in = ranges.iter().any(|&(low, high)| (low..=high).contains(&c));
                c != '/' && is_in != *is_negative
            }
        }
    }
}

fn parse(pattern: &str) -> Result<Vec<Part>, BadPattern> {
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Star,
            '?' => Part::Any,
            '\\' => Part::Char(chars.next().ok_or(BadPattern)?),
            '[' => {
                let is_negative = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.peek() != Some(&']') {
                    let low = class_char(&mut chars)?;
                    let high = match chars.next_if_eq(&'-') {
                        Some(_) => class_char(&mut chars)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                chars.next();
                Part::Class {
                    is_negative,
                    ranges,
                }
            }
            c => Part::Char(c),
        });
    }
    Ok(parts)
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::MemoryFiles;

    #[test]
    fn patterns_are_matched_directory_by_directory() {
        let files = MemoryFiles::new(
            [
                "/a/x.tmpl",
                "/a/.h.tmpl",
                "/a/b/y.tmpl",
                "/a/c/z.tmpl",
                "/a/c/n.txt",
            ]
            .map(|path| (path, "")),
        );
        let seen = [
            "/a/*",
            "/a/*.tmpl",
            "/a/*/*.tmpl",
            "/a/[^b]/?.t*",
            "/a/x.tmpl",
            "/a/none",
            "/none/*",
        ]
        .map(|pattern| expand(&files, pattern).map(|paths| paths.join(" ")));
        let expected = [
            "/a/.h.tmpl /a/b /a/c /a/x.tmpl",
            "/a/.h.tmpl /a/x.tmpl",
            "/a/b/y.tmpl /a/c/z.tmpl",
            "/a/c/n.txt /a/c/z.tmpl",
            "/a/x.tmpl",
            "",
            "",
        ]
        .map(|paths| Ok(paths.to_owned()));
        assert_eq!(seen, expected);
    }

    #[test]
    fn malformed_patterns_are_errors_even_where_nothing_is() {
        let files = MemoryFiles::new([("/x", "")]);
        let seen = ["/none/[a", "[]a]", "/none/[a-]", "a\\"].map(|pattern| expand(&files, pattern));
        assert_eq!(seen, [(); 4].map(|()| Err(BadPattern)));
    }

    #[test]
    fn paths_are_joined_without_detours() {
        let seen = [
            join("/etc/am", "t/*.tmpl"),
            join("/etc/am", "../t/./x"),
            join(".", "x"),
            join("..", "../x"),
            join("/", "../x"),
        ];
        assert_eq!(seen, ["/etc/am/t/*.tmpl", "/etc/t/x", "x", "../../x", "/x"]);
    }
}
