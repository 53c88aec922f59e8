//! The store as its users meet it: real folders, real threads, real kills.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;
mod concurrent;
mod damage;
mod disk;
mod hit_ratio;
mod kill;
mod memory;
