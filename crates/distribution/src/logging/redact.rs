//! Removes signatures, policies and path tokens from text that is logged. The label left in their place names the grant
//! without granting anything.

use crate::cookies::is_of_a_visit;
use crate::percent::percent_decoded;
use budget::OverBudget;
use embedded::{Hints, Scope, cut_length, may_carry_credentials, redact_text};
use std::borrow::Cow;

mod budget;
#[cfg(test)]
mod cost;
mod decoded;
mod embedded;
mod hexadecimal;
#[cfg(test)]
mod leaks;
mod named;
mod numbers;
mod pieces;
mod profile;
mod runs;

/// Replaces the values of `Policy` and `Signature` in `query` by `grant:<fingerprint>`, leaving order and all other
/// parameters as they are. If the signature cannot be one, the values become `redacted`.
///
/// Names are compared percent-decoded, as in the signature check. Links in the values of other parameters are redacted
/// too, however often they were percent-encoded. Redacting twice changes nothing more.
///
/// As with all functions here, the whole text becomes `redacted` if examining it takes too much work.
pub fn redact_query(query: &str) -> Cow<'_, str> {
    redact(query, 0, '&', parameter_value)
}

/// Replaces `CloudFront-Policy` and `CloudFront-Signature` in the value of a `Cookie` header in the same way, and the
/// values of cookies that prove visits by `redacted`.
///
/// Names are compared case-insensitively: a misspelt cookie is no credential, but still a secret.
pub fn redact_cookies(value: &str) -> Cow<'_, str> {
    match without_visits(value) {
        Cow::Borrowed(value) => redact(value, 0, ';', cookie_value),
        Cow::Owned(value) => Cow::Owned(redact(&value, 0, ';', cookie_value).into_owned()),
    }
}

/// Replaces the values of cookies that prove visits.
fn without_visits(value: &str) -> Cow<'_, str> {
    let is_visit = |piece: &str| is_of_a_visit(piece.trim_start().as_bytes());
    if !value.split(';').any(is_visit) {
        return Cow::Borrowed(value);
    }
    let redacted = value.split(';').map(|piece| match piece.split_once('=') {
        Some((name, _)) if is_visit(piece) => Cow::Owned(format!("{name}=redacted")),
        Some(_) | None => Cow::Borrowed(piece),
    });
    Cow::Owned(redacted.collect::<Vec<_>>().join(";"))
}

/// Redacts the query of a URL, and credentials in its path. The URL is also examined as a whole, across `?`.
pub(crate) fn redact_url(url: &str) -> Cow<'_, str> {
    let query_at = url.find('?').map_or(url.len(), |at| at + 1);
    redact(url, query_at, '&', parameter_value)
}

/// Redacts links and bare signatures in any text from a viewer: a path with an encoded `?`, a header.
///
/// Use this for any text from viewers that an operator reads.
pub fn redact_viewer_text(text: &str) -> Cow<'_, str> {
    or_all(redact_text(text, Scope::Anything, Hints::default()))
}

/// Removes the grants of links from a URL, or from text with URLs in it: path tokens in paths, and parameters named
/// `Policy` or `Signature` at any depth of escaping. The rest is left as it is, for a program to read. Returns `None`
/// if examining it takes too much work.
pub(crate) fn redact_links(url: &str) -> Option<Cow<'_, str>> {
    redact_text(url, Scope::Urls, Hints::default()).ok()
}

