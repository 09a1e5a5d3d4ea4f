//! From Go's syntax of regular expressions to that of the `regex` crate.

use regex::Regex;

/// A pattern in the syntax of the crate.
pub(super) struct Translation {
    pub(super) pattern: String,
    /// The name of each group, empty for those without one; the first is the whole match.
    pub(super) names: Vec<String>,
}

/// Reads a pattern by the rules of Go.
pub(super) fn translate(text: &str) -> Result<Translation, Problem> {
    let mut reader = Reader {
        text,
        at: 0,
        out: String::new(),
        names: vec![String::new()],
        flags: String::new(),
        can_repeat: false,
        repeated: 1,
        groups: Vec::new(),
    };
    reader.pattern()?;
    Ok(Translation {
        pattern: reader.out,
        names: reader.names,
    })
}

pub(super) struct Problem {
    pub(super) code: &'static str,
    pub(super) fragment: String,
}

fn problem<T>(code: &'static str, fragment: &str) -> Result<T, Problem> {
    Err(Problem {
        code,
        fragment: fragment.to_owned(),
    })
}

const INVALID_ESCAPE: &str = "invalid escape sequence";
const INVALID_RANGE: &str = "invalid character class range";
const INVALID_PERL: &str = "invalid or unsupported Perl syntax";
const INVALID_CAPTURE: &str = "invalid named capture";
const INVALID_COUNT: &str = "invalid repeat count";
const MISSING_PAREN: &str = "missing closing )";
/// How often a part may be repeated, counting repetitions of repetitions.
const MAX_REPEAT: u32 = 1000;
const MAX_NESTING: usize = 200;

struct Reader<'p> {
    text: &'p str,
    at: usize,
    out: String,
    names: Vec<String>,
    /// Flags that are read but not yet written: a repetition behind them is of what is before.
    flags: String,
    /// Whether there is anything before this place that can be repeated.
    can_repeat: bool,
    /// How often what was read last is repeated within itself.
    repeated: u32,
    /// The same for the most repeated part of each open group.
    groups: Vec<u32>,
}

impl<'p> Reader<'p> {
    fn rest(&self) -> &'p str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn since(&self, start: usize) -> &'p str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn literal(&mut self, c: char) {
        push_literal(&mut self.out, c);
        self.item(1);
    }

    fn item(&mut self, repeated: u32) {
        self.can_repeat = true;
        self.repeated = repeated;
        if let Some(most) = self.groups.last_mut() {
            *most = (*most).max(repeated);
        }
    }

