//! The agreed face of the crate. Replaced module by module; names and signatures stay.
#![allow(missing_docs, unused_variables, clippy::todo)]
use http::{HeaderMap, Method, StatusCode, Version};
use privet_sign::{Grant, KeySet, Refusal, Scheme, SignatureMemory, Timestamp};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

// ---- document.rs: plain data, the same for file and (later) API ----
/// The whole configuration as the operator wrote it, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {/* listeners, edge, limits, log, test, public_keys, key_groups, distributions */}

/// One fault of a document. Display: `privet.toml:12:5: distributions[0].behaviors[1].origin: no origin is named "flim"; did you mean "film"?`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: Option<PathBuf>,
    pub line: u32,
    pub column: u32,
    pub path: String,
    pub message: String,
}

/// Reads TOML; every error at once, each with its place. `file` only names it in messages; relative paths inside are relative to its folder.
pub fn read_toml(text: &str, file: &Path) -> Result<(Document, Places), Vec<ConfigError>> {
    todo!()
}
/// Where each value of the document stood.
#[derive(Clone, Debug, Default)]
pub struct Places {/* private */}

// ---- snapshot.rs: complete and resolved ----
/// Immutable; every reference resolved.
#[derive(Debug)]
pub struct Snapshot {
    pub listeners: Vec<Listener>,
    pub limits: Limits,
    pub edge: EdgeIdentity,
    pub log: Option<LogSettings>,
    /// `[test] clock = true`: the edge's clock can be set. Refused unless every listener is on a loopback address.
    pub test_clock: bool,
    /* distributions, host table: private */
}
impl Snapshot {
    /// `read_file` is the only door to the disk (keys, certificates, origin folders are checked by the edge).
    /// Returns every error. Also lists the files read, so that the caller can watch them.
    pub fn build(
        document: Document,
        places: &Places,
        read_file: &mut dyn FnMut(&Path) -> std::io::Result<Vec<u8>>,
    ) -> Result<Self, Vec<ConfigError>> {
        todo!()
    }
    pub fn distributions(&self) -> &[Arc<Distribution>] {
        todo!()
    }
    /// By `Host` as sent: case and port do not matter; aliases may be `*.example.com`.
    pub fn distribution_for(&self, host: &str) -> Option<&Arc<Distribution>> {
        todo!()
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub protocol: ListenerProtocol,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    Http,
    Https,
}
/// Everything has a limit (style 17). Names as in the TOML `[limits]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connections_max: usize,              // 10_000
    pub requests_per_connection_max: usize,  // 1_000_000 (0 is not allowed)
    pub h2_streams_max: u32,                 // 128
    pub url_size_bytes_max: usize,           // 8192
    pub head_size_bytes_max: usize,          // 20480
    pub head_timeout: Duration,              // 30 s: whole request head
    pub idle_timeout: Duration,              // 60 s: keep-alive
    pub write_timeout: Duration,             // 60 s without the viewer taking a byte
    pub tls_handshake_timeout: Duration,     // 10 s
    pub drain_timeout: Duration,             // 30 s after SIGTERM
    pub log_queue_records_max: usize,        // 65_536
    pub signature_memory_entries_max: usize, // 65_536
    pub hot_objects_size_bytes_max: usize,   // 32 MiB: small files kept in memory
    pub open_files_max: usize,               // 1_024
    pub ranges_max: usize,                   // 10 ranges a request
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeIdentity {
    /// `x-edge-location` and `X-Amz-Cf-Pop`, e.g. `PRV50-C1`.
    pub location: String,
    /// The header `Server`; `CloudFront` unless configured.
    pub server: String,
    pub workers: usize,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub folder: PathBuf,
    pub prefix: String,
    pub include_cookies: bool,
    pub rotate_after: Duration,
    pub rotate_size_bytes_max: u64,
}

#[derive(Debug)]
pub struct Distribution {
    pub id: String,
    /// e.g. `d111111abcdef8.cloudfront.net`; `cs(Host)` of the log.
    pub domain_name: String,
    pub aliases: Vec<String>,
    pub default_root_object: Option<String>,
    pub enabled: bool,
    pub certificate: Option<Certificate>,
    /// In list order; the default behavior is last.
    pub behaviors: Vec<CacheBehavior>,
}
/// PEM bytes of chain and key as read; the edge parses them.
#[derive(Clone)]
pub struct Certificate {
    pub chain_pem: Vec<u8>,
    pub key_pem: Vec<u8>,
    pub path: String,
}
impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)
    }
}
#[derive(Debug)]
pub struct CacheBehavior {
    pub path_pattern: PathPattern,
    pub origin: Arc<Origin>,
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    pub allowed_methods: AllowedMethods,
    /// `None`: open to everybody. `Some`: only a grant by one of these keys.
    pub trusted_keys: Option<KeySet>,
    pub leniency: privet_sign::Leniency,
}
#[derive(Debug)]
pub struct PathPattern {/* private */}
impl PathPattern {
    pub fn parse(text: &str) -> Result<Self, String> {
        todo!()
    }
    pub fn matches(&self, path: &str) -> bool {
        todo!()
    }
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewerProtocolPolicy {
    AllowAll,
    HttpsOnly,
    RedirectToHttps,
}
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedMethods {
    GetHead,
    GetHeadOptions,
    All,
}
/// Where the bytes come from. `index` is dense over the whole snapshot, so that the edge can keep a table beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub index: usize,
    pub id: String,
    pub source: OriginSource,
    pub origin_path: String,
}
/// S3 and HTTP origins follow; matched without `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSource {
    Folder { root: PathBuf },
}

