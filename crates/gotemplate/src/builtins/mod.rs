//! The functions of the language.

mod collections;
mod compare;
mod text;

pub(crate) use text::{html_escape, js_escape, printable, query_escape};

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::fmt::{sprint, sprintf, sprintln};
use crate::func::{Action, Call, Fault, Function};
use crate::html::escapers::Escaper;
use crate::types::{ANY, REFLECTED, STRING, Type};
use crate::value::Value;

/// A function of the language, or one that HTML escaping puts into pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// `and` and `or` do not evaluate all their arguments: the executor runs them.
    And,
    Or,
    Call,
    Html,
    Index,
    Js,
    Len,
    Not,
    Print,
    Printf,
    Println,
    Slice,
    Urlquery,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Escape(Escaper),
}

static TABLE: LazyLock<HashMap<&'static str, Function>> = LazyLock::new(|| {
    let any: &[Type] = &[&ANY];
    let one: &[Type] = &[&REFLECTED];
    let two: &[Type] = &[&REFLECTED, &REFLECTED];
    let mut table: HashMap<&'static str, Function> = [
        ("and", Builtin::And, two, true),
        ("or", Builtin::Or, two, true),
        ("call", Builtin::Call, two, true),
        ("html", Builtin::Html, any, true),
        ("index", Builtin::Index, two, true),
        ("js", Builtin::Js, any, true),
        ("len", Builtin::Len, one, false),
        ("not", Builtin::Not, one, false),
        ("print", Builtin::Print, any, true),
        ("printf", Builtin::Printf, &[&STRING, &ANY], true),
        ("println", Builtin::Println, any, true),
        ("slice", Builtin::Slice, two, true),
        ("urlquery", Builtin::Urlquery, any, true),
        ("eq", Builtin::Eq, two, true),
        ("ne", Builtin::Ne, two, false),
        ("lt", Builtin::Lt, two, false),
        ("le", Builtin::Le, two, false),
        ("gt", Builtin::Gt, two, false),
        ("ge", Builtin::Ge, two, false),
    ]
    .into_iter()
    .map(|(name, builtin, params, variadic)| (name, function(builtin, params, variadic)))
    .collect();
    let escapers = Escaper::ALL.iter().map(|&escaper| {
        (
            escaper.name(),
            function(Builtin::Escape(escaper), any, true),
        )
    });
    table.extend(escapers);
    table
});

fn function(builtin: Builtin, params: &[Type], variadic: bool) -> Function {
    Function {
        params: Arc::from(params),
        variadic,
        action: Action::Builtin(builtin),
    }
}

/// The functions of the language by name.
pub(crate) fn table() -> &'static HashMap<&'static str, Function> {
    &TABLE
}

pub(crate) fn call(builtin: Builtin, call: &Call<'_>, args: &[Value]) -> Result<Value, Fault> {
    let limit = call.max_bytes();
    let first = args.first().unwrap_or(&Value::None);
    let rest = args.get(1..).unwrap_or_default();
    let order = |wanted: fn(compare::Order) -> bool| {
        let other = rest.first().unwrap_or(&Value::None);
        compare::order(first, other).map(|order| Value::Bool(wanted(order)))
    };
    match builtin {
        Builtin::And | Builtin::Or => Ok(args.last().cloned().unwrap_or_default()),
        Builtin::Call => call_value(call, first, rest),
        Builtin::Html => Ok(html_escape(&text::joined(args, limit)?).into()),
        Builtin::Index => collections::index(first, rest),
        Builtin::Js => Ok(js_escape(&text::joined(args, limit)?).into()),
        Builtin::Len => collections::len(first),
        Builtin::Not => Ok(Value::Bool(!first.is_true())),
        Builtin::Print => Ok(sprint(args, limit)?.into()),
        Builtin::Printf => Ok(sprintf(first.as_bytes(), rest, limit)?.into()),
        Builtin::Println => Ok(sprintln(args, limit)?.into()),
        Builtin::Slice => collections::slice(first, rest),
        Builtin::Urlquery => Ok(query_escape(&text::joined(args, limit)?).into()),
        Builtin::Eq => compare::equal_to_any(first, rest).map(Value::Bool),
        Builtin::Ne => {
            let other = rest.first().unwrap_or(&Value::None);
            compare::equal(first, other).map(|equal| Value::Bool(!equal))
        }
        Builtin::Lt => order(|order| order == compare::Order::Less),
        Builtin::Le => order(|order| matches!(order, compare::Order::Less | compare::Order::Equal)),
        Builtin::Gt => order(|order| order == compare::Order::Greater),
        Builtin::Ge => {
            order(|order| matches!(order, compare::Order::Greater | compare::Order::Equal))
        }
        Builtin::Escape(escaper) => escaper.apply(args, limit),
    }
}

/// `call`: runs a function that is a value.
fn call_value(call: &Call<'_>, callee: &Value, args: &[Value]) -> Result<Value, Fault> {
    let name = call.callee;
    let callee = match callee {
        Value::Interface(inner) => inner,
        other => other,
    };
    match callee {
        Value::None => Err(Fault::new("call of nil")),
        Value::Func(function) => {
            let wanted = function.params.len();
            let given = args.len();
            let fits = if function.variadic {
                given + 1 >= wanted
            } else {
                given == wanted
            };
            if !fits {
                let (least, wanted) = if function.variadic {
                    ("at least ", wanted - 1)
                } else {
                    ("", wanted)
                };
                return Err(Fault::new(format!(
                    "wrong number of args for {name}: got {given} want {least}{wanted}"
                )));
            }
            let args: Vec<Value> = args
                .iter()
                .map(|arg| arg.clone().unwrap_interface())
                .collect();
            function.call(call, &args)
        }
        other => {
            let ty = other.type_name();
            Err(Fault::new(format!("non-function {name} of type {ty}")))
        }
    }
}
