//! A custom policy whose signature is known to be good: what repeated requests need not have checked again.

use std::net::IpAddr;
use std::sync::Arc;

use crate::credentials::CredentialSource;
use crate::grant::{Grant, Mark, QueryUse};
use crate::key::PublicKey;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::trust::KeySet;
use crate::verify::{Leniency, Object, covers};

/// Everything about a custom policy that does not depend on the request. Only the checks of this crate make one.
///
/// It is no decision: resource, dates and address are compared for each request.
#[derive(Clone, Debug)]
pub struct ConfirmedPolicy {
    pub(crate) policy: Policy<'static>,
    pub(crate) key_pair_id: Arc<str>,
    pub(crate) key: PublicKey,
    pub(crate) source: CredentialSource,
    pub(crate) signature: Arc<[u8]>,
    pub(crate) statement_object: bool,
}

impl ConfirmedPolicy {
    /// Whether these keys and switches would confirm it as well: the key may have been taken away or replaced.
    pub(crate) fn holds_for(&self, keys: &KeySet, leniency: &Leniency) -> bool {
        let same_key = keys
            .get(&self.key_pair_id)
            .is_some_and(|key| key.spki_der() == self.key.spki_der());
        same_key && self.statement_object == leniency.statement_object
    }

    /// Compares resource, start, end and address with the request.
    pub(crate) fn permit(
        &self,
        object: &Object<'_>,
        now: Timestamp,
        client: IpAddr,
        leniency: &Leniency,
    ) -> Result<Grant, Refusal> {
        let policy = &self.policy;
        if !covers(policy.resource.as_deref(), object, self.source, leniency) {
            return Err(Refusal::WrongResource);
        }
        if let Some(from) = policy.from
            && now <= from
        {
            return Err(Refusal::NotYetValid(from));
        }
        if now >= policy.until {
            return Err(Refusal::Expired(policy.until));
        }
        if policy.ip.is_some_and(|range| !range.contains(client)) {
            return Err(Refusal::WrongAddress);
        }
        Ok(Grant {
            key_pair_id: Arc::clone(&self.key_pair_id),
            until: policy.until,
            source: self.source,
            mark: Mark::Signature(Arc::clone(&self.signature)),
            query_use: query_use(policy.resource.as_deref()),
        })
    }
}

/// A resource without `?` compares no query, save by a `*` at its end, which takes any.
pub(crate) fn query_use(resource: Option<&str>) -> QueryUse {
    if resource.is_some_and(|resource| resource.contains('?')) {
        QueryUse::Compared
    } else {
        QueryUse::Ignored
    }
}
