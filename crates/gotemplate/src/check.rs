//! Checking templates without running them, for tools that help people write them.
//!
//! The check follows the type of dot and of variables through a template and the templates it
//! calls, and reports what would fail whenever it is reached: fields that a type has not, templates
//! that nobody defines, calls with a wrong number of arguments. Where a type cannot be known, it
//! says nothing. It also notes each key that is read from a map, for a host may know which keys
//! there will be.
//!
//! A template is looked at once for each type of dot it is called with, and not more often than
//! [`MAX_VISITS`] times in all.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::ast::{Branch, BranchKind, Command, Expr, ExprKind, List, Node, Pipe, Tree};
use crate::bytes::GoString;
use crate::func::FuncMap;
use crate::types::{self, Kind, Type};

/// How many bodies one check looks at. Each is looked at once for each type of dot, of which there
/// are few.
pub const MAX_VISITS: usize = 10_000;

/// What a host knows of its functions' and methods' results.
pub trait ResultTypes {
    /// What a method returns; `None` if that is not known.
    fn method(&self, receiver: Type, name: &str) -> Option<Type>;

    /// What a function returns; `None` if that is not known.
    fn function(&self, name: &str) -> Option<Type>;
}

/// A remark about a place in a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The name that the text was parsed under.
    pub parse_name: String,
    /// Where it is: a byte offset in that text.
    pub offset: usize,
    /// How many bytes it takes up.
    pub len: usize,
    /// What there is to say.
    pub remark: Remark,
}

/// What there is to say about a place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Remark {
    /// The type has no such field, method or key.
    NoSuchField {
        /// The name that was asked for.
        name: String,
        /// Go's name of the type.
        ty: &'static str,
        /// The names that there are.
        known: Vec<&'static str>,
    },
    /// No such template is defined.
    NoSuchTemplate {
        /// Its name.
        name: String,
    },
    /// A function or method is called with a number of arguments that it does not take.
    ArgumentCount {
        /// The function or method.
        name: String,
        /// How many it takes, at least if `or_more`.
        wanted: usize,
        /// Whether it takes more.
        or_more: bool,
        /// How many it gets.
        given: usize,
    },
    /// A key is read from a map: no fault, but a host may know better.
    Key {
        /// The key.
        key: String,
        /// How the map was reached, as source.
        map: String,
    },
}

/// Checks a template that is executed with data of type `dot`, and the templates it calls. With no
/// type only what holds for any data is found.
pub(crate) fn check(
    get: &dyn Fn(&str) -> Option<Arc<Tree>>,
    functions: &FuncMap,
    name: &str,
    dot: Option<Type>,
    results: &dyn ResultTypes,
) -> Vec<Finding> {
    let mut checker = Checker {
        get,
        functions,
        results,
        findings: Vec::new(),
        seen: HashSet::new(),
        pending: VecDeque::from([(name.to_owned(), dot)]),
        vars: Vec::new(),
        parse_name: String::new(),
    };
    let mut visits = 0;
    while let Some((name, dot)) = checker.pending.pop_front() {
        let key = (name, dot.map(std::ptr::from_ref));
        if visits >= MAX_VISITS || !checker.seen.insert(key.clone()) {
            continue;
        }
        visits += 1;
        if let Some(tree) = get(&key.0) {
            checker.parse_name.clone_from(&tree.source.parse_name);
            checker.vars = vec![("$".into(), dot)];
            checker.list(&tree.root, dot);
        }
    }
    let mut findings = checker.findings;
    findings.sort();
    findings.dedup();
    findings
}

struct Checker<'c> {
    get: &'c dyn Fn(&str) -> Option<Arc<Tree>>,
    functions: &'c FuncMap,
    results: &'c dyn ResultTypes,
    findings: Vec<Finding>,
    seen: HashSet<(String, Option<*const types::TypeInfo>)>,
    pending: VecDeque<(String, Option<Type>)>,
    vars: Vec<(Box<str>, Option<Type>)>,
    parse_name: String,
}

