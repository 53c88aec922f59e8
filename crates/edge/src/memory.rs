//! Remembers which signatures a public key has already confirmed, so that a repeated grant costs no public-key
//! operation.
//!
//! It remembers the cryptographic result, never the decision: dates, address and resource are checked each time.

use aws_lc_rs::digest::{Context, SHA256};
use privet_sign::{ConfirmedPolicy, SignatureMemory, SignatureQuestion, SignatureScheme};
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

const SHARDS: usize = 16;
/// Number of signatures that a worker recognizes without computing a digest.
const LATEST_MAX: usize = 256;

/// A bounded set of confirmed signatures, shared by all workers.
///
/// Only confirmations are stored, so that a flood of bad signatures displaces nothing.
#[derive(Debug)]
pub struct VerifiedSignatures {
    shards: Vec<Mutex<Generations>>,
    entries_per_generation: usize,
    asked: AtomicU64,
}

/// Two generations: one of them has what was used recently; the older one is dropped whole.
#[derive(Debug, Default)]
struct Generations {
    young: HashSet<Digest, BuildHasherDefault<FirstBytes>>,
    old: HashSet<Digest, BuildHasherDefault<FirstBytes>>,
}

type Digest = [u8; 32];

impl VerifiedSignatures {
    /// Creates a set of at most `entries_max` signatures (at 32 bytes and some overhead each).
    pub fn new(entries_max: usize) -> Self {
        VerifiedSignatures {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            entries_per_generation: (entries_max / (2 * SHARDS)).max(1),
            asked: AtomicU64::new(0),
        }
    }

    /// Returns the number of public-key operations since the start.
    pub fn public_key_operations(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl SignatureMemory for VerifiedSignatures {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        let digest = digest_of(question);
        // The shard goes by the last byte of the digest, because its table hashes by the first ones.
        let shard = &self.shards[usize::from(digest[31]) % SHARDS];
        if lock(shard).remembers(&digest, self.entries_per_generation) {
            return true;
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let confirmed = question.ask();
        if confirmed {
            lock(shard).insert(digest, self.entries_per_generation);
        }
        confirmed
    }

    fn remembers(&self, question: &SignatureQuestion<'_>) -> bool {
        let digest = digest_of(question);
        let shard = &self.shards[usize::from(digest[31]) % SHARDS];
        lock(shard).remembers(&digest, self.entries_per_generation)
    }
}

impl Generations {
    fn remembers(&mut self, digest: &Digest, entries_max: usize) -> bool {
        if self.young.contains(digest) {
            return true;
        }
        if self.old.remove(digest) {
            self.insert(*digest, entries_max);
            return true;
        }
        false
    }

    fn insert(&mut self, digest: Digest, entries_max: usize) {
        if self.young.len() >= entries_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest);
    }
}

/// Locks a shard. A panic under the lock leaves a usable set behind: at worst something is forgotten.
fn lock(shard: &Mutex<Generations>) -> std::sync::MutexGuard<'_, Generations> {
    shard
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A worker's view of the memory: recent signatures are recognized byte by byte, without a digest and without a lock.
#[derive(Debug)]
pub(crate) struct WorkerMemory {
    shared: Arc<VerifiedSignatures>,
    /// Recent signatures, one slot for each value of a few of their bytes.
    latest: RefCell<Vec<Option<Confirmed>>>,
    /// Recent cookies, one slot for each value of a few of their bytes.
    cookies: RefCell<Vec<Option<KnownCookies>>>,
}

/// The bytes of a `Cookie` header and the policy that they hold.
#[derive(Debug)]
struct KnownCookies {
    header: Box<[u8]>,
    confirmed: Arc<ConfirmedPolicy>,
}

/// A signature that its key has confirmed, with everything that the result depends on.
#[derive(Debug)]
struct Confirmed {
    scheme: SignatureScheme,
    key_pair_id: Box<str>,
    spki_der: Box<[u8]>,
    signature: Box<[u8]>,
    message: Box<[u8]>,
}

impl Confirmed {
    fn answers(&self, question: &SignatureQuestion<'_>) -> bool {
        self.scheme == question.scheme
            && *self.signature == *question.signature
            && *self.message == *question.message
            && *self.key_pair_id == *question.key_pair_id
            && *self.spki_der == *question.key.spki_der()
    }
}

impl WorkerMemory {
    pub(crate) fn new(shared: Arc<VerifiedSignatures>) -> Self {
        WorkerMemory {
            shared,
            latest: RefCell::new((0..LATEST_MAX).map(|_| None).collect()),
            cookies: RefCell::new((0..LATEST_MAX).map(|_| None).collect()),
        }
    }

