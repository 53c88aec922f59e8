//! The only unsafe code of the crate: private keys and SHA-1 signatures through AWS-LC's C interface.
//!
//! `aws-lc-rs` reads neither encrypted nor SEC1 keys and does not sign with SHA-1, which is CloudFront's default.
//! The interface of this file is safe: owned keys, byte vectors, `None` on failure.
#![expect(unsafe_code, reason = "there is no safe interface to these calls")]

use std::ffi::{c_char, c_int, c_long, c_void};
use std::ptr::{self, NonNull};

use aws_lc_sys as sys;

use crate::scheme::{HashAlgorithm, SignatureScheme};

/// An owned `EVP_PKEY`, private or public.
pub(crate) struct EvpKey(NonNull<sys::EVP_PKEY>);

// SAFETY: keys may be used by many threads as long as none mutates them (openssl/evp.h); nothing here does
// after construction. RSA_sign and ECDSA_sign count as not mutating, whatever the constness of their pointer
// (openssl/rsa.h, openssl/ecdsa.h), and the reference count is atomic.
unsafe impl Send for EvpKey {}
// SAFETY: as above.
unsafe impl Sync for EvpKey {}

/// The kind of key behind an [`EvpKey`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rsa { bits: u32 },
    P256,
    OtherCurve,
    Other,
}

impl EvpKey {
    /// Reads the first private key in a PEM text; other blocks, such as EC PARAMETERS, are skipped.
    pub(crate) fn private_from_pem(pem: &[u8], passphrase: &[u8]) -> Option<Self> {
        Self::from_bio(pem, passphrase, sys::PEM_read_bio_PrivateKey)
    }

    /// Reads PKCS#1, SEC1 or PKCS#8 DER, encrypted PKCS#8 included.
    pub(crate) fn private_from_der(der: &[u8], passphrase: &[u8]) -> Option<Self> {
        let mut input = der.as_ptr();
        let length = c_long::try_from(der.len()).ok()?;
        // SAFETY: `input` points at `length` readable bytes; the function advances only our local pointer.
        let plain = unsafe { sys::d2i_AutoPrivateKey(ptr::null_mut(), &mut input, length) };
        match Self::own(plain) {
            Some(key) => Some(key),
            None => Self::from_bio(der, passphrase, sys::d2i_PKCS8PrivateKey_bio),
        }
    }

    /// Reads a SubjectPublicKeyInfo.
    pub(crate) fn public_from_spki(der: &[u8]) -> Option<Self> {
        let mut input = der.as_ptr();
        let length = c_long::try_from(der.len()).ok()?;
        // SAFETY: as in `private_from_der`.
        Self::own(unsafe { sys::d2i_PUBKEY(ptr::null_mut(), &mut input, length) })
    }

    /// Reads a PKCS#1 `RSAPublicKey`.
    pub(crate) fn public_from_pkcs1(der: &[u8]) -> Option<Self> {
        // SAFETY: pointer and length describe one slice; the result is owned by us or null.
        let rsa = unsafe { sys::RSA_public_key_from_bytes(der.as_ptr(), der.len()) };
        if rsa.is_null() {
            clear_errors();
            return None;
        }
        // SAFETY: takes nothing; returns an owned key or null.
        let key = Self::own(unsafe { sys::EVP_PKEY_new() });
        // SAFETY: both are live; set1 takes its own reference to `rsa`.
        let set = key
            .as_ref()
            .map(|key| unsafe { sys::EVP_PKEY_set1_RSA(key.0.as_ptr(), rsa) });
        // SAFETY: our own reference, released exactly once.
        unsafe { sys::RSA_free(rsa) };
        key.filter(|_| set == Some(1))
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        // SAFETY: the key is live; these only read it.
        let (id, bits) = unsafe {
            (
                sys::EVP_PKEY_id(self.0.as_ptr()),
                sys::EVP_PKEY_bits(self.0.as_ptr()),
            )
        };
        match id {
            sys::EVP_PKEY_RSA => Algorithm::Rsa {
                bits: u32::try_from(bits).unwrap_or(0),
            },
            sys::EVP_PKEY_EC if self.is_p256() => Algorithm::P256,
            sys::EVP_PKEY_EC => Algorithm::OtherCurve,
            _ => Algorithm::Other,
        }
    }

