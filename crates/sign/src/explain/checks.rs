//! The checks of the edge in words: for each, the value that would pass and the value found.

use crate::checks::{Checks, SignedText, Skipped, Step};
use crate::credentials::{CredentialSource, Credentials, Field};
use crate::encoding;
use crate::explain::ledger::Ledger;
use crate::explain::sections::note_resource;
use crate::explain::whole;
use crate::explain::{Question, moment};
use crate::grant::ConfirmedSignature;
use crate::key::PublicKey;
use crate::link_id::LinkId;
use crate::link_mark::LinkMark;
use crate::object::{Object, canned_text};
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::time::Timestamp;

const TRUSTED: &str = "a key that is trusted here";
const BASE64: &str = "base64 with - _ ~ for + = /";
const UNDECODABLE: &str = "the signature is not base64 in CloudFront's alphabet (letters, digits, - _ ~): copy the link whole, and \
    let nothing on its way change or add characters";

/// The findings of the checks, from which hints are made.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) policy_text: Option<String>,
    pub(super) link_id: Option<LinkId>,
    pub(super) link_mark: Option<LinkMark>,
    pub(super) key_pair_id: Option<String>,
    pub(super) until: Option<Timestamp>,
    pub(super) signature_mismatch: bool,
    /// Hint that follows from the signature's text alone: its length, or characters that it cannot have.
    pub(super) misfit: Option<String>,
    pub(super) hints: Vec<String>,
}

/// A listener that records every check, and lets none end the walk.
pub(super) struct Listener<'e> {
    question: &'e Question<'e>,
    object: &'e Object<'e>,
    credentials: &'e Credentials<'e>,
    ledger: &'e mut Ledger,
    pub(super) findings: Findings,
}

impl<'e> Listener<'e> {
    pub(super) fn new(
        question: &'e Question<'e>,
        object: &'e Object<'e>,
        credentials: &'e Credentials<'e>,
        ledger: &'e mut Ledger,
    ) -> Self {
        let found = match (credentials.is_empty(), credentials.source) {
            (true, _) => "neither: the request is unsigned",
            (false, CredentialSource::Url) => {
                "the URL has reserved parameters, so cookies are ignored"
            }
            (false, CredentialSource::Cookies) => "signed cookies",
            (false, CredentialSource::PathToken) => "a path token in the path",
        };
        ledger.note("source", "signed URL or signed cookies", found);
        Listener {
            question,
            object,
            credentials,
            ledger,
            findings: Findings::default(),
        }
    }

    /// Records the outcome of a check.
    fn tell(&mut self, step: Step<'_>, refusal: Option<&Refusal>) {
        match step {
            Step::Parameters => self.tell_parameters(refusal),
            Step::KeyPairId(id) => {
                let found = if id.is_empty() { "none" } else { id };
                let expected = "the id of a public key, capital letters and digits";
                self.ledger.judge("Key-Pair-Id", refusal, expected, found);
            }
            Step::Key { id, key } => self.tell_key(id, key, refusal),
            Step::SignatureText { text, key } => self.tell_signature_text(text, key, refusal),
            Step::Expires(text) => {
                let found = text.unwrap_or("neither Expires nor Policy");
                let expected = "seconds since 1970, up to the year 9999";
                self.ledger.judge("Expires", refusal, expected, found);
            }
            // A well-formed one does not count here, and is not mentioned.
            Step::ExpiresBesidePolicy(text) if refusal.is_some() => {
                let expected = "none beside Policy, or seconds since 1970";
                let found = text.unwrap_or_default();
                self.ledger.judge("Expires", refusal, expected, found);
            }
            // The decoded policy is mentioned instead.
            Step::PolicyText(text) if refusal.is_some() => {
                self.ledger.judge("Policy", refusal, BASE64, text);
            }
            Step::ExpiresBesidePolicy(_) | Step::PolicyText(_) => {}
            Step::Policy(bytes) => self.tell_policy(bytes, refusal),
            Step::HashAlgorithm => {
                let named = self.credentials.field(Field::HashAlgorithm);
                let found = named.unwrap_or("none, which means SHA1");
                let expected = "SHA1, SHA256 or none";
                self.ledger
                    .judge("Hash-Algorithm", refusal, expected, found);
            }
            Step::Signature(over) => self.tell_signature(over, refusal),
            Step::Resource(resource) => {
                let leniency = &self.question.leniency;
                // The refusal counts, whichever section is at fault.
                self.ledger.refuse(refusal);
                note_resource(self.object, resource, leniency, refusal, self.ledger);
            }
            Step::Start(from) => self.tell_moment("start", refusal, "after", from),
            Step::End(until) => {
                self.findings.until = Some(until);
                self.tell_moment("end", refusal, "before", until);
            }
            Step::Address(range) => {
                let expected = format!("in {range}");
                match self.question.client {
                    Some(client) => {
                        let found = client.to_string();
                        self.ledger.judge("address", refusal, &expected, &found);
                    }
                    None => {
                        let found = format!(
                            "no viewer address was given: the link is valid only from {range}"
                        );
                        self.ledger.unknown("address", &expected, &found);
                    }
                }
            }
        }
    }

    fn tell_parameters(&mut self, refusal: Option<&Refusal>) {
        if let Some(field) = self.credentials.duplicate {
            let found = format!("{} occurs twice", field.parameter());
            let expected = "each reserved parameter once";
            self.ledger.judge("parameters", refusal, expected, &found);
        }
    }

