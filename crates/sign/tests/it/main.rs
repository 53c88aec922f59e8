//! Integration tests of `privet-sign`, one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod explaining;
mod keys;
mod links;
mod marks;
mod matrix;
mod memory;
mod path_tokens;
mod properties;
mod signing;
mod support;
mod terms;
mod vectors;
mod verifying;
