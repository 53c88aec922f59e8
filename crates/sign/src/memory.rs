//! How public keys are asked, and how their answers are remembered.

use std::sync::Arc;

use crate::confirmed::ConfirmedPolicy;
use crate::key::PublicKey;
use crate::scheme::SignatureScheme;

/// A question to the public key, asked so that its answer can be remembered.
#[derive(Clone, Copy, Debug)]
pub struct SignatureQuestion<'a> {
    /// Id under which the key was found.
    pub key_pair_id: &'a str,
    /// The key itself.
    pub key: &'a PublicKey,
    /// Scheme to check it by.
    pub scheme: SignatureScheme,
    /// Signed bytes: the decoded policy as received, or the rebuilt canned text.
    pub message: &'a [u8],
    /// Decoded signature.
    pub signature: &'a [u8],
}

impl SignatureQuestion<'_> {
    /// Asks the public key.
    pub fn ask(&self) -> bool {
        self.key.verify(self.scheme, self.message, self.signature)
    }
}

/// Remembers positive answers of public keys (never decisions).
///
/// A memory must compare key, scheme, message and signature: an id may be given to a new key.
pub trait SignatureMemory {
    /// Whether the signature is good: from memory, or by [`SignatureQuestion::ask`].
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool;

    /// Whether a good answer is known, without asking.
    fn remembers(&self, _question: &SignatureQuestion<'_>) -> bool {
        false
    }

    /// The policy that was confirmed for exactly these bytes of a `Cookie` header.
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
