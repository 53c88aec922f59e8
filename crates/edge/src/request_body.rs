//! The body of a viewer's request, which must not keep its reader waiting for too long.

use crate::pace::{Alarm, Least, Pace};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use privet_distribution::config::Limits;
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
            incoming,
            least: Least {
                silence_max: limits.body_timeout,
                rate_min: limits.body_rate_min,
            },
            watch: None,
        }
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
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
