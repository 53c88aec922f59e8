//! The canonical request: the text of which a signature is made.

use crate::sigv4::authorization::Authorization;
use crate::sigv4::{Refusal, SignedRequest};
use http::HeaderMap;
use std::fmt::Write;

/// Returns the canonical request (AWS General Reference, "Create a canonical request").
pub(super) fn request(
    request: &SignedRequest<'_>,
    authorization: &Authorization,
    body_digest: &str,
) -> Result<String, Refusal> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        request.method,
        path(request.path, &authorization.service)?,
        query(request.query)?
    );
    for name in &authorization.signed_headers {
        let value = header(request.headers, name)?;
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}:{value}");
    }
    let names = authorization.signed_headers.join(";");
    let _ = write!(text, "\n{names}\n{body_digest}");
    Ok(text)
}

/// Returns the path as signed: encoded once more, except for S3.
///
/// Signers remove dot segments and empty segments first, so that one signature would fit several paths: such paths are
/// refused, except for S3, whose keys may have them and whose signers leave them.
fn path(path: &str, service: &str) -> Result<String, Refusal> {
    let inner = path
        .strip_prefix('/')
        .ok_or(Refusal::malformed("path", "does not begin with a slash"))?;
    if service == "s3" {
        return Ok(encode_again(&decode(path, "path")?, KeepSlash::Yes));
    }
    let mut segments = inner.strip_suffix('/').unwrap_or(inner).split('/');
    let is_odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    if !inner.is_empty() && segments.any(is_odd) {
        return Err(Refusal::malformed("path", "has empty or dot segments"));
    }
    Ok(encode_again(path.as_bytes(), KeepSlash::Yes))
}

/// Returns the query as signed: decoded, encoded in one way, and sorted.
///
/// A bare `+` is signed as a plus and read by many as a blank: such a query is refused, since signers write `%2B` or
/// `%20`.
fn query(query: &str) -> Result<String, Refusal> {
    if query.contains('+') {
        return Err(Refusal::malformed(
            "query",
            "has a +; write %2B for a plus and %20 for a blank",
        ));
    }
    if query.is_empty() {
        return Ok(String::new());
    }
    let mut pairs = Vec::new();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.is_empty() {
            return Err(Refusal::malformed(
                "query",
                "has a parameter without a name",
            ));
        }
        pairs.push((
            encode_again(&decode(name, "query")?, KeepSlash::No),
            encode_again(&decode(value, "query")?, KeepSlash::No),
        ));
    }
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(pairs.join("&"))
}

/// Returns the values of a header field as signed: trimmed, spaces collapsed, joined by commas.
fn header(headers: &HeaderMap, name: &str) -> Result<String, Refusal> {
    let mut values = Vec::new();
    for value in headers.get_all(name) {
        let text = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Refusal::malformed("a signed header", "is not UTF-8"))?;
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        values.push(words.join(" "));
    }
    if values.is_empty() {
        return Err(Refusal::malformed(
            "SignedHeaders",
            "name a header that was not sent",
        ));
    }
    Ok(values.join(","))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeepSlash {
    Yes,
    No,
}

fn encode_again(bytes: &[u8], keep_slash: KeepSlash) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        let is_kept = byte.is_ascii_alphanumeric()
            || b"-._~".contains(byte)
            || (*byte == b'/' && keep_slash == KeepSlash::Yes);
        match is_kept {
            true => text.push(char::from(*byte)),
            // Writing to a string cannot fail.
            false => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

fn decode(text: &str, part: &'static str) -> Result<Vec<u8>, Refusal> {
    let is_escaped =
        |escape: &[u8]| escape.len() >= 2 && escape.iter().take(2).all(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let mut escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    if !escapes.all(|(index, _)| is_escaped(bytes.get(index + 1..).unwrap_or_default())) {
        return Err(Refusal::malformed(part, "has a % that is not an escape"));
    }
    Ok(percent_encoding::percent_decode(bytes).collect())
}
