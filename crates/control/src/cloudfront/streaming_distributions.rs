//! Streaming distributions: videos over RTMP.

use crate::cloudfront::config_parts::ConfigContext;
use crate::cloudfront::distribution_error::LifeCycleCodes;
use crate::cloudfront::life_cycle::{DistributionKind, Extent};
use crate::cloudfront::streaming_config::{read_streaming_config, show_streaming_config};
use privet_distribution::config::ServiceKind;
use serde_json::Value;

pub(super) const KIND: DistributionKind = DistributionKind {
    kind: ServiceKind::StreamingDistribution,
    name: "StreamingDistribution",
    path: "/streaming-distribution",
    domain_prefix: "s",
    codes: LifeCycleCodes {
        absent: "NoSuchStreamingDistribution",
        exists: "StreamingDistributionAlreadyExists",
        not_disabled: "StreamingDistributionNotDisabled",
        too_many: "TooManyStreamingDistributions",
    },
    show,
    read: read_streaming_config,
    summary: &[
        "S3Origin",
        "Aliases",
        "TrustedSigners",
        "Comment",
        "PriceClass",
        "Enabled",
    ],
    extent: Extent::Streaming,
};

fn show(document: &Value, _context: &ConfigContext<'_>) -> Value {
    show_streaming_config(document)
}
