//! Feeds `reach::origin_request_of` with what libFuzzer invents.
#![no_main]

#[path = "reach.rs"]
mod reach;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| reach::origin_request_of(bytes));
