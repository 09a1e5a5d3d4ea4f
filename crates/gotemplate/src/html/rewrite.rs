//! Putting what was found into the trees: escapers behind commands, the names of derived
//! templates, and text without comments.

use std::collections::HashMap;
use std::sync::Arc;

use super::escapers::Escaper;
use crate::ast::{Command, Expr, ExprKind, List, Node, NodeId, Pipe, Tree};
use crate::bytes::GoString;

/// What changes in one template.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits {
    pub(super) actions: HashMap<NodeId, Vec<Escaper>>,
    pub(super) calls: HashMap<NodeId, String>,
    pub(super) texts: HashMap<NodeId, GoString>,
}

/// The tree with the edits, under that name.
pub(super) fn apply(tree: &Tree, name: &str, edits: &Edits) -> Tree {
    let mut root = tree.root.clone();
    edit_list(&mut root, edits);
    Tree {
        name: name.to_owned(),
        source: Arc::clone(&tree.source),
        root,
    }
}

fn edit_list(list: &mut List, edits: &Edits) {
    for node in &mut list.nodes {
        match node {
            Node::Text(text) => {
                if let Some(bytes) = edits.texts.get(&text.id) {
                    text.bytes = bytes.clone();
                }
            }
            Node::Action(action) => {
                if let Some(escapers) = edits.actions.get(&action.id) {
                    append_escapers(&mut action.pipe, escapers);
                }
            }
            Node::Template(call) => {
                if let Some(name) = edits.calls.get(&call.id) {
                    call.name.clone_from(name);
                }
            }
            Node::Branch(branch) => {
                for clause in &mut branch.clauses {
                    edit_list(&mut clause.list, edits);
                }
                if let Some(otherwise) = &mut branch.otherwise {
                    edit_list(otherwise, edits);
                }
            }
            Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

/// Whether the name is one of the language's own escapers.
pub(super) fn is_predefined(name: &str) -> bool {
    matches!(name, "html" | "urlquery")
}

/// The name that stands for all escapers a template may use in the place of this one.
fn normalized(name: &str) -> &str {
    match name {
        "_html_template_attrescaper"
        | "_html_template_htmlescaper"
        | "_html_template_rcdataescaper" => "html",
        "_html_template_urlescaper" | "_html_template_urlnormalizer" => "urlquery",
        other => other,
    }
}

/// Whether the second escaper has nothing left to do after the first.
fn is_redundant(first: &str, second: &str) -> bool {
    match first {
        "_html_template_commentescaper" => {
            matches!(
                second,
                "_html_template_attrescaper" | "_html_template_htmlescaper"
            )
        }
        "_html_template_cssescaper"
        | "_html_template_jsregexpescaper"
        | "_html_template_jsstrescaper"
        | "_html_template_jstmpllitescaper" => second == "_html_template_attrescaper",
        "_html_template_urlescaper" => second == "_html_template_urlnormalizer",
        _ => false,
    }
}

pub(super) fn function_of(command: &Command) -> Option<&str> {
    match command.args.first().map(|first| &first.kind) {
        Some(ExprKind::Function(name)) => Some(name),
        _ => None,
    }
}

fn call_of(name: &str, pos: usize) -> Command {
    let first = Expr {
        pos,
        kind: ExprKind::Function(name.into()),
    };
    Command {
        pos,
        args: vec![first],
    }
}

fn push(commands: &mut Vec<Command>, command: Command) {
    let last = commands.last().and_then(function_of);
    let next = function_of(&command);
    if !last
        .zip(next)
        .is_some_and(|(last, next)| is_redundant(last, next))
    {
        commands.push(command);
    }
}

/// Puts the escapers behind a pipeline. If it ends in `html` or `urlquery` itself, that takes the
/// place of the escaper it is equivalent to.
fn append_escapers(pipe: &mut Pipe, escapers: &[Escaper]) {
    if escapers.is_empty() {
        return;
    }
    let mut names: Vec<String> = escapers
        .iter()
        .map(|escaper| escaper.name().to_owned())
        .collect();
    let own = pipe.commands.last().and_then(function_of);
    if let Some(own) = own.filter(|name| is_predefined(name)).map(str::to_owned) {
        if let [only] = pipe.commands.as_mut_slice()
            && only.args.len() > 1
        {
            // The arguments are joined first, so that the escaper takes one like the others.
            if let Some(first) = only.args.first_mut() {
                first.kind = ExprKind::Function(Escaper::EvalArgs.name().into());
            }
            let call = call_of(&own, pipe.pos);
            pipe.commands.push(call);
        }
        let mut is_merged = false;
        for name in &mut names {
            if normalized(&own) == normalized(name) {
                name.clone_from(&own);
                is_merged = true;
            }
        }
        if is_merged {
            pipe.commands.pop();
        }
    }
    let present: Vec<String> = pipe
        .commands
        .iter()
        .filter_map(function_of)
        .map(|name| normalized(name).to_owned())
        .collect();
    for name in names {
        if !present.iter().any(|known| known == normalized(&name)) {
            push(&mut pipe.commands, call_of(&name, pipe.pos));
        }
    }
}
