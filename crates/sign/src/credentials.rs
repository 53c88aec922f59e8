//! What a request presents: reserved query parameters, or cookies, collected but not believed.
//!
//! Source: developer guide, "Decide to use signed URLs or signed cookies": any reserved name in the URL
//! means that cookies are not looked at.

use std::borrow::Cow;

use crate::encoding::percent_decode;

/// Where the credentials came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Query parameters.
    Url,
    /// `CloudFront-*` cookies.
    Cookies,
    /// A path token in the path; see [`crate::Verifier::issue`].
    PathToken,
}

/// The five things that a signer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Expires,
    Policy,
    Signature,
    KeyPairId,
    HashAlgorithm,
}

impl Field {
    pub(crate) const ALL: [Field; 5] = [
        Field::Expires,
        Field::Policy,
        Field::Signature,
        Field::KeyPairId,
        Field::HashAlgorithm,
    ];

    pub(crate) fn parameter(self) -> &'static str {
        match self {
            Field::Expires => "Expires",
            Field::Policy => "Policy",
            Field::Signature => "Signature",
            Field::KeyPairId => "Key-Pair-Id",
            Field::HashAlgorithm => "Hash-Algorithm",
        }
    }

    pub(crate) fn cookie(self) -> &'static str {
        match self {
            Field::Expires => "CloudFront-Expires",
            Field::Policy => "CloudFront-Policy",
            Field::Signature => "CloudFront-Signature",
            Field::KeyPairId => "CloudFront-Key-Pair-Id",
            Field::HashAlgorithm => "CloudFront-Hash-Algorithm",
        }
    }

    /// The field of a parameter name as it stands in the URL; names compare after percent-decoding.
    pub(crate) fn of_parameter(name: &str) -> Option<Field> {
        if name.as_bytes().contains(&b'%') {
            return Self::of_plain_name(&percent_decode(name));
        }
        Self::of_plain_name(name)
    }

    fn of_plain_name(name: &str) -> Option<Field> {
        match name {
            "Expires" => Some(Field::Expires),
            "Policy" => Some(Field::Policy),
            "Signature" => Some(Field::Signature),
            "Key-Pair-Id" => Some(Field::KeyPairId),
            "Hash-Algorithm" => Some(Field::HashAlgorithm),
            _ => None,
        }
    }

    fn of_cookie(name: &[u8]) -> Option<Field> {
        let name = name.strip_prefix(b"CloudFront-")?;
        std::str::from_utf8(name).ok().and_then(Self::of_plain_name)
    }
}

/// What the viewer presented, not yet believed.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    /// URL when the query has any reserved name, cookies otherwise.
    pub source: CredentialSource,
    pub(crate) fields: [Option<Cow<'a, str>>; 5],
    /// The first parameter that occurs twice in the URL.
    pub(crate) duplicate: Option<Field>,
}

impl<'a> Credentials<'a> {
    /// Any reserved name in `query` means the URL alone is judged; otherwise the cookie header values are.
    ///
    /// `query` has no `?`. Values of the URL are percent-decoded once; of cookies only
    /// `CloudFront-Policy` and `CloudFront-Signature` (fidelity note F1).
    /// Of several cookies with one name the first counts: browsers send the most specific path first.
    pub fn from_request(
        query: Option<&'a str>,
        cookie_headers: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        let from_url = Self::from_query(query.unwrap_or_default());
        if from_url.is_empty() {
            Self::from_cookies(cookie_headers)
        } else {
            from_url
        }
    }

    fn from_query(query: &'a str) -> Self {
        let mut credentials = Self::none(CredentialSource::Url);
        for piece in query.split('&') {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let Some(field) = Field::of_parameter(name) else {
                continue;
            };
            let slot = &mut credentials.fields[field as usize];
            if slot.is_some() {
                credentials.duplicate = credentials.duplicate.or(Some(field));
            } else {
                *slot = Some(percent_decode(value));
            }
        }
        credentials
    }

    fn from_cookies(headers: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut credentials = Self::none(CredentialSource::Cookies);
        for header in headers {
            for piece in header.split(|byte| *byte == b';') {
                let piece = piece.trim_ascii();
                let Some(equals) = piece.iter().position(|byte| *byte == b'=') else {
                    continue;
                };
                let Some(field) = Field::of_cookie(&piece[..equals]) else {
                    continue;
                };
                let slot = &mut credentials.fields[field as usize];
                if slot.is_none() {
                    let value = text(&piece[equals + 1..]);
                    // No alphabet of base64 has a `%`: web frameworks escape what they find unsafe.
                    let escaped =
                        matches!(field, Field::Policy | Field::Signature) && value.contains('%');
                    *slot = Some(if escaped {
                        Cow::Owned(percent_decode(&value).into_owned())
                    } else {
                        value
                    });
                }
            }
        }
        credentials
    }

