//! Blocks of fields: the table from which a block's reader and its writer are made.
//!
//! ```text
//! block! {
//!     /// What it is.
//!     Name "package.Type" {
//!         field: Type;                      // zero if absent, left out when it is zero
//!         field: Type = default;            // what stands there if the key is absent
//!         field: Type = default, always;    // written in any case
//!         field as "key": Type;             // where the key is no name of Rust
//!     }
//! }
//! ```
//!
//! The Go name of the type is part of errors that operators look for. What a block checks, and
//! whether it does, stands in its [`Checked`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::yaml::{
    Any, Decode, Decoded, Decoder, Fatal, Int, Item, NodeId, Problem, Resolved, Step,
};

/// No key of Alertmanager is as long; longer ones get no suggestion.
const KEY_BYTES_MAX: usize = 64;

/// Why a block is refused by its own check.
#[derive(Debug)]
pub struct Refusal {
    text: String,
    /// From the block to what is to be pointed at, the last step first.
    path: Vec<Step>,
}

impl Refusal {
    /// With the key that is to be pointed at.
    pub fn at(key: &'static str, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            path: vec![Step::Key(key)],
        }
    }

    /// With the way to what is to be pointed at.
    pub fn on(mut path: Vec<Step>, text: impl Into<String>) -> Self {
        path.reverse();
        Self {
            text: text.into(),
            path,
        }
    }

    /// The same, seen from the block around. A way that begins at `global` begins at the top.
    #[must_use]
    pub fn below(mut self, step: Step) -> Self {
        if !matches!(self.path.last(), Some(Step::Key("global"))) {
            self.path.push(step);
        }
        self
    }

    /// With more to say.
    #[must_use]
    pub fn with(mut self, more: &str) -> Self {
        self.text.push_str(more);
        self
    }
}

impl<T: Into<String>> From<T> for Refusal {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            path: Vec::new(),
        }
    }
}

