//! Every rule of the edge that can be decided without IO.
//!
//! A configuration is read by [`read_toml`] and resolved by [`Snapshot::build`]. A request walks through [`route`],
//! [`authorize`] and [`select`]; whatever refuses it becomes a [`Page`] by [`denial_page`], and in the end there is one
//! [`LogRecord`]. Between them the cache asks: [`cache_key`] under which name, [`storage`] whether and for how long,
//! [`freshened`] what a 304 changes, [`InvalidationPath`] what is to go. Nothing here knows a clock, a file or a socket.

mod caching;
mod calendar;
mod config;
mod cookies;
mod header_names;
mod http_date;
mod languages;
mod logging;
mod percent;
mod request;
mod response;
mod selecting_value;

pub use caching::{
    AppliedCoding, AppliedCodings, CACHE_TAG_FIELDS, CACHE_TAG_SIZE_BYTES_MAX, CACHE_TAGS_MAX,
    COMPRESSED_SIZE_BYTES, CacheControl, CacheKey, CacheStatus, Collapsing, ContentCoding,
    DateStrength, ForwardReason, Freshness, Handling, INVALIDATION_PATH_SIZE_BYTES_MAX,
    InvalidationPath, LIFETIME_SIZE_BYTES, Lifetime, Moments, Scope, Seconds, Storage, Unstorable,
    VARY_NAMES_MAX, VaryNames, VaryRule, also_invalidated, cache_key, cache_tags, coding_for,
    coding_for_text, collapsing, compressed_headers, date_strength, end_to_end_headers,
    filtered_query, freshened, is_compressible, matches_stored, normalized_accept_encoding,
    revalidation_headers, storable_headers, storage, unsafe_method_invalidates, vary_by_coding,
    vary_rule,
};
pub use config::{
    AddressRange, AllowedMethods, Audience, BehaviorDocument, CacheBehavior, CachePolicy,
    CacheSettings, Certificate, CertificateDocument, ConfigError, CorsPolicy, CredentialSource,
    CredentialsDocument, CustomErrorResponse, DiskCacheSettings, Distribution,
    DistributionDocument, Document, ERROR_MIN_TTL_DEFAULT, EdgeIdentity, ErrorPage, FilmSettings,
    FilmsDocument, FilmsSettings, ForwardedHeaders, GeoDatabase, GeoRestriction, HeaderFilter,
    HttpOrigin, HttpServer, KeyGroupDocument, KeySource, Limits, Listener, ListenerProtocol,
    LogSettings, NameFilter, Origin, OriginChoice, OriginDocument, OriginFailover,
    OriginGroupDocument, OriginPatience, OriginProtocolPolicy, OriginRequestPolicy, OriginSource,
    OriginSourceDocument, PATH_PATTERN_SIZE_BYTES_MAX, PathPattern, PathReading, Places,
    PolicyHeader, PublicKeyDocument, ResponseHeadersPolicy, S3Addressing, S3Origin,
    S3OriginDocument, Secret, SecretSource, SigningBehavior, Snapshot, StreamingDistribution,
    StreamingDistributionDocument, StreamingSourceDocument, TrustedProxies, TrustedSignerDocument,
    ViewerProtocolPolicy, object_name, read_toml, read_toml_in_part,
};
pub use http_date::{date_value, parse_date};
pub use logging::{
    LOG_FIELDS, LogRecord, LoggedStream, ResultType, STREAM_LOG_FIELDS, StreamEvent,
    StreamLogRecord, log_file_name, log_header, redact_cookies, redact_query, redact_viewer_text,
    stream_log_header,
};
pub use request::{
    Asked, Authorized, BucketRefusal, Denial, Forwarded, ForwardedFault, OriginRequest,
    PathSession, RequestFacts, RequestSignature, Routed, StreamDenial, StreamRequest,
    ViewerRequest, authorize, authorize_error_page, authorize_film, authorize_member,
    authorize_stream, bucket_refusal, carried_query, check_geo, check_session, cloudfront_header,
    forwarded, is_canonical, issue_session, keyed_headers, may_refuse_edge, names_identity,
    object_query, origin_request, region_name, route, route_film, route_stream, s3_error_code,
    s3_error_page, s3_error_region, session_location, split_session, wants_session,
    without_session,
};
pub use response::{
    ByteRange, GrantCap, Page, PageAuthor, PreflightAnswer, Representation, Selection, Validators,
    apply_response_policy, capped_by_grant, content_type, custom_error, denial_page, error_min_ttl,
    multipart_end, multipart_part_head, multipart_size_bytes, no_such_key_page, options, preflight,
    select, select_by, server_timing, session_page,
};
