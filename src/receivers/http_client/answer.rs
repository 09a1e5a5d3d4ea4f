//! What was answered.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use super::error::HttpError;

/// The most of an answer that is kept. The largest that an integration has to understand, a search
/// in Jira, is some 100 kB.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The most of an answer that is read so that the connection can be used again. Beyond it a new
/// connection is cheaper.
pub const DRAINED_BYTES_MAX: usize = 4 << 20;

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// How it went.
    pub status: StatusCode,
    /// About it.
    pub headers: HeaderMap,
    /// What was said, up to [`ANSWER_BYTES_MAX`] unless it was asked for as a whole; empty if it could
    /// not be read to its end.
    pub body: Bytes,
}

impl Answer {
    /// Reads an answer to its end, so that the connection can be used again.
    pub(super) async fn read(response: Response<Incoming>, deadline: Instant) -> Self {
        let (parts, body) = response.into_parts();
        let body = match timeout_at(deadline, drain(body)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) | Err(_) => Bytes::new(),
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// Reads an answer whose body matters: all of it, or none.
    pub(super) async fn read_whole(
        response: Response<Incoming>,
        bytes_max: usize,
        deadline: Instant,
    ) -> Result<Self, HttpError> {
        let (parts, body) = response.into_parts();
        let read = Limited::new(body, bytes_max).collect();
        match timeout_at(deadline, read).await {
            Ok(Ok(body)) => Ok(Self {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            }),
            Ok(Err(error)) => Err(HttpError::of_chain(&*error)),
            Err(_) => Err(HttpError::deadline()),
        }
    }

    /// The body as a text, for errors.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

async fn drain(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while seen < DRAINED_BYTES_MAX {
        let Some(frame) = body.frame().await else {
            break;
        };
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        seen = seen.saturating_add(data.len());
        let room = ANSWER_BYTES_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
    }
    Ok(kept.freeze())
}
