//! Integration tests of `privet-sign`, one binary.
#![allow(clippy::unwrap_used)]

mod keys;
mod support;
mod vectors;
