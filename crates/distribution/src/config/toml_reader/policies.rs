//! Reads cache policies and origin request policies.

use super::description::check_description;
use super::http_values::WordOrNames;
use super::table::{Reader, Table, value};
use crate::config::policies::{CachePolicy, HeaderFilter, OriginRequestPolicy};
use http::HeaderName;
use std::time::Duration;

/// CloudFront's default TTL for policies that set none.
const DEFAULT_TTL: Duration = Duration::from_secs(86_400);
const MAX_TTL: Duration = Duration::from_secs(31_536_000);
/// Maximum of any TTL: a hundred years, as at CloudFront.
pub(super) const TTL_MAX: Duration = Duration::from_secs(3_153_600_000);

pub(super) fn read_cache_policy<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> CachePolicy {
    check_description(reader, table);
    let (id, name) = read_id_and_name(reader, table);
    let (min_ttl, default_ttl, max_ttl) = read_ttls(reader, table);
    // A response that is never stored is not stored in any encoding either.
    let is_cached = !max_ttl.is_zero();
    let mut heuristic_percent = 0;
    reader.set_number(table, "heuristic_percent", 0..=100, &mut heuristic_percent);
    CachePolicy {
        id,
        name,
        min_ttl,
        default_ttl,
        max_ttl,
        query_strings: reader.name_filter(table, "query_strings"),
        headers: reader.header_names(table, "headers").unwrap_or_default(),
        cookies: reader.name_filter(table, "cookies"),
        gzip: reader.boolean(table, "gzip").unwrap_or(is_cached),
        brotli: reader.boolean(table, "brotli").unwrap_or(is_cached),
        zstd: reader.boolean(table, "zstd").unwrap_or(is_cached),
        cdn_cache_control: reader.boolean(table, "cdn_cache_control").unwrap_or(true),
        heuristic_percent,
        normalize_accept_language: reader
            .boolean(table, "normalize_accept_language")
            .unwrap_or(false),
    }
}

/// Reads id and name; the name defaults to the id.
pub(super) fn read_id_and_name<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> (String, String) {
    let id = reader.required_string(table, "id");
    let name = match value(table, "name") {
        Some(_) => reader.required_string(table, "name"),
        None => id.clone(),
    };
    (id, name)
}

/// Reads minimum, default and maximum TTL; those that are not set adapt to those that are.
pub(super) fn read_ttls<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> (Duration, Duration, Duration) {
    let range = Duration::ZERO..=TTL_MAX;
    let mut min = Duration::ZERO;
    reader.set_duration(table, "min_ttl", range.clone(), &mut min);
    let mut max = MAX_TTL;
    let mut default = DEFAULT_TTL;
    reader.set_duration(table, "default_ttl", range.clone(), &mut default);
    if value(table, "max_ttl").is_none() {
        let least = match value(table, "default_ttl") {
            Some(_) => default,
            None => min,
        };
        max = max.max(least);
    }
    reader.set_duration(table, "max_ttl", range, &mut max);
    if value(table, "default_ttl").is_none() && min <= max {
        default = default.clamp(min, max);
    }
    (min, default, max)
}

pub(super) fn read_origin_request_policy<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> OriginRequestPolicy {
    check_description(reader, table);
    let (id, name) = read_id_and_name(reader, table);
    OriginRequestPolicy {
        id,
        name,
        headers: read_header_filter(reader, table),
        cookies: reader.name_filter(table, "cookies"),
        query_strings: reader.name_filter(table, "query_strings"),
    }
}

#[derive(Clone, Copy)]
enum HeaderWord {
    None,
    AllViewer,
}

fn read_header_filter<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> HeaderFilter {
    let words = [
        ("none", HeaderWord::None),
        ("all-viewer", HeaderWord::AllViewer),
    ];
    let chosen = reader.word_or_names(table, "headers", &words);
    let except = reader.header_names(table, "headers_except");
    let own = read_cloudfront_headers(reader, table);
    if let Some(except) = except {
        if chosen.is_some() {
            let message = "cannot be combined with headers; remove one of them";
            reader.fault(&table.path("headers_except"), message);
        }
        if !own.is_empty() {
            let message =
                "cannot be combined with headers_except; write headers = \"all-viewer\" instead";
            reader.fault(&table.path("cloudfront_headers"), message);
        }
        return HeaderFilter::AllViewerExcept(except);
    }
    match chosen {
        None | Some(WordOrNames::Word(HeaderWord::None)) if own.is_empty() => HeaderFilter::None,
        None | Some(WordOrNames::Word(HeaderWord::None)) => HeaderFilter::Only(own),
        Some(WordOrNames::Word(HeaderWord::AllViewer)) if own.is_empty() => HeaderFilter::AllViewer,
        Some(WordOrNames::Word(HeaderWord::AllViewer)) => HeaderFilter::AllViewerAndCloudFront(own),
        Some(WordOrNames::Names(names)) => {
            let mut names = reader.parse_header_names(&table.path("headers"), &names);
            names.extend(own);
            HeaderFilter::Only(names)
        }
    }
}

fn read_cloudfront_headers<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> Vec<HeaderName> {
    let names = reader
        .header_names(table, "cloudfront_headers")
        .unwrap_or_default();
    if let Some(other) = names
        .iter()
        .find(|name| !name.as_str().starts_with("cloudfront-"))
    {
        let message =
            format!("{other:?} is not one of CloudFront's own headers; write it into headers");
        reader.fault(&table.path("cloudfront_headers"), message);
    }
    names
}
