//! Feeds `rtmp::rtmp_session` with what libFuzzer invents.
#![no_main]

#[path = "rtmp.rs"]
mod rtmp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtmp::rtmp_session(bytes));
