//! Passes the inputs of libFuzzer to `streams::video_streams`.
#![no_main]

#[path = "streams.rs"]
mod streams;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| streams::video_streams(bytes));
