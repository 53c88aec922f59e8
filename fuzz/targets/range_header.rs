//! Passes the inputs of libFuzzer to `bodies::range_header`.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::range_header(bytes));
