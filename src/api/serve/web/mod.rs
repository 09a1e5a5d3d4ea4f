//! The web configuration file in force: TLS, users, headers, a limit of requests.
//!
//! As exporter-toolkit 0.17 (of Alertmanager 0.34) has it:
//!
//! | What | Looked at |
//! |---|---|
//! | whether there is TLS, HTTP/2 and a limit of requests | at the start |
//! | certificates and whatever else TLS is made of | at each handshake |
//! | headers, users | at each request |
//!
//! A request passes the limit (429), the file (500 if it has become unreadable), the users (401). What
//! has not changed is not parsed again, but it is read: files on disks that hang do not hang the
//! server, because they are read beside it.

mod rate;
mod tls;
mod users;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, StatusCode};
use rustls::ServerConfig;

use crate::api::answer::{Answer, error};
use crate::config::go_words;
use crate::config::web::WebConfig;
use crate::sys::{Clock, Entropy, Files};
use rate::Rate;
use tls::Material;
use users::Users;

/// A web configuration file is not longer than this.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why there is no web configuration, in the words of exporter-toolkit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebError(String);

/// A web configuration file.
pub struct Web {
    source: Arc<Source>,
    clock: Arc<dyn Clock>,
    has_tls: bool,
    has_http2: bool,
    rate: Option<Mutex<Rate>>,
    users: Users,
}

/// What is read again and again.
struct Source {
    path: PathBuf,
    files: Arc<dyn Files>,
    /// The text that was read last, and what it says.
    parsed: Mutex<Option<(Vec<u8>, Arc<WebConfig>)>>,
    /// What TLS was made of last, and what was made of it: kept, or no session could be resumed.
    tls: Mutex<Option<([u8; 32], Arc<ServerConfig>)>>,
}

impl fmt::Debug for Web {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Web({})", self.source.path.display())
    }
}

impl Web {
    /// Reads and checks a file. May wait for a disk.
    ///
    /// # Errors
    /// That it cannot be read, or what is wrong with it, or with the files that it names.
    pub fn open(
        path: &Path,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
    ) -> Result<Self, WebError> {
        let source = Source {
            path: path.to_owned(),
            files,
            parsed: Mutex::default(),
            tls: Mutex::default(),
        };
        let config = source.config()?;
        users::check(&config.basic_auth_users)?;
        let has_tls = config.tls_server_config.is_on();
        let has_http2 = has_tls && config.http_server_config.http2;
        if has_tls {
            source.tls(has_http2)?;
        }
        Ok(Self {
            source: Arc::new(source),
            has_tls,
            has_http2,
            rate: Rate::new(&config.rate_limit, clock.monotonic()).map(Mutex::new),
            users: Users::new(entropy),
            clock,
        })
    }

    /// Whether connections are secured.
    #[must_use]
    pub fn has_tls(&self) -> bool {
        self.has_tls
    }

    /// Whether HTTP/2 is spoken, which needs TLS.
    #[must_use]
    pub fn has_http2(&self) -> bool {
        self.has_http2
    }

    /// How a connection that begins now is secured.
    pub(super) async fn tls(&self) -> Result<Arc<ServerConfig>, WebError> {
        let (source, has_http2) = (Arc::clone(&self.source), self.has_http2);
        beside(move || source.tls(has_http2)).await
    }

    /// Lets a request pass, with the headers that its answer gets, or answers it.
    pub(super) async fn admit(&self, request: &HeaderMap) -> Result<Passed, Box<Answer>> {
        if let Some(rate) = &self.rate {
            let now = self.clock.monotonic();
            if !lock(rate).allows(now) {
                return Err(refusal(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests"));
            }
        }
        let source = Arc::clone(&self.source);
        let config = match beside(move || source.config()).await {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(err = %error, "Unable to parse configuration");
                return Err(refusal(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Internal Server Error",
                ));
            }
        };
        let passed = Passed(config);
        let users = &passed.0.basic_auth_users;
        if users.is_empty() || self.users.knows(users, request).await {
            return Ok(passed);
        }
        let mut answer = refusal(StatusCode::UNAUTHORIZED, "Unauthorized");
        let basic = HeaderValue::from_static("Basic");
        answer.headers_mut().insert(WWW_AUTHENTICATE, basic);
        passed.put_headers(&mut answer);
        Err(answer)
    }
}

/// Says where the server listens, and how. Alertmanager 0.34: the lines of exporter-toolkit.
pub fn log_listening(address: &str, web: Option<&Web>) {
    tracing::info!(address, "Listening on");
    let rate = web.and_then(|web| web.rate.as_ref());
    if let Some(rate) = rate {
        let (burst, interval) = lock(rate).settings();
        tracing::info!(burst, interval, "Rate Limiter is enabled.");
    }
    let http2 = web.is_some_and(Web::has_http2);
    match web.is_some_and(Web::has_tls) {
        true => tracing::info!(http2, address, "TLS is enabled."),
        false => tracing::info!(http2, address, "TLS is disabled."),
    }
}

/// A request that was let pass.
pub(super) struct Passed(Arc<WebConfig>);

impl Passed {
    /// Puts headers into an answer; what the answer has already said stands.
    pub(super) fn put_headers(&self, answer: &mut Answer) {
        for (name, value) in &self.0.http_server_config.headers {
            // Line ends cannot be sent; Go makes spaces of them.
            let value = value.replace(['\r', '\n'], " ");
            let Ok(name) = HeaderName::try_from(name) else {
                continue;
            };
            let Ok(value) = HeaderValue::try_from(value.trim()) else {
                continue;
            };
            answer.headers_mut().entry(name).or_insert(value);
        }
    }
}

impl Source {
    /// What the file says now.
    fn config(&self) -> Result<Arc<WebConfig>, WebError> {
        let path = self.path.to_string_lossy();
        let text = self.files.read(&self.path, FILE_BYTES_MAX);
        let text = text.map_err(|error| WebError(format!("open {path}: {}", go_words(&error))))?;
        if let Some((known, config)) = &*lock(&self.parsed)
            && *known == text
        {
            return Ok(Arc::clone(config));
        }
        let config = WebConfig::parse(&text, &path).map_err(|error| WebError(error.to_string()))?;
        let config = Arc::new(config);
        *lock(&self.parsed) = Some((text, Arc::clone(&config)));
        Ok(config)
    }

    /// How connections are secured now.
    fn tls(&self, has_http2: bool) -> Result<Arc<ServerConfig>, WebError> {
        let config = self.config()?;
        let config = &config.tls_server_config;
        let material = Material::read(config, self.files.as_ref())?;
        let digest = material.digest(config);
        if let Some((known, made)) = &*lock(&self.tls)
            && *known == digest
        {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(tls::server_config(config, &material, has_http2)?);
        *lock(&self.tls) = Some((digest, Arc::clone(&made)));
        Ok(made)
    }
}

fn refusal(status: StatusCode, message: &str) -> Box<Answer> {
    Box::new(error(status, message))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does what may wait for a disk where it holds up nobody else.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WebError> + Send + 'static,
) -> Result<T, WebError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(WebError(format!("reading the web configuration: {error}"))),
    }
}
