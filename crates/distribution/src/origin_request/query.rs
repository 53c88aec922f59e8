//! Which query parameters reach the origin.

use super::decoded_name;
use crate::distribution::CacheBehavior;
use crate::origin::{Origin, OriginSource};
use crate::policies::NameFilter;
use std::borrow::Cow;

/// What changes the headers of a bucket's answers. CloudFront's managed origin request policies do not pass it on
/// (developer guide, "Use managed origin request policies"): a link would choose how a browser takes an object.
const BUCKET_OVERRIDES: [&str; 3] = [
    "response-content-type",
    "response-content-disposition",
    "response-content-encoding",
];
/// What makes a request one about a bucket's or an object's administration, which the edge would sign with its own keys
/// (Amazon S3 API reference). They reach a bucket only where a policy names them. `versionId` is no such thing: it
/// names an object.
const BUCKET_ADMINISTRATION: [&str; 34] = [
    "accelerate",
    "acl",
    "analytics",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "list-type",
    "location",
    "logging",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
];
/// The managed origin request policies that pass all parameters on.
const ALL_QUERIES_IDS: [&str; 4] = [
    "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "33f36d7e-f396-46d9-90e0-52428a34d9dc",
    "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "775133bc-15f2-49f9-abea-afb2e0bf67d2",
];

/// The parameters of `query` that the cache policy or the origin request policy names, order and spelling kept; `None`
/// when none is left. Where the behavior is restricted, those of signatures are left out whatever the policies say.
pub(super) fn forwarded_query(
    behavior: &CacheBehavior,
    origin: &Origin,
    query: &str,
) -> Option<String> {
    let query = match &behavior.trusted_keys {
        Some(_) => privet_sign::strip_query(query)?,
        None => Cow::Borrowed(query),
    };
    let policy = behavior.origin_request_policy.as_deref();
    let is_bucket = matches!(origin.source, OriginSource::S3(_));
    let is_limited =
        is_bucket && policy.is_some_and(|policy| ALL_QUERIES_IDS.contains(&policy.id.as_str()));
    let is_forwarded = |piece: &&str| {
        let raw = piece.split('=').next().unwrap_or(piece);
        let decoded = decoded_name(raw);
        if is_bucket && BUCKET_ADMINISTRATION.contains(&decoded.as_str()) {
            return policy.is_some_and(|policy| names(&policy.query_strings, &decoded))
                || names(&behavior.cache_policy.query_strings, &decoded);
        }
        let is_passed = policy.is_some_and(|policy| takes(&policy.query_strings, raw, &decoded))
            && !(is_limited && BUCKET_OVERRIDES.contains(&decoded.as_str()));
        is_passed || takes(&behavior.cache_policy.query_strings, raw, &decoded)
    };
    let pieces: Vec<&str> = query.split('&').filter(is_forwarded).collect();
    let forwarded = pieces.join("&");
    (!forwarded.is_empty()).then_some(forwarded)
}

/// Whether the parameter is among those that the operator has written down.
fn names(filter: &NameFilter, decoded: &str) -> bool {
    match filter {
        NameFilter::Only(_) => filter.takes(decoded),
        NameFilter::None | NameFilter::All | NameFilter::AllExcept(_) => false,
    }
}

/// A parameter is meant by either spelling of its name; an empty one is none.
fn takes(filter: &NameFilter, raw: &str, decoded: &str) -> bool {
    match filter {
        NameFilter::None => false,
        NameFilter::All => true,
        NameFilter::Only(_) => filter.takes(raw) || filter.takes(decoded),
        NameFilter::AllExcept(_) => !raw.is_empty() && filter.takes(raw) && filter.takes(decoded),
    }
}
