//! The tokens of the UTF-8 grammar, with their places counted in characters.

use super::is_reserved;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OpenBrace,
    CloseBrace,
    Comma,
    Operator(super::Operator),
    Quoted,
    Unquoted,
}

/// A piece of the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'i> {
    pub(super) kind: Kind,
    pub(super) text: &'i str,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Reads tokens from the front of the input.
#[derive(Debug, Clone)]
pub(super) struct Lexer<'i> {
    rest: &'i str,
    /// The characters before the rest.
    pub(super) column: usize,
}

impl<'i> Lexer<'i> {
    pub(super) fn new(input: &'i str) -> Self {
        Self {
            rest: input,
            column: 0,
        }
    }

    /// The next token without taking it; none at the end.
    pub(super) fn peek(&self) -> Result<Option<Token<'i>>, String> {
        self.clone().next()
    }

    /// The next token; none at the end. The error says where and what, not what was expected.
    pub(super) fn next(&mut self) -> Result<Option<Token<'i>>, String> {
        let blanks = self.rest.find(|c: char| !c.is_whitespace());
        self.take(blanks.unwrap_or(self.rest.len()));
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let start = self.column;
        let (kind, len) = match first {
            '{' => (Kind::OpenBrace, 1),
            '}' => (Kind::CloseBrace, 1),
            ',' => (Kind::Comma, 1),
            '=' | '!' => self.operator()?,
            '"' => (Kind::Quoted, self.quoted()?),
            c if is_reserved(c) => {
                let end = start + 1;
                return Err(format!("{start}:{end}: {c}: invalid input"));
            }
            _ => {
                let len = self.rest.find(is_reserved);
                (Kind::Unquoted, len.unwrap_or(self.rest.len()))
            }
        };
        let text = self.take(len);
        Ok(Some(Token {
            kind,
            text,
            start,
            end: self.column,
        }))
    }

    fn take(&mut self, len: usize) -> &'i str {
        let (text, rest) = self.rest.split_at(len);
        self.column += text.chars().count();
        self.rest = rest;
        text
    }

    fn operator(&self) -> Result<(Kind, usize), String> {
        use super::Operator::{Equal, NotEqual, NotRegex, Regex};
        let known = [Regex, NotRegex, NotEqual, Equal];
        let found = known
            .into_iter()
            .find(|it| self.rest.starts_with(it.as_str()));
        if let Some(operator) = found {
            return Ok((Kind::Operator(operator), operator.as_str().len()));
        }
        let (start, end) = (self.column, self.column + 1);
        let seen = match self.rest {
            "!" => "unexpected end of input,",
            _ => "!:",
        };
        Err(format!("{start}:{end}: {seen} expected one of '=~'"))
    }

    /// The length of a quoted token with its quotes.
    fn quoted(&self) -> Result<usize, String> {
        let mut is_escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => return Ok(at + 1),
                _ => {}
            }
        }
        let (start, end) = (self.column, self.column + self.rest.chars().count());
        Err(format!("{start}:{end}: {}: missing end \"", self.rest))
    }
}
