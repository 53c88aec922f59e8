//! Handles an origin's 416: the object is shorter than the requested range, or empty.
//!
//! The origin's own 416 is about this request. The knowledge of the object that the edge then gains also serves later
//! requests, in the edge's words: those are the same whether the object was stored before or not (RFC 9110 14.2 and
//! 15.5.17).

use super::{Context, Fetched};
use crate::cache::WorkerCache;
use crate::origin_client::OriginResponse;
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use privet_distribution::{ByteRange, RangeSpec};
use std::rc::Rc;

impl WorkerCache {
    /// Handles a 416. It goes to the viewer as it is when the object may not be stored.
    pub(super) async fn unsatisfied(
        self: &Rc<Self>,
        context: Context<'_>,
        response: OriginResponse,
    ) -> Fetched {
        let fetched = match Shortness::of(context.ask.wanted, &response.headers) {
            Shortness::Empty => self.refetch_whole(context).await,
            Shortness::Unknown => self.from_the_start(context).await,
        };
        match fetched {
            Fetched::Unstorable(other, unstorable) => {
                other.body.discard();
                Fetched::Unstorable(Box::new(response), unstorable)
            }
            Fetched::Stored(_) | Fetched::ServeStale(_) | Fetched::Failed(_) => {
                response.body.discard();
                fetched
            }
        }
    }

    /// Fetches the first block: it tells how long the object is, without a transfer of many gigabytes.
    async fn from_the_start(self: &Rc<Self>, mut context: Context<'_>) -> Fetched {
        let first = RangeSpec::Within(ByteRange {
            start: 0,
            end_inclusive: self.shared.block_size_bytes - 1,
        });
        let headers = HeaderMap::from_iter([(RANGE, first.to_header_value())]);
        context.moments = self.moments();
        let answered = self.send(context.ask, &headers).await;
        context.moments.received = self.clock.now();
        match answered {
            Ok(response) if response.status == StatusCode::PARTIAL_CONTENT => {
                self.partial(context, response).await
            }
            Ok(response) if response.status == StatusCode::RANGE_NOT_SATISFIABLE => {
                response.body.discard();
                self.refetch_whole(context).await
            }
            Ok(response) => self.store_or_pass(&context, response),
            Err(fault) => Fetched::Failed(fault),
        }
    }
}

/// The length of the object, as far as a 416 tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortness {
    /// The object has no bytes.
    Empty,
    /// The object ends before the range begins.
    Unknown,
}

impl Shortness {
    /// Judges a 416. Any byte at all satisfies a range that begins with the first one, or that counts from the end (RFC
    /// 9110 14.1.2); an origin need not say how long the object is.
    fn of(wanted: Option<RangeSpec>, headers: &HeaderMap) -> Self {
        let told = headers.get(CONTENT_RANGE).map(HeaderValue::as_bytes);
        let is_told_empty = told.is_some_and(|told| told.trim_ascii() == b"bytes */0");
        match wanted {
            _ if is_told_empty => Shortness::Empty,
            Some(
                RangeSpec::From(0)
                | RangeSpec::Within(ByteRange { start: 0, .. })
                | RangeSpec::Last(1..),
            ) => Shortness::Empty,
            Some(RangeSpec::From(_) | RangeSpec::Within(_) | RangeSpec::Last(0)) | None => {
                Shortness::Unknown
            }
        }
    }
}
