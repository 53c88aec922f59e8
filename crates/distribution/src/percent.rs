//! Percent-encoding (RFC 3986 2.1), decoded leniently: anything that is no escape stands for itself.

use std::borrow::Cow;

/// Decodes percent-encoding once; anything that is no escape stands for itself.
pub(crate) fn percent_decoded(text: &str) -> Cow<'_, [u8]> {
    percent_decoded_bytes(text.as_bytes())
}

/// Returns the object name of a raw path: percent-encoding decoded once. Each byte becomes one character, U+0000 to
/// U+00FF, since a decoded name need not be UTF-8.
pub fn object_name(path: &str) -> Cow<'_, str> {
    if path.is_ascii() && !path.contains('%') {
        return Cow::Borrowed(path);
    }
    let bytes = percent_decoded(path);
    Cow::Owned(bytes.iter().copied().map(char::from).collect())
}

/// Does the same as [`percent_decoded`] for bytes that need not be text.
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

/// Returns the byte of two hexadecimal digits; `None` if either is none.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high << 4 | low).ok()
}
