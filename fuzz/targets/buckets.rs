//! The bodies of the fuzz targets about the S3 endpoint.
#![allow(dead_code, reason = "each target uses one of them")]

use privet_bucket::fuzzed;

/// Fuzzes policies of buckets.
pub fn bucket_policy(bytes: &[u8]) {
    fuzzed::bucket_policy(bytes);
}

/// Fuzzes bodies in chunks, forms and queries: the first byte says which.
pub fn bucket_bodies(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 3 {
        0 => fuzzed::chunked_body(rest),
        1 => fuzzed::form(rest),
        _ => fuzzed::query(rest),
    }
}
