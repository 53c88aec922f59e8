//! Links and cookies written by hand, so that the edge is not checked against our own signer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use privet_sign::{HashAlgorithm, LimitedId, MessageSigner, PrivateKey};
use std::path::PathBuf;

/// Time on the clock of the matrix.
pub const NOW: u64 = 1_767_000_000;
/// A time in its future.
pub const E: u64 = 1_767_003_600;
/// A time in its past.
pub const X: u64 = 1_766_999_999;
pub const HOST: &str = "d111111abcdef8.cloudfront.net";
pub const U: &str = "https://d111111abcdef8.cloudfront.net";

pub fn key_path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../sign/tests/keys")
        .join(name)
}

/// The key and hash of a signature.
#[derive(Clone, Copy)]
pub struct By {
    pub file: &'static str,
    pub id: &'static str,
    pub hash: HashAlgorithm,
}

pub const RSA: By = By {
    file: "rsa2048.pem",
    id: "KRSA",
    hash: HashAlgorithm::Sha1,
};
pub const RSA256: By = By {
    hash: HashAlgorithm::Sha256,
    ..RSA
};
pub const EC: By = By {
    file: "p256.pkcs8.pem",
    id: "KEC",
    hash: HashAlgorithm::Sha1,
};
pub const EC256: By = By {
    hash: HashAlgorithm::Sha256,
    ..EC
};
pub const OTHER: By = By {
    file: "rsa4096.pem",
    id: "KOTHER",
    hash: HashAlgorithm::Sha1,
};

impl By {
    pub fn signature(self, text: &str) -> Vec<u8> {
        let pem = std::fs::read(key_path(self.file)).unwrap();
        let key = PrivateKey::parse(&pem, None).unwrap();
        let scheme = key.kind().scheme(self.hash);
        key.sign_message(scheme, text.as_bytes()).unwrap()
    }
}

/// Encodes in CloudFront's alphabet, padded.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    STANDARD
        .encode(bytes)
        .replace('+', "-")
        .replace('=', "_")
        .replace('/', "~")
}

/// Returns the text that a canned signature signs.
pub fn canned(url: &str, expires: u64) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    )
}

/// Returns the signature of a canned policy, as text.
pub fn canned_signature(by: By, url: &str, expires: u64) -> String {
    encode(by.signature(&canned(url, expires)))
}

fn with_parameters(url: &str, parameters: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{parameters}")
}

/// Returns `url` with a canned signature by `KRSA`.
pub fn signed(url: &str, expires: u64) -> String {
    signed_by(RSA, url, expires)
}

pub fn signed_by(by: By, url: &str, expires: u64) -> String {
    let signature = canned_signature(by, url, expires);
    let id = by.id;
    with_parameters(
        url,
        &format!("Expires={expires}&Signature={signature}&Key-Pair-Id={id}"),
    )
}

/// Returns `url` with `policy` as it stands, signed by `KRSA`.
pub fn with_policy(url: &str, policy: &str) -> String {
    let signature = encode(RSA.signature(policy));
    let policy = encode(policy);
    with_parameters(
        url,
        &format!("Policy={policy}&Signature={signature}&Key-Pair-Id=KRSA"),
    )
}

/// Returns a custom policy for `resource` until [`E`].
pub fn policy(resource: &str) -> String {
    canned(resource, E)
}

/// Returns a custom policy for everything until [`E`], with one more condition.
pub fn policy_if(condition: &str) -> String {
    format!(
        r#"{{"Statement":[{{"Resource":"*","Condition":{{"DateLessThan":{{"AWS:EpochTime":{E}}},{condition}}}}}]}}"#
    )
}

/// Returns a policy for `resource` by which a link is a limited one; each number makes another link.
pub fn limited_policy(resource: &str, expires: u64, number: usize) -> String {
    let id = |kind: u8| {
        let mut bytes = [kind; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        LimitedId::from_bytes(bytes)
    };
    let mark = format!(
        r#""Privet":{{"Link":"{}","Nonce":"{}"}},"Condition""#,
        id(1),
        id(2)
    );
    canned(resource, expires).replace(r#""Condition""#, &mark)
}

/// Returns the cookie header for `policy`, signed by `by`.
pub fn policy_cookies(by: By, policy: &str) -> String {
    format!(
        "CloudFront-Policy={}; CloudFront-Signature={}; CloudFront-Key-Pair-Id={}",
        encode(policy),
        encode(by.signature(policy)),
        by.id
    )
}
