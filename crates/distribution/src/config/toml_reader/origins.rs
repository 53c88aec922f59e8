//! Reads origins and origin groups.

use super::bucket_access::{ADDRESSINGS, SIGNINGS, read_credentials};
use super::buckets::REGION_DEFAULT;
use super::schema;
use super::table::{Reader, Table, value};
use crate::config::document::{
    BucketAccessDocument, BucketHostDocument, NamedBucketDocument, OriginDocument,
    OriginGroupDocument, OriginSourceDocument, S3OriginDocument,
};
use crate::config::origin::{
    AddressFamilies, HttpOrigin, OriginPatience, OriginProtocolPolicy, PathReading, S3Addressing,
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
const CONNECTION_KEYS: [&str; 11] = [
    "paths",
    "headers",
    "connect_timeout",
    "connection_attempts",
    "response_timeout",
    "keep_alive_timeout",
    "connections_max",
    "trusted_roots",
    "ssl_protocols",
    "origin_shield",
    "ip_address_type",
];
/// The sources that are, or may be, reached over one.
const CONNECTED: &str = "url, s3, bucket and bucket_host";
/// Keys that make sense only for a bucket by a name of its own.
const ACCESS_KEYS: [&str; 2] = ["origin_access_control", "origin_access_identity"];
/// Versions of TLS that CloudFront may be told to speak to an origin. The edge speaks 1.2 and 1.3 (fidelity note F120).
const SSL_PROTOCOLS: [&str; 4] = ["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"];
const ADDRESS_FAMILIES: [(&str, AddressFamilies); 3] = [
    ("ipv4", AddressFamilies::Ipv4),
    ("ipv6", AddressFamilies::Ipv6),
    ("dualstack", AddressFamilies::Any),
];
const PATH_READINGS: [(&str, PathReading); 2] = [
    ("canonical", PathReading::Canonical),
    ("literal", PathReading::Literal),
];
const URL_KEYS: [&str; 3] = ["protocol", "http_port", "https_port"];

pub(super) fn read_origin<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginDocument {
    let id = reader.required_string(table, "id");
    let source = read_source(reader, table);
    check_ssl_protocols(reader, table, &source);
    // One edge has no shield before an origin (fidelity note F120), so that its region only has to be a name.
    reader.string(table, "origin_shield");
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
    let kinds = ["folder", "url", "s3", "bucket", "bucket_host"];
    let mut found = kinds.iter().filter(|kind| value(table, kind).is_some());
    let kind = found.next();
    if let (Some(kind), Some(other)) = (kind, found.next()) {
        let message = format!("cannot be combined with {kind}; remove one of them");
        reader.fault(&table.path(other), message);
    }
    if kind.is_none() {
        let message = "has no source; add folder = \"…\", url = \"…\", s3 = { bucket = \"…\" }, bucket = { name = \"…\" } or bucket_host = \"…\"";
        reader.fault(&table.path("folder"), message);
    }
    if kind != Some(&"bucket_host") && kind != Some(&"bucket") {
        only_beside(reader, table, &ACCESS_KEYS, "bucket and bucket_host");
    }
    if kind != Some(&"url") {
        only_beside(reader, table, &URL_KEYS, "url");
    }
    match kind {
        Some(&"url") => read_http(reader, table),
        Some(&"s3") => read_s3(reader, table),
        Some(&"bucket") => read_named_bucket(reader, table),
        Some(&"bucket_host") => read_bucket_host(reader, table),
        Some(_) => {
            only_beside(reader, table, &CONNECTION_KEYS, CONNECTED);
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
        // The other port is kept, and used if the protocol becomes that of the viewer.
        let key = match server.is_tls {
            true => "https_port",
            false => "http_port",
        };
        let message = "is the port of url, without protocol = \"match-viewer\"; write it there";
        if value(table, key).is_some() {
            reader.fault(&table.path(key), message);
        }
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
        .unwrap_or_else(|| REGION_DEFAULT.to_owned());
    let is_amazon = value(table, "endpoint").is_none();
    let endpoint = reader.server(table, "endpoint");
    let bucket = reader.required_string(table, "bucket");
    // Amazon's certificate covers one label before its own name, so a bucket with a dot must be in the path.
    let addressing_default = if is_amazon && !bucket.contains('.') {
        S3Addressing::VirtualHost
    } else {
        S3Addressing::Path
    };
    OriginSourceDocument::S3(S3OriginDocument {
        endpoint,
        bucket,
        region,
        addressing: reader
            .choice(table, "addressing", &ADDRESSINGS)
            .unwrap_or(addressing_default),
        signing: reader
            .choice(table, "signing", &SIGNINGS)
            .unwrap_or(SigningBehavior::Always),
        credentials: read_credentials(reader, table),
    })
}

/// Reads a bucket by its S3 host name, with the control or the identity whose keys sign.
fn read_bucket_host<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginSourceDocument {
    let access = read_access(reader, table, BucketAccessDocument::Unsigned);
    OriginSourceDocument::BucketHost(BucketHostDocument {
        host: reader.required_string(table, "bucket_host"),
        access,
    })
}

/// Reads a bucket by the name of its item. It is signed for unless a control says otherwise, as `s3` is.
fn read_named_bucket<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> OriginSourceDocument {
    let access = read_access(reader, table, BucketAccessDocument::Distribution);
    let Some(table) = reader.table(table, "bucket", &schema::NAMED_BUCKET) else {
        return unreadable_source();
    };
    OriginSourceDocument::Bucket(NamedBucketDocument {
        name: reader.required_string(&table, "name"),
        access,
    })
}

/// Reads the control or the identity of an origin, which has `usual` without either.
fn read_access<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    usual: BucketAccessDocument,
) -> BucketAccessDocument {
    let control = value(table, "origin_access_control");
    let identity = value(table, "origin_access_identity");
    match (control, identity) {
        (None, None) => usual,
        (Some(_), None) => {
            BucketAccessDocument::Control(reader.required_string(table, "origin_access_control"))
        }
        (None, Some(_)) => {
            BucketAccessDocument::Identity(reader.required_string(table, "origin_access_identity"))
        }
        (Some(_), Some(_)) => {
            let message = "cannot be combined with origin_access_control; remove one of them";
            reader.fault(&table.path("origin_access_identity"), message);
            BucketAccessDocument::Unsigned
        }
    }
}

/// Checks the versions of TLS that an origin may be spoken to with; 1.2 has to be among them, unless no TLS is spoken.
fn check_ssl_protocols<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    source: &OriginSourceDocument,
) {
    let Some(names) = reader.strings(table, "ssl_protocols") else {
        return;
    };
    let path = table.path("ssl_protocols");
    for (position, name) in names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
    {
        if !SSL_PROTOCOLS.contains(&name.as_str()) {
            let message = format!("{name:?} is not one of {}", SSL_PROTOCOLS.join(", "));
            reader.fault(&format!("{path}[{position}]"), message);
        }
    }
    let is_plain = matches!(source, OriginSourceDocument::Http(origin)
        if origin.protocol == OriginProtocolPolicy::HttpOnly);
    if !is_plain && !names.iter().any(|name| name == "TLSv1.2") {
        let message = "has no TLSv1.2, and the edge speaks no older version; add it";
        reader.fault(&path, message);
    }
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
    if let Some(families) = reader.choice(table, "ip_address_type", &ADDRESS_FAMILIES) {
        p.addresses = families;
    }
    patience
}
