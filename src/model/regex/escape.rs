//! Escapes that stand for one character.

use super::RegexError;
use super::reader::Reader;

const INVALID_ESCAPE: &str = "invalid escape sequence";
const LARGEST: u32 = 0x0010_FFFF;

impl Reader<'_> {
    /// The code point of an escape. It may be a surrogate, which no text contains.
    pub(super) fn character_escape(&mut self) -> Result<u32, RegexError> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            let code = "trailing backslash at end of expression";
            return Err(RegexError::new(code, ""));
        };
        let value = match c {
            // One digit alone refers back to a group, which is not supported.
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => None,
            '0'..='7' => Some(self.octal(c)),
            'x' => self.hexadecimal(),
            'a' => Some(0x7),
            'f' => Some(0xC),
            'n' => Some(0xA),
            'r' => Some(0xD),
            't' => Some(0x9),
            'v' => Some(0xB),
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c.into()),
            _ => None,
        };
        value.ok_or_else(|| RegexError::new(INVALID_ESCAPE, self.since(start)))
    }

    /// Up to three octal digits, of which one was read.
    fn octal(&mut self, first: char) -> u32 {
        let mut value = first.to_digit(8).unwrap_or_default();
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                break;
            };
            value = value * 8 + digit;
            self.at += 1;
        }
        value
    }

    /// The digits behind `\x`; what does not fit is read and refused.
    fn hexadecimal(&mut self) -> Option<u32> {
        let first = self.next()?;
        if first != '{' {
            let second = self.next()?;
            return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
        }
        let mut value = None;
        loop {
            let c = self.next()?;
            if c == '}' {
                return value;
            }
            let larger = value.unwrap_or(0) * 16 + c.to_digit(16)?;
            value = Some(larger).filter(|larger| *larger <= LARGEST);
            value?;
        }
    }
}
