//! Passes the inputs of libFuzzer to `bodies::resource_matcher`.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::resource_matcher(bytes));
