//! API version 2, the one that Prometheus and its friends speak (`http-api.md` §4 and §5).
//!
//! A request is checked in the order of upstream: path and method, type of the body, wanted type,
//! parameters and body, and only then is it acted upon.

mod aside;
pub mod decode;
pub mod encode;
mod fault;
mod lists;
mod negotiate;
pub mod post_alerts;
pub mod post_silence;
pub(crate) mod query;

pub use aside::Aside;
pub use fault::Fault;
pub(super) use negotiate::check_content_type;

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode};

use super::answer::{Answer, empty, json, refused, said, with_allow};
use super::backend::{Backend, Refusal, SilenceRefusal};
use super::body::Body;
use super::intake::{Intake, Taken};
use super::metrics::Metrics;
use super::routes::Endpoint;
use super::serve::Peer;
use crate::sys::Clock;
use encode::{AlertList, GroupList};
use lists::AlertFilter;
use query::Query;

/// Bodies longer than this are read, and lists longer than [`LONG_LIST`] sorted, [`Aside`]: it takes tens of
/// microseconds, for which other connections should not wait.
const LONG_BODY_BYTES: usize = 64 << 10;
/// See [`LONG_BODY_BYTES`].
const LONG_LIST: usize = 1_000;

/// When to come again if something could not be made durable, or is not ready. Clients that know the
/// header wait that long, the others as long as they do anyway.
const RETRY_AFTER_SECONDS: u64 = 1;

/// API v2 over a backend.
#[derive(Debug)]
pub struct V2<B> {
    pub(super) backend: Arc<B>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) intake: Intake,
    pub(super) metrics: Arc<Metrics>,
    pub(super) aside: Aside,
}

impl<B: Backend> V2<B> {
    /// Answers a request. `path` is that of the request without the prefix.
    pub async fn answer<R>(
        &self,
        request: Request<R>,
        found: Option<(Endpoint, Option<&str>)>,
        path: &str,
    ) -> Answer
    where
        R: http_body::Body<Data = Bytes> + Send + Unpin,
        R::Error: std::fmt::Display,
    {
        let Some((endpoint, id)) = found else {
            return refused(404, &format!("path {path} was not found"));
        };
        let methods = endpoint.methods();
        let method = request.method().clone();
        if !methods.contains(&method.as_str()) {
            let methods = methods.join(",");
            let message = format!("method {method} is not allowed, but [{methods}] are");
            return with_allow(refused(405, &message), &methods);
        }
        let (parts, body) = request.into_parts();
        let taken = match self.intake.take(&parts.headers, body).await {
            Ok(taken) => taken,
            Err(answer) => return answer,
        };
        if let Err(answer) = negotiate::check_accept(&parts.headers) {
            return *answer;
        }
        let query = Query::new(parts.uri.query().unwrap_or_default());
        let answer = match (endpoint, method == Method::POST) {
            (Endpoint::Alerts, true) => self.post_alerts(taken, sender(&parts)).await,
            (Endpoint::Alerts, false) => self.get_alerts(&query).await,
            (Endpoint::Groups, _) => self.get_groups(&query).await,
            (Endpoint::Silences, true) => self.post_silence(taken).await,
            (Endpoint::Silences, false) => self.get_silences(&query).await,
            (Endpoint::Silence, _) => {
                let id = percent_encoding::percent_decode_str(id.unwrap_or_default());
                let id = id.decode_utf8_lossy();
                self.silence(&id, method == Method::DELETE).await
            }
            (Endpoint::Receivers, _) => self.get_receivers(&query).map_err(Answer::from),
            (Endpoint::Status, _) => Ok(whole(encode::status(&self.backend.status()))),
        };
        answer.unwrap_or_else(|answer| answer)
    }

    async fn post_alerts(&self, taken: Taken, sender: Option<Arc<str>>) -> Result<Answer, Answer> {
        let (settings, now) = (self.backend.settings(), self.clock.wall());
        let bytes = taken.bytes.clone();
        let is_long = bytes.len() > LONG_BODY_BYTES;
        let mut received = self
            .aside
            .work(is_long, move || post_alerts::receive(&bytes, settings, now))
            .await??;
        received.valid.sender = sender;
        self.metrics.received(&received);
        if !received.valid.alerts.is_empty() {
            self.backend
                .submit_alerts(received.valid)
                .await
                .map_err(refusal)?;
        }
        match received.errors.is_empty() {
            true => Ok(empty(StatusCode::OK)),
            false => Err(said(StatusCode::BAD_REQUEST, &received.errors.join("\n"))),
        }
    }

    async fn get_alerts(&self, query: &Query) -> Result<Answer, Answer> {
        let filter = self.filter(query)?;
        let all = self.backend.alerts().await.map_err(refusal)?;
        let list = self
            .aside
            .work(all.len() > LONG_LIST, move || filter.alerts(all))
            .await?;
        Ok(json(Body::chunks(AlertList::new(list))))
    }

