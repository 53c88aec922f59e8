//! Sealing: secrets are stored encrypted and bound to their place, and the audit trail's chain has a key.
//!
//! AES-256-GCM with a random nonce for each secret; both keys are derived from the one that the operator keeps.

mod body;

pub(crate) use body::{Sealer, opened};

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{DocumentName, Secret, StoreError, random};

const KEY_BYTES: usize = 32;
const VERSION: &str = "v1.";
/// Said of every sealed text beside its place, so that none opens for another purpose.
const PURPOSE: &str = "privet v1";

/// Key that secrets in the database are sealed with. It lives in a file or in the environment, never in the database.
#[derive(Clone)]
pub struct SealingKey(Arc<Keys>);

struct Keys {
    raw: Zeroizing<[u8; KEY_BYTES]>,
    sealing: LessSafeKey,
    chain: hmac::Key,
    digest: hmac::Key,
}

/// Place of a sealed text: it opens at no other.
pub(crate) struct Place<'a> {
    pub(crate) kind: &'a str,
    pub(crate) id: &'a str,
    pub(crate) pointer: &'a str,
}

impl SealingKey {
    /// Reads 32 bytes as 64 hexadecimal digits or as base64, with blanks around them allowed.
    ///
    /// # Errors
    ///
    /// [`StoreError::MalformedKey`], which does not show the text.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let text = text.trim();
        let bytes = from_hex(text).or_else(|| from_base64(text));
        let bytes = Zeroizing::new(bytes.ok_or(StoreError::MalformedKey)?);
        let raw = <[u8; KEY_BYTES]>::try_from(bytes.as_slice());
        Self::derive(Zeroizing::new(raw.map_err(|_| StoreError::MalformedKey)?))
    }

    /// Makes a new key of the system's randomness.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the system has no randomness.
    pub fn generate() -> Result<Self, StoreError> {
        let mut raw = Zeroizing::new([0; KEY_BYTES]);
        random::fill(raw.as_mut_slice())?;
        Self::derive(raw)
    }

    /// Returns a secret for a purpose of the caller's, from which the key cannot be found out. Whoever has the same key
    /// gets the same.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut context =
            hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.raw.as_slice()));
        context.update(b"privet derived secret 1\0");
        context.update(purpose.as_bytes());
        let mut secret = [0; 32];
        secret.copy_from_slice(context.sign().as_ref());
        secret
    }

    /// Returns the key as 64 hexadecimal digits, for the file that it is to be kept in.
    #[must_use]
    pub fn to_text(&self) -> Secret {
        Secret::new(hex(self.0.raw.as_slice()))
    }

    /// Returns `body` with its sealed values in clear.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] where a value was sealed with another key, or for another document or place.
    pub fn unseal(&self, kind: &str, id: &str, body: &Value) -> Result<Value, StoreError> {
        opened(self, &DocumentName::new(kind, id), body)
    }

    fn derive(raw: Zeroizing<[u8; KEY_BYTES]>) -> Result<Self, StoreError> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, raw.as_slice());
        let sealing = hmac::sign(&root, b"privet v1 sealing");
        let chain = hmac::sign(&root, b"privet v1 audit chain");
        let digest = hmac::sign(&root, b"privet v1 digest");
        let sealing = UnboundKey::new(&AES_256_GCM, sealing.as_ref());
        Ok(Self(Arc::new(Keys {
            raw,
            sealing: LessSafeKey::new(sealing.map_err(|_| StoreError::MalformedKey)?),
            chain: hmac::Key::new(hmac::HMAC_SHA256, chain.as_ref()),
            digest: hmac::Key::new(hmac::HMAC_SHA256, digest.as_ref()),
        })))
    }

    /// Returns HMAC-SHA256 of `bytes`, with a key for this purpose alone.
    pub(crate) fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&self.0.digest, bytes);
        let mut digest = [0; 32];
        digest.copy_from_slice(tag.as_ref());
        digest
    }

    /// Seals `text` for `place`: `v1.` and base64 of nonce, ciphertext and tag.
    pub(crate) fn seal(&self, place: &Place<'_>, text: &str) -> Result<String, StoreError> {
        let mut nonce = [0; NONCE_LEN];
        random::fill(&mut nonce)?;
        let mut sealed = text.as_bytes().to_vec();
        let additional = Aad::from(place.additional_data());
        self.0
            .sealing
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), additional, &mut sealed)
            .map_err(|_| StoreError::invalid("secrets", "is too long to be sealed"))?;
        let whole = [nonce.as_slice(), &sealed].concat();
        Ok(format!("{VERSION}{}", STANDARD.encode(whole)))
    }

    /// Opens a text that [`SealingKey::seal`] made for the same place; `None` for any other.
    pub(crate) fn open(&self, place: &Place<'_>, sealed: &str) -> Option<Secret> {
        let mut bytes = STANDARD.decode(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, ciphertext) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let additional = Aad::from(place.additional_data());
        let opened = self.0.sealing.open_in_place(nonce, additional, ciphertext);
        let text = str::from_utf8(opened.ok()?).ok().map(Secret::new);
        zeroize::Zeroize::zeroize(&mut bytes);
        text
    }

    /// Returns the hash that follows `before` in the audit trail, for the entry that `encoding` is of.
    pub(crate) fn chain(&self, before: &[u8], encoding: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0.chain);
        context.update(before);
        context.update(encoding);
        context.sign().as_ref().to_vec()
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SealingKey(..)")
    }
}

impl Place<'_> {
    /// Returns the purpose and the place, each with its length, so that no two places have the same encoding.
    fn additional_data(&self) -> Vec<u8> {
        let parts = [PURPOSE, self.kind, self.id, self.pointer];
        let encoded = parts.map(|part| format!("{}:{part}", part.len()));
        encoded.concat().into_bytes()
    }
}

/// Returns lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits of both cases.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    let bytes = digits.chunks_exact(2);
    bytes
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
        .collect()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|alphabet| alphabet.decode(text).ok())
}
