//! Reads distributions and streaming distributions.

use super::behaviors::{read_behavior, read_path_behavior, unreadable_behavior};
use super::certificates::read_certificate;
use super::description::check_description;
use super::origins::{read_origin, read_origin_group};
use super::settings::{read_custom_error, read_geo_restriction};
use super::table::{Reader, Table, value};
use super::{read_all, schema};
use crate::config::bucket_host::BucketHost;
use crate::config::distribution::{
    DistributionLogging, GeoRestriction, HttpVersions, LogDelivery, MinimumTlsVersion,
};
use crate::config::document::{
    DistributionDocument, StreamingDistributionDocument, StreamingSourceDocument,
};
use crate::logging::{LayoutFault, LogFormat, LogKind, LogLayout};

/// CloudFront's words for the versions of HTTP. No edge speaks HTTP/3 (fidelity note F118), so `http3`, which leaves no
/// other, is not among them.
const HTTP_VERSIONS: [(&str, HttpVersions); 3] = [
    ("http1.1", HttpVersions::Http1),
    ("http2", HttpVersions::Http2),
    ("http2and3", HttpVersions::Http2),
];
/// CloudFront's names of security policies, by the minimum version of TLS (fidelity note F119).
const MINIMUM_TLS_VERSIONS: [(&str, MinimumTlsVersion); 9] = [
    ("SSLv3", MinimumTlsVersion::Tls12),
    ("TLSv1", MinimumTlsVersion::Tls12),
    ("TLSv1_2016", MinimumTlsVersion::Tls12),
    ("TLSv1.1_2016", MinimumTlsVersion::Tls12),
    ("TLSv1.2_2018", MinimumTlsVersion::Tls12),
    ("TLSv1.2_2019", MinimumTlsVersion::Tls12),
    ("TLSv1.2_2021", MinimumTlsVersion::Tls12),
    ("TLSv1.2_2025", MinimumTlsVersion::Tls12),
    ("TLSv1.3_2025", MinimumTlsVersion::Tls13),
];

pub(super) fn read_distribution<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> DistributionDocument {
    let default_behavior = reader.table(table, "default_behavior", &schema::DEFAULT_BEHAVIOR);
    let geo = reader.table(table, "geo", &schema::GEO_RESTRICTION);
    if default_behavior.is_none() {
        let message = "is missing; add [distributions.default_behavior] with an origin";
        reader.fault(&table.path("default_behavior"), message);
    }
    check_description(reader, table);
    DistributionDocument {
        id: reader.required_string(table, "id"),
        domain_name: reader.required_string(table, "domain_name"),
        aliases: reader.strings(table, "aliases").unwrap_or_default(),
        default_root_object: reader.string(table, "default_root_object"),
        enabled: reader.boolean(table, "enabled").unwrap_or(true),
        certificate: read_certificate(reader, table, &schema::CERTIFICATE),
        ignore_port: reader.boolean(table, "ignore_port").unwrap_or(false),
        statement_object: reader.boolean(table, "statement_object").unwrap_or(false),
        origins: read_all(reader, table, &schema::ORIGIN, read_origin),
        behaviors: read_all(reader, table, &schema::BEHAVIOR, read_path_behavior),
        default_behavior: match default_behavior {
            Some(table) => read_behavior(reader, &table, "*".to_owned()),
            None => unreadable_behavior(),
        },
        origin_groups: read_all(reader, table, &schema::ORIGIN_GROUP, read_origin_group),
        custom_errors: read_all(reader, table, &schema::CUSTOM_ERROR, read_custom_error)
            .into_iter()
            .flatten()
            .collect(),
        geo: geo.map_or(GeoRestriction::None, |table| {
            read_geo_restriction(reader, &table)
        }),
        http_versions: reader
            .choice(table, "http_version", &HTTP_VERSIONS)
            .unwrap_or_default(),
        minimum_tls: reader
            .choice(table, "minimum_protocol_version", &MINIMUM_TLS_VERSIONS)
            .unwrap_or_default(),
        logging: read_logging(reader, table, LogKind::Requests),
    }
}

pub(super) fn read_streaming_distribution<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingDistributionDocument {
    check_description(reader, table);
    StreamingDistributionDocument {
        id: reader.required_string(table, "id"),
        domain_name: reader.required_string(table, "domain_name"),
        aliases: reader.strings(table, "aliases").unwrap_or_default(),
        enabled: reader.boolean(table, "enabled").unwrap_or(true),
        certificate: read_certificate(reader, table, &schema::STREAMING_CERTIFICATE),
        source: read_streaming_source(reader, table),
        trusted_key_groups: reader.strings(table, "trusted_key_groups"),
        trusted_signers: reader.strings(table, "trusted_signers"),
        statement_object: reader.boolean(table, "statement_object").unwrap_or(false),
        web_resources: reader.boolean(table, "web_resources").unwrap_or(false),
        logging: read_logging(reader, table, LogKind::Streams),
    }
}

fn read_streaming_source<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingSourceDocument {
    let origin = reader.table(table, "origin", &schema::STREAMING_ORIGIN);
    let origin = origin.map(|origin| Box::new(read_origin(reader, &origin)));
    let is_named = value(table, "distribution").is_some();
    match origin {
        Some(origin) => {
            if is_named {
                let message = "cannot be combined with origin; remove one of them";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Origin(origin)
        }
        None if is_named => {
            StreamingSourceDocument::Distribution(reader.required_string(table, "distribution"))
        }
        None => {
            if value(table, "origin").is_none() {
                let message = "is missing; add distribution = \"…\", or an origin table";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Distribution(String::new())
        }
    }
}

/// Reads where the log of a distribution is to go, the bucket's host name and the beginning of the names of its files,
/// and the form of its lines.
fn read_logging<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    kind: LogKind,
) -> Option<DistributionLogging> {
    let schema = match kind {
        LogKind::Requests => &schema::LOGGING,
        LogKind::Streams => &schema::STREAMING_LOGGING,
    };
    let table = &reader.table(table, "logging", schema)?;
    let host = reader.required_string(table, "bucket");
    let bucket = match BucketHost::parse(&host) {
        Ok(named) => named.bucket,
        Err(fault) => {
            if !host.is_empty() {
                reader.fault(&table.path("bucket"), fault.message());
            }
            String::new()
        }
    };
    Some(DistributionLogging {
        bucket,
        prefix: reader.string(table, "prefix").unwrap_or_default(),
        include_cookies: reader.boolean(table, "include_cookies").unwrap_or(false),
        layout: read_layout(reader, table, kind),
        delivery: LogDelivery::default(),
    })
}

fn read_layout<'t>(reader: &mut Reader<'t>, table: &Table<'t>, kind: LogKind) -> LogLayout {
    let formats = [("w3c", LogFormat::W3c), ("json", LogFormat::Json)];
    let format = reader.choice(table, "format", &formats).unwrap_or_default();
    let Some(names) = reader.strings(table, "fields") else {
        return LogLayout::new(kind, format);
    };
    LogLayout::of_fields(kind, format, &names).unwrap_or_else(|fault| {
        // An empty name has a fault of its own.
        if fault != LayoutFault::Unknown(String::new()) {
            reader.fault(&table.path("fields"), fault.to_string());
        }
        LogLayout::new(kind, format)
    })
}
