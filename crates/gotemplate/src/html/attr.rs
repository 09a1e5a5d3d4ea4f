//! What attributes hold.

/// The language of an attribute's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AttrType {
    Plain,
    Url,
    Css,
    Js,
    Srcset,
    Html,
    /// One that changes what the page is; a template may not name it dynamically.
    Unsafe,
}

/// The type of an attribute by its lower-case name.
pub(super) fn attr_type(name: &str) -> AttrType {
    let name = match (name.strip_prefix("data-"), name.split_once(':')) {
        (Some(rest), _) => rest,
        (None, Some(("xmlns", _))) => return AttrType::Url,
        (None, Some((_, rest))) => rest,
        (None, None) => name,
    };
    match name {
        "action" | "archive" | "background" | "cite" | "classid" | "codebase" | "data"
        | "formaction" | "href" | "icon" | "longdesc" | "manifest" | "poster" | "profile"
        | "src" | "usemap" | "xmlns" => AttrType::Url,
        "style" => AttrType::Css,
        "srcset" => AttrType::Srcset,
        "srcdoc" => AttrType::Html,
        "accept-charset" | "async" | "challenge" | "charset" | "content" | "crossorigin"
        | "defer" | "enctype" | "form" | "formenctype" | "formmethod" | "formnovalidate"
        | "http-equiv" | "keytype" | "language" | "method" | "novalidate" | "pattern" | "rel"
        | "sandbox" | "type" | "value" => AttrType::Unsafe,
        // Plain text, though its name looks like a URL's.
        "srclang" => AttrType::Plain,
        _ if name.starts_with("on") => AttrType::Js,
        _ if ["src", "uri", "url"].iter().any(|part| name.contains(part)) => AttrType::Url,
        _ => AttrType::Plain,
    }
}

/// Whether a `type` attribute of a script makes its content JavaScript.
pub(super) fn is_js_type(value: &[u8]) -> bool {
    let value = String::from_utf8_lossy(value).to_lowercase();
    let value = value.split(';').next().unwrap_or_default().trim();
    matches!(
        value,
        "" | "module"
            | "application/ecmascript"
            | "application/javascript"
            | "application/json"
            | "application/ld+json"
            | "application/x-ecmascript"
            | "application/x-javascript"
            | "text/ecmascript"
            | "text/javascript"
            | "text/javascript1.0"
            | "text/javascript1.1"
            | "text/javascript1.2"
            | "text/javascript1.3"
            | "text/javascript1.4"
            | "text/javascript1.5"
            | "text/jscript"
            | "text/livescript"
            | "text/x-ecmascript"
            | "text/x-javascript"
    )
}
