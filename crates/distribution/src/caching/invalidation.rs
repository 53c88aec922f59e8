//! Decides what an invalidation covers: paths given by the operator (developer guide, "Invalidate files"), paths of
//! unsafe methods (RFC 9111 4.4), and the tags of responses.

use crate::config::{Origin, object_name, without_port};
use crate::request::ViewerRequest;
use http::uri::Uri;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};

/// Maximum length of an invalidation's path (developer guide, "Quotas").
pub const INVALIDATION_PATH_SIZE_BYTES_MAX: usize = 4_000;

/// Maximum number of tags of one response; further ones are not stored.
pub const CACHE_TAGS_MAX: usize = 256;

/// Maximum length of a tag; a longer one is not stored.
pub const CACHE_TAG_SIZE_BYTES_MAX: usize = 1_024;

/// The objects that an invalidation by path covers.
///
/// Paths are compared case-sensitively as names of objects, with percent-encoding decoded once: an object is covered
/// however viewers spell it, and so are all its variants by header, cookie and coding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidationPath {
    /// Path as returned by [`object_name`].
    path: String,
    extent: Extent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Extent {
    /// The path with exactly this query.
    Query(Option<String>),
    /// The path with every query.
    EveryQuery,
    /// Every path with this prefix, with every query.
    PathsFrom,
    /// The path with every query with this prefix.
    QueriesFrom(String),
}

impl InvalidationPath {
    /// Reads `/path`, `/path?query`, `/prefix*` or `/path?prefix*` of at most 4,000 printable ASCII characters.
    ///
    /// The error is the message for the operator. `%2A` means the character `*`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.len() <= 256;
            let correction = if is_plain {
                format!(": write /{text}")
            } else {
                String::new()
            };
            return Err(format!("does not begin with a slash{correction}"));
        }
        if text.len() > INVALIDATION_PATH_SIZE_BYTES_MAX {
            return Err(format!(
                "is {} characters long; shorten it to {INVALIDATION_PATH_SIZE_BYTES_MAX}",
                text.len()
            ));
        }
        if let Some(character) = text.chars().find(|&c| !c.is_ascii_graphic() || c == '#') {
            return Err(format!(
                "contains {character:?}, which no request path does; write it percent-encoded"
            ));
        }
        let bare = text.strip_suffix('*');
        let rest = bare.unwrap_or(text);
        if rest.contains('*') {
            return Err("has a * before its end; put it last, or write %2A".to_owned());
        }
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        let extent = match (bare, query) {
            (None, query) => Extent::Query(query.map(name)),
            (Some(_), None) => Extent::PathsFrom,
            (Some(_), Some(query)) => Extent::QueriesFrom(name(query)),
        };
        Ok(InvalidationPath {
            path: name(path),
            extent,
        })
    }

    /// Returns the name of the object, or the prefix of the names, for looking them up.
    pub fn name(&self) -> &str {
        &self.path
    }

    /// Returns whether every object whose name begins with [`InvalidationPath::name`] is covered.
    pub fn is_prefix(&self) -> bool {
        self.extent == Extent::PathsFrom
    }

    /// Encodes the path for a journal; [`InvalidationPath::decode`] reads it.
    pub fn encode(&self) -> String {
        let (tag, query) = match &self.extent {
            Extent::Query(None) => ('n', ""),
            Extent::Query(Some(query)) => ('q', query.as_str()),
            Extent::EveryQuery => ('e', ""),
            Extent::PathsFrom => ('p', ""),
            Extent::QueriesFrom(prefix) => ('f', prefix.as_str()),
        };
        format!("{tag}{}:{}{query}", self.path.len(), self.path)
    }

    /// Decodes the text of [`InvalidationPath::encode`]; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        let tag = text.chars().next()?;
        let (length, rest) = text.get(1..)?.split_once(':')?;
        let (path, query) = rest.split_at_checked(length.parse().ok()?)?;
        let extent = match tag {
            'n' => Extent::Query(None),
            'q' => Extent::Query(Some(query.to_owned())),
            'e' => Extent::EveryQuery,
            'p' => Extent::PathsFrom,
            'f' => Extent::QueriesFrom(query.to_owned()),
            _ => return None,
        };
        Some(InvalidationPath {
            path: path.to_owned(),
            extent,
        })
    }

    /// Covers the raw path, with every query.
    fn every_query(path: &str) -> Self {
        InvalidationPath {
            path: name(path),
            extent: Extent::EveryQuery,
        }
    }

    /// Returns whether an object is covered. `path` is the viewer's raw path; `query` is the one in the cache key
    /// ([`crate::caching::filtered_query`]): where the key has none, the object has none.
    pub fn matches(&self, path: &str, query: Option<&str>) -> bool {
        let path = object_name(path);
        match &self.extent {
            Extent::EveryQuery => path == self.path,
            Extent::PathsFrom => path.starts_with(&self.path),
            Extent::Query(wanted) => {
                path == self.path && query.map(object_name).as_deref() == wanted.as_deref()
            }
            Extent::QueriesFrom(prefix) => {
                path == self.path
                    && query.is_some_and(|query| object_name(query).starts_with(prefix.as_str()))
            }
        }
    }
}

