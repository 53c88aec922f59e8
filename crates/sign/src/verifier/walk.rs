//! The walk through all checks: id, key, signature text, policy text, hash name, signature, resource, start,
//! expiry, address.

use std::sync::Arc;

use super::{Granted, Verifier};
use crate::checks::{Checks, Judged, SignedText, Skipped, Step};
use crate::confirmed::ConfirmedPolicy;
use crate::credentials::{Credentials, Field};
use crate::encoding;
use crate::grant::{ConfirmedSignature, Grant, PathUse, SignatureMark};
use crate::id::is_id_shaped;
use crate::key::PublicKey;
use crate::memory::{SignatureMemory, SignatureQuestion};
use crate::object::{Object, canned_text, covers};
use crate::policy::{self, Policy};
use crate::refusal::Refusal;
use crate::scheme::{HashAlgorithm, KeyKind, SignatureScheme};

/// The checks of one request's credentials.
pub(crate) struct Walk<'w, C> {
    pub(crate) verifier: &'w Verifier<'w>,
    pub(crate) credentials: &'w Credentials<'w>,
    pub(crate) checks: &'w mut C,
}

/// The key and the signature as presented.
struct Signed<'w, C: Checks> {
    parameters: Judged<(), C>,
    key_pair_id: &'w str,
    key: Judged<&'w PublicKey, C>,
    signature: Judged<Vec<u8>, C>,
}

/// A custom policy, and the signature over it. Either may be valid where the other is not.
pub(super) struct Custom<C: Checks> {
    pub(super) policy: Judged<Policy<'static>, C>,
    pub(super) signed: Judged<Arc<ConfirmedSignature>, C>,
}

impl<'w, C: Checks> Walk<'w, C> {
    /// Runs all checks in order.
    pub(crate) fn run(
        &mut self,
        object: &Object<'_>,
    ) -> Result<Judged<(Grant, Granted), C>, Refusal> {
        match self.credentials.field(Field::Policy) {
            Some(text) => self.custom(object, text),
            None => self.canned(object),
        }
    }

    fn custom(
        &mut self,
        object: &Object<'_>,
        text: &str,
    ) -> Result<Judged<(Grant, Granted), C>, Refusal> {
        let custom = match self.confirm(text)? {
            Ok(custom) => custom,
            Err(failed) => return Ok(Err(failed)),
        };
        if let Ok(signed) = &custom.signed {
            self.checks.confirmed(signed);
        }
        let policy = match custom.policy {
            Ok(policy) => policy,
            Err(failed) => return Ok(Err(failed)),
        };
        let permitted = permit(self.verifier, &policy, object, self.checks)?;
        Ok(permitted.and(custom.signed).map(|signed| {
            let confirmed = self.confirmed(policy, signed);
            (confirmed.grant(), Granted::Custom(confirmed))
        }))
    }

    /// Makes the checks of a custom policy that do not depend on the request. `text` is the policy as presented.
    pub(super) fn confirm(&mut self, text: &str) -> Result<Judged<Custom<C>, C>, Refusal> {
        let signed = self.signed()?;
        let expires = self.credentials.field(Field::Expires);
        let is_malformed = expires.is_some_and(|text| policy::canned_expiry(text).is_none());
        // Such an `Expires` does not count, but nothing of a viewer's own making may pass under its name (F7).
        let sound = pass_unless(is_malformed, Refusal::MalformedExpires);
        let step = Step::ExpiresBesidePolicy(expires);
        let expires = self.checks.judge(step, sound)?;
        let decoded = encoding::decode(text).ok_or(Refusal::UndecodablePolicy);
        let bytes = match self.checks.judge(Step::PolicyText(text), decoded)? {
            Ok(bytes) => bytes,
            Err(failed) => {
                self.checks.skipped(Skipped::SignatureWithoutPolicy);
                return Ok(Err(failed));
            }
        };
        let read = Policy::parse(&bytes, self.verifier.leniency.statement_form());
        let read = read.map_err(Refusal::MalformedPolicy);
        let policy = self.checks.judge(Step::Policy(&bytes), read)?;
        let named = self.named_hash()?;
        let over = SignedText::Custom(&bytes);
        let good = self.signature(&signed, named, over, |signature| {
            signature.verifies(&bytes).then_some(())
        })?;
        let policy = policy.map(Policy::into_owned);
        Ok(Ok(Custom {
            policy,
            signed: expires.and(good).and(signed.over(bytes)),
        }))
    }

