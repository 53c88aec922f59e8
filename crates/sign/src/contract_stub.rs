//! The agreed face of the crate. Replaced module by module; names and signatures stay.
#![allow(missing_docs, unused_variables, clippy::todo)]
use std::borrow::Cow;
use std::net::IpAddr;

/// Seconds since 1970-01-01T00:00:00Z. Any value is representable; `MAX_EXPIRY` bounds what a policy may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);
impl Timestamp {
    /// 9999-12-31T23:59:59Z; anything later in a policy is `MalformedPolicy` (milliseconds land there).
    pub const MAX_EXPIRY: Timestamp = Timestamp(253_402_300_799);
    pub const fn from_secs(secs: u64) -> Self {
        Timestamp(secs)
    }
    pub const fn as_secs(self) -> u64 {
        self.0
    }
}

/// `K…` or `APKA…`: 1 to 64 of `A-Z0-9`. Other text is not an id (CloudFront answers MissingKey).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPairId(Box<str>);
impl KeyPairId {
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        todo!()
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    Sha1,
    Sha256,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Rsa { bits: u32 },
    P256,
}

/// Why key material could not be used. Display text says what to do; never contains key bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyError {
    NotAKey,
}

/// A public key: SPKI PEM or DER, PKCS#1 `RSA PUBLIC KEY`; RSA 1024..=8192 and P-256.
#[derive(Clone, Debug)]
pub struct PublicKey(());
impl PublicKey {
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        todo!()
    }
    pub fn kind(&self) -> KeyKind {
        todo!()
    }
    pub fn to_pem(&self) -> String {
        todo!()
    }
    /// DER of SubjectPublicKeyInfo.
    pub fn spki_der(&self) -> &[u8] {
        todo!()
    }
    /// PKCS#1 v1.5 for RSA, strict DER for P-256.
    pub fn verify(&self, hash: HashAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        todo!()
    }
}

