//! Values: what templates compute with.
//!
//! A [`Value`] always knows its type. Slices share their elements as Go's do, so that `append`
//! behaves alike; maps are ordered by key, which is the order `range` and `print` use.
//!
//! Invariant: an element read out of an interface-typed place is wrapped in
//! [`Value::Interface`] until a pipeline or a function unwraps it, because error texts and missing
//! values depend on the static type.

use std::sync::Arc;

use crate::bytes::GoString;
use crate::collection::{Map, Slice};
use crate::func::Function;
use crate::time::{Time, Zone};
use crate::types::{self, Kind, Type, TypeInfo};

/// A value of a template.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// No value: untyped nil, a missing key, the dot of a template called without data.
    #[default]
    None,
    /// What an interface-typed place holds; `Value::None` inside is the nil interface.
    Interface(Box<Value>),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64, Type),
    /// An unsigned integer.
    Uint(u64, Type),
    /// A floating-point number.
    Float(f64),
    /// A complex number.
    Complex(f64, f64),
    /// A string.
    String(GoString, Type),
    /// A slice or an array.
    Slice(Slice),
    /// A map.
    Map(Map),
    /// A struct.
    Struct(Struct),
    /// A `time.Time`.
    Time(Time),
    /// A `*time.Location`.
    Zone(Zone),
    /// A pointer; `None` is the nil pointer.
    Pointer(Option<Arc<Value>>, Type),
    /// A function.
    Func(Function),
}

/// A struct: its type and the values of its fields, in the order of the type's.
#[derive(Clone, Debug)]
pub struct Struct {
    ty: Type,
    fields: Arc<[Value]>,
}

impl Struct {
    /// A struct of that type.
    pub fn new(ty: Type, fields: impl Into<Arc<[Value]>>) -> Self {
        Self {
            ty,
            fields: fields.into(),
        }
    }

    /// The type.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// The value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        let at = self.ty.fields.iter().position(|field| field.name == name)?;
        self.fields.get(at)
    }

    /// The fields, in order.
    #[must_use]
    pub fn fields(&self) -> &[Value] {
        &self.fields
    }
}

impl Value {
    /// A string of a declared string type.
    pub fn string_of(ty: Type, text: impl Into<GoString>) -> Self {
        Self::String(text.into(), ty)
    }

    /// A pointer to the value.
    #[must_use]
    pub fn pointer_to(self, ty: Type) -> Self {
        Self::Pointer(Some(Arc::new(self)), ty)
    }

    /// The type; `None` has none.
    #[must_use]
    pub fn ty(&self) -> Option<Type> {
        Some(match self {
            Self::None => return None,
            Self::Interface(_) => &types::ANY,
            Self::Bool(_) => &types::BOOL,
            Self::Int(_, ty) | Self::Uint(_, ty) | Self::String(_, ty) | Self::Pointer(_, ty) => ty,
            Self::Float(_) => &types::FLOAT64,
            Self::Complex(..) => &types::COMPLEX128,
            Self::Slice(slice) => slice.ty(),
            Self::Map(map) => map.ty(),
            Self::Struct(fields) => fields.ty(),
            Self::Time(_) => &crate::time::TIME,
            Self::Zone(_) => &crate::time::LOCATION_POINTER,
            Self::Func(_) => &types::FUNC,
        })
    }