/// At most one of the fields may be there.
///
/// # Errors
/// If there are more.
pub fn at_most_one(fields: &[(&'static str, bool)], names: &str) -> Result<(), Refusal> {
    let mut present = fields.iter().filter(|(_, is_present)| *is_present);
    match (present.next(), present.next()) {
        (Some(_), Some((second, _))) => Err(Refusal::at(
            second,
            format!("at most one of {names} must be configured"),
        )),
        _ => Ok(()),
    }
}

/// What a block does beyond reading its fields.
pub trait Checked {
    /// Whether it has checks, or defaults of its own.
    const IS_CUSTOM: bool = true;

    /// Looks at the whole block after its fields were read without an error.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        Ok(())
    }
}

/// A block of fields. Made by `block!`.
pub trait Block: Checked + Default {
    /// Its type in errors.
    const GO_TYPE: &'static str;
    /// Its keys in the order in which they are written.
    const KEYS: &'static [&'static str];

    /// What stands there before anything is read.
    fn with_defaults() -> Self;

    /// Reads the field of the key of that number.
    ///
    /// # Errors
    /// What ends the decoding.
    fn read_field(&mut self, key: usize, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded;
}

/// Reads a block.
///
/// # Errors
/// What ends the decoding.
pub fn read_block<B: Block>(block: &mut B, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
    if !B::IS_CUSTOM {
        return read_fields(block, at, decoder);
    }
    let problems_before = decoder.problem_count();
    *block = B::with_defaults();
    read_fields(block, at, decoder)?;
    if decoder.problem_count() > problems_before {
        return Ok(false);
    }
    match block.check(decoder) {
        Ok(()) => Ok(true),
        Err(refusal) => Err(refused(refusal, at, decoder)),
    }
}

fn refused(refusal: Refusal, at: NodeId, decoder: &Decoder<'_>) -> Fatal {
    let path: Vec<Step> = refusal.path.into_iter().rev().collect();
    let place = decoder.find(at, &path);
    Box::new(Problem::new(refusal.text).at(place))
}

fn read_fields<B: Block>(block: &mut B, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
    let Some(entries) = decoder.entries(at) else {
        if matches!(decoder.scalar(at)?, Some((Resolved::Null, _))) {
            *block = B::default();
            return Ok(true);
        }
        return decoder.wrong_kind(at, B::GO_TYPE);
    };
    let mut is_done = vec![false; B::KEYS.len()];
    for (key_at, value_at) in entries {
        if decoder.is_merge(*key_at) {
            for mapping in decoder.merged(*value_at)? {
                decoder.follow(mapping, |decoder, at| read_fields(block, at, decoder))?;
            }
            continue;
        }
        let Some(name) = decoder.key(*key_at)? else {
            continue;
        };
        let Some(key) = B::KEYS.iter().position(|key| *key == name) else {
            let text = format!("field {name} not found in type {}", B::GO_TYPE);
            decoder.note(*key_at, &text, suggestion(&name, B::KEYS));
            continue;
        };
        if is_done[key] {
            let text = format!("field {name} already set in type {}", B::GO_TYPE);
            decoder.note(*key_at, &text, None);
            continue;
        }
        is_done[key] = true;
        block.read_field(key, *value_at, decoder)?;
    }
    Ok(true)
}

/// The key that was meant, if one is near enough.
fn suggestion(name: &str, keys: &[&'static str]) -> Option<String> {
    if name.len() > KEY_BYTES_MAX {
        return None;
    }
    let name = name.to_ascii_lowercase().replace('-', "_");
    keys.iter()
        .map(|key| (strsim::damerau_levenshtein(&name, key), *key))
        .filter(|(distance, key)| *distance <= 1 + key.len() / 4 && *distance < key.len())
        .min()
        .map(|(_, key)| format!("did you mean `{key}`?"))
}

/// A value that can be written.
pub trait Show {
    /// As it is written.
    fn item(&self) -> Item;

    /// Whether it is left out unless its field is written always.
    fn is_zero(&self) -> bool;
}

impl Show for String {
    fn item(&self) -> Item {
        Item::Text(self.clone())
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl Show for Any {
    fn item(&self) -> Item {
        Self::item(self)
    }

    fn is_zero(&self) -> bool {
        *self == Self::Null
    }
}

macro_rules! show_number {
    ($($type:ty, $zero:expr, $item:expr;)*) => {$(
        impl Show for $type {
            fn item(&self) -> Item {
                let item: fn($type) -> Item = $item;
                item(*self)
            }

            fn is_zero(&self) -> bool {
                *self == $zero
            }
        }
    )*};
}

show_number! {
    bool, false, Item::Bool;
    i64, 0, Item::Int;
    u64, 0, Item::Uint;
    f64, 0.0, Item::Float;
    Int, Int(0), |number| Item::Int(number.0);
}

impl<T: Show> Show for Option<T> {
    fn item(&self) -> Item {
        self.as_ref().map_or(Item::Null, Show::item)
    }

    fn is_zero(&self) -> bool {
        self.is_none()
    }
}

impl<T: Show> Show for Box<T> {
    fn item(&self) -> Item {
        self.as_ref().item()
    }

    fn is_zero(&self) -> bool {
        self.as_ref().is_zero()
    }
}

impl<T: Show> Show for Vec<T> {
    fn item(&self) -> Item {
        Item::List(self.iter().map(Show::item).collect())
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Show> Show for BTreeMap<String, T> {
    fn item(&self) -> Item {
        Item::sorted(
            self.iter()
                .map(|(key, value)| (Item::Text(key.clone()), value.item())),
        )
    }

    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// A list of blocks of which some may be `null`: those are kept, because they are written again, but
/// nobody else meets them.
#[derive(Debug, Clone, PartialEq)]
pub struct Blocks<T>(Vec<Option<T>>);

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Blocks<T> {
    /// Those that are there.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Option<T>] {
        &self.0
    }

    pub(super) fn all_mut(&mut self) -> &mut [Option<T>] {
        &mut self.0
    }
}

impl<T: Show> Show for Blocks<T> {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Decode> Decode for Blocks<T> {
    fn go_type() -> Cow<'static, str> {
        <Vec<Option<T>>>::go_type()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        self.0.decode(at, decoder)
    }
}

/// Makes a block of fields from a table; see the module.
macro_rules! block {
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@default) => { Default::default() };
    (@default $default:expr) => { $default.into() };
    (@always) => { false };
    (@always always) => { true };
    (@name $go:literal) => { $go };
    (@name $go:literal $name:literal) => { $name };
    (
        $(#[$doc:meta])*
        $name:ident $go:literal $(of $list:literal)? {
            $(
                $(#[$field_doc:meta])*
                $field:ident $(as $key:literal)? : $type:ty $(= $default:expr)? $(, $always:ident)? ;
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $(
                #[doc = concat!("`", $crate::config::block::block!(@key $field $($key)?), "`")]
                $(#[$field_doc])*
                pub $field: $type,
            )*
        }

        impl $crate::config::block::Block for $name {
            const GO_TYPE: &'static str = $go;
            const KEYS: &'static [&'static str] =
                &[$($crate::config::block::block!(@key $field $($key)?)),*];

            fn with_defaults() -> Self {
                Self {
                    $($field: $crate::config::block::block!(@default $($default)?),)*
                }
            }

            fn read_field(
                &mut self,
                key: usize,
                at: $crate::config::yaml::NodeId,
                decoder: &mut $crate::config::yaml::Decoder<'_>,
            ) -> $crate::config::yaml::Decoded {
                let name = Self::KEYS.get(key).copied();
                $(
                    if name == Some($crate::config::block::block!(@key $field $($key)?)) {
                        return decoder.read(at, &mut self.$field);
                    }
                )*
                debug_assert!(false, "{name:?} has no field: {at:?}, {decoder:?}");
                Ok(true)
            }
        }

        impl $crate::config::yaml::Decode for $name {
            const IS_CUSTOM: bool = <Self as $crate::config::block::Checked>::IS_CUSTOM;

            fn go_type() -> std::borrow::Cow<'static, str> {
                $crate::config::block::block!(@name $go $($list)?).into()
            }

            fn decode(
                &mut self,
                at: $crate::config::yaml::NodeId,
                decoder: &mut $crate::config::yaml::Decoder<'_>,
            ) -> $crate::config::yaml::Decoded {
                $crate::config::block::read_block(self, at, decoder)
            }
        }

        impl $crate::config::block::Show for $name {
            fn item(&self) -> $crate::config::yaml::Item {
                let entries: Vec<Option<($crate::config::yaml::Item, $crate::config::yaml::Item)>> = vec![$({
                    use $crate::config::block::{Show, block};
                    let is_shown = block!(@always $($always)?) || !self.$field.is_zero();
                    is_shown.then(|| (block!(@key $field $($key)?).into(), Show::item(&self.$field)))
                }),*];
                $crate::config::yaml::Item::Map(entries.into_iter().flatten().collect())
            }

            fn is_zero(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

pub(crate) use block;
