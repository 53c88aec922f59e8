//! The body of a request to an origin: none, bytes in memory, or what a viewer is sending; and whose turn it is.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// What is sent along with a request. A viewer's body passes through once and is never kept for a second attempt.
#[derive(Debug)]
pub(crate) enum OriginRequestBody {
    /// Nothing.
    Empty,
    /// Bytes in memory.
    Memory(Bytes),
    /// A viewer's body: with its length if it has one, chunked otherwise.
    Viewer(Incoming),
}

impl OriginRequestBody {
    /// The same body once more, if that is possible.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            OriginRequestBody::Empty => Some(OriginRequestBody::Empty),
            OriginRequestBody::Memory(bytes) => Some(OriginRequestBody::Memory(bytes.clone())),
            OriginRequestBody::Viewer(_) => None,
        }
    }
}

impl Body for OriginRequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            OriginRequestBody::Empty => Poll::Ready(None),
            OriginRequestBody::Memory(bytes) if bytes.is_empty() => Poll::Ready(None),
            OriginRequestBody::Memory(bytes) => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            OriginRequestBody::Viewer(incoming) => Pin::new(incoming).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            OriginRequestBody::Empty => true,
            OriginRequestBody::Memory(bytes) => bytes.is_empty(),
            OriginRequestBody::Viewer(incoming) => incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            OriginRequestBody::Empty => SizeHint::with_exact(0),
            OriginRequestBody::Memory(bytes) => SizeHint::with_exact(bytes.len() as u64),
            OriginRequestBody::Viewer(incoming) => incoming.size_hint(),
        }
    }
}

/// Who is waited for while a request is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The origin, since then: to take more of the request, or to respond.
    Origin(Instant),
    /// The viewer, who has not sent the next piece of its body.
    Viewer,
    /// Nobody any more: the viewer's body broke off.
    BrokenOff,
}

/// A body that says whose turn it is, so that a slow viewer is not taken for a slow origin.
#[derive(Debug)]
pub(super) struct WatchedBody {
    body: OriginRequestBody,
    turn: Rc<Cell<Turn>>,
}

impl WatchedBody {
    pub(super) fn new(body: OriginRequestBody, turn: Rc<Cell<Turn>>) -> Self {
        WatchedBody { body, turn }
    }

    pub(super) fn into_inner(self) -> OriginRequestBody {
        self.body
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.turn.set(Turn::Viewer);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.turn.set(match &frame {
            Some(Err(_)) => Turn::BrokenOff,
            Some(Ok(_)) | None => Turn::Origin(Instant::now()),
        });
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
