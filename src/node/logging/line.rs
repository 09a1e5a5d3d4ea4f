//! The text of a line, as Go's slog writes it with the options of Prometheus' programs.
//!
//! ```text
//! time=2026-11-22T03:39:54.507Z level=INFO source=mod.rs:244 msg="Starting" version="(version=1)"
//! {"time":"2026-11-22T03:39:54.507123456Z","level":"INFO","source":"mod.rs:244","msg":"Starting",…}
//! ```
//!
//! | | logfmt | JSON |
//! |---|---|---|
//! | time | exactly three digits of a second | nine, without zeros at their end |
//! | a text | in Go's quotes if it is empty or holds what would end it | a string |
//! | a number | `%v` of Go | a number |
//!
//! An attribute called `time`, `level` or `source` becomes `logged_…`.

use std::borrow::Cow;
use std::fmt::Write;

use gotemplate::strconv;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::Level;

use super::{LINE_BYTES_MAX, VALUE_BYTES_MAX};
use crate::cli::serve::flags::LogFormat;
use crate::sys::{Clock, WallTime};

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

/// A line that is being written.
#[derive(Debug)]
pub struct Line {
    format: LogFormat,
    text: String,
    is_cut: bool,
}

impl Line {
    /// A line with time, level, source and message.
    #[must_use]
    pub fn new(
        format: LogFormat,
        clock: &dyn Clock,
        level: Level,
        source: (&str, u32),
        message: &str,
    ) -> Self {
        let mut line = Self {
            format,
            text: String::with_capacity(256),
            is_cut: false,
        };
        let (file, number) = source;
        let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let time = instant(format, clock.wall(), &clock.local_zone());
        line.write("time", &Value::Text(time));
        line.write("level", &Value::Text(name(level).to_owned()));
        line.write("source", &Value::Text(format!("{file}:{number}")));
        line.write("msg", &Value::Text(message.to_owned()));
        line
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, key: &str, value: &Value) {
        match key {
            "time" | "level" | "source" => self.write(&format!("logged_{key}"), value),
            key => self.write(key, value),
        }
    }

    fn write(&mut self, key: &str, value: &Value) {
        let value = match value {
            Value::Text(text) => Cow::Owned(Value::Text(bounded(text).into_owned())),
            other => Cow::Borrowed(other),
        };
        let attribute = match self.format {
            LogFormat::Logfmt => format!("{}={}", quoted(key), logfmt(&value)),
            LogFormat::Json => format!("{}:{}", json_text(key), json(&value)),
        };
        self.is_cut |= self.text.len() + attribute.len() > LINE_BYTES_MAX;
        if self.is_cut {
            return;
        }
        match (self.text.is_empty(), self.format) {
            (true, LogFormat::Json) => self.text.push('{'),
            (true, LogFormat::Logfmt) => {}
            (false, LogFormat::Json) => self.text.push(','),
            (false, LogFormat::Logfmt) => self.text.push(' '),
        }
        self.text.push_str(&attribute);
    }

    /// The text with its line end.
    #[must_use]
    pub fn end(mut self) -> String {
        let end = match (self.is_cut, self.format) {
            (false, LogFormat::Logfmt) => "\n",
            (false, LogFormat::Json) => "}\n",
            (true, LogFormat::Logfmt) => " cut=true\n",
            (true, LogFormat::Json) => ",\"cut\":true}\n",
        };
        self.text.push_str(end);
        self.text
    }
}

/// The line that tells how many there are not.
pub(super) fn about_dropped(format: LogFormat, clock: &dyn Clock, dropped: u64) -> String {
    let message = "Log lines were dropped: nobody read standard error";
    let mut line = Line::new(format, clock, Level::WARN, (file!(), line!()), message);
    line.attribute("lines", &Value::Integer(i128::from(dropped)));
    line.end()
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

fn instant(format: LogFormat, wall: WallTime, zone: &TimeZone) -> String {
    let Ok(timestamp) = Timestamp::from_nanosecond(i128::from(wall.0)) else {
        return wall.to_string();
    };
    let time = timestamp.to_zoned(zone.clone());
    let seconds = time.strftime("%Y-%m-%dT%H:%M:%S");
    let nanos = u32::try_from(timestamp.as_nanosecond().rem_euclid(1_000_000_000)).unwrap_or(0);
    let mut text = match format {
        LogFormat::Logfmt => format!("{seconds}.{:03}", nanos / 1_000_000),
        LogFormat::Json if nanos == 0 => seconds.to_string(),
        LogFormat::Json => {
            let digits = format!("{nanos:09}");
            format!("{seconds}.{}", digits.trim_end_matches('0'))
        }
    };
    let offset_s = time.offset().seconds();
    // Writing into memory does not fail.
    let _ = match offset_s {
        0 => write!(text, "Z"),
        _ => {
            let sign = if offset_s < 0 { '-' } else { '+' };
            let minutes = offset_s.unsigned_abs() / 60;
            write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    text
}

/// As much of a text as a value may hold.
fn bounded(text: &str) -> Cow<'_, str> {
    if text.len() <= VALUE_BYTES_MAX {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(VALUE_BYTES_MAX);
    Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default()))
}

fn logfmt(value: &Value) -> String {
    match value {
        Value::Text(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => strconv::shown(&gotemplate::Value::from(*number)),
        Value::Bool(truth) => truth.to_string(),
    }
}

/// The text, in quotes if it could be misread.
fn quoted(text: &str) -> String {
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => strconv::quote(text.as_bytes()),
    }
}

/// Whether slog writes the character without quotes around the text. It asks JSON's table of safe
/// ASCII characters, to which DEL belongs.
fn is_plain(c: char) -> bool {
    match c {
        ' ' | '=' | '"' | char::REPLACEMENT_CHARACTER => false,
        '\\' | '\x7f' => true,
        c if c.is_ascii() => !c.is_ascii_control(),
        // What Go prints as it is in quotes is printable.
        c => {
            let mut bytes = [0; 4];
            let text = c.encode_utf8(&mut bytes);
            strconv::quote(text.as_bytes()).len() == text.len() + 2
        }
    }
}

fn json(value: &Value) -> String {
    match value {
        Value::Text(text) => json_text(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => match strconv::format_json(*number) {
            Some(text) => text,
            None => json_text(&strconv::shown(&gotemplate::Value::from(*number))),
        },
        Value::Bool(truth) => truth.to_string(),
    }
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
