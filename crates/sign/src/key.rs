//! Keys: the kinds that CloudFront accepts, how they are read, and how a message is signed.
//!
//! Verification goes through the safe interface of `aws-lc-rs`; private keys live in `evp`.

use std::sync::Arc;

use aws_lc_rs::signature::{self, ParsedPublicKey};

use crate::evp::{Algorithm, EvpKey};
use crate::key_error::KeyError;
use crate::pem::{self, Block};
use crate::scheme::{KeyKind, SignatureScheme};
use crate::sign_error::SignError;

/// Maximum size of key material. No key of a known kind comes near; larger input is refused unread.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// A public key: SPKI as PEM or DER, or PKCS#1 `RSA PUBLIC KEY`; RSA of 1024 to 8192 bits and P-256.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    kind: KeyKind,
    spki: Box<[u8]>,
    /// Key as parsed for each scheme of its kind.
    verifiers: Box<[(SignatureScheme, ParsedPublicKey)]>,
}

impl PublicKey {
    /// Reads PEM text (with CRLF or literal `\n` too) or DER bytes.
    ///
    /// # Errors
    /// A [`KeyError`] that names what was given instead.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(KeyError::NotAKey);
        }
        let key = match pem_text(bytes) {
            Some(text) => public_from_pem(&pem::repair(text))?,
            None => public_from_der(bytes)?,
        };
        Self::from_evp(&key)
    }

    fn from_evp(key: &EvpKey) -> Result<Self, KeyError> {
        let kind = supported_kind(key)?;
        let spki = key.spki_der().ok_or(KeyError::NotAKey)?;
        let verifier = |scheme: &SignatureScheme| {
            let key = ParsedPublicKey::new(scheme.verification(), &spki);
            key.map(|key| (*scheme, key)).map_err(|_| KeyError::NotAKey)
        };
        let verifiers: Result<Box<[_]>, KeyError> = kind.schemes().iter().map(verifier).collect();
        Ok(PublicKey(Arc::new(PublicParts {
            kind,
            verifiers: verifiers?,
            spki: spki.into(),
        })))
    }

    /// Returns the kind: RSA with its size, or P-256.
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// Encodes the key as SPKI PEM, as CloudFront's `CreatePublicKey` takes it.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0.spki)
    }

    /// Returns the DER of the SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// True if `signature` is valid over `message`: PKCS#1 v1.5 for RSA, strict DER for P-256. By a scheme for another
    /// kind of key, no signature is.
    pub fn verify(&self, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
        let mut verifiers = self.0.verifiers.iter();
        verifiers
            .find(|(of, _)| *of == scheme)
            .is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }
}

impl PublicKey {
    /// True if `signature` would be valid as RSA-PSS with SHA-256, a frequent mistake.
    pub(crate) fn verify_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = ParsedPublicKey::new(&signature::RSA_PSS_2048_8192_SHA256, &self.0.spki);
        key.is_ok_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PublicKey({})", self.0.kind)
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

/// A private key: PKCS#1, PKCS#8, SEC1, encrypted PKCS#8, legacy encrypted PEM or DER;
/// CRLF, one line with literal `\n`, and a leading EC PARAMETERS block are accepted.
#[derive(Clone)]
pub struct PrivateKey(Arc<PrivateParts>);

struct PrivateParts {
    evp: EvpKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads key material; `passphrase` is used only if it is encrypted. Never prompts.
    ///
    /// # Errors
    /// A [`KeyError`] that names what was given instead, or what is wrong with the passphrase.
    pub fn parse(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        if bytes.len() > INPUT_BYTES_MAX {
            return Err(KeyError::NotAKey);
        }
        let evp = match pem_text(bytes) {
            Some(text) => private_from_pem(&pem::repair(text), passphrase)?,
            None => private_from_der(bytes, passphrase)?,
        };
        let public = PublicKey::from_evp(&evp)?;
        Ok(PrivateKey(Arc::new(PrivateParts { evp, public })))
    }

    /// Returns the kind: RSA with its size, or P-256.
    pub fn kind(&self) -> KeyKind {
        self.0.public.kind()
    }

    /// Returns the public half.
    pub fn public_key(&self) -> PublicKey {
        self.0.public.clone()
    }

    /// Encodes the key as unencrypted PEM: PKCS#1 for RSA (which `aws cloudfront sign` takes), PKCS#8 for P-256.
    pub fn to_pem(&self) -> String {
        let (label, der) = match self.kind() {
            KeyKind::Rsa { .. } => ("RSA PRIVATE KEY", self.0.evp.traditional_der()),
            KeyKind::P256 => ("PRIVATE KEY", self.0.evp.pkcs8_der()),
        };
        pem::encode(
            label,
            &der.expect("a private key that was read can be written"),
        )
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PrivateKey({})", self.kind())
    }
}

/// A signer of messages: a KMS, a PKCS#11 token, a subprocess, or a [`PrivateKey`].
///
/// An implementation that signs digests only computes one by [`SignatureScheme::hash`] and
/// [`HashAlgorithm::digest`](crate::HashAlgorithm::digest).
pub trait MessageSigner: Send + Sync {
    /// Returns the kind of the key, which decides which signers accept it and by which scheme it signs.
    fn kind(&self) -> KeyKind;

