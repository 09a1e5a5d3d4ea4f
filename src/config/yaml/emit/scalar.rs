//! One scalar: which style it gets, and its characters.

use super::super::resolve::{Resolved, is_base_60, resolve};

/// Text is folded at the first space behind this column.
const WIDTH: usize = 80;

/// Where a scalar stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// In a line of its own.
    Block,
    /// In a list in one line.
    Flow,
    /// Before a colon.
    Key,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The text as it grows.
#[derive(Default)]
pub(super) struct Writer {
    out: String,
    column: usize,
    /// The last character was white space, or nothing has been written yet in this line.
    after_space: bool,
    /// Only indentation and indicators have been written in this line.
    is_indented: bool,
    has_begun: bool,
}

impl Writer {
    pub(super) fn finish(mut self) -> String {
        if self.column > 0 || self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Goes to that column, in a new line unless only indentation stands before it.
    pub(super) fn indent(&mut self, column: usize) {
        if self.has_begun
            && (!self.is_indented
                || self.column > column
                || self.column == column && !self.after_space)
        {
            self.line_break();
        }
        self.has_begun = true;
        while self.column < column {
            self.put(' ');
        }
        self.after_space = true;
        self.is_indented = true;
    }

    /// `-`, `?` or `:` that opens a place in the structure.
    pub(super) fn indicator(&mut self, sign: &str) {
        if !self.after_space {
            self.put(' ');
        }
        self.glue(sign);
        self.is_indented = true;
    }

    /// A sign right behind what stands there.
    pub(super) fn glue(&mut self, sign: &str) {
        sign.chars().for_each(|c| self.put(c));
        self.after_space = false;
        self.is_indented = false;
    }

    /// A word that needs no quotes.
    pub(super) fn word(&mut self, word: &str) {
        self.space();
        self.glue(word);
        self.has_begun = true;
    }

    /// After the bracket of a list in one line the first element follows at once.
    pub(super) fn open_flow(&mut self) {
        self.after_space = true;
    }

    pub(super) fn break_if_wide(&mut self, indent: usize) {
        if self.column > WIDTH {
            self.indent(indent);
        }
    }

    fn space(&mut self) {
        if self.has_begun && !self.after_space {
            self.put(' ');
        }
    }

    pub(super) fn text(&mut self, text: &str, indent: usize, context: Context) {
        let folds = context != Context::Key;
        match style(text, context) {
            Style::Plain => self.plain(text, indent, folds),
            Style::Single => self.single(text, indent, folds),
            Style::Double => self.double(text, indent, folds),
            Style::Literal => self.literal(text, indent),
        }
        self.has_begun = true;
    }

    fn plain(&mut self, text: &str, indent: usize, folds: bool) {
        // An empty text behind a colon is written as nothing at all.
        if !text.is_empty() {
            self.space();
        }
        self.folded(text, indent, folds, |_| true, Self::put);
        self.after_space = false;
        self.is_indented = false;
    }

    fn single(&mut self, text: &str, indent: usize, folds: bool) {
        self.space();
        self.put('\'');
        self.after_space = false;
        self.is_indented = false;
        let last = text.len().saturating_sub(1);
        self.folded(
            text,
            indent,
            folds,
            |at| at > 0 && at < last,
            |writer, c| {
                if c == '\'' {
                    writer.put('\'');
                }
                writer.put(c);
            },
        );
        self.put('\'');
        self.after_space = false;
        self.is_indented = false;
    }

    /// Characters, with line breaks kept and long lines folded at single spaces.
    fn folded(
        &mut self,
        text: &str,
        indent: usize,
        folds: bool,
        may_fold_at: impl Fn(usize) -> bool,
        put: impl Fn(&mut Self, char),
    ) {
        let mut after_spaces = false;
        let mut after_breaks = false;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let is_single = chars.peek().is_none_or(|(_, next)| *next != ' ');
            if c == ' ' {
                if folds && !after_spaces && self.column > WIDTH && may_fold_at(at) && is_single {
                    self.indent(indent);
                } else {
                    self.put(c);
                }
                after_spaces = true;
                continue;
            }
            if is_break(c) {
                if !after_breaks && c == '\n' {
                    self.line_break();
                }
                match c {
                    '\n' => self.line_break(),
                    other => {
                        self.out.push(other);
                        self.column = 0;
                    }
                }
                self.is_indented = true;
                after_breaks = true;
                continue;
            }
            if after_breaks {
                self.indent(indent);
            }
            put(self, c);
            self.is_indented = false;
            after_spaces = false;
            after_breaks = false;
        }
    }

