//! The store as its users meet it: real folders, real threads, real kills.

mod common;
mod concurrent;
mod damage;
mod disk;
mod kill;
mod memory;
