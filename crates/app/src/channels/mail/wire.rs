//! How does what a mail server says reach the reader, and no more of it than was asked for?
//!
//! Two things a plain socket does not give. It hands on at most one line at a time: what somebody slipped in behind the
//! answer to STARTTLS, in the clear, then meets the TLS handshake and breaks it, and is never read as an answer. And it
//! ends an answer that has no end. It knows lines and counts bytes; it does not know the protocol.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::TcpStream;

/// The most that is read between two of our own lines, in bytes: a greeting, a certificate chain or an answer is less.
const ANSWER_MAX_BYTES: usize = 256 * 1024;

/// A connection to a mail server.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    read_bytes: usize,
}

impl Wire {
    /// Sends every line at once: with Nagle's algorithm a mail takes 44 ms.
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), read_bytes: 0 })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *self;
        let waiting = ready!(Pin::new(&mut wire.stream).poll_fill_buf(context))?;
        let line_bytes = waiting.iter().position(|&byte| byte == b'\n').map_or(waiting.len(), |end| end + 1);
        let handed = &waiting[..line_bytes.min(out.remaining())];
        let count = handed.len();
        wire.read_bytes += count;
        if wire.read_bytes > ANSWER_MAX_BYTES {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "an answer without end")));
        }
        out.put_slice(handed);
        Pin::new(&mut wire.stream).consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read_bytes = 0;
        Pin::new(self.stream.get_mut()).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(context)
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().peer_addr()
    }
}
