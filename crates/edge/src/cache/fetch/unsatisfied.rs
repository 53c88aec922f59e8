//! An origin that has nothing of the range that it was asked for: the object is shorter, or empty.
//!
//! The origin's own 416 is about this request. What the edge then learns of the object answers the next ones as well,
//! and in the edge's words: those are the same whether the object was stored before or not (RFC 9110 14.2 and 15.5.17).

use super::{Context, Fetched};
use crate::cache::WorkerCache;
use crate::origin_client::OriginResponse;
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use privet_distribution::{ByteRange, RangeSpec};
use std::rc::Rc;

impl WorkerCache {
    /// 416. An object that may not be kept leaves it at that.
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

    /// The first block: how long the object is comes with it, and a whole object of many gigabytes does not.
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

/// What a 416 says of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortness {
    /// It has no bytes.
    Empty,
    /// It ends before the range begins.
    Unknown,
}

impl Shortness {
    /// Any byte at all satisfies a range that begins with the first one, or that counts from the end (RFC 9110 14.1.2);
    /// an origin need not say how long the object is.
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
