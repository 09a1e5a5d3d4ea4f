//! The parser: tokens to trees.
//!
//! One parse of a text yields the tree of the text itself and one for each `define` and `block` in
//! it. Function names are checked here, variables too, so a template that parses calls nothing
//! unknown. The reported line is that of the token read last, which is why the tokens pushed back
//! are kept just as Go keeps them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{
    Action, Branch, BranchKind, Clause, Command, Expr, ExprKind, List, Node, NodeId, Pipe, Source,
    Template, Text, Tree, line_of,
};
use crate::bytes::{GoString, chars};
use crate::error::ParseError;
use crate::func::FuncMap;
use crate::lex::{Keyword, Kind, Lexer, Token};
use crate::limits::MAX_PARSE_DEPTH;
use crate::number::parse_constant;
use crate::quote::{quote, unquote};

/// Parses a text: the trees by name, the text's own under `name`.
pub(crate) fn parse(
    name: &str,
    text: &[u8],
    functions: &FuncMap,
) -> Result<BTreeMap<String, Arc<Tree>>, ParseError> {
    let source = Arc::new(Source {
        parse_name: name.to_owned(),
        text: text.to_vec(),
    });
    let mut parser = Parser {
        lexer: Lexer::new(
            text,
            !functions.contains("break"),
            !functions.contains("continue"),
        ),
        source,
        text,
        functions,
        scope: Scope::new(),
        trees: BTreeMap::new(),
        depth: 0,
        next_id: 0,
    };
    let root = parser.file()?;
    parser.add(name.to_owned(), root)?;
    Ok(parser.trees)
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    source: Arc<Source>,
    text: &'t [u8],
    functions: &'t FuncMap,
    scope: Scope,
    trees: BTreeMap<String, Arc<Tree>>,
    depth: usize,
    next_id: NodeId,
}

/// What belongs to one template of the text: a `define` or `block` begins with a new one.
struct Scope {
    /// The tokens looked at last; the first is the one read last.
    tokens: [Option<Token>; 3],
    peeked: usize,
    vars: Vec<Box<str>>,
    range_depth: usize,
    /// Where the action opened that is being read.
    action_pos: Option<usize>,
}

impl Scope {
    fn new() -> Self {
        Self {
            tokens: [None, None, None],
            peeked: 0,
            vars: vec!["$".into()],
            range_depth: 0,
            action_pos: None,
        }
    }
}

/// What ended a list of nodes.
enum Terminator {
    End,
    Else,
}

impl Terminator {
    fn shown(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

/// A node, or what ends the list it would be in.
enum Step {
    Node(Node),
    End,
    Else,
}

type Parsed<T> = Result<T, ParseError>;

// Tokens.
impl Parser<'_> {
    fn next(&mut self) -> Token {
        if self.scope.peeked > 0 {
            self.scope.peeked -= 1;
        } else {
            self.scope.tokens[0] = Some(self.lexer.next_token());
        }
        self.token(self.scope.peeked)
    }

    fn token(&self, at: usize) -> Token {
        let end = Token {
            kind: Kind::End,
            pos: self.text.len(),
            len: 0,
            error: None,
        };
        self.scope.tokens.get(at).cloned().flatten().unwrap_or(end)
    }

    fn backup(&mut self) {
        self.scope.peeked += 1;
    }

    fn backup2(&mut self, earlier: Token) {
        self.scope.tokens[1] = Some(earlier);
        self.scope.peeked = 2;
    }

    fn backup3(&mut self, earliest: Token, earlier: Token) {
        self.scope.tokens[1] = Some(earlier);
        self.scope.tokens[2] = Some(earliest);
        self.scope.peeked = 3;
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.backup();
        token
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn text_of(&self, token: &Token) -> &[u8] {
        self.text
            .get(token.pos..token.pos + token.len)
            .unwrap_or_default()
    }

    fn string_of(&self, token: &Token) -> String {
        String::from_utf8_lossy(self.text_of(token)).into_owned()
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind {
            Ok(token)
        } else {
            Err(self.unexpected(&token, context))
        }
    }
}

// Errors.
impl Parser<'_> {
    fn error(&self, message: impl Into<String>) -> ParseError {
        ParseError {
            name: self.source.parse_name.clone(),
            line: line_of(self.text, self.token(0).pos),
            message: message.into(),
            offset: self.token(0).pos,
        }
    }

    /// An error whose place is known better than by the token read last, which decides the line.
    fn error_at(&self, token: &Token, message: String) -> ParseError {
        ParseError {
            offset: token.pos,
            ..self.error(message)
        }
    }

    fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        let Some(text) = &token.error else {
            return self.error(format!("unexpected {} in {context}", self.shown(token)));
        };
        let opened = self.scope.action_pos.map(|pos| line_of(self.text, pos));
        let mut error = match opened {
            Some(line) if line != line_of(self.text, token.pos) => {
                let within = if text.ends_with(" action") {
                    ""
                } else {
                    " in action"
                };
                let name = &self.source.parse_name;
                self.error(format!("{text}{within} started at {name}:{line}"))
            }
            _ => self.error(text.clone()),
        };
        if let Some(pos) = self.scope.action_pos
            && text == "unclosed action"
        {
            error.offset = pos;
        }
        error
    }

