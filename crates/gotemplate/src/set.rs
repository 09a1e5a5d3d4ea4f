//! Sets of templates: what is parsed together and may call each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::Tree;
use crate::check::{Finding, ResultTypes};
use crate::error::{Error, EscapeError, ExecError, ParseError};
use crate::func::FuncMap;
use crate::limits::Limits;
use crate::time::Zone;
use crate::types::Type;
use crate::value::Value;
use crate::{check, exec, html, parse};

pub(crate) type Trees = BTreeMap<String, Arc<Tree>>;

/// What a key that is not in a map evaluates to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MissingKey {
    /// No value, printed as `<no value>`.
    #[default]
    Default,
    /// The zero value of the map's element type.
    Zero,
    /// An error.
    Error,
}

/// What templates run in.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The functions they may call.
    pub functions: FuncMap,
    /// What a missing key is.
    pub missing_key: MissingKey,
    /// What an execution may use.
    pub limits: Limits,
    /// The zone of `Time.Local`.
    pub local_zone: Zone,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            functions: FuncMap::new(),
            missing_key: MissingKey::Default,
            limits: Limits::default(),
            local_zone: Zone::utc(),
        }
    }
}

/// Templates that yield plain text.
///
/// ```
/// use gotemplate::{TextSet, Value};
/// let mut set = TextSet::default();
/// set.parse("greeting", r#"Hello, {{ . | printf "%q" }}!"#)?;
/// assert_eq!(set.execute("greeting", &Value::from("world"))?, b"Hello, \"world\"!");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TextSet {
    environment: Environment,
    trees: Trees,
}

impl TextSet {
    /// An empty set.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            trees: Trees::new(),
        }
    }

    /// What the templates run in.
    pub fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }

    /// Parses a text under a name and adds it and its definitions to the set. A later template
    /// replaces an earlier one of its name unless it is empty.
    ///
    /// The tree returned is the text's own, even where the set keeps an earlier one.
    ///
    /// # Errors
    /// If the text is no template; the set is unchanged then.
    pub fn parse(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<Arc<Tree>, ParseError> {
        add(&mut self.trees, &self.environment, name, text.as_ref())
    }

    /// The template of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Tree>> {
        self.trees.get(name)
    }

    /// The names of the templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Checks the template of that name, and those it calls, without running them: see [`check`].
    ///
    /// ```
    /// use gotemplate::check::{Remark, ResultTypes};
    /// use gotemplate::{TextSet, Type, time};
    /// struct Unknown;
    /// impl ResultTypes for Unknown {
    ///     fn method(&self, _: Type, _: &str) -> Option<Type> {
    ///         None
    ///     }
    ///     fn function(&self, _: &str) -> Option<Type> {
    ///         None
    ///     }
    /// }
    /// let mut set = TextSet::default();
    /// set.parse("t", "{{ .Yeer }}")?;
    /// let findings = set.check("t", Some(&time::TIME), &Unknown);
    /// assert!(matches!(&findings[0].remark, Remark::NoSuchField { name, .. } if name == "Yeer"));
    /// # Ok::<(), gotemplate::ParseError>(())
    /// ```
    #[must_use]
    pub fn check(&self, name: &str, dot: Option<Type>, results: &dyn ResultTypes) -> Vec<Finding> {
        let get = |name: &str| self.trees.get(name).cloned();
        check::check(&get, &self.environment.functions, name, dot, results)
    }

    /// Runs the template of that name.
    ///
    /// # Errors
    /// If there is none or it fails.
    pub fn execute(&self, name: &str, data: &Value) -> Result<Vec<u8>, ExecError> {
        match self.trees.get(name) {
            Some(tree) => self.execute_tree(tree, data),
            None => Err(exec::incomplete(name)),
        }
    }

    /// Runs a tree that [`TextSet::parse`] returned, calling the templates of this set.
    ///
    /// # Errors
    /// If it fails.
    pub fn execute_tree(&self, tree: &Tree, data: &Value) -> Result<Vec<u8>, ExecError> {
        self.execute_tree_in(&self.environment, tree, data)
    }

    /// The same in another environment, for a host whose functions depend on what is rendered. Its
    /// functions must be those that the templates were parsed with, by name and parameters.
    ///
    /// # Errors
    /// If it fails.
    pub fn execute_tree_in(
        &self,
        environment: &Environment,
        tree: &Tree,
        data: &Value,
    ) -> Result<Vec<u8>, ExecError> {
        exec::execute(tree, &self.trees, environment, data)
    }

    /// What the templates run in.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}

