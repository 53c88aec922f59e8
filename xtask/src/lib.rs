//! What the commands of `cargo xtask` and the benches share: running programs, and installing those that they need.
#![allow(clippy::print_stdout)] // Whoever waits is told what for.

pub mod command;
pub mod progress;
pub mod tools;
pub mod videos;
