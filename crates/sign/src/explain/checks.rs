//! The checks of `verify`, each with what would pass and what there is.

use crate::credentials::{CredentialSource, Credentials, Field};
use crate::encoding;
use crate::explain::ledger::Ledger;
use crate::explain::sections::check_resource;
use crate::explain::whole::{self, Misfit};
use crate::explain::{Question, moment};
use crate::id::is_id_shaped;
use crate::key::PublicKey;
use crate::object::{Object, canned_text};
use crate::policy::{self, Policy};
use crate::refusal::ErrorCode;
use crate::scheme::SignatureScheme;
use crate::verifier::{named_hash, schemes};
use crate::viewer::ViewerUrl;

/// What the checks leave for the hints.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) policy_text: Option<String>,
    pub(super) signature_mismatch: bool,
    /// What the signature's length alone tells.
    pub(super) misfit: Option<String>,
    pub(super) hints: Vec<String>,
}

/// Runs all checks; later ones also run after a failure, as far as they make sense.
pub(super) fn run(
    question: &Question<'_>,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    ledger: &mut Ledger,
) -> Findings {
    let mut findings = Findings::default();
    check_source(credentials, ledger);
    let key = check_key(question, credentials, ledger);
    let (signature, misfit) = check_signature_text(key, credentials, ledger);
    let object = Object::of_url(url);
    if let Some(text) = credentials.field(Field::Policy) {
        run_custom(
            question,
            &object,
            credentials,
            (key, signature),
            text,
            ledger,
            &mut findings,
        );
    } else {
        run_canned(
            question,
            &object,
            credentials,
            (key, signature),
            ledger,
            &mut findings,
        );
    }
    findings.misfit = misfit.map(|misfit| {
        let id = credentials.field(Field::KeyPairId).unwrap_or_default();
        misfit.hint(id)
    });
    findings
}

/// A key that is known, and a signature that decodes.
type Signed<'a> = (Option<&'a PublicKey>, Option<Vec<u8>>);

fn check_source(credentials: &Credentials<'_>, ledger: &mut Ledger) {
    let found = match (credentials.is_empty(), credentials.source) {
        (true, _) => "neither: the request is unsigned",
        (false, CredentialSource::Url) => {
            "the URL has reserved parameters, so cookies are not looked at"
        }
        (false, CredentialSource::Cookies) => "signed cookies",
        (false, CredentialSource::Session) => "a session token in the path",
    };
    ledger.note("source", "signed URL or signed cookies", found);
    if let Some(field) = credentials.duplicate {
        let found = format!("{} occurs twice", field.parameter());
        ledger.check(
            "parameters",
            false,
            ErrorCode::AccessDenied,
            "each reserved parameter once",
            &found,
        );
    }
}

fn check_key<'a>(
    question: &Question<'a>,
    credentials: &Credentials<'_>,
    ledger: &mut Ledger,
) -> Option<&'a PublicKey> {
    let id = credentials.field(Field::KeyPairId).unwrap_or_default();
    let found = if id.is_empty() { "none" } else { id };
    let expected = "the id of a public key, capital letters and digits";
    if !ledger.check(
        "Key-Pair-Id",
        is_id_shaped(id),
        ErrorCode::MissingKey,
        expected,
        found,
    ) {
        ledger.skip("key", "a key that is trusted here", "no id to look up");
        return None;
    }
    if question.keys.is_empty() {
        ledger.unknown(
            "key",
            "a key that is trusted here",
            &format!("no public key for {id} was given"),
        );
        return None;
    }
    let key = question.keys.get(id);
    let found = key.map_or_else(
        || format!("{id} is unknown"),
        |key| format!("{id}, {}", key.kind()),
    );
    ledger.check(
        "key",
        key.is_some(),
        ErrorCode::InvalidKey,
        "a key that is trusted here",
        &found,
    );
    key
}

/// The decoded signature, and what its length tells.
fn check_signature_text(
    key: Option<&PublicKey>,
    credentials: &Credentials<'_>,
    ledger: &mut Ledger,
) -> (Option<Vec<u8>>, Option<Misfit>) {
    let text = credentials.field(Field::Signature).unwrap_or_default();
    if text.is_empty() {
        ledger.check(
            "Signature",
            false,
            ErrorCode::AccessDenied,
            "a signature",
            "none",
        );
        return (None, None);
    }
    let signature = encoding::decode(text);
    let misfit = key.and_then(|key| match &signature {
        Some(signature) => whole::misfit(key, signature),
        None => whole::cut_text(key, text),
    });
    if let (Some(misfit), Some(_)) = (&misfit, &signature) {
        ledger.foresee("Signature", "a whole signature of the key", misfit.found());
        return (signature, Some(misfit.clone()));
    }
    let found = match &signature {
        Some(signature) => format!("{} bytes", signature.len()),
        None => format!("characters that are not base64, or wrong padding: {text}"),
    };
    ledger.check(
        "Signature",
        signature.is_some(),
        ErrorCode::MalformedSignature,
        "base64 with - _ ~ for + = /",
        &found,
    );
    (signature, misfit)
}

fn check_hash(
    credentials: &Credentials<'_>,
    key: Option<&PublicKey>,
    ledger: &mut Ledger,
) -> Vec<SignatureScheme> {
    let found = credentials
        .field(Field::HashAlgorithm)
        .unwrap_or("none, which means SHA1");
    let named = named_hash(credentials);
    let passed = named.is_ok();
    ledger.check(
        "Hash-Algorithm",
        passed,
        ErrorCode::AccessDenied,
        "SHA1, SHA256 or none",
        found,
    );
    match (named, key) {
        (Ok(named), Some(key)) => schemes(named, key.kind()).collect(),
        (Err(_), _) | (_, None) => Vec::new(),
    }
}

