//! Integration tests of `privet-sign`, one binary.
#![allow(clippy::unwrap_used)]

mod keys;
mod matrix;
mod signing;
mod support;
mod vectors;
