//! The second proof, for which the edge may have to wait.
//!
//! The validity of a grant can depend on more than its contents: on how often its link was used, or on whether somebody
//! has revoked it. Only a store knows that. It is asked once, after the signature was found to be good and before
//! anything is read, and everything that yields bytes requires its result and nothing less.

mod key_use;

pub(crate) use key_use::KeyUse;

use privet_distribution::request::{Authorized, Denial, ViewerRequest, authorize_member};
use privet_sign::Timestamp;
use std::ops::Deref;
use std::sync::Arc;

/// An authorized request whose grant was redeemed, if it is one that has to be.
#[derive(Debug)]
pub(crate) struct Redeemed<'s>(Authorized<'s>);

impl<'s> Redeemed<'s> {
    /// Authorizes a member of the set that this proof is for. Its grant is the set's, which was redeemed with it: a
    /// video is one use, however many objects it is made of.
    pub(crate) fn member(
        &self,
        request: &ViewerRequest<'_>,
        path: &str,
    ) -> Result<Redeemed<'s>, Denial> {
        authorize_member(&self.0, request, path).map(Redeemed)
    }
}

impl<'s> Deref for Redeemed<'s> {
    type Target = Authorized<'s>;

    fn deref(&self) -> &Authorized<'s> {
        &self.0
    }
}

/// Purpose for which a grant is redeemed. A use of a link is one viewer's visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A request over HTTP; a visit has many.
    Request,
    /// An RTMP play, which is one visit.
    Play,
    /// The same play, from another position or after a pause. That is no further use, but the link may have been
    /// revoked meanwhile.
    PlayContinued,
}

/// Knowledge of links that is not in their signed text: which of them were revoked, and how often they were used.
///
/// There is none yet. No grant has to be redeemed, so the first proof is all of it.
#[derive(Debug)]
pub(crate) struct Links {
    key_use: Arc<KeyUse>,
}

impl Links {
    pub(crate) fn new(key_use: Arc<KeyUse>) -> Self {
        Links { key_use }
    }

    /// Redeems the grant of a request. The link that it belongs to is [`privet_sign::Grant::link_id`].
    ///
    /// The answer holds for the response, or for the play until its viewer seeks or resumes, which asks again. That the
    /// grant's key was used at `now` is noted.
    ///
    /// # Errors
    /// The grant is used up or was revoked.
    pub(crate) async fn redeem<'s>(
        &self,
        authorized: Authorized<'s>,
        _purpose: Purpose,
        now: Timestamp,
    ) -> Result<Redeemed<'s>, Denial> {
        if let Some(grant) = authorized.grant() {
            self.key_use.note(grant.key_pair_id(), now);
        }
        Ok(Redeemed(authorized))
    }
}
