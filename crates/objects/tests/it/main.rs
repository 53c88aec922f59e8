//! Buckets on a real file system.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a child says what it has done")]

mod buckets;
mod by_hand;
mod disks;
mod folder;
mod lists;
mod model;
mod multipart;
mod objects;
mod processes;
