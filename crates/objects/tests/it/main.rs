//! Buckets on a real file system.

mod folder;
mod objects;