    pub(super) fn confirmed(
        &self,
        policy: Policy<'static>,
        signed: Arc<ConfirmedSignature>,
    ) -> ConfirmedPolicy {
        let id = self.credentials.field(Field::KeyPairId);
        ConfirmedPolicy {
            policy,
            key_pair_id: id.unwrap_or_default().into(),
            source: self.credentials.source,
            signed,
            statement_object: self.verifier.leniency.statement_object,
        }
    }

    fn canned(&mut self, object: &Object<'_>) -> Result<Judged<(Grant, Granted), C>, Refusal> {
        let signed = self.signed()?;
        let digits = self.credentials.field(Field::Expires);
        let read = digits.ok_or(Refusal::MissingPolicy).and_then(|digits| {
            let until = policy::canned_expiry(digits).ok_or(Refusal::MalformedExpires)?;
            Ok((digits, until))
        });
        let read = self.checks.judge(Step::Expires(digits), read)?;
        let named = self.named_hash()?;
        let (digits, until) = match read {
            Ok(read) => read,
            Err(failed) => {
                self.checks.skipped(Skipped::SignatureWithoutExpires);
                return Ok(Err(failed));
            }
        };
        let leniency = self.verifier.leniency;
        let over = SignedText::Canned(digits);
        let text = self.signature(&signed, named, over, |signature| {
            // Remembered results are tried for all spellings before the key is used on any.
            let remembered = canned_text(object, digits, leniency, |message| {
                signature.is_remembered(message)
            });
            remembered.or_else(|| {
                canned_text(object, digits, leniency, |message| {
                    signature.verifies(message)
                })
            })
        })?;
        let has_ended = self.verifier.now >= until;
        let end = pass_unless(has_ended, Refusal::Expired(until));
        let end = self.checks.judge(Step::End(until), end)?;
        let key_pair_id = signed.key_pair_id;
        let confirmed = text.and_then(|text| signed.over(text));
        if let Ok(confirmed) = &confirmed {
            self.checks.confirmed(confirmed);
        }
        Ok(end.and(confirmed).map(|confirmed| {
            let grant = Grant {
                key_pair_id: key_pair_id.into(),
                until,
                source: self.credentials.source,
                signature_mark: SignatureMark::Signature(Arc::clone(&confirmed)),
                query_use: object.query_use(),
                path_use: PathUse::Exact,
                resource: None,
                link_mark: None,
            };
            (grant, Granted::Canned(confirmed))
        }))
    }

    /// Makes the checks that every form of credentials needs.
    fn signed(&mut self) -> Result<Signed<'w, C>, Refusal> {
        let credentials = self.credentials;
        let once = match credentials.duplicate {
            Some(field) => Err(Refusal::DuplicateParameter(field.parameter())),
            None => Ok(()),
        };
        let parameters = self.checks.judge(Step::Parameters, once)?;
        let id = credentials.field(Field::KeyPairId).unwrap_or_default();
        let is_id = match id {
            "" => Err(Refusal::MissingKeyPairId),
            id => pass_unless(!is_id_shaped(id), Refusal::NotAKeyPairId),
        };
        let key = match self.checks.judge(Step::KeyPairId(id), is_id)? {
            Ok(()) => {
                let key = self.verifier.keys.get(id);
                let step = Step::Key { id, key };
                self.checks.judge(step, key.ok_or(Refusal::UnknownKey))?
            }
            Err(failed) => {
                self.checks.skipped(Skipped::KeyWithoutId);
                Err(failed)
            }
        };
        let text = credentials.field(Field::Signature).unwrap_or_default();
        let bytes = match text {
            "" => Err(Refusal::MissingSignature),
            text => encoding::decode(text).ok_or(Refusal::UndecodableSignature),
        };
        let step = Step::SignatureText {
            text,
            key: key.ok(),
        };
        Ok(Signed {
            parameters,
            key_pair_id: id,
            key,
            signature: self.checks.judge(step, bytes)?,
        })
    }

    fn named_hash(&mut self) -> Result<Judged<Option<HashAlgorithm>, C>, Refusal> {
        let named = match self.credentials.field(Field::HashAlgorithm) {
            None => Ok(None),
            Some("SHA1") => Ok(Some(HashAlgorithm::Sha1)),
            Some("SHA256") => Ok(Some(HashAlgorithm::Sha256)),
            Some(_) => Err(Refusal::UnknownHashAlgorithm),
        };
        self.checks.judge(Step::HashAlgorithm, named)
    }

    /// Checks the signature; `find` returns what it is valid over. With an unknown hash it is valid over nothing.
    fn signature<T>(
        &mut self,
        signed: &Signed<'w, C>,
        named: Judged<Option<HashAlgorithm>, C>,
        over: SignedText<'_>,
        find: impl FnOnce(&Presented<'_>) -> Option<T>,
    ) -> Result<Judged<T, C>, Refusal> {
        let (key, signature) = match (signed.key, &signed.signature) {
            (Ok(key), Ok(signature)) => (key, signature),
            (Err(failed), _) => {
                self.checks.skipped(Skipped::SignatureWithoutKey(over));
                return Ok(Err(failed));
            }
            (Ok(_), Err(failed)) => {
                self.checks.skipped(Skipped::SignatureWithoutBytes(over));
                return Ok(Err(*failed));
            }
        };
        let presented = Presented {
            key_pair_id: signed.key_pair_id,
            key,
            schemes: named.map_or([None; 2], |named| schemes(named, key.kind())),
            signature,
            memory: self.verifier.memory,
        };
        let good = find(&presented).ok_or(Refusal::SignatureMismatch);
        self.checks.judge(Step::Signature(over), good)
    }
}

