//! Passes the inputs of libFuzzer to `objects::list_markers`.
#![no_main]

#[path = "objects.rs"]
mod objects;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| objects::list_markers(bytes));
