//! One line of the access log: CloudFront's 33 fields, tab-separated or as JSON.

use crate::byte_range::ByteRange;
use crate::calendar::DateTime;
use crate::logging::result_type::{DetailedResult, ResultType};
use http::Version;
use privet_sign::Timestamp;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;
pub use value::OwnFields;
pub(crate) use value::{
    OWN_FIELDS, Plain, Value, header_of, push_json_fields, push_json_line, push_line,
};

mod value;

/// A finished request, with its fields in the order of the log. It borrows from the request, as it is written at once.
///
/// All text is as received; policies, signatures and path tokens are redacted when the record is written.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// Time when the last byte was sent: `date` and `time`.
    pub ended: Timestamp,
    /// Location of the edge: `x-edge-location`.
    pub edge_location: &'a str,
    /// Bytes sent to the viewer, including the head: `sc-bytes`.
    pub sc_bytes: u64,
    /// Viewer's address and port: `c-ip` and `c-port`.
    pub client: SocketAddr,
    /// Method of the request: `cs-method`.
    pub method: &'a str,
    /// Id of the distribution, which is in the name of the file; not a field.
    pub distribution_id: &'a str,
    /// Domain name of the distribution: `cs(Host)`.
    pub cs_host: &'a str,
    /// Path as received: `cs-uri-stem`.
    pub uri_stem: &'a str,
    /// Status of the response: `sc-status`; 0 if the viewer left before it.
    pub status: u16,
    /// `Referer` as received: `cs(Referer)`.
    pub referer: Option<&'a str>,
    /// `User-Agent` as received: `cs(User-Agent)`.
    pub user_agent: Option<&'a str>,
    /// Query as received: `cs-uri-query`.
    pub uri_query: Option<&'a str>,
    /// `Cookie` as received: `cs(Cookie)`; `None` unless cookie logging is on.
    pub cookie: Option<&'a str>,
    /// Result as of the last byte: `x-edge-result-type`.
    pub result: ResultType,
    /// Value of `X-Amz-Cf-Id`: `x-edge-request-id`.
    pub request_id: &'a str,
    /// `Host` as received: `x-host-header`.
    pub host_header: &'a str,
    /// Scheme, `http` or `https`: `cs-protocol`.
    pub protocol: &'static str,
    /// Bytes received from the viewer, including the head: `cs-bytes`.
    pub cs_bytes: u64,
    /// Duration of the request: `time-taken`.
    pub time_taken: Duration,
    /// `X-Forwarded-For` as received: `x-forwarded-for`.
    pub forwarded_for: Option<&'a str>,
    /// TLS version, e.g. `TLSv1.3`, and cipher: `ssl-protocol` and `ssl-cipher`.
    pub tls: Option<(&'a str, &'a str)>,
    /// Result before the first byte: `x-edge-response-result-type`.
    pub response_result: ResultType,
    /// HTTP version: `cs-protocol-version`.
    pub version: Version,
    /// Time until the first byte of the response: `time-to-first-byte`.
    pub time_to_first_byte: Duration,
    /// Detailed result: `x-edge-detailed-result-type`.
    pub detail: DetailedResult,
    /// `Content-Type` of the response: `sc-content-type`.
    pub content_type: Option<&'a str>,
    /// `Content-Length` of the response: `sc-content-len`.
    pub content_length: Option<u64>,
    /// First and last byte of a 206 response with one range: `sc-range-start` and `sc-range-end`.
    pub range: Option<ByteRange>,
    /// Privet's own fields, for the JSON form only.
    pub own: OwnFields<'a>,
}

/// Names of the fields in their order (developer guide, "Standard log file fields").
pub const LOG_FIELDS: [&str; 33] = [
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(Referer)",
    "cs(User-Agent)",
    "cs-uri-query",
    "cs(Cookie)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "x-forwarded-for",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "fle-status",
    "fle-encrypted-fields",
    "c-port",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
    "sc-content-type",
    "sc-content-len",
    "sc-range-start",
    "sc-range-end",
];

