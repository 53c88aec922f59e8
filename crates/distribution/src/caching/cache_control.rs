//! `Cache-Control` of a response (RFC 9111 5.2.2, RFC 5861, RFC 8246), read so that doubt never makes the response more
//! cacheable.

use crate::config::Audience;
use http::{HeaderMap, HeaderName, header};
use std::borrow::Cow;

mod targeted;

pub(crate) use targeted::CDN_CACHE_CONTROL;

/// Maximum number of seconds; a greater number counts as this (RFC 9111 1.2.2).
pub(crate) const DELTA_SECONDS_MAX: u32 = 1 << 31;

/// The value of a directive with a number of seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seconds {
    /// The directive is absent.
    #[default]
    Absent,
    /// The directive has this number, at most 2³¹.
    Of(u32),
    /// The number is invalid, or there are two different ones: the response counts as stale (RFC 9111 4.2.1).
    Invalid,
}

impl Seconds {
    /// Returns the number; an invalid one counts as 0.
    pub fn or_stale(self) -> Option<u32> {
        match self {
            Seconds::Absent => None,
            Seconds::Of(seconds) => Some(seconds),
            Seconds::Invalid => Some(0),
        }
    }

    fn add(&mut self, argument: Option<&[u8]>) {
        let read = argument.and_then(delta_seconds);
        *self = match (*self, read) {
            (Seconds::Absent, Some(seconds)) => Seconds::Of(seconds),
            (Seconds::Of(known), Some(seconds)) if known == seconds => *self,
            (Seconds::Absent | Seconds::Of(_) | Seconds::Invalid, _) => Seconds::Invalid,
        };
    }
}

/// The scope of `private` and `no-cache`, which may be about some header fields only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The directive is absent.
    #[default]
    Absent,
    /// The directive is about these fields, which must not be stored.
    Fields(Vec<HeaderName>),
    /// The directive is about the whole response.
    Response,
}

impl Scope {
    /// Returns true if the directive is about the whole response.
    pub fn is_whole(&self) -> bool {
        match self {
            Scope::Response => true,
            Scope::Absent | Scope::Fields(_) => false,
        }
    }

    /// Returns the fields that the directive is about; none when it is about everything or nothing.
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Scope::Fields(names) => names,
            Scope::Absent | Scope::Response => &[],
        }
    }

    fn add(&mut self, directive: &Directive<'_>) {
        let names = match &directive.argument {
            Some(Argument::Quoted(list)) => field_names(list),
            Some(Argument::Token(_)) | None => None,
        };
        match (names, &mut *self) {
            (_, Scope::Response) => {}
            (None, Scope::Absent | Scope::Fields(_)) => *self = Scope::Response,
            (Some(names), Scope::Absent) => *self = Scope::Fields(names),
            (Some(names), Scope::Fields(known)) => known.extend(names),
        }
    }
}

/// The directives of a response that a shared cache understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheControl {
    /// `max-age` (RFC 9111 5.2.2.1).
    pub max_age: Seconds,
    /// `s-maxage` (RFC 9111 5.2.2.10).
    pub s_maxage: Seconds,
    /// `stale-while-revalidate` (RFC 5861 3).
    pub stale_while_revalidate: Seconds,
    /// `stale-if-error` (RFC 5861 4).
    pub stale_if_error: Seconds,
    /// `no-store` (RFC 9111 5.2.2.5); also set when the field cannot be read to its end.
    pub no_store: bool,
    /// `no-cache` (RFC 9111 5.2.2.4).
    pub no_cache: Scope,
    /// `private` (RFC 9111 5.2.2.7).
    pub private: Scope,
    /// `public` (RFC 9111 5.2.2.9).
    pub public: bool,
    /// `must-revalidate` (RFC 9111 5.2.2.2).
    pub must_revalidate: bool,
    /// `proxy-revalidate` (RFC 9111 5.2.2.8).
    pub proxy_revalidate: bool,
    /// `must-understand` (RFC 9111 5.2.2.3).
    pub must_understand: bool,
    /// `no-transform` (RFC 9111 5.2.2.6).
    pub no_transform: bool,
    /// `immutable` (RFC 8246): a fresh response needs no revalidation even when a viewer reloads.
    pub immutable: bool,
    /// True if the directives came by `CDN-Cache-Control`, for CDNs alone: `Expires` does not count then (RFC 9213
    /// 2.2).
    pub is_targeted: bool,
}

impl CacheControl {
    /// Reads the directives of `response` that count for a cache of `audience`.
    pub fn for_audience(response: &HeaderMap, audience: Audience) -> Self {
        let targeted = match audience {
            Audience::Cdn => targeted::read(response),
            Audience::Everyone => None,
        };
        targeted.unwrap_or_else(|| CacheControl::of(response))
    }

