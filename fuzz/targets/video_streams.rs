//! Feeds `streams::video_streams` with what libFuzzer invents.
#![no_main]

#[path = "streams.rs"]
mod streams;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| streams::video_streams(bytes));
