//! The keys that a behavior trusts.

use crate::id::KeyPairId;
use crate::key::PublicKey;

/// The keys that one behavior trusts: a handful, so scanning them is faster than hashing.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<(KeyPairId, PublicKey)>,
}

impl KeySet {
    /// Adds a key, replacing one of the same id.
    pub fn insert(&mut self, id: KeyPairId, key: PublicKey) {
        self.keys.retain(|(known, _)| *known != id);
        self.keys.push((id, key));
    }

    /// Returns the key of that id. `None` for any other text.
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        let mut keys = self.keys.iter();
        keys.find_map(|(known, key)| (known.as_str() == id).then_some(key))
    }

    /// True if no key is trusted at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns all keys with their ids, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyPairId, &PublicKey)> {
        self.keys.iter().map(|(id, key)| (id, key))
    }
}
