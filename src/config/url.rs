//! URLs as Go takes them apart and puts them together again.
//!
//! Laxer than the URLs of browsers: nothing is normalised but the case of the scheme, a space in the
//! path is fine, and there may be no path at all. The parts are kept, so that what is printed is what
//! Alertmanager prints.

mod escape;

use std::fmt;
use std::net::Ipv6Addr;

use gotemplate::strconv::quote;

use escape::{Part, escape, is_valid, unescape};

/// Parts of a secret URL that are longer than this are not shown in errors: a secret is long, and
/// what is shorter helps to find the mistake.
const SHOWN_BYTES_MAX: usize = 8;

/// An absolute URL of HTTP, or whatever else stands for a proxy.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Url {
    scheme: String,
    opaque: String,
    user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    host: Vec<u8>,
    has_no_authority: bool,
    path: Vec<u8>,
    /// The path as it was written, if it cannot be had by escaping.
    raw_path: Option<String>,
    has_empty_query: bool,
    query: String,
    fragment: Vec<u8>,
    raw_fragment: Option<String>,
}

/// Why a text is no URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for UrlError {}

/// How much of a URL an error may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// All of it.
    Open,
    /// Nothing that could be a secret: no user information, and no long path.
    Secret,
}

impl Url {
    /// A URL of HTTP with a host, as most fields want it.
    ///
    /// # Errors
    /// In the words of Go and of Alertmanager.
    pub fn parse_http(text: &str, exposure: Exposure) -> Result<Self, UrlError> {
        let url = Self::parse(text, exposure)?;
        if url.scheme != "http" && url.scheme != "https" {
            let scheme = match exposure {
                Exposure::Open => url.scheme.as_str(),
                Exposure::Secret => shown(&url.scheme),
            };
            let scheme = quote(scheme.as_bytes());
            return Err(UrlError(format!("unsupported scheme {scheme} for URL")));
        }
        if url.host.is_empty() {
            return Err(UrlError("missing host for URL".to_owned()));
        }
        Ok(url)
    }

    /// Any URL, a relative one, too.
    ///
    /// # Errors
    /// In the words of Go.
    pub fn parse(text: &str, exposure: Exposure) -> Result<Self, UrlError> {
        let failure = |part: &str, reason: String| {
            let (part, reason) = match exposure {
                Exposure::Open => (part.to_owned(), reason),
                Exposure::Secret => (masked(part), masked_reason(&reason)),
            };
            UrlError(format!("parse {}: {reason}", quote(part.as_bytes())))
        };
        let (before, fragment) = match text.split_once('#') {
            Some((before, fragment)) => (before, Some(fragment)),
            None => (text, None),
        };
        let mut url = Self::without_fragment(before).map_err(|reason| failure(before, reason))?;
        if let Some(fragment) = fragment {
            url.fragment =
                unescape(fragment, Part::Fragment).map_err(|reason| failure(text, reason))?;
            let is_canonical = escape(&url.fragment, Part::Fragment) == fragment;
            url.raw_fragment = (!is_canonical).then(|| fragment.to_owned());
        }
        Ok(url)
    }

    fn without_fragment(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        if text == "*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let rest = match rest.split_once('?') {
            Some((rest, "")) => {
                url.has_empty_query = true;
                rest
            }
            Some((rest, query)) => {
                query.clone_into(&mut url.query);
                rest
            }
            None => rest,
        };
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest
                .split('/')
                .next()
                .is_some_and(|first| first.contains(':'))
            {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        let has_authority = !url.scheme.is_empty() || !rest.starts_with("///");
        let path = match rest.strip_prefix("//") {
            Some(rest) if has_authority => {
                let end = rest.find('/').unwrap_or(rest.len());
                url.read_authority(&rest[..end])?;
                &rest[end..]
            }
            _ => {
                url.has_no_authority = !url.scheme.is_empty() && rest.starts_with('/');
                rest
            }
        };
        url.set_path(path)?;
        Ok(url)
    }

    fn read_authority(&mut self, authority: &str) -> Result<(), String> {
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        self.host = read_host(&self.scheme, host)?;
        let Some(user) = user else { return Ok(()) };
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
        if !user.chars().all(is_allowed) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        let (name, password) = match user.split_once(':') {
            Some((name, password)) => (name, Some(unescape(password, Part::User)?)),
            None => (user, None),
        };
        self.user = Some((unescape(name, Part::User)?, password));
        Ok(())
    }

    fn set_path(&mut self, path: &str) -> Result<(), String> {
        self.path = unescape(path, Part::Path)?;
        let is_canonical = escape(&self.path, Part::Path) == path;
        self.raw_path = (!is_canonical).then(|| path.to_owned());
        Ok(())
    }

    /// Whether there is nothing to be called: the URL of a field whose value is hidden.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same URL with a path that ends in `/`.
    #[must_use]
    pub fn with_final_slash(mut self) -> Self {
        if self.path.ends_with(b"/") {
            return self;
        }
        self.path.push(b'/');
        // What is kept as it was written no longer fits, and Go escapes the path anew.
        self.raw_path = None;
        self
    }

    /// The same URL whose path does not end in `/`, and begins with one if there is any.
    #[must_use]
    pub fn without_final_slashes(mut self) -> Self {
        let end = self
            .path
            .iter()
            .rposition(|byte| *byte != b'/')
            .map_or(0, |at| at + 1);
        let mut path = self.path[..end].to_vec();
        if !path.is_empty() && !path.starts_with(b"/") {
            path.insert(0, b'/');
        }
        if path != self.path {
            self.path = path;
            // What is kept as it was written no longer fits, and Go escapes the path anew.
            self.raw_path = None;
        }
        self
    }

