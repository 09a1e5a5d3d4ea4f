//! How a piece of text moves the context on: HTML itself. Scripts and style sheets have modules of
//! their own.

use super::attr::{AttrType, attr_type, is_js_type};
use super::context::{Attr, Context, Delim, Element, State, UrlPart};
use super::{css, entities, js};
use crate::bytes::{find, find_any};
use crate::quote::quote;

const COMMENT_START: &[u8] = b"<!--";
const COMMENT_END: &[u8] = b"-->";

/// The context after some of the text, and how much that is.
pub(super) fn after_text(context: Context, text: &[u8]) -> (Context, usize) {
    if context.delim == Delim::None {
        let end = special_end(&context, text);
        if end == Some(0) {
            // The end tag of the element is next: its content is over.
            return (Context::default(), 0);
        }
        let text = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
        return transition(context, text);
    }
    in_value(context, text)
}

/// Within an attribute's value.
fn in_value(context: Context, text: &[u8]) -> (Context, usize) {
    let ends: &[u8] = match context.delim {
        Delim::DoubleQuote => b"\"",
        Delim::SingleQuote => b"'",
        Delim::SpaceOrTagEnd | Delim::None => b" \t\n\x0c\r>",
    };
    let end = find_any(text, ends);
    let value = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
    if context.delim == Delim::SpaceOrTagEnd
        && let Some(at) = find_any(value, b"\"'<=`")
    {
        let bad = quote(value.get(at..=at).unwrap_or_default());
        let message = format!("{bad} in unquoted attr: {}", quote(value));
        return (Context::failed(message), text.len());
    }
    let Some(end) = end else {
        // The value goes on behind this text. Its languages see it without HTML's escapes.
        let decoded = entities::decode(value);
        let mut rest = decoded.as_slice();
        let mut context = context;
        while !rest.is_empty() {
            let (next, read) = transition(context, rest);
            context = next;
            rest = rest.get(read..).unwrap_or_default();
        }
        return (context, text.len());
    };
    let mut element = context.element;
    if context.state == State::Attr
        && element == Element::Script
        && context.attr == Attr::ScriptType
        && !is_js_type(value)
    {
        element = Element::None;
    }
    let quote_len = usize::from(context.delim != Delim::SpaceOrTagEnd);
    (
        Context {
            state: State::Tag,
            element,
            ..Context::default()
        },
        end + quote_len,
    )
}

pub(super) fn transition(context: Context, text: &[u8]) -> (Context, usize) {
    match context.state {
        State::Text => in_text(context, text),
        State::Tag => in_tag(&context, text),
        State::AttrName => in_attr_name(context, text),
        State::AfterName => after_name(context, text),
        State::BeforeValue => before_value(context, text),
        State::HtmlComment => match find(text, COMMENT_END) {
            Some(at) => (Context::default(), at + COMMENT_END.len()),
            None => (context, text.len()),
        },
        State::Rcdata | State::Attr | State::Error | State::Dead => (context, text.len()),
        State::Url | State::Srcset => (in_url(context, text), text.len()),
        State::MetaContent => in_meta_content(context, text),
        State::MetaContentUrl => match find(text, b";") {
            Some(at) => (context.with(State::MetaContent), at + 1),
            None => (context, text.len()),
        },
        State::Js => js::in_js(context, text),
        State::JsDqStr | State::JsSqStr | State::JsRegexp => js::in_literal(context, text),
        State::JsTmplLit => js::in_template_literal(context, text),
        State::JsBlockComment | State::CssBlockComment => in_block_comment(context, text),
        State::JsLineComment | State::JsHtmlOpenComment | State::JsHtmlCloseComment => {
            js::in_line_comment(context, text)
        }
        State::Css => css::in_css(context, text),
        State::CssDqStr | State::CssSqStr | State::CssDqUrl | State::CssSqUrl | State::CssUrl => {
            css::in_string(context, text)
        }
        State::CssLineComment => match find_any(text, b"\n\x0c\r") {
            Some(at) => (context.with(State::Css), at),
            None => (context, text.len()),
        },
    }
}

fn in_text(context: Context, text: &[u8]) -> (Context, usize) {
    let mut from = 0;
    while let Some(step) = text.get(from..).and_then(|rest| find(rest, b"<")) {
        let mut at = from + step;
        let rest = text.get(at..).unwrap_or_default();
        if rest.len() == 1 {
            break;
        }
        if rest.starts_with(COMMENT_START) {
            return (Context::of(State::HtmlComment), at + COMMENT_START.len());
        }
        at += 1;
        let closes = text.get(at) == Some(&b'/');
        if closes {
            at += 1;
            if at == text.len() {
                break;
            }
        }
        let end = tag_name_end(text, at);
        if end != at {
            let name = text.get(at..end).unwrap_or_default();
            let element = if closes {
                Element::None
            } else {
                Element::from_tag(name)
            };
            return (
                Context {
                    state: State::Tag,
                    element,
                    ..Context::default()
                },
                end,
            );
        }
        from = end;
    }
    (context, text.len())
}

/// The end of a tag's name: letters and digits, with single dashes and colons between them.
fn tag_name_end(text: &[u8], start: usize) -> usize {
    if !text.get(start).is_some_and(u8::is_ascii_alphabetic) {
        return start;
    }
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        if byte.is_ascii_alphanumeric() {
            at += 1;
        } else if matches!(byte, b':' | b'-')
            && text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
        {
            at += 2;
        } else {
            break;
        }
    }
    at
}

pub(super) fn skip_space(text: &[u8]) -> usize {
    text.iter()
        .position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r'))
        .unwrap_or(text.len())
}

