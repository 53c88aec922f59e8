//! Takes signatures, policies and path tokens out of what gets logged. What is left names the grant without granting
//! anything.

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

/// `query` with the values of `Policy` and `Signature` replaced by `grant:<fingerprint>`, order and all other
/// parameters kept. When the signature cannot be one the values become `redacted`.
///
/// Names are compared percent-decoded, as the signature check does. Links in the values of other parameters are
/// redacted too, however often they were percent-encoded. Redacting twice changes nothing more.
///
/// As all of these, it becomes `redacted` altogether when it takes too long to tell what is in it.
pub fn redact_query(query: &str) -> Cow<'_, str> {
    redact(query, 0, '&', parameter_value)
}

/// A cookie header's value with `CloudFront-Policy` and `CloudFront-Signature` replaced in the same way.
///
/// Names are compared without case: a misspelt cookie is no credential but still a secret.
pub fn redact_cookies(value: &str) -> Cow<'_, str> {
    redact(value, 0, ';', cookie_value)
}

/// A URL with its query redacted, and what its path may hide. What `?` divides is looked at undivided too.
pub(crate) fn redact_url(url: &str) -> Cow<'_, str> {
    let query_at = url.find('?').map_or(url.len(), |at| at + 1);
    redact(url, query_at, '&', parameter_value)
}

/// Any text of a viewer's, with the links and the bare signatures in it redacted: a path with an encoded `?`, a header.
///
/// For whatever an operator reads of what viewers send.
pub fn redact_viewer_text(text: &str) -> Cow<'_, str> {
    or_all(redact_text(text, Scope::Anything, Hints::default()))
}

/// A URL, or what has URLs in it, without the grants of its links: path tokens in paths, and parameters named `Policy`
/// or `Signature` at any depth of escaping. All else stays: a program is to read it. `None` when it takes too long to
/// tell.
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
    /// A token in a path; only found inside other text.
    PathToken,
    /// What looks like one of the others, without a name; only found inside other text.
    Run,
}

/// Where the value of a parameter begins, if it is a secret.
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

/// `split` tells where the value of a secret piece begins. Pieces begin at `from`.
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
    // All at once: what separates pieces may be a part of an escape.
    let hints = Hints {
        policy_label: Some(&label),
        cuts: &cuts,
    };
    let redacted = redact_text(&out, Scope::Anything, hints).map(Cow::into_owned);
    or_all(redacted.map(Cow::Owned))
}

/// The fingerprint of what is as long as a signature. That of anything shorter would tell what it was: somebody could
/// try all there are.
fn label(signature: &str) -> String {
    if is_label(signature) {
        return signature.to_owned();
    }
    let is_signature = decoded_length(&percent_decoded(signature)).is_some_and(is_signature_length);
    { is_signature.then(|| privet_sign::fingerprint(signature)) }
        .flatten()
        .map_or_else(|| "redacted".to_owned(), |digits| format!("grant:{digits}"))
}

/// Of an RSA key, or of a P-256 key in DER or without it.
fn is_signature_length(size_bytes: usize) -> bool {
    matches!(size_bytes, 64 | 68..=72 | 128 | 256 | 384 | 512)
}

/// Whether nothing of the signature stands elsewhere, by its length and, where many lengths may be, the beginning of
/// DER.
fn is_whole_signature(signature: &[u8]) -> bool {
    decoded_length(signature).is_some_and(|size_bytes| {
        let is_p256 = matches!(size_bytes, 68..=72) && signature.starts_with(b"ME");
        is_p256 || matches!(size_bytes, 128 | 256 | 384 | 512)
    })
}

/// How many bytes this is in base64, without its padding.
fn decoded_length(base64: &[u8]) -> Option<usize> {
    let is_padding = |byte: &&u8| matches!(**byte, b'=' | b'_');
    let padding = base64.iter().rev().take_while(is_padding).count();
    let digits = base64.len() - padding;
    (digits % 4 != 1).then_some(digits * 3 / 4)
}

/// `:` is in no signature, and `redacted` would be one of six bytes, so no signature passes for a label.
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

    /// As long as a P-256 signature without DER.
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

    /// The fingerprint of 11 characters told which they were: there are few enough to try all.
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
    }
}
