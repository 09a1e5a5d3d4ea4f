//! The syntax of JSON, as Go's scanner sees it: the same places of error, in the same words.
//!
//! The reader walks over bytes once. Whoever asks for values decides what to keep; what is skipped is
//! checked all the same.

use std::borrow::Cow;
use std::fmt;

use super::text;

/// How deep values may be nested. Go 1.26: `maxNestingDepth`.
pub const DEPTH_MAX: usize = 10_000;

/// Why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxError {
    /// It is empty, or all space.
    Nothing,
    /// It ends too early.
    End,
    /// This byte cannot stand there.
    Byte {
        /// The byte.
        byte: u8,
        /// Where it stands, in Go's words.
        context: &'static str,
    },
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => out.write_str("EOF"),
            Self::End => out.write_str("unexpected EOF"),
            Self::Byte { byte, context } => {
                out.write_str("invalid character ")?;
                match byte {
                    b'\'' => out.write_str(r"'\''")?,
                    b'"' => out.write_str("'\"'")?,
                    _ => {
                        // Go takes the byte for the code point of that number.
                        let mut utf8 = [0; 4];
                        let shown = char::from(*byte).encode_utf8(&mut utf8);
                        let quoted = gotemplate::strconv::quote(shown.as_bytes());
                        write!(out, "'{}'", quoted.trim_matches('"'))?;
                    }
                }
                write!(out, " {context}")
            }
        }
    }
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// `true` or `false`
    Bool,
    /// A digit or `-`
    Number,
    /// `null`
    Null,
}

impl Kind {
    /// Go's word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Null => "null",
        }
    }
}

const VALUE: &str = "looking for beginning of value";
const KEY: &str = "looking for beginning of object key string";
const AFTER_KEY: &str = "after object key";
const AFTER_PAIR: &str = "after object key:value pair";
const AFTER_ELEMENT: &str = "after array element";
const TOO_DEEP: &str = "exceeded max depth";

