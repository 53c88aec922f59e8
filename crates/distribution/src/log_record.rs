//! One line of the access log: CloudFront's 33 fields, tab-separated or as JSON.

use crate::calendar::DateTime;
use crate::redact::redact_url;
use http::Version;
use privet_sign::Timestamp;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

/// How a request ended, in CloudFront's words (developer guide, "Standard logging reference").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultType {
    /// Served from the cache.
    Hit,
    /// Served from the cache after the origin said that nothing changed.
    RefreshHit,
    /// Fetched from the origin.
    Miss,
    /// Refused by a quota.
    LimitExceeded,
    /// Refused for want of room.
    CapacityExceeded,
    /// Refused, failed, or left early by the viewer.
    Error,
    /// Sent from HTTP to HTTPS.
    Redirect,
}

impl ResultType {
    /// The word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            ResultType::Hit => "Hit",
            ResultType::RefreshHit => "RefreshHit",
            ResultType::Miss => "Miss",
            ResultType::LimitExceeded => "LimitExceeded",
            ResultType::CapacityExceeded => "CapacityExceeded",
            ResultType::Error => "Error",
            ResultType::Redirect => "Redirect",
        }
    }
}

/// One request, ended. Owned, so that it can cross a queue. Fields in the order of the log.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// When the last byte was gone: `date` and `time`.
    pub ended: Timestamp,
    /// `x-edge-location`.
    pub edge_location: String,
    /// Bytes to the viewer, head included: `sc-bytes`.
    pub sc_bytes: u64,
    /// `c-ip` and `c-port`.
    pub client: SocketAddr,
    /// `cs-method`.
    pub method: String,
    /// Names the file; not a field.
    pub distribution_id: String,
    /// The distribution's domain name: `cs(Host)`.
    pub cs_host: String,
    /// The path as received: `cs-uri-stem`.
    pub uri_stem: String,
    /// 0 when the viewer left before an answer.
    pub status: u16,
    /// As received; signing parameters in it are redacted when it is written.
    pub referer: Option<String>,
    /// `cs(User-Agent)`.
    pub user_agent: Option<String>,
    /// Already redacted by [`crate::redact_query`].
    pub uri_query: Option<String>,
    /// `None` unless cookie logging is on; already redacted by [`crate::redact_cookies`].
    pub cookie: Option<String>,
    /// Judged after the last byte: `x-edge-result-type`.
    pub result: ResultType,
    /// `X-Amz-Cf-Id`.
    pub request_id: String,
    /// `Host` as sent: `x-host-header`.
    pub host_header: String,
    /// `http` or `https`.
    pub protocol: &'static str,
    /// Bytes from the viewer, head included: `cs-bytes`.
    pub cs_bytes: u64,
    /// `time-taken`.
    pub time_taken: Duration,
    /// `x-forwarded-for` as sent.
    pub forwarded_for: Option<String>,
    /// `ssl-protocol`, e.g. `TLSv1.3`, and `ssl-cipher`.
    pub tls: Option<(&'static str, String)>,
    /// Judged before the first byte: `x-edge-response-result-type`.
    pub response_result: ResultType,
    /// `cs-protocol-version`.
    pub version: Version,
    /// `time-to-first-byte`.
    pub time_to_first_byte: Duration,
    /// `x-edge-detailed-result-type`.
    pub detail: &'static str,
    /// `sc-content-type`.
    pub content_type: Option<String>,
    /// `sc-content-len`.
    pub content_length: Option<u64>,
    /// First and last byte of a 206 with one range: `sc-range-start` and `sc-range-end`.
    pub range: Option<(u64, u64)>,
    /// The refusal's token, for the operator; `x-privet-refusal` of the JSON form only.
    pub refusal: Option<&'static str>,
    /// The grant's fingerprint; `x-privet-grant` of the JSON form only.
    pub grant: Option<String>,
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
    "#Version: 1.0\n\
     #Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) \
     cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes \
     time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status \
     fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len \
     sc-range-start sc-range-end\n"
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

impl LogRecord {
    /// Appends one line of 33 tab-separated fields and `\n`. Empty values are `-`; bytes that CloudFront encodes are
    /// percent-encoded, `%` itself included, so a value never brings a tab or a newline of its own.
    pub fn write_w3c(&self, out: &mut Vec<u8>) {
        for (position, value) in self.values().iter().enumerate() {
            if position > 0 {
                out.push(b'\t');
            }
            push_encoded(out, value);
        }
        out.push(b'\n');
    }

    /// Appends one JSON object and `\n`: the same names, every value a string and not percent-encoded, and after them
    /// `x-privet-refusal` and `x-privet-grant`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let own = [
            ("x-privet-refusal", self.refusal.unwrap_or_default()),
            ("x-privet-grant", self.grant.as_deref().unwrap_or_default()),
        ];
        out.push(b'{');
        let values = self.values();
        for (name, value) in LOG_FIELDS.iter().zip(&values) {
            push_json_member(out, name, value);
            out.push(b',');
        }
        push_json_member(out, own[0].0, own[0].1);
        out.push(b',');
        push_json_member(out, own[1].0, own[1].1);
        out.extend_from_slice(b"}\n");
    }

    /// The values in the order of [`LOG_FIELDS`], empty where there is none.
    fn values(&self) -> [Cow<'_, str>; 33] {
        let ended = DateTime::of(self.ended);
        let (ssl_protocol, ssl_cipher) = match &self.tls {
            Some((protocol, cipher)) => (*protocol, cipher.as_str()),
            None => ("", ""),
        };
        [
            Cow::Owned(ended.date()),
            Cow::Owned(ended.time()),
            Cow::Borrowed(&self.edge_location),
            number(self.sc_bytes),
            Cow::Owned(self.client.ip().to_string()),
            Cow::Borrowed(&self.method),
            Cow::Borrowed(&self.cs_host),
            Cow::Borrowed(&self.uri_stem),
            Cow::Owned(format!("{:03}", self.status)),
            self.referer
                .as_deref()
                .map_or(Cow::Borrowed(""), redact_url),
            text(self.user_agent.as_deref()),
            text(self.uri_query.as_deref()),
            text(self.cookie.as_deref()),
            Cow::Borrowed(self.result.as_str()),
            Cow::Borrowed(&self.request_id),
            Cow::Borrowed(&self.host_header),
            Cow::Borrowed(self.protocol),
            number(self.cs_bytes),
            seconds(self.time_taken),
            text(self.forwarded_for.as_deref()),
            Cow::Borrowed(ssl_protocol),
            Cow::Borrowed(ssl_cipher),
            Cow::Borrowed(self.response_result.as_str()),
            Cow::Owned(format!("{:?}", self.version)),
            // Field-level encryption is not offered.
            Cow::Borrowed(""),
            Cow::Borrowed(""),
            number(u64::from(self.client.port())),
            seconds(self.time_to_first_byte),
            Cow::Borrowed(self.detail),
            text(self.content_type.as_deref()),
            self.content_length.map_or(Cow::Borrowed(""), number),
            self.range
                .map_or(Cow::Borrowed(""), |range| number(range.0)),
            self.range
                .map_or(Cow::Borrowed(""), |range| number(range.1)),
        ]
    }
}

fn text(value: Option<&str>) -> Cow<'_, str> {
    Cow::Borrowed(value.unwrap_or_default())
}

fn number(value: u64) -> Cow<'static, str> {
    Cow::Owned(value.to_string())
}

fn seconds(duration: Duration) -> Cow<'static, str> {
    let millis = duration.as_millis();
    Cow::Owned(format!("{}.{:03}", millis / 1000, millis % 1000))
}

/// Developer guide, "Standard logs", on values that are URL-encoded.
fn push_encoded(out: &mut Vec<u8>, value: &str) {
    if value.is_empty() {
        out.push(b'-');
        return;
    }
    for byte in value.bytes() {
        if is_encoded(byte) {
            out.push(b'%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.push(byte);
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn is_encoded(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"<>\"#%{}|\\^~[]`'".contains(&byte)
}

fn push_json_member(out: &mut Vec<u8>, name: &str, value: &str) {
    push_json_string(out, name);
    out.push(b':');
    push_json_string(out, if value.is_empty() { "-" } else { value });
}

/// RFC 8259 7. DEL and the separators U+2028 and U+2029 may stand raw.
fn push_json_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(byte >> 4)]);
                out.push(HEX[usize::from(byte & 15)]);
            }
            other => out.push(other),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests;