fn run_canned(
    question: &Question<'_>,
    object: &Object<'_>,
    credentials: &Credentials<'_>,
    (key, signature): Signed<'_>,
    ledger: &mut Ledger,
    findings: &mut Findings,
) {
    let expires = credentials.field(Field::Expires);
    let until = expires.and_then(policy::canned_expiry);
    let found = expires.unwrap_or("neither Expires nor Policy");
    let expected = "seconds since 1970, up to the year 9999";
    ledger.check(
        "Expires",
        until.is_some(),
        ErrorCode::MalformedPolicy,
        expected,
        found,
    );
    let schemes = check_hash(credentials, key, ledger);
    if let Some(digits) = expires.filter(|_| until.is_some()) {
        let text = std::cell::RefCell::new(None);
        let good = canned_text(object, digits, &question.leniency, |message| {
            text.borrow_mut()
                .get_or_insert_with(|| String::from_utf8_lossy(message).into_owned());
            verifies(key, signature.as_deref(), &schemes, message)
        })
        .is_some();
        findings.policy_text = text.into_inner();
        check_verifies(
            good,
            key,
            signature.is_some(),
            &findings.policy_text,
            ledger,
        );
        findings.signature_mismatch = !good && signature.is_some();
    } else {
        ledger.skip(
            "signature",
            "made over the policy",
            "there is no policy to rebuild",
        );
    }
    if let Some(until) = until {
        check_end(question, until, ledger);
    }
}

fn run_custom(
    question: &Question<'_>,
    object: &Object<'_>,
    credentials: &Credentials<'_>,
    (key, signature): Signed<'_>,
    text: &str,
    ledger: &mut Ledger,
    findings: &mut Findings,
) {
    check_expires_beside_policy(credentials, ledger);
    let Some(bytes) = encoding::decode(text) else {
        ledger.check(
            "Policy",
            false,
            ErrorCode::MalformedPolicy,
            "base64 with - _ ~ for + = /",
            text,
        );
        ledger.skip(
            "signature",
            "made over the policy",
            "the policy cannot be decoded",
        );
        return;
    };
    findings.policy_text = Some(String::from_utf8_lossy(&bytes).into_owned());
    let parsed = Policy::parse(&bytes, question.leniency.statement_form());
    let found = match &parsed {
        Ok(_) => "a policy".to_owned(),
        Err(error) => error.to_string(),
    };
    let expected = "JSON with one statement, a Resource and DateLessThan";
    ledger.check(
        "Policy",
        parsed.is_ok(),
        ErrorCode::MalformedPolicy,
        expected,
        &found,
    );
    if parsed.is_err() {
        findings.hints.push(found);
    }
    let schemes = check_hash(credentials, key, ledger);
    let good = verifies(key, signature.as_deref(), &schemes, &bytes);
    check_verifies(
        good,
        key,
        signature.is_some(),
        &findings.policy_text,
        ledger,
    );
    findings.signature_mismatch = !good && signature.is_some();
    if let Ok(policy) = &parsed {
        check_resource(question, object, policy.resource.as_deref(), ledger);
        if let Some(from) = policy.from {
            let (expected, found) = (format!("after {}", moment(from)), moment(question.now));
            ledger.check(
                "start",
                question.now > from,
                ErrorCode::AccessDenied,
                &expected,
                &found,
            );
        }
        check_end(question, policy.until, ledger);
        check_address(question, policy, ledger);
    }
}

/// What is sound there does not count, and is not spoken of.
fn check_expires_beside_policy(credentials: &Credentials<'_>, ledger: &mut Ledger) {
    let expires = credentials.field(Field::Expires);
    if let Some(text) = expires.filter(|text| policy::canned_expiry(text).is_none()) {
        let expected = "none beside Policy, or seconds since 1970";
        ledger.check("Expires", false, ErrorCode::MalformedPolicy, expected, text);
    }
}

fn verifies(
    key: Option<&PublicKey>,
    signature: Option<&[u8]>,
    schemes: &[SignatureScheme],
    message: &[u8],
) -> bool {
    match (key, signature) {
        (Some(key), Some(signature)) => schemes
            .iter()
            .any(|scheme| key.verify(*scheme, message, signature)),
        (None, _) | (_, None) => false,
    }
}

fn check_verifies(
    good: bool,
    key: Option<&PublicKey>,
    decodes: bool,
    text: &Option<String>,
    ledger: &mut Ledger,
) {
    let expected = format!(
        "made by the key over {}",
        text.as_deref().unwrap_or_default()
    );
    match (key, decodes) {
        (None, _) => ledger.skip("signature", &expected, "no key to check it with"),
        (_, false) => ledger.skip("signature", &expected, "no signature"),
        (Some(_), true) => {
            let found = if good {
                "made by the key over this text"
            } else {
                "it was made over another text, by another key, or with another hash"
            };
            ledger.check("signature", good, ErrorCode::AccessDenied, &expected, found);
        }
    }
}

fn check_end(question: &Question<'_>, until: crate::time::Timestamp, ledger: &mut Ledger) {
    let expected = format!("before {}", moment(until));
    ledger.check(
        "end",
        question.now < until,
        ErrorCode::AccessDenied,
        &expected,
        &moment(question.now),
    );
}

fn check_address(question: &Question<'_>, policy: &Policy<'_>, ledger: &mut Ledger) {
    let Some(range) = policy.ip else { return };
    let expected = format!("in {range}");
    match question.client {
        Some(client) => {
            let passed = range.contains(client);
            ledger.check(
                "address",
                passed,
                ErrorCode::AccessDenied,
                &expected,
                &client.to_string(),
            );
        }
        None => {
            let found = format!("no client address was given: the link opens only from {range}");
            ledger.unknown("address", &expected, &found);
        }
    }
}