    async fn get_groups(&self, query: &Query) -> Result<Answer, Answer> {
        let filter = self.filter(query)?;
        let all = self.backend.groups().await.map_err(refusal)?;
        let count: usize = all.iter().map(|group| group.alerts.len()).sum();
        let list = self
            .aside
            .work(count > LONG_LIST, move || filter.groups(all))
            .await?;
        Ok(json(Body::chunks(GroupList::new(list))))
    }

    fn filter(&self, query: &Query) -> Result<AlertFilter, Fault> {
        AlertFilter::new(query, self.backend.settings().mode, self.clock.wall())
    }

    async fn post_silence(&self, taken: Taken) -> Result<Answer, Answer> {
        let mode = self.backend.settings().mode;
        let silence = post_silence::receive(&taken.bytes, mode, self.clock.wall())?;
        let id = match self.backend.set_silence(silence).await {
            Ok(id) => id,
            Err(SilenceRefusal::NotFound) => {
                let message = SilenceRefusal::NotFound.to_string();
                return Err(said(StatusCode::NOT_FOUND, &message));
            }
            Err(SilenceRefusal::Other(other)) => return Err(refusal(other)),
        };
        let mut body = b"{\"silenceID\":".to_vec();
        encode::string(&mut body, &id, encode::Escape::Plain);
        body.extend_from_slice(b"}\n");
        Ok(whole(body))
    }

    async fn get_silences(&self, query: &Query) -> Result<Answer, Answer> {
        let (mode, now) = (self.backend.settings().mode, self.clock.wall());
        let all = self.backend.silences().await.map_err(refusal)?;
        let list = lists::silences(all, query, mode, now)?;
        Ok(shown(encode::silences(&list, now)))
    }

    async fn silence(&self, id: &str, is_delete: bool) -> Result<Answer, Answer> {
        if !is_uuid(id) {
            let id = gotemplate::strconv::quote(id.as_bytes());
            let message = format!("silenceID in path must be of type uuid: {id}");
            return Err(refused(601, &message));
        }
        let explain = |error| match error {
            SilenceRefusal::NotFound => empty(StatusCode::NOT_FOUND),
            SilenceRefusal::Other(other) => refusal(other),
        };
        if is_delete {
            self.backend.expire_silence(id).await.map_err(explain)?;
            return Ok(empty(StatusCode::OK));
        }
        let silence = self.backend.silence(id).await.map_err(explain)?;
        Ok(shown(encode::silence(&silence, self.clock.wall())))
    }

    fn get_receivers(&self, query: &Query) -> Result<Answer, Fault> {
        let all = self.backend.receivers();
        let list = lists::receivers(&all, query, self.backend.settings().mode)?;
        Ok(whole(encode::receivers(list)))
    }
}

fn whole(body: Vec<u8>) -> Answer {
    json(Body::whole(body))
}

fn shown(written: Result<Vec<u8>, String>) -> Answer {
    match written {
        Ok(body) => whole(body),
        Err(message) => said(StatusCode::INTERNAL_SERVER_ERROR, &message),
    }
}

fn refusal(refusal: Refusal) -> Answer {
    let Refusal { status, message } = refusal;
    let mut answer = said(status, &message);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let after = HeaderValue::from(RETRY_AFTER_SECONDS);
        answer.headers_mut().insert(RETRY_AFTER, after);
    }
    answer
}

/// Whether Go's parser of UUIDs takes it: bare, with hyphens, in braces, as a URN.
fn is_uuid(text: &str) -> bool {
    let is_urn = text
        .get(..9)
        .is_some_and(|urn| urn.eq_ignore_ascii_case("urn:uuid:"));
    let text = if is_urn {
        text.get(9..).unwrap_or_default()
    } else {
        text
    };
    let has_shape = match text.len() {
        32 | 38 => !is_urn,
        36 => true,
        _ => false,
    };
    has_shape && uuid::Uuid::try_parse(text).is_ok()
}

/// What a sender says of itself is cut there: names and versions are shorter.
const SENDER_BYTES_MAX: usize = 120;

/// Who sent a request: `10.0.0.3 Prometheus/3.5.0`. What is not printable is left out.
fn sender(parts: &http::request::Parts) -> Option<Arc<str>> {
    let peer = parts.extensions.get::<Peer>();
    let agent = parts.headers.get(USER_AGENT);
    let agent = agent
        .and_then(|agent| agent.to_str().ok())
        .unwrap_or_default();
    let agent = &agent[..agent.floor_char_boundary(SENDER_BYTES_MAX)];
    match (peer, agent) {
        (None, "") => None,
        (None, agent) => Some(agent.into()),
        (Some(Peer(address)), "") => Some(address.to_string().into()),
        (Some(Peer(address)), agent) => Some(format!("{address} {agent}").into()),
    }
}
