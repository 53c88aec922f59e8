//! The keys of each table in the configuration file, as data, so that a test can compare the documentation with it.

mod node;

pub(crate) use node::{
    ADMIN, BUCKETS, BUCKETS_CERTIFICATE, BUCKETS_LIMITS, CACHE, CONTROL, CONTROL_CERTIFICATE,
    CONTROL_LIMITS, EDGE, GEO, LIMITS, LINKS, LISTENER, LOG, STORE, TEST, VIDEOS,
};

/// A kind of table and its keys.
#[derive(Debug)]
pub(crate) struct TableSchema {
    /// Name as in a table header, e.g. `distributions.origins`; empty for the root.
    pub(crate) name: &'static str,
    /// Keys in the order of the documentation.
    pub(crate) keys: &'static [&'static str],
}

/// Keys of earlier versions with their present names.
const RENAMED: [(&str, &str); 4] = [
    ("films", "video"),
    ("qualities", "renditions"),
    ("session_secret_file", "path_token_secret_file"),
    ("answers_size_bytes_max", "responses_size_bytes_max"),
];

impl TableSchema {
    /// Returns the present name of a key that had another name in this table.
    pub(crate) fn new_name(&self, old: &str) -> Option<&'static str> {
        let renamed = RENAMED.iter().find(|(key, _)| *key == old);
        renamed
            .map(|(_, name)| *name)
            .filter(|name| self.keys.contains(name))
    }
}

pub(crate) const ROOT: TableSchema = TableSchema {
    name: "",
    keys: &[
        "edge",
        "listeners",
        "limits",
        "log",
        "links",
        "cache",
        "video",
        "geo",
        "admin",
        "store",
        "control",
        "test",
        "public_keys",
        "key_groups",
        "trusted_signers",
        "certificates",
        "buckets",
        "origin_access_identities",
        "origin_access_controls",
        "cache_policies",
        "origin_request_policies",
        "response_headers_policies",
        "distributions",
        "streaming_distributions",
    ],
};

pub(crate) const PUBLIC_KEY: TableSchema = TableSchema {
    name: "public_keys",
    keys: &["id", "name", "file", "pem", "comment", "caller_reference"],
};

pub(crate) const KEY_GROUP: TableSchema = TableSchema {
    name: "key_groups",
    keys: &["id", "name", "public_keys", "comment"],
};

pub(crate) const TRUSTED_SIGNER: TableSchema = TableSchema {
    name: "trusted_signers",
    keys: &["name", "key_pairs"],
};

pub(crate) const NAMED_CERTIFICATE: TableSchema = TableSchema {
    name: "certificates",
    keys: &["id", "chain", "key", "chain_pem", "key_pem"],
};

pub(crate) const BUCKET: TableSchema = TableSchema {
    name: "buckets.bucket",
    keys: &[
        "name",
        "embedded",
        "folder",
        "endpoint",
        "region",
        "addressing",
        "access_key_id",
        "secret_access_key",
        "secret_access_key_file",
        "session_token",
        "profile",
        "readers",
        "policy",
        "cors",
        "logging",
        "tags",
        "public_access_block",
    ],
};

pub(crate) const BUCKET_READER: TableSchema = TableSchema {
    name: "buckets.bucket.readers",
    keys: &["origin_access_identity", "distribution", "list"],
};

pub(crate) const BUCKET_POLICY: TableSchema = TableSchema {
    name: "buckets.bucket.policy",
    keys: &["text", "readers"],
};

pub(crate) const BUCKET_POLICY_READER: TableSchema = TableSchema {
    name: "buckets.bucket.policy.readers",
    keys: BUCKET_READER.keys,
};

pub(crate) const BUCKET_CORS: TableSchema = TableSchema {
    name: "buckets.bucket.cors",
    keys: &[
        "id",
        "allowed_origins",
        "allowed_methods",
        "allowed_headers",
        "expose_headers",
        "max_age",
    ],
};

pub(crate) const BUCKET_LOGGING: TableSchema = TableSchema {
    name: "buckets.bucket.logging",
    keys: &["bucket", "prefix"],
};

pub(crate) const PUBLIC_ACCESS_BLOCK: TableSchema = TableSchema {
    name: "buckets.bucket.public_access_block",
    keys: &[
        "block_public_acls",
        "ignore_public_acls",
        "block_public_policy",
        "restrict_public_buckets",
    ],
};

pub(crate) const ORIGIN_ACCESS_IDENTITY: TableSchema = TableSchema {
    name: "origin_access_identities",
    keys: &[
        "id",
        "comment",
        "caller_reference",
        "access_key_id",
        "secret_access_key",
        "secret_access_key_file",
        "session_token",
        "profile",
    ],
};

pub(crate) const ORIGIN_ACCESS_CONTROL: TableSchema = TableSchema {
    name: "origin_access_controls",
    keys: &[
        "id",
        "name",
        "description",
        "origin_type",
        "signing",
        "access_key_id",
        "secret_access_key",
        "secret_access_key_file",
        "session_token",
        "profile",
    ],
};