// ---- request.rs, route.rs, authorize.rs ----
/// One request as the viewer sent it.
#[derive(Clone, Copy, Debug)]
pub struct ViewerRequest<'a> {
    pub method: &'a Method,
    pub version: Version,
    pub scheme: Scheme,
    /// As sent (port included); empty when HTTP/1.0 sent none.
    pub host: &'a str,
    pub path: &'a str,
    pub query: Option<&'a str>,
    pub headers: &'a HeaderMap,
    pub client: IpAddr,
    pub has_body: bool,
}
/// The outcome of the walk's first step.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'s> {
    pub distribution: &'s Arc<Distribution>,
    pub behavior: &'s CacheBehavior,
}
/// Steps 2 and 4 of spec 4.5.
pub fn route<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<Routed<'s>, Denial> {
    todo!()
}
/// The proof that a request may have bytes. Private field, one constructor: `authorize`.
#[derive(Debug)]
pub struct Authorized<'s> {
    routed: Routed<'s>,
    grant: Option<Grant>,
}
impl<'s> Authorized<'s> {
    pub fn routed(&self) -> &Routed<'s> {
        todo!()
    }
    /// `None` for an open behavior.
    pub fn grant(&self) -> Option<&Grant> {
        todo!()
    }
    /// The object's key at the origin, raw (percent-encoding untouched): origin path + path, default root object applied for exactly `/`.
    pub fn origin_path(&self, path: &str) -> String {
        todo!()
    }
}
/// Steps 5 to 7 of spec 4.5: protocol policy, method, body, signature.
pub fn authorize<'s>(
    routed: Routed<'s>,
    request: &ViewerRequest<'_>,
    now: Timestamp,
    memory: &dyn SignatureMemory,
) -> Result<Authorized<'s>, Denial> {
    todo!()
}

/// Why the viewer gets no object. One function (`pages::denial_page`) turns it into HTTP, by exhaustive match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    UnknownHost,
    HttpsRequired,
    RedirectToHttps {
        location: String,
        status: StatusCode,
    },
    MethodNotAllowed,
    BodyNotAllowed,
    Signature(Refusal),
    HeadTooLarge,
    BadRequest,
    NotFound,
    OriginUnreadable,
    CapacityExceeded,
}

