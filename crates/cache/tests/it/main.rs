//! The store as its users meet it: real folders, real threads, real kills.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
mod concurrent;
mod damage;
mod disk;
mod hit_ratio;
mod kill;
mod memory;
