//! Buckets on a real file system.

mod buckets;
mod by_hand;
mod disks;
mod folder;
mod lists;
mod model;
mod multipart;
mod objects;
mod processes;
