//! Hints that need no cryptography: they follow from the text itself.

use crate::credentials::{CredentialSource, Credentials, Field};
use crate::explain::{Check, Outcome, Question};
use crate::policy;
use crate::wire::{URL_BYTES_MAX, WireParts, is_bucket};

/// Returns hints about the pasted text, whatever it is.
pub(super) fn about_text(pasted: &str) -> Vec<String> {
    let mut hints = Vec::new();
    let mut hint = |text: &str| hints.push(text.to_owned());
    if pasted.contains("&amp;") {
        hint("the link is HTML-escaped: write & in place of &amp; when it is not inside HTML");
    }
    if has_encoded_parameters(pasted) {
        hint(
            "the signing parameters are percent-encoded, so they are not recognized: decode the link once, %3F to ?, %26 to & and %3D to =",
        );
    }
    let (before, fragment) = pasted.split_once('#').unwrap_or((pasted, ""));
    if Field::ALL
        .iter()
        .any(|field| fragment.contains(field.parameter()))
    {
        hint("the signing parameters are after #, which is never sent: put them before it");
    }
    let second = |field: &Field| before.contains(&format!("?{}=", field.parameter()));
    if before.matches('?').count() > 1 && Field::ALL.iter().any(second) {
        hint(
            "the link has a second ?: join the signing parameters with & to a query that is there already",
        );
    }
    if is_cut_by_shell(pasted) {
        hint(
            "the link ends after its first parameter: put it in quotes, or the shell ends it at &",
        );
    }
    if is_presigned(before) {
        hint(
            "these parameters look like an S3 presigned URL: sign the URL of the distribution with a CloudFront key pair",
        );
    }
    if is_bucket(WireParts::cut(before).host) {
        hint("the host is the bucket itself: use the host of the distribution");
    }
    if pasted.len() > URL_BYTES_MAX {
        hint("the URL is longer than 8192 bytes: CloudFront responds with 413");
    }
    hints
}

/// True if the text itself shows why signing parameters are missing, so that no hint need mention that they are.
pub(super) fn is_mangled(pasted: &str) -> bool {
    pasted.contains("&amp;")
        || has_encoded_parameters(pasted)
        || is_presigned(pasted)
        || is_cut_by_shell(pasted)
}

/// True if only the first of the signing parameters is left: a shell takes `&` for the end of a command.
fn is_cut_by_shell(text: &str) -> bool {
    let first = text.split_once('?').map(|(_, query)| query);
    first.is_some_and(|query| {
        let starts_like_a_link = ["Expires=", "Policy="]
            .iter()
            .any(|name| query.starts_with(name));
        starts_like_a_link && !query.contains(['&', '?', '#', '%'])
    })
}

fn is_presigned(text: &str) -> bool {
    let names = ["X-Amz-Signature=", "X-Amz-Credential=", "AWSAccessKeyId="];
    names.iter().any(|name| text.contains(name))
}

/// True if a name is followed by an encoded `=`, which begins with %25 if it was encoded twice.
fn has_encoded_parameters(text: &str) -> bool {
    let names = ["Policy", "Signature", "Key-Pair-Id"];
    names.iter().any(|name| {
        let mut places = text.match_indices(name);
        places.any(|(at, _)| {
            let behind = &text[at + name.len()..];
            ["%3d", "%3D", "%253d", "%253D"]
                .iter()
                .any(|equals| behind.starts_with(equals))
        })
    })
}

