//! Style sheets: how text moves the context on, and CSS's own escapes.

use super::context::{Context, State};
use super::js::unfinished;
use super::transition::{in_url, skip_space};
use crate::bytes::{find_any, push_char};

pub(super) fn in_css(context: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(step) = text.get(from..).and_then(|rest| find_any(rest, b"(\"'/")) {
        let at = from + step;
        let (before, rest) = text.split_at(at);
        match rest {
            [b'(', behind @ ..] if ends_with_url(before) => {
                let start = at + 1 + skip_space(behind);
                return match text.get(start) {
                    Some(b'"') => (context.with(State::CssDqUrl), start + 1),
                    Some(b'\'') => (context.with(State::CssSqUrl), start + 1),
                    _ => (context.with(State::CssUrl), start),
                };
            }
            [b'/', b'/', ..] => return (context.with(State::CssLineComment), at + 2),
            [b'/', b'*', ..] => return (context.with(State::CssBlockComment), at + 2),
            [b'"', ..] => return (context.with(State::CssDqStr), at + 1),
            [b'\'', ..] => return (context.with(State::CssSqStr), at + 1),
            _ => {}
        }
        from = at + 1;
    }
    (context, text.len())
}

/// Whether the text ends in the word `url` and spaces.
fn ends_with_url(text: &[u8]) -> bool {
    let end = text
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r'))
        .map_or(0, |last| last + 1);
    let text = text.get(..end).unwrap_or_default();
    let Some(start) = text.len().checked_sub(3) else {
        return false;
    };
    let (before, word) = text.split_at(start);
    let name_goes_on = before.last().is_some_and(|&byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || byte >= 0x80
    });
    !name_goes_on && decode_css(word).eq_ignore_ascii_case(b"url")
}

/// A string or a URL. Strings are taken for URLs too, for they are what such strings mostly hold.
pub(super) fn in_string(mut context: Context, text: &[u8]) -> (Context, usize) {
    let specials: &[u8] = match context.state {
        State::CssDqStr | State::CssDqUrl => b"\\\"",
        State::CssSqStr | State::CssSqUrl => b"\\'",
        _ => b"\\\t\n\x0c\r )",
    };
    let mut from = 0;
    while let Some(step) = text.get(from..).and_then(|rest| find_any(rest, specials)) {
        let mut at = from + step;
        if text.get(at) != Some(&b'\\') {
            return (context.with(State::Css), at + 1);
        }
        at += 1;
        if at == text.len() {
            return (unfinished("CSS", text), text.len());
        }
        context = in_url(context, &decode_css(text.get(..=at).unwrap_or(text)));
        from = at + 1;
    }
    let rest = decode_css(text.get(from..).unwrap_or_default());
    // What is read is counted in decoded bytes; the rest is looked at again.
    let read = from + rest.len();
    (in_url(context, &rest), read.min(text.len()))
}

/// The text with CSS's backslash escapes resolved.
pub(super) fn decode_css(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (before, escape) = rest.split_at(at);
        out.extend_from_slice(before);
        let body = escape.get(1..).unwrap_or_default();
        let Some(&first) = body.first() else {
            return out;
        };
        if first.is_ascii_hexdigit() {
            let digits = body
                .iter()
                .take(6)
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count();
            let mut code = 0;
            let mut used = 0;
            for &digit in body.iter().take(digits) {
                let next = code << 4 | char::from(digit).to_digit(16).unwrap_or(0);
                if next > 0x0010_FFFF {
                    break;
                }
                code = next;
                used += 1;
            }
            push_char(&mut out, char::from_u32(code).unwrap_or('\u{FFFD}'));
            rest = skip_one_space(body.get(used..).unwrap_or_default());
        } else {
            // Any other character stands for itself.
            let (_, width) = crate::bytes::decode(body);
            out.extend_from_slice(body.get(..width).unwrap_or_default());
            rest = body.get(width..).unwrap_or_default();
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The one white space that may end an escape.
fn skip_one_space(text: &[u8]) -> &[u8] {
    match text {
        [b'\r', b'\n', rest @ ..] => rest,
        [b' ' | b'\t' | b'\n' | b'\x0c' | b'\r', rest @ ..] => rest,
        _ => text,
    }
}
