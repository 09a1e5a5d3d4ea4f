//! The functions that escaping puts behind the commands of an action.

use super::attr::{AttrType, attr_type};
use super::css::decode_css;
use super::js::is_ident_part;
use super::strip::strip_tags;
use crate::bytes::{GoString, chars, find};
use crate::fmt::sprint;
use crate::func::Fault;
use crate::limits::Stop;
use crate::types::Trust;
use crate::value::Value;

/// A function that makes a value safe for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Escaper {
    Attr,
    Comment,
    Css,
    CssValue,
    HtmlName,
    Html,
    JsRegexp,
    JsStr,
    JsTmplLit,
    JsVal,
    NoSpace,
    Rcdata,
    Srcset,
    UrlQuery,
    UrlFilter,
    UrlNormalizer,
    EvalArgs,
}

/// What stands for a value that is not allowed where it stands.
const REFUSED: &str = "ZgotmplZ";

impl Escaper {
    pub(crate) const ALL: [Self; 17] = [
        Self::Attr,
        Self::Comment,
        Self::Css,
        Self::CssValue,
        Self::HtmlName,
        Self::Html,
        Self::JsRegexp,
        Self::JsStr,
        Self::JsTmplLit,
        Self::JsVal,
        Self::NoSpace,
        Self::Rcdata,
        Self::Srcset,
        Self::UrlQuery,
        Self::UrlFilter,
        Self::UrlNormalizer,
        Self::EvalArgs,
    ];

    /// The name in rewritten pipelines, which error texts may show.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Attr => "_html_template_attrescaper",
            Self::Comment => "_html_template_commentescaper",
            Self::Css => "_html_template_cssescaper",
            Self::CssValue => "_html_template_cssvaluefilter",
            Self::HtmlName => "_html_template_htmlnamefilter",
            Self::Html => "_html_template_htmlescaper",
            Self::JsRegexp => "_html_template_jsregexpescaper",
            Self::JsStr => "_html_template_jsstrescaper",
            Self::JsTmplLit => "_html_template_jstmpllitescaper",
            Self::JsVal => "_html_template_jsvalescaper",
            Self::NoSpace => "_html_template_nospaceescaper",
            Self::Rcdata => "_html_template_rcdataescaper",
            Self::Srcset => "_html_template_srcsetescaper",
            Self::UrlQuery => "_html_template_urlescaper",
            Self::UrlFilter => "_html_template_urlfilter",
            Self::UrlNormalizer => "_html_template_urlnormalizer",
            Self::EvalArgs => "_eval_args_",
        }
    }

    /// Escapes the arguments, which are one string to it.
    pub(crate) fn apply(self, args: &[Value], limit: usize) -> Result<Value, Fault> {
        if self == Self::JsVal {
            return Ok(js_value(args, limit)?.into());
        }
        if self == Self::EvalArgs {
            let args: Vec<Value> = args.iter().map(target).collect();
            return Ok(sprint(&args, limit)?.into());
        }
        let (text, trust) = stringify(args, limit)?;
        let text = text.as_bytes();
        Ok(Value::from(match self {
            Self::Html if trust == Trust::Html => text.to_vec(),
            Self::Html => by_table(text, html_entity),
            Self::Rcdata if trust == Trust::Html => by_table(text, html_entity_but_amp),
            Self::Rcdata => by_table(text, html_entity),
            Self::Attr if trust == Trust::Html => by_table(&strip_tags(text), html_entity_but_amp),
            Self::Attr => by_table(text, html_entity),
            Self::NoSpace if trust == Trust::Html => by_table(&strip_tags(text), |c| {
                no_space_entity(c).filter(|_| c != '&')
            }),
            Self::NoSpace if text.is_empty() => REFUSED.into(),
            Self::NoSpace => by_table(text, no_space_entity),
            Self::Comment => Vec::new(),
            Self::Css => css_escape(text),
            Self::CssValue => css_value(text),
            Self::HtmlName => html_name(text),
            Self::JsStr => by_table(text, js_string_escape),
            Self::JsTmplLit => by_table(text, |c| match c {
                '$' => Some("\\u0024".into()),
                '{' => Some("\\u007b".into()),
                '}' => Some("\\u007d".into()),
                _ => js_string_escape(c),
            }),
            Self::JsRegexp if text.is_empty() => b"(?:)".to_vec(),
            Self::JsRegexp => by_table(text, js_regexp_escape),
            Self::UrlFilter if trust == Trust::Url || is_safe_url(text) => text.to_vec(),
            Self::UrlFilter => format!("#{REFUSED}").into_bytes(),
            Self::UrlNormalizer => url_process(text, true),
            Self::UrlQuery => url_process(text, trust == Trust::Url),
            Self::Srcset => srcset(text, trust),
            Self::JsVal | Self::EvalArgs => Vec::new(),
        }))
    }
}

