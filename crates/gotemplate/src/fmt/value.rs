//! Values by verb.

use super::Printer;
use crate::collection::Slice;
use crate::limits::{MAX_VALUE_DEPTH, Stop};
use crate::time::Time;
use crate::types::{self, Kind};
use crate::value::Value;

/// What stands for an address: there are none here that mean anything.
const ADDRESS: u64 = 0x00c0_0000_0000;

impl Printer {
    pub(super) fn print_arg(&mut self, arg: &Value, verb: char) {
        self.arg = arg.clone();
        if arg.is_none() {
            match verb {
                'T' | 'v' => self.pad(b"<nil>"),
                _ => self.bad_verb(verb),
            }
            return;
        }
        match verb {
            'T' => self.string(arg.type_name().as_bytes()),
            'p' => self.pointer(arg, verb),
            _ if self.by_method(arg, verb) => {}
            _ => self.value(arg, verb, 0),
        }
    }

    /// `%!verb(type=value)`.
    fn bad_verb(&mut self, verb: char) {
        let was_complaining = std::mem::replace(&mut self.is_complaining, true);
        self.write_str(&format!("%!{verb}("));
        let arg = self.arg.clone();
        if arg.is_none() {
            self.write(b"<nil>");
        } else {
            self.write_str(arg.type_name());
            self.write(b"=");
            self.print_arg(&arg, 'v');
        }
        self.write(b")");
        self.is_complaining = was_complaining;
    }

