//! The decision: does this request open this URL now?
//!
//! Checks run in one order, the first failure wins: id, key, signature text, policy text, hash name,
//! signature, resource, start, end, address. What CloudFront leaves unpublished is decided in
//! [`Leniency`].

use std::net::IpAddr;
use std::sync::Arc;

use crate::confirmed::ConfirmedPolicy;
use crate::credentials::{CredentialSource, Credentials, Field, has_reserved_name};
use crate::encoding;
use crate::grant::{ConfirmedSignature, Grant, Mark, PathUse};
use crate::id::is_id_shaped;
use crate::key::PublicKey;
use crate::key_set::KeySet;
use crate::leniency::Leniency;
use crate::memory::{SignatureMemory, SignatureQuestion};
use crate::object::{Object, canned_text};
use crate::policy::{self, Policy};
use crate::refusal::Refusal;
use crate::scheme::{HashAlgorithm, KeyKind, SignatureScheme};
use crate::time::Timestamp;
use crate::viewer::ViewerUrl;
/// The keys that are trusted, and the facts of a request that every check may need.
///
/// Its methods run the same checks in the same order; they differ in what is asked for, and by what.
#[derive(Clone, Copy)]
pub struct Verifier<'a> {
    /// The keys that the behavior trusts.
    pub keys: &'a KeySet,
    /// The moment of the request.
    pub now: Timestamp,
    /// The address the viewer connected from, after the caller's rules about proxies.
    pub client: IpAddr,
    /// The operator's choice where CloudFront's is unpublished.
    pub leniency: &'a Leniency,
    /// The memory for answers of public keys; [`crate::NoMemory`] where nothing is remembered.
    pub memory: &'a dyn SignatureMemory,
}

/// What a good signature was made over.
pub(crate) enum Granted {
    /// The rebuilt text of a canned policy.
    Canned(Arc<ConfirmedSignature>),
    /// A custom policy.
    Custom(ConfirmedPolicy),
}

