//! Scalars with flags, width and precision.

use super::{Flags, Printer};
use crate::bytes::chars;
use crate::number::{Precision, format_float};
use crate::quote::{Charset, can_backquote, quote_char, quote_with};
use crate::unicode::is_print;

impl Printer {
    /// The text at the width asked for, counted in characters.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let width = self.flags.width.unwrap_or(0);
        let missing = width.saturating_sub(chars(text).count());
        if !self.flags.minus {
            self.padding(missing);
        }
        self.write(text);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn padding(&mut self, count: usize) {
        let zeros = self.flags.zero && !self.flags.minus;
        if count > 0 {
            self.write(if zeros { "0" } else { " " }.repeat(count).as_bytes());
        }
    }

    /// Runs with zero padding off: the zeros are already there or not wanted.
    fn without_zero(&mut self, act: impl FnOnce(&mut Self)) {
        let zero = std::mem::take(&mut self.flags.zero);
        act(self);
        self.flags.zero = zero;
    }

    pub(super) fn integer(&mut self, magnitude: u64, is_negative: bool, verb: char) {
        let (radix, prefix) = match verb {
            'b' => (2, "0b"),
            'o' | 'O' => (8, "0"),
            'x' => (16, "0x"),
            'X' => (16, "0X"),
            _ => (10, ""),
        };
        let Flags {
            plus,
            space,
            zero,
            minus,
            width,
            precision,
            ..
        } = self.flags;
        let has_sign = is_negative || plus || space;
        let least = match (precision, width) {
            (Some(0), _) if magnitude == 0 => {
                return self.without_zero(|printer| printer.padding(width.unwrap_or(0)));
            }
            (Some(precision), _) => precision,
            (None, Some(width)) if zero && !minus => width.saturating_sub(usize::from(has_sign)),
            _ => 0,
        };
        let digits = match verb {
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        let mut text = String::new();
        if is_negative {
            text.push('-');
        } else if plus {
            text.push('+');
        } else if space {
            text.push(' ');
        }
        if verb == 'O' {
            text.push_str("0o");
        }
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        let starts_with_zero = !zeros.is_empty() || digits.starts_with('0');
        if self.flags.sharp && !(radix == 8 && starts_with_zero) {
            text.push_str(prefix);
        }
        text.push_str(&zeros);
        text.push_str(&digits);
        self.without_zero(|printer| printer.pad(text.as_bytes()));
    }

    /// An unsigned number in Go syntax, or an address.
    pub(super) fn hex_with_prefix(&mut self, number: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.integer(number, false, 'x');
        self.flags.sharp = sharp;
    }

    pub(super) fn character(&mut self, code: u64) {
        let c = u32::try_from(code)
            .ok()
            .and_then(char::from_u32)
            .unwrap_or('\u{FFFD}');
        self.pad(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    pub(super) fn quoted_character(&mut self, code: u64) {
        let charset = if self.flags.plus {
            Charset::Ascii
        } else {
            Charset::Unicode
        };
        self.pad(quote_char(code, charset).as_bytes());
    }

    /// `U+0041 'A'`.
    pub(super) fn code_point(&mut self, code: u64) {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{code:0digits$X}");
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        if let Some(c) = c.filter(|&c| self.flags.sharp && is_print(c)) {
            text.push_str(&format!(" '{c}'"));
        }
        self.without_zero(|printer| printer.pad(text.as_bytes()));
    }

    pub(super) fn float(&mut self, value: f64, verb: char) {
        let default = match verb {
            'e' | 'E' | 'f' => Precision::Digits(6),
            _ => Precision::Shortest,
        };
        let precision = self.flags.precision.map_or(default, Precision::Digits);
        let verb = u8::try_from(verb).unwrap_or(b'g');
        let text = format_float(value, verb, precision);
        let (sign, body) = match text.strip_prefix(['+', '-']) {
            Some(body) => (
                if text.starts_with('-') { '-' } else { '+' },
                body.to_owned(),
            ),
            None => ('+', text),
        };
        let Flags { plus, space, .. } = self.flags;
        let sign = if space && sign == '+' && !plus {
            ' '
        } else {
            sign
        };
        if body.starts_with(['I', 'N']) {
            let bare = body.starts_with('N') && !space && !plus;
            let text = if bare { body } else { format!("{sign}{body}") };
            return self.without_zero(|printer| printer.pad(text.as_bytes()));
        }
        let body = if self.flags.sharp && verb != b'b' {
            with_point(&body, verb, self.flags.precision)
        } else {
            body
        };
        if !plus && sign == '+' {
            return self.pad(body.as_bytes());
        }
        let width = self.flags.width.unwrap_or(0);
        if self.flags.zero && !self.flags.minus && width > body.len() + 1 {
            // The sign goes before the zeros.
            self.write(&[u8::try_from(sign).unwrap_or(b' ')]);
            self.padding(width - body.len() - 1);
            self.write(body.as_bytes());
        } else {
            self.pad(format!("{sign}{body}").as_bytes());
        }
    }

    pub(super) fn complex(&mut self, real: f64, imaginary: f64, verb: char) {
        let plus = self.flags.plus;
        self.write(b"(");
        self.float(real, verb);
        self.flags.plus = true;
        self.float(imaginary, verb);
        self.write(b"i)");
        self.flags.plus = plus;
    }

    /// The first characters of a text, as many as the precision says.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let end = chars(text)
            .nth(precision)
            .map_or(text.len(), |(at, _, _)| at);
        text.get(..end).unwrap_or(text)
    }

    pub(super) fn string(&mut self, text: &[u8]) {
        self.pad(self.truncated(text));
    }

    pub(super) fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            let mut quoted = vec![b'`'];
            quoted.extend_from_slice(text);
            quoted.push(b'`');
            return self.pad(&quoted);
        }
        let charset = if self.flags.plus {
            Charset::Ascii
        } else {
            Charset::Unicode
        };
        self.pad(quote_with(text, '"', charset).as_bytes());
    }

    /// The bytes in hexadecimal.
    pub(super) fn hex_string(&mut self, text: &[u8], verb: char) {
        let text = text
            .get(..self.flags.precision.unwrap_or(usize::MAX))
            .unwrap_or(text);
        let Flags { space, sharp, .. } = self.flags;
        let prefix = if verb == 'X' { "0X" } else { "0x" };
        let mut out = String::new();
        for (at, byte) in text.iter().enumerate() {
            if space && at > 0 {
                out.push(' ');
            }
            if sharp && (space || at == 0) {
                out.push_str(prefix);
            }
            let digits = if verb == 'X' {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            };
            out.push_str(&digits);
        }
        self.pad(out.as_bytes());
    }
}

/// `%#g` and its like: always a point, and the zeros of the precision.
fn with_point(body: &str, verb: u8, precision: Option<usize>) -> String {
    let mut digits = match verb {
        b'g' | b'G' | b'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let is_hex = matches!(verb, b'x' | b'X');
    let exponent = body
        .find(|c| matches!(c, 'p' | 'P') || (!is_hex && matches!(c, 'e' | 'E')))
        .unwrap_or(body.len());
    let (mantissa, tail) = body.split_at(exponent);
    let significant = mantissa
        .chars()
        .filter(|&c| c != '.')
        .skip_while(|&c| c == '0')
        .count();
    digits = digits.saturating_sub(significant);
    let mut out = mantissa.to_owned();
    if !mantissa.contains('.') {
        if mantissa == "0" {
            digits = digits.saturating_sub(1);
        }
        out.push('.');
    }
    out.push_str(&"0".repeat(digits));
    out.push_str(tail);
    out
}
