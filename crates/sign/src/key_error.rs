//! Reasons why key material or an id cannot be used.

/// The reason why key material cannot be used. The text says what to do; it never contains key bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Neither PEM nor DER of a known kind, or damaged.
    #[error("this is not a key that can be read: give a PEM file (BEGIN … KEY) or DER")]
    NotAKey,
    /// A public key where a private one is needed.
    #[error("this is a public key: give the private key of the pair")]
    PublicKeyGiven,
    /// A private key where a public one is needed.
    #[error(
        "this is a private key: give the public key (openssl pkey -pubout), and keep this one secret"
    )]
    PrivateKeyGiven,
    /// A certificate.
    #[error("this is a certificate: give its public key (openssl x509 -pubkey -noout)")]
    Certificate,
    /// A key in OpenSSH's own format.
    #[error("this is an OpenSSH key: convert it to PEM (ssh-keygen -p -m PEM)")]
    OpenSsh,
    /// An encrypted key without a passphrase.
    #[error("this key is encrypted: give its passphrase")]
    PassphraseNeeded,
    /// An encrypted key with the wrong passphrase.
    #[error("this key cannot be decrypted: check the passphrase")]
    WrongPassphrase,
    /// A key on an elliptic curve other than P-256.
    #[error("this key is on another curve: CloudFront accepts P-256 (prime256v1) only")]
    UnsupportedCurve,
    /// A key of another algorithm, such as Ed25519 or DSA.
    #[error("this kind of key is unknown to CloudFront: make an RSA 2048 or ECDSA P-256 key")]
    UnsupportedAlgorithm,
    /// An RSA key outside 1024 to 8192 bits.
    #[error("an RSA key of {bits} bits is out of range: make one of 2048 bits")]
    RsaSize {
        /// Length of the modulus that was found.
        bits: u32,
    },
    /// An empty id.
    #[error("the key pair id is empty: give the id of the public key, such as K2JCJMDEHXQW5F")]
    IdEmpty,
    /// A PEM text in place of an id.
    #[error(
        "the key pair id looks like a PEM: give the id of the public key, such as K2JCJMDEHXQW5F"
    )]
    IdIsPem,
    /// An id of more than 64 characters.
    #[error("the key pair id is too long: give the id of the public key, such as K2JCJMDEHXQW5F")]
    IdTooLong,
    /// An id with characters other than `A-Z0-9`.
    #[error("a key pair id has capital letters and digits only, such as K2JCJMDEHXQW5F")]
    IdCharacters,
}
