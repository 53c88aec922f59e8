//! Lets the operating system send files on plain connections, past hyper.
//!
//! hyper takes bodies as slices of memory. Whoever makes a body queues a range of a file at the connection, and hands
//! hyper a stand-in of the same length; the stream knows it by its address and sends the file in its place. A stand-in
//! that is not the one of the range whose turn it is ends the connection, so that no byte comes from a wrong place.

use bytes::Bytes;
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

/// An open file that is kept open until it was sent.
pub type SentFile = Arc<dyn AsFd + Send + Sync>;

/// Maximum length of a range that is sent under one stand-in.
const SIZE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Distance between the beginnings of a connection's stand-ins, and how far they reach before they begin anew.
const MARK_STEP: usize = 64;
const MARKS_END: usize = 64 * 1024;

/// Zeroed memory that is never touched, so that it occupies addresses only.
static STAND_IN: LazyLock<Bytes> =
    LazyLock::new(|| Bytes::from(vec![0; SIZE_BYTES_MAX + MARKS_END]));

/// Has ranges of files sent on one connection. It comes in the extensions of each request on a connection that can.
#[derive(Clone, Default)]
pub struct FileSender {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    ranges: VecDeque<QueuedRange>,
    next_mark: usize,
}

struct QueuedRange {
    file: SentFile,
    offset: u64,
    length: usize,
    /// Where the rest of its stand-in begins.
    mark: usize,
}

impl FileSender {
    /// Queues a range of a file, from `offset` on, both in bytes. Returns a stand-in for the beginning of it that can
    /// be sent at once; it has to become the next piece of the body of the connection's present answer.
    pub fn stand_in(&self, file: SentFile, offset: u64, length: usize) -> Bytes {
        let length = length.min(SIZE_BYTES_MAX);
        let mut queue = self.queue();
        let mark = queue.next_mark;
        if length > 0 {
            queue.next_mark = (mark + MARK_STEP) % MARKS_END;
            queue.ranges.push_back(QueuedRange {
                file,
                offset,
                length,
                mark,
            });
        }
        STAND_IN.slice(mark..mark + length)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for FileSender {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileSender").finish_non_exhaustive()
    }
}

/// A plain connection that sends queued ranges of files in the place of their stand-ins.
pub(super) struct FileStream {
    stream: TcpStream,
    sender: FileSender,
}

impl FileStream {
    pub(super) fn new(stream: TcpStream) -> Self {
        FileStream {
            stream,
            sender: FileSender::default(),
        }
    }

    pub(super) fn sender(&self) -> FileSender {
        self.sender.clone()
    }