    fn tell_key(&mut self, id: &str, key: Option<&PublicKey>, refusal: Option<&Refusal>) {
        if self.question.keys.is_empty() {
            let found = format!("no public key for {id} was given");
            self.ledger.unknown("key", TRUSTED, &found);
            return;
        }
        let found = key.map_or_else(
            || format!("{id} is unknown"),
            |key| format!("{id}, {}", key.kind()),
        );
        self.ledger.judge("key", refusal, TRUSTED, &found);
    }

    /// Records whether the text decodes, and a wrong length, which the edge notices only when the signature
    /// does not verify.
    fn tell_signature_text(
        &mut self,
        text: &str,
        key: Option<&PublicKey>,
        refusal: Option<&Refusal>,
    ) {
        if text.is_empty() {
            self.ledger
                .judge("Signature", refusal, "a signature", "none");
            return;
        }
        let signature = encoding::decode(text);
        let misfit = key.and_then(|key| match &signature {
            Some(signature) => whole::misfit(key, signature),
            None => whole::cut_text(key, text),
        });
        let id = self.credentials.field(Field::KeyPairId).unwrap_or_default();
        let undecodable = || signature.is_none().then(|| UNDECODABLE.to_owned());
        let hint = misfit.as_ref().map(|misfit| misfit.hint(id));
        self.findings.misfit = hint.or_else(undecodable);
        match (&misfit, &signature) {
            (Some(misfit), Some(_)) => {
                let expected = "a whole signature of the key";
                self.ledger.foresee("Signature", expected, misfit.found());
            }
            (None, Some(signature)) => {
                let found = format!("{} bytes", signature.len());
                self.ledger.judge("Signature", refusal, BASE64, &found);
            }
            (_, None) => {
                let found = format!("characters that are not base64, or wrong padding: {text}");
                self.ledger.judge("Signature", refusal, BASE64, &found);
            }
        }
    }

    fn tell_policy(&mut self, bytes: &[u8], refusal: Option<&Refusal>) {
        self.findings.policy_text = Some(String::from_utf8_lossy(bytes).into_owned());
        let error = match refusal {
            Some(Refusal::MalformedPolicy(error)) => Some(error.to_string()),
            Some(other) => Some(other.to_string()),
            None => None,
        };
        let expected = "JSON with one statement, a Resource and DateLessThan";
        let found = error.as_deref().unwrap_or("a policy");
        self.ledger.judge("Policy", refusal, expected, found);
        self.findings.hints.extend(error);
        let read = Policy::parse(bytes, self.question.leniency.statement_form());
        self.findings.link_mark = read.ok().and_then(|policy| policy.mark.as_deref().copied());
    }

    fn tell_signature(&mut self, over: SignedText<'_>, refusal: Option<&Refusal>) {
        let expected = self.expected_signature(over);
        let found = match refusal {
            None => "made by the key over this text",
            Some(_) => "it was made over another text, by another key, or with another hash",
        };
        self.findings.signature_mismatch = refusal.is_some();
        self.ledger.judge("signature", refusal, &expected, found);
    }

    /// Returns the expected signature in words, and records the text that had to be signed.
    fn expected_signature(&mut self, over: SignedText<'_>) -> String {
        let text = match over {
            SignedText::Canned(digits) => {
                canned_text(self.object, digits, &self.question.leniency, |_| true)
            }
            SignedText::Custom(bytes) => Some(bytes.to_vec()),
        };
        let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
        let expected = format!(
            "made by the key over {}",
            text.as_deref().unwrap_or_default()
        );
        self.findings.policy_text = text;
        expected
    }

    fn tell_moment(
        &mut self,
        name: &'static str,
        refusal: Option<&Refusal>,
        relation: &str,
        time: Timestamp,
    ) {
        let (expected, found) = (
            format!("{relation} {}", moment(time)),
            moment(self.question.now),
        );
        self.ledger.judge(name, refusal, &expected, &found);
    }
}

/// Placeholder for the value of a failed check.
#[derive(Clone, Copy)]
pub(super) struct Failed;

impl Checks for Listener<'_> {
    type Failed = Failed;

    fn passed(&mut self, step: Step<'_>) {
        self.tell(step, None);
    }

    fn failed(&mut self, step: Step<'_>, refusal: Refusal) -> Result<Failed, Refusal> {
        self.tell(step, Some(&refusal));
        Ok(Failed)
    }

    fn skipped(&mut self, skipped: Skipped<'_>) {
        let any = "made over the policy".to_owned();
        let (expected, found) = match skipped {
            Skipped::KeyWithoutId => {
                self.ledger.skip("key", TRUSTED, "no id to look up");
                return;
            }
            Skipped::SignatureWithoutKey(over) => {
                let text = self.credentials.field(Field::Signature).unwrap_or_default();
                let decodes = !text.is_empty() && encoding::decode(text).is_some();
                self.findings.signature_mismatch = decodes;
                (self.expected_signature(over), "no key to check it with")
            }
            Skipped::SignatureWithoutBytes(over) => (self.expected_signature(over), "no signature"),
            Skipped::SignatureWithoutPolicy => (any, "the policy cannot be decoded"),
            Skipped::SignatureWithoutExpires => (any, "there is no policy to rebuild"),
        };
        self.ledger.skip("signature", &expected, found);
    }

    fn confirmed(&mut self, signed: &ConfirmedSignature) {
        self.findings.link_id = Some(LinkId::of(&signed.key, &signed.text));
        self.findings.key_pair_id = self.credentials.field(Field::KeyPairId).map(str::to_owned);
    }
}
