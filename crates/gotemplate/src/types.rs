//! Types: what a value's kind, name, fields and methods are.
//!
//! A template is checked against types while it runs (`wrong type for value; expected string; got
//! template.KV`), and `%T`, field lookup, method calls and missing map keys all depend on them. A
//! host declares each of its types once, as a `static` [`TypeInfo`]; types are the same if they
//! are the same static.

use crate::bytes::GoString;
use crate::func::{Call, Fault};
use crate::value::Value;

/// A reference to a type's only description.
pub type Type = &'static TypeInfo;

/// The kind of a type, as Go's `reflect.Kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `bool`
    Bool,
    /// The signed integers, of any width.
    Int,
    /// The unsigned integers, of any width.
    Uint,
    /// `float64` and `float32`
    Float,
    /// `complex128`
    Complex,
    /// Strings.
    String,
    /// `[]T`
    Slice,
    /// `[N]T`
    Array,
    /// `map[K]V`
    Map,
    /// `struct{…}`
    Struct,
    /// `*T`
    Pointer,
    /// `interface {}`
    Interface,
    /// `func(…)`
    Func,
    /// The parameters of built-in functions that take a value as it is, even none.
    Reflected,
}

/// What there is to know about a type.
///
/// ```
/// use gotemplate::{Kind, TypeInfo, types};
/// static LABELS: TypeInfo = TypeInfo {
///     elem: Some(&types::STRING),
///     key: Some(&types::STRING),
///     ..TypeInfo::named("template.KV", Kind::Map)
/// };
/// assert_eq!(LABELS.name, "template.KV");
/// ```
#[derive(Debug)]
pub struct TypeInfo {
    /// The name that `%T` prints.
    pub name: &'static str,
    /// The kind.
    pub kind: Kind,
    /// Whether the type was declared with a name, as opposed to being written out like `[]string`.
    /// A value may pass between a named and a written-out type of the same make, but not between
    /// two named ones.
    pub declared: bool,
    /// The type of elements or of what is pointed to.
    pub elem: Option<Type>,
    /// The type of map keys.
    pub key: Option<Type>,
    /// The fields of a struct, in order.
    pub fields: &'static [Field],
    /// The methods.
    pub methods: &'static [Method],
    /// `String()` or `Error()`, if the type has it.
    pub stringer: Option<fn(&Value) -> GoString>,
    /// `GoString()`, which `%#v` uses.
    pub go_stringer: Option<fn(&Value) -> GoString>,
    /// `MarshalJSON()`: the JSON text, or the error's text.
    pub json: Option<JsonForm>,
    /// Whether HTML escaping trusts strings of this type.
    pub trust: Trust,
    /// Whether two values may be compared with `==`.
    pub comparable: bool,
}

/// A type's own JSON text, or the error's.
pub type JsonForm = fn(&Value) -> Result<String, String>;

/// What a string type vouches for in HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Nothing.
    Plain,
    /// A fragment of HTML.
    Html,
    /// A URL.
    Url,
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    /// The name; one that starts in lower case cannot be reached from a template.
    pub name: &'static str,
    /// The type.
    pub ty: Type,
    /// The name in JSON; empty for the field's own name.
    pub json: &'static str,
}

impl Field {
    /// Whether templates may read the field.
    #[must_use]
    pub fn is_exported(&self) -> bool {
        self.name.chars().next().is_some_and(char::is_uppercase)
    }
}