    /// Recognizes the signature, or lets the shared memory `find` it and recognizes it the next time.
    fn latest_or(
        &self,
        question: &SignatureQuestion<'_>,
        find: fn(&VerifiedSignatures, &SignatureQuestion<'_>) -> bool,
    ) -> bool {
        // The last bytes of a signature are as good as random; an attacker who makes them collide only causes a digest.
        let extension = question.signature.last_chunk::<2>().unwrap_or(&[0; 2]);
        let slot = usize::from(u16::from_le_bytes(*extension)) % LATEST_MAX;
        let mut latest = self.latest.borrow_mut();
        let confirmed = latest[slot].as_ref();
        if confirmed.is_some_and(|confirmed| confirmed.answers(question)) {
            return true;
        }
        let found = find(&self.shared, question);
        if found {
            latest[slot] = Some(Confirmed {
                scheme: question.scheme,
                key_pair_id: question.key_pair_id.into(),
                spki_der: question.key.spki_der().into(),
                signature: question.signature.into(),
                message: question.message.into(),
            });
        }
        found
    }
}

/// Mixes samples that differ between grants; cookies that are made to collide are checked from the beginning.
fn cookie_slot(header: &[u8]) -> usize {
    let sample = |at: usize| {
        let bytes = header[at..].first_chunk::<8>().unwrap_or(&[0; 8]);
        u64::from_le_bytes(*bytes)
    };
    let mixed = (sample(header.len() / 4) ^ sample(header.len() / 2).rotate_left(21))
        .wrapping_add(sample(header.len() / 4 * 3).rotate_left(42))
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 32) as usize % LATEST_MAX
}

impl SignatureMemory for WorkerMemory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        self.latest_or(question, VerifiedSignatures::verifies)
    }

    fn remembers(&self, question: &SignatureQuestion<'_>) -> bool {
        self.latest_or(question, VerifiedSignatures::remembers)
    }

    fn recall(&self, cookies: &[u8]) -> Option<Arc<ConfirmedPolicy>> {
        let known = self.cookies.borrow();
        let known = known[cookie_slot(cookies)].as_ref()?;
        (*known.header == *cookies).then(|| Arc::clone(&known.confirmed))
    }

    fn keep(&self, cookies: &[u8], confirmed: &Arc<ConfirmedPolicy>) {
        self.cookies.borrow_mut()[cookie_slot(cookies)] = Some(KnownCookies {
            header: cookies.into(),
            confirmed: Arc::clone(confirmed),
        });
    }
}

/// Computes a digest of everything the result depends on, including the key's own bytes: an id may get another key at a
/// reload.
fn digest_of(question: &SignatureQuestion<'_>) -> Digest {
    let mut context = Context::new(&SHA256);
    let scheme = match question.scheme {
        SignatureScheme::RsaPkcs1Sha1 => 1u8,
        SignatureScheme::RsaPkcs1Sha256 => 2u8,
        SignatureScheme::EcdsaP256Sha1 => 3u8,
        SignatureScheme::EcdsaP256Sha256 => 4u8,
    };
    context.update(&[scheme]);
    for part in [
        question.key.spki_der(),
        question.key_pair_id.as_bytes(),
        question.signature,
        question.message,
    ] {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Hasher that takes the first bytes of an entry: entries are digests, so these are as good a hash as any.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        // The length prefix comes first and is overwritten by the digest.
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
