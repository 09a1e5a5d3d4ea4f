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
            check_address(host.get(1..close).unwrap_or_default())?;
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

/// What stands in brackets is an address of IPv6, perhaps with a zone.
fn check_address(literal: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(literal);
    let (address, _) = text.split_once("%25").unwrap_or((&text, ""));
    if address.contains('%') || address.parse::<std::net::Ipv6Addr>().is_ok() {
        // A wrong escape is reported as one.
        return Ok(());
    }
    if address.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err("invalid IP-literal".to_owned());
    }
    let shown = quote(address.as_bytes());
    Err(format!(
        "invalid host: ParseAddr({shown}): unable to parse IP"
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What Go 1.26 says of each, without the `parse "…": ` in front.
    const REFUSED: [(&str, &str); 24] = [
        ("http://h/%zz", r#"invalid URL escape "%zz""#),
        ("http://h/#%zz", r#"invalid URL escape "%zz""#),
        ("http://h:80a/", r#"invalid port ":80a" after host"#),
        ("http://[::1/", "missing ']' in host"),
        ("http://a[b]/", "invalid IP-literal"),
        ("http://u s@h/", "net/url: invalid userinfo"),
        ("http://a b/", r#"invalid character " " in host name"#),
        ("http://a%20b/", r#"invalid URL escape "%20""#),
        ("http://a%zzb/", r#"invalid URL escape "%zz""#),
        ("http://%41/", r#"invalid URL escape "%41""#),
        ("http://h\x7f/", "net/url: invalid control character in URL"),
        ("\x01", "net/url: invalid control character in URL"),
        ("1h:x", "first path segment in URL cannot contain colon"),
        (":x", "missing protocol scheme"),
        ("http://h|x/", r#"invalid character "|" in host name"#),
        ("http://[fe80::1%en0]/", r#"invalid URL escape "%en""#),
        ("http://h/p%", r#"invalid URL escape "%""#),
        ("http://[::1]x/", r#"invalid port "x" after host"#),
        ("http://h`/", r#"invalid character "`" in host name"#),
        ("http://[1.2.3.4]/", "invalid IP-literal"),
        (
            "http://[]/",
            r#"invalid host: ParseAddr(""): unable to parse IP"#,
        ),
        (
            "http://[x]/",
            r#"invalid host: ParseAddr("x"): unable to parse IP"#,
        ),
        ("1:", "first path segment in URL cannot contain colon"),
        ("http://h:x", r#"invalid port ":x" after host"#),
    ];

    #[test]
    fn what_is_no_url_is_refused_in_the_words_of_go() {
        let seen = REFUSED.map(|(url, _)| query_part(url.as_bytes()).map(<[u8]>::len));
        let expected =
            REFUSED.map(|(url, error)| Err(format!("parse {}: {error}", quote(url.as_bytes()))));
        assert_eq!(seen, expected);
    }

    #[test]
    fn odd_urls_are_urls() {
        let seen = [
            "",
            "*",
            "?a",
            "#f",
            "http://h:/?b",
            "http://[::1]:9090/?c",
            "http://u@v@h/?d",
            "h:x/y?e",
            "a:b:c",
            "./x:y",
            "//h/p?f",
            "///p",
            "mailto:a@b?g",
            "http://h/a b?h",
            "http://é/?i",
            "http://h\"x/",
            "http://[fe80::1%25en0]:80/?j",
            "http://::1/",
            "http://<h>/?k",
        ]
        .map(|url| query_part(url.as_bytes()).map(<[u8]>::to_vec));
        let queries = [
            "", "", "a", "", "b", "c", "d", "e", "", "", "f", "", "g", "h", "i", "", "j", "", "k",
        ];
        assert_eq!(seen, queries.map(|query| Ok(query.as_bytes().to_vec())));
    }
}
