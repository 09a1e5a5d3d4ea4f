//! The body of an answer: a whole, or written in chunks while the client reads.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// How long a chunk becomes before it is handed over. An item that is begun is finished, so a chunk may
/// be longer by one alert. Large enough that the cost of a write to the socket does not count.
pub const CHUNK_BYTES: usize = 64 << 10;

/// Something that is written piece by piece.
pub trait Source: Send + 'static {
    /// Writes the next piece. False if there was none.
    fn write(&mut self, out: &mut Vec<u8>) -> bool;
}

/// The body of an answer.
pub struct Body {
    content: Content,
    /// Bytes handed over so far.
    bytes: u64,
    /// What is to be released when the last byte has been handed over, or the client has gone.
    held: Vec<Box<dyn Any + Send>>,
}

enum Content {
    Whole(Bytes),
    Chunks(Option<Bytes>, Box<dyn Source>),
}

impl Body {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::whole(Bytes::new())
    }

    /// These bytes.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self {
            content: Content::Whole(bytes.into()),
            bytes: 0,
            held: Vec::new(),
        }
    }

    /// What the source writes. The first chunk is written at once: it may be all.
    #[must_use]
    pub fn chunks(mut source: impl Source) -> Self {
        let (first, has_more) = chunk(&mut source);
        if !has_more {
            return Self::whole(first);
        }
        Self {
            content: Content::Chunks(Some(first), Box::new(source)),
            ..Self::empty()
        }
    }

    /// Holds something until the body is done with.
    pub fn hold(&mut self, thing: impl Any + Send) {
        self.held.push(Box::new(thing));
    }

    fn next(&mut self) -> Option<Bytes> {
        match &mut self.content {
            Content::Whole(bytes) => Some(std::mem::take(bytes)).filter(|it| !it.is_empty()),
            Content::Chunks(first, source) => {
                let chunk = first.take().unwrap_or_else(|| chunk(source.as_mut()).0);
                Some(chunk).filter(|it| !it.is_empty())
            }
        }
    }
}

/// The next chunk, empty at the end, and whether there may be more.
fn chunk(source: &mut (impl Source + ?Sized)) -> (Bytes, bool) {
    let mut out = Vec::new();
    while out.len() < CHUNK_BYTES {
        if !source.write(&mut out) {
            return (out.into(), false);
        }
    }
    (out.into(), true)
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.next();
        match &next {
            Some(bytes) => self.bytes += bytes.len() as u64,
            None => self.held.clear(),
        }
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.content, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Chunks(..) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.content {
            Content::Whole(_) => "whole",
            Content::Chunks(..) => "chunks",
        };
        write!(out, "Body({kind}, {} bytes sent)", self.bytes)
    }
}