    fn double(&mut self, text: &str, indent: usize, folds: bool) {
        self.space();
        self.put('"');
        self.after_space = false;
        self.is_indented = false;
        let mut after_spaces = false;
        // The library escapes everything behind a byte order mark.
        let escapes_all = text.starts_with('\u{feff}');
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            if c == ' ' && !escapes_all {
                let is_inside = at > 0 && at + 1 < text.len();
                if folds && !after_spaces && self.column > WIDTH && is_inside {
                    self.indent(indent);
                    if chars.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                after_spaces = true;
                continue;
            }
            self.escaped(c, escapes_all);
            after_spaces = false;
        }
        self.put('"');
        self.after_space = false;
        self.is_indented = false;
    }

    fn escaped(&mut self, c: char, always: bool) {
        let named = match c {
            '\0' => '0',
            '\u{7}' => 'a',
            '\u{8}' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\u{b}' => 'v',
            '\u{c}' => 'f',
            '\r' => 'r',
            '\u{1b}' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' if always => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c if is_printable(c) && !always => return self.put(c),
            c => {
                let code = u32::from(c);
                let escape = match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                };
                return escape.chars().for_each(|c| self.put(c));
            }
        };
        self.put('\\');
        self.put(named);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.space();
        self.put('|');
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.put('2');
        }
        let mut ends = text.chars().rev().map(is_break);
        match (ends.next(), ends.next()) {
            (Some(true), Some(true) | None) => self.put('+'),
            (Some(true), Some(false)) => {}
            _ => self.put('-'),
        }
        self.line_break();
        self.after_space = true;
        self.is_indented = true;
        let mut after_breaks = true;
        for c in text.chars() {
            if is_break(c) {
                match c {
                    '\n' => self.line_break(),
                    other => {
                        self.out.push(other);
                        self.column = 0;
                    }
                }
                self.is_indented = true;
                after_breaks = true;
                continue;
            }
            if after_breaks {
                self.indent(indent);
            }
            self.put(c);
            self.is_indented = false;
            after_breaks = false;
        }
    }
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(
        c,
        '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'
    )
}

fn style(text: &str, context: Context) -> Style {
    let allowed = Allowed::by(text);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if resolve(text, true) == Resolved::Str && !is_base_60(text) {
        Style::Plain
    } else {
        Style::Double
    };
    let wanted = match wanted {
        _ if context == Context::Key && allowed.has_lines => Style::Double,
        Style::Plain if text.is_empty() && context != Context::Block => Style::Single,
        Style::Plain if !allowed.plain(context) => Style::Single,
        other => other,
    };
    match wanted {
        Style::Single if !allowed.single => Style::Double,
        Style::Literal if !allowed.literal || context != Context::Block => Style::Double,
        other => other,
    }
}

/// In which styles a text can be written.
struct Allowed {
    plain_in_flow: bool,
    plain_in_block: bool,
    single: bool,
    literal: bool,
    has_lines: bool,
}

impl Allowed {
    fn plain(&self, context: Context) -> bool {
        match context {
            Context::Flow => self.plain_in_flow,
            Context::Block | Context::Key => self.plain_in_block,
        }
    }

    fn by(text: &str) -> Self {
        let mut flow_signs = text.starts_with("---") || text.starts_with("...");
        let mut block_signs = flow_signs;
        let mut is_special = false;
        let mut has_lines = false;
        let (mut break_space, mut space_break) = (false, false);
        let mut previous: Option<char> = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let is_followed = chars.peek().is_some_and(|next| !matches!(next, ' ' | '\t'));
            match (previous, c) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                ) => {
                    flow_signs = true;
                    block_signs = true;
                }
                (_, '?' | ':') => {
                    flow_signs = true;
                    block_signs |= !is_followed && (previous.is_none() || c == ':');
                }
                (None, '-') if !is_followed => {
                    flow_signs = true;
                    block_signs = true;
                }
                (Some(_), ',' | '[' | ']' | '{' | '}') => flow_signs = true,
                (Some(before), '#') if is_blank_or_break(before) => {
                    flow_signs = true;
                    block_signs = true;
                }
                _ => {}
            }
            is_special |= !is_printable(c);
            has_lines |= is_break(c);
            break_space |= c == ' ' && previous.is_some_and(is_break);
            space_break |= is_break(c) && previous == Some(' ');
            previous = Some(c);
        }
        let is_edge = |c: char| c == ' ' || is_break(c);
        let has_edges = text.starts_with(is_edge) || text.ends_with(is_edge);
        let is_hard = space_break || is_special;
        let plain = !has_edges && !break_space && !is_hard && !has_lines;
        Self {
            plain_in_flow: plain && !flow_signs,
            plain_in_block: plain && !block_signs,
            single: !break_space && !is_hard,
            literal: !is_hard && !text.ends_with(' ') && !text.is_empty(),
            has_lines,
        }
    }
}

fn is_blank_or_break(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break(c)
}
