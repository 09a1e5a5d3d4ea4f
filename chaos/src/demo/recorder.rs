//! Between Prometheus and the server: passes requests on, and notes how they ended.
//!
//! It keeps nothing back and answers nothing of its own: when the server gives no answer the connection
//! is cut, as it would be without the recorder.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONNECTION, HOST};
use hyper::{Method, Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::RunClock;
use super::book::Book;
use super::ledger::{Answer, Statement};
use super::message::statements;
use super::nemesis::{Moment, Nemesis};
use crate::harness::http::{Answer as Body, Handler, NoAnswer, exchange, serve, whole};

/// A body that tells when it is on its way.
type Passed = BoxBody<Bytes, Infallible>;

/// A recorder that runs.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
}

#[derive(Clone)]
struct Recording {
    clock: RunClock,
    book: Arc<Book>,
    nemesis: Arc<Nemesis>,
    upstream: SocketAddr,
}

impl Recorder {
    pub(super) async fn start(
        clock: RunClock,
        book: &Arc<Book>,
        nemesis: &Arc<Nemesis>,
        upstream: SocketAddr,
    ) -> Result<Self> {
        let recording = Recording {
            clock,
            book: Arc::clone(book),
            nemesis: Arc::clone(nemesis),
            upstream,
        };
        let address = serve(recording).await?;
        Ok(Self { address })
    }
}

impl Handler for Recording {
    async fn handle(self, request: Request<Bytes>) -> Result<Response<Body>> {
        let asked_at = self.clock.elapsed();
        let now = Timestamp::from_nanosecond(i128::from(self.clock.clock.wall().0))?;
        let is_statement =
            request.method() == Method::POST && request.uri().path() == "/api/v2/alerts";
        if !is_statement {
            bail!("Prometheus asked for {}", request.uri());
        }
        let alerts = statements(request.body(), now)?;
        let taken = Arc::new(Notify::new());
        let exchange = exchange(self.pass_on(request, &taken)?);
        tokio::pin!(exchange);
        let answered = tokio::select! {
            answered = &mut exchange => answered,
            () = taken.notified() => {
                self.nemesis.sees(Moment::Asked);
                exchange.await
            }
        };
        let is_news = self.book.note_statement(Statement {
            asked_at,
            answered_at: self.clock.elapsed(),
            answer: judged(&answered),
            alerts,
        });
        if is_news {
            self.nemesis.sees(Moment::Answered);
        }
        match answered {
            Ok(answer) => Ok(answer.map(whole)),
            Err(_) => bail!("the server did not answer"),
        }
    }
}

impl Recording {
    /// The same request, to the server; tells when its body is on its way.
    fn pass_on(&self, request: Request<Bytes>, taken: &Arc<Notify>) -> Result<Request<Passed>> {
        let (mut parts, body) = request.into_parts();
        let taken = Arc::clone(taken);
        let body = Full::new(body).map_frame(move |frame| {
            taken.notify_one();
            frame
        });
        let path = parts
            .uri
            .path_and_query()
            .context("a request without a path")?;
        parts.uri = Uri::try_from(format!("http://{}{path}", self.upstream))?;
        parts.headers.remove(HOST);
        parts.headers.remove(CONNECTION);
        Ok(Request::from_parts(parts, BoxBody::new(body)))
    }
}

fn judged(answered: &Result<Response<Bytes>, NoAnswer>) -> Answer {
    match answered {
        Ok(answer) if answer.status() == StatusCode::OK => Answer::Acknowledged,
        Ok(answer) if answer.status() == StatusCode::SERVICE_UNAVAILABLE => Answer::Refused,
        Err(NoAnswer::NotConnected) => Answer::Refused,
        Ok(_) | Err(NoAnswer::Broken) => Answer::Unknown,
    }
}