/// The body of a method: the receiver and the arguments to the result.
pub type MethodBody = fn(&Call<'_>, &Value, &[Value]) -> Result<Value, Fault>;

/// A method of a type.
#[derive(Debug)]
pub struct Method {
    /// The name.
    pub name: &'static str,
    /// Parameter types; that of the variable part is last, as its element type.
    pub params: &'static [Type],
    /// Whether the last parameter may be given any number of times.
    pub variadic: bool,
    /// What it returns.
    pub results: Results,
    /// What it does.
    pub body: MethodBody,
}

/// The shape of a method's results: templates can only use some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Results {
    /// A value, or a value and an error.
    Usable,
    /// Another number of results than one or two.
    Count(u8),
    /// Two results, the second of which is no error but of the type named.
    SecondIs(&'static str),
}

impl TypeInfo {
    /// A written-out type such as `[]string`.
    #[must_use]
    pub const fn unnamed(name: &'static str, kind: Kind) -> Self {
        Self {
            declared: false,
            ..Self::named(name, kind)
        }
    }

    /// A declared type without fields, methods or special powers.
    #[must_use]
    pub const fn named(name: &'static str, kind: Kind) -> Self {
        let comparable = !matches!(kind, Kind::Slice | Kind::Map | Kind::Func);
        Self {
            name,
            kind,
            declared: true,
            elem: None,
            key: None,
            fields: &[],
            methods: &[],
            stringer: None,
            go_stringer: None,
            json: None,
            trust: Trust::Plain,
            comparable,
        }
    }

    /// The method of that name.
    #[must_use]
    pub fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// Whether nil is a value of the type.
    #[must_use]
    pub fn is_nilable(&self) -> bool {
        matches!(
            self.kind,
            Kind::Slice
                | Kind::Map
                | Kind::Pointer
                | Kind::Interface
                | Kind::Func
                | Kind::Reflected
        )
    }

    /// Whether a value of this type may be given where `target` is wanted.
    #[must_use]
    pub fn is_assignable_to(&'static self, target: Type) -> bool {
        same(self, target)
            || matches!(target.kind, Kind::Interface | Kind::Reflected)
            || (!(self.declared && target.declared) && self.same_make(target))
    }

    fn same_make(&self, other: &Self) -> bool {
        self.kind == other.kind
            && matches!(self.kind, Kind::Slice | Kind::Map | Kind::Pointer)
            && same_option(self.elem, other.elem)
            && same_option(self.key, other.key)
    }
}

/// Whether two references are to one type.
#[must_use]
pub fn same(a: Type, b: Type) -> bool {
    std::ptr::eq(a, b)
}

fn same_option(a: Option<Type>, b: Option<Type>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// `bool`
pub static BOOL: TypeInfo = TypeInfo::named("bool", Kind::Bool);
/// `int`
pub static INT: TypeInfo = TypeInfo::named("int", Kind::Int);
/// `int64`
pub static INT64: TypeInfo = TypeInfo::named("int64", Kind::Int);
/// `int32`
pub static INT32: TypeInfo = TypeInfo::named("int32", Kind::Int);
/// `uint`
pub static UINT: TypeInfo = TypeInfo::named("uint", Kind::Uint);
/// `uint8`
pub static UINT8: TypeInfo = TypeInfo::named("uint8", Kind::Uint);
/// `uint64`
pub static UINT64: TypeInfo = TypeInfo::named("uint64", Kind::Uint);
/// `float64`
pub static FLOAT64: TypeInfo = TypeInfo::named("float64", Kind::Float);
/// `complex128`
pub static COMPLEX128: TypeInfo = TypeInfo::named("complex128", Kind::Complex);
/// `string`
pub static STRING: TypeInfo = TypeInfo::named("string", Kind::String);
/// `interface {}`
pub static ANY: TypeInfo = TypeInfo::unnamed("interface {}", Kind::Interface);
/// A value as it is, even none: the parameter type of built-in functions.
pub static REFLECTED: TypeInfo = TypeInfo::named("reflect.Value", Kind::Reflected);
/// `[]interface {}`
pub static ANY_SLICE: TypeInfo = TypeInfo {
    elem: Some(&ANY),
    ..TypeInfo::unnamed("[]interface {}", Kind::Slice)
};
/// `[]string`
pub static STRING_SLICE: TypeInfo = TypeInfo {
    elem: Some(&STRING),
    ..TypeInfo::unnamed("[]string", Kind::Slice)
};
/// `[]uint8`, which prints as `[]byte` nowhere.
pub static BYTE_SLICE: TypeInfo = TypeInfo {
    elem: Some(&UINT8),
    ..TypeInfo::unnamed("[]uint8", Kind::Slice)
};
/// `map[string]interface {}`
pub static ANY_MAP: TypeInfo = TypeInfo {
    elem: Some(&ANY),
    key: Some(&STRING),
    ..TypeInfo::unnamed("map[string]interface {}", Kind::Map)
};
/// `map[string]string`
pub static STRING_MAP: TypeInfo = TypeInfo {
    elem: Some(&STRING),
    key: Some(&STRING),
    ..TypeInfo::unnamed("map[string]string", Kind::Map)
};
/// Functions as values.
pub static FUNC: TypeInfo = TypeInfo::unnamed("func(...interface {}) interface {}", Kind::Func);
/// A string that is trusted as HTML.
pub static HTML: TypeInfo = TypeInfo {
    trust: Trust::Html,
    ..TypeInfo::named("template.HTML", Kind::String)
};
/// A string that is trusted as a URL.
pub static URL: TypeInfo = TypeInfo {
    trust: Trust::Url,
    ..TypeInfo::named("template.URL", Kind::String)
};

#[cfg(test)]
mod tests {
    use super::*;

    static NAMES: TypeInfo = TypeInfo {
        elem: Some(&STRING),
        ..TypeInfo::named("template.Strings", Kind::Slice)
    };

    #[test]
    fn a_value_passes_between_a_named_and_a_written_out_type_of_one_make_only() {
        let seen = [
            NAMES.is_assignable_to(&STRING_SLICE),
            STRING_SLICE.is_assignable_to(&NAMES),
            ANY_SLICE.is_assignable_to(&STRING_SLICE),
            HTML.is_assignable_to(&STRING),
            HTML.is_assignable_to(&ANY),
        ];
        assert_eq!(seen, [true, true, false, false, true]);
    }
}
