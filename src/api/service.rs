//! The service: from a request to an answer, whatever the connection.
//!
//! ```text
//!   request ─► path ─┬─► redirect, 404, 405                                  not measured
//!                    ├─► limit of GETs ─► page                               measured by pattern
//!                    └─► timeout ─► limit of GETs ─► CORS ─► API v2          measured by endpoint
//! ```
//!
//! **Invariants**
//! * Before [`Backend::is_ready`] nothing is answered but `/-/healthy`, `/-/ready`, `/metrics`, with 503
//!   for all else: no list is shown that recovery has not filled, and nothing is taken in.
//! * A success status follows the backend's word that what it is about is durable.
//! * What a request holds (its place among the GETs, its measurement) it holds until its answer has
//!   been read or the client has gone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gotemplate::time::format_duration;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, StatusCode};
use prometheus_client::registry::Registry;
use tokio::sync::Semaphore;

use super::answer::{Answer, empty, error, page, redirect, said, text, with_allow};
use super::backend::Backend;
use super::body::Body;
use super::cors;
use super::intake::Intake;
use super::metrics::{self, Metrics, Seen, method_label};
use super::routes::{Endpoint, Page, Place, Routes};
use super::v2::{Aside, V2};
use crate::sys::Clock;

/// How many GETs at once are answered, unless a flag says otherwise or there are more processors.
/// Alertmanager 0.34: `--web.get-concurrency`.
pub const GETS_MAX: usize = 8;

/// Unknown paths of API v2, in metrics. (Upstream makes a series for every path that anybody tries.)
const UNKNOWN_V2: &str = "/api/v2/*";

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The text about API v1.
const REMOVED: &str = "{\"status\":\"deprecated\",\"error\":\"The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API\"}\n";

/// What flags say about the service.
#[derive(Debug, Clone)]
pub struct Options {
    /// Below which path everything is. Alertmanager 0.34: `--web.route-prefix`.
    pub route_prefix: String,
    /// GETs at once. Alertmanager 0.34: `--web.get-concurrency`.
    pub gets_max: usize,
    /// How much work that takes long is done at once.
    pub processors: usize,
    /// How long a request may take. Alertmanager 0.34: `--web.timeout`.
    pub timeout: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            route_prefix: "/".to_owned(),
            gets_max: GETS_MAX,
            processors: 1,
            timeout: None,
        }
    }
}

