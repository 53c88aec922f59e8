//! Feeds `bodies::video_playlists` with what libFuzzer invents.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::video_playlists(bytes));
