//! One HTTP/1.1 connection: hyper serves it while there is something to do, and while it is idle it is parked.
//!
//! hyper keeps buffers of 16 KiB and more for each connection, which those that are idle have no use for.

use super::drained;
use crate::admission::admit;
use crate::connection_state::ConnectionState;
use crate::context::WorkerContext;
use crate::pipeline;
use crate::viewer_io::ViewerIo;
use crate::viewer_stream::ViewerStream;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use tokio::io::AsyncWrite;
use tokio::sync::watch;

/// Serves an HTTP/1.1 connection to its end: hyper while it has something to do, and a small future while it is idle.
pub(crate) async fn serve<S>(mut io: Box<ViewerIo<S>>, shared: Rc<WorkerContext>)
where
    S: ViewerStream + 'static,
{
    let connection = Rc::clone(io.connection());
    let mut drain = shared.edge.drain.clone();
    // Room for a head over the limit, so that it is refused by us and not cut off.
    let head_size_bytes_max = shared.current().snapshot.node.limits.head_size_bytes_max;
    let buffer_size_bytes_max = head_size_bytes_max.max(8 * 1024) + 12 * 1024;
    loop {
        // On the heap, and gone while the connection is idle.
        let context = (&connection, &*shared);
        let talk = Box::pin(talk(io, context, &mut drain, buffer_size_bytes_max));
        match talk.await {
            Talk::Paused(paused) => io = paused,
            Talk::Over => return,
        }
        if parked(&mut io, &mut drain).await == Parked::ForEver {
            return;
        }
    }
}

/// What becomes of a connection that hyper has served for a while.
enum Talk<S> {
    Over,
    /// It is idle.
    Paused(Box<ViewerIo<S>>),
}

/// Has hyper serve the connection until that is over, or has been idle for a while.
async fn talk<S>(
    io: Box<ViewerIo<S>>,
    (connection, shared): (&Rc<ConnectionState>, &WorkerContext),
    drain: &mut watch::Receiver<bool>,
    buffer_size_bytes_max: usize,
) -> Talk<S>
where
    S: ViewerStream + 'static,
{
    let service = service_fn(|request| {
        let exchange = admit(request, connection, shared);
        pipeline::handle(exchange, shared)
    });
    let mut serving = http1::Builder::new()
        .title_case_headers(true)
        .auto_date_header(false)
        .header_read_timeout(None)
        .half_close(true)
        // Slices must reach the stream as they are: some stand for stretches of files.
        .writev(true)
        .max_buf_size(buffer_size_bytes_max)
        .serve_connection(TokioIo::new(io), service);
    let until_idle = poll_fn(|context| match Pin::new(&mut serving).poll(context) {
        Poll::Ready(_) => Poll::Ready(Turn::Over),
        Poll::Pending if connection.may_park() => Poll::Ready(Turn::Idle),
        Poll::Pending => Poll::Pending,
    });
    tokio::select! {
        turn = until_idle => match turn {
            Turn::Over => return Talk::Over,
            Turn::Idle => {}
        },
        () = drained(drain) => {
            Pin::new(&mut serving).graceful_shutdown();
            // The viewer is gone or slow: nothing to tell anyone but the log, which has it already.
            let _ = serving.await;
            return Talk::Over;
        }
    }
    // hyper warns of bytes that were not flushed: a connection that owes nothing has none.
    let parts = serving.into_parts();
    let mut io = parts.io.into_inner();
    // A copy, mostly of nothing: of hyper's own an empty one would keep the whole buffer.
    io.put_back(&parts.read_buf);
    connection.shrink();
    Talk::Paused(io)
}

/// How hyper has left off.
enum Turn {
    Over,
    Idle,
}

/// How a parked connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parked {
    /// There is something to read.
    UntilNow,
    ForEver,
}

/// Waits for the viewer of an idle connection, for as long as it may be idle. An `async fn` of its own, so that nothing
/// but what it needs is kept meanwhile.
async fn parked<S: ViewerStream>(
    io: &mut ViewerIo<S>,
    drain: &mut watch::Receiver<bool>,
) -> Parked {
    let woken = tokio::select! {
        woken = poll_fn(|context| io.poll_wake(context)) => woken.is_ok(),
        () = drained(drain) => false,
    };
    if woken {
        return Parked::UntilNow;
    }
    // As hyper does with a connection that nobody needs any more; whether the viewer hears it is its affair.
    let _ = poll_fn(|context| Pin::new(&mut *io).poll_shutdown(context)).await;
    Parked::ForEver
}
