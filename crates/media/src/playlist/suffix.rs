//! The suffix of every URI of a playlist: the viewer's grant.

use std::fmt::Write;

use super::Propagation;

/// `?` and the signing parameters, or nothing.
pub(super) struct Suffix(String);

impl Suffix {
    /// Makes the suffix of plain URIs. Bytes that could end a quoted string, a line or a URI are percent-encoded; no
    /// signer uses them.
    pub(super) fn of(grant: &Propagation<'_>) -> Suffix {
        let query = match grant {
            Propagation::Query(query) if !query.is_empty() => *query,
            Propagation::Query(_) | Propagation::None => return Suffix(String::new()),
        };
        let mut text = String::with_capacity(query.len() + 1);
        text.push('?');
        push_uri(&mut text, query);
        Suffix(text)
    }

    /// Makes the suffix of DASH templates, in which a dollar sign is doubled (ISO 23009-1 5.3.9.4.4).
    pub(super) fn of_templates(grant: &Propagation<'_>) -> Suffix {
        Suffix(Suffix::of(grant).0.replace('$', "$$"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Appends a URI or a part of one; percent-encodes what could end a quoted string, a line or the URI.
pub(super) fn push_uri(text: &mut String, uri: &str) {
    let is_odd = |byte: u8| matches!(byte, b'"' | b'<' | b'>' | b'#' | b'\\' | 0..=b' ' | 0x7f);
    let mut rest = uri;
    while let Some(place) = rest.bytes().position(is_odd) {
        let (plain, odd) = rest.split_at(place);
        text.push_str(plain);
        let _ = write!(text, "%{:02X}", odd.as_bytes()[0]);
        rest = &odd[1..];
    }
    text.push_str(rest);
}
