//! Contextual escaping: a pass over the parsed templates that follows the HTML around the actions.
//!
//! The text before an action says where its value will stand: in text, in an attribute, in a URL, a
//! script, a style sheet. From that follow the escapers that are put behind its pipeline. A
//! template that is called in several places is copied for each of them under a derived name.
//!
//! The pass is static: it looks at every branch, whatever the data, and fails if branches leave
//! the document in different places.

mod attr;
mod context;
mod css;
mod entities;
pub(crate) mod escapers;
mod js;
mod rewrite;
mod strip;
mod transition;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use context::{Context, Delim, JsCtx, State, UrlPart};
use escapers::Escaper;
use rewrite::Edits;

use crate::ast::{
    Action, Branch, BranchKind, List, Node, Pipe, Source, Template, Text, Tree, line_of,
};
use crate::bytes::{GoString, find, find_any};
use crate::error::EscapeError;
use crate::quote::quote;
use crate::set::Trees;

/// How many lists of nodes may be open at a time, in calls and branches together.
const MAX_DEPTH: usize = 150;

/// How many nodes one pass may look at. Loops within loops are looked at once more at each level,
/// so the work may grow exponentially with their depth; real templates are far below this.
const MAX_NODES: usize = 500_000;

/// The trees with their escaping, for executing that template.
pub(crate) fn escape(trees: &Trees, name: &str) -> Result<Trees, EscapeError> {
    let budget = std::cell::Cell::new(MAX_NODES);
    let mut pass = Pass::new(trees, name, &budget);
    let (end, _) = pass.tree(&Context::default(), None, name);
    let at_root = || (!name.is_empty()).then(|| name.to_owned());
    if let Some(error) = end.error {
        let EscapeError { location, message } = error.borrow().clone();
        return Err(EscapeError {
            location: location.or_else(at_root),
            message,
        });
    }
    if end.state != State::Text {
        let message = format!("ends in a non-text context: {end}");
        return Err(EscapeError {
            location: at_root(),
            message,
        });
    }
    let mut escaped = trees.clone();
    for (derived, original) in &pass.derived {
        escaped.insert(derived.clone(), Arc::clone(original));
    }
    for name in &pass.output {
        let Some(tree) = escaped.get(name.0) else {
            continue;
        };
        let empty = Edits::default();
        let edits = pass.edits.get(name.0).unwrap_or(&empty);
        let edited = rewrite::apply(tree, name.0, edits);
        escaped.insert(name.0.clone(), Arc::new(edited));
    }
    Ok(escaped)
}

/// What one attempt has found. An attempt whose assumptions fail is thrown away whole.
struct Pass<'a> {
    trees: &'a Trees,
    /// The template that is to be executed, which errors without a node name.
    root: &'a str,
    budget: &'a std::cell::Cell<usize>,
    /// The context behind each template, by derived name.
    output: HashMap<String, Context>,
    /// The original of each derived template.
    derived: HashMap<String, Arc<Tree>>,
    called: HashSet<String>,
    edits: HashMap<String, Edits>,
    /// The contexts at `break` and `continue`, for each loop that is open.
    loops: Vec<Jumps>,
    depth: usize,
}

#[derive(Default)]
struct Jumps {
    breaks: Vec<(usize, Context)>,
    continues: Vec<(usize, Context)>,
}

/// The template a node belongs to: its derived name, for edits, and its source, for errors.
#[derive(Clone, Copy)]
struct Home<'h> {
    name: &'h str,
    source: &'h Source,
}

impl Home<'_> {
    fn failed(&self, pos: usize, message: String) -> Context {
        Context::failed_at(Some(self.source.locate(pos)), message)
    }
}

impl<'a> Pass<'a> {
    fn new(trees: &'a Trees, root: &'a str, budget: &'a std::cell::Cell<usize>) -> Self {
        Self {
            trees,
            root,
            budget,
            output: HashMap::new(),
            derived: HashMap::new(),
            called: HashSet::new(),
            edits: HashMap::new(),
            loops: Vec::new(),
            depth: 0,
        }
    }

