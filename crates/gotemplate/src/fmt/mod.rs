//! Go's `fmt`: `Sprint`, `Sprintln` and `Sprintf` over template values.
//!
//! A wrong verb or a missing argument never fails; it shows in the text, as in Go. What can fail
//! is the length of the text and the depth of a value, where the host sets limits.

mod directive;
mod pad;
mod value;

use crate::limits::Stop;
use crate::types::Kind;
use crate::value::Value;

/// Flags, width and precision of a directive.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`, which names the fields of structs.
    plus_v: bool,
    /// `%#v`, Go syntax.
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// A text being written.
#[derive(Debug)]
pub(crate) struct Printer {
    out: Vec<u8>,
    limit: usize,
    stop: Option<Stop>,
    flags: Flags,
    /// What a complaint about a wrong verb names.
    arg: Value,
    /// While complaining, values are shown without their own string forms.
    is_complaining: bool,
}

impl Printer {
    fn new(limit: usize) -> Self {
        Self {
            out: Vec::new(),
            limit,
            stop: None,
            flags: Flags::default(),
            arg: Value::None,
            is_complaining: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.out.len().saturating_add(bytes.len()) > self.limit {
            self.stop = self.stop.or(Some(Stop::Output));
        } else {
            self.out.extend_from_slice(bytes);
        }
    }

    fn write_str(&mut self, text: &str) {
        self.write(text.as_bytes());
    }

    fn finish(self) -> Result<Vec<u8>, Stop> {
        match self.stop {
            None => Ok(self.out),
            Some(stop) => Err(stop),
        }
    }
}

fn is_string(value: &Value) -> bool {
    value.ty().is_some_and(|ty| ty.kind == Kind::String)
}

/// The values with a space between two of which neither is a string.
pub(crate) fn sprint(values: &[Value], limit: usize) -> Result<Vec<u8>, Stop> {
    if let [Value::String(text, _)] = values
        && text.len() <= limit
    {
        return Ok(text.as_bytes().to_vec());
    }
    let mut printer = Printer::new(limit);
    let mut after_string = true;
    for value in values {
        if !after_string && !is_string(value) {
            printer.write(b" ");
        }
        printer.print_arg(value, 'v');
        after_string = is_string(value);
    }
    printer.finish()
}

/// The values with spaces between them and a newline at the end.
pub(crate) fn sprintln(values: &[Value], limit: usize) -> Result<Vec<u8>, Stop> {
    let mut printer = Printer::new(limit);
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            printer.write(b" ");
        }
        printer.print_arg(value, 'v');
    }
    printer.write(b"\n");
    printer.finish()
}

/// The values by a format.
pub(crate) fn sprintf(format: &[u8], values: &[Value], limit: usize) -> Result<Vec<u8>, Stop> {
    let mut printer = Printer::new(limit);
    directive::print(&mut printer, format, values);
    printer.finish()
}

/// A value by one verb, without limit: for error texts.
pub(crate) fn shown(value: &Value, verb: char) -> String {
    /// An error text may hold a whole value, but not more than a reader can bear.
    const LIMIT: usize = 1 << 20;
    let mut printer = Printer::new(LIMIT);
    printer.print_arg(value, verb);
    String::from_utf8_lossy(&printer.out).into_owned()
}
