//! The syntax tree, and how error texts show a part of it.
//!
//! A node is printed as Go prints it: single spaces, ` | ` between commands, literals as written.
//! Positions are byte offsets in the text that was parsed.

use std::fmt;
use std::sync::Arc;

use crate::bytes::GoString;

/// A parsed template.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(crate) name: String,
    pub(crate) source: Arc<Source>,
    pub(crate) root: List,
}

impl Tree {
    /// The name of the template.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the text that the template was parsed from.
    #[must_use]
    pub fn parse_name(&self) -> &str {
        &self.source.parse_name
    }

    /// Where the template's body begins in that text: a byte offset.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.root.pos
    }

    /// The names of the templates that this one calls itself, in whatever branch.
    #[must_use]
    pub fn calls(&self) -> Vec<&str> {
        let mut names = Vec::new();
        let mut pending = vec![&self.root];
        while let Some(list) = pending.pop() {
            for node in &list.nodes {
                match node {
                    Node::Template(call) => names.push(call.name.as_str()),
                    Node::Branch(branch) => {
                        pending.extend(branch.clauses.iter().map(|clause| &clause.list));
                        pending.extend(branch.otherwise.as_ref());
                    }
                    _ => {}
                }
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether there is nothing but white space and comments; such a template never replaces
    /// another.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.nodes.iter().all(|node| match node {
            Node::Text(text) => crate::bytes::trim_unicode_space(text.bytes.as_bytes()).is_empty(),
            _ => false,
        })
    }
}

/// The text a tree was parsed from: positions in the tree are places in it.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) parse_name: String,
    pub(crate) text: Vec<u8>,
}

impl Source {
    /// `NAME:LINE:COLUMN` of an offset, with the line from one and the column from zero.
    pub(crate) fn locate(&self, pos: usize) -> String {
        let before = self.text.get(..pos).unwrap_or(&self.text);
        let column = match before.iter().rposition(|&byte| byte == b'\n') {
            Some(newline) => pos - newline - 1,
            None => pos,
        };
        format!("{}:{}:{column}", self.parse_name, line_of(&self.text, pos))
    }
}

/// The line, counted from one, of an offset.
pub(crate) fn line_of(text: &[u8], pos: usize) -> usize {
    let before = text.get(..pos).unwrap_or(text);
    1 + before.iter().filter(|&&byte| byte == b'\n').count()
}

#[derive(Clone, Debug, Default)]
pub(crate) struct List {
    pub(crate) pos: usize,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Text),
    Action(Action),
    Branch(Box<Branch>),
    Template(Box<Template>),
    Break(usize),
    Continue(usize),
}

/// Which nodes of a file are the same one: HTML escaping rewrites them by this number.
pub(crate) type NodeId = u32;

#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) id: NodeId,
    pub(crate) bytes: GoString,
}

#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) id: NodeId,
    pub(crate) pos: usize,
    pub(crate) pipe: Pipe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BranchKind {
    If,
    With,
    Range,
}

impl BranchKind {
    pub(crate) fn keyword(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
            Self::Range => "range",
        }
    }
}

/// `if`, `with` or `range`. A chain of `else if` is kept flat: a clause for each condition, so
/// that a chain of any length nests no deeper than one.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) kind: BranchKind,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) otherwise: Option<List>,
}

#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) pipe: Pipe,
    pub(crate) list: List,
}

#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) id: NodeId,
    pub(crate) pos: usize,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    pub(crate) pos: usize,
    pub(crate) decls: Vec<Box<str>>,
    pub(crate) is_assign: bool,
    pub(crate) commands: Vec<Command>,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) pos: usize,
    pub(crate) args: Vec<Expr>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) pos: usize,
    pub(crate) kind: ExprKind,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    String { source: GoString, value: GoString },
    Function(Box<str>),
    Field(Vec<GoString>),
    Variable(Box<str>, Vec<GoString>),
    Chain(Box<Expr>, Vec<GoString>),
    Pipe(Box<Pipe>),
}

/// A numeric constant: every type it can be read as.
#[derive(Clone, Debug, Default)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

fn write_fields(out: &mut fmt::Formatter<'_>, fields: &[GoString]) -> fmt::Result {
    fields.iter().try_for_each(|field| write!(out, ".{field}"))
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Dot => out.write_str("."),
            ExprKind::Nil => out.write_str("nil"),
            ExprKind::Bool(flag) => write!(out, "{flag}"),
            ExprKind::Number(number) => out.write_str(&number.text),
            ExprKind::String { source, .. } => write!(out, "{source}"),
            ExprKind::Function(name) => out.write_str(name),
            ExprKind::Field(fields) => write_fields(out, fields),
            ExprKind::Variable(name, fields) => {
                out.write_str(name)?;
                write_fields(out, fields)
            }
            ExprKind::Chain(base, fields) => {
                match base.kind {
                    ExprKind::Pipe(_) => write!(out, "({base})")?,
                    _ => write!(out, "{base}")?,
                }
                write_fields(out, fields)
            }
            ExprKind::Pipe(pipe) => write!(out, "{pipe}"),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, arg) in self.args.iter().enumerate() {
            if at > 0 {
                out.write_str(" ")?;
            }
            match arg.kind {
                ExprKind::Pipe(_) => write!(out, "({arg})")?,
                _ => write!(out, "{arg}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Pipe {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.decls.is_empty() {
            let names = self.decls.join(", ");
            write!(out, "{names} {} ", if self.is_assign { "=" } else { ":=" })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            if at > 0 {
                out.write_str(" | ")?;
            }
            write!(out, "{command}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{{{}}}}}", self.pipe)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = crate::quote::quote(self.name.as_bytes());
        match &self.pipe {
            Some(pipe) => write!(out, "{{{{template {name} {pipe}}}}}"),
            None => write!(out, "{{{{template {name}}}}}"),
        }
    }
}
