//! Passes the inputs of libFuzzer to `reach::origin_request_of`.
#![no_main]

#[path = "reach.rs"]
mod reach;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reach::origin_request_of(bytes));