fn or_all(redacted: Result<Cow<'_, str>, OverBudget>) -> Cow<'_, str> {
    redacted.unwrap_or(Cow::Borrowed("redacted"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secret {
    Policy,
    Signature,
    /// A token in a path, only found inside other text.
    PathToken,
    /// A text without a name that looks like one of the others, only found inside other text.
    Run,
}

/// Returns the start of a parameter's value if the value is a secret.
fn parameter_value(piece: &str) -> Option<(usize, Secret)> {
    let (name, _) = piece.split_once('=')?;
    let secret = match &*percent_decoded(name) {
        b"Policy" => Secret::Policy,
        b"Signature" => Secret::Signature,
        _ => return None,
    };
    Some((name.len() + 1, secret))
}

fn cookie_value(piece: &str) -> Option<(usize, Secret)> {
    let (name, _) = piece.split_once('=')?;
    let trimmed = name.trim();
    let secret = if trimmed.eq_ignore_ascii_case("CloudFront-Policy") {
        Secret::Policy
    } else if trimmed.eq_ignore_ascii_case("CloudFront-Signature") {
        Secret::Signature
    } else {
        return None;
    };
    Some((name.len() + 1, secret))
}

/// Redacts the pieces of `text` from `from` on. `split` returns the start of a piece's value if it is a secret.
fn redact(
    text: &str,
    from: usize,
    separator: char,
    split: fn(&str) -> Option<(usize, Secret)>,
) -> Cow<'_, str> {
    if !may_carry_credentials(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let pieces = || text[from..].split(separator);
    if pieces().all(|piece| split(piece).is_none()) {
        return redact_viewer_text(text);
    }
    let signature = pieces().find_map(|piece| match split(piece) {
        Some((at, Secret::Signature)) => Some(piece[at..].trim()),
        Some((_, Secret::Policy | Secret::PathToken | Secret::Run)) | None => None,
    });
    let label = signature.map_or_else(|| "redacted".to_owned(), label);
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..from]);
    let mut cuts = Vec::new();
    for (position, piece) in pieces().enumerate() {
        if position > 0 {
            out.push(separator);
        }
        let Some((at, _)) = split(piece) else {
            out.push_str(piece);
            continue;
        };
        out.push_str(&piece[..at]);
        let value = piece[at..].trim();
        let cut = cut_length(&percent_decoded(value)).filter(|_| !is_label(value));
        cuts.extend(cut.map(|characters| (out.len(), characters)));
        out.push_str(&label);
    }
    // All pieces are examined together, since a separator may be part of an escape.
    let hints = Hints {
        policy_label: Some(&label),
        cuts: &cuts,
    };
    let redacted = redact_text(&out, Scope::Anything, hints).map(Cow::into_owned);
    or_all(redacted.map(Cow::Owned))
}

/// Returns the fingerprint of a text with the length of a signature. The fingerprint of a shorter text would reveal it,
/// since all candidates could be tried.
fn label(signature: &str) -> String {
    if is_label(signature) {
        return signature.to_owned();
    }
    let is_signature = decoded_length(&percent_decoded(signature)).is_some_and(is_signature_length);
    { is_signature.then(|| privet_sign::fingerprint(signature)) }
        .flatten()
        .map_or_else(|| "redacted".to_owned(), |digits| format!("grant:{digits}"))
}

/// Returns true for the signature lengths of RSA keys, and of P-256 keys in DER or without it.
fn is_signature_length(size_bytes: usize) -> bool {
    matches!(size_bytes, 64 | 68..=72 | 128 | 256 | 384 | 512)
}

/// Returns true if no part of the signature is missing, judged by its length and, where several lengths are possible,
/// by the beginning of DER.
fn is_whole_signature(signature: &[u8]) -> bool {
    decoded_length(signature).is_some_and(|size_bytes| {
        let is_p256 = matches!(size_bytes, 68..=72) && signature.starts_with(b"ME");
        is_p256 || matches!(size_bytes, 128 | 256 | 384 | 512)
    })
}

/// Returns the number of bytes that are encoded in `base64`, without its padding.
fn decoded_length(base64: &[u8]) -> Option<usize> {
    let is_padding = |byte: &&u8| matches!(**byte, b'=' | b'_');
    let padding = base64.iter().rev().take_while(is_padding).count();
    let digits = base64.len() - padding;
    (digits % 4 != 1).then_some(digits * 3 / 4)
}

/// Returns true for a label. No signature passes for one: none has a `:`, and `redacted` would decode to six bytes.
fn is_label(text: &str) -> bool {
    text == "redacted"
        || text.strip_prefix("grant:").is_some_and(|digits| {
            digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_query(query: &str, expected: &str) {
        assert_eq!(redact_query(query), expected);
        assert_eq!(redact_query(expected), expected);
    }

    #[test]
    fn undecodable_signatures_are_only_redacted() {
        check_query("Signature=@@@", "Signature=redacted");
        check_query("Policy=abc&b", "Policy=redacted&b");
        check_query(
            "Si%67nature=@@&%50olicy=x",
            "Si%67nature=redacted&%50olicy=redacted",
        );
        check_query("Signature=", "Signature=redacted");
    }

    #[test]
    fn other_parameters_stay() {
        check_query("", "");
        check_query(
            "a=1&&b&=&Expires=5&Key-Pair-Id=K1",
            "a=1&&b&=&Expires=5&Key-Pair-Id=K1",
        );
        check_query("xPolicy=1&policy=2&%zz=3", "xPolicy=1&policy=2&%zz=3");
    }

    /// Returns a text as long as a P-256 signature without DER.
    fn signature(words: &str) -> String {
        words.repeat(21) + "AA"
    }

    #[test]
    fn policy_and_signature_get_the_same_name() {
        let text = signature("AA%7E-");
        let redacted =
            redact_query(&format!("a=1&Policy=e30_&Signature={text}&b=2&Signature=x")).into_owned();
        let label = label(&text);
        assert!(label.starts_with("grant:"), "{redacted}");
        assert_eq!(
            redacted,
            format!("a=1&Policy={label}&Signature={label}&b=2&Signature={label}")
        );
    }

    #[test]
    fn links_in_other_parameters_are_redacted() {
        check_query(
            "next=https%3A%2F%2Fh%2Fa%3FPolicy%3De30_%26Signature%3D%40&a=1",
            "next=https%3A%2F%2Fh%2Fa%3FPolicy%3Dredacted%26Signature%3D%40&a=1",
        );
        let texts = ["AAEC", "AAED"].map(signature);
        let [inner, own] = texts.each_ref().map(|text| label(text));
        let [text, other] = texts;
        check_query(
            &format!("next=h%3FSignature%3D{text}&Signature={other}"),
            &format!("next=h%3FSignature%3D{inner}&Signature={own}"),
        );
        check_query(
            &format!("a=%53ignature%3D{text}"),
            &format!("a=%53ignature%3D{inner}"),
        );
        check_query(
            &format!("next=h?Policy=e30_&Signature={text}"),
            &format!("next=h?Policy={inner}&Signature={inner}"),
        );
    }

    #[test]
    fn links_in_other_cookies_are_redacted() {
        let text = signature("AAEC");
        let label = label(&text);
        assert_eq!(
            redact_cookies(&format!("back=%2Fa%3FSignature%3D{text}; b=1")),
            format!("back=%2Fa%3FSignature%3D{label}; b=1")
        );
    }

    /// The fingerprint of 11 characters revealed them: there are few enough to try all.
    #[test]
    fn fingerprints_are_of_whole_signatures_only() {
        for length in 0..700 {
            let text = "A".repeat(length);
            let is_signature = matches!(
                length,
                86 | 91..=92 | 94..=96 | 171 | 342 | 512 | 683
            );
            let redacted = redact_query(&format!("Signature={text}")).into_owned();
            assert_eq!(redacted.contains("grant:"), is_signature, "{length}");
            assert!(
                is_signature || redacted == "Signature=redacted",
                "{redacted}"
            );
        }
    }

    #[test]
    fn cookies() {
        assert_eq!(
            redact_cookies(
                "a=1; CloudFront-Policy=p; cloudfront-signature=@@; CloudFront-Key-Pair-Id=K1"
            ),
            "a=1; CloudFront-Policy=redacted; cloudfront-signature=redacted; CloudFront-Key-Pair-Id=K1"
        );
        assert_eq!(redact_cookies("a; b=c;"), "a; b=c;");
        assert_eq!(
            redact_cookies(
                "a=1; __Host-privet-visit-0a1b2c3d=AbC; __HOST-Privet-Visit-=x=y;CloudFront-Policy=p"
            ),
            "a=1; __Host-privet-visit-0a1b2c3d=redacted; __HOST-Privet-Visit-=redacted;CloudFront-Policy=redacted"
        );
    }
}
