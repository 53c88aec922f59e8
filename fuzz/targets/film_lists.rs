//! Feeds `bodies::film_lists` with what libFuzzer invents.
#![no_main]

#[path = "bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::film_lists(bytes));
