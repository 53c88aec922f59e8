//! What is served as separate items, each of them JSON with the keys of its table in the file: the form in which stores
//! keep it and interfaces show it.

use serde_json::Value;
use std::fmt;
use std::str::FromStr;

/// One thing that is served: a key, a policy, a distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceItem {
    /// Kind of the item.
    pub kind: ServiceKind,
    /// Id, which stands in `value` as well.
    pub id: String,
    /// Object with the keys of the kind's table, and their values as in TOML.
    pub value: Value,
}

/// A kind of document in a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceKind {
    /// A public key.
    PublicKey,
    /// A key group.
    KeyGroup,
    /// A trusted signer.
    TrustedSigner,
    /// A cache policy.
    CachePolicy,
    /// An origin request policy.
    OriginRequestPolicy,
    /// A response headers policy.
    ResponseHeadersPolicy,
    /// A certificate.
    Certificate,
    /// A bucket, by the name that origins have it under.
    Bucket,
    /// An origin access identity.
    OriginAccessIdentity,
    /// An origin access control.
    OriginAccessControl,
    /// A distribution.
    Distribution,
    /// A streaming distribution.
    StreamingDistribution,
}

impl ServiceKind {
    /// All kinds, each after those that it refers to.
    pub const ALL: [ServiceKind; 12] = [
        ServiceKind::PublicKey,
        ServiceKind::KeyGroup,
        ServiceKind::TrustedSigner,
        ServiceKind::CachePolicy,
        ServiceKind::OriginRequestPolicy,
        ServiceKind::ResponseHeadersPolicy,
        ServiceKind::Certificate,
        ServiceKind::Bucket,
        ServiceKind::OriginAccessIdentity,
        ServiceKind::OriginAccessControl,
        ServiceKind::Distribution,
        ServiceKind::StreamingDistribution,
    ];

    /// Returns the name of the kind, such as `key_group`.
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceKind::PublicKey => "public_key",
            ServiceKind::KeyGroup => "key_group",
            ServiceKind::TrustedSigner => "trusted_signer",
            ServiceKind::CachePolicy => "cache_policy",
            ServiceKind::OriginRequestPolicy => "origin_request_policy",
            ServiceKind::ResponseHeadersPolicy => "response_headers_policy",
            ServiceKind::Certificate => "certificate",
            ServiceKind::Bucket => "bucket",
            ServiceKind::OriginAccessIdentity => "origin_access_identity",
            ServiceKind::OriginAccessControl => "origin_access_control",
            ServiceKind::Distribution => "distribution",
            ServiceKind::StreamingDistribution => "streaming_distribution",
        }
    }

    /// Returns the path of the array of tables in a file, such as `key_groups` or `buckets.bucket`.
    pub fn table(self) -> &'static str {
        match self {
            ServiceKind::PublicKey => "public_keys",
            ServiceKind::KeyGroup => "key_groups",
            ServiceKind::TrustedSigner => "trusted_signers",
            ServiceKind::CachePolicy => "cache_policies",
            ServiceKind::OriginRequestPolicy => "origin_request_policies",
            ServiceKind::ResponseHeadersPolicy => "response_headers_policies",
            ServiceKind::Certificate => "certificates",
            ServiceKind::Bucket => "buckets.bucket",
            ServiceKind::OriginAccessIdentity => "origin_access_identities",
            ServiceKind::OriginAccessControl => "origin_access_controls",
            ServiceKind::Distribution => "distributions",
            ServiceKind::StreamingDistribution => "streaming_distributions",
        }
    }

    /// Returns true for distributions of either kind, which viewers reach and operators switch on and off. All else is
    /// only referred to.
    pub fn is_distribution(self) -> bool {
        match self {
            ServiceKind::Distribution | ServiceKind::StreamingDistribution => true,
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::TrustedSigner
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy
            | ServiceKind::Certificate
            | ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl => false,
        }
    }

    /// Returns true for policies, which others may refer to by their names as well as by their ids.
    pub fn has_titles(self) -> bool {
        match self {
            ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy => true,
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::TrustedSigner
            | ServiceKind::Certificate
            | ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl
            | ServiceKind::Distribution
            | ServiceKind::StreamingDistribution => false,
        }
    }

    /// Returns the key by which a document of the kind is named.
    pub fn id_key(self) -> &'static str {
        match self {
            ServiceKind::TrustedSigner | ServiceKind::Bucket => "name",
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy
            | ServiceKind::Certificate
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl
            | ServiceKind::Distribution
            | ServiceKind::StreamingDistribution => "id",
        }
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name that no kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl FromStr for ServiceKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        let mut kinds = ServiceKind::ALL.into_iter();
        kinds.find(|kind| kind.as_str() == name).ok_or(UnknownKind)
    }
}
