//! The request for an object that a film or a list is made of.

use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::film::source::{FilmSource, SourceAsk, Wanted};
use crate::redeem::Redeemed;
use privet_distribution::request::{Denial, RequestFacts, ViewerRequest, object_query};

/// What a viewer who has redeemed `authorized` asks for by `request`.
pub(super) struct ObjectAsk<'a> {
    pub(super) authorized: &'a Redeemed<'a>,
    pub(super) request: ViewerRequest<'a>,
    pub(super) country: Option<&'a str>,
    pub(super) received: &'a Received,
    pub(super) context: &'a WorkerContext,
}

impl ObjectAsk<'_> {
    /// Opens the object as it is `wanted`. The origin sees no words of the film in the query.
    pub(super) async fn open(&self, wanted: Wanted<'_>) -> Result<FilmSource, Denial> {
        let query = self.request.query.and_then(object_query);
        let ask = SourceAsk {
            authorized: self.authorized,
            request: ViewerRequest {
                query: query.as_deref(),
                ..self.request
            },
            facts: RequestFacts {
                viewer: self.received.viewer,
                viewer_port: Some(self.received.connection.facts.peer.port()),
                request_id: &self.received.request_id,
                country: self.country,
                via: &self.context.via,
                accept_encoding: None,
            },
            state: &self.received.state,
        };
        FilmSource::open_as(wanted, &ask, &self.context.source_stores()).await
    }
}
