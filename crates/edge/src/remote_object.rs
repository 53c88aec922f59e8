//! Objects of servers that no configuration names, read with a limit on bytes and time, for commands that inspect
//! videos.
//!
//! The query of a URL may be a signature: it is sent, and never shown. Redirects are not followed.

use crate::origin_client::{
    OriginBody, OriginCall, OriginClient, OriginFault, OriginFaultKind, OriginRequestBody,
    OriginResponse,
};
use crate::video::decoded_text;
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, ETAG, IF_RANGE, LOCATION, RANGE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use privet_distribution::caching::AppliedCodings;
use privet_distribution::config::{
    HttpOrigin, Origin, OriginPatience, OriginProtocolPolicy, OriginSource, PathReading,
};
use privet_distribution::logging::redact_viewer_text;
use privet_distribution::{ContentRange, RangeSpec, Span};
use privet_sign::Scheme;
use std::fmt;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::task::LocalSet;
use tokio::time::{Instant, timeout_at};

/// Time limit for everything that one reader reads.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Byte limit for everything that one reader reads: twice the longest index.
const BYTES_MAX: u64 = 128 << 20;
/// Bytes requested at once: enough for most indexes, and for many small boxes.
const WINDOW_BYTES: u64 = 64 * 1024;
/// Bytes read of an object whose server does not support ranges.
const BEGINNING_BYTES_MAX: u64 = 16 << 20;
/// Maximum number of characters shown of a redirect's target.
const LOCATION_CHARS_MAX: usize = 200;

/// Location of an object: an http or https URL.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
    query: Option<String>,
}

/// Reason why a text is not an [`ObjectUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectUrlFault {
    /// The scheme is neither http nor https.
    #[error("only http and https URLs are read")]
    Scheme,
    /// A user name precedes the host.
    #[error("user names and passwords in URLs are not supported: remove the part before @")]
    UserName,
    /// The text is not a URL, or has characters that must be percent-encoded.
    #[error("not a URL: percent-encode spaces and letters beyond ASCII")]
    Malformed,
}

impl ObjectUrl {
    /// Parses an absolute URL; its fragment is dropped.
    ///
    /// # Errors
    /// See [`ObjectUrlFault`].
    pub fn parse(text: &str) -> Result<Self, ObjectUrlFault> {
        let is_of_http = |scheme: &str| ["http", "https"].contains(&scheme);
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        let scheme = scheme.ok_or(ObjectUrlFault::Malformed)?;
        if !is_of_http(scheme.to_ascii_lowercase().as_str()) {
            return Err(ObjectUrlFault::Scheme);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ObjectUrlFault::Malformed);
        }
        let uri: Uri = text.parse().map_err(|_| ObjectUrlFault::Malformed)?;
        let authority = uri.authority().ok_or(ObjectUrlFault::Malformed)?;
        if authority.as_str().contains('@') {
            return Err(ObjectUrlFault::UserName);
        }
        let scheme = match uri.scheme_str() {
            Some("https") => Scheme::Https,
            _ => Scheme::Http,
        };
        let usual_port = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        };
        let host = authority.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host).to_owned();
        // `http` returns no port for text that is not a port number.
        let has_odd_port = authority.port_u16().is_none() && authority.as_str() != authority.host();
        if host.is_empty() || has_odd_port {
            return Err(ObjectUrlFault::Malformed);
        }
        Ok(ObjectUrl {
            scheme,
            host,
            port: authority.port_u16().unwrap_or(usual_port),
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
        })
    }

    /// Returns the path, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the URL of another object of the same server, with the same query.
    #[must_use]
    pub fn beside(&self, path: &str) -> Self {
        ObjectUrl {
            path: path.to_owned(),
            ..self.clone()
        }
    }

    fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    fn origin(&self) -> Origin {
        Origin {
            index: 0,
            id: "object".to_owned(),
            source: OriginSource::from(HttpOrigin {
                host: self.host.clone(),
                http_port: self.port,
                https_port: self.port,
                protocol: OriginProtocolPolicy::MatchViewer,
            }),
            origin_path: String::new(),
            paths: PathReading::Literal,
            are_paths_stated: true,
            custom_headers: Vec::new(),
            patience: OriginPatience::default(),
        }
    }
}

/// Writes the URL without the query, and without tokens in the path.
impl fmt::Display for ObjectUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual_port) = match self.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        formatter.write_str(scheme)?;
        match self.host.contains(':') {
            true => write!(formatter, "://[{}]", self.host)?,
            false => write!(formatter, "://{}", self.host)?,
        }
        if self.port != usual_port {
            write!(formatter, ":{}", self.port)?;
        }
        formatter.write_str(&redact_viewer_text(&self.path))
    }
}

