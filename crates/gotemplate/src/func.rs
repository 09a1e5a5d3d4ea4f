//! Functions that templates may call, and what they may fail with.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::builtins::{self, Builtin};
use crate::limits::{Budget, Stop};
use crate::time::Zone;
use crate::types::Type;
use crate::value::Value;

/// Why a function failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The function's own error, which the template reports as `error calling NAME: TEXT`.
    Text(String),
    /// A limit of the host was reached; it ends the execution whatever function noticed it.
    Stop(Stop),
}

impl Fault {
    /// A failure with that text.
    pub fn new(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl From<Stop> for Fault {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// What a function may know of the execution that calls it.
#[derive(Debug)]
pub struct Call<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) written: usize,
    pub(crate) callee: &'a str,
    pub(crate) local: &'a Zone,
}

impl Call<'_> {
    /// How long a string that the function makes may be.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.budget
            .limits()
            .max_output_bytes
            .saturating_sub(self.written)
    }

    /// Counts work that the strings given and made do not show.
    ///
    /// # Errors
    /// If it is more than the host allows.
    pub fn spend(&self, steps: u64) -> Result<(), Fault> {
        Ok(self.budget.spend(steps)?)
    }

    /// The host's own zone.
    #[must_use]
    pub fn local_zone(&self) -> Zone {
        self.local.clone()
    }

    /// The value as `print` shows it.
    ///
    /// # Errors
    /// If the text would be longer than the host allows.
    pub fn sprint(&self, values: &[Value]) -> Result<Vec<u8>, Fault> {
        Ok(crate::fmt::sprint(values, self.max_bytes())?)
    }

    /// The value as JSON.
    ///
    /// # Errors
    /// If the value has no JSON form, or its text would be longer than the host allows.
    pub fn json(&self, value: &Value) -> Result<Vec<u8>, Fault> {
        crate::json::encode(value, self.max_bytes())
    }
}

type Body = dyn Fn(&Call<'_>, &[Value]) -> Result<Value, Fault> + Send + Sync;

/// A function that templates may call.
///
/// ```
/// use gotemplate::{Function, Value, types};
/// let shout = Function::new([&types::STRING], |_, args| {
///     Ok(Value::from(args[0].to_text().to_uppercase()))
/// });
/// # let _ = shout;
/// ```
#[derive(Clone)]
pub struct Function {
    pub(crate) params: Arc<[Type]>,
    pub(crate) variadic: bool,
    pub(crate) action: Action,
}

#[derive(Clone)]
pub(crate) enum Action {
    Builtin(Builtin),
    Host(Arc<Body>),
}

impl Function {
    /// A function of fixed arity. The body is only called with arguments of the types named: as
    /// many as there are parameters, and for `interface {}` anything, [`Value::None`] being nil.
    pub fn new(
        params: impl Into<Vec<Type>>,
        body: impl Fn(&Call<'_>, &[Value]) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            params: params.into().into(),
            variadic: false,
            action: Action::Host(Arc::new(body)),
        }
    }

    /// A function whose last parameter may be given any number of times, even none.
    pub fn variadic(
        params: impl Into<Vec<Type>>,
        body: impl Fn(&Call<'_>, &[Value]) -> Result<Value, Fault> + Send + Sync + 'static,
    ) -> Self {
        Self {
            variadic: true,
            ..Self::new(params, body)
        }
    }

    pub(crate) fn call(&self, call: &Call<'_>, args: &[Value]) -> Result<Value, Fault> {
        match &self.action {
            Action::Builtin(builtin) => builtins::call(*builtin, call, args),
            Action::Host(body) => body(call, args),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Function")
            .field("params", &self.params)
            .field("variadic", &self.variadic)
            .finish_non_exhaustive()
    }
}

/// Functions by name. Those of the language are always there beside them; a function of the same
/// name replaces one of those.
///
/// ```
/// use gotemplate::{FuncMap, Function, Value, types};
/// let mut functions = FuncMap::new();
/// functions.insert("answer", Function::new([], |_, _| Ok(Value::from(42))));
/// assert!(functions.contains("answer") && functions.contains("printf"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct FuncMap {
    own: Arc<HashMap<String, Function>>,
}

impl FuncMap {
    /// Only the functions of the language.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function, in the place of an earlier one of that name.
    pub fn insert(&mut self, name: &str, function: Function) {
        Arc::make_mut(&mut self.own).insert(name.to_owned(), function);
    }

    /// Whether a template may call that name. What escaping puts into pipelines is not for
    /// templates to call.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.own.contains_key(name)
            || builtins::table().get(name).is_some_and(|function| {
                !matches!(function.action, Action::Builtin(Builtin::Escape(_)))
            })
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Function> {
        self.own.get(name).or_else(|| builtins::table().get(name))
    }
}
