//! Connections: how many, how slow, and how they end.
//!
//! Upstream sets no bound and no time-out on its server. Here a connection costs a bounded amount for a
//! bounded time, whatever its client does:
//!
//! | The client | What ends it |
//! |---|---|
//! | opens one connection too many ([`Limits::connections_max`]) | 503 and the end, at once |
//! | takes its time with the headers ([`HEADER_SECONDS_MAX`]) | the end |
//! | sends headers without end ([`HEADER_BYTES_MAX`]) | 431 |
//! | takes its time with the body | 408, see [`super::intake`] |
//! | does not read its answer ([`STALL_SECONDS_MAX`]) | the end, and what the answer held is released |
//! | says nothing at all ([`IDLE_SECONDS_MAX`]) | the end |
//! | takes its time to agree on TLS ([`HEADER_SECONDS_MAX`]) | the end |
//!
//! At shutdown no connection is taken any more; those that are open finish the request that they have
//! begun, and what is not finished after the time of grace is cut off.

mod http2;
mod patience;
mod plain_http;
mod read_to_end;
mod request_line;
mod web;

pub use web::{Web, WebError, log_listening};

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer::{Answer, closing};
use super::backend::Backend;
use super::service::Api;
use patience::{Patience, Phase};
use plain_http::Looked;
use read_to_end::ReadToEnd;

/// How long the headers of a request may take once they have begun.
pub const HEADER_SECONDS_MAX: u64 = 10;
/// How long headers may be together: room for the longest query that a browser makes. It is asked before
/// each read, which may bring as much again.
pub const HEADER_BYTES_MAX: usize = 64 << 10;
/// How long an answer may stand still because its client does not read.
pub const STALL_SECONDS_MAX: u64 = 30;
/// How long a connection may wait for its next request. Prometheus closes its own after 5 minutes; a
/// server that closes first makes requests fail that were just being sent.
pub const IDLE_SECONDS_MAX: u64 = 6 * 60;
/// How long to wait after a connection could not be accepted, which is for want of file descriptors as
/// a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The bounds that an operator may want to change.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once.
    pub connections_max: usize,
    /// How long open requests may take after shutdown has begun.
    pub grace: Duration,
}

impl Default for Limits {
    /// 1024 connections: many times what a hundred Prometheus servers keep open, and with the buffers
    /// of each well below 256 MiB. 10 s of grace: the time after which senders give up.
    fn default() -> Self {
        Self {
            connections_max: 1024,
            grace: Duration::from_secs(10),
        }
    }
}

/// Where connections come from.
pub trait Listener: Send {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Waits for the next one.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;

    /// Who is at the other end, where that has an address.
    fn peer(_io: &Self::Io) -> Option<IpAddr> {
        None
    }
}

/// Who sent a request: an extension of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // An answer is written in one piece: waiting for more would only delay it.
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn peer(io: &TcpStream) -> Option<IpAddr> {
        io.peer_addr().ok().map(|peer| peer.ip().to_canonical())
    }
}

/// What connections are served with.
struct Served<B> {
    api: Arc<Api<B>>,
    web: Option<Arc<Web>>,
    peer: Option<Peer>,
}

impl<B> Clone for Served<B> {
    fn clone(&self) -> Self {
        Self {
            api: Arc::clone(&self.api),
            web: self.web.clone(),
            peer: self.peer,
        }
    }
}

impl<B> Served<B> {
    fn has_tls(&self) -> bool {
        self.web.as_ref().is_some_and(|web| web.has_tls())
    }
}

impl<B: Backend> Served<B> {
    /// Answers a request, and tells whether its body was read to the end.
    async fn answer(&self, request: hyper::Request<Incoming>) -> (Answer, bool) {
        let (mut parts, body) = request.into_parts();
        if let Some(peer) = self.peer {
            parts.extensions.insert(peer);
        }
        let (body, has_ended) = ReadToEnd::new(body);
        let request = hyper::Request::from_parts(parts, body);
        let answer = match &self.web {
            None => self.api.answer(request).await,
            Some(web) => match web.admit(request.headers()).await {
                Ok(passed) => {
                    let mut answer = self.api.answer(request).await;
                    passed.put_headers(&mut answer);
                    answer
                }
                Err(refusal) => *refusal,
            },
        };
        (answer, has_ended.load(Ordering::Acquire))
    }
}

