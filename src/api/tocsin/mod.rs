//! tocsin's own API: `GET /api/tocsin/v1/why`, `/history` and `/notifications`.
//!
//! What may be asked, and what is answered, is [`crate::history::ask`]'s. A question that is wrong gets a
//! 400 with a line of JSON that says why and shows the right form; history that is switched off, not there
//! yet or broken gets a 503. Neither says anything about alerts and notifications, which go on.

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::answer::{Answer, json, said};
use super::backend::{Backend, Refusal};
use super::body::Body;
use super::v2::query::Query;
use crate::history::ask::{Parameters, Route};

/// Answers a question.
pub(super) async fn answer<B: Backend>(backend: &B, route: Route, query: Option<&str>) -> Answer {
    let query = Query::new(query.unwrap_or_default());
    match backend.ask(route, Parameters(query.into_pairs())).await {
        Ok(page) => {
            let mut answer = json(Body::whole(page.body));
            let media_type = HeaderValue::from_static(page.media.content_type());
            answer.headers_mut().insert(CONTENT_TYPE, media_type);
            answer
        }
        Err(Refusal { status, message }) => said(status, &message),
    }
}

/// There is no history here.
pub(super) fn off() -> Refusal {
    Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        message: "there is no history: it is switched off (--history=off)".to_owned(),
    }
}
