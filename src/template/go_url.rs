//! As much of Go's `net/url` as functions of templates show: which texts are URLs, what the errors
//! say, and the query.
//!
//! A text is judged by Go's rules and not by those of browsers: `http://host/a b` is a URL,
//! `host:x/y` has the scheme `host`, and `1host:x` has none and is refused for its colon.

use gotemplate::strconv::quote;

/// In which part of a URL an escape stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    User,
    Host,
    Rest,
}

/// The query of a URL, with its escapes; empty if there is none. The error is Go's text.
pub(super) fn query_part(url: &[u8]) -> Result<&[u8], String> {
    let (main, fragment) = cut(url, b'#');
    let failed = |url: &[u8], error: String| format!("parse {}: {error}", quote(url));
    let query = parse(main).map_err(|error| failed(main, error))?;
    check_escapes(fragment, Part::Rest).map_err(|error| failed(url, error))?;
    Ok(query)
}

fn cut(text: &[u8], mark: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == mark) {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, &[]),
    }
}

fn parse(url: &[u8]) -> Result<&[u8], String> {
    if url.iter().any(|&byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (has_scheme, rest) = without_scheme(url)?;
    let (path, query) = cut(rest, b'?');
    if !path.starts_with(b"/") {
        if has_scheme {
            return Ok(query);
        }
        let (first, _) = cut(path, b'/');
        if first.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let path = match path.strip_prefix(b"//") {
        Some(authority) if has_scheme || !path.starts_with(b"///") => {
            let end = authority
                .iter()
                .position(|&byte| byte == b'/')
                .unwrap_or(authority.len());
            let (authority, path) = authority.split_at(end);
            check_authority(authority)?;
            path
        }
        _ => path,
    };
    check_escapes(path, Part::Rest)?;
    Ok(query)
}

fn without_scheme(url: &[u8]) -> Result<(bool, &[u8]), String> {
    for (at, byte) in url.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((true, url.get(at + 1..).unwrap_or_default())),
            _ => break,
        }
    }
    Ok((false, url))
}

fn check_authority(authority: &[u8]) -> Result<(), String> {
    let at = authority.iter().rposition(|&byte| byte == b'@');
    let host = authority
        .get(at.map_or(0, |at| at + 1)..)
        .unwrap_or_default();
    check_host(host)?;
    let Some(user) = at.and_then(|at| authority.get(..at)) else {
        return Ok(());
    };
    let is_valid = user
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte));
    if !is_valid {
        return Err("net/url: invalid userinfo".to_owned());
    }
    check_escapes(user, Part::User)
}

fn check_host(host: &[u8]) -> Result<(), String> {
    let port = match host.iter().rposition(|&byte| byte == b'[') {
        Some(0) => {
            let close = host.iter().rposition(|&byte| byte == b']');
            let close = close.ok_or_else(|| "missing ']' in host".to_owned())?;
            host.get(close + 1..).unwrap_or_default()
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => match host.iter().rposition(|&byte| byte == b':') {
            Some(colon) => host.get(colon..).unwrap_or_default(),
            None => &[],
        },
    };
    let is_port = match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    if !is_port {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    check_escapes(host, Part::Host)
}

fn check_escapes(text: &[u8], part: Part) -> Result<(), String> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let escape = text.get(at..(at + 3).min(text.len())).unwrap_or_default();
        match (byte, escape) {
            (b'%', [_, high, low]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                // A host may escape what is not ASCII, and nothing else but a percent sign.
                if part == Part::Host && *high < b'8' && escape != b"%25" {
                    return Err(format!("invalid URL escape {}", quote(escape)));
                }
                at += 3;
            }
            (b'%', _) => return Err(format!("invalid URL escape {}", quote(escape))),
            _ => {
                let is_host_byte = byte >= 0x80
                    || byte.is_ascii_alphanumeric()
                    || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte);
                if part == Part::Host && !is_host_byte {
                    return Err(format!("invalid character {} in host name", quote(&[byte])));
                }
                at += 1;
            }
        }
    }
    Ok(())
}
