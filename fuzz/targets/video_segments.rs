//! Passes the inputs of libFuzzer to `videos::video_segments`.
#![no_main]

#[path = "videos.rs"]
mod videos;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| videos::video_segments(bytes));
