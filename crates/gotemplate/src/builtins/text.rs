//! `html`, `js` and `urlquery`: one string of all arguments, escaped.

use crate::bytes::{chars, is_malformed};
use crate::fmt::sprint;
use crate::limits::Stop;
use crate::unicode::is_print;
use crate::value::Value;

/// The arguments as one string, each without its pointers.
pub(super) fn joined(args: &[Value], limit: usize) -> Result<Vec<u8>, Stop> {
    let args: Vec<Value> = args.iter().map(printable).collect();
    sprint(&args, limit)
}

/// What an action prints for a value: what its pointers point to, and words for no value.
pub(crate) fn printable(value: &Value) -> Value {
    match value {
        Value::None => Value::from("<no value>"),
        Value::Pointer(..) if value.stringer().is_none() => match value.indirect() {
            (target, false) => target.clone(),
            (_, true) => Value::from("<no value>"),
        },
        other => other.clone(),
    }
}

/// HTML's special characters as entities.
pub(crate) fn html_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            _ => out.push(byte),
        }
    }
    out
}

/// A JavaScript string's special characters escaped.
pub(crate) fn js_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, c, width) in chars(text) {
        match c {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
            }
            _ if c.is_ascii() || is_print(c) || is_malformed(c, width) => {
                out.extend_from_slice(text.get(at..at + width).unwrap_or_default());
            }
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
        }
    }
    out
}

/// A text as a part of a URL's query.
pub(crate) fn query_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    out
}
