//! The bodies of requests, bounded in size, in time and in their sum.
//!
//! Upstream has no bound of any kind; one client can fill the memory. Here
//!
//! * a body has at most [`BODY_BYTES_MAX`]: else 413, at once if the client says its length;
//! * it arrives within [`BODY_SECONDS_MAX`]: else 408, so that a slow client holds nothing for long;
//! * all bodies beyond [`SMALL_BODY_BYTES`] share [`BODIES_BYTES_MAX`]. One that finds no room waits as
//!   long as it might take to arrive, then 503. Small ones, which nearly all are, never wait; the
//!   number of connections bounds them.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{Answer, closing, refused};
use super::v2::check_content_type;

/// The longest body. vmalert sends all alerts of an evaluation at once: 32 MiB are some 60,000 of them.
pub const BODY_BYTES_MAX: usize = 32 << 20;
/// The bodies that need no room of the common store. Prometheus sends 256 alerts in about as much.
pub const SMALL_BODY_BYTES: usize = 128 << 10;
/// The bodies in memory at once, beside small ones: eight of the longest.
pub const BODIES_BYTES_MAX: usize = 8 * BODY_BYTES_MAX;
/// How long a body may take to arrive. Senders give up after 10 s by default.
pub const BODY_SECONDS_MAX: u64 = 30;

/// The unit in which room is given out: a semaphore counts to 2^29 on small machines.
const ROOM_UNIT_BYTES: usize = 1 << 10;

/// Takes bodies in.
#[derive(Debug)]
pub struct Intake {
    room: Arc<Semaphore>,
}

/// A body that has been read.
#[derive(Debug)]
pub struct Taken {
    /// Its bytes; none if there was no body.
    pub bytes: Bytes,
    /// Its place in the common store, until it is done with.
    _room: Option<OwnedSemaphorePermit>,
}

impl Intake {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(BODIES_BYTES_MAX / ROOM_UNIT_BYTES)),
        }
    }

    /// Reads the body of a request, if it has one and it is JSON.
    ///
    /// # Errors
    /// What to answer instead.
    pub async fn take<R>(&self, headers: &HeaderMap, body: R) -> Result<Taken, Answer>
    where
        R: http_body::Body<Data = Bytes> + Send + Unpin,
        R::Error: std::fmt::Display,
    {
        let nothing = Taken {
            bytes: Bytes::new(),
            _room: None,
        };
        let declared = body.size_hint().exact();
        if declared == Some(0) || body.is_end_stream() {
            return Ok(nothing);
        }
        if declared.is_some() {
            check_content_type(headers).map_err(|answer| *answer)?;
        }
        let limit = Duration::from_secs(BODY_SECONDS_MAX);
        let Ok(taken) = tokio::time::timeout(limit, self.read(declared, body)).await else {
            let message = format!("the body did not arrive within {BODY_SECONDS_MAX} seconds");
            return Err(closing(refused(408, &message)));
        };
        let taken = taken?;
        if taken.bytes.is_empty() {
            return Ok(nothing);
        }
        if declared.is_none() {
            check_content_type(headers).map_err(|answer| *answer)?;
        }
        Ok(taken)
    }

    async fn read<R>(&self, declared: Option<u64>, mut body: R) -> Result<Taken, Answer>
    where
        R: http_body::Body<Data = Bytes> + Send + Unpin,
        R::Error: std::fmt::Display,
    {
        let declared = declared.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        if declared.is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
            return Err(too_large());
        }
        let mut room = match declared {
            Some(bytes) if bytes > SMALL_BODY_BYTES => Some(self.reserve(bytes).await?),
            _ => None,
        };
        let mut first = Bytes::new();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                closing(refused(
                    400,
                    &format!("the body could not be read: {error}"),
                ))
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            let total = first.len() + bytes.len() + data.len();
            if total > BODY_BYTES_MAX {
                return Err(too_large());
            }
            if total > SMALL_BODY_BYTES && room.is_none() {
                room = Some(self.reserve(BODY_BYTES_MAX).await?);
            }
            if first.is_empty() && bytes.is_empty() {
                // Most bodies arrive in one piece, which need not be copied.
                first = data;
                continue;
            }
            if bytes.is_empty() {
                bytes.reserve(declared.unwrap_or(total));
                bytes.extend_from_slice(&std::mem::take(&mut first));
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Taken {
            bytes: if bytes.is_empty() {
                first
            } else {
                bytes.freeze()
            },
            _room: room,
        })
    }

    async fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Answer> {
        let units = u32::try_from(bytes.div_ceil(ROOM_UNIT_BYTES)).unwrap_or(u32::MAX);
        let limit = Duration::from_secs(BODY_SECONDS_MAX);
        let permit = Arc::clone(&self.room).acquire_many_owned(units);
        match tokio::time::timeout(limit / 2, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                tracing::warn!(bytes, "No room for a large request body.");
                let message = "too many large requests at once, try again later";
                Err(closing(refused(503, message)))
            }
        }
    }
}

impl Default for Intake {
    fn default() -> Self {
        Self::new()
    }
}

fn too_large() -> Answer {
    let message = format!("the body is longer than {BODY_BYTES_MAX} bytes");
    closing(refused(413, &message))
}