impl Verifier<'_> {
    /// Runs all checks in order for a URL and returns the grant, or the first reason against it.
    ///
    /// Start and end are both exclusive: the grant holds while `start < now < end`.
    ///
    /// # Errors
    /// The [`Refusal`], for the log; its `error_code` is what the viewer may know.
    pub fn url(
        &self,
        url: &ViewerUrl<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<Grant, Refusal> {
        let (grant, _) = self.granted(&Object::of_url(url), credentials)?;
        Ok(grant)
    }

    /// As [`Verifier::url`], for a stream of an RTMP connection (developer guide of 2017, "streaming distributions").
    ///
    /// `names` are the spellings under which the stream may have been signed: with and without `mp4:` or extension.
    /// A canned signature must be good for one of them; a custom resource must cover one of them, and cannot be missing.
    ///
    /// # Errors
    /// As [`Verifier::url`].
    pub fn stream(&self, names: &[&str], credentials: &Credentials<'_>) -> Result<Grant, Refusal> {
        let (grant, _) = self.granted(&Object::Stream(names), credentials)?;
        Ok(grant)
    }

    /// As [`Verifier::url`], for a request with its cookie headers; what a memory knows of repeated cookies is not checked
    /// again.
    ///
    /// # Errors
    /// As [`Verifier::url`].
    pub fn request<'h>(
        &self,
        url: &ViewerUrl<'h>,
        mut cookie_headers: impl Iterator<Item = &'h [u8]>,
    ) -> Result<Grant, Refusal> {
        let object = Object::of_url(url);
        let (first, second) = (cookie_headers.next(), cookie_headers.next());
        let only = first.filter(|_| second.is_none());
        if let Some(cookies) = only
            && let Some(confirmed) = self.memory.recall(cookies)
            && confirmed.holds_for(self.keys, self.leniency)
            && !url.query.is_some_and(has_reserved_name)
        {
            return confirmed.permit(&object, self.now, self.client, self.leniency);
        }
        let cookie_headers = first.into_iter().chain(second).chain(cookie_headers);
        let credentials = Credentials::from_request(url.query, cookie_headers);
        let is_policy =
            credentials.field(Field::Policy).is_some() && credentials.duplicate.is_none();
        match only {
            Some(cookies) if is_policy && credentials.source == CredentialSource::Cookies => {
                let signed = Signed::read(&credentials, self.keys)?;
                let SignedText::Custom(bytes) = SignedText::read(&credentials)? else {
                    return Err(Refusal::MissingPolicy);
                };
                let confirmed = self.confirm_policy(signed, bytes, &credentials)?;
                let confirmed = Arc::new(confirmed);
                self.memory.keep(cookies, &confirmed);
                confirmed.permit(&object, self.now, self.client, self.leniency)
            }
            Some(_) | None => self.granted(&object, &credentials).map(|(grant, _)| grant),
        }
    }

    /// As [`Verifier::url`], for any object; tells the terms too.
    pub(crate) fn granted(
        &self,
        object: &Object<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<(Grant, Granted), Refusal> {
        let Verifier {
            keys,
            now,
            client,
            leniency,
            memory,
        } = *self;
        let signed = Signed::read(credentials, keys)?;
        match SignedText::read(credentials)? {
            SignedText::Custom(bytes) => {
                let confirmed = self.confirm_policy(signed, bytes, credentials)?;
                let grant = confirmed.permit(object, now, client, leniency)?;
                Ok((grant, Granted::Custom(confirmed)))
            }
            SignedText::Canned { expires, until } => {
                let schemes = schemes(named_hash(credentials)?, signed.key.kind());
                // What is remembered is looked for among all spellings before a key is asked about any.
                let remembered = canned_text(object, expires, leniency, |message| {
                    signed.is_remembered(schemes.clone(), message, memory)
                });
                let asked = || {
                    canned_text(object, expires, leniency, |message| {
                        signed.verifies(schemes.clone(), message, memory)
                    })
                };
                let text = remembered
                    .or_else(asked)
                    .ok_or(Refusal::SignatureMismatch)?;
                if now >= until {
                    return Err(Refusal::Expired(until));
                }
                let key_pair_id = signed.key_pair_id.into();
                let confirmed = signed.over(text);
                let grant = Grant {
                    key_pair_id,
                    until,
                    source: credentials.source,
                    mark: Mark::Signature(Arc::clone(&confirmed)),
                    query_use: object.query_use(),
                    path_use: PathUse::Exact,
                    resource: None,
                };
                Ok((grant, Granted::Canned(confirmed)))
            }
        }
    }

    /// Checks everything about a custom policy that does not depend on the request.
    fn confirm_policy(
        &self,
        signed: Signed<'_>,
        bytes: Vec<u8>,
        credentials: &Credentials<'_>,
    ) -> Result<ConfirmedPolicy, Refusal> {
        let policy = Policy::parse(&bytes, self.leniency.statement_form())?;
        let schemes = schemes(named_hash(credentials)?, signed.key.kind());
        if !signed.verifies(schemes, &bytes, self.memory) {
            return Err(Refusal::SignatureMismatch);
        }
        Ok(ConfirmedPolicy {
            policy: policy.into_owned(),
            key_pair_id: signed.key_pair_id.into(),
            source: credentials.source,
            signed: signed.over(bytes),
            statement_object: self.leniency.statement_object,
        })
    }
}

/// Who signed, and with which bytes.
struct Signed<'a> {
    key_pair_id: &'a str,
    key: &'a PublicKey,
    signature: Vec<u8>,
}

impl<'a> Signed<'a> {
    fn read(credentials: &'a Credentials<'_>, keys: &'a KeySet) -> Result<Self, Refusal> {
        if let Some(field) = credentials.duplicate {
            return Err(Refusal::DuplicateParameter(field.parameter()));
        }
        let key_pair_id = credentials.field(Field::KeyPairId).unwrap_or_default();
        if key_pair_id.is_empty() {
            return Err(Refusal::MissingKeyPairId);
        }
        if !is_id_shaped(key_pair_id) {
            return Err(Refusal::NotAKeyPairId);
        }
        let key = keys.get(key_pair_id).ok_or(Refusal::UnknownKey)?;
        let text = credentials.field(Field::Signature).unwrap_or_default();
        if text.is_empty() {
            return Err(Refusal::MissingSignature);
        }
        let signature = encoding::decode(text).ok_or(Refusal::UndecodableSignature)?;
        Ok(Signed {
            key_pair_id,
            key,
            signature,
        })
    }