/// What pointers point to, except where the pointer itself has a string form.
fn target(value: &Value) -> Value {
    match value {
        Value::Pointer(..) if value.stringer().is_none() => value.indirect().0.clone(),
        other => other.clone(),
    }
}

/// The arguments as one string, and whether it is trusted. Nil arguments leave no trace.
fn stringify(args: &[Value], limit: usize) -> Result<(GoString, Trust), Stop> {
    if let [Value::String(text, ty)] = args {
        return Ok((text.clone(), ty.trust));
    }
    let args: Vec<Value> = args
        .iter()
        .filter(|arg| !arg.is_none())
        .map(target)
        .collect();
    if let [Value::String(text, ty)] = args.as_slice() {
        return Ok((text.clone(), ty.trust));
    }
    Ok((sprint(&args, limit)?.into(), Trust::Plain))
}

/// The text with characters replaced as the table says.
fn by_table(
    text: &[u8],
    table: impl Fn(char) -> Option<std::borrow::Cow<'static, str>>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut kept = 0;
    // A malformed byte counts as U+FFFD, which only the table of unquoted attributes knows.
    for (at, c, width) in chars(text) {
        if let Some(escape) = table(c) {
            out.extend_from_slice(text.get(kept..at).unwrap_or_default());
            out.extend_from_slice(escape.as_bytes());
            kept = at + width;
        }
    }
    out.extend_from_slice(text.get(kept..).unwrap_or_default());
    out
}

type Escape = Option<std::borrow::Cow<'static, str>>;

fn html_entity(c: char) -> Escape {
    Some(std::borrow::Cow::Borrowed(match c {
        '\0' => "\u{FFFD}",
        '"' => "&#34;",
        '&' => "&amp;",
        '\'' => "&#39;",
        '+' => "&#43;",
        '<' => "&lt;",
        '>' => "&gt;",
        _ => return None,
    }))
}

fn html_entity_but_amp(c: char) -> Escape {
    html_entity(c).filter(|_| c != '&')
}

fn no_space_entity(c: char) -> Escape {
    match c {
        '\0' => Some("&#xfffd;".into()),
        '\t'..='\r' | ' ' | '=' | '`' => Some(format!("&#{};", u32::from(c)).into()),
        '\u{fdd0}'..='\u{fdef}' | '\u{fff0}'..='\u{ffff}' => {
            Some(format!("&#x{:x};", u32::from(c)).into())
        }
        _ => html_entity(c),
    }
}

fn js_string_escape(c: char) -> Escape {
    Some(match c {
        '\t' => "\\t".into(),
        '\n' => "\\n".into(),
        '\u{c}' => "\\f".into(),
        '\r' => "\\r".into(),
        '/' => "\\/".into(),
        '\\' => "\\\\".into(),
        '\0'..='\x1f' | '"' | '`' | '&' | '\'' | '+' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
            format!("\\u{:04x}", u32::from(c)).into()
        }
        _ => return None,
    })
}

fn js_regexp_escape(c: char) -> Escape {
    match c {
        '$' | '(' | ')' | '*' | '-' | '.' | '?' | '[' | ']' | '^' | '{' | '|' | '}' => {
            Some(format!("\\{c}").into())
        }
        '`' => None,
        _ => js_string_escape(c),
    }
}

/// A value as an expression of a script: JSON, with spaces where it might run into its neighbours.
fn js_value(args: &[Value], limit: usize) -> Result<Vec<u8>, Fault> {
    let value = match args {
        [one] => {
            let value = match one {
                Value::Pointer(..) if one.stringer().is_none() => one.indirect().0.clone(),
                other => other.clone(),
            };
            let has_json = value.ty().is_some_and(|ty| ty.json.is_some());
            match value.stringer() {
                Some(form) if !has_json => Value::from(form(&value)),
                _ => value,
            }
        }
        many => Value::from(sprint(many, limit)?),
    };
    let json = match crate::json::encode(&value, limit) {
        Ok(json) => json,
        Err(Fault::Text(message)) => {
            // Neither the end of the comment nor that of the script may be in the text.
            let message = message
                .replace("*/", "* /")
                .replace("</script", "\\x3C/script")
                .replace("<!--", "\\x3C!--");
            return Ok(format!(" /* {message} */null ").into_bytes());
        }
        Err(stop) => return Err(stop),
    };
    let ends = [json.first(), json.last()];
    if ends.iter().flatten().any(|&&byte| is_ident_part(byte)) {
        return Ok([b" ", json.as_slice(), b" "].concat());
    }
    Ok(json)
}

