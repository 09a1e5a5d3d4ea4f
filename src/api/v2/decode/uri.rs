//! Which texts Go's `url.ParseRequestURI` takes: what Alertmanager demands of a `generatorURL`.

/// Whether a text is an absolute URL, or a path that begins with `/`.
#[must_use]
pub fn is_request_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|byte| byte.is_ascii_control()) {
        return false;
    }
    if text == "*" {
        return true;
    }
    let Some((has_scheme, rest)) = split_scheme(text) else {
        return false;
    };
    let rest = rest.split_once('?').map_or(rest, |(path, _)| path);
    if !rest.starts_with('/') {
        // Such as `mailto:x`, whose rest means nothing to Go.
        return has_scheme;
    }
    let authority = rest.strip_prefix("//").filter(|_| has_scheme);
    let Some(authority) = authority else {
        return has_valid_escapes(rest);
    };
    let (authority, path) = authority.split_at(authority.find('/').unwrap_or(authority.len()));
    has_valid_escapes(path) && is_authority(authority)
}

/// Whether there is a scheme, and what is behind it; `None` for a colon without one.
fn split_scheme(text: &str) -> Option<(bool, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((true, text.get(at + 1..)?)),
            _ => break,
        }
    }
    Some((false, text))
}

fn is_authority(authority: &str) -> bool {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return is_host(authority);
    };
    let is_user_char = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    is_host(host) && user.chars().all(is_user_char) && has_valid_escapes(user)
}

fn is_host(host: &str) -> bool {
    if let Some(open) = host.find('[') {
        // An address of IPv6, in which Go lets a zone stand behind `%25`.
        let Some(close) = host.rfind(']').filter(|_| open == 0) else {
            return false;
        };
        let (address, port) = host.split_at(close);
        let (address, zone) = address.split_once("%25").unwrap_or((address, ""));
        let address = address.get(1..).unwrap_or_default();
        return is_port(port.get(1..).unwrap_or_default())
            && address.contains(':')
            && address.parse::<std::net::Ipv6Addr>().is_ok()
            && has_valid_escapes(zone);
    }
    let name = match host.rfind(':') {
        None => host,
        Some(colon) => {
            let (name, port) = host.split_at(colon);
            if !is_port(port) || name.contains(':') {
                return false;
            }
            name
        }
    };
    let is_host_char = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:[]<>\"%".contains(c)
    };
    name.chars().all(is_host_char) && has_host_escapes(name)
}

/// Nothing, or a colon and digits (none will do).
fn is_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => port.is_empty(),
    }
}

/// In the name of a host only bytes beyond ASCII may be written with `%`, and that itself.
fn has_host_escapes(name: &str) -> bool {
    escapes(name).all(|byte| byte.is_some_and(|byte| !byte.is_ascii() || byte == b'%'))
}

fn has_valid_escapes(text: &str) -> bool {
    escapes(text).all(|byte| byte.is_some())
}

/// The bytes that are written with `%`; `None` for a `%` without two digits behind it.
fn escapes(text: &str) -> impl Iterator<Item = Option<u8>> {
    text.split('%').skip(1).map(|rest| {
        let digits = rest.get(..2)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u8::from_str_radix(digits, 16).ok())?
    })
}