    fn edits(&mut self, home: Home<'_>) -> &mut Edits {
        self.edits.entry(home.name.to_owned()).or_default()
    }

    /// A template called in a context: the context behind it and its derived name.
    fn tree(
        &mut self,
        context: &Context,
        call: Option<(Home<'_>, usize)>,
        name: &str,
    ) -> (Context, String) {
        let derived = context.derived_name(name);
        self.called.insert(derived.clone());
        if let Some(output) = self.output.get(&derived) {
            return (output.clone(), derived);
        }
        let Some(original) = self.trees.get(name) else {
            let message = format!("no such template {}", quote(name.as_bytes()));
            let location = call.map(|(home, pos)| home.source.locate(pos));
            return (Context::failed_at(location, message), derived);
        };
        let original = Arc::clone(original);
        if derived != name {
            self.derived.insert(derived.clone(), Arc::clone(&original));
        }
        let home = Home {
            name: &derived,
            source: &original.source,
        };
        let end = self.body(context, &original, home);
        (end, derived)
    }

    /// The context behind a template's body. A template that calls itself is given an assumption
    /// for that call: first that it ends as it began, then what came of that.
    fn body(&mut self, context: &Context, tree: &Tree, home: Home<'_>) -> Context {
        let first = match self.attempt(context, tree, home) {
            Ok(end) => return end,
            Err(end) => end,
        };
        // An error is followed through the body like any other context, as in Go: loops that it
        // meets on the way add themselves to its text.
        match self.attempt(&first, tree, home) {
            Ok(end) => end,
            Err(_) if first.is_error() => first,
            Err(_) => {
                let name = home.name;
                let message = format!("cannot compute output context for template {name}");
                home.failed(tree.root.pos, message)
            }
        }
    }

    fn attempt(
        &mut self,
        context: &Context,
        tree: &Tree,
        home: Home<'_>,
    ) -> Result<Context, Context> {
        self.output.insert(home.name.to_owned(), context.clone());
        let mut pass = Pass::new(self.trees, self.root, self.budget);
        pass.output.clone_from(&self.output);
        pass.depth = self.depth;
        let end = pass.list(context.clone(), Some(&tree.root), home);
        if end.is_error() || (pass.called.contains(home.name) && !context.eq(&end)) {
            return Err(end);
        }
        // Later calls of the template take the assumption for its result, even where it ended
        // elsewhere: Go does so, and the bytes are to be the same.
        self.merge(pass);
        Ok(end)
    }

    fn merge(&mut self, pass: Pass<'_>) {
        self.output.extend(pass.output);
        self.derived.extend(pass.derived);
        self.called.extend(pass.called);
        for (name, edits) in pass.edits {
            let own = self.edits.entry(name).or_default();
            own.actions.extend(edits.actions);
            own.calls.extend(edits.calls);
            own.texts.extend(edits.texts);
        }
    }

    fn list(&mut self, context: Context, list: Option<&List>, home: Home<'_>) -> Context {
        let Some(list) = list else {
            return context;
        };
        if self.depth >= MAX_DEPTH {
            return home.failed(list.pos, "templates nest too deeply".to_owned());
        }
        self.depth += 1;
        let mut context = context;
        for node in &list.nodes {
            context = self.node(context, node, home);
            if context.state == State::Dead {
                break;
            }
        }
        self.depth -= 1;
        context
    }

    fn node(&mut self, context: Context, node: &Node, home: Home<'_>) -> Context {
        let Some(left) = self.budget.get().checked_sub(1) else {
            return Context::failed("the template takes too long to escape".to_owned());
        };
        self.budget.set(left);
        match node {
            Node::Action(action) => self.action(context, action, home),
            Node::Branch(branch) => self.branch(&context, branch, home),
            Node::Template(call) => self.call(&context, call, home),
            Node::Text(text) => self.text(context, text, home),
            Node::Break(pos) => {
                if let Some(jumps) = self.loops.last_mut() {
                    jumps.breaks.push((*pos, context));
                }
                Context::of(State::Dead)
            }
            Node::Continue(pos) => {
                if let Some(jumps) = self.loops.last_mut() {
                    jumps.continues.push((*pos, context));
                }
                Context::of(State::Dead)
            }
        }
    }

    fn call(&mut self, context: &Context, call: &Template, home: Home<'_>) -> Context {
        let (end, name) = self.tree(context, Some((home, call.pos)), &call.name);
        if name != call.name {
            self.edits(home).calls.insert(call.id, name);
        }
        end
    }

    fn action(&mut self, context: Context, action: &Action, home: Home<'_>) -> Context {
        if !action.pipe.decls.is_empty() {
            return context;
        }
        let mut context = context.nudged();
        if let Some(name) = misplaced_escaper(&context, &action.pipe) {
            let name = quote(name.as_bytes());
            let message = format!("predefined escaper {name} disallowed in template");
            return home.failed(action.pos, message);
        }
        if context.is_error() {
            return context;
        }
        let Some(mut escapers) = escapers_for(&context) else {
            let message = format!("{action} appears in an ambiguous context within a URL");
            return home.failed(action.pos, message);
        };
        match context.state {
            State::Js => context.js_ctx = JsCtx::DivOp,
            State::Tag => context.state = State::AttrName,
            _ => {}
        }
        match context.delim {
            Delim::None => {}
            Delim::SpaceOrTagEnd => escapers.push(Escaper::NoSpace),
            Delim::DoubleQuote | Delim::SingleQuote => escapers.push(Escaper::Attr),
        }
        self.edits(home).actions.insert(action.id, escapers);
        context
    }

    fn branch(&mut self, context: &Context, branch: &Branch, home: Home<'_>) -> Context {
        let keyword = branch.kind.keyword();
        let mut ends = Vec::with_capacity(branch.clauses.len());
        for clause in &branch.clauses {
            let mut end = if branch.kind == BranchKind::Range {
                self.range(context, &clause.list, clause.pipe.pos, home)
            } else {
                self.list(context.clone(), Some(&clause.list), home)
            };
            if end.is_error() && branch.kind == BranchKind::Range {
                end.state = State::Error;
                return end;
            }
            ends.push((clause.pipe.pos, end));
        }
        let otherwise = self.list(context.clone(), branch.otherwise.as_ref(), home);
        ends.into_iter().rev().fold(otherwise, |rest, (pos, end)| {
            join(&end, &rest, home, pos, keyword)
        })
    }

    /// The context behind any number of passes through a loop.
    fn range(&mut self, context: &Context, list: &List, pos: usize, home: Home<'_>) -> Context {
        self.loops.push(Jumps::default());
        let once = self.list(context.clone(), Some(list), home);
        let jumps = self.loops.pop().unwrap_or_default();
        let once = if once.is_error() {
            once
        } else {
            self.join_jumps(once, jumps, home)
        };
        if once.is_error() {
            return once;
        }
        // A second pass must end where the first did.
        let mut again = Pass::new(self.trees, self.root, self.budget);
        again.output.clone_from(&self.output);
        again.depth = self.depth;
        again.loops.push(Jumps::default());
        let twice = again.list(once.clone(), Some(list), home);
        let jumps = again.loops.pop().unwrap_or_default();
        let end = join(&once, &twice, home, pos, "range");
        if end.is_error() {
            self.in_loop(&end, home, pos, "on range loop re-entry");
            return end;
        }
        self.join_jumps(end, jumps, home)
    }

    fn join_jumps(&self, end: Context, jumps: Jumps, home: Home<'_>) -> Context {
        let all = jumps.breaks.into_iter().map(|jump| ("break", jump));
        let all = all.chain(jumps.continues.into_iter().map(|jump| ("continue", jump)));
        let mut end = end;
        for (word, (pos, context)) in all {
            end = join(&end, &context, home, pos, "range");
            if end.is_error() {
                self.in_loop(&end, home, pos, &format!("at range loop {word}"));
                return end;
            }
        }
        end
    }

    /// Says of an error what it has to do with a loop, and on which line, if it has no node.
    fn in_loop(&self, end: &Context, home: Home<'_>, pos: usize, prefix: &str) {
        if let Some(error) = &end.error {
            let mut error = error.borrow_mut();
            error.message = format!("{prefix}: {}", error.message);
            if error
                .location
                .as_ref()
                .is_none_or(|location| is_line_only(location, self.root))
            {
                let line = line_of(&home.source.text, pos);
                error.location = Some(format!("{}:{line}", self.root));
            }
        }
    }

    fn text(&mut self, context: Context, text: &Text, home: Home<'_>) -> Context {
        let (end, rewritten) = rewrite_text(context, text.bytes.as_bytes());
        if let Some(bytes) = rewritten {
            self.edits(home)
                .texts
                .insert(text.id, GoString::from(bytes));
        }
        end
    }
}

/// One of the language's own escapers where it would be undone.
fn misplaced_escaper<'p>(context: &Context, pipe: &'p Pipe) -> Option<&'p str> {
    let last = pipe.commands.len().saturating_sub(1);
    pipe.commands.iter().enumerate().find_map(|(at, command)| {
        let name = rewrite::function_of(command).filter(|name| rewrite::is_predefined(name))?;
        let undone = at < last
            || (context.state == State::Attr
                && context.delim == Delim::SpaceOrTagEnd
                && name == "html");
        undone.then_some(name)
    })
}