fn html_name(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return REFUSED.into();
    }
    let name = text.to_ascii_lowercase();
    let shown = String::from_utf8_lossy(&name);
    let is_name = name.iter().all(u8::is_ascii_alphanumeric);
    if attr_type(&shown) == AttrType::Plain && is_name {
        name
    } else {
        REFUSED.into()
    }
}

/// Whether the URL's scheme, if it has one, is harmless.
fn is_safe_url(url: &[u8]) -> bool {
    let Some(colon) = find(url, b":") else {
        return true;
    };
    let scheme = url.get(..colon).unwrap_or_default();
    scheme.contains(&b'/')
        || [&b"http"[..], b"https", b"mailto"]
            .iter()
            .any(|safe| scheme.eq_ignore_ascii_case(safe))
}

/// Percent-encodes; `keep_reserved` leaves what has a meaning in URLs, and escapes, as they are.
fn url_process(text: &[u8], keep_reserved: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        let keeps = match byte {
            b'!' | b'#' | b'$' | b'&' | b'*' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?'
            | b'@' | b'[' | b']' => keep_reserved,
            b'-' | b'.' | b'_' | b'~' => true,
            b'%' => {
                let digits = text.get(at + 1..at + 3);
                keep_reserved
                    && digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            _ => byte.is_ascii_alphanumeric(),
        };
        if keeps {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02x}").as_bytes());
        }
    }
    out
}

fn srcset(text: &[u8], trust: Trust) -> Vec<u8> {
    if trust == Trust::Url {
        // The whole is one URL, whose commas must not separate.
        let url = String::from_utf8_lossy(&url_process(text, true)).replace(',', "%2c");
        return url.into_bytes();
    }
    let elements: Vec<Vec<u8>> = text
        .split(|&byte| byte == b',')
        .map(srcset_element)
        .collect();
    elements.join(&b',')
}

/// A URL and its size, between spaces.
fn srcset_element(text: &[u8]) -> Vec<u8> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\x0c' | b'\r');
    let start = text
        .iter()
        .position(|byte| !is_space(byte))
        .unwrap_or(text.len());
    let (before, rest) = text.split_at(start);
    let end = rest.iter().position(is_space).unwrap_or(rest.len());
    let (url, size) = rest.split_at(end);
    let is_size = size
        .iter()
        .all(|byte| is_space(byte) || byte.is_ascii_alphanumeric());
    if !is_size || !is_safe_url(url) {
        return format!("#{REFUSED}").into_bytes();
    }
    [before, &url_process(url, true), size].concat()
}

fn css_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0 | b'\t' | b'\n' | b'\x0c' | b'\r' | b'"' | b'&' | b'\'' | b'(' | b')' | b'+'
            | b'/' | b':' | b';' | b'<' | b'>' | b'{' | b'}' => {
                out.extend_from_slice(format!("\\{byte:x}").as_bytes());
                // What follows must not be taken for a part of the escape.
                let needs_space = text.get(at + 1).is_none_or(|next| {
                    next.is_ascii_hexdigit()
                        || matches!(next, b'\t' | b'\n' | b'\x0c' | b'\r' | b' ')
                });
                if needs_space {
                    out.push(b' ');
                }
            }
            _ => out.push(byte),
        }
    }
    out
}

/// A value of a style sheet, if it can only be a quantity, a colour or names.
fn css_value(text: &[u8]) -> Vec<u8> {
    let decoded = decode_css(text);
    let mut name = Vec::new();
    let mut previous = 0;
    for &byte in &decoded {
        let refused = matches!(
            byte,
            0 | b'"'
                | b'\''
                | b'('
                | b')'
                | b'/'
                | b';'
                | b'@'
                | b'['
                | b'\\'
                | b']'
                | b'`'
                | b'{'
                | b'}'
                | b'<'
                | b'>'
        ) || (byte == b'-' && previous == b'-');
        if refused {
            return REFUSED.into();
        }
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            name.push(byte.to_ascii_lowercase());
        }
        previous = byte;
    }
    let runs_code = [&b"expression"[..], b"mozbinding"]
        .iter()
        .any(|word| find(&name, word).is_some());
    if runs_code { REFUSED.into() } else { decoded }
}
