//! Passes the inputs of libFuzzer to `logs::redaction`.
#![no_main]

#[path = "logs.rs"]
mod logs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logs::redaction(bytes));
