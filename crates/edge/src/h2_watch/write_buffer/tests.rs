use super::*;
use std::task::Waker;

/// A socket that takes so many bytes, and notes what came in each write.
#[derive(Debug, Default)]
struct Wire {
    room: usize,
    writes: Vec<Vec<u8>>,
    flushes: usize,
}

impl Wire {
    fn bytes(&self) -> Vec<u8> {
        self.writes.concat()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.room == 0 {
            return Poll::Pending;
        }
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        bytes.truncate(self.room);
        self.room -= bytes.len();
        let length = bytes.len();
        self.writes.push(bytes);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn buffer(room: usize) -> WriteBuffer<Wire> {
    WriteBuffer::new(Wire {
        room,
        ..Wire::default()
    })
}

/// As h2 does: all of it, then a flush. How much was taken, or `None` while it must wait.
fn write(buffer: &mut WriteBuffer<Wire>, slices: &[&[u8]]) -> Option<usize> {
    let mut context = Context::from_waker(Waker::noop());
    let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    let written = Pin::new(&mut *buffer).poll_write_vectored(&mut context, &slices);
    let Poll::Ready(length) = written else {
        return None;
    };
    let _ = Pin::new(buffer).poll_flush(&mut context);
    Some(length.unwrap())
}

fn send(buffer: &mut WriteBuffer<Wire>) -> Poll<()> {
    let mut context = Context::from_waker(Waker::noop());
    buffer.poll_send(&mut context).map(Result::unwrap)
}

#[test]
fn a_turn_leaves_in_one_write() {
    let mut buffer = buffer(usize::MAX);
    for answer in 0..16u8 {
        assert_eq!(
            write(&mut buffer, &[&[answer; 200], &[answer; 1024]]),
            Some(1224)
        );
    }
    assert!(buffer.io.writes.is_empty());
    assert_eq!(send(&mut buffer), Poll::Ready(()));
    assert_eq!((buffer.io.writes.len(), buffer.io.flushes), (1, 1));
    let expected: Vec<u8> = (0..16u8).flat_map(|answer| [answer; 1224]).collect();
    assert!(buffer.io.bytes() == expected);
    assert_eq!(
        buffer.gathered.capacity(),
        0,
        "an idle connection holds a buffer"
    );
    // Nothing was written since.
    assert_eq!(send(&mut buffer), Poll::Ready(()));
    assert_eq!(buffer.io.flushes, 1);
}

#[test]
fn more_than_fits_leaves_before_the_end_of_the_turn() {
    let mut buffer = buffer(usize::MAX);
    for answer in 0..100u8 {
        assert_eq!(write(&mut buffer, &[&[answer; 1000]]), Some(1000));
        assert!(buffer.gathered.len() <= WRITE_BUFFER_SIZE_BYTES);
    }
    assert_eq!(send(&mut buffer), Poll::Ready(()));
    assert_eq!(buffer.io.writes.len(), 4);
    let expected: Vec<u8> = (0..100u8).flat_map(|answer| [answer; 1000]).collect();
    assert!(buffer.io.bytes() == expected);
}

#[test]
fn what_is_long_is_not_held_back_and_stays_behind() {
    let mut buffer = buffer(usize::MAX);
    assert_eq!(write(&mut buffer, &[b"head"]), Some(4));
    assert_eq!(write(&mut buffer, &[b"frame", &[7; 16_375]]), Some(16_380));
    // In one write with what was gathered, and flushed as h2 wants it.
    assert_eq!((buffer.io.writes.len(), buffer.io.flushes), (1, 1));
    assert_eq!(buffer.io.bytes()[..10], *b"headframe\x07");
    assert_eq!(write(&mut buffer, &[b"frame", &[7; 16_375]]), Some(16_380));
    assert_eq!((buffer.io.writes.len(), buffer.io.flushes), (2, 2));
}

#[test]
fn a_socket_that_takes_little_makes_h2_wait() {
    let mut buffer = buffer(1500);
    assert_eq!(write(&mut buffer, &[&[1; 1000]]), Some(1000));
    assert_eq!(write(&mut buffer, &[&[2; 1000]]), Some(1000));
    assert_eq!(send(&mut buffer), Poll::Pending);
    assert_eq!(buffer.gathered.len(), 500);
    // It gathers nothing more, and flushes are not made up.
    assert_eq!(write(&mut buffer, &[&[3; 10]]), None);
    assert_eq!(buffer.io.flushes, 0);
    buffer.io.room = 505;
    assert_eq!(write(&mut buffer, &[&[3; 10]]), Some(5));
    assert_eq!(buffer.io.flushes, 1);
    let expected = [&[1; 1000][..], &[2; 1000], &[3; 5]].concat();
    assert!(buffer.io.bytes() == expected);
    // Everything has left: it gathers again.
    buffer.io.room = usize::MAX;
    assert_eq!(write(&mut buffer, &[&[3; 5]]), Some(5));
    assert_eq!(buffer.gathered.len(), 5);
    assert_eq!(send(&mut buffer), Poll::Ready(()));
    assert!(buffer.io.bytes() == [&expected[..], &[3; 5]].concat());
}
