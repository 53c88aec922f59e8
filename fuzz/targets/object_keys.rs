//! Passes the inputs of libFuzzer to `objects::object_keys`.
#![no_main]

#[path = "objects.rs"]
mod objects;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| objects::object_keys(bytes));
