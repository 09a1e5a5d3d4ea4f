//! Where a request goes: a URL as Go takes it apart.

use http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::credentials::UserInfo;
use super::error::HttpError;

/// What Go encodes in a path, and what may not stand in the first line of a request.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A URL that can be called.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) uri: Uri,
    pub(super) user: Option<UserInfo>,
}

impl Target {
    /// Takes a URL apart. Errors do not show it.
    pub(super) fn parse(url: &str) -> Result<Self, HttpError> {
        let invalid = |why: &str| HttpError::new(format!("parse \"<redacted>\": {why}"));
        if url.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(invalid("net/url: invalid control character in URL"));
        }
        let url = url.split('#').next().unwrap_or_default();
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(HttpError::new("unsupported protocol scheme \"\""));
        };
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(HttpError::new("unsupported protocol scheme"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(UserInfo::parse(user)), host),
            None => (None, authority),
        };
        if host.is_empty() {
            return Err(HttpError::new("http: no Host in request URL"));
        }
        // The library takes any text for a port, and would then call the scheme's own.
        let port = host.rsplit(']').next().and_then(|it| it.split_once(':'));
        if port.is_some_and(|(_, port)| !port.is_empty() && port.parse::<u16>().is_err()) {
            return Err(invalid("invalid port"));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = utf8_percent_encode(path, ENCODED);
        let uri = format!("{scheme}://{host}{slash}{path}");
        match uri.parse() {
            Ok(uri) => Ok(Self { uri, user }),
            Err(error) => Err(invalid(&format!("{error}"))),
        }
    }
}

impl UserInfo {
    /// Of what stands before the `@`.
    pub(super) fn parse(text: &str) -> Self {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        match text.split_once(':') {
            Some((name, password)) => Self::new(decoded(name), decoded(password)),
            None => Self::new(decoded(text), String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_made_fit_for_a_request_and_never_shown() {
        let seen = [
            "http://h",
            "HTTPS://u:p%40@h:8080/a b?q={x}&é=%20#f",
            "http://h?x=1",
            "http://h/{team}|é",
            "ftp://secret/",
            "secret",
            "http:///secret",
            "http://h/\nsecret",
            "http://se cret/",
            "http://h:secret/",
        ]
        .map(|url| match Target::parse(url) {
            Ok(target) => format!("{} {:?}", target.uri, target.user.map(|user| user.header())),
            Err(error) => error.to_string(),
        });
        let expected = [
            "http://h/ None",
            "https://h:8080/a%20b?q=%7Bx%7D&%C3%A9=%20 Some(\"Basic dTpwQA==\")",
            "http://h/?x=1 None",
            "http://h/%7Bteam%7D%7C%C3%A9 None",
            "unsupported protocol scheme",
            "unsupported protocol scheme \"\"",
            "http: no Host in request URL",
            "parse \"<redacted>\": net/url: invalid control character in URL",
            "parse \"<redacted>\": invalid uri character",
            "parse \"<redacted>\": invalid port",
        ];
        assert_eq!(seen, expected);
    }
}