    fn pattern(&mut self) -> Result<(), Problem> {
        // Where the repetition before began, if one was just read.
        let mut last_repeat: Option<usize> = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            if !matches!(c, '*' | '+' | '?' | '{' | '(' | ')') {
                self.write_flags();
            }
            let mut repeat = None;
            match c {
                '(' => self.open_group()?,
                ')' => {
                    self.at += 1;
                    let Some(inner) = self.groups.pop() else {
                        return problem("unexpected )", self.text);
                    };
                    self.flags.clear();
                    self.out.push(')');
                    self.item(inner);
                }
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    self.can_repeat = false;
                }
                '^' | '$' | '.' => {
                    self.at += 1;
                    self.out.push(c);
                    self.item(1);
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.at += 1;
                    self.repetition(start, last_repeat, c.encode_utf8(&mut [0; 4]), 1)?;
                    repeat = Some(start);
                }
                '{' => match count(self.rest()) {
                    None => {
                        self.at += 1;
                        self.write_flags();
                        self.literal('{');
                    }
                    Some((shown, len, most)) => {
                        self.at += len;
                        if most > MAX_REPEAT {
                            return problem(INVALID_COUNT, self.since(start));
                        }
                        self.repetition(start, last_repeat, &shown, most)?;
                        repeat = Some(start);
                    }
                },
                '\\' => self.escape()?,
                _ => {
                    self.at += c.len_utf8();
                    self.literal(c);
                }
            }
            last_repeat = repeat;
        }
        if self.groups.is_empty() {
            Ok(())
        } else {
            problem(MISSING_PAREN, self.text)
        }
    }

    fn write_flags(&mut self) {
        let flags = std::mem::take(&mut self.flags);
        self.out.push_str(&flags);
    }

    fn repetition(
        &mut self,
        start: usize,
        last_repeat: Option<usize>,
        shown: &str,
        most: u32,
    ) -> Result<(), Problem> {
        let operator = self.since(start);
        if self.peek() == Some('?') {
            self.at += 1;
        }
        if let Some(first) = last_repeat {
            return problem("invalid nested repetition operator", self.since(first));
        }
        if !self.can_repeat {
            let operator = self.since(start);
            return problem("missing argument to repetition operator", operator);
        }
        let repeated = self.repeated.saturating_mul(most.max(1));
        if repeated > MAX_REPEAT {
            return problem(INVALID_COUNT, self.since(start));
        }
        self.out.push_str(shown);
        if self.since(start).len() > operator.len() {
            self.out.push('?');
        }
        self.item(repeated);
        Ok(())
    }

    fn open_group(&mut self) -> Result<(), Problem> {
        if self.groups.len() >= MAX_NESTING {
            return problem("expression nests too deeply", self.text);
        }
        if !self.rest().starts_with("(?") {
            self.at += 1;
            self.names.push(String::new());
            self.write_flags();
            self.out.push('(');
            self.begin_group();
            return Ok(());
        }
        let named = ["(?P<", "(?<"]
            .iter()
            .find(|start| self.rest().starts_with(**start));
        if let Some(start) = named {
            let rest = self.rest();
            let Some(end) = rest.find('>') else {
                return problem(INVALID_CAPTURE, rest);
            };
            let name = rest.get(start.len()..end).unwrap_or_default();
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            if !is_name {
                return problem(INVALID_CAPTURE, rest.get(..=end).unwrap_or(rest));
            }
            self.at += end + 1;
            self.names.push(name.to_owned());
            self.write_flags();
            self.out.push('(');
            self.begin_group();
            return Ok(());
        }
        self.flags()
    }

    fn begin_group(&mut self) {
        self.groups.push(1);
        self.can_repeat = false;
    }

    /// `(?flags)` or `(?flags:`.
    fn flags(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += 2;
        let mut is_negative = false;
        let mut any = false;
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !is_negative => {
                    is_negative = true;
                    any = false;
                }
                ':' | ')' if any || !is_negative => {
                    // No flags at all is no syntax of the crate.
                    if !(c == ')' && self.since(start) == "(?)") {
                        self.flags.push_str(self.since(start));
                    }
                    if c == ':' {
                        self.write_flags();
                        self.begin_group();
                    }
                    return Ok(());
                }
                _ => break,
            }
        }
        problem(INVALID_PERL, self.since(start))
    }

    fn escape(&mut self) -> Result<(), Problem> {
        let rest = self.rest();
        let simple = [
            ("\\A", "\\A"),
            ("\\b", "(?-u:\\b)"),
            ("\\B", "(?-u:\\B)"),
            ("\\z", "\\z"),
        ];
        if let Some((escape, shown)) = simple.iter().find(|(escape, _)| rest.starts_with(escape)) {
            self.at += escape.len();
            self.out.push_str(shown);
            self.item(1);
            return Ok(());
        }
        if let Some(quoted) = rest.strip_prefix("\\Q") {
            let (text, len) = match quoted.split_once("\\E") {
                Some((text, _)) => (text, text.len() + 4),
                None => (quoted, quoted.len() + 2),
            };
            self.at += len;
            text.chars().for_each(|c| self.literal(c));
            return Ok(());
        }
        if let Some(class) = self.class_escape()? {
            self.out.push_str(&class);
            self.item(1);
            return Ok(());
        }
        let c = self.character_escape()?;
        self.literal(c);
        Ok(())
    }

    /// `\d` and its like, or `\pL`.
    fn class_escape(&mut self) -> Result<Option<String>, Problem> {
        let rest = self.rest();
        let Some(letter) = rest.chars().nth(1) else {
            return Ok(None);
        };
        let ascii = match letter {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0c\r ]",
            'S' => r"[^\t\n\x0c\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => return self.unicode_class(letter == 'P').map(Some),
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(ascii.to_owned()))
    }

    fn unicode_class(&mut self, is_negative: bool) -> Result<String, Problem> {
        let rest = self.rest();
        let body = rest.get(2..).unwrap_or_default();
        let (name, len) = if let Some(braced) = body.strip_prefix('{') {
            let Some(end) = braced.find('}') else {
                return problem(INVALID_RANGE, rest);
            };
            (braced.get(..end).unwrap_or_default(), end + 4)
        } else {
            let Some(c) = body.chars().next() else {
                return problem(INVALID_RANGE, rest);
            };
            (
                body.get(..c.len_utf8()).unwrap_or_default(),
                c.len_utf8() + 2,
            )
        };
        let fragment = rest.get(..len).unwrap_or(rest);
        let (name, is_negative) = match name.strip_prefix('^') {
            Some(name) => (name, !is_negative),
            None => (name, is_negative),
        };
        let class = format!("\\{}{{{name}}}", if is_negative { 'P' } else { 'p' });
        let is_known = !name.contains(['=', ':', '!']) && Regex::new(&class).is_ok();
        if !is_known {
            return problem(INVALID_RANGE, fragment);
        }
        self.at += len;
        Ok(class)
    }

    /// An escape that stands for one character.
    fn character_escape(&mut self) -> Result<char, Problem> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return problem("trailing backslash at end of expression", "");
        };
        let value = match c {
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => None,
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or_default();
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value)
            }
            'x' => self.hexadecimal(),
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
            _ => None,
        };
        match value {
            Some(value) => Ok(value),
            None => problem(INVALID_ESCAPE, self.since(start)),
        }
    }

    /// The digits behind `\x`; what does not fit is read and refused.
    fn hexadecimal(&mut self) -> Option<char> {
        let first = self.next()?;
        if first != '{' {
            let high = first.to_digit(16)?;
            let low = self.next()?.to_digit(16)?;
            return char::from_u32(high * 16 + low);
        }
        let mut value = 0;
        let mut digits = 0;
        loop {
            let c = self.next()?;
            if c == '}' {
                return char::from_u32(value).filter(|_| digits > 0);
            }
            value = value * 16 + c.to_digit(16)?;
            digits += 1;
            if value > 0x0010_FFFF {
                return None;
            }
        }
    }

    fn class(&mut self) -> Result<(), Problem> {
        let whole = self.rest();
        self.at += 1;
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut is_first = true;
        while is_first || self.peek() != Some(']') {
            is_first = false;
            if let Some(class) = self.posix_class()? {
                self.out.push_str(&class);
                continue;
            }
            if self.rest().starts_with('\\')
                && let Some(class) = self.class_escape()?
            {
                self.out.push_str(&class);
                continue;
            }
            let start = self.at;
            let low = self.class_character(whole)?;
            let mut high = low;
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            if is_range && self.rest().len() >= 2 {
                self.at += 1;
                high = self.class_character(whole)?;
                if high < low {
                    return problem(INVALID_RANGE, self.since(start));
                }
            }
            push_literal(&mut self.out, low);
            if high > low {
                self.out.push('-');
                push_literal(&mut self.out, high);
            }
        }
        self.at += 1;
        self.out.push(']');
        self.item(1);
        Ok(())
    }

    fn class_character(&mut self, whole: &str) -> Result<char, Problem> {
        match self.peek() {
            None => problem("missing closing ]", whole),
            Some('\\') => self.character_escape(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(c)
            }
        }
    }

    /// `[:alpha:]` within a class.
    fn posix_class(&mut self) -> Result<Option<String>, Problem> {
        let rest = self.rest();
        let Some(end) = rest.strip_prefix("[:").and_then(|body| body.find(":]")) else {
            return Ok(None);
        };
        let fragment = rest.get(..end + 4).unwrap_or(rest);
        let name = rest.get(2..end + 2).unwrap_or_default();
        let known = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        if !known.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return problem(INVALID_RANGE, fragment);
        }
        self.at += fragment.len();
        Ok(Some(fragment.to_owned()))
    }
}

fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{:02X}", u32::from(c)));
    }
}

/// A count such as `{2,5}`: its text, its length and the largest number in it.
fn count(text: &str) -> Option<(String, usize, u32)> {
    let end = text.find('}')?;
    let body = text.get(1..end)?;
    let number = |text: &str| {
        let is_number = !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text.len() == 1 || !text.starts_with('0'));
        is_number.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (least, most) = match body.split_once(',') {
        None => {
            let exact = number(body)?;
            (exact, exact)
        }
        Some((least, "")) => {
            let least = number(least)?;
            (least, least)
        }
        Some((least, most)) => (number(least)?, number(most)?),
    };
    // Numbers out of order are refused like numbers too large.
    let largest = if least > most { u32::MAX } else { most };
    Some((text.get(..=end)?.to_owned(), end + 1, largest))
}