fn name(text: &str) -> String {
    object_name(text).into_owned()
}

/// Returns whether a response to `method` invalidates stored responses: the method is not known to be safe (RFC 9110
/// 9.2.1), and the status is not an error (RFC 9111 4.4).
pub fn unsafe_method_invalidates(method: &Method, status: StatusCode) -> bool {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method);
    !is_safe && (status.is_success() || status.is_redirection())
}

/// Returns the paths to invalidate after [`unsafe_method_invalidates`]: the target of the request, and the targets of
/// `Location` and `Content-Location` on the same host (RFC 9111 4.4), each with every query.
///
/// References are resolved by RFC 3986 5.2. Those to other hosts are left out: nobody may empty another host's cache.
pub fn also_invalidated(
    request: &ViewerRequest<'_>,
    response: &HeaderMap,
) -> Vec<InvalidationPath> {
    let mut paths = vec![InvalidationPath::every_query(request.path)];
    for field in [header::LOCATION, header::CONTENT_LOCATION] {
        let reference = response.get(field).and_then(|value| value.to_str().ok());
        if let Some(path) = reference.and_then(|reference| resolved(request, reference.trim())) {
            paths.push(InvalidationPath::every_query(&path));
        }
    }
    paths.dedup();
    paths
}

/// Returns the path to invalidate after a change of an object at the origin: the object as viewers request it, with
/// every query.
///
/// `path` is the object's raw path at the origin, including the origin path. `None`: the origin path leads elsewhere,
/// so no viewer gets the object by way of this origin.
pub fn changed_at_origin(origin: &Origin, path: &str) -> Option<InvalidationPath> {
    let name = object_name(path);
    let name = name.strip_prefix(&*object_name(&origin.origin_path))?;
    name.starts_with('/').then(|| InvalidationPath {
        path: name.to_owned(),
        extent: Extent::EveryQuery,
    })
}

/// Resolves the path of `reference` relative to the request; `None` when it is on another host.
fn resolved(request: &ViewerRequest<'_>, reference: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or(reference);
    let is_absolute = reference
        .split(['/', '?'])
        .next()
        .is_some_and(|first| first.contains(':'));
    if is_absolute || reference.starts_with("//") {
        let text = if is_absolute {
            reference.to_owned()
        } else {
            format!("http:{reference}")
        };
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?.as_str();
        let is_same = without_port(authority).eq_ignore_ascii_case(without_port(request.host));
        return is_same.then(|| without_dot_segments(uri.path()));
    }
    let path = reference.split('?').next().unwrap_or(reference);
    if path.is_empty() {
        return Some(request.path.to_owned());
    }
    if path.starts_with('/') {
        return Some(without_dot_segments(path));
    }
    let folder = request.path.rfind('/').map_or("", |at| &request.path[..at]);
    Some(without_dot_segments(&format!("{folder}/{path}")))
}

/// Names of the fields that carry tags. They are the edge's own business, and removed from responses to viewers.
pub const CACHE_TAG_FIELDS: [HeaderName; 2] = [
    HeaderName::from_static("cache-tag"),
    HeaderName::from_static("surrogate-key"),
];

/// Returns the tags of a response: `Cache-Tag`, separated by commas, and `Surrogate-Key`, separated by spaces. Each
/// occurs once, in order; at most [`CACHE_TAGS_MAX`], none longer than [`CACHE_TAG_SIZE_BYTES_MAX`]. Case matters.
pub fn cache_tags(response: &HeaderMap) -> Vec<String> {
    let [by_comma, by_space] = CACHE_TAG_FIELDS;
    let mut tags: Vec<String> = Vec::new();
    for (field, separator) in [(by_comma, ','), (by_space, ' ')] {
        for value in response.get_all(field) {
            let Ok(text) = value.to_str() else { continue };
            for tag in text.split(separator).map(str::trim) {
                let is_new = !tags.iter().any(|known| known == tag);
                let fits = !tag.is_empty() && tag.len() <= CACHE_TAG_SIZE_BYTES_MAX;
                if fits && is_new && tags.len() < CACHE_TAGS_MAX {
                    tags.push(tag.to_owned());
                }
            }
        }
    }
    tags
}

/// Returns a path without `.` and `..` (RFC 3986 5.2.4).
fn without_dot_segments(name: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let bare = name.strip_prefix('/').unwrap_or(name);
    let mut segments = bare.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => {
                kept.push(other);
                continue;
            }
        }
        // A dot segment at the end means the folder itself.
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests;
