//! Makes, checks and explains CloudFront signed URLs and signed cookies.
//!
//! Pure: no clock, no files, no sockets. The caller passes `now`, key bytes and addresses.
#![doc = include_str!("../README.md")]

mod checks;
mod confirmed;
mod cookies;
mod credentials;
mod encoding;
mod evp;
mod explain;
mod grant;
mod id;
mod ip;
mod key;
mod key_error;
mod key_set;
mod leniency;
mod link_id;
mod link_mark;
mod memory;
mod object;
mod path_token;
mod pem;
mod policy;
mod policy_error;
mod refusal;
mod resource;
mod scheme;
mod sign_error;
mod signer;
mod stamp;
mod terms;
mod time;
mod verifier;
mod viewer;
mod wire;

pub use confirmed::ConfirmedPolicy;
pub use cookies::{CookieAttributes, SameSite, SignedCookies};
pub use credentials::{
    CredentialSource, Credentials, is_signing_parameter, strip_cookies, strip_query,
};
pub use explain::{Check, Explanation, Outcome, Question, Verdict, explain};
pub use grant::{Grant, PathUse, QueryUse, fingerprint};
pub use id::KeyPairId;
pub use ip::IpRange;
pub use key::{MessageSigner, PrivateKey, PublicKey};
pub use key_error::KeyError;
pub use key_set::KeySet;
pub use leniency::Leniency;
pub use link_id::LinkId;
pub use link_mark::{Limited, LimitedId, LinkMark, LinkNonce, SubjectDigest};
pub use memory::{NoMemory, SignatureMemory, SignatureQuestion};
pub use path_token::{
    PATH_TOKEN_SIZE_BYTES_MAX, PathTokenSecret, is_issued_path_token, is_path_token_shaped,
};
pub use policy_error::PolicyError;
pub use refusal::{ErrorCode, Refusal};
pub use resource::Wildcards;
pub use scheme::{HashAlgorithm, KeyKind, SignatureScheme};
pub use sign_error::SignError;
pub use signer::Signer;
pub use stamp::Stamp;
pub use terms::Terms;
pub use time::Timestamp;
pub use verifier::Verifier;
pub use viewer::{Scheme, ViewerUrl};
pub use wire::{UrlChange, WireUrl};
