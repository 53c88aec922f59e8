//! Passes the inputs of libFuzzer to `rtmp::rtmp_session`.
#![no_main]

#[path = "rtmp.rs"]
mod rtmp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rtmp::rtmp_session(bytes));
