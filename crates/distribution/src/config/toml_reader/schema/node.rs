//! The keys of the tables about a machine.

use super::{CERTIFICATE, TableSchema};

pub(crate) const EDGE: TableSchema = TableSchema {
    name: "edge",
    keys: &[
        "location",
        "server",
        "workers",
        "trusted_proxies",
        "forwarded_headers",
    ],
};

pub(crate) const LISTENER: TableSchema = TableSchema {
    name: "listeners",
    keys: &["address", "protocol", "proxy_protocol"],
};

pub(crate) const LIMITS: TableSchema = TableSchema {
    name: "limits",
    keys: &[
        "connections_max",
        "connections_per_address_max",
        "requests_per_connection_max",
        "h2_streams_max",
        "url_size_bytes_max",
        "head_size_bytes_max",
        "head_timeout",
        "idle_timeout",
        "body_timeout",
        "body_rate_min",
        "write_timeout",
        "write_rate_min",
        "tls_handshake_timeout",
        "drain_timeout",
        "log_queue_records_max",
        "signature_memory_entries_max",
        "hot_objects_size_bytes_max",
        "responses_size_bytes_max",
        "open_files_max",
        "ranges_max",
        "rtmp_connections_per_address_max",
        "rtmp_handshake_timeout",
        "rtmp_idle_timeout",
        "rtmp_write_timeout",
    ],
};

pub(crate) const LOG: TableSchema = TableSchema {
    name: "log",
    keys: &[
        "folder",
        "prefix",
        "include_cookies",
        "rotate_after",
        "rotate_size",
        "deliver_after",
        "undelivered_size_bytes_max",
        "undelivered_full",
    ],
};

pub(crate) const LINKS: TableSchema = TableSchema {
    name: "links",
    keys: &[
        "window",
        "stale_after",
        "when_stale",
        "addresses",
        "allow_asynchronous_standby",
    ],
};

pub(crate) const TEST: TableSchema = TableSchema {
    name: "test",
    keys: &["clock"],
};

pub(crate) const CACHE: TableSchema = TableSchema {
    name: "cache",
    keys: &["memory", "folder", "disk", "block_size"],
};

pub(crate) const VIDEOS: TableSchema = TableSchema {
    name: "video",
    keys: &["index_memory", "block_memory", "path_token_secret_file"],
};

pub(crate) const GEO: TableSchema = TableSchema {
    name: "geo",
    keys: &["database"],
};

pub(crate) const ADMIN: TableSchema = TableSchema {
    name: "admin",
    keys: &["socket"],
};

pub(crate) const STORE: TableSchema = TableSchema {
    name: "store",
    keys: &[
        "file",
        "url",
        "key_file",
        "copy",
        "stale_after",
        "edge_name",
    ],
};

pub(crate) const CONTROL: TableSchema = TableSchema {
    name: "control",
    keys: &[
        "address",
        "hosts",
        "files",
        "certificate",
        "account",
        "domain_suffix",
        "base_url",
        "boto2",
        "limits",
    ],
};

pub(crate) const CONTROL_LIMITS: TableSchema = TableSchema {
    name: "control.limits",
    keys: &[
        "distributions_max",
        "streaming_distributions_max",
        "public_keys_max",
        "key_groups_max",
        "public_keys_per_group_max",
        "cache_policies_max",
        "origin_request_policies_max",
        "response_headers_policies_max",
        "origin_access_identities_max",
        "origin_access_controls_max",
        "aliases_max",
        "origins_max",
        "origin_groups_max",
        "origin_headers_max",
        "behaviors_max",
        "forwarded_names_max",
        "trusted_signers_max",
        "trusted_key_groups_max",
    ],
};

/// The keys are documented under `distributions.certificate`.
pub(crate) const CONTROL_CERTIFICATE: TableSchema = TableSchema {
    name: "control.certificate",
    keys: CERTIFICATE.keys,
};

pub(crate) const BUCKETS: TableSchema = TableSchema {
    name: "buckets",
    keys: &[
        "address",
        "folder",
        "certificate",
        "region",
        "domain_suffix",
        "sync",
        "limits",
        "bucket",
    ],
};

pub(crate) const BUCKETS_LIMITS: TableSchema = TableSchema {
    name: "buckets.limits",
    keys: &[
        "connections_max",
        "connections_per_network_max",
        "requests_max",
        "uploads_max",
        "head_size_bytes_max",
        "head_timeout",
        "body_timeout",
        "body_rate_min",
        "write_timeout",
        "upload_age_max",
    ],
};

/// The keys are documented under `distributions.certificate`.
pub(crate) const BUCKETS_CERTIFICATE: TableSchema = TableSchema {
    name: "buckets.certificate",
    keys: CERTIFICATE.keys,
};