    /// A token as `unexpected …` shows it.
    fn shown(&self, token: &Token) -> String {
        let text = self.text_of(token);
        match token.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Keyword(_) | Kind::Dot | Kind::Nil => format!("<{}>", self.string_of(token)),
            _ if text.len() > 10 => {
                let end = chars(text).nth(10).map_or(text.len(), |(at, _, _)| at);
                format!("{}...", quote(text.get(..end).unwrap_or(text)))
            }
            _ => quote(text),
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_PARSE_DEPTH {
            return Err(self.error("max expression depth exceeded"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

// Lists and control structures.
impl Parser<'_> {
    fn file(&mut self) -> Parsed<List> {
        let mut root = List {
            pos: self.peek().pos,
            nodes: Vec::new(),
        };
        while self.peek().kind != Kind::End {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Keyword(Keyword::Define) {
                    self.definition()?;
                    continue;
                }
                self.backup2(delim);
            }
            match self.text_or_action()? {
                Step::Node(node) => root.nodes.push(node),
                Step::End => return Err(self.error("unexpected {{end}}")),
                Step::Else => return Err(self.error("unexpected {{else}}")),
            }
        }
        Ok(root)
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        self.in_new_scope(|parser| {
            let token = parser.next_non_space();
            let name = parser.template_name(&token, CONTEXT)?;
            parser.expect(Kind::RightDelim, CONTEXT)?;
            let body = parser.body(CONTEXT)?;
            parser.add(name, body)
        })
    }

    /// Parses in a new scope. After an error the scope stays: it knows the line.
    fn in_new_scope<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let parsed = parse(self)?;
        self.scope = outer;
        Ok(parsed)
    }

    /// The nodes up to the `end` of a definition.
    fn body(&mut self, context: &str) -> Parsed<List> {
        match self.list()? {
            (list, Terminator::End) => Ok(list),
            (_, end) => Err(self.error(format!("unexpected {} in {context}", end.shown()))),
        }
    }

    fn add(&mut self, name: String, root: List) -> Parsed<()> {
        let tree = Tree {
            name,
            source: Arc::clone(&self.source),
            root,
        };
        let earlier = self.trees.get(&tree.name);
        if earlier.is_none_or(|earlier| earlier.is_empty()) {
            self.trees.insert(tree.name.clone(), Arc::new(tree));
        } else if !tree.is_empty() {
            let name = quote(tree.name.as_bytes());
            return Err(self.error(format!("template: multiple definition of template {name}")));
        }
        Ok(())
    }

    fn list(&mut self) -> Parsed<(List, Terminator)> {
        self.deeper(|parser| {
            let mut list = List {
                pos: parser.peek_non_space().pos,
                nodes: Vec::new(),
            };
            while parser.peek_non_space().kind != Kind::End {
                match parser.text_or_action()? {
                    Step::Node(node) => list.nodes.push(node),
                    Step::End => return Ok((list, Terminator::End)),
                    Step::Else => return Ok((list, Terminator::Else)),
                }
            }
            let mut error = parser.error("unexpected EOF");
            error.offset = list.pos;
            Err(error)
        })
    }

    fn text_or_action(&mut self) -> Parsed<Step> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => {
                let bytes = GoString::from(self.text_of(&token));
                Ok(Step::Node(Node::Text(Text {
                    id: self.new_id(),
                    bytes,
                })))
            }
            Kind::LeftDelim => {
                self.scope.action_pos = Some(token.pos);
                let step = self.action()?;
                self.scope.action_pos = None;
                Ok(step)
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn new_id(&mut self) -> NodeId {
        self.next_id += 1;
        self.next_id
    }

    fn action(&mut self) -> Parsed<Step> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Keyword(Keyword::Block) => self.block()?,
            Kind::Keyword(Keyword::Break) => {
                self.loop_control("break")?;
                Node::Break(token.pos)
            }
            Kind::Keyword(Keyword::Continue) => {
                self.loop_control("continue")?;
                Node::Continue(token.pos)
            }
            Kind::Keyword(Keyword::Else) => return self.otherwise(),
            Kind::Keyword(Keyword::End) => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Step::End);
            }
            Kind::Keyword(Keyword::If) => self.control(BranchKind::If)?,
            Kind::Keyword(Keyword::With) => self.control(BranchKind::With)?,
            Kind::Keyword(Keyword::Range) => self.control(BranchKind::Range)?,
            Kind::Keyword(Keyword::Template) => self.template()?,
            _ => {
                self.backup();
                let pos = self.peek().pos;
                let id = self.new_id();
                Node::Action(Action {
                    id,
                    pos,
                    pipe: self.pipeline("command", Kind::RightDelim)?,
                })
            }
        };
        Ok(Step::Node(node))
    }

    fn loop_control(&mut self, word: &str) -> Parsed<()> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(&token, &format!("{{{{{word}}}}}")));
        }
        if self.scope.range_depth == 0 {
            return Err(self.error(format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(())
    }

    /// `else`; a following `if` or `with` is left for the control structure to see.
    fn otherwise(&mut self) -> Parsed<Step> {
        let next = self.peek_non_space();
        if !matches!(next.kind, Kind::Keyword(Keyword::If | Keyword::With)) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Step::Else)
    }

    fn control(&mut self, kind: BranchKind) -> Parsed<Node> {
        let vars = self.scope.vars.len();
        let continuation = match kind {
            BranchKind::If => Some(Kind::Keyword(Keyword::If)),
            BranchKind::With => Some(Kind::Keyword(Keyword::With)),
            BranchKind::Range => None,
        };
        let mut clauses = Vec::new();
        let mut otherwise = None;
        loop {
            let pipe = self.pipeline(kind.keyword(), Kind::RightDelim)?;
            let loops = usize::from(kind == BranchKind::Range);
            self.scope.range_depth += loops;
            let (list, terminator) = self.list()?;
            self.scope.range_depth -= loops;
            clauses.push(Clause { pipe, list });
            match terminator {
                Terminator::End => break,
                Terminator::Else if continuation == Some(self.peek().kind) => {
                    self.next();
                }
                Terminator::Else => {
                    let (list, end) = self.list()?;
                    if matches!(end, Terminator::Else) {
                        return Err(self.error("expected end; found {{else}}"));
                    }
                    otherwise = Some(list);
                    break;
                }
            }
        }
        self.scope.vars.truncate(vars);
        Ok(Node::Branch(Box::new(Branch {
            kind,
            clauses,
            otherwise,
        })))
    }

    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        self.in_new_scope(|parser| {
            let body = parser.body(CONTEXT)?;
            parser.add(name.clone(), body)
        })?;
        Ok(self.call_of(token.pos, name, Some(pipe)))
    }

    fn template(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(self.call_of(token.pos, name, pipe))
    }

    fn call_of(&mut self, pos: usize, name: String, pipe: Option<Pipe>) -> Node {
        Node::Template(Box::new(Template {
            id: self.new_id(),
            pos,
            name,
            pipe,
        }))
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Parsed<String> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(token, context));
        }
        let name = self.unquoted(token)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    fn unquoted(&self, token: &Token) -> Parsed<Vec<u8>> {
        unquote(self.text_of(token)).ok_or_else(|| self.error("invalid syntax"))
    }
}

