//! What answers say of the service as a whole, and how much of it one account may have.

use privet_distribution::config::ServiceKind;

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
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            base_url: "https://cloudfront.amazonaws.com".to_owned(),
            account: "000000000000".to_owned(),
            domain_suffix: ".cloudfront.net".to_owned(),
            boto2: false,
        }
    }
}

impl Settings {
    /// Returns how many items of a kind there may be before another one is created here: no fewer than Amazon's quotas.
    pub(crate) fn most(&self, kind: ServiceKind) -> usize {
        match kind {
            ServiceKind::Distribution => 500,
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy
            | ServiceKind::TrustedSigner
            | ServiceKind::Certificate
            | ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl
            | ServiceKind::StreamingDistribution => 100,
        }
    }

    /// Returns the ARN of something, such as `distribution/E1`.
    pub(crate) fn arn(&self, path: &str) -> String {
        format!("arn:aws:cloudfront::{}:{path}", self.account)
    }
}
