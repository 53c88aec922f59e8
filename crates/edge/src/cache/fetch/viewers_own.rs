//! Requests that are not shared: the origin gets one viewer's request, with the viewer's own conditions and range.

use super::{Context, Fetched};
use crate::cache::WorkerCache;
use crate::cache::cache_request::CacheRequest;
use crate::cache::look_up::LookUp;
use crate::origin_client::OriginRequestBody;
use http::header::{CONTENT_RANGE, IF_RANGE, RANGE};
use http::{HeaderMap, StatusCode};
use privet_distribution::caching::{Storage, Unstorable};
use std::rc::Rc;

impl WorkerCache {
    /// Sends one request to the origin with the viewer's own conditions and range. A whole response that turns out to
    /// be storable is stored, and later requests share it again.
    pub(in crate::cache) async fn fetch_viewers_own(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        found: LookUp,
    ) -> Fetched {
        let mut context = Context {
            ask,
            found,
            guard: None,
            seq: self.shared.store.current_seq(),
            moments: self.moments(),
        };
        let call = ask.call_as_viewer(OriginRequestBody::Empty);
        let had_range = call.headers.contains_key(RANGE);
        let answered = self
            .client
            .send_with_failover(&ask.origins, call, |origin, call| ask.address(origin, call))
            .await;
        context.moments.received = self.clock.now();
        let response = match answered {
            Ok(response) => response,
            Err(fault) => return Fetched::Failed(fault),
        };
        match response.status {
            StatusCode::PARTIAL_CONTENT if had_range => {
                let mut headers = response.headers.clone();
                headers.remove(CONTENT_RANGE);
                if let Storage::Store(_) = self.storage_of(&context, StatusCode::OK, &headers) {
                    self.shared.flights.mark_shareable(ask);
                }
                Fetched::Unstorable(Box::new(response), Unstorable::Status)
            }
            StatusCode::RANGE_NOT_SATISFIABLE if had_range => {
                self.unsatisfied(context, response).await
            }
            StatusCode::NOT_MODIFIED | StatusCode::PRECONDITION_FAILED => {
                Fetched::Unstorable(Box::new(response), Unstorable::Status)
            }
            // An error that may be due to this viewer's conditions is not for anybody else.
            status if status != StatusCode::OK && ask.has_conditions() => {
                Fetched::Unstorable(Box::new(response), Unstorable::Status)
            }
            _ => self.store_or_pass(&context, response),
        }
    }

    /// Requests the viewer's own range of an object that is not stored.
    pub(super) async fn viewers_own_range(
        &self,
        context: &Context<'_>,
        unstorable: Unstorable,
    ) -> Fetched {
        let mut headers = HeaderMap::new();
        if let Some(range) = context.ask.wanted {
            headers.insert(RANGE, range.to_header_value());
            // RFC 9110 13.1.5: a part goes only to a viewer whose other parts are of the same version.
            if let Some(condition) = context.ask.if_range() {
                headers.insert(IF_RANGE, condition.clone());
            }
        }
        match self.send(context.ask, &headers).await {
            Ok(response) => Fetched::Unstorable(Box::new(response), unstorable),
            Err(fault) => Fetched::Failed(fault),
        }
    }
}
