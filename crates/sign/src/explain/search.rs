//! Finds the text, key or form by which a signature that does not verify was really made.
//!
//! The search tries known mistakes one at a time, a few hundred texts at most.

use crate::credentials::{Credentials, Field, own_query};
use crate::encoding;
use crate::explain::{Question, spelling};
use crate::key::PublicKey;
use crate::object::{Object, canned_text};
use crate::policy;
use crate::scheme::{HashAlgorithm, KeyKind};
use crate::viewer::ViewerUrl;

/// Maximum number of keys that are tried.
const KEYS_MAX: usize = 64;
/// Maximum number of verifications in one search; they take some ten milliseconds.
const TRIES_MAX: usize = 600;
/// Length of the longest text that is respelled.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// Returns advice where the search finds nothing. `None` if a missing id says enough. A link with a custom policy
/// carries the signed text along, so that fewer mistakes are possible.
pub(super) fn unknown_mistake(credentials: &Credentials<'_>) -> Option<String> {
    let id = credentials.field(Field::KeyPairId)?;
    if id.is_empty() {
        return None;
    }
    Some(if credentials.field(Field::Policy).is_some() {
        format!(
            "the signature does not match this policy: either the policy was changed after it was signed, or another \
             private key than that of {id} signed it"
        )
    } else {
        format!(
            "the signature does not match this URL: usually the path, the host, the port or the protocol was changed after \
             signing, another private key than that of {id} signed it, or a proxy terminates TLS and the edge takes \
             the link for http"
        )
    })
}

/// Returns one sentence: the mistake that explains the signature.
pub(super) fn known_mistake(
    question: &Question<'_>,
    pasted: &str,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
) -> Option<String> {
    let signature = encoding::decode(credentials.field(Field::Signature)?)?;
    let messages = messages(question, url, credentials)?;
    let id = credentials.field(Field::KeyPairId).unwrap_or_default();
    let key = question.keys.get(id);
    key.and_then(|key| wrong_form(key, &messages, &signature))
        .or_else(|| other_key(question, id, &messages, &signature))
        .or_else(|| other_text(key?, pasted, url, credentials, &messages, &signature))
}

/// Returns the texts over which the edge would accept a signature.
fn messages(
    question: &Question<'_>,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
) -> Option<Vec<Vec<u8>>> {
    if let Some(text) = credentials.field(Field::Policy) {
        return Some(vec![encoding::decode(text)?]);
    }
    let expires = credentials.field(Field::Expires)?;
    let object = Object::of_url(url);
    let messages = std::cell::RefCell::new(Vec::new());
    canned_text(&object, expires, &question.leniency, |message| {
        messages.borrow_mut().push(message.to_vec());
        false
    });
    Some(messages.into_inner())
}

/// Tries the right text and key with another hash or another form of signature.
fn wrong_form(key: &PublicKey, messages: &[Vec<u8>], signature: &[u8]) -> Option<String> {
    let verifies = |hash, signature: &[u8]| {
        let scheme = key.kind().scheme(hash);
        messages
            .iter()
            .any(|message| key.verify(scheme, message, signature))
    };
    if verifies(HashAlgorithm::Sha256, signature) {
        return Some(
            "SHA256 signature without Hash-Algorithm=SHA256: add the parameter, or sign with SHA-1"
                .to_owned(),
        );
    }
    if verifies(HashAlgorithm::Sha1, signature) {
        return Some("SHA1 signature with Hash-Algorithm=SHA256: leave the parameter out, or sign with SHA-256".to_owned());
    }
    match key.kind() {
        KeyKind::P256 => {
            let der = raw_to_der(signature)?;
            let hashes = [HashAlgorithm::Sha1, HashAlgorithm::Sha256];
            hashes
                .iter()
                .any(|hash| verifies(*hash, &der))
                .then(|| "the ECDSA signature is raw r||s: encode it as ASN.1 DER".to_owned())
        }
        KeyKind::Rsa { .. } => messages
            .iter()
            .any(|message| key.verify_pss(message, signature))
            .then(|| "the signature uses RSA-PSS padding: sign with PKCS#1 v1.5".to_owned()),
    }
}

/// Encodes 64 bytes of r and s as the DER that CloudFront requires.
fn raw_to_der(signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() != 64 {
        return None;
    }
    let mut body = Vec::with_capacity(72);
    for number in signature.chunks(32) {
        let start = number.iter().position(|byte| *byte != 0).unwrap_or(31);
        let number = &number[start..];
        let sign = usize::from(number[0] & 0x80 != 0);
        body.extend([0x02, u8::try_from(number.len() + sign).ok()?]);
        body.extend(std::iter::repeat_n(0, sign));
        body.extend_from_slice(number);
    }
    let mut der = vec![0x30, u8::try_from(body.len()).ok()?];
    der.extend(body);
    Some(der)
}

