//! Reads behaviors, with the older cache settings that stand in place of policies.

use super::http_values::WordOrNames;
use super::policies::read_ttls;
use super::schema;
use super::table::{Reader, Table, value};
use super::videos::read_behavior_videos;
use crate::config::cache_behavior::{AllowedMethods, ViewerProtocolPolicy};
use crate::config::document::{
    BehaviorDocument, ForwardedHeaderNames, ForwardedQuery, ForwardedValuesDocument,
};
use crate::config::policies::NameFilter;

pub(super) fn read_path_behavior<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> BehaviorDocument {
    let path_pattern = reader.required_string(table, "path_pattern");
    read_behavior(reader, table, path_pattern)
}

pub(super) fn read_behavior<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    path_pattern: String,
) -> BehaviorDocument {
    let policies = [
        ("allow-all", ViewerProtocolPolicy::AllowAll),
        ("https-only", ViewerProtocolPolicy::HttpsOnly),
        ("redirect-to-https", ViewerProtocolPolicy::RedirectToHttps),
    ];
    BehaviorDocument {
        path_pattern,
        origin: reader.required_string(table, "origin"),
        cache_policy: reader.string(table, "cache_policy"),
        forwarded_values: read_forwarded_values(reader, table),
        origin_request_policy: reader.string(table, "origin_request_policy"),
        response_headers_policy: reader.string(table, "response_headers_policy"),
        compress: reader.boolean(table, "compress").unwrap_or(false),
        viewer_protocol_policy: reader
            .choice(table, "viewer_protocol_policy", &policies)
            .unwrap_or(ViewerProtocolPolicy::AllowAll),
        allowed_methods: read_methods(reader, table),
        trusted_key_groups: reader.strings(table, "trusted_key_groups"),
        trusted_signers: reader.strings(table, "trusted_signers"),
        videos: read_behavior_videos(reader, table),
    }
}

/// Returns a placeholder for a missing behavior; its empty origin causes no further errors.
pub(super) fn unreadable_behavior() -> BehaviorDocument {
    BehaviorDocument {
        path_pattern: "*".to_owned(),
        origin: String::new(),
        cache_policy: None,
        forwarded_values: None,
        origin_request_policy: None,
        response_headers_policy: None,
        compress: false,
        viewer_protocol_policy: ViewerProtocolPolicy::AllowAll,
        allowed_methods: AllowedMethods::GetHead,
        trusted_key_groups: None,
        trusted_signers: None,
        videos: None,
    }
}

/// Reads the methods that are allowed, and checks those whose responses are cached: CloudFront always caches those of
/// GET and HEAD, and may cache those of OPTIONS (fidelity note F121).
fn read_methods<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> AllowedMethods {
    let allowed = read_method_set(reader, table, "allowed_methods");
    let cached = read_method_set(reader, table, "cached_methods");
    let path = table.path("cached_methods");
    match (&allowed, cached) {
        (_, None | Some(AllowedMethods::GetHead)) => {}
        (_, Some(AllowedMethods::All)) => {
            reader.fault(
                &path,
                "must be [\"GET\", \"HEAD\"] or [\"GET\", \"HEAD\", \"OPTIONS\"]",
            );
        }
        (None | Some(AllowedMethods::GetHead), Some(AllowedMethods::GetHeadOptions)) => {
            reader.fault(
                &path,
                "has OPTIONS, which allowed_methods has not; remove it",
            );
        }
        (Some(_), Some(AllowedMethods::GetHeadOptions)) => {}
    }
    allowed.unwrap_or(AllowedMethods::GetHead)
}

/// Reads one of the three sets in the developer guide, "Allowed HTTP methods", in any order.
fn read_method_set<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    key: &str,
) -> Option<AllowedMethods> {
    let mut methods = reader.strings(table, key)?;
    methods.sort_unstable();
    let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
    match methods.as_slice() {
        ["GET", "HEAD"] => Some(AllowedMethods::GetHead),
        ["GET", "HEAD", "OPTIONS"] => Some(AllowedMethods::GetHeadOptions),
        ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] => Some(AllowedMethods::All),
        _ => {
            let message = "must be one of CloudFront's three sets: [\"GET\", \"HEAD\"], [\"GET\", \"HEAD\", \"OPTIONS\"], \
                           or GET, HEAD, OPTIONS, PUT, POST, PATCH and DELETE together";
            reader.fault(&table.path(key), message);
            None
        }
    }
}

/// The TTLs that stand beside `forwarded_values`, as the policies have them.
const TTL_KEYS: [&str; 3] = ["min_ttl", "default_ttl", "max_ttl"];

/// Reads the older cache settings, which stand in place of two of the policies.
fn read_forwarded_values<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<ForwardedValuesDocument> {
    let Some(values) = reader.table(table, "forwarded_values", &schema::FORWARDED_VALUES) else {
        if value(table, "forwarded_values").is_none() {
            for key in TTL_KEYS.iter().filter(|key| value(table, key).is_some()) {
                let message = "is only for forwarded_values; a cache policy has its own";
                reader.fault(&table.path(key), message);
            }
        }
        return None;
    };
    for key in ["cache_policy", "origin_request_policy"] {
        if value(table, key).is_some() {
            let message = "cannot be combined with forwarded_values; remove one of them";
            reader.fault(&table.path(key), message);
        }
    }
    let (min_ttl, default_ttl, max_ttl) = read_ttls(reader, table);
    let words = [("none", NameFilter::None), ("all", NameFilter::All)];
    Some(ForwardedValuesDocument {
        query: read_forwarded_query(reader, &values),
        headers: read_forwarded_headers(reader, &values),
        cookies: match reader.word_or_names(&values, "cookies", &words) {
            None => NameFilter::None,
            Some(WordOrNames::Word(filter)) => filter,
            Some(WordOrNames::Names(names)) if names.is_empty() => NameFilter::None,
            Some(WordOrNames::Names(names)) => NameFilter::Only(names),
        },
        min_ttl,
        default_ttl,
        max_ttl,
    })
}

fn read_forwarded_query<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> ForwardedQuery {
    let is_forwarded = reader.boolean(table, "query_string").unwrap_or(false);
    let names = reader.strings(table, "query_string_cache_keys");
    let names = names.unwrap_or_default();
    match (is_forwarded, names.is_empty()) {
        (true, true) => ForwardedQuery::All,
        (true, false) => ForwardedQuery::AllKeyedBy(names),
        (false, true) => ForwardedQuery::None,
        (false, false) => {
            let message = "is only for query_string = true; remove it";
            reader.fault(&table.path("query_string_cache_keys"), message);
            ForwardedQuery::None
        }
    }
}

fn read_forwarded_headers<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> ForwardedHeaderNames {
    let names = reader.strings(table, "headers").unwrap_or_default();
    let path = table.path("headers");
    if names == ["*"] {
        return ForwardedHeaderNames::All;
    }
    if names.iter().any(|name| name == "*") {
        reader.fault(&path, "has \"*\", which stands alone; remove the others");
        return ForwardedHeaderNames::All;
    }
    ForwardedHeaderNames::Only(reader.parse_header_names(&path, &names))
}
