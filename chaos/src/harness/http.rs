//! HTTP on the loopback: a server for each listener, and requests on connections of their own.
//!
//! No connection is kept: one to a server that was killed in the meantime would let a request fail
//! although the server is up again.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// Longer than Prometheus waits for an answer, which is 10 s.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);

/// What a handler does with a request; without an answer the connection is cut.
pub(crate) trait Handler: Clone + Send + 'static {
    /// Does it.
    fn handle(
        self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Answer>>> + Send;
}

/// The body of an answer.
pub(crate) type Answer = BoxBody<Bytes, Infallible>;

/// An answer that is there at once.
pub(crate) fn whole(body: impl Into<Bytes>) -> Answer {
    BoxBody::new(Full::new(body.into()))
}

/// Serves on a free port, as long as the runtime lives.
pub(crate) async fn serve(handler: impl Handler + Sync) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let handler = handler.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let handler = handler.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await?.to_bytes();
                    handler.handle(Request::from_parts(parts, body)).await
                }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // That a peer goes away is what all this is about.
            tokio::spawn(async { drop(connection.await) });
        }
    });
    Ok(address)
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Nobody was listening.
    NotConnected,
    /// Something else.
    Broken,
}

/// Makes a request and reads the answer.
pub(crate) async fn exchange<B>(request: Request<B>) -> Result<Response<Bytes>, NoAnswer>
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .retry_canceled_requests(false)
        .build_http::<B>();
    let exchange = async {
        let answer = client.request(request).await;
        let (parts, body) = answer.map_err(|error| no_answer(&error))?.into_parts();
        let body = body.collect().await.map_err(|_| NoAnswer::Broken)?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    };
    let answer = timeout(ANSWER_TIMEOUT, exchange).await;
    answer.map_err(|_| NoAnswer::Broken)?
}

fn no_answer(error: &Error) -> NoAnswer {
    match error.is_connect() {
        true => NoAnswer::NotConnected,
        false => NoAnswer::Broken,
    }
}

/// Gets a page: its status and its text.
pub(crate) async fn get(url: &str) -> Result<(u16, String)> {
    let request = Request::get(url).body(Full::<Bytes>::default())?;
    let answer = exchange(request)
        .await
        .ok()
        .with_context(|| format!("{url} does not answer"))?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    Ok((answer.status().as_u16(), text))
}
