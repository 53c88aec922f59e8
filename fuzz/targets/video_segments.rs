//! Feeds `videos::video_segments` with what libFuzzer invents.
#![no_main]

#[path = "videos.rs"]
mod videos;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| videos::video_segments(bytes));
