//! A client that speaks plain HTTP where TLS is spoken.
//!
//! Go answers it in words, since the mistake is common and what TLS would answer is not to be read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// How much of what a client says is looked at. No record of TLS is shorter.
const FIRST_BYTES: usize = 5;
/// How plain requests begin. As Go's `net/http` has it.
const BEGINNINGS: [&[u8; FIRST_BYTES]; 5] = [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"];
const ANSWER: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// A connection whose first bytes have been looked at.
#[derive(Debug)]
pub struct Looked<T> {
    io: T,
    first: [u8; FIRST_BYTES],
    /// How many of them have been given back.
    given: usize,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Looked<T> {
    /// Looks at the first bytes; answers and ends a connection on which no TLS is spoken.
    pub async fn at(mut io: T) -> io::Result<Self> {
        let mut first = [0; FIRST_BYTES];
        io.read_exact(&mut first).await?;
        if BEGINNINGS.contains(&&first) {
            io.write_all(ANSWER).await?;
            io.shutdown().await?;
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "client sent an HTTP request to an HTTPS server",
            ));
        }
        Ok(Self {
            io,
            first,
            given: 0,
        })
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Looked<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = self.first.get(self.given..).unwrap_or_default();
        if rest.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(rest.get(..count).unwrap_or_default());
        self.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Looked<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