    fn is_p256(&self) -> bool {
        // SAFETY: get0 returns a borrowed pointer or null, valid while the key lives; null is checked at each step.
        unsafe {
            let ec_key = sys::EVP_PKEY_get0_EC_KEY(self.0.as_ptr());
            if ec_key.is_null() {
                return false;
            }
            let group = sys::EC_KEY_get0_group(ec_key);
            !group.is_null() && sys::EC_GROUP_get_curve_name(group) == sys::NID_X9_62_prime256v1
        }
    }

    /// Returns the DER of the SubjectPublicKeyInfo.
    pub(crate) fn spki_der(&self) -> Option<Vec<u8>> {
        // SAFETY: `encode` passes null or a pointer to enough room, as i2d functions require.
        encode(|out| unsafe { sys::i2d_PUBKEY(self.0.as_ptr(), out) })
    }

    /// Returns the DER of PKCS#1 for RSA, of SEC1 for elliptic curves. `None` for a public key.
    pub(crate) fn traditional_der(&self) -> Option<Vec<u8>> {
        // SAFETY: as in `spki_der`.
        encode(|out| unsafe { sys::i2d_PrivateKey(self.0.as_ptr(), out) })
    }

    /// Returns the DER of unencrypted PKCS#8. `None` for a public key.
    pub(crate) fn pkcs8_der(&self) -> Option<Vec<u8>> {
        // SAFETY: the key is live; the result is owned by us or null.
        let info = unsafe { sys::EVP_PKEY2PKCS8(self.0.as_ptr()) };
        if info.is_null() {
            clear_errors();
            return None;
        }
        // SAFETY: `info` is live; as in `spki_der`.
        let der = encode(|out| unsafe { sys::i2d_PKCS8_PRIV_KEY_INFO(info, out) });
        // SAFETY: our own object, released exactly once.
        unsafe { sys::PKCS8_PRIV_KEY_INFO_free(info) };
        der
    }

    /// Signs a message: PKCS#1 v1.5 for RSA, DER for elliptic curves. Returns `None` if the scheme does not
    /// fit the key.
    pub(crate) fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Option<Vec<u8>> {
        match scheme {
            SignatureScheme::RsaPkcs1Sha1 => self.sign_rsa(HashAlgorithm::Sha1, message),
            SignatureScheme::RsaPkcs1Sha256 => self.sign_rsa(HashAlgorithm::Sha256, message),
            SignatureScheme::EcdsaP256Sha1 => self.sign_ecdsa(HashAlgorithm::Sha1, message),
            SignatureScheme::EcdsaP256Sha256 => self.sign_ecdsa(HashAlgorithm::Sha256, message),
        }
    }

    fn sign_rsa(&self, hash: HashAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        if !matches!(self.algorithm(), Algorithm::Rsa { .. }) {
            return None;
        }
        // SAFETY: the key is live; the borrowed pointer lives as long as it does.
        let rsa = unsafe { sys::EVP_PKEY_get0_RSA(self.0.as_ptr()) };
        let rsa = NonNull::new(rsa)?;
        sign_rsa(rsa.as_ptr(), hash, hash.digest(message).as_ref())
    }

    fn sign_ecdsa(&self, hash: HashAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
        if self.algorithm() != Algorithm::P256 {
            return None;
        }
        // SAFETY: the key is live; the borrowed pointer lives as long as it does.
        let ec_key = unsafe { sys::EVP_PKEY_get0_EC_KEY(self.0.as_ptr()) };
        let ec_key = NonNull::new(ec_key)?;
        sign_ecdsa(ec_key.as_ptr(), hash.digest(message).as_ref())
    }

    fn from_bio(bytes: &[u8], passphrase: &[u8], read: ReadPrivateKey) -> Option<Self> {
        let length = sys::ossl_ssize_t::try_from(bytes.len()).ok()?;
        // SAFETY: the BIO reads from `bytes`, which outlives it.
        let bio = unsafe { sys::BIO_new_mem_buf(bytes.as_ptr().cast(), length) };
        if bio.is_null() {
            clear_errors();
            return None;
        }
        let mut secret = passphrase;
        // SAFETY: `bio` is live; the callback gets a pointer to `secret`, which outlives the call.
        // Passing a callback always keeps AWS-LC from prompting on the terminal.
        let key = unsafe {
            read(
                bio,
                ptr::null_mut(),
                Some(copy_passphrase),
                (&raw mut secret).cast(),
            )
        };
        // SAFETY: our own BIO, released exactly once.
        unsafe { sys::BIO_free(bio) };
        Self::own(key)
    }