impl fmt::Debug for ObjectUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ObjectUrl({self})")
    }
}

/// Reason why an object could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteFault {
    /// The server has no such object: 404 or 410.
    Missing,
    /// The server refuses it: 401 or 403.
    Forbidden,
    /// The server redirects, to this location without its query; `None` if it cannot be shown.
    Redirect(Option<String>),
    /// Any other status.
    Status(u16),
    /// There was no response, for this reason.
    Unanswered(String),
    /// The server does not support ranges, and the beginning of the object is not enough.
    NoRanges,
    /// The object has a content coding that cannot be undone, or not in parts.
    Encoded,
    /// The parts are of different objects, or are not the requested ones.
    Changed,
    /// More bytes would have to be read than the limit allows.
    TooLong,
    /// Reading took longer than the limit for everything.
    Late,
}

impl fmt::Display for RemoteFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            RemoteFault::Missing => "404: the server has no such object; check the path",
            RemoteFault::Forbidden => {
                "403: the server refuses it; check that the link has not expired and is for GET, and put all of it \
                 in quotes"
            }
            RemoteFault::Redirect(Some(location)) => {
                return write!(
                    formatter,
                    "redirects are not followed: check the target, {location}"
                );
            }
            RemoteFault::Redirect(None) => "redirects are not followed: check the target",
            RemoteFault::Status(status) => {
                return write!(
                    formatter,
                    "the server responds with {status}; try again later"
                );
            }
            RemoteFault::Unanswered(reason) => reason,
            RemoteFault::NoRanges => {
                "the server ignores Range, and the index is not in the first 16 MiB: download the file and check that, or let \
                 the server send ranges"
            }
            RemoteFault::Encoded => {
                "the server sends it in a content coding: store it without Content-Encoding"
            }
            RemoteFault::Changed => "the object changed while it was read; try again",
            RemoteFault::TooLong => "the size limit was reached: download the file and check that",
            RemoteFault::Late => "the server takes too long: download the file and check that",
        };
        formatter.write_str(text)
    }
}

impl From<OriginFault> for RemoteFault {
    fn from(fault: OriginFault) -> Self {
        if fault.kind == OriginFaultKind::Tls {
            let next = "check the host and the server's certificate; SSL_CERT_FILE names an authority of your own";
            return RemoteFault::Unanswered(format!("the TLS handshake failed: {next}"));
        }
        let reason = fault.to_string();
        RemoteFault::Unanswered(reason)
    }
}

/// A server's handling of range requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeSupport {
    /// The server sends the requested range.
    Served,
    /// The server sends the whole object.
    Ignored,
}

/// An opened object, with the range of it that was read last.
#[derive(Debug)]
pub struct RemoteObject {
    url: ObjectUrl,
    size_bytes: u64,
    ranges: RangeSupport,
    etag: Option<HeaderValue>,
    window_begin: u64,
    window: Vec<u8>,
}

impl RemoteObject {
    /// Returns the size of the whole object in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Returns how the server handles range requests.
    pub fn ranges(&self) -> RangeSupport {
        self.ranges
    }

    fn in_window(&self, range: &Range<u64>) -> Option<Vec<u8>> {
        let begin = usize::try_from(range.start.checked_sub(self.window_begin)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.window_begin)?).ok()?;
        self.window.get(begin..end).map(<[u8]>::to_vec)
    }
}

/// Reads objects, one after the other, until its time or its bytes are used up.
#[derive(Debug)]
pub struct RemoteReader {
    runtime: Runtime,
    tasks: LocalSet,
    client: Rc<OriginClient>,
    deadline: Instant,
    bytes_left: u64,
}

