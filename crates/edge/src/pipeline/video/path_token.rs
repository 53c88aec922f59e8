//! The way to a path_token, for viewers who ask for one with their signature.

use crate::answer::Answer;
use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::redeem::Redeemed;
use privet_distribution::request::{
    PathTokenIssuer, ViewerRequest, path_token_location, wants_path_token,
};
use privet_distribution::response::path_token_page;

/// A request that was authorized, perhaps with the wish for a path_token.
pub(super) struct PathTokenRequest<'a> {
    pub(super) authorized: &'a Redeemed<'a>,
    pub(super) request: &'a ViewerRequest<'a>,
    /// The video's own path, where something that is made of a video is asked for.
    pub(super) object_path: Option<&'a str>,
    pub(super) received: &'a Received,
    pub(super) context: &'a WorkerContext,
}

impl PathTokenRequest<'_> {
    /// `None` where no path_token is wished for, or none can be had: the request is answered as it stands then.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.request.query.filter(|query| wants_path_token(query))?;
        if !self.authorized.may_be_passed_on() {
            return None;
        }
        let issuer = PathTokenIssuer {
            secret: &self.received.state.path_token_secret,
            now: self.received.now,
            memory: &self.context.memory,
        };
        let token = issuer.issue(self.authorized, self.request, self.object_path)?;
        let location = path_token_location(self.request, &token);
        Some(Answer::page(path_token_page(&location)))
    }
}
