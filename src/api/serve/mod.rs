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
//!
//! At shutdown no connection is taken any more; those that are open finish the request that they have
//! begun, and what is not finished after the time of grace is cut off.

mod patience;
mod read_to_end;
mod request_line;

use std::future::Future;
use std::io;
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

use super::answer::closing;
use super::backend::Backend;
use super::service::Api;
use patience::{Patience, Phase};
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
}

impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // An answer is written in one piece: waiting for more would only delay it.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// Serves until `stop` is done, then lets open requests finish.
pub async fn serve<B: Backend>(
    mut listener: impl Listener,
    api: Arc<Api<B>>,
    limits: Limits,
    stop: impl Future<Output = ()> + Send,
) {
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
            refuse(io).await;
            continue;
        };
        let (api, is_closing) = (Arc::clone(&api), is_closing.clone());
        connections.spawn(async move {
            let open = api.metrics().connections.clone();
            open.inc();
            connection(io, api, is_closing).await;
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

/// Serves one connection to its end.
pub async fn connection<B: Backend>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    api: Arc<Api<B>>,
    mut is_closing: watch::Receiver<bool>,
) {
    let phase = Phase::default();
    let io = TokioIo::new(Patience::new(io, phase.clone()));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (api, request_phase) = (Arc::clone(&api), phase.begin_request());
        async move {
            let (parts, body) = request.into_parts();
            let (body, has_ended) = ReadToEnd::new(body);
            let request = hyper::Request::from_parts(parts, body);
            let mut answer = api.answer(request).await;
            if !has_ended.load(Ordering::Acquire) {
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
