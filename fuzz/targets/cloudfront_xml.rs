//! Passes the inputs of libFuzzer to `operators::cloudfront_xml`.
#![no_main]

#[path = "operators.rs"]
mod operators;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| operators::cloudfront_xml(bytes));