    /// Reads all `Cache-Control` lines of `response`.
    ///
    /// Names are compared case-insensitively, arguments may be tokens or quoted strings, and unknown directives are
    /// ignored.
    pub fn of(response: &HeaderMap) -> Self {
        let mut cache_control = CacheControl::default();
        for value in response.get_all(header::CACHE_CONTROL) {
            for directive in directives(value.as_bytes()) {
                match directive {
                    Ok(directive) => cache_control.add(&directive),
                    // The rest is unreadable, so it may contain `no-store`.
                    Err(Unterminated) => cache_control.no_store = true,
                }
            }
        }
        cache_control
    }

    fn add(&mut self, directive: &Directive<'_>) {
        let argument = directive.argument.as_ref().map(Argument::bytes);
        match directive.name.to_ascii_lowercase().as_slice() {
            b"max-age" => self.max_age.add(argument),
            b"s-maxage" => self.s_maxage.add(argument),
            b"stale-while-revalidate" => self.stale_while_revalidate.add(argument),
            b"stale-if-error" => self.stale_if_error.add(argument),
            b"no-store" => self.no_store = true,
            b"no-cache" => self.no_cache.add(directive),
            b"private" => self.private.add(directive),
            b"public" => self.public = true,
            b"must-revalidate" => self.must_revalidate = true,
            b"proxy-revalidate" => self.proxy_revalidate = true,
            b"must-understand" => self.must_understand = true,
            b"no-transform" => self.no_transform = true,
            b"immutable" => self.immutable = true,
            _ => {}
        }
    }
}

/// One element of the list, as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Directive<'a> {
    /// Name of the directive, trimmed of a space before `=`.
    pub(crate) name: &'a [u8],
    pub(crate) argument: Option<Argument<'a>>,
    /// Name and argument, spelling preserved.
    pub(crate) raw: &'a [u8],
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Argument<'a> {
    Token(&'a [u8]),
    /// Text of a quoted string, without quotes and backslashes.
    Quoted(Cow<'a, [u8]>),
}

impl Argument<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Argument::Token(bytes) => bytes,
            Argument::Quoted(bytes) => bytes,
        }
    }
}

/// Error for a quoted string that does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unterminated;

/// Returns the elements of one line, without empty ones.
pub(crate) fn directives(line: &[u8]) -> impl Iterator<Item = Result<Directive<'_>, Unterminated>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let Some(end) = element_end(rest) else {
                rest = b"";
                return Some(Err(Unterminated));
            };
            let element = rest[..end].trim_ascii();
            rest = rest.get(end + 1..).unwrap_or_default();
            if !element.is_empty() {
                return Some(Ok(directive(element)));
            }
        }
    })
}

/// Returns the position of the next comma outside quoted strings, or the end; `None` if a quoted string does not end.
fn element_end(text: &[u8]) -> Option<usize> {
    let mut is_quoted = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\\' if is_quoted => at += 1,
            b',' if !is_quoted => return Some(at),
            _ => {}
        }
        at += 1;
    }
    (!is_quoted).then_some(text.len())
}

fn directive(raw: &[u8]) -> Directive<'_> {
    let Some(equals) = raw.iter().position(|&byte| byte == b'=') else {
        return Directive {
            name: raw,
            argument: None,
            raw,
        };
    };
    let (name, argument) = (&raw[..equals], &raw[equals + 1..]);
    let argument = match argument {
        [b'"', inner @ .., b'"'] => Argument::Quoted(unescaped(inner)),
        token => Argument::Token(token),
    };
    // RFC 9111 5.2 allows no space around `=`. With one before it the name is read, but the argument is not.
    let (name, argument) = match name.trim_ascii_end() {
        trimmed if trimmed.len() < name.len() => (trimmed, Argument::Token(b"")),
        _ => (name, argument),
    };
    Directive {
        name,
        argument: Some(argument),
        raw,
    }
}

fn unescaped(inner: &[u8]) -> Cow<'_, [u8]> {
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => out.extend(bytes.next()),
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

/// Parses digits only (RFC 9111 1.2.2); `None` for anything else.
pub(crate) fn delta_seconds(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = digits.iter().fold(0_u64, |sum, digit| {
        (sum * 10 + u64::from(digit - b'0')).min(u64::from(DELTA_SECONDS_MAX))
    });
    u32::try_from(seconds).ok()
}

/// Returns the names of a quoted list; `None` when there is none, or one of them is not a valid name.
fn field_names(list: &[u8]) -> Option<Vec<HeaderName>> {
    let names: Vec<HeaderName> = list
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
        .map(|name| HeaderName::from_bytes(name).ok())
        .collect::<Option<_>>()?;
    (!names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests;
