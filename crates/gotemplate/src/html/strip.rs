//! Trusted HTML where no tags may be: only its text is kept.

use super::context::{Context, Delim, Element, State};
use super::transition::transition;
use crate::bytes::{find, find_any};

/// The text of a fragment without its tags and comments.
pub(super) fn strip_tags(html: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(html.len());
    let mut context = Context::default();
    let mut at = 0;
    let mut all_text = true;
    while at < html.len() {
        let rest = html.get(at..).unwrap_or_default();
        if context.delim == Delim::None {
            // Scripts and the like are skipped with their tags; what is left is text and the
            // insides of titles and text areas.
            let (next, read) = match context.element {
                Element::None => transition(context.clone(), rest),
                element => match end_of_element(rest, element.end_tag()) {
                    Some(0) => (Context::default(), 0),
                    end => transition(
                        context.clone(),
                        rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest),
                    ),
                },
            };
            let end = at + read;
            if matches!(context.state, State::Text | State::Rcdata) {
                let mut stop = end;
                if next.state != context.state {
                    let text = html.get(at..end).unwrap_or_default();
                    stop = text
                        .iter()
                        .rposition(|&byte| byte == b'<')
                        .map_or(end, |tag| at + tag);
                }
                out.extend_from_slice(html.get(at..stop).unwrap_or_default());
            } else {
                all_text = false;
            }
            if read == 0 && next.state == context.state {
                break;
            }
            context = next;
            at = end;
            continue;
        }
        all_text = false;
        let ends: &[u8] = match context.delim {
            Delim::DoubleQuote => b"\"",
            Delim::SingleQuote => b"'",
            _ => b" \t\n\x0c\r>",
        };
        let Some(end) = find_any(rest, ends) else {
            break;
        };
        at += end + usize::from(context.delim != Delim::SpaceOrTagEnd);
        context = Context {
            state: State::Tag,
            element: context.element,
            ..Context::default()
        };
    }
    if all_text && context.state == State::Text {
        html.to_vec()
    } else {
        out
    }
}

fn end_of_element(text: &[u8], tag: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + find(text.get(from..)?, b"</")?;
        let name = text.get(at + 2..at + 2 + tag.len())?;
        if name.eq_ignore_ascii_case(tag) {
            return Some(at);
        }
        from = at + 2;
    }
}
