//! The keys of entries.

use std::hash::{BuildHasher, Hash, Hasher};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Seed that keeps derived keys apart from digests that a caller makes of the same bytes.
const BLOCK_DOMAIN: u64 = 0x7072_6976_6574_626b;

/// A digest, made by the caller, of everything that tells one object from another.
///
/// It must be spread evenly over all 16 bytes, and a viewer must not be able to choose it: the tables use its bits
/// as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// Returns the half that tables hash by.
    pub(crate) fn fingerprint(&self) -> u64 {
        let (low, _) = self.halves();
        low
    }

    /// Returns the shard, picked by the half that is not the fingerprint.
    pub(crate) fn shard(&self, shards: usize) -> usize {
        let (_, high) = self.halves();
        usize::try_from(high % shards as u64).expect("a remainder is less than the divisor")
    }

    fn halves(&self) -> (u64, u64) {
        let whole = u128::from_le_bytes(self.0);
        let mask = u128::from(u64::MAX);
        let low = u64::try_from(whole & mask).expect("64 bits are left");
        let high = u64::try_from(whole >> 64).expect("64 bits are left");
        (low, high)
    }
}

/// Derives the key of block `number` of one generation of a long body.
///
/// A new response of the origin is a new generation, so that blocks of two responses never mix. `generation` is random
/// or a digest; equal inputs give equal keys on every machine.
pub fn block_key(generation: [u8; 16], number: u64) -> Key {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(&generation);
    bytes[16..].copy_from_slice(&number.to_le_bytes());
    Key(xxh3_128_with_seed(&bytes, BLOCK_DOMAIN).to_le_bytes())
}

/// Hashes a key by taking its fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ByFingerprint;

impl BuildHasher for ByFingerprint {
    type Hasher = FingerprintHasher;

    fn build_hasher(&self) -> FingerprintHasher {
        FingerprintHasher(0)
    }
}

/// The hasher of [`ByFingerprint`].
#[derive(Debug)]
pub(crate) struct FingerprintHasher(u64);

impl Hasher for FingerprintHasher {
    fn write(&mut self, bytes: &[u8]) {
        // A derived `Hash` of an array writes its length before its bytes; input shorter than 8 bytes adds nothing.
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn block_keys_differ_by_generation_and_number() {
        let mut keys = HashSet::new();
        for generation in 0..100_u8 {
            for number in 0..100 {
                assert!(keys.insert(block_key([generation; 16], number)));
            }
        }
    }

    #[test]
    fn block_keys_are_the_same_on_every_machine() {
        let key = block_key([7; 16], 1);
        assert_eq!(key, block_key([7; 16], 1));
        assert_ne!(key.0, [7; 16]);
    }

    #[test]
    fn the_hash_of_a_key_is_its_fingerprint() {
        let key = block_key([7; 16], 1);
        assert_eq!(ByFingerprint.hash_one(key), key.fingerprint());
    }
}
