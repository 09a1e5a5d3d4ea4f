//! Pipelines, commands, fields and methods.

use super::{At, Executor, Run};
use crate::ast::{Command, Expr, ExprKind, Number, Pipe};
use crate::bytes::GoString;
use crate::collection::Key;
use crate::types::{self, Kind, Results};
use crate::value::Value;

/// What a call is made with: the expressions behind the first word, if it may have any, and the
/// value that came through the pipe.
#[derive(Default)]
pub(super) struct Args<'a> {
    pub(super) exprs: &'a [Expr],
    pub(super) piped: Option<Value>,
}

impl Args<'_> {
    fn is_empty(&self) -> bool {
        self.exprs.is_empty() && self.piped.is_none()
    }
}

impl<'a> Executor<'a> {
    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'a Pipe) -> Run<Value> {
        self.at = At::Pipe(pipe);
        let mut piped = None;
        for command in &pipe.commands {
            piped = Some(self.command(dot, command, piped)?.unwrap_interface());
        }
        let value = piped.unwrap_or_default();
        for name in &pipe.decls {
            if pipe.is_assign {
                self.assign(name, &value)?;
            } else {
                self.vars.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, dot: &Value, command: &'a Command, piped: Option<Value>) -> Run<Value> {
        let Some((first, exprs)) = command.args.split_first() else {
            return Ok(Value::None);
        };
        let args = Args { exprs, piped };
        match &first.kind {
            ExprKind::Field(names) => {
                self.at = At::Expr(first);
                self.field_chain(dot, dot.clone(), names, At::Expr(first), args)
            }
            ExprKind::Chain(base, names) => self.chain(dot, first, base, names, args),
            ExprKind::Function(name) => {
                self.at = At::Expr(first);
                self.function(dot, name, At::Command(command), args)
            }
            ExprKind::Pipe(pipe) => {
                self.not_a_function(first, &args)?;
                self.pipeline(dot, pipe)
            }
            ExprKind::Variable(name, names) => self.variable_chain(dot, first, name, names, args),
            _ => {
                self.at = At::Expr(first);
                self.not_a_function(first, &args)?;
                match &first.kind {
                    ExprKind::Bool(flag) => Ok(Value::Bool(*flag)),
                    ExprKind::Dot => Ok(dot.clone()),
                    ExprKind::Number(number) => self.ideal(number),
                    ExprKind::String { value, .. } => Ok(Value::from(value.clone())),
                    _ => Err(self.fail("nil is not a command")),
                }
            }
        }
    }

    fn not_a_function(&self, first: &Expr, args: &Args<'_>) -> Run<()> {
        if args.is_empty() {
            return Ok(());
        }
        Err(self.fail(format!("can't give argument to non-function {first}")))
    }

    /// A numeric constant where no type is wanted.
    pub(super) fn ideal(&self, number: &Number) -> Run<Value> {
        let text = &number.text;
        let is_hex_int =
            (text.starts_with("0x") || text.starts_with("0X")) && !text.contains(['p', 'P']);
        let is_char = text.starts_with('\'');
        match (number.complex, number.float, number.int) {
            (Some((real, imaginary)), _, _) => Ok(Value::Complex(real, imaginary)),
            (_, Some(float), _)
                if !is_hex_int && !is_char && text.contains(['.', 'e', 'E', 'p', 'P']) =>
            {
                Ok(Value::Float(float))
            }
            (_, _, Some(int)) => Ok(Value::from(int)),
            _ => Err(self.fail(format!("{text} overflows int"))),
        }
    }

    pub(super) fn variable_chain(
        &mut self,
        dot: &Value,
        expr: &'a Expr,
        name: &str,
        names: &'a [GoString],
        args: Args<'a>,
    ) -> Run<Value> {
        self.at = At::Expr(expr);
        let Some(value) = self.variable(name).cloned() else {
            return Err(self.fail(format!("undefined variable: {name}")));
        };
        if names.is_empty() {
            self.not_a_function(expr, &args)?;
            return Ok(value);
        }
        self.field_chain(dot, value, names, At::Expr(expr), args)
    }

    pub(super) fn chain(
        &mut self,
        dot: &Value,
        expr: &'a Expr,
        base: &'a Expr,
        names: &'a [GoString],
        args: Args<'a>,
    ) -> Run<Value> {
        self.at = At::Expr(expr);
        let receiver = self.arg(dot, None, base)?;
        self.field_chain(dot, receiver, names, At::Expr(expr), args)
    }

    pub(super) fn field_chain(
        &mut self,
        dot: &Value,
        receiver: Value,
        names: &'a [GoString],
        node: At<'a>,
        args: Args<'a>,
    ) -> Run<Value> {
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut receiver = receiver;
        for name in before {
            receiver = self.field(dot, &receiver, name, node, Args::default())?;
        }
        self.field(dot, &receiver, last, node, args)
    }

    /// A method, a field or a map's entry.
    fn field(
        &mut self,
        dot: &Value,
        receiver: &Value,
        name: &GoString,
        node: At<'a>,
        args: Args<'a>,
    ) -> Run<Value> {
        let Some(ty) = receiver.ty() else {
            return Ok(Value::None);
        };
        let (target, is_nil) = receiver.indirect();
        if is_nil && matches!(target, Value::Interface(_)) {
            return Err(self.fail(format!("nil pointer evaluating {}.{name}", ty.name)));
        }
        let text = name.to_lossy();
        let pointer = pointer_before(receiver);
        let method = target
            .ty()
            .and_then(|ty| ty.method(&text))
            .map(|method| (method, target))
            .or_else(|| {
                let pointer = pointer?;
                Some((pointer.ty()?.method(&text)?, pointer))
            });
        if let Some((method, me)) = method {
            let params = self.check_arity(&text, method.params, method.variadic, &args)?;
            match method.results {
                Results::Usable => {}
                Results::Count(count) => {
                    return Err(self.fail(format!(
                        "function {name} has {count} return values; should be 1 or 2"
                    )));
                }
                Results::SecondIs(second) => {
                    return Err(self.fail(format!(
                        "invalid function signature for {name}: second return value should be \
                         error; is {second}"
                    )));
                }
            }
            let me = me.clone();
            let values = self.bind(dot, params, method.variadic, args)?;
            let result = (method.body)(&self.call_context(""), &me, &values);
            return self.returned(result, node, &text);
        }
        let has_args = !args.is_empty();
        match target {
            Value::Struct(_) | Value::Time(_) => {
                let field = target
                    .struct_type()
                    .and_then(|ty| ty.fields.iter().find(|field| field.name == text));
                if let Some(field) = field {
                    if !field.is_exported() {
                        let ty = ty.name;
                        return Err(
                            self.fail(format!("{name} is an unexported field of struct type {ty}"))
                        );
                    }
                    if has_args {
                        return Err(self.fail(format!(
                            "{name} has arguments but cannot be invoked as function"
                        )));
                    }
                    let value = match target {
                        Value::Struct(fields) => fields.field(&text).cloned(),
                        _ => None,
                    };
                    return Ok(value.unwrap_or_default().wrapped_for(Some(field.ty)));
                }
            }
            Value::Map(map)
                if map
                    .ty()
                    .key
                    .is_some_and(|key| types::same(key, &types::STRING)) =>
            {
                if has_args {
                    return Err(self.fail(format!("{name} is not a method but has arguments")));
                }
                let elem = map.ty().elem.unwrap_or(&types::ANY);
                let found = map.get(&Key::String(name.clone())).cloned();
                return match found {
                    Some(value) => Ok(value.wrapped_for(Some(elem))),
                    None => self.missing_key(name, elem),
                };
            }
            Value::Pointer(None, pointer) => {
                let known = pointer.elem.filter(|elem| {
                    elem.kind != Kind::Struct || elem.fields.iter().any(|field| field.name == text)
                });
                if known.is_some() {
                    return Err(self.fail(format!("nil pointer evaluating {}.{name}", ty.name)));
                }
            }
            _ => {}
        }
        Err(self.fail(format!("can't evaluate field {name} in type {}", ty.name)))
    }

    fn missing_key(&self, name: &GoString, elem: types::Type) -> Run<Value> {
        match self.environment.missing_key {
            crate::set::MissingKey::Default => Ok(Value::None),
            crate::set::MissingKey::Zero => Ok(Value::zero(elem)),
            crate::set::MissingKey::Error => {
                let name = crate::quote::quote(name.as_bytes());
                Err(self.fail(format!("map has no entry for key {name}")))
            }
        }
    }
}

/// The last pointer on the way to what a value points to.
fn pointer_before(value: &Value) -> Option<&Value> {
    match value {
        Value::Pointer(Some(target), _) => pointer_before(target).or(Some(value)),
        Value::Interface(inner) => pointer_before(inner),
        _ => None,
    }
}
