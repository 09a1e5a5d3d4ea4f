//! The URL by which others reach the server, and the path below which it serves.
//!
//! Alertmanager 0.34: the URL is the flag's, else `http://HOSTNAME:PORT/` with the port that was
//! bound; it never ends in a slash. The route prefix is the flag's, else the URL's path.

use crate::config::url::{Exposure, Url};

/// An external URL with the prefix of the routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalUrl {
    /// The URL, without a slash at its end.
    pub url: String,
    /// `/`, or a path that begins with a slash and does not end in one.
    pub route_prefix: String,
}

/// Why there is no external URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to determine external URL: {0}")]
pub struct ExternalUrlError(String);

impl ExternalUrl {
    /// Reads the flags `--web.external-url` and `--web.route-prefix`, either of which may be empty.
    ///
    /// # Errors
    /// That it is no URL, or none of HTTP; in Alertmanager's words.
    pub fn parse(url: &str, route_prefix: &str) -> Result<Self, ExternalUrlError> {
        let parsed =
            Url::parse(url, Exposure::Open).map_err(|error| ExternalUrlError(error.to_string()))?;
        let scheme = parsed.scheme();
        if scheme != "http" && scheme != "https" {
            let quote = |text: &str| gotemplate::strconv::quote(text.as_bytes());
            return Err(ExternalUrlError(format!(
                "{}: invalid {} scheme, only 'http' and 'https' are supported",
                quote(url),
                quote(scheme)
            )));
        }
        let parsed = parsed.without_final_slashes();
        let prefix = match route_prefix {
            "" => parsed.path(),
            prefix => prefix.to_owned(),
        };
        Ok(Self {
            url: parsed.exposed(),
            route_prefix: format!("/{}", prefix.trim_matches('/')),
        })
    }

    /// The URL of a server without the flag `--web.external-url`.
    ///
    /// # Errors
    /// That the host's name makes no URL.
    pub fn of_host(
        hostname: &str,
        port: u16,
        route_prefix: &str,
    ) -> Result<Self, ExternalUrlError> {
        Self::parse(&format!("http://{hostname}:{port}/"), route_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_are_taken_from_the_end_and_prefixes_normalised() {
        let seen = |url: &str, prefix: &str| match ExternalUrl::parse(url, prefix) {
            Ok(ExternalUrl { url, route_prefix }) => format!("{url} {route_prefix}"),
            Err(error) => error.to_string(),
        };
        let cases = [
            ("http://h:9093/", "", "http://h:9093 /"),
            ("https://h/a/b//", "", "https://h/a/b /a/b"),
            ("http://h/a", "/", "http://h/a /"),
            ("http://h/a", "x/y/", "http://h/a /x/y"),
            ("http://h/a%2Fb/", "", "http://h/a/b /a/b"),
            ("HTTP://u:p@h", "", "http://u:p@h /"),
            (
                "h:9093",
                "",
                "failed to determine external URL: \"h:9093\": invalid \"h\" scheme, only 'http' and 'https' are supported",
            ),
            (
                "http://h:x",
                "",
                "failed to determine external URL: parse \"http://h:x\": invalid port \":x\" after host",
            ),
            (
                "/a",
                "",
                "failed to determine external URL: \"/a\": invalid \"\" scheme, only 'http' and 'https' are supported",
            ),
        ];
        assert_eq!(
            cases.map(|(url, prefix, _)| seen(url, prefix)),
            cases.map(|(_, _, expected)| expected.to_owned())
        );
    }

    #[test]
    fn without_the_flag_it_is_the_host_with_the_port_that_was_bound() {
        let of_host = |prefix| ExternalUrl::of_host("alerts", 9093, prefix).unwrap();
        let expected = |route_prefix: &str| ExternalUrl {
            url: "http://alerts:9093".to_owned(),
            route_prefix: route_prefix.to_owned(),
        };
        assert_eq!(
            [of_host(""), of_host("/x/")],
            [expected("/"), expected("/x")]
        );
    }
}
