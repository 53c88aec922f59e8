//! The configuration: what an operator writes, and what becomes of it.
//!
//! [`read_toml`] reads a [`Document`], in which defaults are filled in and references are names; [`Snapshot::build`]
//! checks it and resolves all of it. A snapshot consists of [`Distribution`]s with their [`CacheBehavior`]s,
//! [`Origin`]s and policies. This module knows the configuration, and nothing of requests.

mod behavior_table;
mod bucket_host;
mod cache_behavior;
mod config_error;
mod distribution;
mod document;
mod geo_database;
mod host_table;
mod items;
mod name_table;
mod origin;
mod origin_pattern;
mod own_files;
mod path_pattern;
mod pattern_automaton;
mod policies;
mod service_item;
mod slots;
mod snapshot;
mod toml_reader;
mod trusted_proxies;
mod video_settings;

pub use crate::percent::object_name;
pub use cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
pub(crate) use cache_behavior::{is_change, is_get_or_head};
pub use config_error::{ConfigError, Places};
pub use distribution::{
    Certificate, CustomErrorResponse, Distribution, DistributionLogging, ERROR_MIN_TTL_DEFAULT,
    ErrorPage, GeoRestriction, HttpVersions, LogDelivery, LogDestination, MinimumTlsVersion,
    StreamingDistribution,
};
pub use document::{
    ApiLimits, BehaviorDocument, BucketAccessDocument, BucketDocument, BucketHostDocument,
    BucketLocationDocument, BucketLogging, BucketPolicy, BucketReader, BucketsLimits,
    BucketsSettings, CacheSettings, CertificateDocument, CertificateFiles, CertificateSource,
    ControlSettings, CorsRule, CredentialsDocument, DiskCacheSettings, DistributionDocument,
    Document, EdgeIdentity, EmbeddedBucketDocument, ForwardedHeaderNames, ForwardedQuery,
    ForwardedValuesDocument, Grant, KeyGroupDocument, KeySource, LedgerAddresses, Limits,
    LinksSettings, Listener, ListenerProtocol, LogSettings, NamedBucketDocument,
    NamedCertificateDocument, NodeDocument, OriginAccessControlDocument,
    OriginAccessIdentityDocument, OriginDocument, OriginGroupDocument, OriginSourceDocument,
    PublicAccessBlock, PublicKeyDocument, S3OriginDocument, Secret, SecretSource, ServiceDocument,
    StaleLinks, StoreLocation, StoreSettings, StreamingDistributionDocument,
    StreamingSourceDocument, TrustedSignerDocument, UndeliveredFull, VideosDocument,
};
pub use geo_database::GeoDatabase;
pub(crate) use host_table::without_port;
pub use items::{ItemFacts, ItemFault, ItemOrder, read_items, write_toml};
pub use origin::{
    AddressFamilies, BucketAccess, CredentialSource, EmbeddedOrigin, HttpOrigin, HttpServer,
    Origin, OriginChoice, OriginFailover, OriginPatience, OriginProtocolPolicy, OriginSource,
    PathReading, S3Addressing, S3Origin, SigningBehavior,
};
pub(crate) use origin_pattern::origin_matches;
pub use own_files::OwnFiles;
pub use path_pattern::{PATH_PATTERN_SIZE_BYTES_MAX, PathPattern};
pub use policies::{
    Audience, CachePolicy, CorsPolicy, HeaderFilter, NameFilter, OriginRequestPolicy, PolicyHeader,
    ResponseHeadersPolicy,
};
pub use service_item::{ServiceItem, ServiceKind, UnknownKind};
pub use slots::Slots;
pub use snapshot::{NodeSettings, ReadFile, Snapshot};
pub use toml_reader::{item_paths, read_toml, read_toml_in_part, read_toml_items};
pub use trusted_proxies::{AddressRange, ForwardedHeaders, TrustedProxies};
pub use video_settings::{VideoSettings, VideosSettings};

#[cfg(test)]
pub(crate) use behavior_table::BehaviorTable;
