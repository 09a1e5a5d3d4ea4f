//! The executor: runs a tree over data.
//!
//! Lists, branches, loops and template calls live on a stack of frames in the heap, so that a
//! template may call itself a hundred thousand deep, as Go allows, without using the thread's
//! stack. Only expressions recurse, and the parser bounds how deep they nest.
//!
//! Errors name the node visited last, which is not always the one that failed; Go does so, and
//! users compare.

mod args;
mod expr;

use crate::ast::{Action, Branch, BranchKind, Command, Expr, Node, Pipe, Source, Template, Tree};
use crate::collection::Slice;
use crate::error::{ExecError, Place};
use crate::fmt::{shown, sprint};
use crate::limits::{Budget, Stop};
use crate::set::Environment;
use crate::set::Trees;
use crate::types::Type;
use crate::value::Value;

/// Runs a tree.
pub(crate) fn execute(
    tree: &Tree,
    trees: &Trees,
    environment: &Environment,
    data: &Value,
) -> Result<Vec<u8>, ExecError> {
    let mut executor = Executor {
        trees,
        environment,
        out: Vec::new(),
        vars: vec![("$", data.clone())],
        base: 0,
        frames: Vec::new(),
        template: &tree.name,
        source: &tree.source,
        at: At::Start,
        depth: 0,
        budget: Budget::new(environment.limits),
    };
    executor.push_list(&tree.root.nodes, data.clone());
    match executor.run() {
        Ok(()) => Ok(executor.out),
        Err(mut error) => {
            error.partial = executor.out;
            Err(*error)
        }
    }
}

/// The error of a template that exists in name only.
pub(crate) fn incomplete(name: &str) -> ExecError {
    let quoted = crate::quote::quote(name.as_bytes());
    let message = format!("{name}: {quoted} is an incomplete or empty template");
    ExecError {
        place: None,
        message,
        stop: None,
        partial: Vec::new(),
    }
}

type Run<T> = Result<T, Box<ExecError>>;

