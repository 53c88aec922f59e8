//! URLs in the form that a client really sends, and the changes that lead to it.
//!
//! Source: the WHATWG URL standard, which browsers, fetch and most tools follow. A signature over any other spelling
//! never verifies, so a signer normalizes once, and signs and prints that text.

use std::fmt;

use url::Url;

use crate::credentials::Field;
use crate::sign_error::SignError;

mod scan;

/// Length in bytes of the longest text that is parsed at all; far above CloudFront's 8192 for the signed URL.
const INPUT_BYTES_MAX: usize = 64 * 1024;

/// CloudFront's quota for a URL, in bytes.
pub(crate) const URL_BYTES_MAX: usize = 8192;

/// An http(s) URL as a WHATWG client sends it, and the changes that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireUrl {
    text: String,
    changes: Vec<UrlChange>,
}

/// A change made by [`WireUrl::parse`]. Its `Display` is a sentence for standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlChange {
    /// `HTTPS://` became `https://`.
    SchemeLowered,
    /// The host had capitals, a name in another script, or an address in an odd form.
    HostRewritten {
        /// Host as given.
        from: String,
        /// Host as sent.
        to: String,
    },
    /// `:443`, `:80` or an empty port was removed.
    DefaultPortRemoved,
    /// The port had an odd form, such as leading zeros.
    PortRewritten,
    /// A missing path became `/`.
    SlashAdded,
    /// Segments `.` and `..`, written out or percent-encoded, were collapsed.
    DotSegmentsCollapsed,
    /// Characters of the path were percent-encoded, as clients send them.
    PathEncoded,
    /// Characters of the query were percent-encoded, as clients send them.
    QueryEncoded,
    /// A `?` or `&` with nothing behind it was dropped.
    EmptyQueryPiecesDropped,
    /// `#` and the text after it were cut: clients never send them.
    FragmentCut,
}

impl fmt::Display for UrlChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UrlChange::SchemeLowered => formatter.write_str("the scheme was written in lower case"),
            UrlChange::HostRewritten { from, to } => {
                write!(formatter, "the host {from} is sent as {to}")
            }
            UrlChange::DefaultPortRemoved => formatter
                .write_str("the port was removed, since clients do not send the default one"),
            UrlChange::PortRewritten => {
                formatter.write_str("the port was written as clients write it")
            }
            UrlChange::SlashAdded => formatter.write_str("the empty path was written as /"),
            UrlChange::DotSegmentsCollapsed => {
                formatter.write_str("dot segments were collapsed, as clients do before sending")
            }
            UrlChange::PathEncoded => formatter
                .write_str("characters of the path were percent-encoded, as clients send them"),
            UrlChange::QueryEncoded => formatter
                .write_str("characters of the query were percent-encoded, as clients send them"),
            UrlChange::EmptyQueryPiecesDropped => {
                formatter.write_str("? or & with nothing behind it was dropped from the query")
            }
            UrlChange::FragmentCut => formatter.write_str(
                "the fragment was cut: clients never send it, add it after the signed query",
            ),
        }
    }
}

impl WireUrl {
    /// Normalizes `url`, and refuses text that no client would send as it is.
    ///
    /// # Errors
    /// A [`SignError`] about the URL: not http(s), control characters, backslash, user info, a bucket's host,
    /// reserved parameters.
    pub fn parse(url: &str) -> Result<Self, SignError> {
        if url.len() > INPUT_BYTES_MAX {
            return Err(SignError::TooLong { bytes: url.len() });
        }
        if scan::parts(url).is_some_and(|parts| !has_reserved(parts.query)) {
            return Ok(WireUrl {
                text: url.to_owned(),
                changes: Vec::new(),
            });
        }
        let raw = Raw::cut(url)?;
        let parsed = Url::parse(url).map_err(|error| SignError::NotAUrl(error.to_string()))?;
        refuse_bucket(parsed.host_str().unwrap_or_default())?;
        let query = own_pieces(parsed.query().unwrap_or_default())?;
        let changes = raw.changes(&parsed, &query);
        let mut clean = parsed;
        clean.set_fragment(None);
        clean.set_query((!query.is_empty()).then_some(query.as_str()));
        Ok(WireUrl {
            text: clean.into(),
            changes,
        })
    }

    /// Returns the URL as it is signed and printed: ASCII, without fragment.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the differences from the given text, in the order of the URL.
    pub fn changes(&self) -> &[UrlChange] {
        &self.changes
    }

    pub(crate) fn parts(&self) -> WireParts<'_> {
        WireParts::cut(&self.text)
    }
}

impl fmt::Display for WireUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A URL in wire form, cut at its delimiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireParts<'a> {
    pub(crate) scheme: &'a str,
    /// Host, with its port if there is one.
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl<'a> WireParts<'a> {
    /// Cuts a `url` in wire form. Any other text is cut somehow, without a panic.
    pub(crate) fn cut(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let (host, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        match target.split_once('?') {
            Some((path, query)) => WireParts {
                scheme,
                host,
                path,
                query: Some(query),
            },
            None => WireParts {
                scheme,
                host,
                path: target,
                query: None,
            },
        }
    }
}

/// Like [`WireUrl::parse`], for text that is in wire form already: one scan, no allocation. Returns `None` if the text
/// needs the full parser.
pub(crate) fn parts_if_wire(url: &str) -> Option<WireParts<'_>> {
    scan::parts(url).filter(|parts| !has_reserved(parts.query))
}

