//! What answers say of the service as a whole, and how much of it one account may have.

use privet_distribution::config::{ApiLimits, ServiceKind};

/// The settings of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Beginning of `Location`. No client follows it; tools compare it with Amazon's.
    pub base_url: String,
    /// Number of the account in ARNs: 12 digits.
    pub account: String,
    /// End of the domain names of new distributions, with the dot.
    pub domain_suffix: String,
    /// Whether the version of boto 2 is served, whose signatures are weak; over TLS alone.
    pub boto2: bool,
    /// Maximum numbers.
    pub limits: ApiLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            base_url: "https://cloudfront.amazonaws.com".to_owned(),
            account: "000000000000".to_owned(),
            domain_suffix: ".cloudfront.net".to_owned(),
            boto2: false,
            limits: ApiLimits::default(),
        }
    }
}

impl Settings {
    /// Returns how many items of a kind there may be before another one is created here; kinds that this interface does
    /// not create have no quota.
    pub(crate) fn most(&self, kind: ServiceKind) -> usize {
        let limits = &self.limits;
        match kind {
            ServiceKind::Distribution => limits.distributions_max,
            ServiceKind::StreamingDistribution => limits.streaming_distributions_max,
            ServiceKind::PublicKey => limits.public_keys_max,
            ServiceKind::KeyGroup => limits.key_groups_max,
            ServiceKind::CachePolicy => limits.cache_policies_max,
            ServiceKind::OriginRequestPolicy => limits.origin_request_policies_max,
            ServiceKind::ResponseHeadersPolicy => limits.response_headers_policies_max,
            ServiceKind::OriginAccessIdentity => limits.origin_access_identities_max,
            ServiceKind::OriginAccessControl => limits.origin_access_controls_max,
            ServiceKind::TrustedSigner | ServiceKind::Certificate | ServiceKind::Bucket => {
                usize::MAX
            }
        }
    }

    /// Returns the ARN of something, such as `distribution/E1`.
    pub(crate) fn arn(&self, path: &str) -> String {
        format!("arn:aws:cloudfront::{}:{path}", self.account)
    }
}
