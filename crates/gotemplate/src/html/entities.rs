//! HTML's character references in attribute values.
//!
//! They are resolved only to find the context behind a value, for which the ASCII characters and
//! the space are enough: all other references stand for ordinary text, which they are as they are.

use crate::bytes::{find, push_char};

/// References that may lack their semicolon.
const BARE: [(&str, char); 9] = [
    ("quot", '"'),
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("QUOT", '"'),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("nbsp", '\u{a0}'),
];

const NAMED: [(&str, char); 40] = [
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("apos", '\''),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("UnderBar", '_'),
    ("grave", '`'),
    ("DiacriticalGrave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("VerticalLine", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
    ("NonBreakingSpace", '\u{a0}'),
    ("quot", '"'),
    ("amp", '&'),
];

/// The text without its references.
pub(super) fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, b"&") {
        let (before, reference) = rest.split_at(at);
        out.extend_from_slice(before);
        match numeric(reference).or_else(|| named(reference)) {
            Some((c, len)) => {
                push_char(&mut out, c);
                rest = reference.get(len..).unwrap_or_default();
            }
            None => {
                out.push(b'&');
                rest = reference.get(1..).unwrap_or_default();
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// `&#65;` or `&#x41;`, whose semicolon may be missing.
fn numeric(text: &[u8]) -> Option<(char, usize)> {
    let (radix, start) = match text {
        [b'&', b'#', b'x' | b'X', ..] => (16, 3),
        [b'&', b'#', ..] => (10, 2),
        _ => return None,
    };
    let mut code: u32 = 0;
    let mut at = start;
    while let Some(digit) = text
        .get(at)
        .and_then(|&byte| char::from(byte).to_digit(radix))
    {
        code = code.saturating_mul(radix).saturating_add(digit);
        at += 1;
    }
    if at == start {
        return None;
    }
    at += usize::from(text.get(at) == Some(&b';'));
    let c = char::from_u32(code)
        .filter(|&c| c != '\0')
        .unwrap_or('\u{FFFD}');
    Some((c, at))
}

fn named(text: &[u8]) -> Option<(char, usize)> {
    let name = text.get(1..)?;
    let closed = NAMED.iter().chain(&BARE).find(|(known, _)| {
        name.strip_prefix(known.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&b';'))
    });
    if let Some((known, c)) = closed {
        return Some((*c, known.len() + 2));
    }
    let (known, c) = BARE
        .iter()
        .find(|(known, _)| name.starts_with(known.as_bytes()))?;
    Some((*c, known.len() + 1))
}
