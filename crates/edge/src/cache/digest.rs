//! Names of stored entries.

use super::cached_head::Generation;
use privet_cache::Key;

/// Returns half of a SHA-256: the key that entries are found by.
pub(crate) fn digest(bytes: &[u8]) -> Key {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut key = [0; 16];
    key.copy_from_slice(&digest.as_ref()[..16]);
    Key(key)
}

/// Returns a name that no stored response had before.
pub(super) fn new_generation() -> Generation {
    let mut generation = Generation::default();
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut generation);
    generation
}
