//! Whether the body of a request has been read to its end.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body that tells whether it has ended. A connection goes on only if it has: nobody guesses where in
/// the stream the next request begins.
#[derive(Debug)]
pub struct ReadToEnd<R> {
    body: R,
    has_ended: Arc<AtomicBool>,
}

impl<R: Body> ReadToEnd<R> {
    /// A body, and what tells whether it has ended.
    pub fn new(body: R) -> (Self, Arc<AtomicBool>) {
        let has_ended = Arc::new(AtomicBool::new(body.is_end_stream()));
        let told = Arc::clone(&has_ended);
        (Self { body, has_ended }, told)
    }
}

impl<R: Body<Data = Bytes> + Unpin> Body for ReadToEnd<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.has_ended.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