/// A private key in any format of the fixtures (PKCS#1, PKCS#8, SEC1, encrypted, DER, CRLF, one line with `\n`).
#[derive(Clone, Debug)]
pub struct PrivateKey(());
impl PrivateKey {
    pub fn parse(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, KeyError> {
        todo!()
    }
    pub fn kind(&self) -> KeyKind {
        todo!()
    }
    pub fn public_key(&self) -> PublicKey {
        todo!()
    }
    /// PKCS#1 PEM for RSA (what `aws cloudfront sign` takes), PKCS#8 PEM for P-256.
    pub fn to_pem(&self) -> String {
        todo!()
    }
}

/// Digest in, signature out: a KMS, a PKCS#11 token, a subprocess, or a `PrivateKey`.
pub trait DigestSigner: Send + Sync {
    fn kind(&self) -> KeyKind;
    /// `digest` has 20 (SHA-1) or 32 (SHA-256) bytes. Returns PKCS#1 v1.5 bytes or an ASN.1 DER ECDSA signature.
    fn sign_digest(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>, SignError>;
}
impl DigestSigner for PrivateKey {
    fn kind(&self) -> KeyKind {
        todo!()
    }
    fn sign_digest(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>, SignError> {
        todo!()
    }
}

/// One IPv4 range, host bits cleared; a bare address is `/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {/* private */}
impl IpRange {
    pub fn parse(text: &str) -> Result<Self, SignError> {
        todo!()
    }
}

/// Why nothing was signed. Display says what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignError {
    External(String),
}

/// An http(s) URL as a WHATWG client sends it, and what had to change to get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireUrl {/* private */}
/// One thing that `WireUrl::parse` changed: Display is a sentence for standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlChange {
    FragmentCut,
}
impl WireUrl {
    pub fn parse(url: &str) -> Result<Self, SignError> {
        todo!()
    }
    pub fn as_str(&self) -> &str {
        todo!()
    }
    pub fn changes(&self) -> &[UrlChange] {
        todo!()
    }
}

/// What is to be granted. Start with `Terms::until`, then set fields.
#[derive(Clone, Debug)]
pub struct Terms {
    pub until: Timestamp,
    pub from: Option<Timestamp>,
    pub ip: Option<IpRange>,
    /// Resource apart from the URL, wildcards allowed (`*`, `?`), `http*://` accepted.
    pub resource: Option<String>,
    /// Ready-made policy JSON; minified as JSON, then signed; the other fields must be unset (until is ignored).
    pub policy: Option<String>,
    /// Allows Resource `*` or a missing Resource.
    pub allow_broad: bool,
}
impl Terms {
    pub fn until(until: Timestamp) -> Self {
        todo!()
    }
}

/// Makes links. Cheap to clone, thread-safe, key parsed once.
#[derive(Clone)]
pub struct Signer {/* private */}
impl Signer {
    /// Errors: RSA other than 2048 bits (see `allow_legacy`).
    pub fn new(
        key: std::sync::Arc<dyn DigestSigner>,
        id: KeyPairId,
        hash: HashAlgorithm,
    ) -> Result<Self, SignError> {
        todo!()
    }
    /// Canned when only `until` is given, custom otherwise.
    pub fn sign_url(&self, url: &WireUrl, terms: &Terms) -> Result<String, SignError> {
        todo!()
    }
    /// `url` is the exact file for canned terms; `None` with `terms.resource` or `terms.policy`.
    pub fn sign_cookies(
        &self,
        url: Option<&WireUrl>,
        terms: &Terms,
    ) -> Result<SignedCookies, SignError> {
        todo!()
    }
    /// Bare RTMP stream name (`videos/talk` or `mp4:…`), boto-style: returns `name?Policy=…`.
    pub fn sign_stream(&self, name: &str, terms: &Terms) -> Result<String, SignError> {
        todo!()
    }
    /// One signature for many URLs: custom policy over `terms.resource` (or `terms.policy`).
    pub fn stamp(&self, terms: &Terms) -> Result<Stamp, SignError> {
        todo!()
    }
}
/// A signature made once, put on any number of URLs that its resource covers.
#[derive(Clone, Debug)]
pub struct Stamp {/* private */}
impl Stamp {
    /// Appends the signed form of `url` to `out`. Error: the resource does not cover the URL.
    pub fn apply(&self, url: &WireUrl, out: &mut String) -> Result<(), SignError> {
        todo!()
    }
    /// As `apply`, for raw text; URLs already in wire form cost no parse.
    pub fn apply_text(&self, url: &str, out: &mut String) -> Result<(), SignError> {
        todo!()
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCookies {
    pub pairs: Vec<(&'static str, String)>,
}
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CookieAttributes {
    pub domain: Option<String>,
    pub path: Option<String>,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: Option<String>,
    pub partitioned: bool,
}
impl SignedCookies {
    pub fn to_header(&self) -> String {
        todo!()
    }
    /// One `Set-Cookie` value per cookie.
    pub fn set_cookie(&self, attributes: &CookieAttributes) -> Result<Vec<String>, SignError> {
        todo!()
    }
}

// ---- checking ----

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Http,
    Https,
}

/// The request URL as received: nothing decoded, nothing collapsed.
#[derive(Clone, Copy, Debug)]
pub struct ViewerUrl<'a> {
    pub scheme: Scheme,
    /// `Host` or `:authority` as sent, port included if sent.
    pub host: &'a str,
    /// Begins with `/`.
    pub path: &'a str,
    /// Without `?`; `None` when the target has no `?`.
    pub query: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    Url,
    Cookies,
}

/// What the viewer presented, not yet believed.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    pub source: CredentialSource,
    marker: std::marker::PhantomData<&'a ()>,
}
impl<'a> Credentials<'a> {
    /// Any reserved name in `query` means the URL alone is judged; otherwise the cookie header values are.
    pub fn from_request(
        query: Option<&'a str>,
        cookie_headers: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        todo!()
    }
    /// Nothing was presented at all.
    pub fn is_empty(&self) -> bool {
        todo!()
    }
}
/// `query` without reserved parameters, order and spelling kept; `None` when nothing is left.
pub fn strip_query(query: &str) -> Option<Cow<'_, str>> {
    todo!()
}
/// Cookie header value without `CloudFront-*` signing cookies.
pub fn strip_cookies(value: &str) -> Cow<'_, str> {
    todo!()
}

