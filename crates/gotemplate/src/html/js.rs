//! Scripts: how text moves the context on, and whether a slash divides.

use super::context::{Context, JsCtx, State};
use super::transition::first_chars;
use crate::bytes::{find, find_any};
use crate::quote::quote;

pub(super) fn in_js(mut context: Context, text: &[u8]) -> (Context, usize) {
    let Some(at) = find_any(text, b"\"`'/{}<-#") else {
        context.js_ctx = next_js_ctx(text, context.js_ctx);
        return (context, text.len());
    };
    let (before, rest) = text.split_at(at);
    context.js_ctx = next_js_ctx(before, context.js_ctx);
    let mut read = 1;
    match rest {
        [b'"', ..] => {
            context.state = State::JsDqStr;
            context.js_ctx = JsCtx::Regexp;
        }
        [b'\'', ..] => {
            context.state = State::JsSqStr;
            context.js_ctx = JsCtx::Regexp;
        }
        [b'`', ..] => {
            context.state = State::JsTmplLit;
            context.js_ctx = JsCtx::Regexp;
        }
        [b'/', b'/', ..] => {
            context.state = State::JsLineComment;
            read = 2;
        }
        [b'/', b'*', ..] => {
            context.state = State::JsBlockComment;
            read = 2;
        }
        [b'/', ..] => match context.js_ctx {
            JsCtx::Regexp => context.state = State::JsRegexp,
            JsCtx::DivOp => context.js_ctx = JsCtx::Regexp,
            JsCtx::Unknown => {
                let shown = quote(first_chars(rest, 32));
                let message = format!("'/' could start a division or regexp: {shown}");
                return (Context::failed(message), text.len());
            }
        },
        [b'<', b'!', b'-', b'-', ..] => {
            context.state = State::JsHtmlOpenComment;
            read = 4;
        }
        [b'-', b'-', b'>', ..] => {
            context.state = State::JsHtmlCloseComment;
            read = 3;
        }
        [b'#', b'!', ..] => {
            context.state = State::JsLineComment;
            read = 2;
        }
        [b'{', ..] => {
            context.js_ctx = JsCtx::Regexp;
            if let Some(open) = context
                .js_braces
                .as_mut()
                .and_then(|braces| braces.last_mut())
            {
                *open += 1;
            }
        }
        [b'}', ..] => {
            // Within `${…}` of a template literal the brace that opened nothing ends it.
            match context
                .js_braces
                .as_mut()
                .and_then(|braces| braces.last_mut())
            {
                Some(0) => {
                    context.js_braces.as_mut().map(Vec::pop);
                    context.state = State::JsTmplLit;
                }
                Some(open) => {
                    *open -= 1;
                    context.js_ctx = JsCtx::Regexp;
                }
                None => context.js_ctx = JsCtx::Regexp,
            }
        }
        _ => {}
    }
    (context, at + read)
}

pub(super) fn in_template_literal(mut context: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(step) = text.get(from..).and_then(|rest| find_any(rest, b"`\\$")) {
        let at = from + step;
        match text.get(at..).unwrap_or_default() {
            [b'\\'] => return (unfinished("JS", text), text.len()),
            [b'\\', ..] => from = at + 2,
            [b'$', b'{', ..] => {
                context.js_braces.get_or_insert_default().push(0);
                return (context.with(State::Js), at + 2);
            }
            [b'`', ..] => return (context.with(State::Js), at + 1),
            _ => from = at + 1,
        }
    }
    (context, text.len())
}

pub(super) fn unfinished(language: &str, text: &[u8]) -> Context {
    Context::failed(format!(
        "unfinished escape sequence in {language} string: {}",
        quote(text)
    ))
}

/// A string or a regular expression.
pub(super) fn in_literal(mut context: Context, text: &[u8]) -> (Context, usize) {
    let specials: &[u8] = match context.state {
        State::JsSqStr => b"\\'",
        State::JsRegexp => b"\\/[]",
        _ => b"\\\"",
    };
    let mut from = 0;
    let mut in_charset = false;
    while let Some(step) = text.get(from..).and_then(|rest| find_any(rest, specials)) {
        let mut at = from + step;
        match text.get(at) {
            Some(b'\\') => {
                at += 1;
                if at == text.len() {
                    return (unfinished("JS", text), text.len());
                }
            }
            Some(b'[') => in_charset = true,
            Some(b']') => in_charset = false,
            // The slash of `</script` does not end a regular expression: it is rewritten later.
            Some(b'/') if is_script_end(text, at) => at += 1,
            _ if in_charset => {}
            _ => {
                context.state = State::Js;
                context.js_ctx = JsCtx::DivOp;
                return (context, at + 1);
            }
        }
        from = at + 1;
    }
    if in_charset {
        let message = format!("unfinished JS regexp charset: {}", quote(text));
        return (Context::failed(message), text.len());
    }
    (context, text.len())
}

fn is_script_end(text: &[u8], slash: usize) -> bool {
    slash
        .checked_sub(1)
        .and_then(|start| text.get(start..slash + 7))
        .is_some_and(|tag| tag.eq_ignore_ascii_case(b"</script"))
}

pub(super) fn in_line_comment(context: Context, text: &[u8]) -> (Context, usize) {
    let ends = [
        &b"\n"[..],
        b"\r",
        "\u{2028}".as_bytes(),
        "\u{2029}".as_bytes(),
    ];
    match ends.iter().filter_map(|end| find(text, end)).min() {
        Some(at) => (context.with(State::Js), at),
        None => (context, text.len()),
    }
}

/// Words after which an expression begins.
const REGEXP_PRECEDERS: [&[u8]; 14] = [
    b"break",
    b"case",
    b"continue",
    b"delete",
    b"do",
    b"else",
    b"finally",
    b"in",
    b"instanceof",
    b"return",
    b"throw",
    b"try",
    b"typeof",
    b"void",
];

/// What a slash would begin behind the text.
pub(super) fn next_js_ctx(text: &[u8], before: JsCtx) -> JsCtx {
    let text = trim_end(text);
    let Some((&last, earlier)) = text.split_last() else {
        return before;
    };
    let is_regexp = match last {
        b'+' | b'-' => {
            let run = text.iter().rev().take_while(|&&byte| byte == last).count();
            run % 2 == 1
        }
        b'.' => !earlier.last().is_some_and(u8::is_ascii_digit),
        b',' | b'<' | b'>' | b'=' | b'*' | b'%' | b'&' | b'|' | b'^' | b'?' | b'!' | b'~'
        | b'(' | b'[' | b':' | b';' | b'{' | b'}' => true,
        _ => {
            let word = text
                .iter()
                .rev()
                .take_while(|&&byte| is_ident_part(byte))
                .count();
            let word = text.get(text.len() - word..).unwrap_or_default();
            REGEXP_PRECEDERS.contains(&word)
        }
    };
    if is_regexp {
        JsCtx::Regexp
    } else {
        JsCtx::DivOp
    }
}

fn trim_end(text: &[u8]) -> &[u8] {
    let mut rest = text;
    loop {
        let shorter = match rest {
            [head @ .., b'\t' | b'\n' | b'\x0c' | b'\r' | b' '] => head,
            [head @ .., 0xE2, 0x80, 0xA8 | 0xA9] => head,
            _ => return rest,
        };
        rest = shorter;
    }
}

/// Whether the byte may be part of a name or a number.
pub(super) fn is_ident_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'_')
}