impl RemoteReader {
    /// Creates a reader whose time begins now.
    ///
    /// # Errors
    /// The system cannot create what an async runtime needs.
    pub fn new() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        Ok(RemoteReader {
            runtime,
            tasks: LocalSet::new(),
            client: OriginClient::new(std::sync::Arc::default()),
            deadline: Instant::now() + TIME_MAX,
            bytes_left: BYTES_MAX,
        })
    }

    /// Opens an object by requesting its beginning.
    ///
    /// # Errors
    /// See [`RemoteFault`].
    pub fn open(&mut self, url: &ObjectUrl) -> Result<RemoteObject, RemoteFault> {
        let client = Rc::clone(&self.client);
        let limit = self.bytes_left;
        let opening = async move { open(&client, url, limit).await };
        let object = self.in_time(opening)?;
        self.bytes_left -= object.window.len() as u64;
        Ok(object)
    }

    /// Returns the bytes of `range` of an opened object.
    ///
    /// # Errors
    /// See [`RemoteFault`].
    pub fn read(
        &mut self,
        object: &mut RemoteObject,
        range: &Range<u64>,
    ) -> Result<Vec<u8>, RemoteFault> {
        if let Some(bytes) = object.in_window(range) {
            return Ok(bytes);
        }
        if object.ranges == RangeSupport::Ignored {
            return Err(RemoteFault::NoRanges);
        }
        let end = range.end.max(range.start.saturating_add(WINDOW_BYTES));
        let window = range.start..end.min(object.size_bytes);
        if range.end > window.end || window.end - window.start > self.bytes_left {
            return Err(RemoteFault::TooLong);
        }
        self.bytes_left -= window.end - window.start;
        let client = Rc::clone(&self.client);
        let stretch = stretch(&client, object, &window);
        let bytes = self.in_time(stretch)?;
        object.window_begin = window.start;
        object.window = bytes;
        object.in_window(range).ok_or(RemoteFault::Changed)
    }

    /// Reads a whole text and undoes the codings that it is stored in.
    ///
    /// # Errors
    /// See [`RemoteFault`].
    pub fn read_text(
        &mut self,
        url: &ObjectUrl,
        size_bytes_max: u64,
    ) -> Result<Vec<u8>, RemoteFault> {
        let limit = size_bytes_max.min(self.bytes_left);
        let client = Rc::clone(&self.client);
        let reading = async move {
            let mut response = ask(&client, url, HeaderMap::new()).await?;
            checked(&response)?;
            let Taken::Whole(bytes) = take(&mut response.body, limit).await? else {
                return Err(RemoteFault::TooLong);
            };
            Ok((bytes, AppliedCodings::of(&response.headers)))
        };
        let (bytes, codings) = self.in_time(reading)?;
        self.bytes_left -= bytes.len() as u64;
        decoded_text(bytes, &codings, size_bytes_max).ok_or(RemoteFault::Encoded)
    }

    fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RemoteFault>>,
    ) -> Result<T, RemoteFault> {
        let deadline = self.deadline;
        let work = async move { timeout_at(deadline, work).await };
        let done = self.tasks.block_on(&self.runtime, work);
        done.unwrap_or(Err(RemoteFault::Late))
    }
}

async fn open(
    client: &OriginClient,
    url: &ObjectUrl,
    limit: u64,
) -> Result<RemoteObject, RemoteFault> {
    let first = 0..WINDOW_BYTES.min(limit).max(1);
    let mut response = ask(client, url, range_headers(&first)).await?;
    let mut object = RemoteObject {
        url: url.clone(),
        size_bytes: 0,
        ranges: RangeSupport::Served,
        etag: response.headers.get(ETAG).cloned(),
        window_begin: 0,
        window: Vec::new(),
    };
    match response.status.as_u16() {
        206 => {
            let ContentRange { range, size_bytes } = content_range(&response.headers)?;
            check_plain(&response.headers)?;
            let length = first.end.min(size_bytes);
            object.size_bytes = size_bytes;
            object.window = exactly(&mut response.body, length).await?;
            if range.start != 0 {
                return Err(RemoteFault::Changed);
            }
        }
        // The object is empty: it has no first byte.
        416 => {}
        _ => {
            checked(&response)?;
            check_plain(&response.headers)?;
            let promised = response.body.promised();
            let taken = take(&mut response.body, BEGINNING_BYTES_MAX.min(limit)).await?;
            object.ranges = RangeSupport::Ignored;
            object.size_bytes = match (&taken, promised) {
                (Taken::Whole(bytes), _) => bytes.len() as u64,
                (Taken::Beginning(_), Some(size_bytes)) => size_bytes,
                (Taken::Beginning(_), None) => return Err(RemoteFault::NoRanges),
            };
            object.window = match taken {
                Taken::Whole(bytes) | Taken::Beginning(bytes) => bytes,
            };
        }
    }
    Ok(object)
}

/// Requests exactly these bytes of the opened object.
async fn stretch(
    client: &OriginClient,
    object: &RemoteObject,
    window: &Range<u64>,
) -> Result<Vec<u8>, RemoteFault> {
    let mut headers = range_headers(window);
    let is_strong = |etag: &&HeaderValue| etag.as_bytes().starts_with(b"\"");
    if let Some(etag) = object.etag.as_ref().filter(is_strong) {
        headers.insert(IF_RANGE, etag.clone());
    }
    let mut response = ask(client, &object.url, headers).await?;
    if response.status.as_u16() != 206 {
        checked(&response)?;
        return Err(RemoteFault::Changed);
    }
    let told = content_range(&response.headers)?;
    let is_same = told.range.start == window.start
        && told.size_bytes == object.size_bytes
        && response.headers.get(ETAG) == object.etag.as_ref();
    if !is_same {
        return Err(RemoteFault::Changed);
    }
    check_plain(&response.headers)?;
    exactly(&mut response.body, window.end - window.start).await
}

