//! Takes signatures, policies and session tokens out of what gets logged. What is left names the grant without granting anything.

use embedded::redact_text;
use std::borrow::Cow;

mod decoded;
mod embedded;
mod numbers;
mod pieces;
mod runs;

/// `query` with the values of `Policy` and `Signature` replaced by `grant:<fingerprint>`, order and all other
/// parameters kept. When the signature cannot be decoded the values become `redacted`.
///
/// Names are compared percent-decoded, as the signature check does. Links in the values of other parameters are
/// redacted too, however often they were percent-encoded. Redacting twice changes nothing more.
pub fn redact_query(query: &str) -> Cow<'_, str> {
    let split = |piece: &'_ str| -> Option<(usize, Secret)> {
        let (name, _) = piece.split_once('=')?;
        let secret = match &*percent_decoded(name) {
            b"Policy" => Secret::Policy,
            b"Signature" => Secret::Signature,
            _ => return None,
        };
        Some((name.len() + 1, secret))
    };
    redact(query, '&', split)
}

/// A cookie header's value with `CloudFront-Policy` and `CloudFront-Signature` replaced in the same way.
///
/// Names are compared without case: a misspelt cookie is no credential but still a secret.
pub fn redact_cookies(value: &str) -> Cow<'_, str> {
    let split = |piece: &'_ str| -> Option<(usize, Secret)> {
        let (name, _) = piece.split_once('=')?;
        let secret = cookie_secret(name.trim())?;
        Some((name.len() + 1, secret))
    };
    redact(value, ';', split)
}

/// A URL with its query redacted, and what its path may hide.
pub(crate) fn redact_url(url: &str) -> Cow<'_, str> {
    let Some((base, query)) = url.split_once('?') else {
        return redact_viewer_text(url);
    };
    match (redact_viewer_text(base), redact_query(query)) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => Cow::Borrowed(url),
        (base, query) => Cow::Owned(format!("{base}?{query}")),
    }
}

/// Any text of a viewer's, with the links and the bare signatures in it redacted: a path with an encoded `?`, a header.
///
/// For whatever an operator reads of what viewers send.
pub fn redact_viewer_text(text: &str) -> Cow<'_, str> {
    redact_text(text, None)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secret {
    Policy,
    Signature,
    /// A token in a path; only found inside other text.
    Session,
    /// What looks like one of the others, without a name; only found inside other text.
    Run,
}

fn cookie_secret(name: &str) -> Option<Secret> {
    if name.eq_ignore_ascii_case("CloudFront-Policy") {
        Some(Secret::Policy)
    } else if name.eq_ignore_ascii_case("CloudFront-Signature") {
        Some(Secret::Signature)
    } else {
        None
    }
}

/// `split` tells where the value of a secret piece begins.
fn redact(
    text: &str,
    separator: char,
    split: impl Fn(&str) -> Option<(usize, Secret)>,
) -> Cow<'_, str> {
    if text.split(separator).all(|piece| split(piece).is_none()) {
        return redact_text(text, None);
    }
    let signature = text.split(separator).find_map(|piece| match split(piece) {
        Some((at, Secret::Signature)) => Some(piece[at..].trim()),
        Some((_, Secret::Policy | Secret::Session | Secret::Run)) | None => None,
    });
    let signature = signature.filter(|text| !text.is_empty());
    let label = signature.map_or_else(|| "redacted".to_owned(), label);
    let mut out = String::with_capacity(text.len());
    for (position, piece) in text.split(separator).enumerate() {
        if position > 0 {
            out.push(separator);
        }
        match split(piece) {
            Some((at, _)) => {
                out.push_str(&piece[..at]);
                out.push_str(&label);
            }
            None => out.push_str(piece),
        }
    }
    // All at once: what separates pieces may be a part of an escape.
    Cow::Owned(redact_text(&out, Some(&label)).into_owned())
}

fn label(signature: &str) -> String {
    if is_label(signature) {
        return signature.to_owned();
    }
    privet_sign::fingerprint(signature)
        .map_or_else(|| "redacted".to_owned(), |digits| format!("grant:{digits}"))
}

/// `:` is in no signature, and `redacted` would be one of six bytes, so no signature passes for a label.
fn is_label(text: &str) -> bool {
    text == "redacted"
        || text.strip_prefix("grant:").is_some_and(|digits| {
            digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Percent-decoded once; what is no escape stands for itself.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    percent_decoded_bytes(text.as_bytes())
}

/// As [`percent_decoded`], for what need not be text.
pub(crate) fn percent_decoded_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after @ ..]) if let Some(decoded) = hex_pair(*high, *low) => {
                out.push(decoded);
                rest = after;
            }
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
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

    #[test]
    fn policy_and_signature_get_the_same_name() {
        let redacted = redact_query("a=1&Policy=e30_&Signature=AAEC%7E~~~&b=2&Signature=x");
        let label = redacted
            .split('&')
            .find_map(|piece| piece.strip_prefix("Policy="))
            .unwrap_or_default();
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
        let redacted = redact_query("next=h%3FSignature%3DAAEC&Signature=AAED");
        let labels = [label("AAEC"), label("AAED")];
        let [inner, own] = &labels;
        assert_eq!(
            redacted,
            format!("next=h%3FSignature%3D{inner}&Signature={own}")
        );
        check_query("a=%53ignature%3DAAEC", &format!("a=%53ignature%3D{inner}"));
        check_query(
            "next=h?Policy=e30_&Signature=AAEC",
            &format!("next=h?Policy={inner}&Signature={inner}"),
        );
    }

    #[test]
    fn links_in_other_cookies_are_redacted() {
        let label = label("AAEC");
        assert_eq!(
            redact_cookies("back=%2Fa%3FSignature%3DAAEC; b=1"),
            format!("back=%2Fa%3FSignature%3D{label}; b=1")
        );
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
