//! Formats: `%[index][flags][width][.precision][index]verb`.

use super::{Flags, Printer};
use crate::bytes::decode;
use crate::value::Value;

/// Widths and precisions beyond this are taken for mistakes.
const LARGEST: i64 = 1_000_000;

struct Cursor<'f> {
    format: &'f [u8],
    at: usize,
    /// The argument the next verb takes.
    arg: usize,
    /// Whether an explicit index was used anywhere, which disables the check for unused arguments.
    is_reordered: bool,
    /// Whether the indexes of the current directive make sense.
    is_good_index: bool,
    /// Whether an index stands right before this place.
    is_after_index: bool,
}

pub(super) fn print(printer: &mut Printer, format: &[u8], args: &[Value]) {
    let mut cursor = Cursor {
        format,
        at: 0,
        arg: 0,
        is_reordered: false,
        is_good_index: true,
        is_after_index: false,
    };
    while cursor.at < format.len() && printer.stop.is_none() {
        let rest = format.get(cursor.at..).unwrap_or_default();
        let literal = rest
            .iter()
            .position(|&byte| byte == b'%')
            .unwrap_or(rest.len());
        printer.write(rest.get(..literal).unwrap_or_default());
        cursor.at += literal + 1;
        if literal < rest.len() {
            directive(printer, &mut cursor, args);
        }
    }
    if !cursor.is_reordered && cursor.arg < args.len() {
        printer.flags = Flags::default();
        printer.write(b"%!(EXTRA ");
        for (at, arg) in args.iter().skip(cursor.arg).enumerate() {
            if at > 0 {
                printer.write(b", ");
            }
            if arg.is_none() {
                printer.write(b"<nil>");
            } else {
                printer.write_str(arg.type_name());
                printer.write(b"=");
                printer.print_arg(arg, 'v');
            }
        }
        printer.write(b")");
    }
}

/// One directive, from behind its percent sign.
fn directive(printer: &mut Printer, cursor: &mut Cursor<'_>, args: &[Value]) {
    cursor.is_good_index = true;
    cursor.is_after_index = false;
    printer.flags = Flags::default();
    while let Some(byte) = cursor.peek() {
        match byte {
            b'#' => printer.flags.sharp = true,
            b'0' => printer.flags.zero = true,
            b'+' => printer.flags.plus = true,
            b'-' => printer.flags.minus = true,
            b' ' => printer.flags.space = true,
            _ => break,
        }
        cursor.at += 1;
    }
    cursor.index(args.len());
    width(printer, cursor, args);
    precision(printer, cursor, args);
    if !cursor.is_after_index {
        cursor.index(args.len());
    }
    let (verb, size) = decode(cursor.format.get(cursor.at..).unwrap_or_default());
    if size == 0 {
        printer.write(b"%!(NOVERB)");
        return;
    }
    cursor.at += size;
    if verb == '%' {
        printer.write(b"%");
    } else if !cursor.is_good_index {
        printer.write_str(&format!("%!{verb}(BADINDEX)"));
    } else if let Some(arg) = args.get(cursor.arg) {
        if matches!(verb, 'v' | 'w') {
            printer.flags.sharp_v = std::mem::take(&mut printer.flags.sharp);
            printer.flags.plus_v = std::mem::take(&mut printer.flags.plus);
        }
        printer.print_arg(arg, verb);
        cursor.arg += 1;
    } else {
        printer.write_str(&format!("%!{verb}(MISSING)"));
    }
}

fn width(printer: &mut Printer, cursor: &mut Cursor<'_>, args: &[Value]) {
    if cursor.peek() != Some(b'*') {
        printer.flags.width = cursor.number();
        if cursor.is_after_index && printer.flags.width.is_some() {
            cursor.is_good_index = false;
        }
        return;
    }
    cursor.at += 1;
    let width = cursor.int_arg(args);
    if width.is_none() {
        printer.write(b"%!(BADWIDTH)");
    }
    if width.is_some_and(|width| width < 0) {
        printer.flags.minus = true;
        printer.flags.zero = false;
    }
    printer.flags.width = width.and_then(|width| usize::try_from(width.unsigned_abs()).ok());
    cursor.is_after_index = false;
}

fn precision(printer: &mut Printer, cursor: &mut Cursor<'_>, args: &[Value]) {
    if cursor.peek() != Some(b'.') {
        return;
    }
    cursor.at += 1;
    if cursor.is_after_index {
        cursor.is_good_index = false;
    }
    cursor.index(args.len());
    if cursor.peek() != Some(b'*') {
        printer.flags.precision = Some(cursor.number().unwrap_or(0));
        return;
    }
    cursor.at += 1;
    printer.flags.precision = cursor
        .int_arg(args)
        .and_then(|precision| usize::try_from(precision).ok());
    if printer.flags.precision.is_none() {
        printer.write(b"%!(BADPREC)");
    }
    cursor.is_after_index = false;
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Digits, if there are any. A number too large swallows the rest of the format.
    fn number(&mut self) -> Option<usize> {
        let (number, at) = parse_number(self.format, self.at, self.format.len());
        self.at = at;
        number
    }

    /// An explicit index, `[n]`.
    fn index(&mut self, count: usize) {
        self.is_after_index = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.is_reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = rest
            .iter()
            .position(|&byte| byte == b']')
            .filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            self.is_good_index = false;
            self.at += 1;
            return;
        };
        let (number, end) = parse_number(rest, 1, close);
        self.at += close + 1;
        match number.filter(|_| end == close) {
            Some(number) if (1..=count).contains(&number) => {
                self.arg = number - 1;
                self.is_after_index = true;
            }
            number => {
                self.is_good_index = false;
                self.is_after_index = number.is_some();
            }
        }
    }

    /// The next argument as a width or precision.
    fn int_arg(&mut self, args: &[Value]) -> Option<i64> {
        let arg = args.get(self.arg)?;
        self.arg += 1;
        let number = match arg {
            Value::Int(number, _) => *number,
            Value::Uint(number, _) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (-LARGEST..=LARGEST).contains(&number).then_some(number)
    }
}

fn parse_number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number: Option<i64> = None;
    let mut at = start;
    while let Some(digit) = text
        .get(at)
        .filter(|byte| at < end && byte.is_ascii_digit())
    {
        let so_far = number.unwrap_or(0);
        if so_far > LARGEST {
            return (None, end);
        }
        number = Some(so_far * 10 + i64::from(digit - b'0'));
        at += 1;
    }
    (number.and_then(|number| usize::try_from(number).ok()), at)
}
