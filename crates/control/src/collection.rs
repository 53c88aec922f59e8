//! The collections of the operators' interface: one for each kind of item, with its path and the word for it.

use privet_distribution::config::ServiceKind;

/// A collection of items of one kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection {
    pub(crate) kind: ServiceKind,
    /// Path of the list.
    pub(crate) path: &'static str,
    /// First word of its operations.
    pub(crate) name: &'static str,
}

/// All collections.
pub(crate) const COLLECTIONS: [Collection; 12] = [
    collection(
        ServiceKind::Distribution,
        "/v1/distributions",
        "distributions",
    ),
    collection(
        ServiceKind::StreamingDistribution,
        "/v1/streaming",
        "streaming",
    ),
    collection(ServiceKind::PublicKey, "/v1/keys", "keys"),
    collection(ServiceKind::KeyGroup, "/v1/key-groups", "key_groups"),
    collection(
        ServiceKind::TrustedSigner,
        "/v1/trusted-signers",
        "trusted_signers",
    ),
    collection(
        ServiceKind::CachePolicy,
        "/v1/policies/cache",
        "cache_policies",
    ),
    collection(
        ServiceKind::OriginRequestPolicy,
        "/v1/policies/origin-request",
        "origin_request_policies",
    ),
    collection(
        ServiceKind::ResponseHeadersPolicy,
        "/v1/policies/response-headers",
        "response_headers_policies",
    ),
    collection(ServiceKind::Certificate, "/v1/certificates", "certificates"),
    collection(ServiceKind::Bucket, "/v1/buckets", "buckets"),
    collection(
        ServiceKind::OriginAccessIdentity,
        "/v1/origin-access-identities",
        "origin_access_identities",
    ),
    collection(
        ServiceKind::OriginAccessControl,
        "/v1/origin-access-controls",
        "origin_access_controls",
    ),
];

const fn collection(kind: ServiceKind, path: &'static str, name: &'static str) -> Collection {
    Collection { kind, path, name }
}

impl Collection {
    /// Returns the collection of a kind.
    pub(crate) fn of(kind: ServiceKind) -> Self {
        let mut collections = COLLECTIONS.into_iter();
        let found = collections.find(|collection| collection.kind == kind);
        found.expect("every kind has a collection")
    }

    /// Returns the collection whose operations begin with that word.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut collections = COLLECTIONS.into_iter();
        collections.find(|collection| collection.name == name)
    }

    /// Returns the name of one of its operations.
    pub(crate) fn operation(self, verb: &str) -> String {
        format!("{}.{verb}", self.name)
    }

    /// Returns a path of the collection.
    pub(crate) fn at(self, rest: &str) -> String {
        format!("{}{rest}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_collection() {
        for kind in ServiceKind::ALL {
            assert_eq!(Collection::of(kind).kind, kind);
        }
    }
}
