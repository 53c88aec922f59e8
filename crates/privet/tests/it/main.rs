//! The command line from outside, and the invariants of the whole repository.
#![allow(clippy::unwrap_used, missing_docs)]

mod cli;
mod cli_explain;
mod cli_key;
mod cli_sign;
mod cli_sign_batch;
mod cli_time;
mod fuzz_corpora;
mod tidy;
