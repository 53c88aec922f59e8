//! Revokes links, one or many, and lifts revocations.

use super::{Named, named, no_link, whole_scope};
use crate::operation_error::OperationError;
use crate::operations::reading::{Listed, PAGE_MAX, PageRequest, cut};
use crate::operations::{Mode, Operations};
use crate::operator::{Operator, Publish, Read};
use privet_distribution::links::ObjectPattern;
use privet_sign::SubjectDigest;
use privet_store::{
    LinkFilter, LinkState, NewRevocation, Page, PathFilter, Revoked, StoredRevocation, Timestamp,
};

/// Time in seconds for which keys, subjects and objects are revoked unless another end is given: longer than links are
/// valid that anybody makes.
const LIFE_SECS: i64 = 366 * 24 * 60 * 60;

/// What is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevokeTarget {
    /// One link: its id, its identity, or the signed URL.
    Link(String),
    /// All links of a person or another subject.
    Subject(String),
    /// All registered links with a label.
    Label(String),
    /// All links for the objects that a pattern covers: `HOST/PATH` with `*`.
    Object(String),
    /// All links of a key.
    Key(String),
}

/// A revocation that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRequest {
    /// What is to be revoked.
    pub target: RevokeTarget,
    /// End of the revocation of a key, a subject or objects.
    pub until: Option<Timestamp>,
    /// True if running transfers are cut.
    pub cut: bool,
    /// Note for operators.
    pub note: Option<String>,
}

/// What a revocation has done, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationOutcome {
    /// Number of the revocation, or of the last one if there are several; `None` if nothing was revoked.
    pub revocation: Option<u64>,
    /// Number of registered links that are live before it; `None` if nobody can count them.
    pub links: Option<u64>,
}

