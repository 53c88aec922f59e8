//! The request for an object that a video or a playlist is made of.

use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::redeem::Redeemed;
use crate::video::source::{ReadScope, SourceRequest, VideoSource};
use privet_distribution::request::{Denial, ViewerRequest, object_query};

/// A request for the object of `request`, by a viewer who has redeemed `authorized`.
pub(super) struct ObjectRequest<'a> {
    pub(super) authorized: &'a Redeemed<'a>,
    pub(super) request: ViewerRequest<'a>,
    pub(super) country: Option<&'a str>,
    pub(super) received: &'a Received,
    pub(super) context: &'a WorkerContext,
}

impl ObjectRequest<'_> {
    /// Opens the object as `wanted`. The origin does not see the video's parameters in the query.
    pub(super) async fn open(&self, wanted: ReadScope<'_>) -> Result<VideoSource, Denial> {
        let query = self.request.query.and_then(object_query);
        let ask = SourceRequest {
            authorized: self.authorized,
            request: ViewerRequest {
                query: query.as_deref(),
                ..self.request
            },
            facts: self.received.facts(self.country, &self.context.via),
            state: &self.received.state,
        };
        VideoSource::open_as(wanted, &ask, &self.context.source_stores()).await
    }
}