/// Returns hints about the parameters or cookies.
pub(super) fn about_credentials(
    question: &Question<'_>,
    credentials: &Credentials<'_>,
) -> Vec<String> {
    let mut hints = Vec::new();
    let id = credentials.field(Field::KeyPairId).unwrap_or_default();
    hints.extend(about_id(id, question.keys.get(id).is_some()).map(str::to_owned));
    if let Some(field) = credentials.duplicate {
        hints.push(format!(
            "{} occurs twice: the URL was signed twice, or has its own parameter of that name",
            field.parameter()
        ));
    }
    let expires = credentials.field(Field::Expires);
    if expires.is_some() && credentials.field(Field::Policy).is_some() {
        hints.push(
            "both Expires and Policy are present: Policy governs, Expires can be left out"
                .to_owned(),
        );
    } else if let Some(text) = expires
        && policy::canned_expiry(text).is_none()
    {
        hints.push(about_expires(text).to_owned());
    }
    let cookies = question.cookies.unwrap_or_default();
    if credentials.source == CredentialSource::Url
        && !credentials.is_empty()
        && cookies.contains("CloudFront-")
    {
        hints.push("the cookies are ignored, since the URL has a parameter of a reserved name: remove or rename it".to_owned());
    }
    let lower = cookies.to_ascii_lowercase();
    if credentials.is_empty() && lower.contains("cloudfront-") {
        hints.push("cookie names are case-sensitive: CloudFront-Policy, CloudFront-Signature, CloudFront-Key-Pair-Id".to_owned());
    }
    let texts =
        [Field::Signature, Field::Policy].map(|field| credentials.field(field).unwrap_or_default());
    hints.extend(about_base64(&texts).map(str::to_owned));
    if credentials
        .field(Field::HashAlgorithm)
        .is_some_and(|name| !matches!(name, "SHA1" | "SHA256"))
    {
        hints.push("Hash-Algorithm is SHA1 or SHA256, in capitals and without hyphen".to_owned());
    }
    hints
}

/// Returns hints about failed checks that need no search: each follows from its check. `is_mangled` is the result of
/// [`is_mangled`].
pub(super) fn about_checks(checks: &[Check], is_mangled: bool) -> Vec<String> {
    let failed = checks
        .iter()
        .filter(|check| check.outcome == Outcome::Failed);
    let sentence = |check: &Check| {
        let (expected, found) = (&check.expected, &check.found);
        match check.name {
            "end" => Some(format!(
                "the link expired: it is valid {expected}; sign a new one"
            )),
            "start" => Some(format!(
                "the link is not valid yet: it is valid {expected}; wait, or check the clock"
            )),
            "address" => Some(format!(
                "the link is valid only for addresses {expected}, this is {found}: sign it for that address"
            )),
            "protocol" | "domain" | "path" | "query" | "resource" => Some(format!(
                "the Resource does not cover this {}: it says {expected}, the URL has {found}",
                check.name
            )),
            "Key-Pair-Id" if found == "none" && !is_mangled => Some(
                "the Key-Pair-Id is missing: use the whole link, with all its parameters"
                    .to_owned(),
            ),
            "key" => Some(
                "the key is not known here: add its public key, or sign with one that is trusted"
                    .to_owned(),
            ),
            _ => None,
        }
    };
    failed.filter_map(sentence).collect()
}

fn about_id(id: &str, known: bool) -> Option<&'static str> {
    let distribution = id.starts_with('E') && (13..=14).contains(&id.len());
    match id {
        _ if known => None,
        "" => None,
        _ if id.contains("BEGIN") => Some(
            "Key-Pair-Id is not a public key id (looks like a PEM): give the id under which the key was registered",
        ),
        _ if id.starts_with("AKIA") || id.starts_with("ASIA") => Some(
            "Key-Pair-Id looks like an AWS access key: give the id of the CloudFront public key, K… or APKA…",
        ),
        _ if distribution => Some(
            "Key-Pair-Id looks like a distribution id: give the id of the public key, K… or APKA…",
        ),
        _ => None,
    }
}

fn about_expires(text: &str) -> &'static str {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (digits, text.len()) {
        (true, 13..) => "Expires looks like milliseconds: divide it by 1000",
        (true, _) => "Expires is out of range: give seconds since 1970",
        (false, _) => "Expires must be digits only: seconds since 1970",
    }
}

fn about_base64(texts: &[&str]) -> Option<&'static str> {
    let any = |chars: &[char]| texts.iter().any(|text| text.contains(chars));
    if any(&[' ', '\n', '\r']) {
        Some(
            "there is white space in the base64: + was turned into a space, or lines were broken; replace + = / by - _ ~ when signing",
        )
    } else if any(&['+', '/', '=']) {
        Some(
            "the base64 is in the standard alphabet: Privet reads it, CloudFront does not; replace + = / by - _ ~",
        )
    } else {
        None
    }
}
