//! The second proof, for which the edge may have to wait.
//!
//! The validity of a grant can depend on more than its contents: on how often its link was used, or on whether somebody
//! has revoked it. That is asked once, after the signature was found to be good and before anything is read, and
//! everything that yields bytes requires its result and nothing less. Only limited links have to wait for the store.

mod key_use;
mod limited;

pub(crate) use key_use::KeyUse;
pub(crate) use limited::LinkUse;

use crate::clock::Clock;
use crate::links::EdgeLinks;
use limited::LimitedRequest;
use privet_distribution::config::LinksSettings;
use privet_distribution::links::{GrantFacts, Judgement, LinkPage, RevokedObject};
use privet_distribution::request::{
    Authorized, Denial, LinkRefusal, ViewerRequest, authorize_member,
};
use privet_sign::{CredentialSource, Grant, Timestamp};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// An authorized request whose grant was redeemed, if it is one that has to be.
#[derive(Debug)]
pub(crate) struct Redeemed<'s> {
    authorized: Authorized<'s>,
    link_use: Option<LinkUse>,
}

impl<'s> Redeemed<'s> {
    /// Authorizes a member of the set that this proof is for. Its grant is the set's, which was redeemed with it: a
    /// video is one use, however many objects it is made of.
    pub(crate) fn member(
        &self,
        request: &ViewerRequest<'_>,
        path: &str,
    ) -> Result<Redeemed<'s>, Denial> {
        authorize_member(&self.authorized, request, path).map(Redeemed::without_use)
    }

    /// Returns the use of the link, if it is a limited one.
    pub(crate) fn link_use(&self) -> Option<&LinkUse> {
        self.link_use.as_ref()
    }

    /// True if the answer may hold what opens the object later without another look at the link: not if nothing was
    /// redeemed, because only the head was asked for, and not if each response has to be counted.
    pub(crate) fn may_be_passed_on(&self) -> bool {
        match &self.link_use {
            None => true,
            Some(LinkUse::Visit { counts_bytes, .. }) => !counts_bytes,
            Some(LinkUse::Head) => false,
        }
    }

    fn without_use(authorized: Authorized<'s>) -> Self {
        Redeemed {
            authorized,
            link_use: None,
        }
    }
}

impl<'s> Deref for Redeemed<'s> {
    type Target = Authorized<'s>;

    fn deref(&self) -> &Authorized<'s> {
        &self.authorized
    }
}

/// What became of a grant that was to be redeemed.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are the large one, which is moved once"
)]
#[derive(Debug)]
pub(crate) enum Redemption<'s> {
    /// It opens the object.
    Redeemed(Redeemed<'s>),
    /// A person is asked or told something in place of the object. A refusal is named for the log.
    Page(Box<LinkPage>, Option<LinkRefusal>),
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

/// What is known of a request or a play, beside its grant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'r> {
    pub(crate) purpose: Purpose,
    pub(crate) request: &'r ViewerRequest<'r>,
    /// Paths that name the object: see [`RevokedObject`].
    pub(crate) paths: &'r [&'r str],
    /// What the button of the page has sent, if that was pressed.
    pub(crate) pressed: Option<&'r [u8]>,
    pub(crate) settings: &'r LinksSettings,
    /// Time by which the request is judged.
    pub(crate) now: Timestamp,
    /// What tells the time while the store is waited for.
    pub(crate) clock: &'r Clock,
}

/// Knowledge of links that is not in their signed text, as one worker asks for it.
#[derive(Clone, Debug)]
pub(crate) struct Links(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    key_use: Arc<KeyUse>,
    links: Arc<EdgeLinks>,
}

impl Links {
    pub(crate) fn new(key_use: Arc<KeyUse>, links: Arc<EdgeLinks>) -> Self {
        Links(Rc::new(Shared { key_use, links }))
    }

    /// Redeems the grant of a request. The link that it belongs to is [`privet_sign::Grant::link_id`].
    ///
    /// The answer holds for the response, or for the play until its viewer seeks or resumes, which asks again. That the
    /// grant's key was used is noted.
    ///
    /// # Errors
    /// The grant is used up or was revoked, or nobody can tell.
    pub(crate) async fn redeem<'s>(
        &self,
        authorized: Authorized<'s>,
        presented: &Presented<'_>,
    ) -> Result<Redemption<'s>, Denial> {
        let Some(grant) = authorized.grant() else {
            let redeemed = Redeemed::without_use(authorized);
            return Ok(Redemption::Redeemed(redeemed));
        };
        let object = RevokedObject {
            host: presented.request.host,
            paths: presented.paths,
        };
        self.check_revocations(grant, object, presented.now)?;
        self.0.key_use.note(grant.key_pair_id(), presented.now);
        let limited = grant.link_mark().and_then(|mark| mark.limited.as_ref());
        let is_redeemed = match presented.purpose {
            // What carries a path token was redeemed before the token was issued.
            Purpose::Request | Purpose::Play => grant.source() == CredentialSource::PathToken,
            Purpose::PlayContinued => true,
        };
        let Some(limited) = limited.filter(|_| !is_redeemed) else {
            let redeemed = Redeemed::without_use(authorized);
            return Ok(Redemption::Redeemed(redeemed));
        };
        let asked = LimitedRequest {
            links: &self.0.links,
            limited: limited.id,
            grant,
            presented,
        };
        // Boxed, because few requests are of limited links.
        let outcome = Box::pin(asked.redeem()).await?;
        Ok(match outcome {
            limited::Outcome::Served(link_use) => Redemption::Redeemed(Redeemed {
                link_use: Some(link_use),
                authorized,
            }),
            limited::Outcome::Page(page, refusal) => Redemption::Page(page, refusal),
        })
    }

    /// Refuses a grant that was revoked for an object.
    ///
    /// # Errors
    /// It was, or nobody can tell.
    pub(crate) fn check_revocations(
        &self,
        grant: &Grant,
        object: RevokedObject<'_>,
        now: Timestamp,
    ) -> Result<(), Denial> {
        match self.judge(grant, object, now) {
            Judgement::NotRevoked => Ok(()),
            Judgement::Revoked(by) => {
                let revocation = by.revocation;
                Err(Denial::Link(LinkRefusal::Revoked { revocation }))
            }
            Judgement::Forgotten => Err(Denial::Link(LinkRefusal::RevocationsForgotten)),
        }
    }

    /// Judges by what is known of revocations.
    pub(crate) fn judge(
        &self,
        grant: &Grant,
        object: RevokedObject<'_>,
        now: Timestamp,
    ) -> Judgement {
        self.0.links.judge(&GrantFacts::of(grant, object), now)
    }

    pub(crate) fn shared(&self) -> &Arc<EdgeLinks> {
        &self.0.links
    }

    /// Gives a use back of which nothing was served.
    pub(crate) fn give_back(&self, link_use: &LinkUse) {
        if let (Some(question), Some(source)) = (link_use.own_question(), self.0.links.source()) {
            source.store.give_back(question);
        }
    }
}
