//! Passes the inputs of libFuzzer to `buckets::bucket_policy`.
#![no_main]

#[path = "buckets.rs"]
mod buckets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| buckets::bucket_policy(bytes));
