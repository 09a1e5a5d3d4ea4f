//! Reads a pattern by the rules of Go and writes it by those of the crate.
//!
//! Two things need care. Flags such as `(?i)` are not written where they stand but before the next
//! part, because a repetition behind them is of what stands before them. And a part that is repeated
//! already gets a group before it is repeated again (Go allows that across flags), because `a*` and
//! `?` side by side would be something else.

use super::RegexError;
use super::class::{NOTHING, character};
use super::limits::{REPEAT_MAX, Sum, Times, Weight};

const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const INVALID_CAPTURE: &str = "invalid named capture";
const INVALID_COUNT: &str = "invalid repeat count";
const INVALID_REPEAT: &str = "invalid nested repetition operator";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";
const MISSING_PAREN: &str = "missing closing )";
const UNEXPECTED_PAREN: &str = "unexpected )";

/// A pattern in the syntax of the crate.
pub(super) struct Translation {
    pub(super) pattern: String,
    /// The name of each group, empty for those without one; the first is the whole match.
    pub(super) names: Vec<String>,
}

pub(super) fn translate(text: &str) -> Result<Translation, RegexError> {
    let mut reader = Reader {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        names: vec![String::new()],
        flags: Flags::default(),
        written: Flags::default(),
        group: Group::default(),
        outer: Vec::new(),
    };
    reader.pattern()?;
    Ok(Translation {
        pattern: reader.out,
        names: reader.names,
    })
}

/// Which of `imsU` are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Flags([bool; 4]);

const FLAGS: [char; 4] = ['i', 'm', 's', 'U'];

impl Flags {
    /// Whether repetitions take as little as they can, and those with `?` as much.
    fn is_swapped(self) -> bool {
        let Self([.., is_swapped]) = self;
        is_swapped
    }

    /// The letters that lead from these flags to others: those to turn on, a dash, those to turn off.
    fn change_to(self, other: Self) -> String {
        let changed = |is_on: bool| -> String {
            let all = FLAGS.iter().zip(self.0.iter().zip(other.0));
            all.filter(|(_, (before, after))| **before != *after && *after == is_on)
                .map(|(letter, _)| *letter)
                .collect()
        };
        let (on, off) = (changed(true), changed(false));
        let dash = if off.is_empty() { "" } else { "-" };
        format!("{on}{dash}{off}")
    }
}

/// A group that is being read, or the whole pattern.
#[derive(Debug, Default)]
struct Group {
    captures: bool,
    /// Where it begins in the output.
    start: usize,
    /// The flags when it began, as Go and as the output had them.
    flags: Flags,
    written: Flags,
    /// What it holds: the alternatives before this one, and the parts of this one.
    alternatives: Sum,
    parts: Sum,
    last: Option<Part>,
}

/// What a repetition would be of.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Where it begins in the output.
    start: usize,
    weight: Weight,
    is_repeated: bool,
}

pub(super) struct Reader<'p> {
    text: &'p str,
    pub(super) at: usize,
    out: String,
    names: Vec<String>,
    /// The flags that hold here, and those that the output has set.
    flags: Flags,
    written: Flags,
    group: Group,
    outer: Vec<Group>,
}

