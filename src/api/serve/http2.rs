//! Connections that speak HTTP/2, which TLS has agreed upon.
//!
//! The same bounds as for HTTP/1, as far as the protocol has the same things: many requests share a
//! connection, so what is bounded is the number of those that are open, and a connection without one
//! for [`IDLE_SECONDS_MAX`] ends.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::patience::{Patience, Phase};
use super::{HEADER_BYTES_MAX, IDLE_SECONDS_MAX, STALL_SECONDS_MAX, Served};
use crate::api::backend::Backend;

/// Requests that one connection may have open.
const STREAMS_MAX: u32 = 100;
/// How much of an answer waits for a client that does not read.
const SEND_BYTES_MAX: usize = 256 << 10;

/// Requests of a connection.
#[derive(Debug, Default)]
struct Requests {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// Serves one connection to its end.
pub(super) async fn connection<B: Backend>(
    io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    served: Served<B>,
    mut is_closing: watch::Receiver<bool>,
) {
    let phase = Phase::default();
    // There are no first lines and no headers to wait for: the connection is at work all the time, and
    // what is left of patience is that the client has to read.
    let busy = phase.begin_request();
    let io = TokioIo::new(Patience::new(io, phase));
    let requests = Arc::new(Requests::default());
    let service = service_fn({
        let requests = Arc::clone(&requests);
        move |request: hyper::Request<Incoming>| {
            let (served, requests) = (served.clone(), Arc::clone(&requests));
            requests.begun.fetch_add(1, Ordering::AcqRel);
            async move {
                let (mut answer, _) = served.answer(request).await;
                answer.body_mut().hold(Ended(requests));
                Ok::<_, std::convert::Infallible>(answer)
            }
        }
    });
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEADER_BYTES_MAX).unwrap_or(u32::MAX))
        .max_send_buf_size(SEND_BYTES_MAX)
        .keep_alive_interval(Duration::from_secs(STALL_SECONDS_MAX))
        .keep_alive_timeout(Duration::from_secs(STALL_SECONDS_MAX));
    let mut connection = std::pin::pin!(http.serve_connection(io, service));
    let told_to_close = async {
        let _ = is_closing.wait_for(|is_closing| *is_closing).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = first_of(told_to_close, idle(&requests)) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    drop(busy);
    if let Err(error) = ended {
        // Clients that go away are not the operator's business.
        tracing::debug!(err = %error, "A connection ended early.");
    }
}

async fn first_of(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    tokio::select! {
        () = a => {}
        () = b => {}
    }
}

/// Waits until there has been no request for a while.
async fn idle(requests: &Requests) {
    loop {
        let begun = requests.begun.load(Ordering::Acquire);
        tokio::time::sleep(Duration::from_secs(IDLE_SECONDS_MAX)).await;
        let has_open = requests.ended.load(Ordering::Acquire) != begun;
        if requests.begun.load(Ordering::Acquire) == begun && !has_open {
            return;
        }
    }
}

/// Counts a request as ended when it is dropped.
struct Ended(Arc<Requests>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
    }
}
