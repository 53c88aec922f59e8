//! Passes the inputs of libFuzzer to `bodies::policy_json`.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::policy_json(bytes));
