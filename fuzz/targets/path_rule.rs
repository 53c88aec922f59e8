//! Feeds `paths::path_rule` with what libFuzzer invents.
#![no_main]

#[path = "paths.rs"]
mod paths;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| paths::path_rule(bytes));