impl<C: Checks> Signed<'_, C> {
    /// Returns the signature for the grant, with the text over which the key has confirmed it.
    fn over(self, text: Vec<u8>) -> Judged<Arc<ConfirmedSignature>, C> {
        self.parameters?;
        Ok(Arc::new(ConfirmedSignature {
            key: self.key?.clone(),
            text,
            signature: self.signature?,
        }))
    }
}

/// Compares resource, start, expiry and address of a custom policy with the request.
pub(super) fn permit<C: Checks>(
    verifier: &Verifier<'_>,
    policy: &Policy<'_>,
    object: &Object<'_>,
    checks: &mut C,
) -> Result<Judged<(), C>, Refusal> {
    let Verifier { now, client, .. } = *verifier;
    let resource = policy.resource.as_deref();
    let is_covered = covers(resource, object, verifier.leniency);
    let covered = pass_unless(!is_covered, Refusal::WrongResource);
    let mut permitted = checks.judge(Step::Resource(resource), covered)?;
    if let Some(from) = policy.from {
        let begun = pass_unless(now <= from, Refusal::NotYetValid(from));
        permitted = permitted.and(checks.judge(Step::Start(from), begun)?);
    }
    let until = policy.until;
    let lasts = pass_unless(now >= until, Refusal::Expired(until));
    permitted = permitted.and(checks.judge(Step::End(until), lasts)?);
    if let Some(range) = policy.ip {
        let within = pass_unless(!range.contains(client), Refusal::WrongAddress);
        permitted = permitted.and(checks.judge(Step::Address(range), within)?);
    }
    Ok(permitted)
}

fn pass_unless(fails: bool, refusal: Refusal) -> Result<(), Refusal> {
    if fails { Err(refusal) } else { Ok(()) }
}

/// A signature, the key that is to confirm it, and the schemes to try.
struct Presented<'a> {
    key_pair_id: &'a str,
    key: &'a PublicKey,
    schemes: [Option<SignatureScheme>; 2],
    signature: &'a [u8],
    memory: &'a dyn SignatureMemory,
}

impl Presented<'_> {
    /// True if the memory knows the signature to be valid by one of the schemes. The key is not used.
    fn is_remembered(&self, message: &[u8]) -> bool {
        let mut questions = self.questions(message);
        questions.any(|question| self.memory.remembers(&question))
    }

    fn verifies(&self, message: &[u8]) -> bool {
        let [_, second] = self.schemes;
        // With two schemes to try, a remembered result of the second saves trying the first.
        (second.is_some() && self.is_remembered(message)) || {
            let mut questions = self.questions(message);
            questions.any(|question| self.memory.verifies(&question))
        }
    }

    fn questions<'q>(&'q self, message: &'q [u8]) -> impl Iterator<Item = SignatureQuestion<'q>> {
        let schemes = self.schemes.iter().flatten();
        schemes.map(move |scheme| SignatureQuestion {
            key_pair_id: self.key_pair_id,
            key: self.key,
            scheme: *scheme,
            message,
            signature: self.signature,
        })
    }
}

/// Returns the schemes to try. Without a name the hash is SHA-1, but P-256 signers of before April 2026 also used
/// SHA-256 without naming it.
fn schemes(named: Option<HashAlgorithm>, kind: KeyKind) -> [Option<SignatureScheme>; 2] {
    let is_silent = named.is_none() && kind == KeyKind::P256;
    let hash = named.unwrap_or(HashAlgorithm::Sha1);
    let second = is_silent.then(|| kind.scheme(HashAlgorithm::Sha256));
    [Some(kind.scheme(hash)), second]
}