impl Checker<'_> {
    fn report(&mut self, offset: usize, len: usize, remark: Remark) {
        self.findings.push(Finding {
            parse_name: self.parse_name.clone(),
            offset,
            len,
            remark,
        });
    }

    fn list(&mut self, list: &List, dot: Option<Type>) {
        for node in &list.nodes {
            match node {
                Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
                Node::Action(action) => {
                    self.pipe(&action.pipe, dot);
                }
                Node::Branch(branch) => self.branch(branch, dot),
                Node::Template(call) => {
                    let data = call.pipe.as_ref().and_then(|pipe| self.pipe(pipe, dot));
                    if (self.get)(&call.name).is_none() {
                        let remark = Remark::NoSuchTemplate {
                            name: call.name.clone(),
                        };
                        self.report(call.pos, call.name.len() + 2, remark);
                    } else {
                        self.pending.push_back((call.name.clone(), data));
                    }
                }
            }
        }
    }

    fn branch(&mut self, branch: &Branch, dot: Option<Type>) {
        let vars = self.vars.len();
        for clause in &branch.clauses {
            let value = self.pipe(&clause.pipe, dot);
            let inner = match branch.kind {
                BranchKind::If => dot,
                BranchKind::With => value,
                BranchKind::Range => {
                    let element = value.and_then(element);
                    self.loop_variables(&clause.pipe, value, element);
                    element
                }
            };
            let own = self.vars.len();
            self.list(&clause.list, inner);
            self.vars.truncate(own);
        }
        if let Some(otherwise) = &branch.otherwise {
            self.list(otherwise, dot);
        }
        self.vars.truncate(vars);
    }

    /// What a loop's variables are: the pipeline gave each the type of the whole.
    fn loop_variables(&mut self, pipe: &Pipe, whole: Option<Type>, element: Option<Type>) {
        let index = whole.map(followed).and_then(|ty| match ty.kind {
            Kind::Map => ty.key,
            Kind::Slice | Kind::Array => Some(&types::INT),
            _ => None,
        });
        let kinds: &[Option<Type>] = match pipe.decls.len() {
            1 => &[element],
            2 => &[index, element],
            _ => &[],
        };
        for (name, ty) in pipe.decls.iter().zip(kinds) {
            self.set(name, *ty);
        }
    }

    fn set(&mut self, name: &str, ty: Option<Type>) {
        if let Some((_, own)) = self.vars.iter_mut().rev().find(|(own, _)| **own == *name) {
            *own = ty;
        }
    }

    fn pipe(&mut self, pipe: &Pipe, dot: Option<Type>) -> Option<Type> {
        let mut value = None;
        for (at, command) in pipe.commands.iter().enumerate() {
            value = self.command(command, dot, at > 0);
        }
        for name in &pipe.decls {
            if !pipe.is_assign {
                self.vars.push((name.clone(), value));
                continue;
            }
            // After a branch the variable may be either; only one type is sure.
            let own = self.vars.iter().rev().find(|(own, _)| *own == *name);
            let is_same = own.is_some_and(|(_, own)| same(*own, value));
            self.set(name, value.filter(|_| is_same));
        }
        value
    }

    fn command(&mut self, command: &Command, dot: Option<Type>, is_piped: bool) -> Option<Type> {
        let (first, args) = command.args.split_first()?;
        let arg_types: Vec<Option<Type>> = args.iter().map(|arg| self.expr(arg, dot, 0)).collect();
        let given = args.len() + usize::from(is_piped);
        match &first.kind {
            ExprKind::Function(name) => self.call(first, name, given, &arg_types),
            _ => self.expr(first, dot, given),
        }
    }

    fn call(
        &mut self,
        expr: &Expr,
        name: &str,
        given: usize,
        args: &[Option<Type>],
    ) -> Option<Type> {
        if let Some(function) = self.functions.get(name) {
            let params = function.params.len();
            let wanted = params - usize::from(function.variadic && params > 0);
            if given < wanted || (given > wanted && !function.variadic) {
                let remark = Remark::ArgumentCount {
                    name: name.to_owned(),
                    wanted,
                    or_more: function.variadic,
                    given,
                };
                self.report(expr.pos, name.len(), remark);
            }
        }
        let first = args.first().copied().flatten();
        match name {
            "not" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" => Some(&types::BOOL),
            "print" | "printf" | "println" | "html" | "js" | "urlquery" => Some(&types::STRING),
            "len" => Some(&types::INT),
            "slice" => first,
            "index" => args.iter().skip(1).fold(first, |ty, _| {
                ty.and_then(element)
                    .filter(|_| !ty.is_some_and(|ty| ty.kind == Kind::String))
            }),
            _ => self.results.function(name),
        }
    }

    /// The type of an operand; `given` arguments go to its last name.
    fn expr(&mut self, expr: &Expr, dot: Option<Type>, given: usize) -> Option<Type> {
        match &expr.kind {
            ExprKind::Dot => dot,
            ExprKind::Nil | ExprKind::Number(_) => None,
            ExprKind::Bool(_) => Some(&types::BOOL),
            ExprKind::String { .. } => Some(&types::STRING),
            ExprKind::Function(name) => self.call(expr, name, given, &[]),
            ExprKind::Pipe(pipe) => self.pipe(pipe, dot),
            ExprKind::Variable(name, fields) => {
                let own = self.vars.iter().rev().find(|(own, _)| own == name);
                let start = own.and_then(|(_, ty)| *ty);
                self.fields(start, name.to_string(), fields, expr.pos, given)
            }
            ExprKind::Chain(base, fields) => {
                let start = self.expr(base, dot, 0);
                let shown = match base.kind {
                    ExprKind::Pipe(_) => format!("({base})"),
                    _ => base.to_string(),
                };
                self.fields(start, shown, fields, expr.pos, given)
            }
            ExprKind::Field(fields) => {
                // The position of a chain is that of its second name.
                let first = fields.first().map_or(0, |name| name.len() + 1);
                let start = if fields.len() > 1 {
                    expr.pos.saturating_sub(first)
                } else {
                    expr.pos
                };
                self.fields(dot, String::new(), fields, start, given)
            }
        }
    }

    fn fields(
        &mut self,
        start: Option<Type>,
        base: String,
        names: &[GoString],
        offset: usize,
        given: usize,
    ) -> Option<Type> {
        let (mut ty, mut offset, mut shown) = (start, offset, base);
        for (at, name) in names.iter().enumerate() {
            let given = if at + 1 == names.len() { given } else { 0 };
            ty = self.field(ty?, name, offset, &shown, given);
            offset += name.len() + 1;
            shown = format!("{shown}.{name}");
        }
        ty
    }

    fn field(
        &mut self,
        receiver: Type,
        name: &GoString,
        offset: usize,
        shown: &str,
        given: usize,
    ) -> Option<Type> {
        let ty = followed(receiver);
        let text = name.to_lossy();
        let len = name.len() + 1;
        if let Some(method) = ty.method(&text).or_else(|| receiver.method(&text)) {
            let wanted = method.params.len() - usize::from(method.variadic);
            if given < wanted || (given > wanted && !method.variadic) {
                let remark = Remark::ArgumentCount {
                    name: text.into_owned(),
                    wanted,
                    or_more: method.variadic,
                    given,
                };
                self.report(offset, len, remark);
                return None;
            }
            return self.results.method(ty, &text);
        }
        match ty.kind {
            Kind::Interface | Kind::Reflected => return None,
            Kind::Map => {
                let remark = Remark::Key {
                    key: text.into_owned(),
                    map: shown.to_owned(),
                };
                self.report(offset, len, remark);
                return ty.elem.filter(|elem| elem.kind != Kind::Interface);
            }
            _ => {}
        }
        let field = ty.fields.iter().find(|field| field.name == text);
        if let Some(field) = field.filter(|field| field.is_exported()) {
            return Some(field.ty);
        }
        let fields = ty.fields.iter().filter(|field| field.is_exported());
        let known = fields.map(|field| field.name);
        let remark = Remark::NoSuchField {
            name: text.into_owned(),
            ty: ty.name,
            known: known
                .chain(ty.methods.iter().map(|method| method.name))
                .collect(),
        };
        self.report(offset, len, remark);
        None
    }
}

/// The type behind pointers.
fn followed(ty: Type) -> Type {
    match (ty.kind, ty.elem) {
        (Kind::Pointer, Some(elem)) => elem,
        _ => ty,
    }
}

/// The type of what a loop over the type yields.
fn element(ty: Type) -> Option<Type> {
    let ty = followed(ty);
    match ty.kind {
        Kind::Slice | Kind::Array | Kind::Map => {
            ty.elem.filter(|elem| elem.kind != Kind::Interface)
        }
        Kind::Int | Kind::Uint => Some(ty),
        _ => None,
    }
}

fn same(a: Option<Type>, b: Option<Type>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => types::same(a, b),
        (None, None) => true,
        _ => false,
    }
}
