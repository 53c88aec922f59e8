//! Passes the inputs of libFuzzer to `bodies::video_playlists`.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::video_playlists(bytes));