async fn ask(
    client: &OriginClient,
    url: &ObjectUrl,
    mut headers: HeaderMap,
) -> Result<OriginResponse, RemoteFault> {
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let call = OriginCall {
        // A presigned URL is valid for one method only.
        method: Method::GET,
        target: url.target(),
        headers,
        body: OriginRequestBody::Empty,
        viewer_scheme: url.scheme,
        viewer: None,
    };
    Ok(client.send(&url.origin(), call).await?)
}

fn range_headers(range: &Range<u64>) -> HeaderMap {
    let span = Span {
        start: range.start,
        end: range.end,
    };
    let range = span.byte_range().map(RangeSpec::Within);
    let range = range.map(|range| (RANGE, range.to_header_value()));
    HeaderMap::from_iter(range)
}

/// Fails for any response but the whole object.
fn checked(response: &OriginResponse) -> Result<(), RemoteFault> {
    Err(match response.status.as_u16() {
        200 => return Ok(()),
        404 | 410 => RemoteFault::Missing,
        401 | 403 => RemoteFault::Forbidden,
        300..=399 => RemoteFault::Redirect(location(&response.headers)),
        status => RemoteFault::Status(status),
    })
}

/// Returns the target of a redirect, without what may be a secret.
fn location(headers: &HeaderMap) -> Option<String> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let location = location.split(['?', '#']).next()?;
    let is_of_a_user = location.contains('@');
    let shown = redact_viewer_text(location);
    (!is_of_a_user).then(|| shown.chars().take(LOCATION_CHARS_MAX).collect())
}

fn check_plain(headers: &HeaderMap) -> Result<(), RemoteFault> {
    match AppliedCodings::of(headers).is_plain() {
        true => Ok(()),
        false => Err(RemoteFault::Encoded),
    }
}

fn content_range(headers: &HeaderMap) -> Result<ContentRange, RemoteFault> {
    let value = headers
        .get(CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    let told = value.and_then(ContentRange::parse);
    told.ok_or(RemoteFault::Changed)
}

/// The bytes read of a body.
enum Taken {
    Whole(Vec<u8>),
    /// The first bytes; there are more.
    Beginning(Vec<u8>),
}

async fn take(body: &mut OriginBody, bytes_max: u64) -> Result<Taken, RemoteFault> {
    let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > bytes_max {
            bytes.truncate(bytes_max);
            return Ok(Taken::Beginning(bytes));
        }
    }
    Ok(Taken::Whole(bytes))
}

/// Reads a body; fails if it is shorter or longer than `length`.
async fn exactly(body: &mut OriginBody, length: u64) -> Result<Vec<u8>, RemoteFault> {
    match take(body, length).await? {
        Taken::Whole(bytes) if bytes.len() as u64 == length => Ok(bytes),
        Taken::Whole(_) | Taken::Beginning(_) => Err(RemoteFault::Changed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_url_of_an_object_is_refused() {
        for (text, fault) in [
            ("ftp://host/a.mp4", ObjectUrlFault::Scheme),
            ("file:///etc/passwd", ObjectUrlFault::Scheme),
            ("s3://bucket/a.mp4", ObjectUrlFault::Scheme),
            ("https://name:word@host/a.mp4", ObjectUrlFault::UserName),
            ("https:///a.mp4", ObjectUrlFault::Malformed),
            ("https://host/a b.mp4", ObjectUrlFault::Malformed),
            ("https://host/\u{1b}[2J.mp4", ObjectUrlFault::Malformed),
            ("https://host:99999/a.mp4", ObjectUrlFault::Malformed),
            ("//host/a.mp4", ObjectUrlFault::Malformed),
        ] {
            assert_eq!(ObjectUrl::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn queries_are_sent_and_never_shown() {
        let url = ObjectUrl::parse("HTTPS://[::1]:8443/a.mp4?Signature=secret#t").unwrap();
        assert_eq!(url.target(), "/a.mp4?Signature=secret");
        assert_eq!(url.to_string(), "https://[::1]:8443/a.mp4");
        assert!(!format!("{url:?}").contains("secret"));
        let other = url.beside("/b.mp4");
        assert_eq!(other.target(), "/b.mp4?Signature=secret");
    }
}
