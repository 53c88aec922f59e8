//! Passes the inputs of libFuzzer to `operators::operator_request`.
#![no_main]

#[path = "operators.rs"]
mod operators;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| operators::operator_request(bytes));
