//! The pattern of a revocation of objects, and the object that it is compared with.

use crate::percent::object_name;
use privet_sign::Wildcards;
use std::borrow::Cow;
use std::fmt;

/// Maximum length of a pattern in bytes.
pub const OBJECT_PATTERN_SIZE_BYTES_MAX: usize = 1024;

/// The objects that a revocation is about: a host and a path, both with `*` for any run of characters.
///
/// A grant is refused if any reading of its path is covered: as it was sent, and with percent-encoding decoded once.
#[derive(Clone, Debug)]
pub struct ObjectPattern {
    /// In lower case, without port.
    host: Box<str>,
    path: Box<str>,
    host_wildcards: Option<Wildcards>,
    path_wildcards: Wildcards,
    /// `None` if decoding makes no difference.
    decoded_wildcards: Option<Wildcards>,
}

/// Reason why a text is no [`ObjectPattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// The text is longer than [`OBJECT_PATTERN_SIZE_BYTES_MAX`].
    TooLong,
    /// There is no host before the path.
    HostMissing,
    /// There is no path: `/*` is that of all objects.
    PathMissing,
    /// There is a `?` or `#`; a revocation is about paths, whatever the query.
    Query,
    /// There is a character that no URL has: a space, a control character, or one that is not ASCII.
    Character,
    /// The protocol is neither `http` nor `https`, nor a wildcard for both.
    Protocol,
}

impl fmt::Display for PatternError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PatternError::TooLong => "the pattern is too long: shorten it to 1024 bytes",
            PatternError::HostMissing => "the pattern has no host: write */path for every host",
            PatternError::PathMissing => "the pattern has no path: write /* for every path",
            PatternError::Query => {
                "the pattern has a query: end it before the ?, and write %3F for the character"
            }
            PatternError::Character => {
                "the pattern has a character that no URL has: percent-encode it"
            }
            PatternError::Protocol => "the pattern's protocol is neither http nor https",
        })
    }
}

impl std::error::Error for PatternError {}

/// The object that a grant is to open.
#[derive(Clone, Copy, Debug)]
pub struct RevokedObject<'a> {
    /// The host that the viewer asked, with or without port.
    pub host: &'a str,
    /// Every path that names the object: the one that was asked for, and that of the object from which it is made.
    /// Each is raw and without query.
    pub paths: &'a [&'a str],
}

/// An object in the spellings that patterns are compared with.
pub(super) struct Spelled<'a> {
    /// In lower case, without port.
    pub(super) host: Cow<'a, str>,
    raw: &'a [&'a str],
    decoded: Vec<Cow<'a, str>>,
}

impl ObjectPattern {
    /// Parses `HOST/PATH`, or a URL with wildcards as the `Resource` of a policy has them. A revocation holds for both
    /// protocols and every port, so that these are not kept.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > OBJECT_PATTERN_SIZE_BYTES_MAX {
            return Err(PatternError::TooLong);
        }
        if text.contains(['?', '#']) {
            return Err(PatternError::Query);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(PatternError::Character);
        }
        let rest = match text.split_once("://") {
            Some(("http" | "https" | "http*" | "*", rest)) => rest,
            Some((before, _)) if before.contains('/') => text,
            Some(_) => return Err(PatternError::Protocol),
            None => text,
        };
        let slash = rest.find('/').ok_or(PatternError::PathMissing)?;
        let (host, path) = rest.split_at(slash);
        let host = without_port(host).to_ascii_lowercase();
        if host.is_empty() {
            return Err(PatternError::HostMissing);
        }
        Ok(Self::of(host, path))
    }

    fn of(host: String, path: &str) -> Self {
        // Decoded, it would be taken for a wildcard. The raw texts are compared, too.
        let literal = path.replace("%2A", "%252A").replace("%2a", "%252A");
        let decoded = object_name(&literal);
        ObjectPattern {
            host_wildcards: host.contains('*').then(|| Wildcards::new(host.as_bytes())),
            path_wildcards: Wildcards::new(path.as_bytes()),
            decoded_wildcards: (decoded != path).then(|| Wildcards::new(decoded.as_bytes())),
            host: host.into(),
            path: path.into(),
        }
    }

    /// Returns the host if it has no wildcard.
    pub(super) fn exact_host(&self) -> Option<&str> {
        self.host_wildcards.is_none().then_some(&*self.host)
    }

    /// True if the pattern covers the object.
    pub(super) fn covers(&self, object: &Spelled<'_>) -> bool {
        let host_is_covered = match &self.host_wildcards {
            Some(wildcards) => wildcards.cover(object.host.as_bytes()),
            None => *self.host == *object.host,
        };
        host_is_covered && self.covers_path(object)
    }

    fn covers_path(&self, object: &Spelled<'_>) -> bool {
        let decoded = self.decoded_wildcards.as_ref();
        let decoded = decoded.unwrap_or(&self.path_wildcards);
        let mut raw = object.raw.iter();
        let mut names = object.decoded.iter();
        raw.any(|path| self.path_wildcards.cover(path.as_bytes()))
            || names.any(|name| decoded.cover(name.as_bytes()))
    }
}

/// Writes the pattern without protocol and port, as [`ObjectPattern::parse`] reads it.
impl fmt::Display for ObjectPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.host, self.path)
    }
}

impl PartialEq for ObjectPattern {
    fn eq(&self, other: &Self) -> bool {
        self.host == other.host && self.path == other.path
    }
}

impl Eq for ObjectPattern {}

impl<'a> RevokedObject<'a> {
    pub(super) fn spelled(&self) -> Spelled<'a> {
        let host = without_port(self.host);
        let is_lower = !host.bytes().any(|byte| byte.is_ascii_uppercase());
        let host = if is_lower {
            Cow::Borrowed(host)
        } else {
            Cow::Owned(host.to_ascii_lowercase())
        };
        let decoded = self.paths.iter().map(|path| object_name(path)).collect();
        Spelled {
            host,
            raw: self.paths,
            decoded,
        }
    }
}

/// Returns a host without its port and the dot of its root; an IPv6 literal keeps its brackets.
fn without_port(host: &str) -> &str {
    let after_literal = host.rfind(']').map_or(0, |index| index + 1);
    let name = match host[after_literal..].find(':') {
        Some(colon) => &host[..after_literal + colon],
        None => host,
    };
    name.strip_suffix('.').unwrap_or(name)
}
