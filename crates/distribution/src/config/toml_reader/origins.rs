//! Reads origins and origin groups.

use super::schema;
use super::table::{Reader, Table, value};
use crate::config::document::{
    CredentialsDocument, OriginDocument, OriginGroupDocument, OriginSourceDocument,
    S3OriginDocument, Secret, SecretSource,
};
use crate::config::origin::{
    HttpOrigin, HttpServer, OriginPatience, OriginProtocolPolicy, PathReading, S3Addressing,
    SigningBehavior,
};
use http::StatusCode;
use std::path::PathBuf;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT_MAX: Duration = Duration::from_secs(120);
/// Maximum number of connections, enough for every worker of the largest machine.
const CONNECTIONS_MAX: u64 = 65_536;
/// Keys that make sense only for an origin that is reached over a connection.
const CONNECTION_KEYS: [&str; 8] = [
    "paths",
    "headers",
    "connect_timeout",
    "connection_attempts",
    "response_timeout",
    "keep_alive_timeout",
    "connections_max",
    "trusted_roots",
];
const PATH_READINGS: [(&str, PathReading); 2] = [
    ("canonical", PathReading::Canonical),
    ("literal", PathReading::Literal),
];
const URL_KEYS: [&str; 3] = ["protocol", "http_port", "https_port"];

pub(super) fn read_origin<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginDocument {
    let id = reader.required_string(table, "id");
    let source = read_source(reader, table);
    OriginDocument {
        id,
        source,
        origin_path: reader.string(table, "origin_path").unwrap_or_default(),
        paths: reader.choice(table, "paths", &PATH_READINGS),
        custom_headers: reader.header_table(table, "headers"),
        patience: read_patience(reader, table),
        trusted_roots: reader.path(table, "trusted_roots"),
    }
}

pub(super) fn read_origin_group<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> OriginGroupDocument {
    OriginGroupDocument {
        id: reader.required_string(table, "id"),
        origins: reader.strings(table, "origins").unwrap_or_default(),
        failover_statuses: reader
            .numbers(table, "failover_statuses", 100..=599)
            .into_iter()
            .filter_map(|code| StatusCode::from_u16(u16::try_from(code).ok()?).ok())
            .collect(),
    }
}

fn read_source<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginSourceDocument {
    let kinds = ["folder", "url", "s3"];
    let mut found = kinds.iter().filter(|kind| value(table, kind).is_some());
    let kind = found.next();
    if let (Some(kind), Some(other)) = (kind, found.next()) {
        let message = format!("cannot be combined with {kind}; remove one of them");
        reader.fault(&table.path(other), message);
    }
    if kind.is_none() {
        let message = "has no source; add folder = \"…\", url = \"…\" or s3 = { bucket = \"…\" }";
        reader.fault(&table.path("folder"), message);
    }
    if kind != Some(&"url") {
        only_beside(reader, table, &URL_KEYS, "url");
    }
    match kind {
        Some(&"url") => read_http(reader, table),
        Some(&"s3") => read_s3(reader, table),
        Some(_) => {
            only_beside(reader, table, &CONNECTION_KEYS, "url and s3");
            OriginSourceDocument::Folder {
                root: reader.required_path(table, "folder"),
            }
        }
        None => unreadable_source(),
    }
}

/// Returns a placeholder for an unreadable source.
fn unreadable_source() -> OriginSourceDocument {
    OriginSourceDocument::Folder {
        root: PathBuf::new(),
    }
}

fn only_beside(reader: &mut Reader<'_>, table: &Table<'_>, keys: &[&str], source: &str) {
    for key in keys.iter().filter(|key| value(table, key).is_some()) {
        reader.fault(&table.path(key), format!("is only for {source}; remove it"));
    }
}

fn read_http<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginSourceDocument {
    let words = [("match-viewer", OriginProtocolPolicy::MatchViewer)];
    let protocol = reader.choice(table, "protocol", &words);
    let Some(server) = reader.server(table, "url") else {
        return unreadable_source();
    };
    let mut origin = HttpOrigin {
        host: server.host,
        http_port: 80,
        https_port: 443,
        protocol: match (protocol, server.is_tls) {
            (Some(policy), _) => policy,
            (None, true) => OriginProtocolPolicy::HttpsOnly,
            (None, false) => OriginProtocolPolicy::HttpOnly,
        },
    };
    if server.is_tls {
        origin.https_port = server.port;
    } else {
        origin.http_port = server.port;
    }
    if protocol.is_none() {
        let keys = &URL_KEYS[1..];
        only_beside(reader, table, keys, "protocol = \"match-viewer\"");
    }
    reader.set_number(table, "http_port", 1..=65_535, &mut origin.http_port);
    reader.set_number(table, "https_port", 1..=65_535, &mut origin.https_port);
    OriginSourceDocument::Http(origin)
}

