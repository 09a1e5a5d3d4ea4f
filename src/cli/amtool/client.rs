//! The server, as `amtool` talks to it: its API v2 below `--alertmanager.url`.
//!
//! Alertmanager 0.34: a URL without a host means `localhost:9093`, one without a scheme `http`; its path
//! stands before `/api/v2`, and its user information becomes basic authentication, unless there is an
//! `--http.config.file`, which excludes it. Before a command the versions are compared, unless
//! `--no-version-check` says not to; that this fails keeps no command from going on.

use std::time::Duration as StdDuration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::args::Global;
use super::failure::Failure;
use super::operation::{GET_STATUS, Operation};
use crate::cli::http::{HttpCall, HttpFault};
use crate::cli::program::ALERTMANAGER_VERSION;
use crate::cli::{Context, World};
use crate::config::block::Block;
use crate::config::http::HttpConfig;
use crate::config::url::{Exposure, Url};
use crate::config::yaml;
use crate::model::Duration;

/// Where the server is when the URL does not say.
const DEFAULT_HOST: &str = "localhost:9093";

/// A file with an `http_config` is not longer than this.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What is encoded in a part of a path: all but letters, digits and what an ID may hold besides.
const PATH_SEGMENT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A server.
pub(super) struct Client<'w> {
    world: &'w World,
    http: HttpConfig,
    base: Base,
    /// When the command has to be done, on the monotonic clock.
    deadline: StdDuration,
}

/// Where the API is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    scheme: String,
    /// User information as it was written, with its `@`; empty without any.
    user: String,
    host: String,
    /// With `/api/v2`.
    path: String,
}

/// A call that did not succeed.
#[derive(Debug)]
pub(super) struct Refused {
    /// What the server answered, if it did.
    pub(super) status: Option<u16>,
    pub(super) failure: Failure,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self {
            status: None,
            failure,
        }
    }
}

/// The status of the server, as far as commands need it.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    config: Option<Original>,
    #[serde(rename = "versionInfo")]
    version_info: Option<Version>,
}

#[derive(Debug, Deserialize)]
struct Original {
    original: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: Option<String>,
}

impl Status {
    /// The configuration that the server runs with; secrets are hidden.
    pub(super) fn into_configuration(self) -> String {
        let original = self.config.and_then(|config| config.original);
        original.unwrap_or_default()
    }
}

impl<'w> Client<'w> {
    /// The client that the flags ask for.
    ///
    /// # Errors
    /// That there is no URL, or that the HTTP client cannot be configured so.
    pub(super) fn new(global: &Global, context: &mut Context<'w>) -> Result<Self, Failure> {
        let Some(url) = &global.alertmanager_url else {
            return Err(Failure::Fatal(
                "required flag --alertmanager.url not provided".to_owned(),
            ));
        };
        let timeout = Duration::parse_go(&global.timeout)
            .map_err(|error| Failure::Command(error.to_string()))?;
        let base = Base::parse(url)?;
        let world = context.world;
        let http = match &global.http_config_file {
            None => HttpConfig::with_defaults(),
            Some(_) if !base.user.is_empty() => {
                return Err(Failure::Fatal(
                    "basic authentication and http.config.file are mutually exclusive".to_owned(),
                ));
            }
            Some(file) => {
                let file = file.to_string_lossy();
                load(world, &file).map_err(|text| {
                    Failure::Fatal(format!("failed to load HTTP config file: {text}"))
                })?
            }
        };
        let client = Self {
            world,
            http,
            base,
            deadline: world.clock.monotonic() + timeout.to_std(),
        };
        if !global.no_version_check {
            client.compare_versions(context)?;
        }
        Ok(client)
    }

    fn compare_versions(&self, context: &mut Context<'_>) -> Result<(), Failure> {
        let Ok(status) = self.status() else {
            return Ok(());
        };
        let theirs = status.version_info.and_then(|info| info.version);
        let theirs = theirs.unwrap_or_default();
        let (Some(own), Some(other)) = (major_minor(ALERTMANAGER_VERSION), major_minor(&theirs))
        else {
            return Ok(());
        };
        if own != other {
            writeln!(
                context.err,
                "Warning: amtool version ({ALERTMANAGER_VERSION}) and alertmanager version ({theirs}) are different."
            )?;
        }
        Ok(())
    }

    /// The status of the server.
    pub(super) fn status(&self) -> Result<Status, Failure> {
        self.get(&GET_STATUS, "/status")
    }

    /// What a path of the API shows.
    pub(super) fn get<T: DeserializeOwned>(
        &self,
        operation: &Operation,
        path: &str,
    ) -> Result<T, Failure> {
        decode(&self.call(operation, path, None)?)
    }

    /// Posts something, and reads what is answered.
    pub(super) fn post(
        &self,
        operation: &Operation,
        posted: &impl Serialize,
    ) -> Result<Bytes, Refused> {
        let body = serde_json::to_vec(posted)
            .map_err(|error| Failure::Command(format!("cannot write JSON: {error}")))?;
        self.try_call(operation, operation.path, Some(body.into()))
    }

