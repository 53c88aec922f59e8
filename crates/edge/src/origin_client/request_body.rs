//! The body of a request to an origin: none, bytes in memory, or a viewer's; and whose turn it is.

use super::fault::OriginFaultKind;
use crate::request_body::{BodyFault, RequestBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;

/// The body sent with a request. A viewer's body passes through once and is never kept for a second attempt.
#[derive(Debug)]
pub(crate) enum OriginRequestBody {
    /// No body.
    Empty,
    /// Bytes in memory.
    Memory(Bytes),
    /// A viewer's body: with its length if it states one, chunked otherwise.
    Viewer(Upload),
}

/// A viewer's body, whose first piece may have been read already.
#[derive(Debug)]
pub(crate) struct Upload {
    first: Option<Frame<Bytes>>,
    rest: RequestBody,
}

impl Upload {
    /// Waits for the first piece; `None` when the body ends without one.
    async fn begun(mut self) -> Result<Option<Self>, BodyFault> {
        while self.first.is_none() {
            let Some(frame) = poll_fn(|context| Pin::new(&mut self.rest).poll_frame(context)).await
            else {
                return Ok(None);
            };
            // Empty pieces do not count, however many are sent.
            self.first = Some(frame?).filter(|frame| frame.data_ref() != Some(&Bytes::new()));
        }
        Ok(Some(self))
    }
}

impl OriginRequestBody {
    /// Wraps the body that a viewer is sending.
    pub(crate) fn viewer(body: RequestBody) -> Self {
        OriginRequestBody::Viewer(Upload {
            first: None,
            rest: body,
        })
    }

    /// Returns the same body once its first piece has arrived: a viewer that sends none must not hold an origin's
    /// connection.
    ///
    /// Errors: `RequestBody`, `RequestBodyTimeout`.
    pub(super) async fn begun(self) -> Result<Self, OriginFaultKind> {
        match self {
            OriginRequestBody::Viewer(upload) => match upload.begun().await {
                Ok(Some(upload)) => Ok(OriginRequestBody::Viewer(upload)),
                Ok(None) => Ok(OriginRequestBody::Empty),
                Err(BodyFault::Broken(_)) => Err(OriginFaultKind::RequestBody),
                Err(BodyFault::Late) => Err(OriginFaultKind::RequestBodyTimeout),
            },
            there @ (OriginRequestBody::Empty | OriginRequestBody::Memory(_)) => Ok(there),
        }
    }

    /// Returns the same body again, if that is possible.
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
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        match &mut *self {
            OriginRequestBody::Empty => Poll::Ready(None),
            OriginRequestBody::Memory(bytes) if bytes.is_empty() => Poll::Ready(None),
            OriginRequestBody::Memory(bytes) => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))))
            }
            OriginRequestBody::Viewer(upload) => match upload.first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => Pin::new(&mut upload.rest).poll_frame(context),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            OriginRequestBody::Empty => true,
            OriginRequestBody::Memory(bytes) => bytes.is_empty(),
            OriginRequestBody::Viewer(upload) => {
                upload.first.is_none() && upload.rest.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            OriginRequestBody::Empty => SizeHint::with_exact(0),
            OriginRequestBody::Memory(bytes) => SizeHint::with_exact(bytes.len() as u64),
            OriginRequestBody::Viewer(upload) => {
                let first = upload.first.as_ref().and_then(Frame::data_ref);
                let length = first.map_or(0, Bytes::len) as u64;
                let rest = upload.rest.size_hint().exact();
                rest.map_or_else(SizeHint::default, |rest| {
                    SizeHint::with_exact(rest.saturating_add(length))
                })
            }
        }
    }
}

/// The side that is waited for while a request is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The origin, since this instant: to take more of the request, or to respond.
    Origin(Instant),
    /// The viewer, who has not sent the next piece of its body.
    Viewer,
    /// Neither: the viewer's body broke off.
    BrokenOff,
    /// Neither: the viewer's body did not arrive in time.
    Late,
}

/// A body that records whose turn it is, so that a slow viewer is not taken for a slow origin.
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
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        self.turn.set(Turn::Viewer);
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.turn.set(match &frame {
            Some(Err(BodyFault::Broken(_))) => Turn::BrokenOff,
            Some(Err(BodyFault::Late)) => Turn::Late,
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