    /// Its scheme in lower case; empty if it has none.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Its path without escapes; what is no UTF-8 is replaced.
    #[must_use]
    pub fn path(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }

    /// The whole URL, passwords and all.
    #[must_use]
    pub fn exposed(&self) -> String {
        self.text(
            self.user
                .as_ref()
                .and_then(|(_, password)| password.as_deref()),
        )
    }

    /// The URL with `xxxxx` for a password.
    #[must_use]
    pub fn redacted(&self) -> String {
        let password = self
            .user
            .as_ref()
            .and_then(|(_, password)| password.as_ref());
        self.text(password.map(|_| b"xxxxx".as_slice()))
    }

    fn text(&self, password: Option<&[u8]>) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            self.push_hierarchy(&mut out, password);
        } else {
            out.push_str(&self.opaque);
        }
        if self.has_empty_query || !self.query.is_empty() {
            out.push('?');
            out.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            match &self.raw_fragment {
                Some(raw) if is_valid(raw, Part::Fragment) => out.push_str(raw),
                _ => out.push_str(&escape(&self.fragment, Part::Fragment)),
            }
        }
        out
    }

    fn push_hierarchy(&self, out: &mut String, password: Option<&[u8]>) {
        let has_host = !self.host.is_empty();
        let is_absolute = !self.scheme.is_empty() || has_host || self.user.is_some();
        let is_omitted = self.has_no_authority && !has_host && self.user.is_none();
        if is_absolute && !is_omitted {
            if has_host || !self.path.is_empty() || self.user.is_some() {
                out.push_str("//");
            }
            if let Some((name, _)) = &self.user {
                out.push_str(&escape(name, Part::User));
                if let Some(password) = password {
                    out.push(':');
                    out.push_str(&escape(password, Part::User));
                }
                out.push('@');
            }
            out.push_str(&escape(&self.host, Part::Host));
        }
        let path = match &self.raw_path {
            Some(raw) if is_valid(raw, Part::Path) => raw.clone(),
            _ if self.path == b"*" => "*".to_owned(),
            _ => escape(&self.path, Part::Path),
        };
        if !path.is_empty() && !path.starts_with('/') && has_host {
            out.push('/');
        }
        let has_colon = path
            .split('/')
            .next()
            .is_some_and(|first| first.contains(':'));
        if out.is_empty() && has_colon {
            out.push_str("./");
        }
        out.push_str(&path);
    }
}

/// Without passwords: for logs and for those who look for a mistake.
impl fmt::Debug for Url {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.redacted())
    }
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn read_host(scheme: &str, host: &str) -> Result<Vec<u8>, String> {
    match host.rfind('[') {
        Some(0) => return read_literal(host),
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let colon = match scheme {
        "http" | "https" => host.find(':'),
        _ => host.rfind(':'),
    };
    if let Some(colon) = colon {
        check_port(&host[colon..])?;
    }
    unescape(host, Part::Host)
}

/// `[::1]:80`, perhaps with a zone: `[fe80::1%25en0]`.
fn read_literal(host: &str) -> Result<Vec<u8>, String> {
    let end = host.rfind(']').ok_or("missing ']' in host")?;
    let port = &host[end + 1..];
    check_port(port)?;
    let inner = &host[1..end];
    let zone = inner.find("%25").unwrap_or(inner.len());
    let mut address = unescape(&inner[..zone], Part::Host)?;
    address.extend(unescape(&inner[zone..], Part::Zone)?);
    let text = String::from_utf8_lossy(&address);
    let numbers = text.split('%').next().unwrap_or_default();
    if numbers.parse::<Ipv6Addr>().is_err() {
        let is_old = numbers.parse::<std::net::Ipv4Addr>().is_ok();
        return Err(match is_old {
            true => "invalid IP-literal".to_owned(),
            false => format!(
                "invalid host: ParseAddr({}): unable to parse IP",
                quote(&address)
            ),
        });
    }
    Ok([b"[", address.as_slice(), b"]", port.as_bytes()].concat())
}

fn check_port(port: &str) -> Result<(), String> {
    let digits = port.strip_prefix(':').unwrap_or(port);
    let is_port = port.is_empty() || port.starts_with(':');
    match is_port && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(format!(
            "invalid port {} after host",
            quote(port.as_bytes())
        )),
    }
}

fn shown(text: &str) -> &str {
    match text.len() > SHOWN_BYTES_MAX {
        true => "<secret>",
        false => text,
    }
}

/// A text that is nearly a URL, without what could be secret in it.
fn masked(text: &str) -> String {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{}://", shown(scheme)), rest),
        None => return shown(text).to_owned(),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (user, host) = match rest[..end].rsplit_once('@') {
        Some((_, host)) => ("<secret>@", host),
        None => ("", &rest[..end]),
    };
    // A password before a stray slash looks like a port.
    let (host, port) = host.split_at(host.rfind(':').unwrap_or(host.len()));
    format!("{scheme}{user}{host}{}{}", shown(port), shown(&rest[end..]))
}

/// A reason quotes what it is about.
fn masked_reason(reason: &str) -> String {
    match reason
        .split_once('"')
        .and_then(|(head, rest)| Some((head, rest.rsplit_once('"')?)))
    {
        Some((head, (quoted, tail))) => format!("{head}\"{}\"{tail}", shown(quoted)),
        None => reason.to_owned(),
    }
}
