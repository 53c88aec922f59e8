//! A store that may be opened later: an edge starts and serves while its database cannot be reached.

use privet_store::{Store, StoreError};
use std::sync::{Arc, OnceLock};

/// A place for a store. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct LateStore(Arc<OnceLock<Store>>);

impl LateStore {
    /// Returns the place with an open store.
    pub fn of(store: Store) -> Self {
        let late = LateStore::default();
        late.set(store);
        late
    }

    /// Returns the store, if it is open.
    pub fn get(&self) -> Option<&Store> {
        self.0.get()
    }

    /// Returns the store.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] if it could not be opened yet.
    pub fn opened(&self) -> Result<&Store, StoreError> {
        self.get().ok_or_else(|| StoreError::Unreachable {
            cause: "it could not be opened yet".to_owned(),
        })
    }

    /// Puts the open store in its place; the first one stays.
    pub fn set(&self, store: Store) {
        // Only one thread opens it, and another would have opened the same.
        let _ = self.0.set(store);
    }
}
