//! Caches objects and blocks in memory and on disk. Knows neither HTTP nor any async runtime.
//!
//! An object is a head of the caller's own type with a short body or none; a block is a range of a longer body. The
//! caller decides what a key stands for, how long an entry may be served, and what an invalidation means.

mod block;
mod disk;
mod forgotten;
mod key;
mod memory;
mod meter;
mod options;
mod store;

pub use block::{Block, CHUNK_SIZE_BYTES, Head, Object};
pub use key::{Key, block_key};
pub use meter::Reservation;
pub use options::{DiskOptions, Observer, Statistics, StoreEvent, StoreOptions};
pub use store::{CacheStore, DiskBody, DiskEntry, Lookup, Replaced, StoredHead, Use};
