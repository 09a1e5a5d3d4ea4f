//! Which hosts are called without a proxy: Go's rules for `no_proxy`.
//!
//! A list with commas. `*` is every host; an address or a network in CIDR form is that; a name is
//! that host and those below it; a name with `.` or `*.` before it only those below. All but networks
//! may have a port. This host itself never needs a proxy.

use std::net::IpAddr;

use ipnet::IpNet;

/// Hosts that need no proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct NoProxy {
    is_all: bool,
    networks: Vec<IpNet>,
    addresses: Vec<(IpAddr, Option<u16>)>,
    names: Vec<Name>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// With a dot before it.
    suffix: String,
    is_itself: bool,
    port: Option<u16>,
}

impl NoProxy {
    pub(super) fn parse(list: &str) -> Self {
        let mut rules = Self::default();
        for entry in list.split(',') {
            rules.add(&entry.trim().to_lowercase());
        }
        rules
    }

    fn add(&mut self, entry: &str) {
        if entry == "*" {
            self.is_all = true;
            return;
        }
        if let Ok(network) = entry.parse() {
            self.networks.push(network);
            return;
        }
        let (host, port) = split_port(entry);
        if let Ok(address) = host.parse() {
            self.addresses.push((address, port));
            return;
        }
        let host = host
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'))
            .unwrap_or(host);
        if host.is_empty() {
            return;
        }
        let is_itself = !host.starts_with('.');
        let dot = if is_itself { "." } else { "" };
        self.names.push(Name {
            suffix: format!("{dot}{host}"),
            is_itself,
            port,
        });
    }

    /// Whether a host is called without a proxy.
    pub(super) fn contains(&self, host: &str, port: u16) -> bool {
        let host = host.trim_matches(['[', ']']).to_lowercase();
        let address = host.parse::<IpAddr>().ok();
        let is_local = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        if is_local || self.is_all {
            return true;
        }
        let fits = |wanted: &Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        if let Some(address) = address {
            let in_network = self
                .networks
                .iter()
                .any(|network| network.contains(&address));
            let is_listed = |(listed, wanted): &(IpAddr, _)| *listed == address && fits(wanted);
            if in_network || self.addresses.iter().any(is_listed) {
                return true;
            }
        }
        self.names.iter().any(|name| {
            let is_below = host.ends_with(&name.suffix);
            let is_it = name.is_itself && name.suffix.get(1..) == Some(host.as_str());
            (is_below || is_it) && fits(&name.port)
        })
    }
}

/// `name:80` and `[::1]:80`, but not `::1`.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some(rest) = entry.strip_prefix('[')
        && let Some((host, after)) = rest.split_once(']')
    {
        let port = after.strip_prefix(':').and_then(|port| port.parse().ok());
        return (host, port);
    }
    match entry.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_matched_as_go_matches_them() {
        let rules = NoProxy::parse(
            " Foo.com, .bar.com,*.baz.com , port.com:81,10.0.0.0/8, 1.2.3.4, 1.2.3.5:81, ::2, [::3]:81,,",
        );
        let called = [
            "foo.com",
            "x.foo.com",
            "xfoo.com",
            "bar.com",
            "x.bar.com",
            "baz.com",
            "x.baz.com",
            "port.com",
            "10.1.2.3",
            "11.1.2.3",
            "1.2.3.4",
            "1.2.3.5",
            "[::2]",
            "[::3]",
            "localhost",
            "127.9.9.9",
            "[::1]",
            "other",
        ];
        let seen = called.map(|host| (host, rules.contains(host, 80), rules.contains(host, 81)));
        let expected = [
            ("foo.com", true, true),
            ("x.foo.com", true, true),
            ("xfoo.com", false, false),
            ("bar.com", false, false),
            ("x.bar.com", true, true),
            ("baz.com", false, false),
            ("x.baz.com", true, true),
            ("port.com", false, true),
            ("10.1.2.3", true, true),
            ("11.1.2.3", false, false),
            ("1.2.3.4", true, true),
            ("1.2.3.5", false, true),
            ("[::2]", true, true),
            ("[::3]", false, true),
            ("localhost", true, true),
            ("127.9.9.9", true, true),
            ("[::1]", true, true),
            ("other", false, false),
        ];
        assert_eq!(seen, expected);
        assert!(NoProxy::parse("a, *").contains("other", 80));
    }
}
