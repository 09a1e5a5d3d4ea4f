//! Go's file patterns, by which the configuration names template files.

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
