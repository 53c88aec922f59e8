//! An object that the cache has, with its bytes or the place where they are.

use super::cached_head::{CachedHead, Generation};
use privet_cache::{DiskBody, Key, Object};
use std::sync::Arc;

/// A stored object, or one on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct StoredObject {
    pub(super) digest: Key,
    pub(super) object: Arc<Object<CachedHead>>,
    /// Where the body is when it is not with the object.
    pub(super) on_disk: Option<DiskBody>,
}

impl StoredObject {
    pub(crate) fn head(&self) -> &CachedHead {
        &self.object.head
    }

    /// Tells these bytes from those of every other stored response.
    pub(crate) fn generation(&self) -> Generation {
        self.head().generation
    }

    /// What it is found by.
    pub(crate) fn key(&self) -> Key {
        self.digest
    }

    /// In what pieces missing bytes are fetched.
    pub(crate) fn block_size_bytes(&self) -> u64 {
        self.head().block_size_bytes()
    }
}