    /// Whether a memory knows one of the answers; no key is asked.
    fn is_remembered(
        &self,
        mut schemes: impl Iterator<Item = SignatureScheme>,
        message: &[u8],
        memory: &dyn SignatureMemory,
    ) -> bool {
        schemes.any(|scheme| memory.remembers(&self.question(scheme, message)))
    }

    fn verifies(
        &self,
        mut schemes: impl Iterator<Item = SignatureScheme> + Clone,
        message: &[u8],
        memory: &dyn SignatureMemory,
    ) -> bool {
        // With two schemes to try, a known second answer saves asking about the first.
        let has_several = schemes.clone().nth(1).is_some();
        (has_several && self.is_remembered(schemes.clone(), message, memory))
            || schemes.any(|scheme| memory.verifies(&self.question(scheme, message)))
    }

    /// The signature, for keeping, with the text over which the key has confirmed it.
    fn over(self, text: Vec<u8>) -> Arc<ConfirmedSignature> {
        Arc::new(ConfirmedSignature {
            key: self.key.clone(),
            text,
            signature: self.signature,
        })
    }

    fn question<'q>(&'q self, scheme: SignatureScheme, message: &'q [u8]) -> SignatureQuestion<'q> {
        SignatureQuestion {
            key_pair_id: self.key_pair_id,
            key: self.key,
            scheme,
            message,
            signature: &self.signature,
        }
    }
}

/// What the signature is made over.
enum SignedText<'a> {
    /// The text is rebuilt from the URL and these digits.
    Canned { until: Timestamp, expires: &'a str },
    /// The policy as received, decoded. It wins when both are present.
    Custom(Vec<u8>),
}

impl<'a> SignedText<'a> {
    fn read(credentials: &'a Credentials<'_>) -> Result<Self, Refusal> {
        let expires = credentials.field(Field::Expires);
        let until = match expires.map(policy::canned_expiry) {
            // Beside a policy it does not count, but nothing of a viewer's own making passes in its name (F7).
            Some(None) => return Err(Refusal::MalformedExpires),
            Some(Some(until)) => Some(until),
            None => None,
        };
        match (credentials.field(Field::Policy), expires.zip(until)) {
            (Some(text), _) => encoding::decode(text)
                .map(SignedText::Custom)
                .ok_or(Refusal::UndecodablePolicy),
            (None, Some((expires, until))) => Ok(SignedText::Canned { until, expires }),
            (None, None) => Err(Refusal::MissingPolicy),
        }
    }
}

/// The schemes to try. Without a name the hash is SHA-1; P-256 signers of before April 2026 also used SHA-256 silently.
pub(crate) fn schemes(
    named: Option<HashAlgorithm>,
    kind: KeyKind,
) -> impl Iterator<Item = SignatureScheme> + Clone {
    let is_silent = named.is_none() && kind == KeyKind::P256;
    let first = kind.scheme(named.unwrap_or(HashAlgorithm::Sha1));
    let second = is_silent.then(|| kind.scheme(HashAlgorithm::Sha256));
    std::iter::once(first).chain(second)
}

/// The hash that the credentials name, if they name one.
pub(crate) fn named_hash(credentials: &Credentials<'_>) -> Result<Option<HashAlgorithm>, Refusal> {
    match credentials.field(Field::HashAlgorithm) {
        None => Ok(None),
        Some("SHA1") => Ok(Some(HashAlgorithm::Sha1)),
        Some("SHA256") => Ok(Some(HashAlgorithm::Sha256)),
        Some(_) => Err(Refusal::UnknownHashAlgorithm),
    }
}
