//! `len`, `index` and `slice`.

use crate::collection::{Key, Slice};
use crate::func::Fault;
use crate::types::{self, Kind, Type};
use crate::value::Value;

/// The name of the type behind the pointers.
fn pointed_to(value: &Value) -> &'static str {
    match value {
        Value::Zone(_) => value.type_name().trim_start_matches('*'),
        other => other.type_name(),
    }
}

pub(super) fn len(value: &Value) -> Result<Value, Fault> {
    let (item, is_nil) = value.indirect();
    if is_nil {
        return Err(Fault::new("len of nil pointer"));
    }
    Ok(Value::from(match item {
        Value::String(text, _) => text.len(),
        Value::Slice(slice) => slice.len(),
        Value::Map(map) => map.len(),
        Value::None => {
            return Err(Fault::new(
                "reflect: call of reflect.Value.Type on zero Value",
            ));
        }
        other => return Err(Fault::new(format!("len of type {}", pointed_to(other)))),
    }))
}

pub(super) fn index(value: &Value, indexes: &[Value]) -> Result<Value, Fault> {
    let mut item = match value {
        Value::Interface(inner) => (**inner).clone(),
        other => other.clone(),
    };
    if item.is_none() {
        return Err(Fault::new("index of untyped nil"));
    }
    for index in indexes {
        let index = match index {
            Value::Interface(inner) => inner,
            other => other,
        };
        let (target, is_nil) = item.indirect();
        if is_nil {
            return Err(Fault::new("index of nil pointer"));
        }
        item = match target {
            Value::String(text, _) => {
                let at = place(index, text.len())?;
                let byte = text.as_bytes().get(at);
                let byte = byte.ok_or_else(|| beyond("string"))?;
                Value::Uint(u64::from(*byte), &types::UINT8)
            }
            Value::Slice(slice) => {
                let at = place(index, slice.len())?;
                let kind = if slice.ty().kind == Kind::Array {
                    "array"
                } else {
                    "slice"
                };
                let element = slice.get(at).ok_or_else(|| beyond(kind))?;
                element.wrapped_for(slice.ty().elem)
            }
            Value::Map(map) => {
                let key = key(index, map.ty().key.unwrap_or(&types::STRING))?;
                let found = key.and_then(|key| map.get(&key).cloned());
                let elem = map.ty().elem.unwrap_or(&types::ANY);
                found.map_or_else(|| Value::zero(elem), |value| value.wrapped_for(Some(elem)))
            }
            Value::None => return Err(Fault::new("index of nil pointer")),
            other => {
                return Err(Fault::new(format!(
                    "can't index item of type {}",
                    pointed_to(other)
                )));
            }
        };
    }
    Ok(item)
}

/// An index one past the end passes the check of the language and fails in the library below it.
fn beyond(kind: &str) -> Fault {
    Fault::new(format!("reflect: {kind} index out of range"))
}

/// An index of something with that many elements, at most that number itself.
fn place(index: &Value, most: usize) -> Result<usize, Fault> {
    let out_of_range = |shown: String| Fault::new(format!("index out of range: {shown}"));
    let at = match index {
        Value::Int(number, _) => {
            usize::try_from(*number).map_err(|_| out_of_range(number.to_string()))?
        }
        // Go reads the number as a signed one.
        Value::Uint(number, _) => {
            usize::try_from(*number).map_err(|_| out_of_range(number.to_string()))?
        }
        Value::None => return Err(Fault::new("cannot index slice/array with nil")),
        other => {
            let ty = other.type_name();
            return Err(Fault::new(format!(
                "cannot index slice/array with type {ty}"
            )));
        }
    };
    if at > most {
        Err(out_of_range(at.to_string()))
    } else {
        Ok(at)
    }
}

/// The key an index makes for a map; nil for a map whose keys may be nil.
fn key(index: &Value, wanted: Type) -> Result<Option<Key>, Fault> {
    let Some(ty) = index.ty() else {
        return if wanted.is_nilable() {
            Ok(None)
        } else {
            Err(Fault::new(format!(
                "value is nil; should be of type {}",
                wanted.name
            )))
        };
    };
    let both_ints =
        matches!(ty.kind, Kind::Int | Kind::Uint) && matches!(wanted.kind, Kind::Int | Kind::Uint);
    if !ty.is_assignable_to(wanted) && !both_ints {
        let message = format!("value has type {}; should be {}", ty.name, wanted.name);
        return Err(Fault::new(message));
    }
    let key = match (index, wanted.kind) {
        (Value::Int(number, _), Kind::Uint) => u64::try_from(*number).ok().map(Key::Uint),
        (Value::Uint(number, _), Kind::Int) => i64::try_from(*number).ok().map(Key::Int),
        _ => Key::from_value(index),
    };
    Ok(key)
}

pub(super) fn slice(value: &Value, indexes: &[Value]) -> Result<Value, Fault> {
    let (item, _) = value.indirect();
    let item = match item {
        Value::Interface(inner) => inner,
        other => other,
    };
    if item.is_none() {
        return Err(Fault::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Fault::new(format!(
            "too many slice indexes: {}",
            indexes.len()
        )));
    }
    let (len, most) = match item {
        Value::String(..) if indexes.len() == 3 => {
            return Err(Fault::new("cannot 3-index slice a string"));
        }
        Value::String(text, _) => (text.len(), text.len()),
        Value::Slice(slice) => (slice.len(), slice.capacity()),
        other => {
            return Err(Fault::new(format!(
                "can't slice item of type {}",
                pointed_to(other)
            )));
        }
    };
    let mut bounds = [0, len, most];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        let index = match index {
            Value::Interface(inner) => inner,
            other => other,
        };
        *bound = place(index, most)?;
    }
    let [low, high, max] = bounds;
    if low > high {
        return Err(Fault::new(format!("invalid slice index: {low} > {high}")));
    }
    if high > max {
        return Err(Fault::new(format!("invalid slice index: {high} > {max}")));
    }
    Ok(match item {
        Value::String(text, ty) => {
            Value::string_of(ty, text.as_bytes().get(low..high).unwrap_or_default())
        }
        Value::Slice(slice) => {
            let window: Option<Slice> = slice.window(low, high, max);
            Value::Slice(window.unwrap_or_else(|| Slice::nil(slice.ty())))
        }
        _ => Value::None,
    })
}