    /// Sends of the range whose stand-in, or the rest of it, is `slice`.
    fn poll_send_file(&self, context: &mut Context<'_>, slice: &[u8]) -> Poll<io::Result<usize>> {
        let mut queue = self.sender.queue();
        let front = queue.ranges.front_mut();
        let front = front.filter(|front| mark(slice) == Some(front.mark));
        let Some(front) = front else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        let length = slice.len().min(front.length);
        let (file, at) = (front.file.as_fd(), front.offset);
        let sent = ready!(self.poll_when_writable(context, |stream| {
            let mut at = at;
            Ok(rustix::fs::sendfile(stream, file, Some(&mut at), length)?)
        }))?;
        if sent == 0 {
            // The file is shorter now than what was promised.
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        front.offset += sent as u64;
        front.length -= sent;
        front.mark += sent;
        if front.length == 0 {
            queue.ranges.pop_front();
        }
        Poll::Ready(Ok(sent))
    }

    /// Repeats `act` until it no longer would block.
    fn poll_when_writable(
        &self,
        context: &mut Context<'_>,
        mut act: impl FnMut(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            match self.stream.try_io(Interest::WRITABLE, || act(&self.stream)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
    }
}

/// Returns where in the stand-in memory a slice begins; `None` if it is somewhere else.
fn mark(slice: &[u8]) -> Option<usize> {
    let memory = STAND_IN.as_ptr_range();
    let start = slice.as_ptr();
    let is_within = !slice.is_empty() && memory.contains(&start);
    is_within.then(|| start.addr() - memory.start.addr())
}

impl AsyncRead for FileStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FileStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match mark(bytes) {
            Some(_) => self.poll_send_file(context, bytes),
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let slices = match slices.iter().position(|slice| !slice.is_empty()) {
            Some(first) => &slices[first..],
            None => &[],
        };
        match slices.iter().position(|slice| mark(slice).is_some()) {
            Some(0) => self.poll_send_file(context, &slices[0]),
            // What comes before a file shares packets with it.
            Some(file) => self.poll_when_writable(context, |stream| {
                let flags = SendFlags::MORE | SendFlags::NOSIGNAL;
                let mut nothing = SendAncillaryBuffer::default();
                Ok(sendmsg(stream, &slices[..file], &mut nothing, flags)?)
            }),
            None => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    fn file(content: &[u8]) -> SentFile {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        Arc::new(file)
    }

    async fn pair() -> (FileStream, std::net::TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        let client = client.unwrap().into_std().unwrap();
        client.set_nonblocking(false).unwrap();
        (FileStream::new(accepted.unwrap().0), client)
    }

    fn received(mut client: std::net::TcpStream) -> String {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        text
    }

    #[tokio::test]
    async fn a_stand_in_out_of_turn_sends_nothing() {
        let (mut stream, client) = pair().await;
        let sender = stream.sender();
        let first = sender.stand_in(file(b"first"), 0, 5);
        let second = sender.stand_in(file(b"second"), 0, 6);
        assert!(stream.write(&second).await.is_err());
        assert!(stream.write(&first[1..]).await.is_err());
        drop(first);
        drop(stream);
        assert_eq!(received(client), "");
    }

    #[tokio::test]
    async fn a_stand_in_without_a_range_sends_nothing() {
        let (mut stream, client) = pair().await;
        let (other, _client) = pair().await;
        let elsewhere = other.sender().stand_in(file(b"elsewhere"), 0, 9);
        assert!(stream.write(&elsewhere).await.is_err());
        drop(stream);
        assert_eq!(received(client), "");
    }

    #[tokio::test]
    async fn a_file_that_became_shorter_ends_the_connection() {
        let (mut stream, client) = pair().await;
        let bytes = stream.sender().stand_in(file(b"abc"), 1, 9);
        assert_eq!(stream.write(&bytes).await.unwrap(), 2);
        assert!(stream.write(&bytes[2..]).await.is_err());
        drop(stream);
        assert_eq!(received(client), "bc");
    }

    #[tokio::test]
    async fn files_and_memory_leave_in_their_order() {
        let (mut stream, client) = pair().await;
        let sender = stream.sender();
        let file = file(b"0123456789");
        let pieces = [
            Bytes::from_static(b"head "),
            sender.stand_in(Arc::clone(&file), 2, 3),
            sender.stand_in(file, 0, 1),
            Bytes::from_static(b" tail"),
        ];
        let mut left: Vec<&[u8]> = pieces.iter().map(|piece| &**piece).collect();
        while !left.is_empty() {
            let slices: Vec<IoSlice<'_>> = left.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut written = stream.write_vectored(&slices).await.unwrap();
            while let Some(first) = left.first_mut() {
                let gone = written.min(first.len());
                *first = &first[gone..];
                written -= gone;
                if !first.is_empty() {
                    break;
                }
                left.remove(0);
            }
        }
        drop(stream);
        assert_eq!(received(client), "head 2340 tail");
    }

    #[test]
    fn stand_ins_are_no_longer_than_they_may_be() {
        let sender = FileSender::default();
        assert!(sender.stand_in(file(b""), 0, 0).is_empty());
        for _ in 0..3 * MARKS_END / MARK_STEP {
            let bytes = sender.stand_in(file(b""), 0, usize::MAX);
            assert_eq!(bytes.len(), SIZE_BYTES_MAX);
        }
    }
}
