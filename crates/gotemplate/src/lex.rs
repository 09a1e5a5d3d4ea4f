//! The lexer: a template's text to tokens.
//!
//! It runs on demand, one token at a time, and alternates between literal text and the inside of
//! actions. An error is a token too, the last one that means anything: it reaches the user when the
//! parser trips over it, which decides the line that is reported.

use crate::bytes::{decode, find};
use crate::quote::quote;
use crate::unicode::{is_alphanumeric, is_print};

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const COMMENT_START: &[u8] = b"/*";
const COMMENT_END: &[u8] = b"*/";
/// A trim marker is a dash and a space; both together are this long.
const MARKER_LEN: usize = 2;

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Error,
    Bool,
    /// A printable ASCII character with no meaning of its own.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Dot,
    Nil,
    Keyword(Keyword),
}

/// The words that are no identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

/// A token. `text` is empty for errors, whose text is in `error`.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) pos: usize,
    pub(crate) len: usize,
    pub(crate) error: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Lexer<'t> {
    text: &'t [u8],
    start: usize,
    pos: usize,
    inside_action: bool,
    paren_depth: usize,
    /// After an error the input counts as empty, at the place of the error.
    failed: bool,
    break_is_keyword: bool,
    continue_is_keyword: bool,
}

impl<'t> Lexer<'t> {
    /// `break` and `continue` are ordinary names where functions of these names exist.
    pub(crate) fn new(text: &'t [u8], break_is_keyword: bool, continue_is_keyword: bool) -> Self {
        Self {
            text,
            start: 0,
            pos: 0,
            inside_action: false,
            paren_depth: 0,
            failed: false,
            break_is_keyword,
            continue_is_keyword,
        }
    }

    /// The next token; after the end, the end again.
    pub(crate) fn next_token(&mut self) -> Token {
        if self.failed {
            return if self.inside_action {
                self.error("unclosed action")
            } else {
                self.token(Kind::End)
            };
        }
        if self.inside_action {
            self.action_token()
        } else {
            self.text_token()
        }
    }

    fn token(&mut self, kind: Kind) -> Token {
        let token = Token {
            kind,
            pos: self.start,
            len: self.pos - self.start,
            error: None,
        };
        self.start = self.pos;
        token
    }

    fn error(&mut self, message: impl Into<String>) -> Token {
        self.failed = true;
        Token {
            kind: Kind::Error,
            pos: self.start,
            len: 0,
            error: Some(message.into()),
        }
    }

    fn rest(&self) -> &'t [u8] {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn lexed(&self) -> &'t [u8] {
        self.text.get(self.start..self.pos).unwrap_or_default()
    }

    /// The next character, `None` at the end.
    fn peek(&self) -> Option<char> {
        let (c, width) = decode(self.rest());
        (width > 0).then_some(c)
    }

    fn next(&mut self) -> Option<char> {
        let (c, width) = decode(self.rest());
        self.pos += width;
        (width > 0).then_some(c)
    }

    fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| set.contains(byte));
        self.pos += usize::from(found);
        found
    }

    fn accept_run(&mut self, set: &[u8]) {
        while self.accept(set) {}
    }

    fn text_token(&mut self) -> Token {
        loop {
            let Some(found) = find(self.rest(), LEFT) else {
                self.pos = self.text.len();
                return self.token(if self.pos > self.start {
                    Kind::Text
                } else {
                    Kind::End
                });
            };
            let delim = self.pos + found;
            let after = self.text.get(delim + LEFT.len()..).unwrap_or_default();
            let text = self.text.get(self.start..delim).unwrap_or_default();
            let kept = if has_left_marker(after) {
                trim_end(text).len()
            } else {
                text.len()
            };
            if kept > 0 {
                self.pos = self.start + kept;
                let token = self.token(Kind::Text);
                self.pos = delim;
                self.start = delim;
                return token;
            }
            self.pos = delim;
            self.start = delim;
            if let Some(token) = self.left_delim() {
                return token;
            }
        }
    }

    /// The token of an opening delimiter, or nothing after a comment.
    fn left_delim(&mut self) -> Option<Token> {
        self.pos += LEFT.len();
        let marker = if has_left_marker(self.rest()) {
            MARKER_LEN
        } else {
            0
        };
        if self
            .rest()
            .get(marker..)
            .unwrap_or_default()
            .starts_with(COMMENT_START)
        {
            self.pos += marker;
            self.start = self.pos;
            return self.comment();
        }
        let token = self.token(Kind::LeftDelim);
        self.inside_action = true;
        self.pos += marker;
        self.start = self.pos;
        self.paren_depth = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.pos += COMMENT_START.len();
        let Some(end) = find(self.rest(), COMMENT_END) else {
            return Some(self.error("unclosed comment"));
        };
        self.pos += end + COMMENT_END.len();
        let Some(trims) = self.at_right_delim() else {
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.skip_right_delim(trims);
        None
    }

    fn skip_right_delim(&mut self, trims: bool) {
        self.pos += RIGHT.len() + if trims { MARKER_LEN } else { 0 };
        if trims {
            let rest = self.rest();
            self.pos += rest.len() - trim_start(rest).len();
        }
        self.start = self.pos;
    }

    /// Whether a closing delimiter stands here, and if so whether it trims.
    fn at_right_delim(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_marker(rest) && rest.get(MARKER_LEN..)?.starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self, trims: bool) -> Token {
        self.start += if trims { MARKER_LEN } else { 0 };
        let token = Token {
            kind: Kind::RightDelim,
            pos: self.start,
            len: RIGHT.len(),
            error: None,
        };
        self.skip_right_delim(trims);
        self.inside_action = false;
        token
    }

    fn action_token(&mut self) -> Token {
        if let Some(trims) = self.at_right_delim() {
            if self.paren_depth > 0 {
                return self.error("unclosed left paren");
            }
            return self.right_delim(trims);
        }
        let Some(c) = self.next() else {
            return self.error("unclosed action");
        };
        match c {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.token(Kind::Assign),
            ':' if self.accept(b"=") => self.token(Kind::Declare),
            ':' => self.error("expected :="),
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match find(self.rest(), b"`") {
                Some(end) => {
                    self.pos += end + 1;
                    self.token(Kind::RawString)
                }
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name_after_sigil(Kind::Variable, Kind::Variable),
            '.' if self
                .rest()
                .first()
                .is_some_and(|byte| !byte.is_ascii_digit()) =>
            {
                self.name_after_sigil(Kind::Field, Kind::Dot)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.pos -= 1;
                self.number()
            }
            _ if is_alphanumeric(c) => self.identifier(),
            '(' => {
                self.paren_depth += 1;
                self.token(Kind::LeftParen)
            }
            ')' if self.paren_depth == 0 => self.error("unexpected right paren"),
            ')' => {
                self.paren_depth -= 1;
                self.token(Kind::RightParen)
            }
            _ if c.is_ascii() && is_print(c) => self.token(Kind::Char),
            _ => self.error(format!("unrecognized character in action: {}", named(c))),
        }
    }

    fn space(&mut self) -> Token {
        self.accept_run(b" \t\r\n");
        // The last space may belong to a trimming delimiter.
        let last = self.pos - 1;
        let from_last = self.text.get(last..).unwrap_or_default();
        if has_right_marker(from_last)
            && from_last
                .get(MARKER_LEN..)
                .unwrap_or_default()
                .starts_with(RIGHT)
        {
            self.pos = last;
            if self.start == last {
                return self.right_delim(true);
            }
        }
        self.token(Kind::Space)
    }

    fn quoted(&mut self, mark: u8, kind: Kind, unterminated: &str) -> Token {
        loop {
            match self.next() {
                Some('\\') if self.peek().is_some_and(|c| c != '\n') => {
                    self.next();
                }
                Some('\\' | '\n') | None => return self.error(unterminated),
                Some(c) if c == char::from(mark) => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn name_after_sigil(&mut self, kind: Kind, bare: Kind) -> Token {
        if self.at_terminator() {
            return self.token(bare);
        }
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if self.at_terminator() {
            self.token(kind)
        } else {
            self.bad_character()
        }
    }

    fn bad_character(&mut self) -> Token {
        let c = self.peek().unwrap_or_default();
        self.error(format!("bad character {}", named(c)))
    }

    fn at_terminator(&self) -> bool {
        matches!(
            self.peek(),
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(')
        ) || self.rest().starts_with(RIGHT)
    }

    fn identifier(&mut self) -> Token {
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.lexed() {
            b"true" | b"false" => Kind::Bool,
            b"nil" => Kind::Nil,
            b"block" => Kind::Keyword(Keyword::Block),
            b"break" if self.break_is_keyword => Kind::Keyword(Keyword::Break),
            b"continue" if self.continue_is_keyword => Kind::Keyword(Keyword::Continue),
            b"define" => Kind::Keyword(Keyword::Define),
            b"else" => Kind::Keyword(Keyword::Else),
            b"end" => Kind::Keyword(Keyword::End),
            b"if" => Kind::Keyword(Keyword::If),
            b"range" => Kind::Keyword(Keyword::Range),
            b"template" => Kind::Keyword(Keyword::Template),
            b"with" => Kind::Keyword(Keyword::With),
            _ => Kind::Identifier,
        };
        self.token(kind)
    }

    fn number(&mut self) -> Token {
        let mut kind = Kind::Number;
        let mut good = self.scan_number();
        if good && matches!(self.peek(), Some('+' | '-')) {
            // The two parts of a complex number, without a space between them.
            kind = Kind::Complex;
            good = self.scan_number() && self.lexed().last() == Some(&b'i');
        }
        if good {
            return self.token(kind);
        }
        self.error(format!("bad number syntax: {}", quote(self.lexed())))
    }

    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let mut exponent: &[u8] = b"eE";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                (digits, exponent) = (b"0123456789abcdefABCDEF_", b"pP");
            } else if self.accept(b"oO") {
                (digits, exponent) = (b"01234567_", b"");
            } else if self.accept(b"bB") {
                (digits, exponent) = (b"01_", b"");
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn has_left_marker(after_delim: &[u8]) -> bool {
    matches!(after_delim, [b'-', space, ..] if is_space(*space))
}

fn has_right_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if is_space(*space))
}

fn trim_end(text: &[u8]) -> &[u8] {
    let kept = text
        .iter()
        .rposition(|&byte| !is_space(byte))
        .map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}

fn trim_start(text: &[u8]) -> &[u8] {
    let first = text
        .iter()
        .position(|&byte| !is_space(byte))
        .unwrap_or(text.len());
    text.get(first..).unwrap_or_default()
}

/// A character as Go's `%#U` shows it.
pub(crate) fn named(c: char) -> String {
    let code = u32::from(c);
    if is_print(c) {
        format!("U+{code:04X} '{c}'")
    } else {
        format!("U+{code:04X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        let mut lexer = Lexer::new(text.as_bytes(), true, true);
        std::iter::from_fn(|| {
            let kind = lexer.next_token().kind;
            (kind != Kind::End).then_some(kind)
        })
        .take(20)
        .collect()
    }

    #[test]
    fn a_trimming_delimiter_takes_the_one_space_before_it() {
        use Kind::{LeftDelim, Number, RightDelim, Space, Text};
        let seen = [kinds("a {{- 1 -}} b"), kinds("{{1  -}}"), kinds("{{-3}}")];
        let expected = [
            vec![Text, LeftDelim, Number, RightDelim, Text],
            vec![LeftDelim, Number, Space, RightDelim],
            vec![LeftDelim, Number, RightDelim],
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_unclosed_action_is_an_error_token_behind_the_last_good_one() {
        let mut lexer = Lexer::new(b"{{ if\n .A\n", true, true);
        let tokens: Vec<_> = std::iter::repeat_with(|| lexer.next_token())
            .take(7)
            .collect();
        let last = tokens
            .iter()
            .find_map(|token| Some((token.pos, token.error.clone()?)));
        assert_eq!(last, Some((10, "unclosed action".to_owned())));
    }
}
