//! The running edge from outside, and the invariants of the whole repository.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod conformance;
mod conformance_answers;
mod conformance_policies;
mod connections;
mod fuzz_corpora;
mod log_disk;
mod log_files;
mod objects;
mod reload;
mod support;
mod tidy;
mod unruly_files;
mod vectors;
