//! Values → text, as Alertmanager's library writes it.
//!
//! ```text
//! key: plain text            plain if it reads back as the same text
//! key: "yes"                 double quotes if it would be another kind of value, or needs escapes
//! key: '{{ x }}'             single quotes if it has signs of YAML
//! key: |-                    a block if it has lines
//!   two
//!   lines
//! key:
//! - lists are not indented
//! key: ['but:some', "1"]     and some stand in a line
//! ```
//!
//! Text is folded at a space behind column 80.

mod scalar;

use std::cmp::Ordering;

use scalar::{Context, Writer, is_break};

/// A value to be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// One without a sign.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// A list, one line (or more) for each element.
    List(Vec<Item>),
    /// A list in one line.
    Flow(Vec<Item>),
    /// A mapping, in this order.
    Map(Vec<(Item, Item)>),
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Item {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Item {
    /// A mapping with its keys in the library's order.
    pub fn sorted(entries: impl IntoIterator<Item = (Item, Item)>) -> Self {
        Self::Map(merge_sort(entries.into_iter().collect()))
    }
}

/// The document of a value.
#[must_use]
pub fn to_text(item: &Item) -> String {
    let mut writer = Writer::default();
    node(&mut writer, item, 0, Place::Document);
    writer.finish()
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Document,
    /// Behind a key; lists are not indented.
    Value,
    /// Behind `-`.
    Element,
}

/// Writes a value; `indent` is the column of what holds it.
fn node(writer: &mut Writer, item: &Item, indent: usize, place: Place) {
    let inner = match place {
        Place::Document => 0,
        Place::Value | Place::Element => indent + 2,
    };
    match item {
        Item::Map(entries) if entries.is_empty() => writer.word("{}"),
        Item::List(items) | Item::Flow(items) if items.is_empty() => writer.word("[]"),
        Item::Map(entries) => {
            for (key, value) in entries {
                writer.indent(inner);
                entry(writer, key, value, inner);
            }
        }
        Item::List(items) => {
            let column = if place == Place::Value { indent } else { inner };
            for item in items {
                writer.indent(column);
                writer.indicator("-");
                node(writer, item, column, Place::Element);
            }
        }
        Item::Flow(items) => {
            writer.word("[");
            writer.open_flow();
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    writer.glue(",");
                }
                writer.break_if_wide(inner);
                scalar(writer, item, inner, Context::Flow);
            }
            writer.glue("]");
        }
        scalar_item => scalar(writer, scalar_item, inner, Context::Block),
    }
}

fn entry(writer: &mut Writer, key: &Item, value: &Item, indent: usize) {
    if is_simple_key(key) {
        scalar(writer, key, indent + 2, Context::Key);
        writer.glue(":");
        return node(writer, value, indent, Place::Value);
    }
    writer.indicator("?");
    scalar(writer, key, indent + 2, Context::Block);
    writer.indent(indent);
    writer.indicator(":");
    node(writer, value, indent, Place::Element);
}

/// Whether a key fits into its line. Longer ones, and those of several lines, get a `?`.
fn is_simple_key(key: &Item) -> bool {
    const KEY_BYTES_MAX: usize = 128;
    match key {
        Item::Text(text) => text.len() <= KEY_BYTES_MAX && !text.contains(is_break),
        _ => true,
    }
}

fn scalar(writer: &mut Writer, item: &Item, indent: usize, context: Context) {
    match item {
        Item::Null => writer.word("null"),
        Item::Bool(value) => writer.word(if *value { "true" } else { "false" }),
        Item::Int(value) => writer.word(&value.to_string()),
        Item::Uint(value) => writer.word(&value.to_string()),
        Item::Float(value) => writer.word(&float(*value)),
        Item::Text(text) => writer.text(text, indent, context),
        // Keys and elements in a line are scalars.
        Item::List(_) | Item::Flow(_) | Item::Map(_) => writer.word("null"),
    }
}

fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    shortest(value)
}

/// The fewest digits that read back as the same number, with an exponent if there are more than six
/// places before the point or four zeros behind it.
fn shortest(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match exponent {
        -4..6 => format!("{value}"),
        6.. => format!("{digits}e+{exponent:02}"),
        _ => format!("{digits}e-{:02}", -exponent),
    }
}

/// Keys of mappings: numbers, nothing, texts.
fn order_of_keys(a: &Item, b: &Item) -> Ordering {
    let number = |item: &Item| match item {
        #[expect(clippy::cast_precision_loss, reason = "the library compares so")]
        Item::Int(value) => Some(*value as f64),
        #[expect(clippy::cast_precision_loss, reason = "the library compares so")]
        Item::Uint(value) => Some(*value as f64),
        Item::Float(value) => Some(*value),
        Item::Bool(value) => Some(f64::from(u8::from(*value))),
        _ => None,
    };
    let rank = |item: &Item| match item {
        Item::Bool(_) => 1,
        Item::Int(_) => 2,
        Item::Uint(_) => 3,
        Item::Float(_) => 4,
        Item::Text(_) => 6,
        _ => 5,
    };
    match (a, b) {
        (Item::Text(a), Item::Text(b)) => natural_order(a, b),
        _ => match (number(a), number(b)) {
            (Some(x), Some(y)) => x.total_cmp(&y).then(rank(a).cmp(&rank(b))),
            _ => rank(a).cmp(&rank(b)),
        },
    }
}

/// Texts character by character, but whole numbers by their value, and letters after everything else.
fn natural_order(a: &str, b: &str) -> Ordering {
    let same = a
        .char_indices()
        .zip(b.chars())
        .find(|((_, x), y)| x != y)
        .map(|((at, _), _)| at);
    let Some(at) = same else {
        return a.len().cmp(&b.len());
    };
    let first = |text: &str| text[at..].chars().next().unwrap_or_default();
    let (x, y) = (first(a), first(b));
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (false, false) => {}
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
    }
    // Zeros within a number make it longer; zeros that lead one do not.
    let is_within = (x == '0' || y == '0')
        && a[..at]
            .bytes()
            .rev()
            .take_while(u8::is_ascii_digit)
            .any(|digit| digit != b'0');
    let number = |text: &str| {
        let digits = text[at..].bytes().take_while(u8::is_ascii_digit);
        digits.fold((i64::from(is_within), 0), |(value, count), digit| {
            let value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            (value, count + 1)
        })
    };
    number(a).cmp(&number(b)).then(x.cmp(&y))
}

/// Sorts without asking for more of an order than that it compares: this one is the library's, and
/// nothing says that it is transitive.
fn merge_sort(entries: Vec<(Item, Item)>) -> Vec<(Item, Item)> {
    if entries.len() < 2 {
        return entries;
    }
    let mut left = entries;
    let right = left.split_off(left.len() / 2);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let mut left = merge_sort(left).into_iter().peekable();
    let mut right = merge_sort(right).into_iter().peekable();
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let next = match order_of_keys(a, b) {
            Ordering::Greater => right.next(),
            Ordering::Less | Ordering::Equal => left.next(),
        };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}
