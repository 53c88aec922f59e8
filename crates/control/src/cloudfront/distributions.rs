//! Distributions.

use crate::cloudfront::distribution_config::{read_config, show_config};
use crate::cloudfront::distribution_error::LifeCycleCodes;
use crate::cloudfront::life_cycle::{DistributionKind, Extent};
use privet_distribution::config::ServiceKind;

pub(super) const KIND: DistributionKind = DistributionKind {
    kind: ServiceKind::Distribution,
    name: "Distribution",
    path: "/distribution",
    domain_prefix: "d",
    codes: LifeCycleCodes {
        absent: "NoSuchDistribution",
        exists: "DistributionAlreadyExists",
        not_disabled: "DistributionNotDisabled",
        too_many: "TooManyDistributions",
    },
    show: show_config,
    read: read_config,
    summary: &[
        "Aliases",
        "Origins",
        "OriginGroups",
        "DefaultCacheBehavior",
        "CacheBehaviors",
        "CustomErrorResponses",
        "Comment",
        "PriceClass",
        "Enabled",
        "ViewerCertificate",
        "Restrictions",
        "WebACLId",
        "HttpVersion",
        "IsIPV6Enabled",
        "Staging",
    ],
    extent: Extent::Web,
};
