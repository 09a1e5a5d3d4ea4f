//! A decoder of payloads that knows nothing but what the document says.

use serde_json::{Value, json};

use crate::document;

/// A value with its place, for the annotations of a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) size: usize,
    pub(crate) name: String,
    pub(crate) shown: String,
}

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    layouts: Vec<(String, Vec<(String, String)>)>,
    pub(crate) parts: Vec<Part>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            layouts: document::layouts(),
            parts: Vec::new(),
        }
    }

    /// The whole payload as a value of that layout.
    pub(crate) fn whole(&mut self, layout: &str) -> Value {
        let value = self.value(layout, "");
        assert_eq!(self.at, self.bytes.len(), "trailing bytes");
        value
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        taken
    }

    fn varint(&mut self) -> u64 {
        let first = self.take(1)[0];
        let length = match first {
            0..=250 => return u64::from(first),
            251 => 2,
            252 => 4,
            253 => 8,
            _ => panic!("no integer begins with {first}"),
        };
        let mut wide = [0; 8];
        wide[..length].copy_from_slice(self.take(length));
        u64::from_le_bytes(wide)
    }

    fn length(&mut self) -> usize {
        usize::try_from(self.varint()).unwrap()
    }

    fn note(&mut self, from: usize, name: &str, shown: String) {
        self.parts.push(Part {
            offset: from,
            size: self.at - from,
            name: name.to_owned(),
            shown,
        });
    }

    fn value(&mut self, kind: &str, path: &str) -> Value {
        let from = self.at;
        if let Some(inner) = kind
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'))
        {
            let inner = inner.split(", ").enumerate();
            return inner
                .map(|(at, kind)| self.value(kind, &format!("{path}.{at}")))
                .collect();
        }
        if let Some(inner) = kind
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            if let Some((_, count)) = inner.split_once("; ") {
                let bytes = self.take(count.parse().unwrap());
                self.note(from, path, format!("{count} bytes"));
                return json!(bytes);
            }
            let count = self.length();
            self.note(from, path, format!("{count} items"));
            return (0..count)
                .map(|at| self.value(inner, &format!("{path}[{at}]")))
                .collect();
        }
        match kind {
            "str" => {
                let length = self.length();
                let text = std::str::from_utf8(self.take(length)).unwrap();
                self.note(from, path, format!("{length}, {text:?}"));
                json!(text)
            }
            "bytes" => {
                let length = self.length();
                let bytes = self.take(length);
                self.note(from, path, format!("{length} bytes"));
                json!(bytes)
            }
            "bool" => {
                let value = match self.take(1)[0] {
                    0 => false,
                    1 => true,
                    other => panic!("no bool is {other}"),
                };
                self.note(from, path, value.to_string());
                json!(value)
            }
            "u32" | "u64" => {
                let value = self.varint();
                self.note(from, path, value.to_string());
                json!(value)
            }
            "i64" => {
                let zigzag = self.varint();
                let value = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
                self.note(from, path, value.to_string());
                json!(value)
            }
            layout => self.layout(layout, path),
        }
    }

    fn layout(&mut self, layout: &str, path: &str) -> Value {
        let found = self.layouts.iter().find(|(name, _)| name == layout);
        let fields = found
            .unwrap_or_else(|| panic!("the document has no layout {layout}"))
            .1
            .clone();
        let dot = if path.is_empty() { "" } else { "." };
        let fields = fields.into_iter().map(|(name, kind)| {
            let value = self.value(&kind, &format!("{path}{dot}{name}"));
            (name, value)
        });
        Value::Object(fields.collect())
    }
}
