//! Checksums of content: the five of S3, and the MD5 of its entity tags.

use crate::ETag;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use crc_fast::CrcAlgorithm;
use md5::{Digest as _, Md5};

/// The algorithm of a checksum (S3, "Checking object integrity").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// `CRC32`: ISO HDLC.
    Crc32,
    /// `CRC32C`: Castagnoli.
    Crc32c,
    /// `CRC64NVME`.
    Crc64Nvme,
    /// `SHA1`.
    Sha1,
    /// `SHA256`.
    Sha256,
}

/// What a checksum of an object of several parts was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumType {
    /// The whole content.
    FullObject,
    /// The checksums of the parts.
    Composite,
}

/// The checksum of an object or a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How it was made.
    pub algorithm: Algorithm,
    /// What it was made of.
    pub checksum_type: ChecksumType,
    /// 4, 8, 20 or 32 bytes, most significant first.
    pub value: Vec<u8>,
}

/// Digests that a client announced for the content, which have to be those of what arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// `x-amz-checksum-…`, as headers or trailers.
    pub checksums: Vec<(Algorithm, Vec<u8>)>,
}

impl Algorithm {
    /// All algorithms, in the order of their numbers in the attribute.
    pub const ALL: [Algorithm; 5] = [
        Algorithm::Crc32,
        Algorithm::Crc32c,
        Algorithm::Crc64Nvme,
        Algorithm::Sha1,
        Algorithm::Sha256,
    ];

    /// Returns the length of its checksums in bytes.
    #[must_use]
    pub fn value_bytes(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
        }
    }

    /// Returns how the checksum of a whole is made of those of its parts, if it can be.
    pub(crate) fn combining(self) -> Option<CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    /// Returns the checksum of `content`.
    #[must_use]
    pub fn checksum(self, content: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(content);
        hasher.finish()
    }
}

/// A checksum in the making.
pub(crate) enum Hasher {
    Crc(Algorithm, crc_fast::Digest),
    Sha(Algorithm, Context),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let crc = |kind| Hasher::Crc(algorithm, crc_fast::Digest::new(kind));
        match algorithm {
            Algorithm::Crc32 => crc(CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => crc(CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => crc(CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 => Hasher::Sha(algorithm, Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            Algorithm::Sha256 => Hasher::Sha(algorithm, Context::new(&SHA256)),
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Hasher::Crc(algorithm, _) | Hasher::Sha(algorithm, _) => *algorithm,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc(_, digest) => digest.update(bytes),
            Hasher::Sha(_, context) => context.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self {
            Hasher::Crc(algorithm, digest) => crc_bytes(algorithm, digest.finalize()),
            Hasher::Sha(_, context) => context.finish().as_ref().to_vec(),
        }
    }
}

/// Returns the bytes of a CRC as S3 writes them.
pub(crate) fn crc_bytes(algorithm: Algorithm, crc: u64) -> Vec<u8> {
    crc.to_be_bytes()[8 - algorithm.value_bytes().min(8)..].to_vec()
}

/// Reads the bytes of a CRC.
pub(crate) fn crc_value(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The MD5 of what was written, and further checksums.
pub(crate) struct ContentHasher {
    md5: Md5,
    checksums: Vec<Hasher>,
}

impl ContentHasher {
    pub(crate) fn new() -> Self {
        ContentHasher {
            md5: Md5::new(),
            checksums: Vec::new(),
        }
    }

    /// Adds an algorithm. Nothing may have been written.
    pub(crate) fn compute(&mut self, algorithm: Algorithm) {
        if !self.computes(algorithm) {
            self.checksums.push(Hasher::new(algorithm));
        }
    }

    pub(crate) fn computes(&self, algorithm: Algorithm) -> bool {
        self.checksums
            .iter()
            .any(|known| known.algorithm() == algorithm)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for checksum in &mut self.checksums {
            checksum.update(bytes);
        }
    }

    pub(crate) fn finish(self) -> (ETag, Vec<Checksum>) {
        let checksums = self.checksums.into_iter().map(|hasher| Checksum {
            algorithm: hasher.algorithm(),
            checksum_type: ChecksumType::FullObject,
            value: hasher.finish(),
        });
        (
            ETag::Content(self.md5.finalize().into()),
            checksums.collect(),
        )
    }
}

/// Returns the MD5 of `bytes`.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::to_hex;

    /// The check values of the catalogue of CRC algorithms, and those of RFC 1321, RFC 3174 and FIPS 180-4.
    #[test]
    fn check_values_are_those_of_the_standards() {
        let nine = |algorithm: Algorithm| to_hex(&algorithm.checksum(b"123456789"));
        assert_eq!(nine(Algorithm::Crc32), "cbf43926");
        assert_eq!(nine(Algorithm::Crc32c), "e3069283");
        assert_eq!(nine(Algorithm::Crc64Nvme), "ae8b14860a799888");
        let abc = |algorithm: Algorithm| to_hex(&algorithm.checksum(b"abc"));
        assert_eq!(
            abc(Algorithm::Sha1),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert!(abc(Algorithm::Sha256).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert_eq!(to_hex(&md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn lengths_are_those_of_the_values() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.checksum(b"").len(), algorithm.value_bytes());
        }
    }
}
