//! The two kinds of viewer stream: plain TCP, which can send files by itself, and TLS, which cannot.

use std::fs::File;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Functions that the edge needs of a stream besides bytes in and out. A stream that sends no files keeps their
/// defaults.
pub(crate) trait ViewerStream: AsyncRead + AsyncWrite + Unpin {
    /// True if the stream implements the two functions that follow.
    const SENDS_FILES: bool;

    /// Sends up to `length` bytes of `file` from `offset`; 0 when the file ends there.
    fn poll_send_file(
        &mut self,
        _context: &mut Context<'_>,
        _file: &File,
        _offset: u64,
        _length: usize,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Writes bytes that a file follows at once, so that both share packets.
    fn poll_write_before_file(
        &mut self,
        _context: &mut Context<'_>,
        _slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    /// Ready when the socket has something to read, the viewer's end among it. Of what an encrypted stream has read
    /// already it knows nothing.
    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Returns how many bytes the socket below has accepted so far; `None` if those are the bytes written here.
    fn encrypted_bytes(&self) -> Option<u64> {
        None
    }
}

#[cfg(target_os = "linux")]
impl ViewerStream for TcpStream {
    const SENDS_FILES: bool = true;

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }

    fn poll_send_file(
        &mut self,
        context: &mut Context<'_>,
        file: &File,
        offset: u64,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        poll_when_writable(self, context, |stream| {
            let mut offset = offset;
            Ok(rustix::fs::sendfile(
                stream,
                file,
                Some(&mut offset),
                length,
            )?)
        })
    }

    fn poll_write_before_file(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
        poll_when_writable(self, context, |stream| {
            let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
            Ok(sendmsg(
                stream,
                slices,
                &mut SendAncillaryBuffer::default(),
                flags,
            )?)
        })
    }
}

/// Repeats `act` until it no longer would block.
#[cfg(target_os = "linux")]
fn poll_when_writable(
    stream: &TcpStream,
    context: &mut Context<'_>,
    mut act: impl FnMut(&TcpStream) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    loop {
        std::task::ready!(stream.poll_write_ready(context))?;
        match stream.try_io(tokio::io::Interest::WRITABLE, || act(stream)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl ViewerStream for TcpStream {
    const SENDS_FILES: bool = false;

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(context)
    }
}

impl ViewerStream for TlsStream<CountedStream> {
    const SENDS_FILES: bool = false;

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_ref().0.stream.poll_read_ready(context)
    }

    fn encrypted_bytes(&self) -> Option<u64> {
        Some(self.get_ref().0.written)
    }
}

/// A socket that counts the bytes it accepts.
#[derive(Debug)]
pub(crate) struct CountedStream {
    stream: TcpStream,
    written: u64,
}

impl CountedStream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        CountedStream { stream, written: 0 }
    }

    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(length)) = &written {
            self.written += *length as u64;
        }
        written
    }
}

impl AsyncRead for CountedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CountedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
