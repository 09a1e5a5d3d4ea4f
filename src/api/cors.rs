//! Requests from pages of other origins (`http-api.md` §4.1): any may read, and post what a form could;
//! none may delete or send headers of its own.

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use hyper::{HeaderMap, Method, StatusCode};

use super::answer::{Answer, empty};

const ANY: HeaderValue = HeaderValue::from_static("*");
const VARY_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
);
const METHODS: [&str; 4] = ["GET", "POST", "HEAD", "OPTIONS"];
/// Sorted, as browsers ask for them.
const HEADERS: [&str; 3] = ["accept", "content-type", "x-requested-with"];
/// Empty parts of a list that are overlooked.
const EMPTY_PARTS_MAX: usize = 16;

/// The answer to a browser that asks whether it may.
pub fn preflight(method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    if method != Method::OPTIONS || wanted.is_empty() {
        return None;
    }
    let mut answer = empty(StatusCode::NO_CONTENT);
    let out = answer.headers_mut();
    out.insert(VARY, VARY_PREFLIGHT);
    let has_origin = headers.get(ORIGIN).is_some_and(|origin| !origin.is_empty());
    let is_method = METHODS
        .iter()
        .any(|method| wanted.as_bytes() == method.as_bytes());
    if !has_origin || !is_method || !may_send(headers) {
        return Some(answer);
    }
    out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    out.insert(ACCESS_CONTROL_ALLOW_METHODS, wanted.clone());
    for asked in headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        out.append(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    Some(answer)
}

/// Whether all headers that a page would send are allowed, each named once, in the order of names.
fn may_send(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS);
    let mut empty_parts = 0;
    let mut next = 0;
    for part in asked
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
    {
        let name = part.trim_ascii();
        if name.is_empty() {
            empty_parts += 1;
            continue;
        }
        let later = HEADERS.get(next..).unwrap_or_default();
        match later.iter().position(|header| header.as_bytes() == name) {
            Some(at) => next += at + 1,
            None => return false,
        }
    }
    // A header that is there and empty has one empty part of its own.
    empty_parts <= EMPTY_PARTS_MAX
}

/// Adds what browsers need to an answer.
pub fn admit(answer: &mut Answer, method: &Method, request: &HeaderMap) {
    let out = answer.headers_mut();
    out.insert(VARY, HeaderValue::from_static("Origin"));
    let has_origin = request.get(ORIGIN).is_some_and(|origin| !origin.is_empty());
    if has_origin && METHODS.contains(&method.as_str()) {
        out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    }
}
