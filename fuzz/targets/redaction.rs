//! Feeds `logs::redaction` with what libFuzzer invents.
#![no_main]

#[path = "logs.rs"]
mod logs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| logs::redaction(bytes));