/// The escapers of a context but for its delimiter; none where a URL's part is unknown.
fn escapers_for(context: &Context) -> Option<Vec<Escaper>> {
    Some(match context.state {
        State::Url
        | State::CssDqStr
        | State::CssSqStr
        | State::CssDqUrl
        | State::CssSqUrl
        | State::CssUrl => {
            let is_string = matches!(context.state, State::CssDqStr | State::CssSqStr);
            let plain = if is_string {
                Escaper::Css
            } else {
                Escaper::UrlNormalizer
            };
            match context.url_part {
                UrlPart::None => vec![Escaper::UrlFilter, plain],
                UrlPart::PreQuery => vec![plain],
                UrlPart::QueryOrFrag => vec![Escaper::UrlQuery],
                UrlPart::Unknown => return None,
            }
        }
        State::MetaContentUrl => vec![Escaper::UrlFilter],
        State::Js => vec![Escaper::JsVal],
        State::JsDqStr | State::JsSqStr => vec![Escaper::JsStr],
        State::JsTmplLit => vec![Escaper::JsTmplLit],
        State::JsRegexp => vec![Escaper::JsRegexp],
        State::Css => vec![Escaper::CssValue],
        State::Text => vec![Escaper::Html],
        State::Rcdata => vec![Escaper::Rcdata],
        State::AttrName | State::Tag => vec![Escaper::HtmlName],
        State::Srcset => vec![Escaper::Srcset],
        state if state.is_comment() => vec![Escaper::Comment],
        _ => Vec::new(),
    })
}