pub(crate) const CACHE_POLICY: TableSchema = TableSchema {
    name: "cache_policies",
    keys: &[
        "id",
        "name",
        "min_ttl",
        "default_ttl",
        "max_ttl",
        "query_strings",
        "query_strings_except",
        "headers",
        "cookies",
        "cookies_except",
        "gzip",
        "brotli",
        "zstd",
        "cdn_cache_control",
        "heuristic_percent",
        "normalize_accept_language",
        "comment",
    ],
};

pub(crate) const ORIGIN_REQUEST_POLICY: TableSchema = TableSchema {
    name: "origin_request_policies",
    keys: &[
        "id",
        "name",
        "headers",
        "headers_except",
        "cloudfront_headers",
        "cookies",
        "cookies_except",
        "query_strings",
        "query_strings_except",
        "comment",
    ],
};

pub(crate) const RESPONSE_HEADERS_POLICY: TableSchema = TableSchema {
    name: "response_headers_policies",
    keys: &[
        "id",
        "name",
        "cors",
        "security",
        "custom",
        "remove",
        "server_timing_percent",
        "comment",
    ],
};

pub(crate) const CORS: TableSchema = TableSchema {
    name: "response_headers_policies.cors",
    keys: &[
        "allow_origins",
        "allow_methods",
        "allow_headers",
        "expose_headers",
        "allow_credentials",
        "max_age",
        "override",
    ],
};

pub(crate) const SECURITY: TableSchema = TableSchema {
    name: "response_headers_policies.security",
    keys: &[
        "strict_transport_security",
        "content_type_options",
        "frame_options",
        "referrer_policy",
        "xss_protection",
        "content_security_policy",
    ],
};

pub(crate) const STRICT_TRANSPORT_SECURITY: TableSchema = TableSchema {
    name: "response_headers_policies.security.strict_transport_security",
    keys: &["max_age", "include_subdomains", "preload", "override"],
};

pub(crate) const CONTENT_TYPE_OPTIONS: TableSchema = TableSchema {
    name: "response_headers_policies.security.content_type_options",
    keys: &["override"],
};

pub(crate) const FRAME_OPTIONS: TableSchema = TableSchema {
    name: "response_headers_policies.security.frame_options",
    keys: &["value", "override"],
};

pub(crate) const REFERRER_POLICY: TableSchema = TableSchema {
    name: "response_headers_policies.security.referrer_policy",
    keys: &["value", "override"],
};

pub(crate) const XSS_PROTECTION: TableSchema = TableSchema {
    name: "response_headers_policies.security.xss_protection",
    keys: &["protection", "block", "report", "override"],
};

pub(crate) const CONTENT_SECURITY_POLICY: TableSchema = TableSchema {
    name: "response_headers_policies.security.content_security_policy",
    keys: &["value", "override"],
};

pub(crate) const CUSTOM_HEADER: TableSchema = TableSchema {
    name: "response_headers_policies.custom",
    keys: &["header", "value", "override"],
};

pub(crate) const DISTRIBUTION: TableSchema = TableSchema {
    name: "distributions",
    keys: &[
        "id",
        "domain_name",
        "aliases",
        "default_root_object",
        "enabled",
        "certificate",
        "ignore_port",
        "statement_object",
        "origins",
        "origin_groups",
        "behaviors",
        "default_behavior",
        "custom_errors",
        "geo",
        "http_version",
        "minimum_protocol_version",
        "logging",
        "price_class",
        "ipv6_enabled",
        "realtime_metrics",
        "certificate_source",
        "comment",
        "caller_reference",
        "tags",
    ],
};

pub(crate) const CERTIFICATE: TableSchema = TableSchema {
    name: "distributions.certificate",
    keys: &["chain", "key"],
};

pub(crate) const ORIGIN: TableSchema = TableSchema {
    name: "distributions.origins",
    keys: &[
        "id",
        "folder",
        "url",
        "s3",
        "bucket",
        "bucket_host",
        "origin_access_control",
        "origin_access_identity",
        "origin_path",
        "paths",
        "protocol",
        "http_port",
        "https_port",
        "headers",
        "connect_timeout",
        "connection_attempts",
        "response_timeout",
        "keep_alive_timeout",
        "connections_max",
        "trusted_roots",
        "ip_address_type",
        "ssl_protocols",
        "origin_shield",
    ],
};

pub(crate) const S3: TableSchema = TableSchema {
    name: "distributions.origins.s3",
    keys: &[
        "bucket",
        "region",
        "endpoint",
        "addressing",
        "signing",
        "access_key_id",
        "secret_access_key",
        "secret_access_key_file",
        "session_token",
        "profile",
    ],
};

pub(crate) const NAMED_BUCKET: TableSchema = TableSchema {
    name: "distributions.origins.bucket",
    keys: &["name"],
};

pub(crate) const ORIGIN_GROUP: TableSchema = TableSchema {
    name: "distributions.origin_groups",
    keys: &["id", "origins", "failover_statuses"],
};

