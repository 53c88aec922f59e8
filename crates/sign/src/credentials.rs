//! The credentials that a request presents: reserved query parameters, or cookies, collected but not verified.
//!
//! Source: developer guide, "Decide to use signed URLs or signed cookies": if the URL has any reserved name, cookies
//! are ignored.

use std::borrow::Cow;

use crate::encoding::percent_decode;

/// The source of the credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// Query parameters.
    Url,
    /// `CloudFront-*` cookies.
    Cookies,
    /// A path token in the path; see [`crate::Verifier::issue`].
    PathToken,
}

/// The five fields that a signer writes.
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

    /// Returns the field of a parameter name as written in the URL. Names are compared after percent-decoding.
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

/// The credentials that the viewer presented, not yet verified.
#[derive(Clone, Debug)]
pub struct Credentials<'a> {
    /// Source: the URL if the query has any reserved name, otherwise the cookies.
    pub source: CredentialSource,
    pub(crate) fields: [Option<Cow<'a, str>>; 5],
    /// First parameter that occurs twice in the URL.
    pub(crate) duplicate: Option<Field>,
}

impl<'a> Credentials<'a> {
    /// Takes the URL alone if `query` has any reserved name, otherwise the values of the `Cookie` headers.
    ///
    /// `query` has no `?`. Values in the URL are percent-decoded once; in cookies only those of `CloudFront-Policy` and
    /// `CloudFront-Signature` are (fidelity note F1). If several cookies have one name, the first counts: browsers send
    /// the most specific path first.
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
                    // No alphabet of base64 has a `%`: web frameworks escape the characters that they consider unsafe.
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

    /// True if nothing was presented at all.
    pub fn is_empty(&self) -> bool {
        self.fields.iter().all(Option::is_none)
    }

    /// True if the signature is over the URL itself, so that there is no policy to read.
    pub fn is_canned(&self) -> bool {
        self.field(Field::Policy).is_none() && self.field(Field::Expires).is_some()
    }

    /// Returns the key pair id as presented, not yet verified. `None` if it is absent.
    pub fn key_pair_id(&self) -> Option<&str> {
        self.field(Field::KeyPairId)
    }

    /// Returns the signature text as presented. `None` if it is absent. See [`crate::fingerprint`].
    pub fn signature(&self) -> Option<&str> {
        self.field(Field::Signature)
    }

    /// Returns the reserved parameter that `name`, as written in a URL, spells: its plain name and the value
    /// that counts.
    ///
    /// Returns `None` if it spells none, or if it does not count: an `Expires` beside a `Policy` (fidelity note F7).
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

/// True if any parameter of `query` has a reserved name, so that cookies are ignored.
pub(crate) fn has_reserved_name(query: &str) -> bool {
    let mut names = query
        .split('&')
        .map(|piece| piece.split('=').next().unwrap_or(piece));
    names.any(|name| Field::of_parameter(name).is_some())
}

/// Decodes a text that is nearly always UTF-8, which is faster to check than to repair.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// True if a parameter of this name, as written in a URL, is a signing parameter.
pub fn is_signing_parameter(name: &str) -> bool {
    Field::of_parameter(name).is_some()
}

/// Returns `query` without reserved parameters, in unchanged order and spelling. `None` if nothing is left.
///
/// The reserved names are `Expires`, `Policy`, `Signature`, `Key-Pair-Id` and `Hash-Algorithm`, compared after
/// percent-decoding.
pub fn strip_query(query: &str) -> Option<Cow<'_, str>> {
    let is_reserved =
        |piece: &str| Field::of_parameter(piece.split('=').next().unwrap_or(piece)).is_some();
    let stripped = strip(query, '&', is_reserved);
    (!stripped.is_empty()).then_some(stripped)
}

/// Returns the viewer's own part of the query; empty if there is none.
pub(crate) fn own_query(query: Option<&str>) -> Cow<'_, str> {
    query.and_then(strip_query).unwrap_or_default()
}

/// Returns the value of a `Cookie` header without the `CloudFront-*` signing cookies; empty if there were no others.
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

/// Drops the unwanted pieces. Borrows if all of them are at the beginning or the end.
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
