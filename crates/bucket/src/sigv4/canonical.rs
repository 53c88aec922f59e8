//! The canonical request: the text of which a signature is made.

use crate::encoding::{encode_path, hex};
use crate::sigv4::{ALGORITHM, Refusal, Scope};
use aws_lc_rs::digest;
use http::HeaderMap;

/// Parts of a canonical request.
pub(super) struct Parts<'a> {
    pub(super) method: &'a str,
    /// Path, decoded.
    pub(super) path: &'a str,
    /// Query in its canonical form.
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) signed_headers: &'a [String],
    /// Digest of the body, or the word in its place.
    pub(super) payload: &'a str,
}

/// Returns the text that is signed (S3 API Reference, "Signature Calculations for the Authorization Header").
pub(super) fn text_to_sign(
    parts: &Parts<'_>,
    scope: &Scope,
    amz_date: &str,
) -> Result<String, Refusal> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        parts.method,
        encode_path(parts.path.as_bytes()),
        parts.query
    );
    for name in parts.signed_headers {
        text.push_str(name);
        text.push(':');
        text.push_str(&header(parts.headers, name)?);
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&parts.signed_headers.join(";"));
    text.push('\n');
    text.push_str(parts.payload);
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    let scope = scope.text();
    Ok(format!(
        "{ALGORITHM}\n{amz_date}\n{scope}\n{}",
        hex(digest.as_ref())
    ))
}

/// Returns the values of a header field: trimmed, runs of blanks as one, joined by commas.
fn header(headers: &HeaderMap, name: &str) -> Result<String, Refusal> {
    let mut values = Vec::new();
    for value in headers.get_all(name) {
        let text = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Refusal::malformed("SignedHeaders", "name a field that is not UTF-8"))?;
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        values.push(words.join(" "));
    }
    match values.is_empty() {
        true => Err(Refusal::Differs(
            "SignedHeaders name a field that was not sent",
        )),
        false => Ok(values.join(",")),
    }
}
