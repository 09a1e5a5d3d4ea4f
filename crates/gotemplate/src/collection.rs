//! Slices and maps.
//!
//! A slice is a window on elements that other slices may share: `append` writes behind the end of
//! its window if the elements have room there, and other windows see it, as in Go. How much room
//! there is follows Go's growth rule, so that even the aliasing is the same.
//!
//! Lists may be nested by a template as deep as it likes, so their elements are dropped by a loop
//! instead of by recursion.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bytes::GoString;
use crate::types::{self, Type};
use crate::value::Value;

/// A slice or an array.
#[derive(Clone, Debug)]
pub struct Slice {
    ty: Type,
    elements: Option<Arc<Elements>>,
    start: usize,
    len: usize,
    cap: usize,
}

/// Elements that slices share. The vector's length is their capacity.
#[derive(Debug, Default)]
struct Elements(Mutex<Vec<Value>>);

impl Slice {
    /// A slice of that type with these elements.
    #[must_use]
    pub fn new(ty: Type, elements: Vec<Value>) -> Self {
        let len = elements.len();
        let elements = Some(Arc::new(Elements(Mutex::new(elements))));
        Self {
            ty,
            elements,
            start: 0,
            len,
            cap: len,
        }
    }

    /// The nil slice of a type.
    #[must_use]
    pub fn nil(ty: Type) -> Self {
        Self {
            ty,
            elements: None,
            start: 0,
            len: 0,
            cap: 0,
        }
    }

    /// A `[]string`.
    pub fn strings<S: Into<GoString>>(strings: impl IntoIterator<Item = S>) -> Self {
        let elements = strings
            .into_iter()
            .map(|text| Value::from(text.into()))
            .collect();
        Self::new(&types::STRING_SLICE, elements)
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The same elements as a slice of another type of the same make.
    #[must_use]
    pub fn retyped(mut self, ty: Type) -> Self {
        self.ty = ty;
        self
    }

    /// Whether this is the nil slice.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.elements.is_none()
    }

    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many elements there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.cap
    }

    /// The bytes that go when this slice goes: those of its elements' places, and of the fields
    /// of elements that are structs, if no other slice shares them.
    pub(crate) fn own_bytes(&self) -> usize {
        let Some(elements) = &self.elements else {
            return 0;
        };
        if Arc::strong_count(elements) > 1 {
            return 0;
        }
        let fields = self.ty.elem.map_or(0, |elem| elem.fields.len());
        OVERHEAD_BYTES + self.cap * (1 + fields) * size_of::<Value>()
    }

    /// An element.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<Value> {
        if at >= self.len {
            return None;
        }
        self.elements
            .as_ref()?
            .with(|all| all.get(self.start + at).cloned())
    }

    /// The elements.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Value> {
        let Some(elements) = &self.elements else {
            return Vec::new();
        };
        elements.with(|all| {
            all.get(self.start..self.start + self.len)
                .map(<[Value]>::to_vec)
                .unwrap_or_default()
        })
    }

    /// The elements, each read when it is asked for.
    pub fn iter(&self) -> impl Iterator<Item = Value> + '_ {
        (0..self.len).filter_map(|at| self.get(at))
    }

    /// The window from `low` to `high` with room up to `max`; `None` if they are out of order or
    /// beyond the capacity.
    #[must_use]
    pub fn window(&self, low: usize, high: usize, max: usize) -> Option<Self> {
        if low > high || high > max || max > self.cap {
            return None;
        }
        let mut window = self.clone();
        window.start += low;
        window.len = high - low;
        window.cap = max - low;
        Some(window)
    }

    /// Go's `append`: in place where there is room, else into new elements.
    #[must_use]
    pub fn append(&self, more: Vec<Value>) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let len = self.len + more.len();
        if let Some(elements) = self.elements.as_ref().filter(|_| len <= self.cap) {
            let from = self.start + self.len;
            // Replaced elements are dropped after the lock is released: they may hold slices
            // whose own drop takes it.
            let replaced: Vec<Value> = elements.with(|all| {
                all.iter_mut()
                    .skip(from)
                    .zip(more)
                    .map(|(old, new)| std::mem::replace(old, new))
                    .collect()
            });
            drop(replaced);
            return Self {
                len,
                ..self.clone()
            };
        }
        let cap = grown_capacity(self.cap, len);
        let mut all = self.to_vec();
        all.reserve_exact(cap - all.len());
        all.extend(more);
        all.resize(cap, Value::None);
        let elements = Some(Arc::new(Elements(Mutex::new(all))));
        Self {
            ty: self.ty,
            elements,
            start: 0,
            len,
            cap,
        }
    }
}

