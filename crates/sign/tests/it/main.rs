//! Integration tests of `privet-sign`, one binary.
#![allow(clippy::unwrap_used)]

mod explaining;
mod keys;
mod links;
mod matrix;
mod memory;
mod path_tokens;
mod properties;
mod signing;
mod support;
mod terms;
mod vectors;
mod verifying;