    fn own(key: *mut sys::EVP_PKEY) -> Option<Self> {
        if key.is_null() {
            clear_errors();
        }
        NonNull::new(key).map(EvpKey)
    }
}

impl Drop for EvpKey {
    fn drop(&mut self) {
        // SAFETY: we own one reference and release it exactly once.
        unsafe { sys::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

type ReadPrivateKey = unsafe extern "C" fn(
    *mut sys::BIO,
    *mut *mut sys::EVP_PKEY,
    sys::pem_password_cb,
    *mut c_void,
) -> *mut sys::EVP_PKEY;

/// Hands the passphrase to AWS-LC. Returns -1, which gives up, if it does not fit.
unsafe extern "C" fn copy_passphrase(
    buffer: *mut c_char,
    size: c_int,
    _writing: c_int,
    secret: *mut c_void,
) -> c_int {
    // SAFETY: `secret` is the pointer to a `&[u8]` that `from_bio` passed, still alive.
    let secret = unsafe { *secret.cast::<&[u8]>() };
    match c_int::try_from(secret.len()) {
        Ok(length) if length <= size => {
            // SAFETY: `buffer` has `size` bytes, and `length` is not more.
            unsafe { ptr::copy_nonoverlapping(secret.as_ptr(), buffer.cast(), secret.len()) };
            length
        }
        Ok(_) | Err(_) => -1,
    }
}

fn sign_rsa(rsa: *mut sys::RSA, hash: HashAlgorithm, digest: &[u8]) -> Option<Vec<u8>> {
    let nid = match hash {
        HashAlgorithm::Sha1 => sys::NID_sha1,
        HashAlgorithm::Sha256 => sys::NID_sha256,
    };
    // SAFETY: `rsa` is live; only reads.
    let size = unsafe { sys::RSA_size(rsa) };
    let mut signature = vec![0; usize::try_from(size).ok()?];
    let mut length = size;
    // SAFETY: `signature` has RSA_size bytes, which is what RSA_sign may write.
    let done = unsafe {
        sys::RSA_sign(
            nid,
            digest.as_ptr(),
            digest.len(),
            signature.as_mut_ptr(),
            &mut length,
            rsa,
        )
    };
    finish(done, signature, length)
}

fn sign_ecdsa(ec_key: *mut sys::EC_KEY, digest: &[u8]) -> Option<Vec<u8>> {
    // SAFETY: `ec_key` is live; only reads.
    let mut signature = vec![0; unsafe { sys::ECDSA_size(ec_key) }];
    let mut length = 0;
    // SAFETY: `signature` has ECDSA_size bytes, which is what ECDSA_sign may write; the type argument is ignored.
    let done = unsafe {
        sys::ECDSA_sign(
            0,
            digest.as_ptr(),
            digest.len(),
            signature.as_mut_ptr(),
            &mut length,
            ec_key,
        )
    };
    finish(done, signature, length)
}

fn finish(done: c_int, mut signature: Vec<u8>, length: u32) -> Option<Vec<u8>> {
    if done != 1 {
        clear_errors();
        return None;
    }
    signature.truncate(usize::try_from(length).ok()?);
    Some(signature)
}

/// Calls an i2d function twice: first for the length, then for the bytes.
fn encode(write: impl Fn(*mut *mut u8) -> c_int) -> Option<Vec<u8>> {
    let length = usize::try_from(write(ptr::null_mut()))
        .ok()
        .filter(|length| *length > 0);
    let Some(length) = length else {
        clear_errors();
        return None;
    };
    let mut der = vec![0; length];
    let mut cursor = der.as_mut_ptr();
    let written = usize::try_from(write(&mut cursor)).ok()?;
    (written == length).then_some(der)
}

/// Empties the thread's error queue, so that a failure here is not reported by a later caller.
fn clear_errors() {
    // SAFETY: touches only thread-local state.
    unsafe { sys::ERR_clear_error() }
}