/// Whether a location is that of [`Pass::in_loop`], which a later one replaces.
fn is_line_only(location: &str, root: &str) -> bool {
    location
        .strip_prefix(root)
        .and_then(|rest| rest.strip_prefix(':'))
        .is_some_and(|line| line.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The context behind two branches.
fn join(a: &Context, b: &Context, home: Home<'_>, pos: usize, keyword: &str) -> Context {
    if a.is_error() || b.state == State::Dead {
        return a.clone();
    }
    if b.is_error() || a.state == State::Dead {
        return b.clone();
    }
    if a.eq(b) {
        return a.clone();
    }
    // Differences in these alone are carried on as unknown.
    let mut joined = Context {
        url_part: b.url_part,
        ..a.clone()
    };
    if joined.eq(b) {
        joined.url_part = UrlPart::Unknown;
        return joined;
    }
    let mut joined = Context {
        js_ctx: b.js_ctx,
        ..a.clone()
    };
    if joined.eq(b) {
        joined.js_ctx = JsCtx::Unknown;
        return joined;
    }
    // A value that one branch begins may go on behind the other.
    let (nudged_a, nudged_b) = (a.nudged(), b.nudged());
    if !(nudged_a.eq(a) && nudged_b.eq(b)) {
        let joined = join(&nudged_a, &nudged_b, home, pos, keyword);
        if !joined.is_error() {
            return joined;
        }
    }
    home.failed(
        pos,
        format!("{{{{{keyword}}}}} branches end in different contexts: {a}, {b}"),
    )
}

/// The context behind a text, and the text as it is written if that differs: without comments, and
/// with stray `<` escaped.
fn rewrite_text(context: Context, text: &[u8]) -> (Context, Option<Vec<u8>>) {
    let mut context = context;
    let mut out = Vec::new();
    let mut written = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let (next, read) = transition::after_text(context.clone(), rest);
        let end = at + read;
        if matches!(context.state, State::Text | State::Rcdata) {
            let mut stop = end;
            if next.state != context.state {
                let piece = text.get(at..end).unwrap_or_default();
                stop = piece
                    .iter()
                    .rposition(|&byte| byte == b'<')
                    .map_or(end, |tag| at + tag);
            }
            let mut from = at;
            while let Some(step) = text.get(from..stop).and_then(|piece| find(piece, b"<")) {
                let stray = from + step;
                if !is_doctype(text.get(stray..).unwrap_or_default()) {
                    out.extend_from_slice(text.get(written..stray).unwrap_or_default());
                    out.extend_from_slice(b"&lt;");
                    written = stray + 1;
                }
                from = stray + 1;
            }
        } else if context.state.is_comment() && context.delim == Delim::None {
            let comment = text.get(written..end).unwrap_or_default();
            match context.state {
                State::JsBlockComment if has_line_end(comment) => out.push(b'\n'),
                State::JsBlockComment | State::CssBlockComment => out.push(b' '),
                _ => {}
            }
            written = end;
        }
        if context.state != next.state && next.state.is_comment() && next.delim == Delim::None {
            let mark = match next.state {
                State::HtmlComment | State::JsHtmlOpenComment => 4,
                State::JsHtmlCloseComment => 3,
                _ => 2,
            };
            out.extend_from_slice(text.get(written..end - mark.min(end)).unwrap_or_default());
            written = end;
        }
        if context.state.is_script_literal() {
            let piece = text.get(at..end).unwrap_or_default();
            if let Some(safe) = without_script_tags(piece) {
                out.extend_from_slice(text.get(written..at).unwrap_or_default());
                out.extend_from_slice(&safe);
                written = end;
            }
        }
        let is_stuck = read == 0 && next.state == context.state;
        context = next;
        at = end;
        if is_stuck {
            break;
        }
    }
    if written == 0 || context.is_error() {
        return (context, None);
    }
    if !context.state.is_comment() || context.delim != Delim::None {
        out.extend_from_slice(text.get(written..).unwrap_or_default());
    }
    (context, Some(out))
}

fn is_doctype(text: &[u8]) -> bool {
    const DOCTYPE: &[u8] = b"<!DOCTYPE";
    text.get(..DOCTYPE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE))
}

fn has_line_end(text: &[u8]) -> bool {
    find_any(text, b"\n\r").is_some()
        || find(text, "\u{2028}".as_bytes()).is_some()
        || find(text, "\u{2029}".as_bytes()).is_some()
}

/// The text of a script's literal with the `<` of tags that would end the script escaped.
fn without_script_tags(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut kept = 0;
    for at in 0..text.len() {
        let rest = text.get(at..).unwrap_or_default();
        let is_tag = [&b"<script"[..], b"</script", b"<!--"].iter().any(|tag| {
            rest.get(..tag.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(tag))
        });
        if is_tag {
            out.extend_from_slice(text.get(kept..at).unwrap_or_default());
            out.extend_from_slice(b"\\x3C");
            kept = at + 1;
        }
    }
    if kept == 0 && out.is_empty() {
        return None;
    }
    out.extend_from_slice(text.get(kept..).unwrap_or_default());
    Some(out)
}
