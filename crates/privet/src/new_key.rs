//! Makes key pairs and writes them to files that nobody else can read.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use privet_sign::{KeyPairId, PrivateKey};

use crate::reason::reason;

/// The kinds of key that CloudFront accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum NewKeyType {
    /// RSA 2048: accepted by everything that is compatible with CloudFront
    Rsa,
    /// ECDSA P-256: shorter links, faster
    P256,
}

/// Why no key pair was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NewKeyError {
    /// A file with that name exists; it is never overwritten.
    Exists(PathBuf),
    /// The file cannot be written.
    Write { path: PathBuf, reason: String },
    /// The system provided no randomness, or key generation failed.
    Generation,
}

impl fmt::Display for NewKeyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NewKeyError::Exists(path) => write!(
                formatter,
                "{} exists already and was left alone",
                path.display()
            ),
            NewKeyError::Write { path, reason } => {
                write!(formatter, "cannot write {}: {reason}", path.display())
            }
            NewKeyError::Generation => formatter
                .write_str("no key can be made: check the system's random number generator"),
        }
    }
}

/// Makes a pair and writes it: the private key with mode 0600, and neither file over an existing one.
///
/// # Errors
/// [`NewKeyError`]; no file is left behind then.
pub(crate) fn create(
    kind: NewKeyType,
    private: &Path,
    public: &Path,
) -> Result<PrivateKey, NewKeyError> {
    let key = generate(kind)?;
    write_new(private, &key.to_pem(), 0o600)?;
    let written = write_new(public, &key.public_key().to_pem(), 0o644);
    if let Err(error) = written {
        // Half a pair is useless, and this file was created a moment ago.
        let _ = fs::remove_file(private);
        return Err(error);
    }
    Ok(key)
}

/// Returns an id in CloudFront's form: `K` and 13 random capital letters and digits.
pub(crate) fn random_id() -> KeyPairId {
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    // The largest multiple of 36 in a byte: higher values would favor some letters.
    const FAIR: u8 = 252;
    let mut id = String::from("K");
    while id.len() < 14 {
        let mut bytes = [0u8; 32];
        aws_lc_rs::rand::fill(&mut bytes).expect("aws-lc aborts rather than giving no randomness");
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        let letters = fair.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        id.extend(letters.take(14 - id.len()));
    }
    KeyPairId::parse(&id).expect("capital letters and digits are an id")
}

fn generate(kind: NewKeyType) -> Result<PrivateKey, NewKeyError> {
    let key = match kind {
        NewKeyType::Rsa => {
            let pair =
                rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| NewKeyError::Generation)?;
            let der =
                AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| NewKeyError::Generation)?;
            PrivateKey::parse(der.as_ref(), None)
        }
        NewKeyType::P256 => {
            let random = SystemRandom::new();
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random)
                .map_err(|_| NewKeyError::Generation)?;
            PrivateKey::parse(document.as_ref(), None)
        }
    };
    key.map_err(|_| NewKeyError::Generation)
}

/// Writes a file that does not exist yet.
///
/// # Errors
/// [`NewKeyError`]; no file is left behind then.
pub(crate) fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), NewKeyError> {
    let failed = |error: &io::Error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return NewKeyError::Exists(path.to_owned());
        }
        NewKeyError::Write {
            path: path.to_owned(),
            reason: reason(error),
        }
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .map_err(|error| failed(&error))?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a file would only block the next attempt.
        let _ = fs::remove_file(path);
        failed(&error)
    })
}
