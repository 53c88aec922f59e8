//! Reads response headers policies.

use super::description::check_description;
use super::policies::{TTL_MAX, read_id_and_name};
use super::schema;
use super::table::{Reader, Table, value};
use crate::config::policies::{CorsPolicy, PolicyHeader, ResponseHeadersPolicy};
use http::{HeaderName, HeaderValue, header};
use std::str::FromStr;
use std::time::Duration;

pub(super) fn read_response_headers_policy<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> ResponseHeadersPolicy {
    check_description(reader, table);
    let (id, name) = read_id_and_name(reader, table);
    let cors = reader.table(table, "cors", &schema::CORS);
    let cors = cors.map(|table| read_cors(reader, &table));
    let mut headers = match reader.table(table, "security", &schema::SECURITY) {
        Some(table) => read_security(reader, &table),
        None => Vec::new(),
    };
    for table in reader.tables(table, "custom", &schema::CUSTOM_HEADER) {
        headers.extend(read_custom_header(reader, &table));
    }
    ResponseHeadersPolicy {
        id,
        name,
        cors,
        headers,
        remove: reader.header_names(table, "remove").unwrap_or_default(),
        server_timing_percent: reader
            .percent(table, "server_timing_percent")
            .unwrap_or_default(),
    }
}

fn read_cors<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> CorsPolicy {
    let mut list = |key| reader.strings(table, key).unwrap_or_default();
    let allow_origins = list("allow_origins");
    let allow_methods = list("allow_methods");
    let allow_headers = list("allow_headers");
    let expose_headers = list("expose_headers");
    let max_age = value(table, "max_age").map(|_| {
        let mut age = Duration::ZERO;
        reader.set_duration(table, "max_age", Duration::ZERO..=TTL_MAX, &mut age);
        age
    });
    CorsPolicy {
        allow_origins,
        allow_methods,
        allow_headers,
        expose_headers,
        allow_credentials: reader.boolean(table, "allow_credentials").unwrap_or(false),
        max_age,
        overrides: reader.boolean(table, "override").unwrap_or(false),
    }
}

fn read_security<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Vec<PolicyHeader> {
    let referrers = [
        "no-referrer",
        "no-referrer-when-downgrade",
        "origin",
        "origin-when-cross-origin",
        "same-origin",
        "strict-origin",
        "strict-origin-when-cross-origin",
        "unsafe-url",
    ];
    let headers = [
        read_strict_transport(reader, table),
        read_content_type_options(reader, table),
        read_word(
            reader,
            table,
            &schema::FRAME_OPTIONS,
            header::X_FRAME_OPTIONS,
            &["DENY", "SAMEORIGIN"],
        ),
        read_word(
            reader,
            table,
            &schema::REFERRER_POLICY,
            header::REFERRER_POLICY,
            &referrers,
        ),
        read_xss_protection(reader, table),
        read_content_security(reader, table),
    ];
    headers.into_iter().flatten().collect()
}

/// Makes a header; callers build `value` only of characters that any header may have.
fn policy_header(name: HeaderName, value: &str, overrides: Option<bool>) -> Option<PolicyHeader> {
    Some(PolicyHeader {
        name,
        value: HeaderValue::from_str(value).ok()?,
        overrides: overrides.unwrap_or(false),
    })
}

fn read_strict_transport<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<PolicyHeader> {
    let schema = &schema::STRICT_TRANSPORT_SECURITY;
    let table = &reader.table(table, schema.key(), schema)?;
    if value(table, "max_age").is_none() {
        reader.fault(&table.path("max_age"), "is missing; add it");
    }
    let mut max_age = Duration::ZERO;
    reader.set_duration(table, "max_age", Duration::ZERO..=TTL_MAX, &mut max_age);
    let mut text = format!("max-age={}", max_age.as_secs());
    if reader.boolean(table, "include_subdomains") == Some(true) {
        text.push_str("; includeSubDomains");
    }
    if reader.boolean(table, "preload") == Some(true) {
        text.push_str("; preload");
    }
    let overrides = reader.boolean(table, "override");
    policy_header(header::STRICT_TRANSPORT_SECURITY, &text, overrides)
}

fn read_content_type_options<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<PolicyHeader> {
    let schema = &schema::CONTENT_TYPE_OPTIONS;
    let table = &reader.table(table, schema.key(), schema)?;
    let overrides = reader.boolean(table, "override");
    policy_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff", overrides)
}

/// Reads a header whose value is one of a few words.
fn read_word<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    schema: &schema::TableSchema,
    name: HeaderName,
    words: &[&'static str],
) -> Option<PolicyHeader> {
    let table = &reader.table(table, schema.key(), schema)?;
    if value(table, "value").is_none() {
        reader.fault(&table.path("value"), "is missing; add it");
    }
    let choices: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
    let word = reader.choice(table, "value", &choices);
    let overrides = reader.boolean(table, "override");
    policy_header(name, word?, overrides)
}

fn read_xss_protection<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<PolicyHeader> {
    let schema = &schema::XSS_PROTECTION;
    let table = &reader.table(table, schema.key(), schema)?;
    let protection = reader.boolean(table, "protection").unwrap_or(true);
    let block = reader.boolean(table, "block").unwrap_or(false);
    let report = reader.header_value(table, "report");
    let overrides = reader.boolean(table, "override");
    if block && report.is_some() {
        let message = "cannot be combined with block; remove one of them";
        reader.fault(&table.path("report"), message);
    }
    let text = match (protection, block, report.as_ref().map(HeaderValue::to_str)) {
        (false, _, _) => "0".to_owned(),
        (true, true, _) => "1; mode=block".to_owned(),
        (true, false, Some(Ok(report))) => format!("1; report={report}"),
        (true, false, Some(Err(_)) | None) => "1".to_owned(),
    };
    policy_header(header::X_XSS_PROTECTION, &text, overrides)
}

fn read_content_security<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<PolicyHeader> {
    let schema = &schema::CONTENT_SECURITY_POLICY;
    let table = &reader.table(table, schema.key(), schema)?;
    if value(table, "value").is_none() {
        reader.fault(&table.path("value"), "is missing; add it");
    }
    let header_value = reader.header_value(table, "value");
    let overrides = reader.boolean(table, "override").unwrap_or(false);
    Some(PolicyHeader {
        name: header::CONTENT_SECURITY_POLICY,
        value: header_value?,
        overrides,
    })
}

fn read_custom_header<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Option<PolicyHeader> {
    let name = reader.required_string(table, "header");
    let parsed = HeaderName::from_str(&name);
    if parsed.is_err() && !name.is_empty() {
        let message = format!("{name:?} is not a header name");
        reader.fault(&table.path("header"), message);
    }
    let header_value = match value(table, "value") {
        Some(_) => reader.header_value(table, "value"),
        // A header may be empty (developer guide, "Custom headers").
        None => Some(HeaderValue::from_static("")),
    };
    let overrides = reader.boolean(table, "override").unwrap_or(false);
    Some(PolicyHeader {
        name: parsed.ok()?,
        value: header_value?,
        overrides,
    })
}