/// A place in a text of JSON.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// The same, if it is text.
    text: Option<&'a str>,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of a body.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            text: std::str::from_utf8(bytes).ok(),
            at: 0,
            depth: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no space, which stays where it is.
    fn token(&mut self) -> Result<u8, SyntaxError> {
        while let Some(byte) = self.peek() {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(SyntaxError::End)
    }

    /// What comes next, if it is the beginning of a value.
    pub fn kind(&mut self) -> Result<Kind, SyntaxError> {
        let byte = self.token()?;
        Ok(match byte {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            b't' | b'f' => Kind::Bool,
            b'n' => Kind::Null,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => {
                return Err(SyntaxError::Byte {
                    byte,
                    context: VALUE,
                });
            }
        })
    }

    /// Like [`Self::kind`], at the beginning of the text.
    pub fn first(&mut self) -> Result<Kind, SyntaxError> {
        self.kind().map_err(|error| match error {
            SyntaxError::End => SyntaxError::Nothing,
            other => other,
        })
    }

    fn enter(&mut self, byte: u8) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(SyntaxError::Byte {
                byte,
                context: TOO_DEEP,
            });
        }
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.depth -= 1;
        self.at += 1;
    }

    /// Enters the object that begins here. True if it has a first field; its key is next.
    pub fn enter_object(&mut self) -> Result<bool, SyntaxError> {
        self.enter(b'{')?;
        match self.token()? {
            b'"' => Ok(true),
            b'}' => {
                self.leave();
                Ok(false)
            }
            byte => Err(SyntaxError::Byte { byte, context: KEY }),
        }
    }

    /// The key of a field and the colon behind it.
    pub fn key(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    fn colon(&mut self) -> Result<(), SyntaxError> {
        match self.token()? {
            b':' => {
                self.at += 1;
                Ok(())
            }
            byte => Err(SyntaxError::Byte {
                byte,
                context: AFTER_KEY,
            }),
        }
    }

    /// After a field. True if another one follows; its key is next.
    pub fn next_field(&mut self) -> Result<bool, SyntaxError> {
        match self.token()? {
            b'}' => {
                self.leave();
                return Ok(false);
            }
            b',' => self.at += 1,
            byte => {
                return Err(SyntaxError::Byte {
                    byte,
                    context: AFTER_PAIR,
                });
            }
        }
        match self.token()? {
            b'"' => Ok(true),
            byte => Err(SyntaxError::Byte { byte, context: KEY }),
        }
    }

    /// Enters the array that begins here. True if it has a first element.
    pub fn enter_array(&mut self) -> Result<bool, SyntaxError> {
        self.enter(b'[')?;
        if self.token()? != b']' {
            return Ok(true);
        }
        self.leave();
        Ok(false)
    }

    /// After an element. True if another one follows.
    pub fn next_element(&mut self) -> Result<bool, SyntaxError> {
        match self.token()? {
            b']' => {
                self.leave();
                Ok(false)
            }
            b',' => {
                self.at += 1;
                Ok(true)
            }
            byte => Err(SyntaxError::Byte {
                byte,
                context: AFTER_ELEMENT,
            }),
        }
    }

    /// The string that begins here.
    pub fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let start = self.at + 1;
        let has_escapes = self.skip_string()?;
        let end = self.at - 1;
        if !has_escapes && let Some(text) = self.text.and_then(|text| text.get(start..end)) {
            return Ok(Cow::Borrowed(text));
        }
        let raw = self.bytes.get(start..end).unwrap_or_default();
        Ok(text::unescape(raw))
    }

    /// Passes the string that begins here, and tells whether it has escapes.
    fn skip_string(&mut self) -> Result<bool, SyntaxError> {
        const CONTEXT: &str = "in string literal";
        let mut has_escapes = false;
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += text::plain_len(rest);
            match self.peek().ok_or(SyntaxError::End)? {
                b'"' => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                b'\\' => {
                    has_escapes = true;
                    self.skip_escape()?;
                }
                byte => {
                    return Err(SyntaxError::Byte {
                        byte,
                        context: CONTEXT,
                    });
                }
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), SyntaxError> {
        self.at += 1;
        let byte = self.peek().ok_or(SyntaxError::End)?;
        self.at += 1;
        match byte {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => Ok(()),
            b'u' => {
                for _ in 0..4 {
                    let byte = self.peek().ok_or(SyntaxError::End)?;
                    if !byte.is_ascii_hexdigit() {
                        let context = "in \\u hexadecimal character escape";
                        return Err(SyntaxError::Byte { byte, context });
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(SyntaxError::Byte {
                byte,
                context: "in string escape code",
            }),
        }
    }

    /// The `true` or `false` that begins here.
    pub fn bool(&mut self) -> Result<bool, SyntaxError> {
        let is_true = self.peek() == Some(b't');
        self.skip_scalar()?;
        Ok(is_true)
    }

    /// Passes a value that is neither object nor array.
    fn skip_scalar(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            Some(b'"') => self.skip_string().map(drop),
            Some(b't') => self.skip_word(&[
                (b'r', "in literal true (expecting 'r')"),
                (b'u', "in literal true (expecting 'u')"),
                (b'e', "in literal true (expecting 'e')"),
            ]),
            Some(b'f') => self.skip_word(&[
                (b'a', "in literal false (expecting 'a')"),
                (b'l', "in literal false (expecting 'l')"),
                (b's', "in literal false (expecting 's')"),
                (b'e', "in literal false (expecting 'e')"),
            ]),
            Some(b'n') => self.skip_word(&[
                (b'u', "in literal null (expecting 'u')"),
                (b'l', "in literal null (expecting 'l')"),
                (b'l', "in literal null (expecting 'l')"),
            ]),
            _ => self.skip_number(),
        }
    }

    /// Passes a word whose first letter is here.
    fn skip_word(&mut self, rest: &[(u8, &'static str)]) -> Result<(), SyntaxError> {
        for &(expected, context) in rest {
            self.at += 1;
            let byte = self.peek().ok_or(SyntaxError::End)?;
            if byte != expected {
                return Err(SyntaxError::Byte { byte, context });
            }
        }
        self.at += 1;
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), SyntaxError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.skip_digits("in numeric literal")?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.skip_digits("after decimal point in numeric literal")?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.skip_digits("in exponent of numeric literal")?;
        }
        Ok(())
    }

    /// Passes one digit or more.
    fn skip_digits(&mut self, context: &'static str) -> Result<(), SyntaxError> {
        let byte = self.peek().ok_or(SyntaxError::End)?;
        if !byte.is_ascii_digit() {
            return Err(SyntaxError::Byte { byte, context });
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    /// Passes the value that comes next, whatever it is.
    pub fn skip(&mut self) -> Result<(), SyntaxError> {
        // Which of the open values are objects; the others are arrays.
        let mut open: Vec<bool> = Vec::new();
        loop {
            let has_more = match self.kind()? {
                Kind::Object => {
                    open.push(true);
                    self.enter_object()?
                }
                Kind::Array => {
                    open.push(false);
                    self.enter_array()?
                }
                _ => {
                    self.skip_scalar()?;
                    match open.last() {
                        Some(true) => self.next_field()?,
                        Some(false) => self.next_element()?,
                        None => return Ok(()),
                    }
                }
            };
            if !self.next_value(has_more, &mut open)? {
                return Ok(());
            }
        }
    }

    /// Leaves what has ended, up to the next value to pass, if there is one.
    fn next_value(
        &mut self,
        mut has_more: bool,
        open: &mut Vec<bool>,
    ) -> Result<bool, SyntaxError> {
        while !has_more {
            open.pop();
            has_more = match open.last() {
                Some(true) => self.next_field()?,
                Some(false) => self.next_element()?,
                None => return Ok(false),
            };
        }
        if open.last() == Some(&true) {
            self.skip_string()?;
            self.colon()?;
        }
        Ok(true)
    }
}
