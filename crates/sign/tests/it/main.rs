//! Integration tests of `privet-sign`, one binary.
#![allow(clippy::unwrap_used)]

mod explaining;
mod keys;
mod links;
mod matrix;
mod memory;
mod properties;
mod sessions;
mod signing;
mod support;
mod terms;
mod vectors;
mod verifying;