impl Operations {
    /// Revokes, or says what would be revoked. It is in force on each edge as soon as that hears of it.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] for a link that is neither registered nor signed by a trusted key;
    /// [`OperationError::Invalid`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn revoke(
        &self,
        operator: &Operator<Publish>,
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        match &request.target {
            RevokeTarget::Link(name) => self.revoke_link(operator, name, request, mode).await,
            RevokeTarget::Label(label) => {
                whole_scope(operator, "this revokes links of all distributions")?;
                let filter = LinkFilter {
                    label: Some(label.clone()),
                    ..LinkFilter::default()
                };
                self.revoke_filtered(operator, &filter, request, mode).await
            }
            RevokeTarget::Subject(subject) => {
                self.revoke_subject(operator, subject, request, mode).await
            }
            RevokeTarget::Object(pattern) => {
                self.revoke_object(operator, pattern, request, mode).await
            }
            RevokeTarget::Key(id) => {
                whole_scope(operator, "this revokes links of all distributions")?;
                let filter = LinkFilter {
                    key_pair_id: Some(id.clone()),
                    ..LinkFilter::default()
                };
                let what = Revoked::Key(id.clone());
                self.revoke_all(operator, (what, Some(filter)), request, mode)
                    .await
            }
        }
    }

    async fn revoke_link(
        &self,
        operator: &Operator<Publish>,
        name: &str,
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        let registered = self.find_link(operator, name).await?;
        let (digest, until, is_live) = match (&registered, named(name)) {
            (Some(stored), _) => {
                let is_live = stored.revoked_by.is_none();
                (stored.link.digest, stored.link.ends_at, is_live)
            }
            (None, Named::Url) => {
                let confirmed = self.confirmed(operator, name)?;
                let until = i64::try_from(confirmed.until.as_secs()).unwrap_or(i64::MAX);
                (confirmed.digest, Timestamp::from_seconds(until), true)
            }
            // Whoever knows the identity of a link may revoke it, whatever it is about.
            (None, Named::Digest(digest)) => {
                whole_scope(operator, "this revokes a link of any distribution")?;
                (digest, self.life_end(request), true)
            }
            (None, Named::Id(_) | Named::Nothing) => return Err(no_link(name)),
        };
        if until <= self.timestamp() {
            return Err(OperationError::invalid("link", "has ended by itself"));
        }
        let links = Some(u64::from(registered.is_some() && is_live));
        if mode == Mode::DryRun {
            let revocation = None;
            return Ok(RevocationOutcome { revocation, links });
        }
        let revocation = self.write_revocation(operator, Revoked::Link(digest), until, request);
        Ok(RevocationOutcome {
            revocation: Some(revocation.await?.seq),
            links,
        })
    }

    async fn revoke_subject(
        &self,
        operator: &Operator<Publish>,
        subject: &str,
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        whole_scope(operator, "this revokes links of all distributions")?;
        let digest = SubjectDigest::of(subject);
        let digest = privet_store::SubjectDigest::from_bytes(*digest.as_bytes());
        let filter = LinkFilter {
            subject: Some(digest),
            ..LinkFilter::default()
        };
        // Links whose signed text does not name the subject are known by the register alone.
        let registered = self
            .revoke_filtered(operator, &filter, request, mode)
            .await?;
        let what = Revoked::Subject(digest);
        let all = self
            .revoke_all(operator, (what, None), request, mode)
            .await?;
        Ok(RevocationOutcome {
            revocation: all.revocation,
            links: registered.links,
        })
    }

    async fn revoke_object(
        &self,
        operator: &Operator<Publish>,
        pattern: &str,
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        ObjectPattern::parse(pattern)
            .map_err(|error| OperationError::invalid("object", error.to_string()))?;
        let rest = pattern.split_once("://").map_or(pattern, |(_, rest)| rest);
        let slash = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(slash);
        let host = host.rsplit_once(':').map_or(host, |(host, port)| {
            let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            if is_port {
                host
            } else {
                rest.split_at(slash).0
            }
        });
        if !self.sees_host(operator, host) {
            whole_scope(operator, "this revokes links of other distributions")?;
        }
        let what = Revoked::Object {
            host: host.to_ascii_lowercase(),
            path: path.to_owned(),
        };
        let filter = counted_by(host, path);
        self.revoke_all(operator, (what, filter), request, mode)
            .await
    }

    /// Revokes each live link of a filter by itself.
    async fn revoke_filtered(
        &self,
        operator: &Operator<Publish>,
        filter: &LinkFilter,
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        if mode == Mode::DryRun {
            let links = Some(self.count_live(filter).await?);
            let revocation = None;
            return Ok(RevocationOutcome { revocation, links });
        }
        let store = self.own_store()?;
        let actor = operator.caller().actor();
        let how = (request.cut, request.note.as_deref());
        let revoked = store.revoke_links(filter, how, &actor, self.timestamp());
        let revoked = revoked.await?;
        Ok(RevocationOutcome {
            revocation: revoked.last,
            links: Some(revoked.links),
        })
    }

    /// Revokes everything that one rule covers, registered or not.
    async fn revoke_all(
        &self,
        operator: &Operator<Publish>,
        (what, counted): (Revoked, Option<LinkFilter>),
        request: &RevocationRequest,
        mode: Mode,
    ) -> Result<RevocationOutcome, OperationError> {
        let links = match counted {
            Some(filter) => Some(self.count_live(&filter).await?),
            None => None,
        };
        if mode == Mode::DryRun {
            let revocation = None;
            return Ok(RevocationOutcome { revocation, links });
        }
        let until = self.life_end(request);
        let revocation = self.write_revocation(operator, what, until, request);
        Ok(RevocationOutcome {
            revocation: Some(revocation.await?.seq),
            links,
        })
    }

    async fn write_revocation(
        &self,
        operator: &Operator<Publish>,
        what: Revoked,
        until: Timestamp,
        request: &RevocationRequest,
    ) -> Result<StoredRevocation, OperationError> {
        let new = NewRevocation {
            what,
            until,
            cut: request.cut,
            note: request.note.clone(),
        };
        let actor = operator.caller().actor();
        let store = self.own_store()?;
        Ok(store.revoke(&new, &actor, self.timestamp()).await?)
    }

    async fn count_live(&self, filter: &LinkFilter) -> Result<u64, OperationError> {
        let live = LinkFilter {
            state: Some((LinkState::Live, self.timestamp())),
            ..filter.clone()
        };
        Ok(self.own_store()?.count_links(&live).await?)
    }

    fn life_end(&self, request: &RevocationRequest) -> Timestamp {
        let longest = Timestamp::from_seconds(self.now().saturating_add(LIFE_SECS));
        request.until.unwrap_or(longest)
    }

    /// Lists revocations, the last ones first.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn revocations(
        &self,
        operator: &Operator<Read>,
        page: &PageRequest,
    ) -> Result<Listed<StoredRevocation>, OperationError> {
        whole_scope(operator, "this lists the revocations of all distributions")?;
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let page = Page {
            after: page.after.clone(),
            limit: wanted + 1,
        };
        let now = self.timestamp();
        let found = self.own_store()?.revocations(Some(now), &page).await?;
        Ok(cut(found, wanted, |one: &StoredRevocation| {
            one.seq.to_string()
        }))
    }

    /// Returns a revocation.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::revocations`].
    pub async fn revocation(
        &self,
        operator: &Operator<Read>,
        seq: u64,
    ) -> Result<StoredRevocation, OperationError> {
        whole_scope(operator, "this shows revocations of all distributions")?;
        let found = self.own_store()?.revocation(seq).await?;
        found.ok_or_else(|| OperationError::NotFound {
            what: "revocation",
            id: seq.to_string(),
        })
    }

    /// Lifts a revocation: what it refused opens again, unless another one refuses it.
    ///
    /// # Errors
    /// As [`Operations::revocation`].
    pub async fn lift_revocation(
        &self,
        operator: &Operator<Publish>,
        seq: u64,
    ) -> Result<StoredRevocation, OperationError> {
        whole_scope(operator, "this lifts revocations of all distributions")?;
        let actor = operator.caller().actor();
        let store = self.own_store()?;
        Ok(store.lift(seq, &actor, self.timestamp()).await?)
    }

    /// Lifts the revocation by which a registered link itself is refused.
    ///
    /// # Errors
    /// [`OperationError::NotFound`] if there is none; those of the store.
    pub async fn restore_link(
        &self,
        operator: &Operator<Publish>,
        name: &str,
    ) -> Result<StoredRevocation, OperationError> {
        let store = self.own_store()?;
        let stored = self.find_link(operator, name).await?;
        let stored = stored.ok_or_else(|| no_link(name))?;
        let none = || OperationError::invalid("link", "is not revoked");
        let seq = stored.revoked_by.ok_or_else(none)?;
        let revocation = store.revocation(seq).await?.ok_or_else(none)?;
        match revocation.revocation.what {
            Revoked::Link(_) => {}
            Revoked::Key(_) | Revoked::Subject(_) | Revoked::Object { .. } => {
                let rule = format!("is revoked with others by revocation {seq}; lift that one");
                return Err(OperationError::invalid("link", rule));
            }
        }
        let actor = operator.caller().actor();
        Ok(store.lift(seq, &actor, self.timestamp()).await?)
    }
}

/// Returns the filter that counts the registered links of a pattern; `None` if no filter does.
fn counted_by(host: &str, path: &str) -> Option<LinkFilter> {
    let host = match host {
        "*" => None,
        host if host.contains('*') => return None,
        host => Some(host.to_ascii_lowercase()),
    };
    let path = match path.split_once('*') {
        None => PathFilter::Exact(path.to_owned()),
        Some((before, "")) => PathFilter::Prefix(before.to_owned()),
        Some(_) => return None,
    };
    Some(LinkFilter {
        host,
        path: Some(path),
        ..LinkFilter::default()
    })
}
