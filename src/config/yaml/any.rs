//! Values of any kind, which a configuration passes on as they are.

use std::borrow::Cow;
use std::collections::HashSet;

use super::decode::{Decode, Decoded, Decoder};
use super::emit::Item;
use super::error::{Fatal, Problem};
use super::node::NodeId;
use super::resolve::Resolved;

/// A value of any kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Any {
    /// Nothing.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// One that needs the 64th bit.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Any>),
    /// A mapping. Its keys are scalars, no two alike.
    Map(Vec<(Any, Any)>),
}

impl Any {
    /// As it is written.
    #[must_use]
    pub fn item(&self) -> Item {
        match self {
            Self::Null => Item::Null,
            Self::Bool(value) => Item::Bool(*value),
            Self::Int(value) => Item::Int(*value),
            Self::Uint(value) => Item::Uint(*value),
            Self::Float(value) => Item::Float(*value),
            Self::Text(value) => Item::Text(value.clone()),
            Self::List(values) => Item::List(values.iter().map(Self::item).collect()),
            Self::Map(entries) => Item::sorted(
                entries
                    .iter()
                    .map(|(key, value)| (key.item(), value.item())),
            ),
        }
    }

    /// The value as Go's `%#v` prints it, by which keys are told apart.
    fn go_syntax(&self) -> String {
        match self {
            Self::Null => "interface {}(nil)".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => format!("{value:#x}"),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => gotemplate::strconv::quote(value.as_bytes()),
            Self::List(_) | Self::Map(_) => "of several values".to_owned(),
        }
    }
}

impl Decode for Any {
    fn go_type() -> Cow<'static, str> {
        "interface {}".into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        if let Some(elements) = decoder.elements(at) {
            let mut values = Vec::new();
            for element in elements {
                let mut value = Self::Null;
                if decoder.read(*element, &mut value)? {
                    values.push(value);
                }
            }
            *self = Self::List(values);
            return Ok(true);
        }
        if decoder.entries(at).is_some() {
            let mut entries = Entries::default();
            entries.read(at, decoder)?;
            *self = Self::Map(entries.entries);
            return Ok(true);
        }
        *self = match decoder.scalar(at)? {
            None | Some((Resolved::Null, _)) => Self::Null,
            Some((Resolved::Bool(value), _)) => Self::Bool(value),
            Some((Resolved::Int(value), _)) => Self::Int(value),
            Some((Resolved::Uint(value), _)) => Self::Uint(value),
            Some((Resolved::Float(value), _)) => Self::Float(value),
            Some((Resolved::Str | Resolved::Timestamp, text)) => Self::Text(text.into_owned()),
        };
        Ok(true)
    }
}

/// A mapping while it is read.
#[derive(Default)]
struct Entries {
    entries: Vec<(Any, Any)>,
    keys: HashSet<String>,
}

impl Entries {
    fn read(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        for (key_at, value_at) in decoder.entries(at).unwrap_or_default() {
            if decoder.is_merge(*key_at) {
                for mapping in decoder.merged(*value_at)? {
                    decoder.follow(mapping, |decoder, at| self.read(at, decoder))?;
                }
                continue;
            }
            let mut key = Any::Null;
            decoder.read(*key_at, &mut key)?;
            let name = key.go_syntax();
            if matches!(key, Any::List(_) | Any::Map(_)) {
                return Err(refused_key(&name, *key_at, decoder));
            }
            let mut value = Any::Null;
            if !decoder.read(*value_at, &mut value)? {
                continue;
            }
            if self.keys.contains(&name) {
                decoder.note(*value_at, &format!("key {name} already set in map"), None);
                continue;
            }
            self.keys.insert(name);
            self.entries.push((key, value));
        }
        Ok(true)
    }
}

fn refused_key(name: &str, at: NodeId, decoder: &Decoder<'_>) -> Fatal {
    Problem::yaml(format_args!("invalid map key: {name}"), decoder.place(at))
}