    /// Shows the value by its own string form, if it has one and the verb wants a string.
    fn by_method(&mut self, value: &Value, verb: char) -> bool {
        if self.is_complaining {
            return false;
        }
        if verb == 'w' {
            // Only errors can be wrapped, and only where errors are made.
            self.bad_verb(verb);
            return true;
        }
        if self.flags.sharp_v {
            let Some(form) = value.ty().and_then(|ty| ty.go_stringer) else {
                return false;
            };
            self.string(form(value).as_bytes());
            return true;
        }
        if !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
            return false;
        }
        let Some(form) = value.stringer() else {
            return false;
        };
        self.text(form(value).as_bytes(), verb);
        true
    }

    fn text(&mut self, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' | 'X' => self.hex_string(text, verb),
            'q' => self.quoted(text),
            _ => self.bad_verb(verb),
        }
    }

    /// A part of a value.
    fn inner(&mut self, value: &Value, verb: char, depth: usize) {
        if self.stop.is_some() {
            return;
        }
        if depth > MAX_VALUE_DEPTH {
            self.stop = Some(Stop::Depth);
            return;
        }
        let dynamic = match value {
            Value::Interface(inner) => inner,
            other => other,
        };
        self.arg = dynamic.clone();
        if dynamic.is_none() || !self.by_method(dynamic, verb) {
            self.value(dynamic, verb, depth);
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        match value {
            // A nil in an interface-typed place is shown whatever the verb.
            Value::None if self.flags.sharp_v => self.write(b"interface {}(nil)"),
            Value::None => self.write(b"<nil>"),
            Value::Interface(inner) => self.inner(inner, verb, depth),
            Value::Bool(flag) if matches!(verb, 't' | 'v') => {
                self.pad(if *flag { b"true" } else { b"false" });
            }
            Value::Int(number, _) => self.int(number.unsigned_abs(), *number < 0, verb),
            Value::Uint(number, _) if verb == 'v' && self.flags.sharp_v => {
                self.hex_with_prefix(*number, true);
            }
            Value::Uint(number, _) => self.int(*number, false, verb),
            Value::Float(number) => match float_verb(verb) {
                Some(verb) => self.float(*number, verb),
                None => self.bad_verb(verb),
            },
            Value::Complex(real, imaginary) => match float_verb(verb) {
                Some(verb) => self.complex(*real, *imaginary, verb),
                None => self.bad_verb(verb),
            },
            Value::String(text, _) => self.text(text.as_bytes(), verb),
            Value::Slice(slice) => self.slice(slice, verb, depth),
            Value::Map(map) => {
                let sharp = self.flags.sharp_v;
                if sharp {
                    self.write_str(map.ty().name);
                    if map.is_nil() {
                        return self.write(b"(nil)");
                    }
                }
                self.write(if sharp { b"{" } else { b"map[" });
                for (at, (key, value)) in map.iter().enumerate() {
                    self.separate(at);
                    self.inner(&key, verb, depth + 1);
                    self.write(b":");
                    self.inner(value, verb, depth + 1);
                }
                self.write(if sharp { b"}" } else { b"]" });
            }
            Value::Struct(fields) => {
                self.fields(value, fields.fields().iter().cloned(), verb, depth);
            }
            Value::Time(time) => self.fields(value, time_fields(time).into_iter(), verb, depth),
            Value::Pointer(Some(target), _) if depth == 0 && is_composite(target) => {
                self.write(b"&");
                self.inner(target, verb, depth + 1);
            }
            Value::Zone(_) | Value::Pointer(..) | Value::Func(_) => self.pointer(value, verb),
            Value::Bool(_) => self.bad_verb(verb),
        }
    }

    fn separate(&mut self, at: usize) {
        if at > 0 {
            self.write(if self.flags.sharp_v { b", " } else { b" " });
        }
    }

    fn int(&mut self, magnitude: u64, is_negative: bool, verb: char) {
        // A negative number is no character.
        let code = if is_negative { u64::MAX } else { magnitude };
        match verb {
            'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' => {
                self.integer(magnitude, is_negative, verb);
            }
            'c' => self.character(code),
            'q' => self.quoted_character(code),
            'U' => self.code_point(if is_negative {
                magnitude.wrapping_neg()
            } else {
                magnitude
            }),
            _ => self.bad_verb(verb),
        }
    }

    fn slice(&mut self, slice: &Slice, verb: char, depth: usize) {
        let of_bytes = slice
            .ty()
            .elem
            .is_some_and(|elem| types::same(elem, &types::UINT8));
        if of_bytes && matches!(verb, 's' | 'q' | 'x' | 'X') {
            let bytes: Vec<u8> = slice.iter().filter_map(|value| byte_of(&value)).collect();
            return self.text(&bytes, verb);
        }
        let sharp = self.flags.sharp_v;
        if sharp {
            self.write_str(slice.ty().name);
            if slice.is_nil() && slice.ty().kind == Kind::Slice {
                return self.write(b"(nil)");
            }
        }
        self.write(if sharp { b"{" } else { b"[" });
        for (at, element) in slice.iter().enumerate() {
            if self.stop.is_some() {
                return;
            }
            self.separate(at);
            self.inner(&element, verb, depth + 1);
        }
        self.write(if sharp { b"}" } else { b"]" });
    }

    fn fields(
        &mut self,
        of: &Value,
        values: impl Iterator<Item = Value>,
        verb: char,
        depth: usize,
    ) {
        let fields = of.struct_type().map_or(&[][..], |ty| ty.fields);
        if self.flags.sharp_v {
            self.write_str(of.type_name());
        }
        self.write(b"{");
        for (at, (field, value)) in fields.iter().zip(values).enumerate() {
            self.separate(at);
            if self.flags.plus_v || self.flags.sharp_v {
                self.write_str(field.name);
                self.write(b":");
            }
            if field.is_exported() {
                self.inner(&value, verb, depth + 1);
            } else {
                // The methods of a hidden field are out of reach.
                self.arg = value.clone();
                self.value(&value, verb, depth + 1);
            }
        }
        self.write(b"}");
    }

    fn pointer(&mut self, value: &Value, verb: char) {
        let address = match value {
            Value::Pointer(None, _) => 0,
            Value::Slice(slice) if slice.is_nil() => 0,
            Value::Map(map) if map.is_nil() => 0,
            Value::Zone(zone) if zone.is_utc() && verb != 'p' => 0,
            Value::Pointer(..)
            | Value::Slice(_)
            | Value::Map(_)
            | Value::Func(_)
            | Value::Zone(_) => ADDRESS,
            _ => return self.bad_verb(verb),
        };
        match verb {
            'v' if self.flags.sharp_v => {
                self.write(b"(");
                self.write_str(value.type_name());
                self.write(b")(");
                if address == 0 {
                    self.write(b"nil");
                } else {
                    self.hex_with_prefix(address, true);
                }
                self.write(b")");
            }
            'v' if address == 0 => self.pad(b"<nil>"),
            'v' | 'p' => self.hex_with_prefix(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.int(address, false, verb),
            _ => self.bad_verb(verb),
        }
    }
}

fn float_verb(verb: char) -> Option<char> {
    match verb {
        'v' => Some('g'),
        'F' => Some('f'),
        'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'e' | 'E' => Some(verb),
        _ => None,
    }
}

fn byte_of(value: &Value) -> Option<u8> {
    match value {
        Value::Uint(number, _) => u8::try_from(*number).ok(),
        _ => None,
    }
}

fn is_composite(value: &Value) -> bool {
    value.ty().is_some_and(|ty| {
        matches!(
            ty.kind,
            Kind::Array | Kind::Slice | Kind::Struct | Kind::Map
        )
    })
}

/// A time as the struct it is in Go, where a verb bypasses its string form.
fn time_fields(time: &Time) -> [Value; 3] {
    let seconds = time.unix().wrapping_sub(Time::ZERO.unix());
    [
        Value::Uint(time.nanos().into(), &types::UINT64),
        Value::Int(seconds, &types::INT64),
        Value::Zone(time.zone().clone()),
    ]
}
