//! Go's `text/template` and `html/template` in Rust.
//!
//! Templates written for Go render to the same bytes and fail with the same texts. There are three
//! parts to it:
//!
//! * the language: [`TextSet`] parses and runs templates, [`HtmlSet`] also escapes what they print
//!   for the place in the HTML where it stands;
//! * the values: a [`Value`] knows its Go type ([`TypeInfo`]: name, kind, fields, methods), for the
//!   language depends on it everywhere;
//! * the libraries that templates see: `fmt`'s verbs, `encoding/json`, and [`time`].
//!
//! A host declares its types as statics, builds values, registers functions, and sets [`Limits`]
//! where templates are not its own.
//!
//! ```
//! use gotemplate::{Environment, FuncMap, Function, TextSet, Value, types};
//!
//! let mut functions = FuncMap::new();
//! functions.insert("toUpper", Function::new([&types::STRING], |_, args| {
//!     Ok(Value::from(args[0].to_text().to_uppercase()))
//! }));
//! let mut set = TextSet::new(Environment { functions, ..Environment::default() });
//! set.parse("page", "{{ range $i, $name := . }}{{ if $i }}, {{ end }}{{ toUpper $name }}{{ end }}")?;
//! let names = gotemplate::Slice::strings(["ada", "grace"]);
//! assert_eq!(set.execute("page", &names.into())?, b"ADA, GRACE");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Invariants: no input makes it panic or overflow the stack; without limits set, only the memory
//! bounds what a template may do; nothing here reads a clock or an environment variable.

#![forbid(unsafe_code)]

mod ast;
mod builtins;
mod bytes;
pub mod check;
mod collection;
mod error;
mod exec;
mod fmt;
mod func;
mod html;
mod json;
mod lex;
mod limits;
mod number;
mod parse;
mod quote;
mod set;
pub mod strconv;
pub mod time;
pub mod types;
pub mod unicode;
mod value;

pub use ast::Tree;
pub use bytes::GoString;
pub use collection::{Key, Map, Slice};
pub use error::{Error, EscapeError, ExecError, ParseError, Place};
pub use func::{Call, Fault, FuncMap, Function};
pub use limits::{BYTES_PER_STEP, Limits, MAX_PARSE_DEPTH, MAX_VALUE_DEPTH, Stop};
pub use set::{Environment, Escaped, HtmlSet, MissingKey, TextSet};
pub use types::{Field, Kind, Method, Results, Trust, Type, TypeInfo};
pub use value::{Struct, Value};