/// Returns the `#Version` and `#Fields` lines at the beginning of every log file, each ended by `\n`.
pub fn log_header() -> &'static str {
    static HEADER: LazyLock<String> = LazyLock::new(|| header_of(&LOG_FIELDS));
    &HEADER
}

/// Returns `<DistId>.YYYY-MM-DD-HH.<unique>.gz`, with the hour in UTC; `unique` is 8 characters that the caller
/// chooses.
pub fn log_file_name(distribution_id: &str, hour: Timestamp, unique: &str) -> String {
    let DateTime {
        year,
        month,
        day,
        hour,
        ..
    } = DateTime::of(hour);
    format!("{distribution_id}.{year:04}-{month:02}-{day:02}-{hour:02}.{unique}.gz")
}

/// Returns `YYYY-mm-DD-HH-MM-SS-<unique>`, the name of a file of S3's access log without its prefix (Amazon S3 user
/// guide, "Log object key format"), in UTC; `unique` is 16 characters that the caller chooses.
pub fn access_log_file_name(begun: Timestamp, unique: &str) -> String {
    let DateTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = DateTime::of(begun);
    format!("{year:04}-{month:02}-{day:02}-{hour:02}-{minute:02}-{second:02}-{unique}")
}

impl LogRecord<'_> {
    /// Appends one line of 33 tab-separated fields and `\n`. Empty values are `-`; the bytes that CloudFront encodes
    /// are percent-encoded, including `%`, so no value can contain a tab or a newline.
    pub fn write_w3c(&self, out: &mut Vec<u8>) {
        push_line(self.values(), out);
    }

    /// Appends one JSON object and `\n`: the same names, with every value a string and not percent-encoded, followed by
    /// Privet's own fields.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        push_json_line(&LOG_FIELDS, &self.values(), &self.own, out);
    }

    /// Returns the values in the order of [`LOG_FIELDS`].
    pub(crate) fn values(&self) -> [Value<'_>; 33] {
        use Plain::{Date, Ip, Number, Seconds, Status, Time};
        use Value::{Cookies, Made, Query, Text, Url, Word};
        let ended = DateTime::of(self.ended);
        let (ssl_protocol, ssl_cipher) = self.tls.unwrap_or_default();
        let number = |value: Option<u64>| value.map_or(Word(""), |value| Made(Number(value)));
        [
            Made(Date(ended)),
            Made(Time(ended)),
            Text(self.edge_location),
            Made(Number(self.sc_bytes)),
            Made(Ip(self.client.ip())),
            Text(self.method),
            Text(self.cs_host),
            Text(self.uri_stem),
            Made(Status(self.status)),
            self.referer.map_or(Word(""), Url),
            Text(self.user_agent.unwrap_or_default()),
            Query(self.uri_query.unwrap_or_default()),
            Cookies(self.cookie.unwrap_or_default()),
            Word(self.result.as_str()),
            Text(self.request_id),
            Text(self.host_header),
            Word(self.protocol),
            Made(Number(self.cs_bytes)),
            Made(Seconds(self.time_taken)),
            Text(self.forwarded_for.unwrap_or_default()),
            Text(ssl_protocol),
            Text(ssl_cipher),
            Word(self.response_result.as_str()),
            Word(version_name(self.version)),
            // Privet has no field-level encryption.
            Word(""),
            Word(""),
            Made(Number(u64::from(self.client.port()))),
            Made(Seconds(self.time_to_first_byte)),
            Word(self.detail.as_str()),
            Text(self.content_type.unwrap_or_default()),
            number(self.content_length),
            number(self.range.map(|range| range.start)),
            number(self.range.map(|range| range.end_inclusive)),
        ]
    }
}

/// Returns the value of `cs-protocol-version`.
fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "",
    }
}

#[cfg(test)]
mod tests;
