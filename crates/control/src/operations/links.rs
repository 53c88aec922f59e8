//! Registered links: made or taken in, listed, revoked, and what is known of their use.

mod making;
mod revoking;

pub use making::{LinkRules, MakeLinkRequest};
pub use revoking::{RevocationOutcome, RevocationRequest, RevokeTarget};

use crate::link_access::host_and_path;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::reading::{Listed, PAGE_MAX, PageRequest, cut};
use crate::operator::{Operator, Rank, Read, Scope};
use privet_sign::LimitedId;
use privet_store::{
    LedgerRecord, LinkDigest, LinkFilter, Page, RegisteredId, StoredLink, StoredRevocation,
    StoredUse, Timestamp,
};

/// A registered link with what is known of its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLink {
    /// The link.
    pub stored: StoredLink,
    /// What edges have counted; `None` before anything was.
    pub ledger: Option<LedgerRecord>,
    /// The revocation that the link itself is refused by.
    pub revocation: Option<StoredRevocation>,
    /// The state of the link.
    pub state: ShownState,
}

/// State of a link in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownState {
    /// It opens its object.
    Live,
    /// All uses were made.
    UsedUp,
    /// It was revoked.
    Revoked,
    /// It has ended.
    Ended,
}

impl ShownState {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ShownState::Live => "live",
            ShownState::UsedUp => "used-up",
            ShownState::Revoked => "revoked",
            ShownState::Ended => "ended",
        }
    }

    /// Returns the state of a link at a time.
    pub fn of(stored: &StoredLink, now: Timestamp) -> Self {
        let is_used_up = stored
            .link
            .uses_max
            .is_some_and(|uses_max| stored.uses >= uses_max);
        match (stored.revoked_by, stored.link.ends_at <= now, is_used_up) {
            (Some(_), _, _) => ShownState::Revoked,
            (None, true, _) => ShownState::Ended,
            (None, false, true) => ShownState::UsedUp,
            (None, false, false) => ShownState::Live,
        }
    }
}

impl Operations {
    /// Lists registered links, newest first.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn links(
        &self,
        operator: &Operator<Read>,
        filter: &LinkFilter,
        page: &PageRequest,
    ) -> Result<Listed<StoredLink>, OperationError> {
        whole_scope(operator, "this lists the links of all distributions")?;
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let page = Page {
            after: page.after.clone(),
            limit: wanted + 1,
        };
        let links = self.own_store()?.links(filter, &page).await?;
        Ok(cut(links, wanted, |link: &StoredLink| {
            link.number.to_string()
        }))
    }

    /// Returns a registered link, by its id, its identity, or the signed URL itself.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::NoStore`], and those of the store.
    pub async fn link(
        &self,
        operator: &Operator<Read>,
        name: &str,
    ) -> Result<ShownLink, OperationError> {
        let store = self.own_store()?;
        let stored = self.find_link(operator, name).await?;
        let stored = stored.ok_or_else(|| no_link(name))?;
        let ledger = store.ledger(&stored.link.digest).await?;
        let revocation = match stored.revoked_by {
            Some(seq) => store.revocation(seq).await?,
            None => None,
        };
        Ok(ShownLink {
            state: ShownState::of(&stored, self.timestamp()),
            stored,
            ledger,
            revocation,
        })
    }

    /// Lists the uses of a limited link, the last ones first.
    ///
    /// # Errors
    /// As [`Operations::link`].
    pub async fn link_uses(
        &self,
        operator: &Operator<Read>,
        name: &str,
        page: &PageRequest,
    ) -> Result<Listed<StoredUse>, OperationError> {
        let stored = self.find_link(operator, name).await?;
        let stored = stored.ok_or_else(|| no_link(name))?;
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let page = Page {
            after: page.after.clone(),
            limit: wanted + 1,
        };
        let uses = self.own_store()?.link_uses(&stored.link.id, &page).await?;
        Ok(cut(uses, wanted, |one: &StoredUse| one.number.to_string()))
    }

    /// Finds a registered link whose object the operator may see.
    async fn find_link<R: Rank>(
        &self,
        operator: &Operator<R>,
        name: &str,
    ) -> Result<Option<StoredLink>, OperationError> {
        let store = self.own_store()?;
        let found = match named(name) {
            Named::Id(id) => store.link(&id).await?,
            Named::Digest(digest) => store.link_by_digest(&digest).await?,
            Named::Url => {
                let confirmed = self.confirmed(operator, name)?;
                store.link_by_digest(&confirmed.digest).await?
            }
            Named::Nothing => None,
        };
        let is_visible = |stored: &StoredLink| self.sees_host(operator, &stored.link.host);
        Ok(found.filter(is_visible))
    }

    fn sees_host<R: Rank>(&self, operator: &Operator<R>, host: &str) -> bool {
        let snapshot = self.snapshot();
        match &operator.caller().scope {
            Scope::All => true,
            Scope::Distributions(ids) => snapshot
                .distribution_for(host)
                .is_some_and(|found| ids.contains(&found.id)),
        }
    }
}

/// What a text names a link by.
enum Named {
    Id(RegisteredId),
    Digest(LinkDigest),
    Url,
    Nothing,
}

fn named(text: &str) -> Named {
    if host_and_path(text).is_some() {
        return Named::Url;
    }
    if let Some(id) = RegisteredId::parse(text) {
        return Named::Id(id);
    }
    LinkDigest::parse(text).map_or(Named::Nothing, Named::Digest)
}

fn whole_scope<R: Rank>(operator: &Operator<R>, what: &'static str) -> Result<(), OperationError> {
    match operator.caller().scope {
        Scope::All => Ok(()),
        Scope::Distributions(_) => Err(OperationError::ScopeTooNarrow(what)),
    }
}

fn no_link(name: &str) -> OperationError {
    // A link is a secret: an error must not repeat it.
    let id = match named(name) {
        Named::Url => "of this URL".to_owned(),
        Named::Id(_) | Named::Digest(_) | Named::Nothing => name.chars().take(80).collect(),
    };
    OperationError::NotFound {
        what: "registered link",
        id,
    }
}

fn registered(id: LimitedId) -> RegisteredId {
    RegisteredId::from_bytes(*id.as_bytes())
}
