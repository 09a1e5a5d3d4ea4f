//! A connection whose client is not waited for without end.
//!
//! hyper has one time-out for headers, which runs also while a connection waits for its next request.
//! That wait may be long; headers that have begun may not. Nor has it any for clients that do not read.
//! Where a request begins, its first line is made fit to be read (see [`request_line`]).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::{HEADER_SECONDS_MAX, STALL_SECONDS_MAX, request_line};

/// How much is read at once until the first line of a request is complete: most requests are shorter.
const LINE_READ_BYTES: usize = 2 << 10;

/// Whether a connection is at work on a request: the service and the connection share it.
#[derive(Debug, Clone, Default)]
pub struct Phase {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_busy: AtomicBool,
    /// Requests whose headers have been complete.
    begun: AtomicU64,
}

impl Phase {
    /// The headers are complete. The request lasts until what is returned is dropped.
    pub fn begin_request(&self) -> BusyPhase {
        self.state.begun.fetch_add(1, Ordering::AcqRel);
        self.state.is_busy.store(true, Ordering::Release);
        BusyPhase(self.clone())
    }

    fn is_busy(&self) -> bool {
        self.state.is_busy.load(Ordering::Acquire)
    }

    fn begun(&self) -> u64 {
        self.state.begun.load(Ordering::Acquire)
    }
}

/// Ends a request when it is dropped.
#[derive(Debug)]
pub struct BusyPhase(Phase);

impl Drop for BusyPhase {
    fn drop(&mut self) {
        self.0.state.is_busy.store(false, Ordering::Release);
    }
}

/// A connection that ends when its client is too slow.
#[derive(Debug)]
pub struct Patience<T> {
    io: T,
    phase: Phase,
    /// Runs while the headers of a request are incomplete: of which one, counted from 0.
    header: Option<(u64, Pin<Box<Sleep>>)>,
    /// The request whose first line has been read, counted from 0.
    line_read: Option<u64>,
    /// Runs while the client does not read.
    stall: Option<Pin<Box<Sleep>>>,
}

impl<T> Patience<T> {
    /// A connection on which nothing has been said.
    pub fn new(io: T, phase: Phase) -> Self {
        Self {
            io,
            phase,
            header: None,
            line_read: None,
            stall: None,
        }
    }

    /// Passes on the result of a write, unless the client has not read for too long.
    fn unless_stalled<R>(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        if result.is_ready() {
            self.stall = None;
            return result;
        }
        let limit = Duration::from_secs(STALL_SECONDS_MAX);
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(too_slow("the client does not read its answer")))
    }
}

impl<T: AsyncRead + Unpin> Patience<T> {
    /// Reads where the first line of a request is.
    fn poll_read_line(
        &mut self,
        request: u64,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; LINE_READ_BYTES];
        let room = buffer.remaining() / request_line::GROWTH_MAX;
        let bytes = bytes
            .get_mut(..room.min(LINE_READ_BYTES))
            .unwrap_or_default();
        let mut read = ReadBuf::new(bytes);
        let result = Pin::new(&mut self.io).poll_read(context, &mut read);
        if request_line::escape(read.filled(), |part| buffer.put_slice(part)) {
            self.line_read = Some(request);
        }
        result
    }
}

fn too_slow(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl<T: AsyncRead + Unpin> AsyncRead for Patience<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let begun = self.phase.begun();
        let is_in_line = !self.phase.is_busy() && self.line_read != Some(begun);
        let result = match is_in_line && buffer.remaining() >= request_line::GROWTH_MAX {
            true => self.poll_read_line(begun, context, buffer),
            false => Pin::new(&mut self.io).poll_read(context, buffer),
        };
        if self
            .header
            .as_ref()
            .is_some_and(|(request, _)| *request != begun)
        {
            self.header = None;
        }
        if self.phase.is_busy() {
            return result;
        }
        let has_read = result.is_ready() && buffer.filled().len() > before;
        if has_read && self.header.is_none() {
            let limit = Duration::from_secs(HEADER_SECONDS_MAX);
            self.header = Some((begun, Box::pin(sleep(limit))));
        }
        // The time runs on while they trickle in. Asked also when there is more to read, or a client
        // that is just fast enough would never be asked.
        let Some((_, header)) = &mut self.header else {
            return result;
        };
        match header.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(too_slow("the client does not finish its headers"))),
            Poll::Pending => result,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Patience<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(context, bytes);
        self.unless_stalled(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(context, parts);
        self.unless_stalled(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_flush(context);
        // Nothing to flush is no sign that the client reads.
        match self.stall.is_some() && result.is_ready() {
            true => result,
            false => self.unless_stalled(context, result),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.io).poll_shutdown(context);
        self.unless_stalled(context, result)
    }
}
