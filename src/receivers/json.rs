//! Values as JSON, by the rules of Go's `encoding/json`.
//!
//! Go's encoder differs from others in what receivers see: no white space but a newline at the end,
//! `<`, `>`, `&`, U+2028 and U+2029 escaped, floats with an exponent only below 1e-6 and from 1e21 on.

use std::io;

use serde::Serialize;
use serde::ser::{Error, SerializeMap};
use serde_json::ser::{Formatter, Serializer};

use crate::config::yaml::Any;

/// The value as JSON, and a newline.
///
/// # Errors
/// That the value has a form that JSON does not have.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut out = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut out, GoFormatter))?;
    out.push(b'\n');
    Ok(out)
}

/// A value of the configuration as JSON. Keys that are no texts are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct AnyJson(pub Any);

impl From<Any> for AnyJson {
    fn from(any: Any) -> Self {
        Self(any)
    }
}

impl From<String> for AnyJson {
    fn from(text: String) -> Self {
        Self(Any::Text(text))
    }
}

impl From<i64> for AnyJson {
    fn from(number: i64) -> Self {
        Self(Any::Int(number))
    }
}

impl Serialize for AnyJson {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

struct Borrowed<'a>(&'a Any);

impl Serialize for Borrowed<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Any::Null => serializer.serialize_unit(),
            Any::Bool(value) => serializer.serialize_bool(*value),
            Any::Int(value) => serializer.serialize_i64(*value),
            Any::Uint(value) => serializer.serialize_u64(*value),
            Any::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Any::Float(value) => {
                let shown = gotemplate::strconv::shown(&gotemplate::Value::from(*value));
                Err(S::Error::custom(format!(
                    "json: unsupported value: {shown}"
                )))
            }
            Any::Text(value) => serializer.serialize_str(value),
            Any::List(values) => serializer.collect_seq(values.iter().map(Borrowed)),
            Any::Map(entries) => {
                let mut named: Vec<(&str, &Any)> = entries
                    .iter()
                    .filter_map(|(key, value)| match key {
                        Any::Text(name) => Some((name.as_str(), value)),
                        _ => None,
                    })
                    .collect();
                named.sort_by_key(|&(name, _)| name);
                let mut map = serializer.serialize_map(Some(named.len()))?;
                for (name, value) in named {
                    map.serialize_entry(name, &Borrowed(value))?;
                }
                map.end()
            }
        }
    }
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, from) = rest.split_at(at);
            out.write_all(before.as_bytes())?;
            let mut chars = from.chars();
            if let Some(c) = chars.next() {
                write!(out, "\\u{:04x}", u32::from(c))?;
            }
            rest = chars.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn write_f64<W>(&mut self, out: &mut W, value: f64) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let text = gotemplate::strconv::format_json(value)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "json: unsupported value"))?;
        out.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn texts_and_numbers_take_the_forms_of_go() {
        let value = BTreeMap::from([
            ("b<", (1e21, "</script>&\u{2028}\u{2029}é\u{7f}")),
            ("a", (0.000_000_1, "\u{8}\u{c}\n\r\t\u{1}\u{1f}\"\\/")),
            ("c", (100_000_000.0, "")),
        ]);
        let expected = concat!(
            r#"{"a":[1e-7,"\b\f\n\r\t\u0001\u001f\"\\/"],"#,
            r#""b\u003c":[1e+21,"\u003c/script\u003e\u0026\u2028\u2029é"#,
            "\u{7f}\"],\"c\":[100000000,\"\"]}\n",
        );
        assert_eq!(
            String::from_utf8(encode(&value).unwrap()).unwrap(),
            expected
        );
    }
}
