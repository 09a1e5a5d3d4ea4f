//! Text → [`Document`], with the parser of `saphyr-parser` and the words of libyaml for what it
//! refuses.

use std::collections::HashMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::error::{Fatal, Problem};
use super::node::{Document, Kind, Node, NodeId, Place};
use super::{DEPTH_MAX, TEXT_BYTES_MAX};

/// The first document of a text, which may be empty.
///
/// # Errors
/// The first thing that is not YAML, in the library's words.
pub fn parse(bytes: &[u8]) -> Result<Document, Fatal> {
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        let text = format!("the text is longer than {TEXT_BYTES_MAX} bytes");
        return Err(Problem::yaml(text, Place::default()));
    }
    let text = to_text(bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let control = text.char_indices().find(|(_, c)| !is_allowed(*c));
    let (sound, control) = match control {
        // What stands before it decides, unless the document ends before it.
        Some((at, _)) => (&text[..at], Some(place_of(text, at))),
        None => (text, None),
    };
    let mut builder = Builder::new(sound);
    let is_complete = builder.run()?;
    match control {
        Some(place) if !is_complete => {
            Err(Problem::yaml("control characters are not allowed", place))
        }
        _ => Ok(builder.document),
    }
}

/// UTF-8, or UTF-16 with a byte order mark.
fn to_text(bytes: &[u8]) -> Result<String, Fatal> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units = bytes[2..]
            .chunks_exact(2)
            .map(|pair| from([pair[0], pair[1]]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map_err(|_| Problem::yaml("invalid Unicode character", Place::default()))
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                let place = Place {
                    line,
                    column: 1,
                    width: 1,
                };
                let text = match (bytes[error.valid_up_to()], error.error_len()) {
                    (_, None) => "incomplete UTF-8 octet sequence",
                    (0x80..=0xbf | 0xf8..=0xff, _) => "invalid leading UTF-8 octet",
                    _ => "invalid trailing UTF-8 octet",
                };
                Err(Problem::yaml(text, place))
            }
        },
    }
}

fn is_allowed(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
            | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

fn place_of(text: &str, at: usize) -> Place {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: 1 + before.matches('\n').count(),
        column: 1 + before[line_start..].chars().count(),
        width: 1,
    }
}

/// What is still open while the events come in.
enum Open {
    Sequence(NodeId, Vec<NodeId>),
    Mapping(NodeId, Vec<(NodeId, NodeId)>, Option<NodeId>),
}

struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            text,
            parser: Parser::new_from_str(text),
            document: Document::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    /// Takes events to the end of the first document. Gives whether it ended before the text did.
    fn run(&mut self) -> Result<bool, Fatal> {
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(false),
                Some(Ok(event)) => event,
                Some(Err(error)) => return Err(self.refusal(&error)),
            };
            match event {
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) => {}
                Event::StreamEnd => return Ok(false),
                Event::DocumentEnd => return Ok(span.end.index() < self.text.chars().count()),
                Event::Alias(anchor) => {
                    let name = self.slice(span).trim_start_matches('*').to_owned();
                    let target = self.anchors.get(&anchor).copied();
                    let target = target.ok_or_else(|| unknown_anchor(&name, place(span)))?;
                    self.add(Kind::Alias(name, target), None, false, 0, span);
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let tag = tag.map(|tag| short(&tag.handle, &tag.suffix));
                    let (tag, is_plain) = match tag.as_deref() {
                        None => (None, style == ScalarStyle::Plain),
                        // The tag that says that the text decides.
                        Some("!") => (None, true),
                        Some(_) => (tag, false),
                    };
                    self.add(Kind::Scalar(text.into_owned()), tag, is_plain, anchor, span);
                }
                Event::SequenceStart(anchor, tag) => {
                    let tag = tag.map(|tag| short(&tag.handle, &tag.suffix));
                    let id = self.add(Kind::Sequence(Vec::new()), tag, false, anchor, span);
                    self.push(Open::Sequence(id, Vec::new()), span)?;
                }
                Event::MappingStart(anchor, tag) => {
                    let tag = tag.map(|tag| short(&tag.handle, &tag.suffix));
                    let id = self.add(Kind::Mapping(Vec::new()), tag, false, anchor, span);
                    self.push(Open::Mapping(id, Vec::new(), None), span)?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(),
            }
        }
    }

    fn push(&mut self, open: Open, span: Span) -> Result<(), Fatal> {
        if self.open.len() >= DEPTH_MAX {
            let text = format!(
                "line {}: exceeded max depth of {DEPTH_MAX}",
                span.start.line()
            );
            return Err(Problem::yaml(text, place(span)));
        }
        self.open.push(open);
        Ok(())
    }

    /// Adds a node and hangs it into what is open.
    fn add(
        &mut self,
        kind: Kind,
        tag: Option<Box<str>>,
        is_plain: bool,
        anchor: usize,
        span: Span,
    ) -> NodeId {
        // The text is bounded, and with it the number of nodes.
        let id = NodeId(u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX));
        self.document.nodes.push(Node {
            kind,
            tag,
            is_plain,
            place: place(span),
        });
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.document.root = Some(id),
            Some(Open::Sequence(_, elements)) => elements.push(id),
            Some(Open::Mapping(_, entries, key)) => match key.take() {
                None => *key = Some(id),
                Some(key) => entries.push((key, id)),
            },
        }
        id
    }

    fn close(&mut self) {
        let (id, kind) = match self.open.pop() {
            Some(Open::Sequence(id, elements)) => (id, Kind::Sequence(elements)),
            Some(Open::Mapping(id, entries, _)) => (id, Kind::Mapping(entries)),
            None => return,
        };
        self.document.nodes[id.0 as usize].kind = kind;
    }

    fn slice(&self, span: Span) -> &'t str {
        let bytes = |index: usize| {
            self.text
                .char_indices()
                .nth(index)
                .map_or(self.text.len(), |(at, _)| at)
        };
        &self.text[bytes(span.start.index())..bytes(span.end.index())]
    }

    /// What the parser refuses, in the words and with the line of libyaml.
    fn refusal(&self, error: &ScanError) -> Fatal {
        let mark = *error.marker();
        let place = Place {
            line: mark.line(),
            column: mark.col() + 1,
            width: 1,
        };
        if error.info().ends_with("found unknown anchor") {
            let line = self.text.lines().nth(mark.line() - 1).unwrap_or_default();
            let name: String = line
                .chars()
                .skip(mark.col() + 1)
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
                .collect();
            return unknown_anchor(&name, place);
        }
        let (text, line) = in_words_of_libyaml(error.info(), mark);
        match line {
            0 => Problem::yaml(text, place),
            line => Problem::yaml(format_args!("line {line}: {text}"), place),
        }
    }
}

fn unknown_anchor(name: &str, place: Place) -> Fatal {
    Problem::yaml(format_args!("unknown anchor '{name}' referenced"), place)
}

fn place(span: Span) -> Place {
    let is_one_line = span.start.line() == span.end.line();
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
        width: match is_one_line {
            true => span.end.col().saturating_sub(span.start.col()).max(1),
            false => 1,
        },
    }
}

fn short(handle: &str, suffix: &str) -> Box<str> {
    let whole = format!("{handle}{suffix}");
    match whole.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}").into(),
        None => whole.into(),
    }
}

/// The parser reports a place in the grammar by the line *before* it, the scanner by its own: so
/// libyaml's port does, and scripts that look for the line have got used to it.
fn in_words_of_libyaml(info: &str, mark: Marker) -> (&str, usize) {
    let grammar = [
        "did not find expected key",
        "did not find expected '-' indicator",
        "did not find expected ',' or '}'",
        "expected ',' or ']'",
        "did not find expected node content",
        "did not find expected <document start>",
    ];
    if let Some(text) = grammar.into_iter().find(|text| info.ends_with(text)) {
        let text = match text {
            "expected ',' or ']'" => "did not find expected ',' or ']'",
            text => text,
        };
        return (text, mark.line() - 1);
    }
    let text = match info {
        "found incompatible YAML document" => return (info, 0),
        text if text.contains("tab") || text.starts_with("unexpected character") => {
            "found character that cannot start any token"
        }
        text if text.starts_with("while ") => text.split_once(", ").map_or(text, |(_, text)| text),
        text => text,
    };
    (text, mark.line())
}