    /// Signs `message` by `scheme`, which is one of the key's kind.
    ///
    /// Returns PKCS#1 v1.5 bytes or an ASN.1 DER ECDSA signature.
    ///
    /// # Errors
    /// [`SignError::External`] with a text for the operator; it must not contain key bytes.
    fn sign_message(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl MessageSigner for PrivateKey {
    fn kind(&self) -> KeyKind {
        PrivateKey::kind(self)
    }

    fn sign_message(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0
            .evp
            .sign(scheme, message)
            .ok_or(SignError::SigningFailed)
    }
}

fn supported_kind(key: &EvpKey) -> Result<KeyKind, KeyError> {
    match key.algorithm() {
        Algorithm::Rsa {
            bits: bits @ 1024..=8192,
        } => Ok(KeyKind::Rsa { bits }),
        Algorithm::Rsa { bits } => Err(KeyError::RsaSize { bits }),
        Algorithm::P256 => Ok(KeyKind::P256),
        Algorithm::OtherCurve => Err(KeyError::UnsupportedCurve),
        Algorithm::Other => Err(KeyError::UnsupportedAlgorithm),
    }
}

/// Returns the input as text if it holds PEM or a key in OpenSSH's one-line form. `None` for DER.
fn pem_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    (text.contains("-----BEGIN ") || is_openssh_line(text)).then_some(text)
}

fn is_openssh_line(text: &str) -> bool {
    ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"]
        .iter()
        .any(|prefix| text.trim_start().starts_with(prefix))
}

/// Returns the fault of a text that holds none of the wanted blocks.
fn explain_blocks(text: &str, blocks: &[Block<'_>]) -> KeyError {
    let has = |part: &str| blocks.iter().any(|block| block.label.contains(part));
    if is_openssh_line(text) || has("OPENSSH") || has("SSH2") {
        KeyError::OpenSsh
    } else if has("CERTIFICATE") {
        KeyError::Certificate
    } else if has("PRIVATE KEY") {
        KeyError::PrivateKeyGiven
    } else if has("PUBLIC KEY") {
        KeyError::PublicKeyGiven
    } else {
        KeyError::NotAKey
    }
}

fn public_from_pem(text: &str) -> Result<EvpKey, KeyError> {
    let blocks = pem::blocks(text);
    let wanted = blocks
        .iter()
        .find(|block| matches!(block.label, "PUBLIC KEY" | "RSA PUBLIC KEY"));
    let Some(block) = wanted else {
        return Err(explain_blocks(text, &blocks));
    };
    let der = pem::decode(block).ok_or(KeyError::NotAKey)?;
    let key = match block.label {
        "RSA PUBLIC KEY" => EvpKey::public_from_pkcs1(&der),
        _ => EvpKey::public_from_spki(&der),
    };
    key.ok_or(KeyError::NotAKey)
}

fn public_from_der(der: &[u8]) -> Result<EvpKey, KeyError> {
    let key = EvpKey::public_from_spki(der).or_else(|| EvpKey::public_from_pkcs1(der));
    key.ok_or_else(|| match EvpKey::private_from_der(der, b"") {
        Some(_) => KeyError::PrivateKeyGiven,
        None => KeyError::NotAKey,
    })
}

fn private_from_pem(text: &str, passphrase: Option<&[u8]>) -> Result<EvpKey, KeyError> {
    let blocks = pem::blocks(text);
    let wanted = blocks.iter().find(|block| {
        matches!(
            block.label,
            "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY"
        )
    });
    let Some(block) = wanted else {
        let given = explain_blocks(text, &blocks);
        let other_private = given == KeyError::PrivateKeyGiven;
        return Err(if other_private {
            KeyError::UnsupportedAlgorithm
        } else {
            given
        });
    };
    let encrypted = block.label == "ENCRYPTED PRIVATE KEY" || block.body.contains("4,ENCRYPTED");
    if encrypted && passphrase.is_none() {
        return Err(KeyError::PassphraseNeeded);
    }
    // The block is passed on alone: the text around it is not AWS-LC's business.
    let label = block.label;
    let lone = format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        block.body.trim()
    );
    let key = EvpKey::private_from_pem(lone.as_bytes(), passphrase.unwrap_or_default());
    key.ok_or(if encrypted {
        KeyError::WrongPassphrase
    } else {
        KeyError::NotAKey
    })
}

fn private_from_der(der: &[u8], passphrase: Option<&[u8]>) -> Result<EvpKey, KeyError> {
    if let Some(key) = EvpKey::private_from_der(der, passphrase.unwrap_or_default()) {
        return Ok(key);
    }
    if is_encrypted_der(der) {
        return Err(passphrase.map_or(KeyError::PassphraseNeeded, |_| KeyError::WrongPassphrase));
    }
    let public = EvpKey::public_from_spki(der).or_else(|| EvpKey::public_from_pkcs1(der));
    Err(if public.is_some() {
        KeyError::PublicKeyGiven
    } else {
        KeyError::NotAKey
    })
}

/// Detects encrypted PKCS#8, which names its scheme, PBES2 of RFC 8018, near its beginning.
fn is_encrypted_der(der: &[u8]) -> bool {
    const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
    der[..der.len().min(32)]
        .windows(PBES2.len())
        .any(|bytes| bytes == PBES2)
}
