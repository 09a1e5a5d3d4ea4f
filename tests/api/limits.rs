//! What is one too many, too long or too slow? (`http-api.md` §3, and the bounds that are ours.)

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::Request;
use tocsin::api::Options;
use tocsin::api::intake::{BODY_BYTES_MAX, BODY_SECONDS_MAX};

use crate::memory::{Memory, alert, ask, listed, post, service, set};

const HEAD: &str = "content-type: application/json\ncache-control: no-store\nvary: Origin\n";

/// A backend whose lists wait until the gate is opened.
fn shut() -> Arc<Memory> {
    let gate = tokio::sync::Semaphore::new(0);
    Arc::new(Memory {
        gate,
        ..Memory::default()
    })
}

#[tokio::test]
async fn one_get_too_many_is_refused_and_counted() {
    let backend = shut();
    let options = Options {
        gets_max: 1,
        ..Options::default()
    };
    let api = service(&backend, options);
    let first = tokio::spawn({
        let api = Arc::clone(&api);
        async move { ask(&api, "GET /api/v2/alerts", &[], "").await.0 }
    });
    while api.metrics().gets.get() == 0 {
        tokio::task::yield_now().await;
    }
    let told = [
        ask(&api, "GET /-/healthy", &[], "").await.0,
        ask(&api, "GET /api/v2/status", &[], "").await.0,
        post(&api, "/api/v2/alerts", "[]").await.0,
    ];
    backend.gate.add_permits(1);
    let first = first.await.expect("it ends");
    let refused = "503\ncontent-type: text/plain; charset=utf-8\nx-content-type-options: nosniff\n\n\
        Limit of concurrent GET requests reached (1), try again later.\n\n";
    assert_eq!(
        (
            told,
            first,
            api.metrics().gets_refused.get(),
            api.metrics().gets.get()
        ),
        (
            [
                refused.to_owned(),
                refused.to_owned(),
                "200\ncache-control: no-store\nvary: Origin\n\n".to_owned(),
            ],
            format!("200\n{HEAD}\n[]\n"),
            2,
            0
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_given_up() {
    let backend = shut();
    let options = Options {
        timeout: Some(Duration::from_secs(90)),
        ..Options::default()
    };
    let api = service(&backend, options);
    let told = ask(&api, "GET /api/v2/alerts", &[], "").await;
    let text = "content-type: text/plain; charset=utf-8";
    assert_eq!(
        told.0,
        format!("503\n{text}\n\nExceeded configured timeout of 1m30s.\n")
    );
}

/// A body that says nothing of its length.
struct Endless {
    piece: Bytes,
    pieces: usize,
    /// What comes after the last piece: the end, or nothing for ever.
    hangs: bool,
}

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.pieces == 0 {
            return if self.hangs {
                Poll::Pending
            } else {
                Poll::Ready(None)
            };
        }
        self.pieces -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

async fn post_body(body: Endless) -> (String, Vec<String>) {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let request = Request::post("/api/v2/alerts").header("content-type", "application/json");
    let answer = api.answer(request.body(body).expect("a request")).await;
    let (parts, body) = answer.into_parts();
    let body = http_body_util::BodyExt::collect(body)
        .await
        .expect("bodies do not fail");
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let connection = parts
        .headers
        .get("connection")
        .map(|it| it.as_bytes().to_vec());
    let connection = String::from_utf8(connection.unwrap_or_default()).expect("text");
    (
        format!("{} {connection} {body}", parts.status.as_u16()),
        backend.stored(),
    )
}

#[tokio::test]
async fn a_body_of_100_megabytes_is_refused_whether_its_length_is_told_or_not() {
    let megabyte = Bytes::from(vec![b'['; 1 << 20]);
    let untold = post_body(Endless {
        piece: megabyte,
        pieces: 100,
        hangs: false,
    })
    .await;
    let api = service(&Arc::default(), Options::default());
    let told = post(&api, "/api/v2/alerts", &" ".repeat(100 << 20)).await.0;
    let body =
        format!("{{\"code\":413,\"message\":\"the body is longer than {BODY_BYTES_MAX} bytes\"}}");
    assert_eq!(
        (untold, told),
        (
            (format!("413 close {body}"), Vec::new()),
            format!("413\n{HEAD}connection: close\n\n{body}")
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_end_is_given_up() {
    let piece = Bytes::from_static(b"[{\"labels\":{\"a\":\"b\"}}");
    let told = post_body(Endless {
        piece,
        pieces: 1,
        hangs: true,
    })
    .await;
    let message = format!("the body did not arrive within {BODY_SECONDS_MAX} seconds");
    assert_eq!(
        told,
        (
            format!("408 close {{\"code\":408,\"message\":\"{message}\"}}"),
            Vec::new()
        )
    );
}

#[tokio::test]
async fn a_body_in_pieces_is_the_same_as_in_one() {
    let piece = Bytes::from_static(b" ");
    let spaces = post_body(Endless {
        piece,
        pieces: 1000,
        hangs: false,
    })
    .await;
    let piece = Bytes::from_static(b"[]");
    let lists = post_body(Endless {
        piece,
        pieces: 300_000,
        hangs: false,
    })
    .await;
    let required = "422  {\"code\":602,\"message\":\"alerts in body is required\"}";
    assert_eq!(
        (spaces, lists),
        (
            (required.to_owned(), Vec::new()),
            ("200  ".to_owned(), Vec::new())
        )
    );
}

/// The whole answer is never in memory: pieces of it are written while they are read.
#[tokio::test]
async fn a_long_list_is_written_in_chunks() {
    let backend = Arc::<Memory>::default();
    let names: Vec<String> = (0..5_000).map(|i| i.to_string()).collect();
    let alerts = names
        .iter()
        .map(|name| listed(alert(&[("name", name)]), &[]));
    set(&backend.alerts, alerts.collect());
    let api = service(&backend, Options::default());
    let request = Request::get("/api/v2/alerts").body(http_body_util::Empty::<Bytes>::new());
    let answer = api.answer(request.expect("a request")).await;
    let mut body = answer.into_body();
    let mut lengths = Vec::new();
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        let data = frame
            .expect("bodies do not fail")
            .into_data()
            .expect("data");
        lengths.push(data.len());
    }
    let total: usize = lengths.iter().sum();
    let most = lengths.iter().max().copied().unwrap_or_default();
    assert_eq!(
        (
            total > 1 << 20,
            most < tocsin::api::body::CHUNK_BYTES + 1_000,
            api.metrics().gets.get()
        ),
        (true, true, 0)
    );
}
