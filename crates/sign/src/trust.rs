//! The keys that a behavior trusts, and how their answers are asked for and remembered.

use std::sync::Arc;

use crate::confirmed::ConfirmedPolicy;
use crate::id::KeyPairId;
use crate::key::{HashAlgorithm, PublicKey};

/// The keys that one behavior trusts: a handful, so looking through them is faster than hashing.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<(KeyPairId, PublicKey)>,
}

impl KeySet {
    /// Adds a key; a key of the same id is replaced.
    pub fn insert(&mut self, id: KeyPairId, key: PublicKey) {
        self.keys.retain(|(known, _)| *known != id);
        self.keys.push((id, key));
    }

    /// The key of that id; `None` for any other text.
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        let mut keys = self.keys.iter();
        keys.find_map(|(known, key)| (known.as_str() == id).then_some(key))
    }

    /// Whether no key is trusted at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All keys with their ids, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyPairId, &PublicKey)> {
        self.keys.iter().map(|(id, key)| (id, key))
    }
}

/// A question to the public key, asked so that its answer can be remembered.
#[derive(Clone, Copy, Debug)]
pub struct SignatureQuestion<'a> {
    /// Id under which the key was found.
    pub key_pair_id: &'a str,
    /// The key itself.
    pub key: &'a PublicKey,
    /// Digest to use.
    pub hash: HashAlgorithm,
    /// Signed bytes: the decoded policy as received, or the rebuilt canned text.
    pub message: &'a [u8],
    /// Decoded signature.
    pub signature: &'a [u8],
}

impl SignatureQuestion<'_> {
    /// Asks the public key.
    pub fn ask(&self) -> bool {
        self.key.verify(self.hash, self.message, self.signature)
    }
}

/// Remembers positive answers of public keys (never decisions).
///
/// A memory must compare key, hash, message and signature: an id may be given to a new key.
pub trait SignatureMemory {
    /// Whether the signature is good: from memory, or by [`SignatureQuestion::ask`].
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool;

    /// Whether a good answer is known, without asking.
    fn remembers(&self, _question: &SignatureQuestion<'_>) -> bool {
        false
    }

    /// What was confirmed for exactly these bytes of a `Cookie` header.
    fn recall(&self, _cookies: &[u8]) -> Option<Arc<ConfirmedPolicy>> {
        None
    }

    /// Keeps what was confirmed for exactly these bytes of a `Cookie` header.
    fn keep(&self, _cookies: &[u8], _confirmed: &Arc<ConfirmedPolicy>) {}
}

/// Remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl SignatureMemory for NoMemory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        question.ask()
    }
}