fn read_s3<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginSourceDocument {
    let Some(table) = reader.table(table, "s3", &schema::S3) else {
        return unreadable_source();
    };
    let table = &table;
    let region = reader
        .string(table, "region")
        .unwrap_or_else(|| "us-east-1".to_owned());
    let is_amazon = value(table, "endpoint").is_none();
    let endpoint = reader.server(table, "endpoint");
    let styles = [
        ("path", S3Addressing::Path),
        ("virtual-host", S3Addressing::VirtualHost),
    ];
    let signings = [
        ("always", SigningBehavior::Always),
        ("never", SigningBehavior::Never),
        ("no-override", SigningBehavior::NoOverride),
    ];
    let bucket = reader.required_string(table, "bucket");
    // Amazon's certificate covers one label before its own name, so a bucket with a dot must be in the path.
    let addressing_default = if is_amazon && !bucket.contains('.') {
        S3Addressing::VirtualHost
    } else {
        S3Addressing::Path
    };
    OriginSourceDocument::S3(S3OriginDocument {
        endpoint: endpoint.unwrap_or_else(|| amazon_endpoint(&region)),
        bucket,
        region,
        addressing: reader
            .choice(table, "addressing", &styles)
            .unwrap_or(addressing_default),
        signing: reader
            .choice(table, "signing", &signings)
            .unwrap_or(SigningBehavior::Always),
        credentials: read_credentials(reader, table),
    })
}

fn amazon_endpoint(region: &str) -> HttpServer {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    HttpServer {
        is_tls: true,
        host: format!("s3.{region}.amazonaws.com{suffix}"),
        port: 443,
    }
}

fn read_credentials<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> CredentialsDocument {
    let access_key_id = reader.string(table, "access_key_id");
    let text = reader.string(table, "secret_access_key");
    let file = reader.path(table, "secret_access_key_file");
    let session_token = reader.string(table, "session_token").map(Secret::new);
    let profile = reader.string(table, "profile");
    if text.is_some() && file.is_some() {
        let message = "cannot be combined with secret_access_key; remove one of them";
        reader.fault(&table.path("secret_access_key_file"), message);
    }
    let secret = match (text, file) {
        (Some(text), _) => Some(SecretSource::Text(Secret::new(text))),
        (None, file) => file.map(SecretSource::File),
    };
    match (access_key_id, secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            if profile.is_some() {
                let message = "cannot be combined with access_key_id; remove one of them";
                reader.fault(&table.path("profile"), message);
            }
            return CredentialsDocument::Static {
                access_key_id,
                secret_access_key,
                session_token,
            };
        }
        (Some(_), None) => {
            let message = "is required with access_key_id; add it or secret_access_key_file";
            reader.fault(&table.path("secret_access_key"), message);
        }
        (None, Some(_)) => {
            let message = "is required with the secret access key; add it";
            reader.fault(&table.path("access_key_id"), message);
        }
        (None, None) if session_token.is_some() => {
            let message = "is only for access_key_id; remove it";
            reader.fault(&table.path("session_token"), message);
        }
        (None, None) => {}
    }
    CredentialsDocument::Chain { profile }
}

/// Reads timeouts and attempts, within the limits of the developer guide ("Quotas").
fn read_patience<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginPatience {
    let mut patience = OriginPatience::default();
    let p = &mut patience;
    reader.set_duration(
        table,
        "connect_timeout",
        SECOND..=10 * SECOND,
        &mut p.connect_timeout,
    );
    reader.set_number(
        table,
        "connection_attempts",
        1..=3,
        &mut p.connection_attempts,
    );
    reader.set_duration(
        table,
        "response_timeout",
        SECOND..=RESPONSE_TIMEOUT_MAX,
        &mut p.response_timeout,
    );
    reader.set_duration(
        table,
        "keep_alive_timeout",
        SECOND..=RESPONSE_TIMEOUT_MAX,
        &mut p.keep_alive_timeout,
    );
    reader.set_number(
        table,
        "connections_max",
        1..=CONNECTIONS_MAX,
        &mut p.connections_max,
    );
    patience
}