fn in_tag(context: &Context, text: &[u8]) -> (Context, usize) {
    let start = skip_space(text);
    let rest = text.get(start..).unwrap_or_default();
    match rest.first() {
        None => return (context.clone(), text.len()),
        Some(b'>') => {
            let element = if context.element == Element::Meta {
                Element::None
            } else {
                context.element
            };
            let state = element.content_state();
            return (
                Context {
                    state,
                    element,
                    ..Context::default()
                },
                start + 1,
            );
        }
        Some(_) => {}
    }
    let end = match attr_name_end(text, start) {
        Ok(end) => end,
        Err(failed) => return (failed, text.len()),
    };
    if end == start {
        let shown = quote(rest);
        let message = format!("expected space, attr name, or end of tag, but got {shown}");
        return (Context::failed(message), text.len());
    }
    let name = text.get(start..end).unwrap_or_default();
    let name = String::from_utf8_lossy(name).to_lowercase();
    let attr = match (context.element, name.as_str()) {
        (Element::Script, "type") => Attr::ScriptType,
        (Element::Meta, "content") => Attr::MetaContent,
        _ => match attr_type(&name) {
            AttrType::Url => Attr::Url,
            AttrType::Css => Attr::Style,
            AttrType::Js => Attr::Script,
            AttrType::Srcset => Attr::Srcset,
            AttrType::Plain | AttrType::Html | AttrType::Unsafe => Attr::None,
        },
    };
    let state = if end == text.len() {
        State::AttrName
    } else {
        State::AfterName
    };
    (
        Context {
            state,
            attr,
            element: context.element,
            ..Context::default()
        },
        end,
    )
}

fn attr_name_end(text: &[u8], start: usize) -> Result<usize, Context> {
    for (at, &byte) in text.iter().enumerate().skip(start) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\x0c' | b'\r' | b'=' | b'>' => return Ok(at),
            b'\'' | b'"' | b'<' => {
                let bad = quote(&[byte]);
                let shown = quote(first_chars(text, 32));
                return Err(Context::failed(format!("{bad} in attribute name: {shown}")));
            }
            _ => {}
        }
    }
    Ok(text.len())
}

/// As much of a text as an error shows.
pub(super) fn first_chars(text: &[u8], count: usize) -> &[u8] {
    let end = crate::bytes::chars(text)
        .nth(count)
        .map_or(text.len(), |(at, _, _)| at);
    text.get(..end).unwrap_or(text)
}

fn in_attr_name(context: Context, text: &[u8]) -> (Context, usize) {
    match attr_name_end(text, 0) {
        Err(failed) => (failed, text.len()),
        Ok(end) if end == text.len() => (context, end),
        Ok(end) => (context.with(State::AfterName), end),
    }
}

fn after_name(context: Context, text: &[u8]) -> (Context, usize) {
    let start = skip_space(text);
    match text.get(start) {
        None => (context, text.len()),
        Some(b'=') => (context.with(State::BeforeValue), start + 1),
        Some(_) => (context.with(State::Tag), start),
    }
}

fn before_value(mut context: Context, text: &[u8]) -> (Context, usize) {
    let start = skip_space(text);
    let (delim, read) = match text.get(start) {
        None => return (context, text.len()),
        Some(b'\'') => (Delim::SingleQuote, start + 1),
        Some(b'"') => (Delim::DoubleQuote, start + 1),
        Some(_) => (Delim::SpaceOrTagEnd, start),
    };
    context.state = context.attr.value_state();
    context.delim = delim;
    (context, read)
}

/// Where the end tag of the element begins, in whose content the text stands.
fn special_end(context: &Context, text: &[u8]) -> Option<usize> {
    let tag = context.element.end_tag();
    let protected = context.element == Element::Script
        && (context.state.is_script_literal() || context.state.is_comment());
    if context.element == Element::None || protected {
        return None;
    }
    let mut from = 0;
    loop {
        let at = from + find(text.get(from..)?, b"</")?;
        let name = text.get(at + 2..)?;
        if let Some((name, rest)) = name.split_at_checked(tag.len())
            && name.eq_ignore_ascii_case(tag)
            && matches!(
                rest.first(),
                Some(b'>' | b' ' | b'\t' | b'\n' | b'\x0c' | b'/')
            )
        {
            return Some(at);
        }
        from = at + 2;
    }
}

pub(super) fn in_url(mut context: Context, text: &[u8]) -> Context {
    if find_any(text, b"#?").is_some() {
        context.url_part = UrlPart::QueryOrFrag;
    } else if skip_space(text) != text.len() && context.url_part == UrlPart::None {
        context.url_part = UrlPart::PreQuery;
    }
    context
}

/// A refresh: `5; url=…`.
fn in_meta_content(context: Context, text: &[u8]) -> (Context, usize) {
    for at in 0..text.len() {
        let rest = text.get(at..).unwrap_or_default();
        if let Some((word, behind)) = rest.split_at_checked(3)
            && word.eq_ignore_ascii_case(b"url")
        {
            let spaces = skip_space(behind);
            if behind.get(spaces) == Some(&b'=') {
                return (context.with(State::MetaContentUrl), at + 3 + spaces + 1);
            }
        }
    }
    (context, text.len())
}

fn in_block_comment(context: Context, text: &[u8]) -> (Context, usize) {
    let Some(at) = find(text, b"*/") else {
        return (context, text.len());
    };
    let state = if context.state == State::JsBlockComment {
        State::Js
    } else {
        State::Css
    };
    (context.with(state), at + 2)
}
