//! The body of a viewer's request, which must not keep its reader waiting for too long.

use crate::pace::{Alarm, Least, Pace};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use privet_distribution::config::Limits;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use thiserror::Error;
use tokio::time::Instant;

/// Reason why a body did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum BodyFault {
    #[error("the viewer aborted the request body: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the request body did not arrive in time")]
    Late,
}

/// The body of a viewer's request. Time counts only while a reader waits for bytes.
#[derive(Debug)]
pub(crate) struct RequestBody {
    /// What was looked at before anybody read the body.
    seen: Option<Bytes>,
    incoming: Incoming,
    least: Least,
    /// Watch on the viewer's pace, from the first wait on: most requests have no body, and most bodies arrive at once.
    watch: Option<Box<Watch>>,
}

#[derive(Debug, Default)]
struct Watch {
    pace: Pace,
    alarm: Alarm,
}

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, limits: &Limits) -> Self {
        RequestBody {
            seen: None,
            incoming,
            least: Least {
                silence_max: limits.body_timeout,
                rate_min: limits.body_rate_min,
            },
            watch: None,
        }
    }

    /// Reads a whole body of at most `size_bytes_max`, and keeps it for its reader. `None` if the body says that it is
    /// longer, or does not say how long it is.
    ///
    /// # Errors
    /// The body does not come to its end.
    pub(crate) async fn look_at(
        &mut self,
        size_bytes_max: u64,
    ) -> Result<Option<Bytes>, BodyFault> {
        let promised = self.size_hint().exact();
        if promised.is_none_or(|promised| promised > size_bytes_max) {
            return Ok(None);
        }
        let mut seen = BytesMut::new();
        while let Some(frame) = poll_fn(|context| Pin::new(&mut *self).poll_frame(context)).await {
            if let Ok(bytes) = frame?.into_data() {
                seen.extend_from_slice(&bytes);
            }
        }
        let seen = seen.freeze();
        self.seen = Some(seen.clone()).filter(|seen| !seen.is_empty());
        Ok(Some(seen))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFault>>> {
        let this = &mut *self;
        if let Some(seen) = this.seen.take() {
            return Poll::Ready(Some(Ok(Frame::data(seen))));
        }
        match Pin::new(&mut this.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                if let Some(watch) = &mut this.watch {
                    watch.pace.moved(length as u64, Instant::now);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(ended) => Poll::Ready(ended.map(|broken| broken.map_err(BodyFault::from))),
            Poll::Pending => {
                let Watch { pace, alarm } = &mut **this.watch.get_or_insert_default();
                let late = pace.poll_too_slow(&this.least, alarm, context);
                late.map(|()| Some(Err(BodyFault::Late)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.seen.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.seen {
            Some(seen) => SizeHint::with_exact(seen.len() as u64),
            None => self.incoming.size_hint(),
        }
    }
}
