//! The running edge and the command line from outside, and the invariants of the whole repository.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_input;
mod cli;
mod cli_explain;
mod cli_key;
mod cli_sign;
mod cli_sign_batch;
mod cli_time;
mod conformance;
mod conformance_answers;
mod conformance_policies;
mod connections;
mod fuzz_corpora;
mod h2_compression;
mod h2_floods;
mod h2_frame_types;
mod h2_generic;
mod h2_messages;
mod h2_paper;
mod h2_patience;
mod h2_streams;
mod leaks;
mod log_disk;
mod log_files;
mod objects;
mod patience;
mod peers;
mod peers_keys;
// Origins over HTTP have yet to come.
// mod peers_origins;
mod peers_ours;
mod reload;
mod scenario_script;
mod support;
mod tidy;
mod unruly_files;
mod vectors;
