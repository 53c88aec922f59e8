//! Code shared by the commands of `cargo xtask` and the benches: running programs, and installing those that are
//! needed.
#![expect(clippy::print_stdout, reason = "whoever waits is told what for")]

pub mod command;
pub mod progress;
pub mod s3_gateway;
pub mod tools;
pub mod videos;