pub(crate) const BEHAVIOR: TableSchema = TableSchema {
    name: "distributions.behaviors",
    keys: &[
        "path_pattern",
        "origin",
        "cache_policy",
        "forwarded_values",
        "min_ttl",
        "default_ttl",
        "max_ttl",
        "origin_request_policy",
        "response_headers_policy",
        "compress",
        "viewer_protocol_policy",
        "allowed_methods",
        "cached_methods",
        "trusted_key_groups",
        "trusted_signers",
        "video",
    ],
};

pub(crate) const DEFAULT_BEHAVIOR: TableSchema = TableSchema {
    name: "distributions.default_behavior",
    keys: &[
        "origin",
        "cache_policy",
        "forwarded_values",
        "min_ttl",
        "default_ttl",
        "max_ttl",
        "origin_request_policy",
        "response_headers_policy",
        "compress",
        "viewer_protocol_policy",
        "allowed_methods",
        "cached_methods",
        "trusted_key_groups",
        "trusted_signers",
        "video",
    ],
};

pub(crate) const FORWARDED_VALUES: TableSchema = TableSchema {
    name: "distributions.behaviors.forwarded_values",
    keys: &[
        "query_string",
        "query_string_cache_keys",
        "headers",
        "cookies",
    ],
};

pub(crate) const LOGGING: TableSchema = TableSchema {
    name: "distributions.logging",
    keys: &["bucket", "prefix", "include_cookies", "format", "fields"],
};

/// The keys are documented under `distributions.logging`.
pub(crate) const STREAMING_LOGGING: TableSchema = TableSchema {
    name: "streaming_distributions.logging",
    keys: LOGGING.keys,
};

pub(crate) const BEHAVIOR_VIDEOS: TableSchema = TableSchema {
    name: "distributions.behaviors.video",
    keys: &[
        "segment_duration",
        "object_grant",
        "renditions",
        "subtitles",
        "rewrite_playlists",
    ],
};

pub(crate) const CUSTOM_ERROR: TableSchema = TableSchema {
    name: "distributions.custom_errors",
    keys: &["status", "page", "page_status", "min_ttl"],
};

pub(crate) const GEO_RESTRICTION: TableSchema = TableSchema {
    name: "distributions.geo",
    keys: &["allow", "block"],
};

pub(crate) const STREAMING_DISTRIBUTION: TableSchema = TableSchema {
    name: "streaming_distributions",
    keys: &[
        "id",
        "domain_name",
        "aliases",
        "enabled",
        "certificate",
        "distribution",
        "origin",
        "trusted_key_groups",
        "trusted_signers",
        "statement_object",
        "web_resources",
        "logging",
        "price_class",
        "comment",
        "caller_reference",
        "tags",
    ],
};

pub(crate) const STREAMING_CERTIFICATE: TableSchema = TableSchema {
    name: "streaming_distributions.certificate",
    keys: CERTIFICATE.keys,
};

/// The keys are documented under `distributions.origins`.
pub(crate) const STREAMING_ORIGIN: TableSchema = TableSchema {
    name: "streaming_distributions.origin",
    keys: ORIGIN.keys,
};

impl TableSchema {
    /// Returns the last part of the name, which is the key of the table.
    pub(crate) fn key(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// All tables.
#[cfg(test)]
pub(crate) const SCHEMA: [&TableSchema; 59] = [
    &ROOT,
    &EDGE,
    &LISTENER,
    &LIMITS,
    &LOG,
    &LINKS,
    &CACHE,
    &VIDEOS,
    &GEO,
    &ADMIN,
    &STORE,
    &CONTROL,
    &CONTROL_CERTIFICATE,
    &CONTROL_LIMITS,
    &TEST,
    &PUBLIC_KEY,
    &KEY_GROUP,
    &TRUSTED_SIGNER,
    &NAMED_CERTIFICATE,
    &BUCKETS,
    &BUCKETS_CERTIFICATE,
    &BUCKETS_LIMITS,
    &BUCKET,
    &BUCKET_READER,
    &BUCKET_POLICY,
    &BUCKET_POLICY_READER,
    &BUCKET_CORS,
    &BUCKET_LOGGING,
    &PUBLIC_ACCESS_BLOCK,
    &ORIGIN_ACCESS_IDENTITY,
    &ORIGIN_ACCESS_CONTROL,
    &CACHE_POLICY,
    &ORIGIN_REQUEST_POLICY,
    &RESPONSE_HEADERS_POLICY,
    &CORS,
    &SECURITY,
    &STRICT_TRANSPORT_SECURITY,
    &CONTENT_TYPE_OPTIONS,
    &FRAME_OPTIONS,
    &REFERRER_POLICY,
    &XSS_PROTECTION,
    &CONTENT_SECURITY_POLICY,
    &CUSTOM_HEADER,
    &DISTRIBUTION,
    &CERTIFICATE,
    &ORIGIN,
    &S3,
    &NAMED_BUCKET,
    &ORIGIN_GROUP,
    &BEHAVIOR,
    &DEFAULT_BEHAVIOR,
    &FORWARDED_VALUES,
    &BEHAVIOR_VIDEOS,
    &LOGGING,
    &STREAMING_LOGGING,
    &CUSTOM_ERROR,
    &GEO_RESTRICTION,
    &STREAMING_DISTRIBUTION,
    &STREAMING_CERTIFICATE,
];
