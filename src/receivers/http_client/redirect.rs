//! Redirects by Go's rules.
//!
//! 301, 302 and 303 turn a POST into a GET without a body, 307 and 308 send the same again. The tenth
//! request that would have to be made because of them is one too many.

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use tower_http::follow_redirect::policy::{Action, Attempt, Policy};

use super::credentials::Trust;
use super::error::HttpError;

/// The most requests of one chain.
pub const REQUESTS_MAX: usize = 10;

/// What is to be done about redirects, and what was done in this chain.
#[derive(Debug, Clone)]
pub(super) struct Redirects {
    is_followed: bool,
    /// The host of the first request.
    origin: Option<String>,
    has_left: bool,
    requests: usize,
}

impl Redirects {
    pub(super) fn new(is_followed: bool) -> Self {
        Self {
            is_followed,
            origin: None,
            has_left: false,
            requests: 0,
        }
    }
}

impl Policy<Full<Bytes>, HttpError> for Redirects {
    fn redirect(&mut self, attempt: &Attempt<'_>) -> Result<Action, HttpError> {
        if !self.is_followed {
            return Ok(Action::Stop);
        }
        if self.requests >= REQUESTS_MAX {
            return Err(HttpError::new(format!(
                "stopped after {REQUESTS_MAX} redirects"
            )));
        }
        let host = host(attempt.location());
        let is_home = self
            .origin
            .as_deref()
            .is_some_and(|origin| is_within(&host, origin));
        self.has_left |= !is_home;
        Ok(Action::Follow)
    }

    fn on_request(&mut self, request: &mut Request<Full<Bytes>>) {
        self.requests += 1;
        if self.origin.is_none() {
            self.origin = Some(host(request.uri()));
        }
        let trust = match self.has_left {
            true => Trust::Stranger,
            false => Trust::Home,
        };
        request.extensions_mut().insert(trust);
    }

    fn clone_body(&self, body: &Full<Bytes>) -> Option<Full<Bytes>> {
        Some(body.clone())
    }
}

fn host(uri: &Uri) -> String {
    uri.host().unwrap_or_default().to_ascii_lowercase()
}

/// Whether a host is that one or below it.
fn is_within(host: &str, origin: &str) -> bool {
    match host.strip_suffix(origin) {
        Some(below) => below.is_empty() || below.ends_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_to_the_host_and_to_those_below_it() {
        let seen = ["a.b", "x.a.b", "xa.b", "b", "c"].map(|host| is_within(host, "a.b"));
        assert_eq!(seen, [true, true, false, false, false]);
    }
}