// Pipelines.
impl Parser<'_> {
    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe {
            pos,
            decls: Vec::new(),
            is_assign: false,
            commands: Vec::new(),
        };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.next_non_space();
            if token.kind == end {
                self.check_pipeline(&pipe, context)?;
                return Ok(pipe);
            }
            if !starts_operand(token.kind) {
                return Err(self.unexpected(&token, context));
            }
            self.backup();
            let command = self.command()?;
            pipe.commands.push(command);
        }
    }

    /// `$x :=`, `$x =`, and in a range `$x, $y :=`.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok(());
            }
            self.next();
            // Spaces are tokens: whether the variable is declared or just the first argument
            // shows only in the token after the next, and all must be put back in that case.
            let after = self.peek();
            let next = self.peek_non_space();
            let comma = next.kind == Kind::Char && self.text_of(&next) == b",";
            if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
                if after.kind == Kind::Space {
                    self.backup3(variable, after);
                } else {
                    self.backup2(variable);
                }
                return Ok(());
            }
            self.next_non_space();
            let name: Box<str> = self.string_of(&variable).into();
            pipe.decls.push(name.clone());
            self.scope.vars.push(name);
            if !comma {
                pipe.is_assign = next.kind == Kind::Assign;
                return Ok(());
            }
            if context != "range" || pipe.decls.len() >= 2 {
                return Err(self.error(format!("too many declarations in {context}")));
            }
            if !matches!(
                self.peek_non_space().kind,
                Kind::Variable | Kind::RightDelim | Kind::RightParen
            ) {
                return Err(self.error("range can only initialize variables"));
            }
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.args.first().map(|arg| &arg.kind);
            if matches!(
                first,
                Some(
                    ExprKind::Bool(_)
                        | ExprKind::Dot
                        | ExprKind::Nil
                        | ExprKind::Number(_)
                        | ExprKind::String { .. }
                )
            ) {
                let stage = at + 1;
                return Err(self.error(format!("non executable command in pipeline stage {stage}")));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command {
            pos: self.peek_non_space().pos,
            args: Vec::new(),
        };
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                command.args.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(&token, "operand")),
            }
            break;
        }
        if command.args.is_empty() {
            return Err(self.error("empty command"));
        }
        Ok(command)
    }

    /// A term and the fields that follow it without a space.
    fn operand(&mut self) -> Parsed<Option<Expr>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(term));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(self.field_name(&token));
        }
        let kind = match term.kind {
            ExprKind::Field(mut names) => {
                names.append(&mut fields);
                ExprKind::Field(names)
            }
            ExprKind::Variable(name, _) => ExprKind::Variable(name, fields),
            ExprKind::Pipe(_) | ExprKind::Function(_) | ExprKind::Chain(..) => {
                ExprKind::Chain(Box::new(term), fields)
            }
            _ => {
                let shown = quote(term.to_string().as_bytes());
                return Err(self.error(format!("unexpected . after term {shown}")));
            }
        };
        Ok(Some(Expr {
            pos: first.pos,
            kind,
        }))
    }

    fn field_name(&self, token: &Token) -> GoString {
        GoString::from(self.text_of(token).get(1..).unwrap_or_default())
    }

    fn term(&mut self) -> Parsed<Option<Expr>> {
        let token = self.next_non_space();
        let kind = match token.kind {
            Kind::Identifier => {
                let name = self.string_of(&token);
                if !self.functions.contains(&name) {
                    let name = quote(name.as_bytes());
                    return Err(self.error_at(&token, format!("function {name} not defined")));
                }
                ExprKind::Function(name.into())
            }
            Kind::Dot => ExprKind::Dot,
            Kind::Nil => ExprKind::Nil,
            Kind::Variable => {
                let name = self.string_of(&token);
                if !self.scope.vars.iter().any(|known| **known == *name) {
                    let name = quote(name.as_bytes());
                    return Err(self.error_at(&token, format!("undefined variable {name}")));
                }
                ExprKind::Variable(name.into(), Vec::new())
            }
            Kind::Field => ExprKind::Field(vec![self.field_name(&token)]),
            Kind::Bool => ExprKind::Bool(self.text_of(&token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number = parse_constant(self.text_of(&token));
                ExprKind::Number(number.map_err(|message| self.error(message))?)
            }
            Kind::LeftParen => {
                let pipe = self
                    .deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                // Go gives the pipeline's own position, that of what follows the parenthesis.
                return Ok(Some(Expr {
                    pos: pipe.pos,
                    kind: ExprKind::Pipe(Box::new(pipe)),
                }));
            }
            Kind::String | Kind::RawString => ExprKind::String {
                source: GoString::from(self.text_of(&token)),
                value: self.unquoted(&token)?.into(),
            },
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Expr {
            pos: token.pos,
            kind,
        }))
    }
}

fn starts_operand(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Bool
            | Kind::CharConstant
            | Kind::Complex
            | Kind::Dot
            | Kind::Field
            | Kind::Identifier
            | Kind::Number
            | Kind::Nil
            | Kind::RawString
            | Kind::String
            | Kind::Variable
            | Kind::LeftParen
    )
}
