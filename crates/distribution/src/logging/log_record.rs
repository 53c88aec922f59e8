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
pub(crate) use value::{Plain, Value, header_of, push_json_line, push_line};

mod value;

/// One request, ended. Borrowed from it: a record is written at once. Fields in the order of the log.
///
/// All text as received: policies, signatures and path tokens are redacted when the record is written.
#[derive(Clone, Copy, Debug)]
pub struct LogRecord<'a> {
    /// When the last byte was gone: `date` and `time`.
    pub ended: Timestamp,
    /// `x-edge-location`.
    pub edge_location: &'a str,
    /// Bytes to the viewer, head included: `sc-bytes`.
    pub sc_bytes: u64,
    /// `c-ip` and `c-port`.
    pub client: SocketAddr,
    /// `cs-method`.
    pub method: &'a str,
    /// Names the file; not a field.
    pub distribution_id: &'a str,
    /// The distribution's domain name: `cs(Host)`.
    pub cs_host: &'a str,
    /// The path as received: `cs-uri-stem`.
    pub uri_stem: &'a str,
    /// 0 when the viewer left before an answer.
    pub status: u16,
    /// As received: `cs(Referer)`.
    pub referer: Option<&'a str>,
    /// `cs(User-Agent)`.
    pub user_agent: Option<&'a str>,
    /// `cs-uri-query`.
    pub uri_query: Option<&'a str>,
    /// `None` unless cookie logging is on.
    pub cookie: Option<&'a str>,
    /// Judged after the last byte: `x-edge-result-type`.
    pub result: ResultType,
    /// `X-Amz-Cf-Id`.
    pub request_id: &'a str,
    /// `Host` as sent: `x-host-header`.
    pub host_header: &'a str,
    /// `http` or `https`.
    pub protocol: &'static str,
    /// Bytes from the viewer, head included: `cs-bytes`.
    pub cs_bytes: u64,
    /// `time-taken`.
    pub time_taken: Duration,
    /// `x-forwarded-for` as sent.
    pub forwarded_for: Option<&'a str>,
    /// `ssl-protocol`, e.g. `TLSv1.3`, and `ssl-cipher`.
    pub tls: Option<(&'a str, &'a str)>,
    /// Judged before the first byte: `x-edge-response-result-type`.
    pub response_result: ResultType,
    /// `cs-protocol-version`.
    pub version: Version,
    /// `time-to-first-byte`.
    pub time_to_first_byte: Duration,
    /// `x-edge-detailed-result-type`.
    pub detail: DetailedResult,
    /// `sc-content-type`.
    pub content_type: Option<&'a str>,
    /// `sc-content-len`.
    pub content_length: Option<u64>,
    /// First and last byte of a 206 with one range: `sc-range-start` and `sc-range-end`.
    pub range: Option<ByteRange>,
    /// For the JSON form only.
    pub own: OwnFields<'a>,
}

/// The fields and their order (developer guide, "Standard log file fields").
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

/// The `#Version` and `#Fields` lines that every log file begins with, each ended by `\n`.
pub fn log_header() -> &'static str {
    static HEADER: LazyLock<String> = LazyLock::new(|| header_of(&LOG_FIELDS));
    &HEADER
}

/// `<DistId>.YYYY-MM-DD-HH.<unique>.gz`, the hour in UTC; `unique` is 8 characters of the caller's choice.
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

impl LogRecord<'_> {
    /// Appends one line of 33 tab-separated fields and `\n`. Empty values are `-`; bytes that CloudFront encodes are
    /// percent-encoded, `%` itself included, so a value never brings a tab or a newline of its own.
    pub fn write_w3c(&self, out: &mut Vec<u8>) {
        push_line(&self.values(), out);
    }

    /// Appends one JSON object and `\n`: the same names, every value a string and not percent-encoded, and after them
    /// the program's own.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        push_json_line(&LOG_FIELDS, &self.values(), &self.own, out);
    }

    /// The values in the order of [`LOG_FIELDS`].
    fn values(&self) -> [Value<'_>; 33] {
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
            // Field-level encryption is not offered.
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

/// `cs-protocol-version`.
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
