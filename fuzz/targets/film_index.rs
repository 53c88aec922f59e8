//! Feeds `films::film_index` with what libFuzzer invents.
#![no_main]

#[path = "films.rs"]
mod films;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| films::film_index(bytes));