/// The node visited last.
#[derive(Clone, Copy)]
enum At<'a> {
    Start,
    Pipe(&'a Pipe),
    Command(&'a Command),
    Expr(&'a Expr),
    Action(&'a Action),
    Template(&'a Template),
}

struct Executor<'a> {
    trees: &'a Trees,
    environment: &'a Environment,
    out: Vec<u8>,
    vars: Vec<(&'a str, Value)>,
    /// Where the variables of the current template begin; it does not see those before.
    base: usize,
    frames: Vec<Frame<'a>>,
    template: &'a str,
    source: &'a Source,
    at: At<'a>,
    depth: usize,
    budget: Budget,
}

enum Frame<'a> {
    /// The rest of a list of nodes.
    List {
        nodes: &'a [Node],
        dot: Value,
    },
    /// The end of a branch: its variables go.
    Vars(usize),
    Range(Box<Range<'a>>),
    /// The end of a called template: its caller continues.
    Return(Box<Return<'a>>),
}

struct Return<'a> {
    base: usize,
    vars: usize,
    template: &'a str,
    source: &'a Source,
    at: At<'a>,
}

struct Range<'a> {
    pipe: &'a Pipe,
    body: &'a [Node],
    items: Items,
    at: usize,
    /// Where the variables of the loop begin, and those of its body.
    outer_vars: usize,
    body_vars: usize,
}

enum Items {
    Slice(Slice),
    Map(Vec<(Value, Value)>),
    Int(i64, Type),
    Uint(u64, Type),
}

impl Items {
    fn get(&self, at: usize) -> Option<(Value, Value)> {
        match self {
            Self::Slice(slice) => {
                Some((Value::from(at), slice.get(at)?.wrapped_for(slice.ty().elem)))
            }
            Self::Map(entries) => entries.get(at).cloned(),
            Self::Int(count, ty) => {
                let at = i64::try_from(at).ok().filter(|at| at < count)?;
                Some((Value::Int(at, ty), Value::Int(at, ty)))
            }
            Self::Uint(count, ty) => {
                let at = u64::try_from(at).ok().filter(|at| at < count)?;
                Some((Value::Uint(at, ty), Value::Uint(at, ty)))
            }
        }
    }
}

impl<'a> Executor<'a> {
    fn run(&mut self) -> Run<()> {
        while let Some(frame) = self.frames.last_mut() {
            match frame {
                Frame::List { nodes, dot } => {
                    let Some((node, rest)) = nodes.split_first() else {
                        self.frames.pop();
                        continue;
                    };
                    *nodes = rest;
                    let dot = dot.clone();
                    self.step()?;
                    self.node(node, dot)?;
                }
                Frame::Vars(mark) => {
                    let mark = *mark;
                    self.vars.truncate(mark);
                    self.frames.pop();
                }
                Frame::Range(_) => self.next_iteration()?,
                Frame::Return(_) => self.leave_template(),
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Run<()> {
        self.budget.spend(1).map_err(|stop| self.stopped(stop))
    }

    fn push_list(&mut self, nodes: &'a [Node], dot: Value) {
        self.frames.push(Frame::List { nodes, dot });
    }

    fn node(&mut self, node: &'a Node, dot: Value) -> Run<()> {
        match node {
            Node::Text(text) => self.write(text.bytes.as_bytes()),
            Node::Action(action) => {
                self.at = At::Action(action);
                let value = self.pipeline(&dot, &action.pipe)?;
                if action.pipe.decls.is_empty() {
                    self.print(action, &value)
                } else {
                    Ok(())
                }
            }
            Node::Branch(branch) if branch.kind == BranchKind::Range => self.range(branch, &dot),
            Node::Branch(branch) => self.branch(branch, dot),
            Node::Template(call) => self.call_template(call, &dot),
            Node::Break(_) => {
                self.unwind_to_range();
                if let Some(Frame::Range(range)) = self.frames.pop() {
                    self.vars.truncate(range.outer_vars);
                }
                Ok(())
            }
            Node::Continue(_) => {
                self.unwind_to_range();
                Ok(())
            }
        }
    }

    fn unwind_to_range(&mut self) {
        while self
            .frames
            .last()
            .is_some_and(|frame| !matches!(frame, Frame::Range(_)))
        {
            self.frames.pop();
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Run<()> {
        if self.out.len().saturating_add(bytes.len()) > self.environment.limits.max_output_bytes {
            return Err(self.stopped(Stop::Output));
        }
        self.out.extend_from_slice(bytes);
        self.budget
            .read(bytes.len())
            .map_err(|stop| self.stopped(stop))
    }

    fn print(&mut self, action: &'a Action, value: &Value) -> Run<()> {
        self.at = At::Action(action);
        if let Value::String(text, _) = value {
            return self.write(text.as_bytes());
        }
        let printable = crate::builtins::printable(value);
        if let Value::Func(_) = printable {
            let ty = printable.type_name();
            return Err(self.fail(format!("can't print {action} of type {ty}")));
        }
        let left = self
            .environment
            .limits
            .max_output_bytes
            .saturating_sub(self.out.len());
        let text = sprint(&[printable], left).map_err(|stop| self.stopped(stop))?;
        self.write(&text)
    }

    fn branch(&mut self, branch: &'a Branch, dot: Value) -> Run<()> {
        self.frames.push(Frame::Vars(self.vars.len()));
        for clause in &branch.clauses {
            let value = self.pipeline(&dot, &clause.pipe)?;
            if value.is_true() {
                let dot = if branch.kind == BranchKind::With {
                    value
                } else {
                    dot
                };
                self.push_list(&clause.list.nodes, dot);
                return Ok(());
            }
        }
        if let Some(otherwise) = &branch.otherwise {
            self.push_list(&otherwise.nodes, dot);
        }
        Ok(())
    }

    fn range(&mut self, branch: &'a Branch, dot: &Value) -> Run<()> {
        let Some(clause) = branch.clauses.first() else {
            return Ok(());
        };
        let outer_vars = self.vars.len();
        let value = self.pipeline(dot, &clause.pipe)?;
        let (item, _) = value.indirect();
        let two_vars = clause.pipe.decls.len() > 1;
        let items = match item {
            Value::None | Value::Interface(_) => None,
            Value::Slice(slice) => Some(Items::Slice(slice.clone())),
            Value::Map(map) => {
                self.budget
                    .make(map.len() * size_of::<(Value, Value)>())
                    .map_err(|stop| self.stopped(stop))?;
                Some(Items::Map(
                    map.iter()
                        .map(|(key, value)| (key, value.clone().wrapped_for(map.ty().elem)))
                        .collect(),
                ))
            }
            Value::Int(..) | Value::Uint(..) if two_vars => {
                let item = shown(item, 'v');
                return Err(self.fail(format!(
                    "can't use {item} to iterate over more than one variable"
                )));
            }
            Value::Int(count, ty) => Some(Items::Int(*count, ty)),
            Value::Uint(count, ty) => Some(Items::Uint(*count, ty)),
            _ => return Err(self.fail(format!("range can't iterate over {}", shown(item, 'v')))),
        };
        match items.filter(|items| items.get(0).is_some()) {
            Some(items) => self.frames.push(Frame::Range(Box::new(Range {
                pipe: &clause.pipe,
                body: &clause.list.nodes,
                items,
                at: 0,
                outer_vars,
                body_vars: self.vars.len(),
            }))),
            None => {
                self.frames.push(Frame::Vars(outer_vars));
                if let Some(otherwise) = &branch.otherwise {
                    self.push_list(&otherwise.nodes, dot.clone());
                }
            }
        }
        Ok(())
    }

    fn next_iteration(&mut self) -> Run<()> {
        let Some(Frame::Range(range)) = self.frames.last_mut() else {
            return Ok(());
        };
        let (pipe, body, body_vars) = (range.pipe, range.body, range.body_vars);
        let outer_vars = range.outer_vars;
        let item = range.items.get(range.at);
        range.at += 1;
        let Some((key, element)) = item else {
            self.vars.truncate(outer_vars);
            self.frames.pop();
            return Ok(());
        };
        self.vars.truncate(body_vars);
        self.step()?;
        match (pipe.decls.as_slice(), pipe.is_assign) {
            ([], _) => {}
            ([one], true) => self.assign(one, &element)?,
            ([index, value, ..], true) => {
                self.assign(index, &key)?;
                self.assign(value, &element)?;
            }
            ([_], false) => self.set_from_top(1, element.clone()),
            ([_, _, ..], false) => {
                self.set_from_top(1, element.clone());
                self.set_from_top(2, key);
            }
        }
        self.push_list(body, element);
        Ok(())
    }

    /// Sets a variable that the loop itself declared.
    fn set_from_top(&mut self, from_top: usize, value: Value) {
        let at = self.vars.len().checked_sub(from_top);
        if let Some((_, slot)) = at.and_then(|at| self.vars.get_mut(at)) {
            *slot = value;
        }
    }

    fn assign(&mut self, name: &str, value: &Value) -> Run<()> {
        let own = self.vars.get_mut(self.base..).unwrap_or_default();
        match own.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, slot)) => {
                *slot = value.clone();
                Ok(())
            }
            None => Err(self.fail(format!("undefined variable: {name}"))),
        }
    }

    fn call_template(&mut self, call: &'a Template, dot: &Value) -> Run<()> {
        self.at = At::Template(call);
        let Some(tree) = self.trees.get(&call.name) else {
            let name = crate::quote::quote(call.name.as_bytes());
            return Err(self.fail(format!("template {name} not defined")));
        };
        let most = self.environment.limits.max_template_depth;
        if self.depth >= most {
            return Err(self.fail(format!("exceeded maximum template depth ({most})")));
        }
        let data = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::None,
        };
        // Frames and variables only pile up across calls, so this is where they are measured.
        let piled = self.frames.len() * size_of::<Frame<'_>>()
            + self.depth * size_of::<Return<'_>>()
            + self.vars.len() * size_of::<(&str, Value)>();
        if piled > self.environment.limits.max_made_bytes {
            return Err(self.stopped(Stop::Made));
        }
        self.depth += 1;
        self.frames.push(Frame::Return(Box::new(Return {
            base: self.base,
            vars: self.vars.len(),
            template: self.template,
            source: self.source,
            at: self.at,
        })));
        self.base = self.vars.len();
        self.vars.push(("$", data.clone()));
        self.template = &tree.name;
        self.source = &tree.source;
        self.push_list(&tree.root.nodes, data);
        Ok(())
    }

    fn leave_template(&mut self) {
        if let Some(Frame::Return(caller)) = self.frames.pop() {
            self.depth -= 1;
            self.vars.truncate(caller.vars);
            self.base = caller.base;
            self.template = caller.template;
            self.source = caller.source;
            self.at = caller.at;
        }
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        let own = self.vars.get(self.base..)?;
        own.iter()
            .rev()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    fn stopped(&self, stop: Stop) -> Box<ExecError> {
        let mut error = self.fail(stop.to_string());
        error.stop = Some(stop);
        error
    }

    fn fail(&self, message: impl Into<String>) -> Box<ExecError> {
        let (pos, node) = match self.at {
            At::Start => (0, String::new()),
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => (command.pos, command.to_string()),
            At::Expr(expr) => (expr.pos, expr.to_string()),
            At::Action(action) => (action.pos, action.to_string()),
            At::Template(call) => (call.pos, call.to_string()),
        };
        let location = self.source.locate(pos);
        let template = self.template.to_owned();
        let place = Some(Box::new(Place {
            location,
            template,
            node,
        }));
        Box::new(ExecError {
            place,
            message: message.into(),
            stop: None,
            partial: Vec::new(),
        })
    }
}
