//! The checks that public keys make, and the memory of their results.

use std::sync::Arc;

use crate::confirmed::ConfirmedPolicy;
use crate::key::PublicKey;
use crate::scheme::SignatureScheme;

/// A check for the public key to make, in a form in which its result can be remembered.
#[derive(Clone, Copy, Debug)]
pub struct SignatureQuestion<'a> {
    /// Id under which the key was found.
    pub key_pair_id: &'a str,
    /// Public key.
    pub key: &'a PublicKey,
    /// Scheme to verify by.
    pub scheme: SignatureScheme,
    /// Signed bytes: the decoded policy as received, or the rebuilt canned text.
    pub message: &'a [u8],
    /// Decoded signature.
    pub signature: &'a [u8],
}

impl SignatureQuestion<'_> {
    /// Verifies the signature with the public key.
    pub fn ask(&self) -> bool {
        self.key.verify(self.scheme, self.message, self.signature)
    }
}

/// Remembers positive results of public-key checks (never decisions).
///
/// A memory must compare key, scheme, message and signature: an id may be given to a new key.
pub trait SignatureMemory {
    /// Returns whether the signature is valid: from memory, or by [`SignatureQuestion::ask`].
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool;

    /// Returns whether the signature is known to be valid, without using the key.
    fn remembers(&self, _question: &SignatureQuestion<'_>) -> bool {
        false
    }

    /// Returns the policy that was confirmed for exactly these bytes of a `Cookie` header.
    fn recall(&self, _cookies: &[u8]) -> Option<Arc<ConfirmedPolicy>> {
        None
    }

    /// Remembers the policy that was confirmed for exactly these bytes of a `Cookie` header.
    fn keep(&self, _cookies: &[u8], _confirmed: &Arc<ConfirmedPolicy>) {}
}

/// A memory that remembers nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMemory;

impl SignatureMemory for NoMemory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        question.ask()
    }
}
