//! `eq`, `ne` and the orderings.

use crate::fmt::shown;
use crate::func::Fault;
use crate::limits::{MAX_VALUE_DEPTH, Stop};
use crate::types::{self, Kind, Type};
use crate::value::Value;

/// How two values stand to each other. Not-a-number stands to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    Equal,
    Greater,
    Unordered,
}

impl From<Option<std::cmp::Ordering>> for Order {
    fn from(order: Option<std::cmp::Ordering>) -> Self {
        match order {
            Some(std::cmp::Ordering::Less) => Self::Less,
            Some(std::cmp::Ordering::Equal) => Self::Equal,
            Some(std::cmp::Ordering::Greater) => Self::Greater,
            None => Self::Unordered,
        }
    }
}

fn dynamic(value: &Value) -> &Value {
    match value {
        Value::Interface(inner) => inner,
        other => other,
    }
}

/// The kinds that compare by their own rules.
fn basic_kind(value: &Value) -> Option<Kind> {
    let kind = value.ty()?.kind;
    matches!(
        kind,
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Float | Kind::Complex | Kind::String
    )
    .then_some(kind)
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    let (a, b) = (a.type_name(), b.type_name());
    Fault::new(format!("incompatible types for comparison: {a} and {b}"))
}

fn is_comparable(ty: Type) -> bool {
    ty.comparable && ty.fields.iter().all(|field| is_comparable(field.ty))
}

/// Whether the first equals any of the others.
pub(super) fn equal_to_any(first: &Value, others: &[Value]) -> Result<bool, Fault> {
    if others.is_empty() {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether two values are equal.
pub(super) fn equal(first: &Value, second: &Value) -> Result<bool, Fault> {
    let (first, second) = (dynamic(first), dynamic(second));
    let (kind, other_kind) = (basic_kind(first), basic_kind(second));
    if kind != other_kind {
        return match (first, second) {
            (Value::Int(int, _), Value::Uint(uint, _))
            | (Value::Uint(uint, _), Value::Int(int, _)) => Ok(u64::try_from(*int) == Ok(*uint)),
            (Value::None, _) | (_, Value::None) => nil_equals(first, second),
            _ => Err(incompatible(first, second)),
        };
    }
    match (first, second) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Int(a, _), Value::Int(b, _)) => Ok(a == b),
        (Value::Uint(a, _), Value::Uint(b, _)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Complex(a, b), Value::Complex(c, d)) => Ok(a == c && b == d),
        (Value::String(a, _), Value::String(b, _)) => Ok(a == b),
        (Value::None, _) | (_, Value::None) => nil_equals(first, second),
        _ => equal_composites(first, second),
    }
}

/// Two values other than numbers, strings, booleans and nil itself.
fn equal_composites(first: &Value, second: &Value) -> Result<bool, Fault> {
    let (Some(ty), Some(other)) = (first.ty(), second.ty()) else {
        return nil_equals(first, second);
    };
    if ty.kind != other.kind {
        let (first, second) = (shown(first, 's'), shown(second, 'v'));
        let (ty, other) = (ty.name, other.name);
        let message = format!("non-comparable types {first}: {ty}, {other}: {second}");
        return Err(Fault::new(message));
    }
    if is_nil(first) || is_nil(second) {
        return Ok(is_nil(first) == is_nil(second));
    }
    if !is_comparable(other) {
        let message = format!("non-comparable type {}: {}", shown(second, 's'), other.name);
        return Err(Fault::new(message));
    }
    if types::same(ty, other) {
        identical(first, second, 0)
    } else {
        Ok(false)
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::None | Value::Pointer(None, _) => true,
        Value::Slice(slice) => slice.is_nil() && slice.ty().kind == Kind::Slice,
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// One of the two is nil itself.
fn nil_equals(first: &Value, second: &Value) -> Result<bool, Fault> {
    let other = if first.is_none() { second } else { first };
    Ok(is_nil(other))
}

/// Go's `==` of two values of one type.
fn identical(a: &Value, b: &Value, depth: usize) -> Result<bool, Fault> {
    if depth > MAX_VALUE_DEPTH {
        return Err(Stop::Depth.into());
    }
    Ok(match (a, b) {
        (Value::Interface(a), Value::Interface(b)) => identical(a, b, depth + 1)?,
        (Value::Time(a), Value::Time(b)) => a.is_identical(b),
        (Value::Zone(a), Value::Zone(b)) => a.is_identical(b),
        (Value::Pointer(Some(a), _), Value::Pointer(Some(b), _)) => std::sync::Arc::ptr_eq(a, b),
        (Value::Pointer(None, _), Value::Pointer(None, _)) | (Value::None, Value::None) => true,
        (Value::Struct(a), Value::Struct(b)) => {
            for (a, b) in a.fields().iter().zip(b.fields()) {
                if !identical(a, b, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        _ => basic_kind(a).is_some() && basic_kind(a) == basic_kind(b) && equal(a, b)?,
    })
}

/// How two numbers or strings stand to each other.
pub(super) fn order(first: &Value, second: &Value) -> Result<Order, Fault> {
    let (first, second) = (dynamic(first), dynamic(second));
    let invalid = || Fault::new("invalid type for comparison");
    let kind = basic_kind(first).ok_or_else(invalid)?;
    let other_kind = basic_kind(second).ok_or_else(invalid)?;
    if kind != other_kind {
        return match (first, second) {
            (Value::Int(a, _), Value::Uint(b, _)) => {
                Ok(Some(i128::from(*a).cmp(&i128::from(*b))).into())
            }
            (Value::Uint(a, _), Value::Int(b, _)) => {
                Ok(Some(i128::from(*a).cmp(&i128::from(*b))).into())
            }
            _ => Err(incompatible(first, second)),
        };
    }
    Ok(match (first, second) {
        (Value::Int(a, _), Value::Int(b, _)) => a.partial_cmp(b).into(),
        (Value::Uint(a, _), Value::Uint(b, _)) => a.partial_cmp(b).into(),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).into(),
        (Value::String(a, _), Value::String(b, _)) => a.partial_cmp(b).into(),
        _ => return Err(invalid()),
    })
}