/// Serves until `stop` is done, then lets open requests finish.
pub async fn serve<B: Backend>(
    listener: impl Listener,
    api: Arc<Api<B>>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
    serve_with(listener, api, limits, None, stop).await;
}

/// As [`serve`], with what a web configuration file says, if there is one. Several listeners may share
/// it.
pub async fn serve_with<B: Backend>(
    mut listener: impl Listener,
    api: Arc<Api<B>>,
    limits: Limits,
    web: Option<Arc<Web>>,
    stop: impl Future<Output = ()> + Send,
) {
    let served = Served {
        api,
        web,
        peer: None,
    };
    let api = Arc::clone(&served.api);
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let (closing, is_closing) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let io = match accepted {
            Ok(io) => io,
            Err(error) => {
                tracing::warn!(err = %error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            api.metrics().connections_refused.inc();
            tracing::warn!(
                connections = limits.connections_max,
                "A connection was refused: too many are open."
            );
            if !served.has_tls() {
                refuse(io).await;
            }
            continue;
        };
        let (mut served, is_closing) = (served.clone(), is_closing.clone());
        served.peer = peer_of(&listener, &io).map(Peer);
        connections.spawn(async move {
            let open = served.api.metrics().connections.clone();
            open.inc();
            connection(io, served, is_closing).await;
            open.dec();
            drop(place);
        });
    }
    drop(listener);
    // That nobody listens only means that no connection is open.
    let _ = closing.send(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, all).await.is_err() {
        let open = connections.len();
        tracing::warn!(
            open,
            "Connections were cut off: their requests did not end in time."
        );
        connections.shutdown().await;
    }
}

fn peer_of<L: Listener>(_listener: &L, io: &L::Io) -> Option<IpAddr> {
    L::peer(io)
}

/// Serves one connection to its end, in the protocol that it agrees upon.
async fn connection<B: Backend>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    served: Served<B>,
    is_closing: watch::Receiver<bool>,
) {
    let Some(web) = served.web.clone().filter(|web| web.has_tls()) else {
        return http1_connection(io, served, is_closing).await;
    };
    let limit = Duration::from_secs(HEADER_SECONDS_MAX);
    let secured = match tokio::time::timeout(limit, secured(io, &web)).await {
        Ok(Ok(secured)) => secured,
        Ok(Err(error)) => {
            tracing::debug!(err = %error, "TLS could not be agreed upon.");
            return;
        }
        Err(_) => return,
    };
    let is_http2 = secured.get_ref().1.alpn_protocol() == Some(b"h2");
    match is_http2 {
        true => http2::connection(secured, served, is_closing).await,
        false => http1_connection(secured, served, is_closing).await,
    }
}

/// The connection with TLS around it.
async fn secured<T: AsyncRead + AsyncWrite + Unpin>(
    io: T,
    web: &Web,
) -> io::Result<TlsStream<Looked<T>>> {
    let io = Looked::at(io).await?;
    let config = web.tls().await.map_err(|error| {
        tracing::error!(err = %error, "Unable to parse configuration");
        io::Error::other(error)
    })?;
    TlsAcceptor::from(config).accept(io).await
}

async fn http1_connection<B: Backend>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    served: Served<B>,
    mut is_closing: watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let io = TokioIo::new(Patience::new(io, phase.clone()));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (served, request_phase) = (served.clone(), phase.begin_request());
        async move {
            let (mut answer, has_ended) = served.answer(request).await;
            if !has_ended {
                answer = closing(answer);
            }
            answer.body_mut().hold(request_phase);
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(IDLE_SECONDS_MAX))
        .max_buf_size(HEADER_BYTES_MAX);
    let mut connection = std::pin::pin!(http.serve_connection(io, service));
    let told_to_close = async move {
        let _ = is_closing.wait_for(|is_closing| *is_closing).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told_to_close => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Clients that go away are not the operator's business.
        tracing::debug!(err = %error, "A connection ended early.");
    }
}

/// Tells a client that it is one too many, without waiting for what it wants.
async fn refuse(mut io: impl AsyncWrite + Unpin) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
        Content-Type: text/plain; charset=utf-8\r\nContent-Length: 30\r\nConnection: close\r\n\r\n\
        Too many connections are open.";
    // It fits any socket's buffer; if not, or if the client has gone, it gets no answer.
    let write = async {
        let _ = io.write_all(ANSWER).await;
        let _ = io.shutdown().await;
    };
    let _ = tokio::time::timeout(ACCEPT_PAUSE, write).await;
}