/// The pages of the user interface: what `/`, `/favicon.ico` and `/assets/…` answer.
pub trait Pages: Send + Sync + std::fmt::Debug {
    /// The media type and the content of a page, if there is one of that path (below the prefix).
    fn page(&self, path: &str) -> Option<(&'static str, Bytes)>;
}

/// No user interface.
#[derive(Debug, Clone, Copy)]
pub struct NoPages;

impl Pages for NoPages {
    fn page(&self, _path: &str) -> Option<(&'static str, Bytes)> {
        None
    }
}

/// Why there is no service.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Two routes contradict each other.
    #[error("the table of routes is wrong: {0}")]
    Routes(#[from] matchit::InsertError),
    /// The system gives no threads.
    #[error("start the threads that read requests: {0}")]
    Threads(#[from] std::io::Error),
}

/// The service.
#[derive(Debug)]
pub struct Api<B> {
    v2: V2<B>,
    routes: Routes,
    options: Options,
    gets: Arc<Semaphore>,
    registry: Arc<Registry>,
    pages: Box<dyn Pages>,
}

impl<B: Backend> Api<B> {
    /// A service over a backend. The metrics are registered in that registry.
    ///
    /// # Errors
    /// If its table of routes is wrong, which a test refutes, or the system gives it no threads.
    pub fn new(
        backend: Arc<B>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        registry: Arc<Registry>,
        options: Options,
        pages: Box<dyn Pages>,
    ) -> Result<Self, ApiError> {
        Ok(Self {
            routes: Routes::new(&options.route_prefix)?,
            gets: Arc::new(Semaphore::new(options.gets_max)),
            v2: V2 {
                backend,
                clock,
                intake: Intake::new(),
                metrics,
                aside: Aside::start(options.processors)?,
            },
            options,
            registry,
            pages,
        })
    }

    /// What the service counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.v2.metrics
    }

    /// Answers a request.
    pub async fn answer<R>(&self, request: Request<R>) -> Answer
    where
        R: http_body::Body<Data = Bytes> + Send + Unpin,
        R::Error: std::fmt::Display,
    {
        let started = self.v2.clock.monotonic();
        let method = request.method().clone();
        let uri = request.uri().clone();
        if uri.path() == "*" {
            return empty(StatusCode::OK);
        }
        let path = uri.path();
        match self.routes.find(&method, path, uri.query()) {
            Place::V2(found, path) => {
                let mut answer = self.within_time(self.v2_answer(request, found, path)).await;
                let handler = found.map_or(UNKNOWN_V2, |(endpoint, _)| endpoint.path());
                self.measure(&mut answer, handler, &method, started, Size::Untold);
                answer
            }
            Place::Page(page, handler) => {
                let asked = Asked {
                    method: &method,
                    path,
                    query: uri.query(),
                    headers: request.headers(),
                };
                let work = self.page_answer(page, &asked, handler, started);
                self.within_time(work).await
            }
            Place::Redirect(status, location) => redirect(status, &location, method == Method::GET),
            Place::Methods(methods) if method == Method::OPTIONS => {
                with_allow(empty(StatusCode::OK), &methods)
            }
            Place::Methods(methods) => {
                let answer = error(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
                with_allow(answer, &methods)
            }
            Place::Nowhere => nowhere(),
        }
    }

    /// The answer, unless it takes too long.
    async fn within_time(&self, work: impl Future<Output = Answer>) -> Answer {
        let Some(limit) = self.options.timeout.filter(|limit| !limit.is_zero()) else {
            return work.await;
        };
        match tokio::time::timeout(limit, work).await {
            Ok(answer) => answer,
            Err(_) => {
                let limit = format_duration(i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX));
                let message = format!("Exceeded configured timeout of {limit}.\n");
                text(StatusCode::SERVICE_UNAVAILABLE, message)
            }
        }
    }

    async fn v2_answer<R>(
        &self,
        request: Request<R>,
        found: Option<(Endpoint, Option<&str>)>,
        path: &str,
    ) -> Answer
    where
        R: http_body::Body<Data = Bytes> + Send + Unpin,
        R::Error: std::fmt::Display,
    {
        let method = request.method().clone();
        let place = match self.enter(&method) {
            Ok(place) => place,
            Err(answer) => return *answer,
        };
        if let Some(answer) = cors::preflight(&method, request.headers()) {
            return answer;
        }
        let headers = request.headers().clone();
        let mut answer = match self.v2.backend.is_ready() {
            true => self.v2.answer(request, found, path).await,
            false => said(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
        };
        cors::admit(&mut answer, &method, &headers);
        answer.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        answer.body_mut().hold(place);
        answer
    }

    /// Takes a place among the GETs, or answers that there is none. Other methods need none.
    fn enter(&self, method: &Method) -> Result<Option<GetPermit>, Box<Answer>> {
        if method != Method::GET {
            return Ok(None);
        }
        let metrics = &self.v2.metrics;
        let Ok(permit) = Arc::clone(&self.gets).try_acquire_owned() else {
            metrics.gets_refused.inc();
            let max = self.options.gets_max;
            let message =
                format!("Limit of concurrent GET requests reached ({max}), try again later.\n");
            return Err(Box::new(error(StatusCode::SERVICE_UNAVAILABLE, &message)));
        };
        Ok(Some(GetPermit::new(permit, metrics)))
    }

    async fn page_answer(
        &self,
        page: Page,
        asked: &Asked<'_>,
        handler: &'static str,
        started: Duration,
    ) -> Answer {
        let place = match self.enter(asked.method) {
            Ok(place) => place,
            Err(answer) => return *answer,
        };
        let mut answer = self.page(page, asked).await;
        answer.body_mut().hold(place);
        self.measure(&mut answer, handler, asked.method, started, Size::Told);
        answer
    }

    async fn page(&self, page: Page, asked: &Asked<'_>) -> Answer {
        let backend = &self.v2.backend;
        let (method, path) = (asked.method, asked.path);
        match page {
            Page::Healthy => ok(method),
            Page::Ready if backend.is_ready() => ok(method),
            Page::Ready => error(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
            Page::Metrics => self.metrics_page(asked.headers),
            Page::Reload => match backend.reload().await {
                Ok(()) => empty(StatusCode::OK),
                Err(why) => {
                    let message = format!("failed to reload config: {why}");
                    error(StatusCode::INTERNAL_SERVER_ERROR, &message)
                }
            },
            Page::Removed => {
                let message = "v1 API received a request on a removed endpoint";
                tracing::warn!(path, method = %method, version = "v1", "{message}");
                let mut answer = super::answer::json(Body::whole(REMOVED));
                *answer.status_mut() = StatusCode::GONE;
                answer
            }
            Page::Recovery => match backend.recovery() {
                Some(report) => {
                    let mut body = report.to_string();
                    body.push('\n');
                    super::answer::json(Body::whole(body))
                }
                None => said(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
            },
            Page::Past(route) if backend.is_ready() => {
                super::tocsin::answer(backend.as_ref(), route, asked.query).await
            }
            Page::Past(_) => said(StatusCode::SERVICE_UNAVAILABLE, NOT_READY),
            Page::Index | Page::Icon | Page::Asset => self.ui_page(page, path),
            Page::Debug => nowhere(),
        }
    }

    fn ui_page(&self, kind: Page, path: &str) -> Answer {
        let below = path.strip_prefix(self.routes.prefix()).unwrap_or(path);
        let Some((media_type, content)) = self.pages.page(below) else {
            return nowhere();
        };
        let mut answer = page(media_type, content);
        let headers = answer.headers_mut();
        if kind == Page::Asset {
            let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
            headers.insert(CACHE_CONTROL, kept);
            return answer;
        }
        let asked = HeaderValue::from_static("no-cache, no-store, must-revalidate");
        headers.insert(CACHE_CONTROL, asked);
        headers.insert(hyper::header::PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(hyper::header::EXPIRES, HeaderValue::from_static("0"));
        answer
    }

    fn metrics_page(&self, headers: &HeaderMap) -> Answer {
        let metrics = &self.v2.metrics;
        metrics.scrapes_in_flight.inc();
        metrics.prepare_scrape();
        let answer = match metrics::page(&self.registry) {
            Ok(written) => metrics_answer(headers, written),
            Err(why) => {
                let message = format!("An error has occurred while serving metrics:\n\n{why}");
                error(StatusCode::INTERNAL_SERVER_ERROR, &message)
            }
        };
        metrics.scrapes_in_flight.dec();
        metrics.scraped(answer.status());
        answer
    }

    /// Counts the request when its answer is done with.
    fn measure(
        &self,
        answer: &mut Answer,
        handler: &'static str,
        method: &Method,
        started: Duration,
        size: Size,
    ) {
        let size_bytes = match size {
            Size::Told => http_body::Body::size_hint(answer.body()).exact(),
            Size::Untold => None,
        };
        let seen = Seen {
            handler,
            method: method_label(method),
            code: answer.status().as_u16(),
        };
        let measurement = Measurement {
            metrics: Arc::clone(&self.v2.metrics),
            clock: Arc::clone(&self.v2.clock),
            seen,
            started,
            size_bytes,
        };
        answer.body_mut().hold(measurement);
    }
}

/// What of a request a page needs.
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    query: Option<&'a str>,
    headers: &'a HeaderMap,
}

/// Whether the size of an answer is measured. Alertmanager 0.34: of pages only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Told,
    Untold,
}

const NOT_READY: &str = "not ready: recovery is not done yet";

fn ok(method: &Method) -> Answer {
    match *method {
        Method::HEAD => empty(StatusCode::OK),
        _ => text(StatusCode::OK, "OK"),
    }
}

fn nowhere() -> Answer {
    error(StatusCode::NOT_FOUND, "404 page not found")
}

/// The page of metrics as the client wants it.
fn metrics_answer(headers: &HeaderMap, written: String) -> Answer {
    let compressed = metrics::likes_gzip(headers).then(|| metrics::gzip(&written));
    let mut answer = match compressed {
        Some(Ok(compressed)) => {
            let mut answer = page("text/plain", compressed);
            let gzip = HeaderValue::from_static("gzip");
            answer.headers_mut().insert(CONTENT_ENCODING, gzip);
            answer
        }
        _ => page("text/plain", written),
    };
    if let Ok(media_type) = HeaderValue::try_from(metrics::media_type(headers)) {
        answer.headers_mut().insert(CONTENT_TYPE, media_type);
    }
    answer
}

/// A place among the GETs.
struct GetPermit {
    _permit: tokio::sync::OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
}

impl GetPermit {
    fn new(permit: tokio::sync::OwnedSemaphorePermit, metrics: &Arc<Metrics>) -> Self {
        metrics.gets.inc();
        Self {
            _permit: permit,
            metrics: Arc::clone(metrics),
        }
    }
}

impl Drop for GetPermit {
    fn drop(&mut self) {
        self.metrics.gets.dec();
    }
}

/// Observes a request when it is dropped.
struct Measurement {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    seen: Seen,
    started: Duration,
    size_bytes: Option<u64>,
}

impl Drop for Measurement {
    fn drop(&mut self) {
        let taken = self.clock.monotonic().saturating_sub(self.started);
        self.metrics
            .observe(&self.seen, taken.as_secs_f64(), self.size_bytes);
    }
}
