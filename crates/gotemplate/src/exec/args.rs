//! Calls: arity, the types of arguments, and what comes back.

use super::expr::Args;
use super::{At, Executor, Run};
use crate::ast::{Expr, ExprKind};
use crate::builtins::Builtin;
use crate::error::ExecError;
use crate::func::{Action, Call, Fault};
use crate::types::{self, Kind, Type};
use crate::value::Value;

impl<'a> Executor<'a> {
    pub(super) fn call_context<'c>(&'c self, callee: &'c str) -> Call<'c> {
        Call {
            budget: &self.budget,
            written: self.out.len(),
            callee,
            local: &self.environment.local_zone,
        }
    }

    pub(super) fn function(
        &mut self,
        dot: &Value,
        name: &str,
        node: At<'a>,
        args: Args<'a>,
    ) -> Run<Value> {
        let environment = self.environment;
        let Some(function) = environment.functions.get(name) else {
            let name = crate::quote::quote(name.as_bytes());
            return Err(self.fail(format!("{name} is not a defined function")));
        };
        self.check_arity(name, &function.params, function.variadic, &args)?;
        let callee = match &function.action {
            Action::Builtin(Builtin::And) => return self.short_circuit(dot, args, false),
            Action::Builtin(Builtin::Or) => return self.short_circuit(dot, args, true),
            Action::Builtin(Builtin::Call) => match (args.exprs.first(), &args.piped) {
                (Some(first), _) => first.to_string(),
                (None, Some(piped)) => piped_name(piped),
                (None, None) => String::new(),
            },
            _ => String::new(),
        };
        let values = self.bind(dot, &function.params, function.variadic, args)?;
        let read: usize = values.iter().map(|value| value.as_bytes().len()).sum();
        let result = match self.budget.read(read) {
            Ok(()) => function.call(&self.call_context(&callee), &values),
            Err(stop) => Err(stop.into()),
        };
        self.returned(result, node, name)
    }

    /// `and` and `or`: the first argument that decides, else the last.
    fn short_circuit(&mut self, dot: &Value, args: Args<'a>, decisive: bool) -> Run<Value> {
        let mut value = Value::None;
        for expr in args.exprs {
            value = self.arg(dot, Some(&types::REFLECTED), expr)?;
            if value.is_true() == decisive {
                return Ok(value);
            }
        }
        Ok(args.piped.unwrap_or(value))
    }

