//! Addresses to listen on, as Go writes them.

use std::fmt;

/// `host:port`; without a host all of the machine's addresses are meant, of both families.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddress {
    /// A name or an address, without brackets; empty for all.
    pub host: String,
    /// 0 for any that is free.
    pub port: u16,
}

/// Why nothing can listen there. Alertmanager 0.34: `alertmanager/app: listen "…": …`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("alertmanager/app: listen {}: {why}", gotemplate::strconv::quote(text.as_bytes()))]
pub struct AddressError {
    text: String,
    why: String,
}

/// Names of ports. (Go asks the system's table, which minimal containers do not have.)
const SERVICES: [(&str, u16); 2] = [("http", 80), ("https", 443)];

impl ListenAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// In the words of Go's `net`.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let failed = |why: String| AddressError {
            text: text.to_owned(),
            why,
        };
        if text.starts_with("vsock:") {
            return Err(failed("vsock is not part of this version".to_owned()));
        }
        let (host, port) = match text {
            "" => ("", ""),
            text => {
                split(text).map_err(|why| failed(format!("listen tcp: address {text}: {why}")))?
            }
        };
        Ok(Self {
            host: host.to_owned(),
            port: read_port(port).map_err(failed)?,
        })
    }
}

/// As it is written in a URL.
impl fmt::Display for ListenAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(out, "[{}]:{}", self.host, self.port),
            false => write!(out, "{}:{}", self.host, self.port),
        }
    }
}

fn split(text: &str) -> Result<(&str, &str), &'static str> {
    const MISSING: &str = "missing port in address";
    let (host, port) = text.rsplit_once(':').ok_or(MISSING)?;
    let (host, brackets_end) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, behind) = inner.split_once(']').ok_or("missing ']' in address")?;
            match behind.strip_prefix(':') {
                Some(rest) if rest.contains(':') => return Err("too many colons in address"),
                Some(_) => (host, text.len() - behind.len()),
                None => return Err(MISSING),
            }
        }
        None if host.contains(':') => return Err("too many colons in address"),
        None => (host, 0),
    };
    let rest = text.get(brackets_end..).unwrap_or_default();
    if host.contains('[') || rest.contains('[') {
        return Err("unexpected '[' in address");
    }
    if rest.contains(']') {
        return Err("unexpected ']' in address");
    }
    Ok((host, port))
}

fn read_port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Ok(0);
    }
    if let Some((_, port)) = SERVICES.iter().find(|(name, _)| *name == text) {
        return Ok(*port);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.is_empty() {
        return Err(format!("listen tcp: lookup tcp/{text}: unknown port"));
    }
    text.parse()
        .map_err(|_| format!("listen tcp: address {text}: invalid port"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_refused_as_go_does() {
        // The right column is what Go 1.26's `net.Listen` said.
        let cases = [
            (":9093", ":9093"),
            ("", ":0"),
            (":", ":0"),
            ("127.0.0.1:", "127.0.0.1:0"),
            ("[::1]:9093", "[::1]:9093"),
            ("[]:1", ":1"),
            (":+9", ":9"),
            (":0080", ":80"),
            (":http", ":80"),
            ("foo", "listen tcp: address foo: missing port in address"),
            (
                "[::1]",
                "listen tcp: address [::1]: missing port in address",
            ),
            (
                "[::1]x:0",
                "listen tcp: address [::1]x:0: missing port in address",
            ),
            ("::1", "listen tcp: address ::1: too many colons in address"),
            (
                "http://x:0",
                "listen tcp: address http://x:0: too many colons in address",
            ),
            (
                "[::1:0",
                "listen tcp: address [::1:0: missing ']' in address",
            ),
            (
                "a[b:0",
                "listen tcp: address a[b:0: unexpected '[' in address",
            ),
            (
                "a]b:0",
                "listen tcp: address a]b:0: unexpected ']' in address",
            ),
            (":99999", "listen tcp: address 99999: invalid port"),
            (":-1", "listen tcp: address -1: invalid port"),
            (":foo", "listen tcp: lookup tcp/foo: unknown port"),
            ("vsock://:90", "vsock is not part of this version"),
        ];
        let seen = cases.map(|(text, _)| match ListenAddress::parse(text) {
            Ok(address) => address.to_string(),
            Err(error) => error.why,
        });
        assert_eq!(seen, cases.map(|(_, expected)| expected.to_owned()));
    }
}
