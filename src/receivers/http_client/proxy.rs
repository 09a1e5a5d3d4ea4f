//! Which proxy, if any.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::PROXY_AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::credentials::UserInfo;
use super::error::BuildError;
use super::no_proxy::NoProxy;
use crate::config::http::ProxyHeader;
use crate::config::values::ProxyUrl;

/// What the environment says about proxies.
#[derive(Clone, Default)]
pub struct ProxyEnvironment {
    /// `HTTP_PROXY` or `http_proxy`.
    pub http: String,
    /// `HTTPS_PROXY` or `https_proxy`.
    pub https: String,
    /// `NO_PROXY` or `no_proxy`.
    pub no: String,
}

impl std::fmt::Debug for ProxyEnvironment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("ProxyEnvironment")
            .field("no", &self.no)
            .finish_non_exhaustive()
    }
}

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProxyKind {
    Http,
    Https,
    Socks5,
}

/// A proxy.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    pub(super) kind: ProxyKind,
    /// `http://host:port`, or `https` if that is how it is spoken to.
    pub(super) address: Uri,
    pub(super) user: Option<UserInfo>,
}

impl Proxy {
    /// Without its text in the error: there may be a password in it.
    fn parse(text: &str) -> Result<Self, BuildError> {
        let invalid = |why: &str| BuildError(format!("invalid proxy address: {why}"));
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let (kind, port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ProxyKind::Http, 80),
            "https" => (ProxyKind::Https, 443),
            "socks5" | "socks5h" => (ProxyKind::Socks5, 1080),
            _ => return Err(invalid("the scheme is not http, https, socks5 or socks5h")),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(UserInfo::parse(user)), host),
            None => (None, authority),
        };
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.contains(']'));
        let port = if has_port {
            String::new()
        } else {
            format!(":{port}")
        };
        let scheme = if kind == ProxyKind::Https {
            "https"
        } else {
            "http"
        };
        let address: Uri = format!("{scheme}://{host}{port}/")
            .parse()
            .map_err(|error| invalid(&format!("{error}")))?;
        if address.host().is_none_or(str::is_empty) {
            return Err(invalid("there is no host"));
        }
        Ok(Self {
            kind,
            address,
            user,
        })
    }

    /// What it is shown besides the configured headers.
    pub(super) fn authorization(&self) -> Option<HeaderValue> {
        self.user.as_ref().and_then(|user| {
            let mut value = HeaderValue::try_from(user.header()).ok()?;
            value.set_sensitive(true);
            Some(value)
        })
    }
}

/// The proxies of a client.
#[derive(Debug, Clone)]
pub(super) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    /// Absent if there is no such list: then this host, too, is called through the proxy.
    exempt: Option<NoProxy>,
    connect_headers: HeaderMap,
}

impl Proxies {
    pub(super) fn new(
        url: Option<&ProxyUrl>,
        no_proxy: &str,
        is_from_environment: bool,
        connect_header: &ProxyHeader,
        environment: &ProxyEnvironment,
    ) -> Result<Self, BuildError> {
        let mut proxies = Self {
            http: None,
            https: None,
            exempt: None,
            connect_headers: connect_headers(connect_header)?,
        };
        if is_from_environment {
            let parsed = |text: &str| match text {
                "" => Ok(None),
                _ => Proxy::parse(text).map(Some),
            };
            proxies.http = parsed(&environment.http)?;
            proxies.https = parsed(&environment.https)?;
            proxies.exempt = Some(NoProxy::parse(&environment.no));
            return Ok(proxies);
        }
        let text = url.map(|url| url.0.exposed()).unwrap_or_default();
        if !text.is_empty() {
            let proxy = Proxy::parse(&text)?;
            proxies.http = Some(proxy.clone());
            proxies.https = Some(proxy);
            proxies.exempt = (!no_proxy.is_empty()).then(|| NoProxy::parse(no_proxy));
        }
        Ok(proxies)
    }

    /// The proxy for a request.
    pub(super) fn choose(&self, uri: &Uri) -> Option<&Proxy> {
        let is_https = uri.scheme_str() == Some("https");
        let proxy = if is_https {
            self.https.as_ref()
        } else {
            self.http.as_ref()
        }?;
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let host = uri.host().unwrap_or_default();
        let is_exempt = self
            .exempt
            .as_ref()
            .is_some_and(|exempt| exempt.contains(host, port));
        (!is_exempt).then_some(proxy)
    }

    /// The headers of `CONNECT`.
    pub(super) fn connect_headers(&self, proxy: &Proxy) -> HeaderMap {
        let mut headers = self.connect_headers.clone();
        if let Some(value) = proxy.authorization() {
            headers.entry(PROXY_AUTHORIZATION).or_insert(value);
        }
        headers
    }

    /// What a request needs that goes to a proxy instead of its host.
    pub(super) fn forwarded_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme_str() == Some("https") {
            return None;
        }
        let proxy = self.choose(uri)?;
        match proxy.kind {
            ProxyKind::Socks5 => None,
            ProxyKind::Http | ProxyKind::Https => proxy.authorization(),
        }
    }
}

fn connect_headers(configured: &ProxyHeader) -> Result<HeaderMap, BuildError> {
    let mut headers = HeaderMap::new();
    for (name, values) in &configured.0 {
        let invalid = || BuildError(format!("invalid proxy_connect_header {name:?}"));
        let header = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
        for value in &values.0 {
            let mut value = HeaderValue::try_from(value.expose()).map_err(|_| invalid())?;
            value.set_sensitive(true);
            headers.append(&header, value);
        }
    }
    Ok(headers)
}

impl UserInfo {
    /// The value of an `Authorization` header.
    pub(super) fn header(&self) -> String {
        let (name, password) = self.parts();
        format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_told_apart_and_never_shown() {
        let seen = [
            "http://u:p@p:3128/",
            "p:3128",
            "https://p",
            "socks5h://[::1]",
            "ftp://secret",
            "http://u:secret@",
        ]
        .map(|text| match Proxy::parse(text) {
            Ok(proxy) => format!(
                "{:?} {} {:?}",
                proxy.kind,
                proxy.address,
                proxy.user.map(|user| user.header())
            ),
            Err(error) => error.to_string(),
        });
        let expected = [
            "Http http://p:3128/ Some(\"Basic dTpw\")",
            "Http http://p:3128/ None",
            "Https https://p:443/ None",
            "Socks5 http://[::1]:1080/ None",
            "invalid proxy address: the scheme is not http, https, socks5 or socks5h",
            "invalid proxy address: there is no host",
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_environment_has_a_proxy_for_each_scheme_and_exceptions() {
        let environment = ProxyEnvironment {
            http: "a:1".to_owned(),
            https: "b:2".to_owned(),
            no: "c".to_owned(),
        };
        let proxies = Proxies::new(None, "", true, &ProxyHeader::default(), &environment).unwrap();
        let seen = ["http://x/", "https://x/", "http://c/", "http://localhost/"].map(|uri| {
            let proxy = proxies.choose(&Uri::from_static(uri));
            proxy.map(|proxy| proxy.address.to_string())
        });
        let expected = [
            Some("http://a:1/".to_owned()),
            Some("http://b:2/".to_owned()),
            None,
            None,
        ];
        assert_eq!(seen, expected);
    }
}