fn has_reserved(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|piece| reserved(piece).is_some()))
}

fn reserved(piece: &str) -> Option<Field> {
    Field::of_parameter(piece.split('=').next().unwrap_or(piece))
}

/// Returns the query without empty pieces. Fails if a parameter is reserved.
fn own_pieces(query: &str) -> Result<String, SignError> {
    let mut kept = String::with_capacity(query.len());
    for piece in query.split('&').filter(|piece| !piece.is_empty()) {
        if let Some(field) = reserved(piece) {
            return Err(SignError::ReservedParameter(field.parameter()));
        }
        if !kept.is_empty() {
            kept.push('&');
        }
        kept.push_str(piece);
    }
    Ok(kept)
}

fn refuse_bucket(host: &str) -> Result<(), SignError> {
    if is_bucket(host) {
        Err(SignError::BucketHost(host.to_owned()))
    } else {
        Ok(())
    }
}

/// True for `bucket.s3.amazonaws.com`, `s3-eu-west-1.amazonaws.com` and the like, which are not the distribution.
pub(crate) fn is_bucket(host: &str) -> bool {
    let amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    amazon
        && host
            .split('.')
            .any(|label| label == "s3" || label.starts_with("s3-"))
}

/// A URL as given, cut where a WHATWG parser cuts it.
struct Raw<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Raw<'a> {
    fn cut(url: &'a str) -> Result<Self, SignError> {
        if url.contains(|char: char| char.is_ascii_control()) || url.trim() != url {
            return Err(SignError::ControlCharacters);
        }
        let (scheme, rest) = url.split_once("://").ok_or(SignError::NotHttp)?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(SignError::NotHttp);
        }
        if rest.contains('\\') {
            return Err(SignError::Backslash);
        }
        let (rest, fragment) = split_at_char(rest, '#');
        let (rest, query) = split_at_char(rest, '?');
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.is_empty() {
            return Err(SignError::NotAUrl("there is no host".to_owned()));
        }
        if authority.contains('@') {
            return Err(SignError::UserInfo);
        }
        let after_literal = authority.rfind(']').map_or(0, |index| index + 1);
        let (host, port) = match authority[after_literal..].find(':') {
            Some(colon) => (
                &authority[..after_literal + colon],
                Some(&authority[after_literal + colon + 1..]),
            ),
            None => (authority, None),
        };
        Ok(Raw {
            scheme,
            host,
            port,
            path,
            query,
            fragment,
        })
    }

    fn changes(&self, parsed: &Url, query: &str) -> Vec<UrlChange> {
        let mut changes = Vec::new();
        if self.scheme != parsed.scheme() {
            changes.push(UrlChange::SchemeLowered);
        }
        let host = parsed.host_str().unwrap_or_default();
        if self.host != host {
            changes.push(UrlChange::HostRewritten {
                from: self.host.to_owned(),
                to: host.to_owned(),
            });
        }
        match (self.port, parsed.port()) {
            (Some(_), None) => changes.push(UrlChange::DefaultPortRemoved),
            (Some(text), Some(port)) if text != port.to_string() => {
                changes.push(UrlChange::PortRewritten);
            }
            (Some(_) | None, _) => {}
        }
        if self.path.is_empty() {
            changes.push(UrlChange::SlashAdded);
        } else if self.path != parsed.path() {
            self.path_changes(parsed.path(), &mut changes);
        }
        let sent = parsed.query().unwrap_or_default();
        if self.query.unwrap_or_default() != sent {
            changes.push(UrlChange::QueryEncoded);
        }
        if self.query.is_some() && query != sent || self.query == Some("") {
            changes.push(UrlChange::EmptyQueryPiecesDropped);
        }
        if self.fragment.is_some() {
            changes.push(UrlChange::FragmentCut);
        }
        changes
    }

    fn path_changes(&self, sent: &str, changes: &mut Vec<UrlChange>) {
        let dots = self.path.split('/').any(|segment| {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            plain == "." || plain == ".."
        });
        if dots {
            changes.push(UrlChange::DotSegmentsCollapsed);
        }
        let escapes = |text: &str| text.bytes().filter(|byte| *byte == b'%').count();
        if !dots || escapes(sent) > escapes(self.path) || !self.path.is_ascii() {
            changes.push(UrlChange::PathEncoded);
        }
    }
}

fn split_at_char(text: &str, char: char) -> (&str, Option<&str>) {
    match text.split_once(char) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

/// Refuses a signed URL that exceeds the quota.
pub(crate) fn check_length(bytes: usize) -> Result<(), SignError> {
    if bytes > URL_BYTES_MAX {
        Err(SignError::TooLong { bytes })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
