//! Values as JSON, by the rules of Go's `encoding/json` with HTML-safe strings.

use crate::bytes::{GoString, chars, is_malformed, push_char};
use crate::collection::{Map, Slice};
use crate::func::Fault;
use crate::limits::{MAX_VALUE_DEPTH, Stop};
use crate::number::Digits;
use crate::types;
use crate::value::Value;

/// The value as JSON.
pub(crate) fn encode(value: &Value, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    write(&mut out, value, limit, 0)?;
    Ok(out)
}

fn write(out: &mut Vec<u8>, value: &Value, limit: usize, depth: usize) -> Result<(), Fault> {
    if out.len() > limit {
        return Err(Stop::Output.into());
    }
    if depth > MAX_VALUE_DEPTH {
        return Err(Stop::Depth.into());
    }
    if let Some(form) = value.ty().and_then(|ty| ty.json) {
        let text = form(value).map_err(|error| {
            let name = value.type_name();
            Fault::new(format!(
                "json: error calling MarshalJSON for type {name}: {error}"
            ))
        })?;
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    match value {
        Value::None | Value::Pointer(None, _) => out.extend_from_slice(b"null"),
        Value::Interface(inner) => write(out, inner, limit, depth)?,
        Value::Pointer(Some(target), _) => write(out, target, limit, depth + 1)?,
        Value::Bool(flag) => out.extend_from_slice(flag.to_string().as_bytes()),
        Value::Int(number, _) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Uint(number, _) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Float(number) => out.extend_from_slice(float(*number)?.as_bytes()),
        Value::String(text, _) => quote_into(out, text.as_bytes()),
        Value::Slice(slice) => write_slice(out, slice, limit, depth)?,
        Value::Map(map) => write_map(out, map, limit, depth)?,
        Value::Struct(fields) => {
            let shown = fields.ty().fields.iter().zip(fields.fields());
            let mut mark = b'{';
            for (field, value) in shown.filter(|(field, _)| field.is_exported()) {
                out.push(mark);
                let name = if field.json.is_empty() {
                    field.name
                } else {
                    field.json
                };
                quote_into(out, name.as_bytes());
                out.push(b':');
                write(out, value, limit, depth + 1)?;
                mark = b',';
            }
            close(out, mark, b'{', b'}');
        }
        Value::Time(_) | Value::Zone(_) => out.extend_from_slice(b"{}"),
        Value::Complex(..) | Value::Func(_) => {
            return Err(Fault::new(format!(
                "json: unsupported type: {}",
                value.type_name()
            )));
        }
    }
    Ok(())
}

/// Ends a list or an object, opening it first if nothing did.
fn close(out: &mut Vec<u8>, mark: u8, open: u8, close: u8) {
    if mark == open {
        out.push(open);
    }
    out.push(close);
}

fn write_slice(out: &mut Vec<u8>, slice: &Slice, limit: usize, depth: usize) -> Result<(), Fault> {
    if slice.is_nil() {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    if slice
        .ty()
        .elem
        .is_some_and(|elem| types::same(elem, &types::UINT8))
    {
        let bytes: Vec<u8> = slice
            .iter()
            .filter_map(|byte| match byte {
                Value::Uint(number, _) => u8::try_from(number).ok(),
                _ => None,
            })
            .collect();
        out.push(b'"');
        out.extend_from_slice(base64(&bytes).as_bytes());
        out.push(b'"');
        return Ok(());
    }
    let mut mark = b'[';
    for element in slice.iter() {
        out.push(mark);
        write(out, &element, limit, depth + 1)?;
        mark = b',';
    }
    close(out, mark, b'[', b']');
    Ok(())
}

fn write_map(out: &mut Vec<u8>, map: &Map, limit: usize, depth: usize) -> Result<(), Fault> {
    if map.is_nil() {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    // Keys of any kind become strings, and are sorted as such.
    let mut entries: Vec<(GoString, &Value)> = map
        .iter()
        .map(|(key, value)| match key {
            Value::String(text, _) => (text, value),
            key => (crate::fmt::shown(&key, 'd').into(), value),
        })
        .collect();
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut mark = b'{';
    for (key, value) in entries {
        out.push(mark);
        quote_into(out, key.as_bytes());
        out.push(b':');
        write(out, value, limit, depth + 1)?;
        mark = b',';
    }
    close(out, mark, b'{', b'}');
    Ok(())
}

/// A float: with an exponent below 1e-6 and from 1e21 on, as in JavaScript.
pub(crate) fn float(number: f64) -> Result<String, Fault> {
    if !number.is_finite() {
        let shown = crate::number::format_default(number);
        return Err(Fault::new(format!("json: unsupported value: {shown}")));
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let Digits { digits, exponent } = Digits::shortest(number);
        let (first, rest) = digits.split_at(1);
        let sign = if number < 0.0 { "-" } else { "" };
        let point = if rest.is_empty() { "" } else { "." };
        return Ok(format!("{sign}{first}{point}{rest}e{exponent:+}"));
    }
    Ok(format!("{number}"))
}

/// A string in quotes, safe within HTML and JavaScript.
pub(crate) fn quote_into(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for (_, c, width) in chars(text) {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            }
            _ if is_malformed(c, width) => out.extend_from_slice(b"\\ufffd"),
            _ => push_char(out, c),
        }
    }
    out.push(b'"');
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0u32, |group, at| {
            group << 8 | u32::from(chunk.get(at).copied().unwrap_or_default())
        });
        for at in 0..4 {
            let index = usize::try_from(group >> (18 - 6 * at) & 63).unwrap_or_default();
            let letter = ALPHABET.get(index).copied().map_or('A', char::from);
            out.push(if at > chunk.len() { '=' } else { letter });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_strings_and_bytes_take_the_forms_of_go() {
        let bytes = |text: &[u8]| {
            let elements = text
                .iter()
                .map(|&b| Value::Uint(b.into(), &types::UINT8))
                .collect();
            Value::Slice(Slice::new(&types::BYTE_SLICE, elements))
        };
        let values = [
            Value::from(1e21),
            Value::from(1e-7),
            Value::from(100_000_000.0),
            Value::from("a<\u{2028}\u{1}\u{7f}"),
            bytes(b"ab"),
            Value::from(Slice::nil(&types::ANY_SLICE)),
            Value::from(Slice::new(&types::ANY_SLICE, Vec::new())),
        ];
        let seen = values.map(|value| {
            encode(&value, usize::MAX).map(|text| String::from_utf8_lossy(&text).into_owned())
        });
        let expected = [
            "1e+21",
            "1e-7",
            "100000000",
            "\"a\\u003c\\u2028\\u0001\u{7f}\"",
            "\"YWI=\"",
            "null",
            "[]",
        ]
        .map(|text| Ok(text.to_owned()));
        assert_eq!(seen, expected);
    }
}