    /// The name of the type as `%T` prints it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.ty().map_or("<nil>", |ty| ty.name)
    }

    /// The bytes of a string; empty for other kinds.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::String(text, _) => text.as_bytes(),
            Self::Interface(inner) => inner.as_bytes(),
            _ => &[],
        }
    }

    /// The text of a string, with U+FFFD for what is not UTF-8; empty for other kinds.
    #[must_use]
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        crate::bytes::lossy(self.as_bytes())
    }

    /// The bytes of memory that go when this value goes: nothing for what others hold as well.
    pub(crate) fn own_bytes(&self) -> usize {
        match self {
            Self::Interface(inner) => size_of::<Self>() + inner.own_bytes(),
            Self::String(text, _) => text.own_bytes(),
            Self::Slice(slice) => slice.own_bytes(),
            Self::Map(map) => map.own_bytes(),
            _ => 0,
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The zero value of a type.
    #[must_use]
    pub fn zero(ty: Type) -> Self {
        match ty.kind {
            Kind::Bool => Self::Bool(false),
            Kind::Int => Self::Int(0, ty),
            Kind::Uint => Self::Uint(0, ty),
            Kind::Float => Self::Float(0.0),
            Kind::Complex => Self::Complex(0.0, 0.0),
            Kind::String => Self::String(GoString::default(), ty),
            Kind::Slice | Kind::Array => Self::Slice(Slice::nil(ty)),
            Kind::Map => Self::Map(Map::nil(ty)),
            Kind::Struct if types::same(ty, &crate::time::TIME) => Self::Time(Time::ZERO),
            Kind::Struct => {
                let fields: Vec<Self> =
                    ty.fields.iter().map(|field| Self::zero(field.ty)).collect();
                Self::Struct(Struct::new(ty, fields))
            }
            Kind::Pointer => Self::Pointer(None, ty),
            Kind::Interface => Self::Interface(Box::default()),
            Kind::Func | Kind::Reflected => Self::None,
        }
    }

    /// What an interface holds; any other value as it is.
    pub(crate) fn unwrap_interface(self) -> Self {
        match self {
            Self::Interface(inner) => *inner,
            other => other,
        }
    }

    /// The value as it lies in a place of that type.
    pub(crate) fn wrapped_for(self, place: Option<Type>) -> Self {
        match place.map(|ty| ty.kind) {
            Some(Kind::Interface) if !matches!(self, Self::Interface(_)) => {
                Self::Interface(Box::new(self))
            }
            _ => self,
        }
    }

    /// Follows pointers and interfaces. The flag says that it ended at a nil one.
    pub(crate) fn indirect(&self) -> (&Self, bool) {
        let mut value = self;
        loop {
            match value {
                Self::Interface(inner) if inner.is_none() => return (value, true),
                Self::Interface(inner) => value = inner,
                Self::Pointer(Some(target), _) => value = target,
                Self::Pointer(None, _) => return (value, true),
                _ => return (value, false),
            }
        }
    }

    /// Go's idea of truth in conditions.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::None => false,
            Self::Interface(inner) => inner.is_true(),
            Self::Bool(flag) => *flag,
            Self::Int(number, _) => *number != 0,
            Self::Uint(number, _) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Complex(real, imaginary) => *real != 0.0 || *imaginary != 0.0,
            Self::String(text, _) => !text.is_empty(),
            Self::Slice(slice) => !slice.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Pointer(target, _) => target.is_some(),
            Self::Struct(_) | Self::Time(_) | Self::Zone(_) | Self::Func(_) => true,
        }
    }

    /// The string form a type gives itself, unless that is a nil pointer's.
    pub(crate) fn stringer(&self) -> Option<fn(&Self) -> GoString> {
        self.ty().and_then(|ty| ty.stringer)
    }

    /// A field of a struct, looked up by name.
    pub(crate) fn struct_type(&self) -> Option<&'static TypeInfo> {
        self.ty().filter(|ty| ty.kind == Kind::Struct)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number, &types::INT)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(number.into(), &types::INT)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX), &types::INT)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into(), &types::STRING)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into(), &types::STRING)
    }
}

impl From<GoString> for Value {
    fn from(text: GoString) -> Self {
        Self::String(text, &types::STRING)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::String(bytes.into(), &types::STRING)
    }
}

impl From<Time> for Value {
    fn from(time: Time) -> Self {
        Self::Time(time)
    }
}

impl From<Slice> for Value {
    fn from(slice: Slice) -> Self {
        Self::Slice(slice)
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

impl From<Struct> for Value {
    fn from(fields: Struct) -> Self {
        Self::Struct(fields)
    }
}
