//! Passes the inputs of libFuzzer to `bodies::configuration`.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::configuration(bytes));