// ---- pages.rs ----
/// A complete small answer: status, content type, body, X-Cache, log result type and detail. No Date, Server, Via, ids: the edge adds those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub location: Option<String>,
    pub x_cache: &'static str,
    pub result: ResultType,
    pub detail: &'static str,
    pub close: bool,
    pub logged: bool,
}
/// `request_id` goes into the HTML pages.
pub fn denial_page(denial: &Denial, request_id: &str) -> Page {
    todo!()
}

// ---- respond.rs: conditions and ranges (RFC 9110 13 and 14) ----
/// What the origin has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    pub size_bytes: u64,
    pub etag: String,
    pub last_modified: Timestamp,
    pub content_type: String,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub start: u64,
    pub end_inclusive: u64,
}
/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    Whole,
    NotModified,
    PreconditionFailed,
    One(ByteRange),
    /// multipart/byteranges, in the order asked.
    Several(Vec<ByteRange>),
    NotSatisfiable,
}
/// Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range, Range for GET and HEAD.
/// Out-of-order, overlapping, invalid or too many ranges: `Whole` (spec section 8).
pub fn select(
    method: &Method,
    headers: &HeaderMap,
    representation: &Representation,
    ranges_max: usize,
) -> Selection {
    todo!()
}
/// By extension; `application/octet-stream` when unknown. Text types get `; charset=utf-8`.
pub fn content_type(path: &str) -> &'static str {
    todo!()
}

// ---- log_record.rs ----
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    Hit,
    RefreshHit,
    Miss,
    LimitExceeded,
    CapacityExceeded,
    Error,
    Redirect,
}
/// One request, ended. Owned, so that it can cross a queue. Field order and spelling: spec 6.1.
#[derive(Clone, Debug)]
pub struct LogRecord {
    pub ended: Timestamp,
    pub edge_location: String,
    pub sc_bytes: u64,
    pub client: SocketAddr,
    pub method: String,
    pub distribution_id: String,
    pub cs_host: String,
    pub uri_stem: String,
    pub status: u16,
    pub referer: Option<String>,
    pub user_agent: Option<String>,
    /// Already redacted by `redact_query`.
    pub uri_query: Option<String>,
    pub cookie: Option<String>,
    pub result: ResultType,
    pub request_id: String,
    pub host_header: String,
    pub protocol: &'static str,
    pub cs_bytes: u64,
    pub time_taken: Duration,
    pub forwarded_for: Option<String>,
    pub tls: Option<(&'static str, String)>,
    pub response_result: ResultType,
    pub version: Version,
    pub time_to_first_byte: Duration,
    pub detail: &'static str,
    pub content_type: Option<String>,
    pub content_length: Option<u64>,
    pub range: Option<(u64, u64)>,
    /// Privet's own, after field 33 of the JSON stream only: refusal token and grant fingerprint.
    pub refusal: Option<&'static str>,
    pub grant: Option<String>,
}
impl LogRecord {
    /// Appends one line of 33 tab-separated fields and `\n`.
    pub fn write_w3c(&self, out: &mut Vec<u8>) {
        todo!()
    }
    /// Appends one JSON object and `\n`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        todo!()
    }
}
/// `#Version: 1.0` and `#Fields: …` lines.
pub fn log_header() -> &'static str {
    todo!()
}
/// Replaces the values of Policy and Signature by `grant:<fingerprint>`, keeps the rest.
pub fn redact_query(query: &str) -> String {
    todo!()
}
/// Same for cookie headers.
pub fn redact_cookies(value: &str) -> String {
    todo!()
}
/// `<DistId>.YYYY-MM-DD-HH.<unique>.gz`; `unique` is 8 characters.
pub fn log_file_name(distribution_id: &str, hour: Timestamp, unique: &str) -> String {
    todo!()
}
