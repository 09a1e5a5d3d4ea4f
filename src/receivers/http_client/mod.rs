//! The HTTP client of all integrations, made from `http_config`.
//!
//! ```text
//!   send ─► redirects (at most 10 requests) ─► headers and credentials ─► pool ─► connector
//!                                              files read anew            ▲       proxy, TLS
//!                                                                         └ made anew when the
//!                                                                           files of TLS changed
//! ```
//!
//! **Rules** (Alertmanager 0.34, `prometheus/common`)
//! * Connections are kept and used again; HTTP/2 where TLS agrees on it and `enable_http2` allows.
//! * Files of secrets are read for every request and trimmed; a TLS file that changed makes a new
//!   pool.
//! * After a redirect to another host, which is not the first one or below it, credentials stay at
//!   home for the rest of the chain. So do secret `http_headers`, which Alertmanager sends along.
//! * No `Referer` is sent after a redirect, as that would tell the next host the secret URL.
//!
//! **Bounds.** An exchange ends by the deadline it is given, a connection is made within
//! [`CONNECT_TIMEOUT`], and of an answer no more is kept than [`ANSWER_BYTES_MAX`].

mod answer;
mod connector;
mod credentials;
mod error;
mod no_proxy;
mod oauth2;
mod proxy;
mod redirect;
mod secret_file;
mod target;
mod tls;
mod transport;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Full;
use hyper::body::Incoming;
use rustls::RootCertStore;
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};
use tower_http::follow_redirect::FollowRedirect;

use crate::config::http::HttpConfig;
use crate::sys::{Clock, Entropy, Files};

pub use answer::{ANSWER_BYTES_MAX, Answer, DRAINED_BYTES_MAX};
pub use error::{BuildError, HttpError};
pub use proxy::ProxyEnvironment;
pub use redirect::REQUESTS_MAX;
pub use secret_file::{SECRET_BYTES_MAX, read_secret};

use credentials::{Credentials, Trust};
use redirect::Redirects;
use transport::Transport;

/// How long it may take to have a connection: the name, the proxy and TLS included. A host that does
/// not answer at all would else take up the whole time there is for the notification, and another
/// attempt may meet another address.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// What clients need of the world.
#[derive(Clone, Debug)]
pub struct World {
    /// For secrets and certificates.
    pub files: Arc<dyn Files>,
    /// Whom to trust where the configuration does not say.
    pub roots: Arc<RootCertStore>,
    /// The environment's proxies.
    pub proxies: ProxyEnvironment,
    /// The time for tokens.
    pub clock: Arc<dyn Clock>,
    /// Ids for tokens.
    pub entropy: Arc<dyn Entropy>,
}

/// A request.
#[derive(Clone)]
pub struct Call<'a> {
    /// How.
    pub method: Method,
    /// Where; may hold secrets.
    pub url: &'a str,
    /// Besides those of the configuration.
    pub headers: HeaderMap,
    /// What.
    pub body: Bytes,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Call")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Makes requests as one `http_config` says. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Client {
    hop: Hop,
    redirects: Redirects,
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Client")
    }
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// What of the configuration cannot be used, in Alertmanager's words; files are looked at.
    pub fn new(config: &HttpConfig, world: &World) -> Result<Self, BuildError> {
        let proxies = proxy::Proxies::new(
            config.proxy_url.as_ref(),
            &config.no_proxy,
            config.proxy_from_environment,
            &config.proxy_connect_header,
            &world.proxies,
        )?;
        let transport = Transport::new(&config.tls_config, proxies, config.enable_http2, world)?;
        let credentials = Credentials::new(config, world)?;
        Ok(Self {
            hop: Hop {
                shared: Arc::new(Shared {
                    transport,
                    credentials,
                }),
            },
            redirects: Redirects::new(config.follow_redirects),
        })
    }

    /// Makes a request and reads the answer.
    ///
    /// # Errors
    /// That there was no answer by the deadline, or what kept it from coming. An answer of any
    /// status is none.
    pub async fn send(&self, call: Call<'_>, deadline: Instant) -> Result<Answer, HttpError> {
        let method = call.method.clone();
        let exchange = self.exchange(call);
        match timeout_at(deadline, exchange).await {
            Ok(Ok(response)) => Ok(Answer::read(response, deadline).await),
            Ok(Err(error)) => Err(error.during(&method)),
            Err(_) => Err(HttpError::deadline().during(&method)),
        }
    }

    /// Makes a request and reads the whole answer, which is the result of a command.
    ///
    /// # Errors
    /// As [`Self::send`], and that the answer broke off or is longer than `bytes_max`.
    pub async fn fetch(
        &self,
        call: Call<'_>,
        bytes_max: usize,
        deadline: Instant,
    ) -> Result<Answer, HttpError> {
        let method = call.method.clone();
        let answer = match timeout_at(deadline, self.exchange(call)).await {
            Ok(Ok(response)) => Answer::read_whole(response, bytes_max, deadline).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(HttpError::deadline()),
        };
        answer.map_err(|error| error.during(&method))
    }

    async fn exchange(&self, call: Call<'_>) -> Result<http::Response<Incoming>, HttpError> {
        let target = target::Target::parse(call.url)?;
        let mut request = Request::new(Full::new(call.body));
        *request.method_mut() = call.method;
        *request.uri_mut() = target.uri;
        *request.headers_mut() = call.headers;
        let user_agent = HeaderValue::from_static(super::USER_AGENT);
        request
            .headers_mut()
            .entry(USER_AGENT)
            .or_insert(user_agent);
        if let Some(user) = target.user {
            request.extensions_mut().insert(user);
        }
        let service = FollowRedirect::with_policy(self.hop.clone(), self.redirects.clone());
        service.oneshot(request).await
    }
}

struct Shared {
    transport: Transport,
    credentials: Credentials,
}

/// One request of a chain of redirects.
#[derive(Clone)]
struct Hop {
    shared: Arc<Shared>,
}

impl Service<Request<Full<Bytes>>> for Hop {
    type Response = http::Response<Incoming>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, HttpError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HttpError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        let shared = self.shared.clone();
        Box::pin(async move {
            let trust = request
                .extensions()
                .get::<Trust>()
                .copied()
                .unwrap_or(Trust::Stranger);
            shared.credentials.add(&mut request, trust).await?;
            shared.transport.request(request).await
        })
    }
}