fn other_key(
    question: &Question<'_>,
    id: &str,
    messages: &[Vec<u8>],
    signature: &[u8],
) -> Option<String> {
    let made_it = |key: &PublicKey| {
        messages.iter().any(|message| {
            let mut schemes = key.kind().schemes().iter();
            schemes.any(|scheme| key.verify(*scheme, message, signature))
        })
    };
    let mut others = question
        .keys
        .iter()
        .filter(|(other, _)| other.as_str() != id)
        .take(KEYS_MAX);
    let (other, _) = others.find(|(_, key)| made_it(key))?;
    if id.is_empty() {
        return Some(format!(
            "the signature was made by the key {other}: the link has to end with &Key-Pair-Id={other}"
        ));
    }
    Some(format!(
        "the signature was made by the key {other}, but Key-Pair-Id says {id}: use the id of the signing key"
    ))
}

fn other_text(
    key: &PublicKey,
    pasted: &str,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    messages: &[Vec<u8>],
    signature: &[u8],
) -> Option<String> {
    if pasted.len() > TEXT_BYTES_MAX {
        return None;
    }
    let expires = credentials.field(Field::Expires);
    let candidates = match (credentials.field(Field::Policy), expires) {
        (Some(text), _) => custom_texts(messages.first()?, text),
        (None, Some(expires)) => canned_texts(pasted, url, expires),
        (None, None) => return None,
    };
    let named = match credentials.field(Field::HashAlgorithm) {
        Some("SHA256") => &[key.kind().scheme(HashAlgorithm::Sha256)],
        Some(_) => &[key.kind().scheme(HashAlgorithm::Sha1)],
        None => key.kind().schemes(),
    };
    let made_over = |text: &[u8]| {
        let mut schemes = named.iter();
        schemes.any(|scheme| key.verify(*scheme, text, signature))
    };
    let found = candidates
        .into_iter()
        .take(TRIES_MAX)
        .find(|(text, _)| made_over(text));
    found.map(|(_, meaning)| meaning.to_owned())
}

type Candidate = (Vec<u8>, &'static str);

/// Returns the texts that may have been signed in place of a custom policy.
fn custom_texts(sent: &[u8], base64: &str) -> Vec<Candidate> {
    let text = String::from_utf8_lossy(sent);
    let spacing =
        "the policy was signed with other white space than it was sent with: send the signed bytes";
    let escaping =
        "the policy was signed before its characters were escaped, or after: send the signed bytes";
    let mut texts = vec![
        (policy::minify(&text), spacing),
        (text.split_ascii_whitespace().collect(), spacing),
        (
            text.replacen("\"Statement\":[", "\"Statement\": [", 1),
            spacing,
        ),
        (text.trim().to_owned(), spacing),
        (format!("{text}\n"), spacing),
        (format!("{text}\r\n"), spacing),
        (text.replace("\r\n", "\n"), spacing),
        (text.replace('&', "\\u0026"), escaping),
        (text.replace("\\u0026", "&"), escaping),
        (text.replace('/', "\\/"), escaping),
        (text.replace("\\/", "/"), escaping),
    ];
    let encoded = "the base64 text of the policy was signed: sign the JSON, then encode it";
    texts.push((base64.to_owned(), encoded));
    texts.push((
        base64.replace('-', "+").replace('_', "=").replace('~', "/"),
        encoded,
    ));
    texts
        .into_iter()
        .map(|(text, meaning)| (text.into_bytes(), meaning))
        .collect()
}

/// Returns the texts that may have been signed in place of the canned text that the edge rebuilds.
fn canned_texts(pasted: &str, url: &ViewerUrl<'_>, expires: &str) -> Vec<Candidate> {
    let canned = |resource: &str, expires: &str| {
        let mut text = Vec::new();
        policy::canned_into(&[resource], expires, &mut text);
        text
    };
    let query = own_query(url.query);
    let delimiter = if query.is_empty() { "" } else { "?" };
    let sent = format!(
        "{}://{}{}{delimiter}{query}",
        url.scheme.as_str(),
        url.host,
        url.path
    );
    let mut texts = vec![
        (
            canned(&sent, &format!("{expires}000")),
            "the policy was signed with milliseconds: divide the expiry by 1000",
        ),
        (
            canned(&sent, &format!("\"{expires}\"")),
            "AWS:EpochTime must be an integer, got string: sign it without quotes",
        ),
    ];
    let spacing =
        "the canned policy was signed with spaces: it must have none, since the edge rebuilds it";
    let compact = String::from_utf8_lossy(&canned(&sent, expires)).into_owned();
    texts.push((
        compact
            .replacen("\"Statement\":[", "\"Statement\": [", 1)
            .into_bytes(),
        spacing,
    ));
    texts.push((
        compact
            .replace("\":", "\": ")
            .replace(",\"", ", \"")
            .into_bytes(),
        spacing,
    ));
    texts.push((format!("{compact}\n").into_bytes(), spacing));
    let spellings = spelling::all(pasted, url);
    texts.extend(
        spellings
            .iter()
            .map(|spelling| (canned(&spelling.resource, expires), spelling.meaning)),
    );
    texts
}