    /// Checks the number of arguments and returns the parameters.
    pub(super) fn check_arity<'p>(
        &self,
        name: &str,
        params: &'p [Type],
        variadic: bool,
        args: &Args<'_>,
    ) -> Run<&'p [Type]> {
        let given = args.exprs.len() + usize::from(args.piped.is_some());
        if variadic {
            let fixed = params.len().saturating_sub(1);
            if given < fixed {
                let given = args.exprs.len();
                return Err(self.fail(format!(
                    "wrong number of args for {name}: want at least {fixed} got {given}"
                )));
            }
        } else if given != params.len() {
            let wanted = params.len();
            return Err(self.fail(format!(
                "wrong number of args for {name}: want {wanted} got {given}"
            )));
        }
        Ok(params)
    }

    /// Evaluates the arguments, each for its parameter; the piped one is last.
    pub(super) fn bind(
        &mut self,
        dot: &Value,
        params: &[Type],
        variadic: bool,
        args: Args<'a>,
    ) -> Run<Vec<Value>> {
        let last = params.len().saturating_sub(1);
        let param = |at: usize| {
            let at = if variadic { at.min(last) } else { at };
            params.get(at).copied().unwrap_or(&types::ANY)
        };
        let mut values = Vec::with_capacity(args.exprs.len() + 1);
        for (at, expr) in args.exprs.iter().enumerate() {
            let value = self.arg(dot, Some(param(at)), expr)?;
            values.push(for_parameter(value, param(at)));
        }
        if let Some(piped) = args.piped {
            let ty = param(values.len());
            let value = self.validate(piped, Some(ty))?;
            values.push(for_parameter(value, ty));
        }
        Ok(values)
    }

    pub(super) fn returned(
        &mut self,
        result: Result<Value, Fault>,
        node: At<'a>,
        name: &str,
    ) -> Run<Value> {
        let fault = match result {
            Ok(value) => {
                // A string that is too long already is not worth carrying to the output.
                let most = self.environment.limits.max_output_bytes;
                if value.as_bytes().len() > most {
                    Fault::Stop(crate::limits::Stop::Output)
                } else {
                    match self.budget.make(value.own_bytes()) {
                        Ok(()) => return Ok(value),
                        Err(stop) => Fault::Stop(stop),
                    }
                }
            }
            Err(fault) => fault,
        };
        self.at = node;
        Err(match fault {
            Fault::Text(text) => self.fail(format!("error calling {name}: {text}")),
            Fault::Stop(stop) => self.stopped(stop),
        })
    }

    /// An argument of that type; none for what fields are taken of.
    pub(super) fn arg(&mut self, dot: &Value, ty: Option<Type>, expr: &'a Expr) -> Run<Value> {
        self.at = At::Expr(expr);
        self.step()?;
        let value = match &expr.kind {
            ExprKind::Dot => dot.clone(),
            ExprKind::Nil => {
                return match ty {
                    Some(ty) if ty.kind == Kind::Reflected => Ok(Value::None),
                    Some(ty) if ty.is_nilable() => Ok(Value::zero(ty)),
                    ty => {
                        let ty = ty.map_or("", |ty| ty.name);
                        Err(self.fail(format!("cannot assign nil to {ty}")))
                    }
                };
            }
            ExprKind::Field(names) => {
                self.field_chain(dot, dot.clone(), names, At::Expr(expr), Args::default())?
            }
            ExprKind::Variable(name, names) => {
                self.variable_chain(dot, expr, name, names, Args::default())?
            }
            ExprKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            ExprKind::Function(name) => {
                self.function(dot, name, At::Expr(expr), Args::default())?
            }
            ExprKind::Chain(base, names) => self.chain(dot, expr, base, names, Args::default())?,
            ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String { .. } => {
                return self.literal(expr, ty);
            }
        };
        self.validate(value, ty)
    }

    /// A constant, which takes the type wanted if it can.
    fn literal(&self, expr: &Expr, ty: Option<Type>) -> Run<Value> {
        let expected =
            |what: &str| -> Box<ExecError> { self.fail(format!("expected {what}; found {expr}")) };
        let number = match &expr.kind {
            ExprKind::Number(number) => Some(number),
            _ => None,
        };
        let Some(ty) = ty else {
            return Ok(Value::None);
        };
        match (ty.kind, &expr.kind) {
            (Kind::Bool, ExprKind::Bool(flag)) => Ok(Value::Bool(*flag)),
            (Kind::Bool, _) => Err(expected("bool")),
            (Kind::String, ExprKind::String { value, .. }) => Ok(Value::String(value.clone(), ty)),
            (Kind::String, _) => Err(expected("string")),
            (Kind::Int, _) => {
                let int = number.and_then(|number| number.int);
                int.map(|int| Value::Int(int, ty))
                    .ok_or_else(|| expected("integer"))
            }
            (Kind::Uint, _) => {
                let uint = number.and_then(|number| number.uint);
                uint.map(|uint| Value::Uint(uint, ty))
                    .ok_or_else(|| expected("unsigned integer"))
            }
            (Kind::Float, _) => {
                let float = number.and_then(|number| number.float);
                float.map(Value::Float).ok_or_else(|| expected("float"))
            }
            (Kind::Complex, _) => {
                let complex = number.and_then(|number| number.complex);
                complex
                    .map(|(real, imaginary)| Value::Complex(real, imaginary))
                    .ok_or_else(|| expected("complex"))
            }
            (Kind::Interface | Kind::Reflected, ExprKind::Bool(flag)) => Ok(Value::Bool(*flag)),
            (Kind::Interface | Kind::Reflected, ExprKind::String { value, .. }) => {
                Ok(Value::from(value.clone()))
            }
            (Kind::Interface | Kind::Reflected, ExprKind::Number(number)) => self.ideal(number),
            _ => {
                let ty = ty.name;
                Err(self.fail(format!("can't handle {expr} for arg of type {ty}")))
            }
        }
    }

    /// Checks that a value may be given where that type is wanted.
    fn validate(&self, value: Value, ty: Option<Type>) -> Run<Value> {
        let Some(wanted) = ty else {
            return Ok(value);
        };
        let Some(own) = value.ty() else {
            return if wanted.kind == Kind::Reflected {
                Ok(value)
            } else if wanted.is_nilable() {
                Ok(Value::zero(wanted))
            } else {
                Err(self.fail(format!("invalid value; expected {}", wanted.name)))
            };
        };
        if own.is_assignable_to(wanted) {
            return Ok(retyped(value, wanted));
        }
        let value = match value {
            Value::Interface(inner) if !inner.is_none() => *inner,
            other => other,
        };
        let own = value.ty().unwrap_or(own);
        if own.is_assignable_to(wanted) {
            return Ok(retyped(value, wanted));
        }
        match &value {
            Value::Pointer(target, pointer)
                if pointer
                    .elem
                    .is_some_and(|elem| elem.is_assignable_to(wanted)) =>
            {
                target
                    .as_ref()
                    .map(|target| (**target).clone())
                    .ok_or_else(|| {
                        self.fail(format!(
                            "dereference of nil pointer of type {}",
                            wanted.name
                        ))
                    })
            }
            _ => {
                let (wanted, own) = (wanted.name, own.name);
                Err(self.fail(format!(
                    "wrong type for value; expected {wanted}; got {own}"
                )))
            }
        }
    }
}

/// A function sees what an interface holds, except those of the language that look for themselves.
fn for_parameter(value: Value, ty: Type) -> Value {
    if ty.kind == Kind::Interface {
        value.unwrap_interface()
    } else {
        value
    }
}

fn retyped(value: Value, wanted: Type) -> Value {
    match value {
        Value::Slice(slice) if wanted.kind == Kind::Slice => Value::Slice(slice.retyped(wanted)),
        other => other,
    }
}

/// How `call` names a function that came through the pipe.
fn piped_name(value: &Value) -> String {
    match value {
        Value::None => "<invalid Value>".to_owned(),
        Value::String(text, _) => text.to_string(),
        other => format!("<{} Value>", other.type_name()),
    }
}