/// The keys that one behavior trusts.
#[derive(Clone, Debug, Default)]
pub struct KeySet {/* private */}
impl KeySet {
    pub fn insert(&mut self, id: KeyPairId, key: PublicKey) {
        todo!()
    }
    pub fn get(&self, id: &str) -> Option<&PublicKey> {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
}

/// A question to the public key, asked so that its answer can be remembered.
pub struct SignatureQuestion<'a> {
    pub key_pair_id: &'a str,
    pub key: &'a PublicKey,
    pub hash: HashAlgorithm,
    pub message: &'a [u8],
    pub signature: &'a [u8],
}
impl SignatureQuestion<'_> {
    /// Asks the public key.
    pub fn ask(&self) -> bool {
        self.key.verify(self.hash, self.message, self.signature)
    }
}
/// Remembers positive answers of public keys (never decisions).
pub trait SignatureMemory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool;
}
/// Remembers nothing.
pub struct NoMemory;
impl SignatureMemory for NoMemory {
    fn verifies(&self, question: &SignatureQuestion<'_>) -> bool {
        question.ask()
    }
}

/// Switches where CloudFront's behaviour is unpublished; `Default` is the documented choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Also match with a non-default port removed from `Host`.
    pub ignore_port: bool,
    /// Accept `"Statement":{…}`.
    pub statement_object: bool,
}

/// What a valid signature permits. Only `verify` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {/* private */}
impl Grant {
    pub fn key_pair_id(&self) -> &str {
        todo!()
    }
    pub fn until(&self) -> Timestamp {
        todo!()
    }
    pub fn source(&self) -> CredentialSource {
        todo!()
    }
    /// 16 lower-case hex digits of SHA-256 over the signature: names the grant in logs, reveals nothing usable.
    pub fn fingerprint(&self) -> String {
        todo!()
    }
}

/// The five bodies of CloudFront.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    MissingKey,
    InvalidKey,
    MalformedPolicy,
    MalformedSignature,
    AccessDenied,
}
impl ErrorCode {
    pub fn code(self) -> &'static str {
        todo!()
    }
    pub fn message(self) -> &'static str {
        todo!()
    }
}
/// Why a request is refused, in the operator's words. (More variants than shown.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    MissingKeyPairId,
    UnknownKey,
    Expired,
}
impl Refusal {
    pub fn error_code(&self) -> ErrorCode {
        todo!()
    }
    /// One lower-case token for logs, e.g. `expired`, `wrong-address`, `signature-mismatch`.
    pub fn token(&self) -> &'static str {
        todo!()
    }
}

/// Runs the checks of spec 4.5 step 7 in order.
pub fn verify(
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    keys: &KeySet,
    now: Timestamp,
    client: IpAddr,
    leniency: &Leniency,
    memory: &dyn SignatureMemory,
) -> Result<Grant, Refusal> {
    todo!()
}

// ---- explaining ----
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed,
    Unknown,
    Skipped,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub outcome: Outcome,
    pub expected: String,
    pub found: String,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Opens,
    Refused(ErrorCode),
    CannotTell(String),
}
/// `checks` in the order of the edge; `hints` name near variants that would have verified and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: Verdict,
    pub checks: Vec<Check>,
    pub hints: Vec<String>,
    pub policy_text: Option<String>,
}
/// What is asked. `client: None` leaves address conditions undecided (`CannotTell`).
pub struct Question<'a> {
    pub url: &'a str,
    pub cookies: Option<&'a str>,
    pub keys: &'a KeySet,
    pub now: Timestamp,
    pub client: Option<IpAddr>,
    pub leniency: Leniency,
}
pub fn explain(question: &Question<'_>) -> Explanation {
    todo!()
}