impl Elements {
    fn with<T>(&self, act: impl FnOnce(&mut Vec<Value>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Elements {
    fn drop(&mut self) {
        let own = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        dismantle(std::mem::take(own));
    }
}

/// Drops values by a loop: what only they hold is taken apart and joins the queue.
fn dismantle(mut pending: Vec<Value>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::Slice(Slice {
                elements: Some(elements),
                ..
            }) => {
                if let Some(mut inner) = Arc::into_inner(elements) {
                    let own = inner.0.get_mut().unwrap_or_else(PoisonError::into_inner);
                    pending.append(own);
                }
            }
            Value::Map(Map {
                entries: Some(entries),
                ..
            }) => {
                if let Some(mut inner) = Arc::into_inner(entries) {
                    pending.extend(std::mem::take(&mut inner.0).into_values());
                }
            }
            Value::Interface(inner) => pending.push(*inner),
            _ => {}
        }
    }
}

/// The capacity Go gives a slice of 16-byte elements (`[]interface {}`) that must hold `needed`.
fn grown_capacity(old: usize, needed: usize) -> usize {
    /// Below this many elements the capacity doubles; above it grows ever less.
    const THRESHOLD: usize = 256;
    const ELEMENT_BYTES: usize = 16;
    const PAGE_BYTES: usize = 8192;
    const LARGEST_CLASS_BYTES: usize = 32768;
    /// Blocks larger than this begin with a header of their own.
    const HEADERLESS_BYTES: usize = 512;
    const HEADER_BYTES: usize = 8;
    let wanted = if needed > old.saturating_mul(2) {
        needed
    } else if old < THRESHOLD {
        old * 2
    } else {
        let mut cap = old;
        while cap < needed {
            cap += (cap + 3 * THRESHOLD) / 4;
        }
        cap
    };
    let bytes = wanted * ELEMENT_BYTES;
    let header = if bytes > HEADERLESS_BYTES {
        HEADER_BYTES
    } else {
        0
    };
    let rounded = if bytes <= LARGEST_CLASS_BYTES - HEADER_BYTES {
        let class = SIZE_CLASSES
            .iter()
            .copied()
            .find(|&class| class >= bytes + header);
        class.unwrap_or(LARGEST_CLASS_BYTES) - header
    } else {
        bytes.div_ceil(PAGE_BYTES) * PAGE_BYTES
    };
    rounded / ELEMENT_BYTES
}

/// The sizes in which Go's allocator hands out small blocks.
const SIZE_CLASSES: [usize; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];

/// A map.
#[derive(Clone, Debug)]
pub struct Map {
    ty: Type,
    entries: Option<Arc<Entries>>,
}

#[derive(Debug, Default)]
struct Entries(BTreeMap<Key, Value>);

impl Drop for Entries {
    fn drop(&mut self) {
        dismantle(std::mem::take(&mut self.0).into_values().collect());
    }
}

/// What a shared block costs beside its elements.
const OVERHEAD_BYTES: usize = 64;

/// A key of a map, in the order in which maps are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Key {
    /// False before true.
    Bool(bool),
    /// By size.
    Int(i64),
    /// By size.
    Uint(u64),
    /// By bytes.
    String(GoString),
}

impl Key {
    fn to_value(&self, ty: Type) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number, ty),
            Self::Uint(number) => Value::Uint(*number, ty),
            Self::String(text) => Value::String(text.clone(), ty),
        }
    }

    /// The key a value makes, if its kind can be one.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Bool(flag) => Self::Bool(*flag),
            Value::Int(number, _) => Self::Int(*number),
            Value::Uint(number, _) => Self::Uint(*number),
            Value::String(text, _) => Self::String(text.clone()),
            _ => return None,
        })
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<GoString> for Key {
    fn from(text: GoString) -> Self {
        Self::String(text)
    }
}

impl Map {
    /// A map of that type with these entries; of two with one key the later wins.
    pub fn new<K: Into<Key>>(ty: Type, entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value))
            .collect();
        Self {
            ty,
            entries: Some(Arc::new(Entries(entries))),
        }
    }

    /// The nil map of a type.
    #[must_use]
    pub fn nil(ty: Type) -> Self {
        Self { ty, entries: None }
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Whether this is the nil map.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.entries.is_none()
    }

    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.0.len())
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that go when this map goes, its values' own not counted.
    pub(crate) fn own_bytes(&self) -> usize {
        /// A key, its text and their share of a node of the tree.
        const KEY_BYTES: usize = 64;
        match &self.entries {
            Some(entries) if Arc::strong_count(entries) == 1 => {
                OVERHEAD_BYTES + entries.0.len() * (KEY_BYTES + size_of::<Value>())
            }
            _ => 0,
        }
    }

    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.entries.as_ref()?.0.get(key)
    }

    /// The entries in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (Value, &Value)> + '_ {
        let key_type = self.ty.key.unwrap_or(&types::STRING);
        self.entries
            .iter()
            .flat_map(|entries| entries.0.iter())
            .map(move |(key, value)| (key.to_value(key_type), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacity_grows_as_in_go() {
        let seen = [
            (3, 4),
            (2, 3),
            (4, 5),
            (5, 6),
            (0, 1),
            (256, 257),
            (512, 513),
            (2048, 2049),
        ]
        .map(|(old, needed)| grown_capacity(old, needed));
        assert_eq!(seen, [6, 4, 8, 10, 1, 591, 847, 3072]);
    }

    #[test]
    fn slices_share_what_is_appended_within_capacity() {
        let list = |numbers: &[i64]| {
            Slice::new(
                &types::ANY_SLICE,
                numbers.iter().map(|&n| Value::from(n)).collect(),
            )
        };
        let shown = |slice: &Slice| format!("{:?}", slice.to_vec());
        let first = list(&[1, 2, 3]).append(vec![Value::from(4)]);
        let second = first.append(vec![Value::from(5)]);
        let third = first.append(vec![Value::from(6)]);
        assert_eq!(
            [shown(&second), shown(&third)],
            [shown(&third), shown(&list(&[1, 2, 3, 4, 6]))]
        );
    }

    #[test]
    fn a_list_nested_a_million_deep_is_dropped_without_recursion() {
        let mut list = Slice::new(&types::ANY_SLICE, Vec::new());
        for _ in 0..1_000_000 {
            list = Slice::new(&types::ANY_SLICE, vec![Value::Slice(list)]);
        }
        drop(list);
    }
}