    /// Calls a path of the API, with its query, and gives what a success says.
    pub(super) fn call(
        &self,
        operation: &Operation,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, Failure> {
        self.try_call(operation, path, body)
            .map_err(|refused| refused.failure)
    }

    fn try_call(
        &self,
        operation: &Operation,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, Refused> {
        let now = self.world.clock.monotonic();
        let call = HttpCall {
            method: operation.method.clone(),
            url: &self.base.url(&self.base.user, path),
            body,
            timeout: self.deadline.saturating_sub(now),
        };
        let request = self.world.request;
        let answer = request(&self.http, &call, self.world).map_err(|fault| match fault {
            HttpFault::Configuration(text) => Failure::Fatal(text),
            HttpFault::Failed(text) => Failure::Command(self.in_words_of_go(&text, path)),
        })?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(Refused {
                status: Some(status),
                failure: Failure::Command(operation.refusal(&answer)),
            }),
        }
    }

    /// The error with the URL, which the client of the integrations hides because it may be secret.
    fn in_words_of_go(&self, text: &str, path: &str) -> String {
        let url = self.base.url("", path);
        let host = match self.base.host.rsplit_once(':') {
            Some(_) => self.base.host.clone(),
            None if self.base.scheme == "https" => format!("{}:443", self.base.host),
            None => format!("{}:80", self.base.host),
        };
        text.replacen("\"<redacted>\"", &format!("{url:?}"), 1)
            .replacen(
                "tcp connect error: ",
                &format!("dial tcp {host}: connect: "),
                1,
            )
    }
}

/// An `http_config` in a file of its own; relative paths in it are joined to its directory.
fn load(world: &World, file: &str) -> Result<HttpConfig, String> {
    let text = world
        .files
        .read(file.as_ref(), FILE_BYTES_MAX)
        .map_err(|error| format!("open {file}: {error}"))?;
    HttpConfig::load(&text, file).map_err(|error: yaml::Error| error.to_string())
}

/// The path of a silence.
pub(super) fn silence_path(id: &str) -> String {
    let id = percent_encoding::utf8_percent_encode(id, PATH_SEGMENT);
    format!("/silence/{id}")
}

/// Reads what the server said.
pub(super) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body)
        .map_err(|error| Failure::Command(format!("cannot read the answer of the server: {error}")))
}

/// `0.34` of `0.34.1-rc.0+build`.
fn major_minor(version: &str) -> Option<(u64, u64)> {
    let mut numbers = version.split(['.', '-', '+']);
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

impl Base {
    fn parse(text: &str) -> Result<Self, Failure> {
        // What is wrong is shown as it was written, unless it may hold a password.
        let exposure = match text.contains('@') {
            true => Exposure::Secret,
            false => Exposure::Open,
        };
        let url =
            Url::parse(text, exposure).map_err(|error| Failure::Command(error.to_string()))?;
        let text = url.exposed();
        let (scheme, rest) = match text.split_once("//") {
            Some((_, rest)) => (url.scheme(), rest),
            None => (url.scheme(), ""),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (format!("{user}@"), host),
            None => (String::new(), authority),
        };
        let or = |text: &str, default: &str| match text {
            "" => default.to_owned(),
            text => text.to_owned(),
        };
        Ok(Self {
            scheme: or(scheme, "http"),
            user,
            host: or(host, DEFAULT_HOST),
            path: format!("{}/api/v2", url.path().trim_end_matches('/')),
        })
    }

    fn url(&self, user: &str, path: &str) -> String {
        format!("{}://{user}{}{}{path}", self.scheme, self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_leaves_out_is_filled_in() {
        let url = |text: &str| {
            Base::parse(text).map_or_else(
                |failure| format!("{failure:?}"),
                |base| base.url(&base.user, "/status"),
            )
        };
        let texts = [
            "http://am:9093",
            "https://u:p%40@am/prefix/",
            "//am",
            "/prefix",
            "",
            "http://[::1]:9093/",
            "127.0.0.1:9093",
        ];
        assert_eq!(
            texts.map(url),
            [
                "http://am:9093/api/v2/status",
                "https://u:p%40@am/prefix/api/v2/status",
                "http://am/api/v2/status",
                "http://localhost:9093/prefix/api/v2/status",
                "http://localhost:9093/api/v2/status",
                "http://[::1]:9093/api/v2/status",
                "Command(\"parse \\\"127.0.0.1:9093\\\": first path segment in URL cannot contain colon\")",
            ]
        );
    }

    #[test]
    fn versions_are_compared_up_to_the_second_number() {
        let versions = ["0.34.0+tocsin.0.1.0", "0.34.1-rc.1", "1.2", "unknown", ""];
        assert_eq!(
            versions.map(major_minor),
            [Some((0, 34)), Some((0, 34)), Some((1, 2)), None, None]
        );
    }
}
