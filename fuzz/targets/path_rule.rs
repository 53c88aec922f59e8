//! Passes the inputs of libFuzzer to `paths::path_rule`.
#![no_main]

#[path = "paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paths::path_rule(bytes));