impl<'p> Reader<'p> {
    pub(super) fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn since(&self, start: usize) -> &'p str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn pattern(&mut self) -> Result<(), RegexError> {
        // Where the repetition before began, if one was just read.
        let mut last_repeat = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            let mut repeat = None;
            match c {
                '(' => self.open_group()?,
                ')' => self.close_group()?,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    self.end_alternative();
                }
                '^' | '$' | '.' => {
                    self.at += 1;
                    self.part(c.encode_utf8(&mut [0; 4]), Weight::ATOM);
                }
                '[' => {
                    let class = self.class()?;
                    self.part(&class, Weight::ATOM);
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    let times = Times {
                        min: u32::from(c == '+'),
                        max: (c == '?').then_some(1),
                        is_counted: false,
                    };
                    self.repeat(start, last_repeat, times)?;
                    repeat = Some(start);
                }
                '{' => match count(self.rest()) {
                    None => {
                        self.at += 1;
                        self.literal(c.into());
                    }
                    Some((len, times)) => {
                        self.at += len;
                        let times = times
                            .ok_or_else(|| RegexError::new(INVALID_COUNT, self.since(start)))?;
                        self.repeat(start, last_repeat, times)?;
                        repeat = Some(start);
                    }
                },
                '\\' => self.escape()?,
                _ => {
                    self.at += c.len_utf8();
                    self.literal(c.into());
                }
            }
            last_repeat = repeat;
        }
        if !self.outer.is_empty() {
            return Err(RegexError::new(MISSING_PAREN, self.text));
        }
        self.end_alternative();
        self.group.alternatives.total(1).checked(self.text)?;
        Ok(())
    }

    /// Writes a part that repetitions may follow.
    fn part(&mut self, shown: &str, weight: Weight) {
        self.write_flags();
        let start = self.out.len();
        self.out.push_str(shown);
        self.add(start, weight);
    }

    fn add(&mut self, start: usize, weight: Weight) {
        self.group.parts.add(weight);
        self.group.last = Some(Part {
            start,
            weight,
            is_repeated: false,
        });
    }

    fn literal(&mut self, code: u32) {
        let is_character = char::from_u32(code).is_some();
        let shown = if is_character {
            character(code)
        } else {
            NOTHING.to_owned()
        };
        self.part(&shown, Weight::ATOM);
    }

    fn write_flags(&mut self) {
        if self.written != self.flags {
            let change = self.written.change_to(self.flags);
            self.out.push_str(&format!("(?{change})"));
            self.written = self.flags;
        }
    }

    fn end_alternative(&mut self) {
        let parts = std::mem::take(&mut self.group.parts);
        self.group.alternatives.add(parts.total(0));
        self.group.last = None;
    }

    fn repeat(
        &mut self,
        start: usize,
        last_repeat: Option<usize>,
        times: Times,
    ) -> Result<(), RegexError> {
        let shown_end = self.at;
        self.at += usize::from(self.peek() == Some('?'));
        if let Some(first) = last_repeat {
            return Err(RegexError::new(INVALID_REPEAT, self.since(first)));
        }
        let Some(part) = self.group.last else {
            return Err(RegexError::new(MISSING_ARGUMENT, self.since(start)));
        };
        let weight = part.weight.times(times).checked(self.text)?;
        let is_bounded = times.is_counted && 2 <= times.max.unwrap_or(0).max(times.min);
        if is_bounded && REPEAT_MAX < weight.repeated {
            return Err(RegexError::new(INVALID_COUNT, self.since(start)));
        }
        if part.is_repeated {
            self.out.insert_str(part.start, "(?:");
            self.out.push(')');
        }
        self.out
            .push_str(self.text.get(start..shown_end).unwrap_or_default());
        // A change of `U` before the repetition counts already, although it is not written yet.
        let is_swapped = self.flags.is_swapped() != self.written.is_swapped();
        if (shown_end < self.at) != is_swapped {
            self.out.push('?');
        }
        self.group.parts.exchange(part.weight, weight);
        self.group.last = Some(Part {
            weight,
            is_repeated: true,
            ..part
        });
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), RegexError> {
        let rest = self.rest();
        if !rest.starts_with("(?") {
            self.at += 1;
            self.begin_group(Some(String::new()));
            return Ok(());
        }
        // What is too short to have a name is taken for flags.
        let named = ["(?P<", "(?<"]
            .iter()
            .find(|start| rest.starts_with(**start) && start.len() < rest.len());
        let Some(start) = named else {
            return self.flags();
        };
        let Some((head, _)) = rest.split_once('>') else {
            return Err(RegexError::new(INVALID_CAPTURE, rest));
        };
        let name = head.get(start.len()..).unwrap_or_default();
        let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
        self.at += head.len() + 1;
        if name.is_empty() || !name.bytes().all(is_word) {
            let fragment = format!("{head}>");
            return Err(RegexError::new(INVALID_CAPTURE, fragment));
        }
        self.begin_group(Some(name.to_owned()));
        Ok(())
    }

    /// Begins a group, captured under that name if it is to be captured.
    fn begin_group(&mut self, name: Option<String>) {
        self.write_flags();
        let group = Group {
            captures: name.is_some(),
            start: self.out.len(),
            flags: self.flags,
            written: self.written,
            ..Group::default()
        };
        self.out.push_str(if name.is_some() { "(" } else { "(?:" });
        self.names.extend(name);
        self.outer.push(std::mem::replace(&mut self.group, group));
    }

    fn close_group(&mut self) -> Result<(), RegexError> {
        self.at += 1;
        self.end_alternative();
        let Some(outer) = self.outer.pop() else {
            return Err(RegexError::new(UNEXPECTED_PAREN, self.text));
        };
        let group = std::mem::replace(&mut self.group, outer);
        self.out.push(')');
        (self.flags, self.written) = (group.flags, group.written);
        let weight = group.alternatives.total(1);
        let weight = if group.captures {
            weight.captured()
        } else {
            weight
        };
        self.add(group.start, weight.checked(self.text)?);
        Ok(())
    }

    /// `(?flags)` or `(?flags:`.
    fn flags(&mut self) -> Result<(), RegexError> {
        let start = self.at;
        self.at += 2;
        let mut flags = self.flags;
        let (mut is_on, mut is_any) = (true, false);
        while let Some(c) = self.next() {
            if let Some(at) = FLAGS.iter().position(|letter| *letter == c) {
                flags.0[at] = is_on;
                is_any = true;
                continue;
            }
            match c {
                '-' if is_on => (is_on, is_any) = (false, false),
                ':' | ')' if is_on || is_any => {
                    if c == ':' {
                        self.begin_group(None);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(RegexError::new(INVALID_PERL, self.since(start)))
    }

    fn escape(&mut self) -> Result<(), RegexError> {
        let rest = self.rest();
        let assertion = match rest.as_bytes().get(1) {
            Some(b'A') => Some("\\A"),
            Some(b'z') => Some("\\z"),
            Some(b'b') => Some("(?-u:\\b)"),
            Some(b'B') => Some("(?-u:\\B)"),
            _ => None,
        };
        if let Some(shown) = assertion {
            self.at += 2;
            self.part(shown, Weight::ATOM);
            return Ok(());
        }
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (text, len) = match quoted.split_once("\\E") {
                Some((text, _)) => (text, text.len() + 4),
                None => (quoted, rest.len()),
            };
            self.at += len;
            text.chars().for_each(|c| self.literal(c.into()));
            return Ok(());
        }
        if let Some(class) = self.class_escape()? {
            self.part(&class, Weight::ATOM);
            return Ok(());
        }
        let code = self.character_escape()?;
        self.literal(code);
        Ok(())
    }
}

/// A count such as `{2,5}`: its length, and how often that is if it is allowed.
fn count(text: &str) -> Option<(usize, Option<Times>)> {
    let body = text.strip_prefix('{')?;
    let (min, rest) = number(body)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => {
            let (max, rest) = number(rest)?;
            (Some(max), rest)
        }
    };
    let behind = rest.strip_prefix('}')?;
    let is_allowed = min <= REPEAT_MAX && max.is_none_or(|max| min <= max && max <= REPEAT_MAX);
    let times = Times {
        min,
        max,
        is_counted: true,
    };
    Some((text.len() - behind.len(), is_allowed.then_some(times)))
}

/// A number without leading zeros and what follows it; one that is too large is the largest.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    if digits.is_empty() || (1 < digits.len() && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
