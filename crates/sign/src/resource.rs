//! Decides whether a `Resource` covers a URL.
//!
//! Source: developer guide, "Values that you specify in the policy statement": four sections, protocol, host, path and
//! query, with `*` and `?` inside each. The cookie guide still describes matching over the whole text, by which `*.jpg`
//! would open `s.txt?.jpg`; cookies are compared section by section too (fidelity note F15).

use std::borrow::Cow;

mod glob;
mod wildcards;

pub use wildcards::Wildcards;

/// The URL that a resource is compared with, cut into sections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    /// `http` or `https`.
    pub(crate) scheme: &'a str,
    /// Host, with or without port.
    pub(crate) host: &'a str,
    /// Path, beginning with `/`.
    pub(crate) path: &'a str,
    /// Query without `?` and reserved parameters; empty if there is none.
    pub(crate) query: &'a str,
}

/// A `Resource` cut into sections, for matching and for explaining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sections<'a> {
    /// `*` alone.
    Everything,
    /// A protocol, a host, and the rest from the first `/` on; `rest` is `None` if there is no `/`.
    Url {
        scheme: Scheme,
        host: &'a str,
        rest: Option<&'a str>,
    },
    /// A text that no URL can match.
    Nothing,
}

/// The protocol section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Any,
}

impl Scheme {
    pub(crate) fn matches(self, scheme: &str) -> bool {
        match self {
            Scheme::Http => scheme == "http",
            Scheme::Https => scheme == "https",
            Scheme::Any => true,
        }
    }
}

/// Cuts a `Resource` into sections.
pub(crate) fn sections(resource: &str) -> Sections<'_> {
    if resource == "*" {
        return Sections::Everything;
    }
    let (scheme, after) = match resource.split_once("://") {
        Some(("https", after)) => (Scheme::Https, after),
        Some(("http", after)) => (Scheme::Http, after),
        Some(("*" | "http*", after)) => (Scheme::Any, after),
        Some((name, _)) if !name.contains(['/', '?']) => return Sections::Nothing,
        Some(_) | None if resource.starts_with('*') => (Scheme::Any, resource),
        Some(_) | None => return Sections::Nothing,
    };
    match after.find('/') {
        Some(slash) => Sections::Url {
            scheme,
            host: &after[..slash],
            rest: Some(&after[slash..]),
        },
        None => Sections::Url {
            scheme,
            host: after,
            rest: None,
        },
    }
}

/// Compares section by section, as the guide of 2026 describes it.
pub(crate) fn covers(resource: &str, target: &Target<'_>) -> bool {
    match sections(resource) {
        Sections::Everything => true,
        Sections::Nothing => false,
        Sections::Url { scheme, host, rest } => {
            scheme.matches(target.scheme)
                && host_matches(host, target.host)
                && rest_matches(host, rest, target.path, target.query)
        }
    }
}

/// Compares with the name of a stream: the whole text, with `*` and `?` anywhere.
pub(crate) fn covers_stream(resource: &str, name: &str) -> bool {
    glob::matches(&unescape(resource), name.as_bytes())
}

/// Compares the host section, ignoring case.
pub(crate) fn host_matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    pattern.contains(['*', '?'])
        && glob::matches(
            pattern.to_ascii_lowercase().as_bytes(),
            host.to_ascii_lowercase().as_bytes(),
        )
}

/// Compares path and query. Without `/` in the resource, a host that ends with `*` covers all of them, any
/// other only `/`.
pub(crate) fn rest_matches(host: &str, rest: Option<&str>, path: &str, query: &str) -> bool {
    let Some(rest) = rest else {
        return host.ends_with('*') || (path == "/" && query.is_empty());
    };
    let pattern = unescape(rest);
    if let Some(delimiter) = pattern
        .iter()
        .position(|byte| *byte == glob::LITERAL_QUESTION_MARK)
    {
        return pair_matches(
            &pattern[..delimiter],
            &pattern[delimiter + 1..],
            path,
            query,
        );
    }
    let whole =
        (query.is_empty() || pattern.ends_with(b"*")) && glob::matches(&pattern, path.as_bytes());
    whole || any_delimiter_matches(&pattern, path, query)
}

/// Splits path and query of a resource as people read it: at the first `?`.
pub(crate) fn display_rest<'a>(host: &str, rest: Option<&'a str>) -> (&'a str, Option<&'a str>) {
    match rest {
        None if host.ends_with('*') => ("*", Some("*")),
        None => ("/", None),
        Some(rest) => match rest.split_once("\\?").or_else(|| rest.split_once('?')) {
            Some((path, query)) => (path, Some(query)),
            None => (rest, rest.ends_with('*').then_some("*")),
        },
    }
}

/// Tries every bare `?` as the start of the query; the others are then one-character wildcards.
fn any_delimiter_matches(pattern: &[u8], path: &str, query: &str) -> bool {
    const READINGS_MAX: usize = 4;
    let delimiters = pattern.iter().filter(|byte| **byte == b'?').count();
    if delimiters > READINGS_MAX {
        return glob::matches_split(pattern, path.as_bytes(), query.as_bytes());
    }
    let mut positions = pattern
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'?');
    positions.any(|(index, _)| pair_matches(&pattern[..index], &pattern[index + 1..], path, query))
}

/// Compares path and query separately. A delimiter with nothing after it requires a `?` that the compared
/// URL never has.
fn pair_matches(path_pattern: &[u8], query_pattern: &[u8], path: &str, query: &str) -> bool {
    !query_pattern.is_empty()
        && glob::matches(query_pattern, query.as_bytes())
        && glob::matches(path_pattern, path.as_bytes())
}

/// Replaces `\?` by a byte that stands for the character itself; any other backslash is literal.
fn unescape(pattern: &str) -> Cow<'_, [u8]> {
    if !pattern.contains("\\?") {
        return Cow::Borrowed(pattern.as_bytes());
    }
    let mut bytes = Vec::with_capacity(pattern.len());
    let mut parts = pattern.split("\\?");
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        bytes.push(glob::LITERAL_QUESTION_MARK);
        bytes.extend_from_slice(part.as_bytes());
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests;
