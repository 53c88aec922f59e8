//! An object that the cache has, with its bytes or their location.

use super::cached_head::{CachedHead, Generation};
use privet_cache::{DiskBody, Key, Object};
use std::sync::Arc;

/// A stored object, or one on its way into the store.
#[derive(Clone, Debug)]
pub(crate) struct StoredObject {
    pub(super) digest: Key,
    pub(super) object: Arc<Object<CachedHead>>,
    /// Location of the body when it is not with the object.
    pub(super) on_disk: Option<DiskBody>,
}

impl StoredObject {
    pub(crate) fn head(&self) -> &CachedHead {
        &self.object.head
    }

    /// Returns the name that tells these bytes from those of every other stored response.
    pub(crate) fn generation(&self) -> Generation {
        self.head().generation
    }

    /// Returns the key that the object is stored under.
    pub(crate) fn key(&self) -> Key {
        self.digest
    }

    /// Returns the size of the blocks in which missing bytes are fetched.
    pub(crate) fn block_size_bytes(&self) -> u64 {
        self.head().block_size_bytes()
    }
}
