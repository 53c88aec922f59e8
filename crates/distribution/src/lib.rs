//! Every rule of the edge that can be decided without IO.
//!
//! A configuration is read by [`read_toml`] and resolved by [`Snapshot::build`]. A request walks through [`route`],
//! [`authorize`] and [`select`]; whatever refuses it becomes a [`Page`] by [`denial_page`], and in the end there is one
//! [`LogRecord`]. Between them the cache asks: [`cache_key`] under which name, [`storage`] whether and for how long,
//! [`freshened`] what a 304 changes, [`InvalidationPath`] what is to go. Nothing here knows a clock, a file or a socket.

mod authorize;
mod behavior_table;
mod bucket_refusal;
mod bucket_root;
mod cache_behavior;
mod cache_control;
mod cache_key;
mod cache_status;
mod calendar;
mod canonical_path;
mod compression;
mod config_error;
mod content_encoding;
mod content_type;
mod cookies;
mod cors;
mod custom_error;
mod denial;
mod distribution;
mod document;
mod film;
mod film_settings;
mod forwarded;
mod geo;
mod geo_database;
mod grant_cap;
mod header_names;
mod host_table;
mod http_date;
mod invalidation;
mod languages;
mod lifetime;
mod log_record;
mod origin;
mod origin_pattern;
mod origin_request;
mod pages;
mod path_pattern;
mod pattern_automaton;
mod percent;
mod policies;
mod preflight;
mod ranges;
mod readings;
mod redact;
mod request;
mod respond;
mod response_policy;
mod revalidation;
mod route;
mod selecting_value;
mod server_timing;
mod session;
mod snapshot;
mod stream;
mod stream_log;
mod stricter;
mod toml_reader;
mod trusted_proxies;
mod vary;

pub use authorize::{Authorized, authorize, authorize_error_page};
pub use bucket_refusal::{
    BucketRefusal, RequestSignature, bucket_refusal, may_refuse_edge, names_identity, region_name,
    s3_error_code, s3_error_page, s3_error_region,
};
pub use cache_behavior::{AllowedMethods, CacheBehavior, ViewerProtocolPolicy};
pub use cache_control::{CacheControl, Scope, Seconds};
pub use cache_key::{CacheKey, cache_key, filtered_query, normalized_accept_encoding};
pub use cache_status::{CacheStatus, ForwardReason, Handling};
pub use canonical_path::is_canonical;
pub use compression::{
    COMPRESSED_SIZE_BYTES, ContentCoding, coding_for, coding_for_text, compressed_headers,
    is_compressible, vary_by_coding,
};
pub use config_error::{ConfigError, Places};
pub use content_encoding::{AppliedCoding, AppliedCodings};
pub use content_type::content_type;
pub use custom_error::{custom_error, error_min_ttl};
pub use denial::Denial;
pub use distribution::{
    Certificate, CustomErrorResponse, Distribution, ERROR_MIN_TTL_DEFAULT, ErrorPage,
    GeoRestriction, StreamingDistribution,
};
pub use document::{
    BehaviorDocument, CacheSettings, CertificateDocument, CredentialsDocument, DiskCacheSettings,
    DistributionDocument, Document, EdgeIdentity, FilmsDocument, KeyGroupDocument, KeySource,
    Limits, Listener, ListenerProtocol, LogSettings, OriginDocument, OriginGroupDocument,
    OriginSourceDocument, PublicKeyDocument, S3OriginDocument, Secret, SecretSource,
    StreamingDistributionDocument, StreamingSourceDocument, TrustedSignerDocument,
};
pub use film::{authorize_film, authorize_member, route_film};
pub use film_settings::{FilmSettings, FilmsSettings};
pub use forwarded::{Asked, Forwarded, ForwardedFault, forwarded};
pub use geo::check_geo;
pub use geo_database::GeoDatabase;
pub use grant_cap::{GrantCap, capped_by_grant};
pub use http_date::{date_value, parse_date};
pub use invalidation::{
    CACHE_TAG_FIELDS, CACHE_TAG_SIZE_BYTES_MAX, CACHE_TAGS_MAX, INVALIDATION_PATH_SIZE_BYTES_MAX,
    InvalidationPath, also_invalidated, cache_tags, unsafe_method_invalidates,
};
pub use lifetime::{
    Collapsing, Freshness, LIFETIME_SIZE_BYTES, Lifetime, Moments, Storage, Unstorable, collapsing,
    storage,
};
pub use log_record::{LOG_FIELDS, LogRecord, ResultType, log_file_name, log_header};
pub use origin::{
    CredentialSource, HttpOrigin, HttpServer, Origin, OriginChoice, OriginFailover, OriginPatience,
    OriginProtocolPolicy, OriginSource, PathReading, S3Addressing, S3Origin, SigningBehavior,
};
pub use origin_request::{
    OriginRequest, RequestFacts, cloudfront_header, keyed_headers, origin_request,
};
pub use pages::{Page, PageAuthor, denial_page, no_such_key_page, session_page};
pub use path_pattern::{PATH_PATTERN_SIZE_BYTES_MAX, PathPattern, object_name};
pub use policies::{
    Audience, CachePolicy, CorsPolicy, HeaderFilter, NameFilter, OriginRequestPolicy, PolicyHeader,
    ResponseHeadersPolicy,
};
pub use preflight::{PreflightAnswer, options, preflight};
pub use ranges::{ByteRange, multipart_end, multipart_part_head, multipart_size_bytes};
pub use redact::{redact_cookies, redact_query, redact_viewer_text};
pub use request::{PathSession, ViewerRequest};
pub use respond::{Representation, Selection, Validators, select, select_by};
pub use response_policy::apply_response_policy;
pub use revalidation::{
    DateStrength, date_strength, end_to_end_headers, freshened, matches_stored,
    revalidation_headers, storable_headers,
};
pub use route::{Routed, route};
pub use server_timing::server_timing;
pub use session::{
    carried_query, check_session, issue_session, object_query, session_location, split_session,
    wants_session, without_session,
};
pub use snapshot::Snapshot;
pub use stream::{StreamDenial, StreamRequest, authorize_stream, route_stream};
pub use stream_log::{
    LoggedStream, STREAM_LOG_FIELDS, StreamEvent, StreamLogRecord, stream_log_header,
};
pub use toml_reader::{read_toml, read_toml_in_part};
pub use trusted_proxies::{AddressRange, ForwardedHeaders, TrustedProxies};
pub use vary::{VARY_NAMES_MAX, VaryNames, VaryRule, vary_rule};
