//! Answers in the two dialects of the API, and in that of everything else.
//!
//! What the framework of upstream refuses is `{"code":…,"message":"…"}` without a line end, and `<`,
//! `>`, `&` are escaped. What its handlers say is one JSON value and a line end. What is outside
//! `/api/v2/` is plain text.

use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};

use super::body::Body;
use super::v2::encode::{Escape, string};

/// An answer.
pub type Answer = Response<Body>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
const NOSNIFF_NAME: HeaderName = hyper::header::X_CONTENT_TYPE_OPTIONS;

/// An answer without a body.
pub fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

fn with_body(status: StatusCode, media_type: HeaderValue, body: Body) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, media_type);
    answer
}

/// A JSON value that is written already.
pub fn json(body: Body) -> Answer {
    with_body(StatusCode::OK, JSON, body)
}

/// The words of a handler.
pub fn said(status: StatusCode, message: &str) -> Answer {
    let mut body = Vec::with_capacity(message.len() + 3);
    string(&mut body, message, Escape::Plain);
    body.push(b'\n');
    with_body(status, JSON, Body::whole(body))
}

/// The refusal of the framework. Codes from 600 on are about parts of the request: status 422.
pub fn refused(code: u16, message: &str) -> Answer {
    let status = match code {
        600.. => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let mut body = format!("{{\"code\":{code},\"message\":").into_bytes();
    string(&mut body, message, Escape::Html);
    body.push(b'}');
    with_body(status, JSON, Body::whole(body))
}

/// A page of text.
pub fn text(status: StatusCode, body: impl Into<bytes::Bytes>) -> Answer {
    with_body(status, TEXT, Body::whole(body))
}

/// A page of text of a type of its own.
pub fn page(media_type: &'static str, body: impl Into<bytes::Bytes>) -> Answer {
    let media_type = HeaderValue::from_static(media_type);
    with_body(StatusCode::OK, media_type, Body::whole(body))
}

/// Go's `http.Error`.
pub fn error(status: StatusCode, message: &str) -> Answer {
    let mut answer = text(status, format!("{message}\n"));
    answer.headers_mut().insert(NOSNIFF_NAME, NOSNIFF);
    answer
}

/// Go's `http.Redirect`: only the answer to a GET has a body.
pub fn redirect(status: StatusCode, location: &str, has_body: bool) -> Answer {
    let location: String = location.bytes().map(escaped_byte).collect();
    let mut answer = match has_body {
        true => {
            let reason = status.canonical_reason().unwrap_or_default();
            let shown = html(&location);
            let body = format!("<a href=\"{shown}\">{reason}</a>.\n\n");
            with_body(status, HTML, Body::whole(body))
        }
        false => empty(status),
    };
    if let Ok(location) = HeaderValue::from_str(&location) {
        answer.headers_mut().insert(LOCATION, location);
    }
    answer
}

/// What is not ASCII is written as `%xx` in a location.
fn escaped_byte(byte: u8) -> String {
    match byte.is_ascii() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:x}"),
    }
}

fn html(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&#34;".to_owned(),
        '\'' => "&#39;".to_owned(),
        _ => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// With the methods that would have been allowed.
pub fn with_allow(mut answer: Answer, methods: &str) -> Answer {
    if let Ok(methods) = HeaderValue::from_str(methods) {
        answer.headers_mut().insert(ALLOW, methods);
    }
    answer
}

/// The last answer on its connection: what the client still sends is not worth reading.
pub fn closing(mut answer: Answer) -> Answer {
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}
