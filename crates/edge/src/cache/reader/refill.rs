//! Fetches some blocks of a known object: exactly these bytes, or none.

use crate::cache::WorkerCache;
use crate::cache::cache_request::{CacheRequest, Validator, content_range};
use crate::cache::fetch_fault::FetchFault;
use crate::cache::sink::Sink;
use crate::origin_client::OriginResponse;
use http::StatusCode;
use http::header::RANGE;
use privet_cache::Key;
use privet_distribution::{RangeSpec, Span};
use std::rc::Rc;

/// A fetch of some blocks of a known object.
pub(super) struct Refill {
    pub(super) cache: Rc<WorkerCache>,
    pub(super) ask: Rc<CacheRequest>,
    pub(super) digest: Key,
    pub(super) validator: Validator,
    pub(super) size_bytes: u64,
    /// The bytes that are asked for, of which there is at least one.
    pub(super) span: Span,
}

impl Refill {
    pub(super) async fn run(self, mut sink: Sink) -> Result<(), FetchFault> {
        let mut call = self.ask.get();
        if let Some(range) = self.span.byte_range().map(RangeSpec::Within) {
            call.headers.insert(RANGE, range.to_header_value());
        }
        // Some origins ignore If-Range, so the request carries a condition that fails instead (fidelity note F62).
        self.validator.put_into(&mut call.headers);
        let ask = &self.ask;
        let mut response = self
            .cache
            .client
            .send_with_failover(&ask.origins, call, |origin, call| ask.address(origin, call))
            .await?;
        if let Err(fault) = self.check(&response) {
            // An origin that sends another range than requested is asked for the whole object next time.
            if fault == FetchFault::Changed || response.status == StatusCode::PARTIAL_CONTENT {
                self.cache.shared.store.remove(&self.digest);
            }
            response.body.discard();
            return Err(fault);
        }
        if response.status == StatusCode::OK {
            sink.skip(&mut response.body, self.span.start).await?;
        }
        sink.take_all(response.body).await;
        Ok(())
    }

    /// Checks that the response has the same object and the requested range.
    fn check(&self, response: &OriginResponse) -> Result<(), FetchFault> {
        match response.status {
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => {
                Err(FetchFault::Changed)
            }
            StatusCode::PARTIAL_CONTENT | StatusCode::OK
                if !self.validator.holds(&response.headers) =>
            {
                Err(FetchFault::Changed)
            }
            StatusCode::PARTIAL_CONTENT => match content_range(&response.headers) {
                Some(told) if told.size_bytes != self.size_bytes => Err(FetchFault::Changed),
                Some(told) if told.range.span() == self.span => Ok(()),
                Some(_) | None => Err(FetchFault::Unexpected),
            },
            StatusCode::OK if response.body.promised() == Some(self.size_bytes) => Ok(()),
            StatusCode::OK => Err(FetchFault::Changed),
            _ => Err(FetchFault::Unexpected),
        }
    }
}
