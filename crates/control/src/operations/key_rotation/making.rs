//! Makes key pairs.

use crate::operation_error::OperationError;
use crate::operations::random_text;
use crate::rotation::KeyType;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use privet_sign::PrivateKey;
use privet_store::Secret;

const FAULT: OperationError = OperationError::System("no key can be made");

/// A new key pair.
#[derive(Debug)]
pub(super) struct KeyPair {
    /// Id in CloudFront's form: `K` and 13 random capital letters and digits.
    pub(super) id: String,
    /// Public key (PEM).
    pub(super) public: String,
    /// Private key (PEM).
    pub(super) private: Secret,
}

/// Makes a key pair. It takes as long as a tenth of a second, and is not to be called where others wait.
///
/// # Errors
/// [`OperationError::System`].
pub(super) fn key_pair(key_type: KeyType) -> Result<KeyPair, OperationError> {
    let key = match key_type {
        KeyType::Rsa => {
            let pair = rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| FAULT)?;
            let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(|_| FAULT)?;
            PrivateKey::parse(der.as_ref(), None)
        }
        KeyType::P256 => {
            let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
            let document = EcdsaKeyPair::generate_pkcs8(kind, &random).map_err(|_| FAULT)?;
            PrivateKey::parse(document.as_ref(), None)
        }
    };
    let key = key.map_err(|_| FAULT)?;
    Ok(KeyPair {
        id: format!("K{}", random_text(13)?),
        public: key.public_key().to_pem(),
        private: Secret::new(key.to_pem().as_str()),
    })
}
