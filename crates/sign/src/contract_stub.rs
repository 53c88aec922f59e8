//! What is still to come: signing and explaining.
#![allow(missing_docs, unused_variables, clippy::todo)]
use crate::*;
use std::net::IpAddr;

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
