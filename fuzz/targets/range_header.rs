//! Feeds `bodies::range_header` with what libFuzzer invents.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::range_header(bytes));
