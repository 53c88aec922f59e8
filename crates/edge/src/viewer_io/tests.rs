use super::*;
use crate::answer_memory::{AnswerMemory, ConnectionMemory};
use crate::clock::Clock;
use crate::connection_state::ConnectionFacts;
use crate::ends::{AllCounts, Ends};
use crate::log::{Log, LogStream, UndeliveredLogs, WorkerLog};
use crate::viewer_end::Naming;
use privet_sign::Scheme;
use std::net::SocketAddr;
use std::task::Waker;

/// A viewer that sends nothing.
#[derive(Debug)]
struct Silent;

impl AsyncRead for Silent {
    fn poll_read(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl ViewerStream for Silent {
    const SENDS_FILES: bool = false;

    fn poll_readable(&self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

const PATIENCE: Patience = Patience {
    head_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(60),
    write_timeout: Duration::from_secs(30),
    write_rate_min: 0,
    park_after: Some(Duration::from_secs(2)),
};

fn silent(patience: Patience) -> (ViewerIo<Silent>, Rc<ConnectionState>) {
    let facts = ConnectionFacts {
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
        naming: Naming::Known,
        scheme: Scheme::Http,
        tls: None,
        sends_files: false,
    };
    let memory = ConnectionMemory::new(&AnswerMemory::new(1 << 20), None, 0);
    let undelivered = UndeliveredLogs::new(std::sync::Arc::default());
    let (log, _) = Log::start(None, LogStream::Off, undelivered).unwrap();
    let ends = Rc::new(Ends::new(WorkerLog::new(log), &AllCounts::default()));
    let connection = ConnectionState::new(facts, memory, Clock::default(), ends);
    let io = ViewerIo::new(Silent, Rc::clone(&connection), patience);
    (io, connection)
}

fn read(io: &mut ViewerIo<Silent>) -> Poll<Result<Vec<u8>, io::ErrorKind>> {
    let mut bytes = [0; 4];
    let mut buffer = ReadBuf::new(&mut bytes);
    let mut context = Context::from_waker(Waker::noop());
    let result = ready!(Pin::new(io).poll_read(&mut context, &mut buffer));
    Poll::Ready(
        result
            .map(|()| buffer.filled().to_vec())
            .map_err(|error| error.kind()),
    )
}

fn wake(io: &mut ViewerIo<Silent>) -> Poll<Result<(), io::ErrorKind>> {
    let mut context = Context::from_waker(Waker::noop());
    let woken = io.poll_wake(&mut context);
    woken.map_err(|error| error.kind())
}

async fn pass(secs: u64) {
    tokio::time::advance(Duration::from_secs(secs)).await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_parked_after_a_while_and_ends_in_time() {
    let (mut io, connection) = silent(PATIENCE);
    connection.request_began();
    assert_eq!(read(&mut io), Poll::Pending);
    pass(5).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(!connection.may_park(), "it is being answered");
    connection.will_stay();
    connection.request_ended(Instant::now());
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(!connection.may_park());
    pass(2).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(connection.may_park());
    assert_eq!(wake(&mut io), Poll::Pending);
    pass(57).await;
    assert_eq!(wake(&mut io), Poll::Pending);
    pass(1).await;
    assert_eq!(wake(&mut io), Poll::Ready(Err(io::ErrorKind::TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_has_begun_is_not_parked() {
    let (mut io, connection) = silent(PATIENCE);
    // A new connection counts as one whose head has begun.
    assert_eq!(read(&mut io), Poll::Pending);
    pass(9).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(!connection.may_park());
    connection.request_began();
    connection.will_stay();
    connection.request_ended(Instant::now());
    pass(3).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(connection.may_park());
    connection.bytes_arrived();
    assert!(!connection.may_park());
    connection.request_began();
    connection.will_stay();
    connection.request_ended(Instant::now());
    assert!(!connection.may_park(), "it has been idle for no time yet");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_said_to_stay_is_not_parked() {
    let (mut io, connection) = silent(PATIENCE);
    connection.request_began();
    connection.request_ended(Instant::now());
    assert_eq!(read(&mut io), Poll::Pending);
    pass(3).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(!connection.may_park());
}

#[tokio::test(start_paused = true)]
async fn what_has_no_such_time_is_never_parked() {
    let (mut io, connection) = silent(Patience {
        park_after: None,
        ..PATIENCE
    });
    connection.request_began();
    connection.will_stay();
    connection.request_ended(Instant::now());
    assert_eq!(read(&mut io), Poll::Pending);
    pass(59).await;
    assert_eq!(read(&mut io), Poll::Pending);
    assert!(!connection.may_park());
    pass(1).await;
    assert_eq!(read(&mut io), Poll::Ready(Err(io::ErrorKind::TimedOut)));
}

#[tokio::test(start_paused = true)]
async fn what_was_put_back_is_read_first() {
    let (mut io, _connection) = silent(PATIENCE);
    io.put_back(b"GET / ");
    assert_eq!(read(&mut io), Poll::Ready(Ok(b"GET ".to_vec())));
    assert_eq!(read(&mut io), Poll::Ready(Ok(b"/ ".to_vec())));
    assert_eq!(read(&mut io), Poll::Pending);
}