    fn none(source: CredentialSource) -> Self {
        Credentials {
            source,
            fields: [const { None }; 5],
            duplicate: None,
        }
    }

    /// Nothing was presented at all.
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    /// Whether the signature is one over the very URL: there is no policy to read.
    pub fn is_canned(&self) -> bool {
        self.field(Field::Policy).is_none() && self.field(Field::Expires).is_some()
    }

    /// The key pair id as presented, believed by nobody yet; `None` when absent.
    pub fn key_pair_id(&self) -> Option<&str> {
        self.field(Field::KeyPairId)
    }

    /// The signature text as presented; `None` when absent. See [`crate::fingerprint`].
    pub fn signature(&self) -> Option<&str> {
        self.field(Field::Signature)
    }

    /// The reserved parameter that `name`, as it stands in a URL, spells: its plain name and the value that is judged.
    ///
    /// `None` when it is none, or does not count: an `Expires` beside a `Policy` (fidelity note F7).
    pub fn counted(&self, name: &str) -> Option<(&'static str, &str)> {
        let field = Field::of_parameter(name)?;
        let counts = field != Field::Expires || self.field(Field::Policy).is_none();
        let value = self.field(field).filter(|_| counts)?;
        Some((field.parameter(), value))
    }

    pub(crate) fn field(&self, field: Field) -> Option<&str> {
        self.fields[field as usize].as_deref()
    }
}

/// Whether any parameter of `query` has a reserved name: then cookies are not looked at.
pub(crate) fn has_reserved_name(query: &str) -> bool {
    let mut names = query
        .split('&')
        .map(|piece| piece.split('=').next().unwrap_or(piece));
    names.any(|name| Field::of_parameter(name).is_some())
}

/// Nearly always UTF-8, which is checked faster than it is repaired.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Whether a parameter of this name, as it stands in a URL, is one of those that sign.
pub fn is_signing_parameter(name: &str) -> bool {
    Field::of_parameter(name).is_some()
}

/// `query` without reserved parameters, order and spelling kept; `None` when nothing is left.
///
/// Reserved are `Expires`, `Policy`, `Signature`, `Key-Pair-Id` and `Hash-Algorithm`, compared after percent-decoding.
pub fn strip_query(query: &str) -> Option<Cow<'_, str>> {
    let is_reserved =
        |piece: &str| Field::of_parameter(piece.split('=').next().unwrap_or(piece)).is_some();
    let stripped = strip(query, '&', is_reserved);
    (!stripped.is_empty()).then_some(stripped)
}

/// The viewer's own part of the query; empty when there is none.
pub(crate) fn own_query(query: Option<&str>) -> Cow<'_, str> {
    query.and_then(strip_query).unwrap_or_default()
}

/// Cookie header value without the `CloudFront-*` signing cookies; empty when nothing else was there.
pub fn strip_cookies(value: &str) -> Cow<'_, str> {
    let is_signing = |piece: &str| {
        let name = piece.split('=').next().unwrap_or(piece);
        Field::of_cookie(name.trim_ascii().as_bytes()).is_some()
    };
    match strip(value, ';', is_signing) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii_start()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii_start().to_owned()),
    }
}

/// Drops the pieces that `unwanted` names. Borrows when they all stand at one end.
fn strip<'a>(text: &'a str, separator: char, unwanted: impl Fn(&str) -> bool) -> Cow<'a, str> {
    let kept = || text.split(separator).filter(|piece| !unwanted(piece));
    let offset = |piece: &str| piece.as_ptr() as usize - text.as_ptr() as usize;
    let Some(first) = kept().next() else {
        return Cow::Borrowed("");
    };
    let last = kept().next_back().unwrap_or(first);
    let span = &text[offset(first)..offset(last) + last.len()];
    if span.split(separator).any(&unwanted) {
        return Cow::Owned(
            kept()
                .collect::<Vec<_>>()
                .join(separator.encode_utf8(&mut [0; 4])),
        );
    }
    Cow::Borrowed(span)
}

#[cfg(test)]
mod tests;
