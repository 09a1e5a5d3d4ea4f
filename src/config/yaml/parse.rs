//! Text → [`Document`].
//!
//! The grammar is that of libyaml, of which Alertmanager's library is a port, and `libyaml-safer`
//! another: which texts are YAML at all, in which line an error is and what is said about it come from
//! there. Why not from a parser of YAML 1.2: `docs/decisions/0004-the-grammar-of-libyaml.md`.

use std::collections::HashMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libyaml_safer::{Error, ErrorKind, Event, EventData, Mark, Parser, ScalarStyle};

use super::error::{Fatal, Problem};
use super::node::{Document, Kind, Node, NodeId, Place};
use super::{DEPTH_MAX, TEXT_BYTES_MAX};

/// How much of a text Alertmanager's library takes in at a time.
const PIECE_BYTES: usize = 512;

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
    let Some((at, _)) = control else {
        let mut builder = Builder::new(text);
        builder.run()?;
        return Ok(builder.document);
    };
    let mut builder = Builder::new(&text[..at]);
    // The library looks at its text in pieces, and stumbles as soon as it needs the piece.
    let piece = place_of(text, text.floor_char_boundary(at - at % PIECE_BYTES));
    let is_before = |place: Place| (place.line, place.column) < (piece.line, piece.column);
    match builder.run() {
        Ok(true) if is_before(builder.at) => Ok(builder.document),
        Err(problem) if problem.place.is_some_and(is_before) => Err(problem),
        _ => Err(Problem::yaml(
            "control characters are not allowed",
            place_of(text, at),
        )),
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
                let place = point(line, 1);
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
    point(
        1 + before.matches('\n').count(),
        1 + before[line_start..].chars().count(),
    )
}

/// One character.
fn point(line: usize, column: usize) -> Place {
    Place {
        line,
        column,
        width: 1,
        last_line: line,
    }
}

/// What is still open while the events come in.
enum Open {
    Sequence(NodeId, Vec<NodeId>),
    Mapping(NodeId, Vec<(NodeId, NodeId)>, Option<NodeId>),
}

struct Builder<'t> {
    text: &'t str,
    parser: Parser<Cursor<&'t [u8]>>,
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<String, NodeId>,
    /// Where the last event was.
    at: Place,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let mut parser = Parser::new();
        parser.set_input(Cursor::new(text.as_bytes()));
        Self {
            text,
            parser,
            document: Document::default(),
            open: Vec::new(),
            anchors: HashMap::new(),
            at: point(1, 1),
        }
    }

    /// Takes events to the end of the first document. Gives whether it ended before the text did.
    fn run(&mut self) -> Result<bool, Fatal> {
        loop {
            let event = self.next()?;
            let place = place(event.start_mark, event.end_mark);
            self.at = place;
            match event.data {
                EventData::StreamStart { .. } => {}
                EventData::DocumentStart {
                    version_directive: Some(version),
                    ..
                } if (version.major, version.minor) != (1, 1) => {
                    let line = event.start_mark.line;
                    let text = "found incompatible YAML document";
                    return Err(refused(text, line, place));
                }
                EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(false),
                EventData::DocumentEnd { .. } => {
                    let length = self.text.chars().count() as u64;
                    return Ok(event.end_mark.index < length);
                }
                EventData::Alias { anchor } => {
                    let Some(target) = self.anchors.get(&anchor).copied() else {
                        let text = format!("unknown anchor '{anchor}' referenced");
                        return Err(Problem::yaml(text, place));
                    };
                    self.add(Kind::Alias(anchor, target), None, false, None, place);
                }
                EventData::Scalar {
                    anchor,
                    tag,
                    value,
                    plain_implicit,
                    style,
                    ..
                } => {
                    let tag = tag.map(|tag| short(&tag));
                    let is_plain = tag.is_none() && plain_implicit && style == ScalarStyle::Plain;
                    self.add(Kind::Scalar(value), tag, is_plain, anchor, place);
                }
                EventData::SequenceStart { anchor, tag, .. } => {
                    let tag = tag.map(|tag| short(&tag));
                    let id = self.add(Kind::Sequence(Vec::new()), tag, false, anchor, place);
                    self.push(Open::Sequence(id, Vec::new()))?;
                }
                EventData::MappingStart { anchor, tag, .. } => {
                    let tag = tag.map(|tag| short(&tag));
                    let id = self.add(Kind::Mapping(Vec::new()), tag, false, anchor, place);
                    self.push(Open::Mapping(id, Vec::new(), None))?;
                }
                EventData::SequenceEnd | EventData::MappingEnd => self.close(),
            }
        }
    }

    /// The next event.
    fn next(&mut self) -> Result<Event, Fatal> {
        // The parser has places that panic where it lacks a rule (a tag right before a comma). A
        // configuration that is being loaded must not end a server.
        let parser = &mut self.parser;
        match catch_unwind(AssertUnwindSafe(|| parser.parse())) {
            Ok(Ok(event)) => Ok(event),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => {
                let text = format!("line {}: the parser cannot go on from here", self.at.line);
                Err(Problem::yaml(text, self.at))
            }
        }
    }

    fn push(&mut self, open: Open) -> Result<(), Fatal> {
        if self.open.len() >= DEPTH_MAX {
            let text = format!("line {}: exceeded max depth of {DEPTH_MAX}", self.at.line);
            return Err(Problem::yaml(text, self.at));
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
        anchor: Option<String>,
        place: Place,
    ) -> NodeId {
        // The text is bounded, and with it the number of nodes.
        let id = NodeId(u32::try_from(self.document.nodes.len()).unwrap_or(u32::MAX));
        self.document.nodes.push(Node {
            kind,
            tag,
            is_plain,
            place,
        });
        if let Some(anchor) = anchor {
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
}

fn number(from: u64) -> usize {
    usize::try_from(from).unwrap_or(usize::MAX)
}

fn place(start: Mark, end: Mark) -> Place {
    let width = match start.line == end.line {
        true => number(end.column.saturating_sub(start.column)).max(1),
        false => 1,
    };
    Place {
        line: number(start.line) + 1,
        column: number(start.column) + 1,
        width,
        last_line: number(end.line) + 1,
    }
}

fn short(tag: &str) -> Box<str> {
    match tag.strip_prefix("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}").into(),
        None => tag.into(),
    }
}

/// What the parser refuses, in Alertmanager's words. Its library counts the lines of the grammar from
/// zero, and those of the scanner from one; those who search logs have got used to it.
fn refusal(error: &Error) -> Fatal {
    let problem = error.problem_mark().unwrap_or_default();
    let context = error.context_mark().unwrap_or_default();
    let line = match (problem.line, error.kind()) {
        (0, _) => context.line,
        (line, ErrorKind::Scanner) => line + 1,
        (line, _) => line,
    };
    refused(error.problem(), line, place(problem, problem))
}

fn refused(text: &str, line: u64, place: Place) -> Fatal {
    match line {
        0 => Problem::yaml(text, place),
        line => Problem::yaml(format_args!("line {line}: {text}"), place),
    }
}
