//! Which keys each table of the configuration file has. As data, so that a test can hold the documentation to it.

/// A kind of table and its keys.
#[derive(Debug)]
pub(crate) struct TableSchema {
    /// As in a header, e.g. `distributions.origins`; empty for the top.
    pub(crate) name: &'static str,
    /// In the order of the documentation.
    pub(crate) keys: &'static [&'static str],
}

pub(crate) const ROOT: TableSchema = TableSchema {
    name: "",
    keys: &[
        "edge",
        "listeners",
        "limits",
        "log",
        "test",
        "public_keys",
        "key_groups",
        "trusted_signers",
        "distributions",
    ],
};

pub(crate) const EDGE: TableSchema = TableSchema {
    name: "edge",
    keys: &["location", "server", "workers"],
};

pub(crate) const LISTENER: TableSchema = TableSchema {
    name: "listeners",
    keys: &["address", "protocol"],
};

pub(crate) const LIMITS: TableSchema = TableSchema {
    name: "limits",
    keys: &[
        "connections_max",
        "requests_per_connection_max",
        "h2_streams_max",
        "url_size_bytes_max",
        "head_size_bytes_max",
        "head_timeout",
        "idle_timeout",
        "write_timeout",
        "tls_handshake_timeout",
        "drain_timeout",
        "log_queue_records_max",
        "signature_memory_entries_max",
        "hot_objects_size_bytes_max",
        "open_files_max",
        "ranges_max",
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
    ],
};

pub(crate) const TEST: TableSchema = TableSchema {
    name: "test",
    keys: &["clock"],
};

pub(crate) const PUBLIC_KEY: TableSchema = TableSchema {
    name: "public_keys",
    keys: &["id", "file", "pem"],
};

pub(crate) const KEY_GROUP: TableSchema = TableSchema {
    name: "key_groups",
    keys: &["id", "public_keys"],
};

pub(crate) const TRUSTED_SIGNER: TableSchema = TableSchema {
    name: "trusted_signers",
    keys: &["name", "key_pairs"],
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
        "behaviors",
        "default_behavior",
    ],
};

pub(crate) const CERTIFICATE: TableSchema = TableSchema {
    name: "distributions.certificate",
    keys: &["chain", "key"],
};

pub(crate) const ORIGIN: TableSchema = TableSchema {
    name: "distributions.origins",
    keys: &["id", "folder", "origin_path"],
};

pub(crate) const BEHAVIOR: TableSchema = TableSchema {
    name: "distributions.behaviors",
    keys: &[
        "path_pattern",
        "origin",
        "viewer_protocol_policy",
        "allowed_methods",
        "trusted_key_groups",
        "trusted_signers",
    ],
};

pub(crate) const DEFAULT_BEHAVIOR: TableSchema = TableSchema {
    name: "distributions.default_behavior",
    keys: &[
        "origin",
        "viewer_protocol_policy",
        "allowed_methods",
        "trusted_key_groups",
        "trusted_signers",
    ],
};

/// All of them.
#[cfg(test)]
pub(crate) const SCHEMA: [&TableSchema; 14] = [
    &ROOT,
    &EDGE,
    &LISTENER,
    &LIMITS,
    &LOG,
    &TEST,
    &PUBLIC_KEY,
    &KEY_GROUP,
    &TRUSTED_SIGNER,
    &DISTRIBUTION,
    &CERTIFICATE,
    &ORIGIN,
    &BEHAVIOR,
    &DEFAULT_BEHAVIOR,
];
