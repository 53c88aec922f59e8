//! A custom policy whose signature is known to be valid, so that repeated requests need not verify it again.

use std::sync::Arc;

use crate::credentials::CredentialSource;
use crate::grant::{ConfirmedSignature, Grant, PathUse, QueryUse, SignatureMark};
use crate::key_set::KeySet;
use crate::leniency::Leniency;
use crate::policy::Policy;
use crate::resource::{self, Sections};

/// The part of a verified custom policy that does not depend on the request. Only the checks of this crate make one.
///
/// It is not a decision: resource, dates and address are compared for each request.
#[derive(Clone, Debug)]
pub struct ConfirmedPolicy {
    pub(crate) policy: Policy<'static>,
    pub(crate) key_pair_id: Arc<str>,
    pub(crate) source: CredentialSource,
    pub(crate) signed: Arc<ConfirmedSignature>,
    pub(crate) statement_object: bool,
}

impl ConfirmedPolicy {
    /// True if these keys and switches would confirm it as well: the key may have been removed or replaced.
    pub(crate) fn holds_for(&self, keys: &KeySet, leniency: &Leniency) -> bool {
        let same_key = keys
            .get(&self.key_pair_id)
            .is_some_and(|key| *key == self.signed.key);
        same_key && self.statement_object == leniency.statement_object
    }

    /// Returns the grant, once resource, start, expiry and address fit the request.
    pub(crate) fn grant(&self) -> Grant {
        let policy = &self.policy;
        Grant {
            key_pair_id: Arc::clone(&self.key_pair_id),
            until: policy.until,
            source: self.source,
            signature_mark: SignatureMark::Signature(Arc::clone(&self.signed)),
            query_use: query_use(policy.resource.as_deref()),
            path_use: path_use(policy.resource.as_deref()),
            resource: policy.resource.as_deref().map(Arc::from),
            link_mark: policy.mark.clone(),
        }
    }
}

/// Returns a resource's use of the query. Without `?` it compares no query, except by a `*` at its end,
/// which takes any.
pub(crate) fn query_use(resource: Option<&str>) -> QueryUse {
    if resource.is_some_and(|resource| resource.contains('?')) {
        QueryUse::Compared
    } else {
        QueryUse::Ignored
    }
}

/// Returns the use that a resource makes of the path of a URL that it covers. If in doubt, it is a pattern.
///
/// A `?` may be a wildcard or the start of a query (fidelity note F14).
pub(crate) fn path_use(resource: Option<&str>) -> PathUse {
    let Some(resource) = resource else {
        return PathUse::Ignored;
    };
    let (host, rest) = match resource::sections(resource) {
        Sections::Everything => return PathUse::Ignored,
        Sections::Nothing => return PathUse::Pattern,
        Sections::Url { host, rest, .. } => (host, rest),
    };
    if rest == Some("/*") || (rest.is_none() && host.ends_with('*')) {
        return PathUse::Ignored;
    }
    if rest.is_some_and(|rest| rest.contains(['*', '?'])) {
        PathUse::Pattern
    } else {
        PathUse::Exact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resource: &str, expected: PathUse) {
        assert_eq!(path_use(Some(resource)), expected, "{resource}");
    }

    #[test]
    fn a_wildcard_leaves_the_path_open() {
        use PathUse::{Exact, Ignored, Pattern};
        check("https://h.test/alice/*", Pattern);
        check("https://h.test/*.jpg", Pattern);
        check("https://h.test/**", Pattern);
        check("https://h.test/a?b", Pattern);
        check("https://h.test/a\\?b=1", Pattern);
        check("*/a", Exact);
        check("http*://h.test/a", Exact);
        check("https://h.test/a/../b", Exact);
        check("https://h.test", Exact);
        check("https://h.test/*", Ignored);
        check("http*://*", Ignored);
        check("*", Ignored);
        assert_eq!(path_use(None), Ignored);
    }
}