/// Templates that yield HTML: what actions print is escaped for the place where it stands.
///
/// ```
/// use gotemplate::{HtmlSet, Value};
/// let mut set = HtmlSet::default();
/// set.parse("link", r#"<a href="/?q={{ . }}">{{ . }}</a>"#)?;
/// let html = set.execute("link", &Value::from("a&b"))?;
/// assert_eq!(String::from_utf8_lossy(&html), r#"<a href="/?q=a%26b">a&amp;b</a>"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HtmlSet {
    environment: Environment,
    trees: Trees,
}

impl HtmlSet {
    /// An empty set.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            trees: Trees::new(),
        }
    }

    /// What the templates run in.
    pub fn environment_mut(&mut self) -> &mut Environment {
        &mut self.environment
    }

    /// As [`TextSet::parse`].
    ///
    /// # Errors
    /// If the text is no template; the set is unchanged then.
    pub fn parse(&mut self, name: &str, text: impl AsRef<[u8]>) -> Result<Arc<Tree>, ParseError> {
        add(&mut self.trees, &self.environment, name, text.as_ref())
    }

    /// The names of the templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trees.keys().map(String::as_str)
    }

    /// Finds the escaping of the template of that name and all it may call. The result can be
    /// executed any number of times.
    ///
    /// # Errors
    /// If the HTML around some action leaves its meaning open.
    pub fn escape(&self, name: &str) -> Result<Escaped, EscapeError> {
        let trees = html::escape(&self.trees, name)?;
        Ok(Escaped {
            environment: self.environment.clone(),
            trees,
            name: name.to_owned(),
        })
    }

    /// Escapes and runs the template of that name.
    ///
    /// # Errors
    /// If it cannot be escaped or fails.
    pub fn execute(&self, name: &str, data: &Value) -> Result<Vec<u8>, Error> {
        Ok(self.escape(name)?.execute(data)?)
    }
}

/// A template with its escaping.
#[derive(Clone, Debug)]
pub struct Escaped {
    environment: Environment,
    trees: Trees,
    name: String,
}

impl Escaped {
    /// Runs the template.
    ///
    /// # Errors
    /// If it fails.
    pub fn execute(&self, data: &Value) -> Result<Vec<u8>, ExecError> {
        self.execute_in(&self.environment, data)
    }

    /// The same in another environment: see [`TextSet::execute_tree_in`].
    ///
    /// # Errors
    /// If it fails.
    pub fn execute_in(
        &self,
        environment: &Environment,
        data: &Value,
    ) -> Result<Vec<u8>, ExecError> {
        match self.trees.get(&self.name) {
            Some(tree) => exec::execute(tree, &self.trees, environment, data),
            None => Err(exec::incomplete(&self.name)),
        }
    }

    /// What the template runs in.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }
}

fn add(
    trees: &mut Trees,
    environment: &Environment,
    name: &str,
    text: &[u8],
) -> Result<Arc<Tree>, ParseError> {
    let parsed = parse::parse(name, text, &environment.functions)?;
    let mut own = None;
    for (tree_name, tree) in parsed {
        if tree_name == name {
            own = Some(Arc::clone(&tree));
        }
        if !(tree.is_empty() && trees.contains_key(&tree_name)) {
            trees.insert(tree_name, tree);
        }
    }
    own.ok_or_else(|| ParseError {
        name: name.to_owned(),
        line: 1,
        message: "no template".to_owned(),
        offset: 0,
    })
}
