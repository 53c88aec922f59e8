//! Single values of a log line: percent-encoded, as JSON, or as they are.

use crate::calendar::DateTime;
use crate::logging::redact::{redact_cookies, redact_query, redact_url, redact_viewer_text};
use std::borrow::Cow;
use std::io::Write;
use std::net::IpAddr;
use std::time::Duration;

/// Names of Privet's own fields.
pub(crate) const OWN_FIELDS: [&str; 2] = ["x-privet-refusal", "x-privet-grant"];

/// Privet's own fields, which follow CloudFront's in the JSON form.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnFields<'a> {
    /// Token of the refusal.
    pub refusal: Option<&'static str>,
    /// Fingerprint of the grant.
    pub grant: Option<&'a str>,
}

impl<'a> OwnFields<'a> {
    /// Returns the values in the order of [`OWN_FIELDS`].
    pub(crate) fn values(&self) -> [Value<'a>; 2] {
        [self.refusal, self.grant].map(|text| Value::Text(text.unwrap_or_default()))
    }
}

/// A value before it is written. All text except fixed words is redacted, since any of it may contain text of a
/// viewer's, even an origin's `Content-Type`.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// A word of a closed set.
    Word(&'static str),
    Text(&'a str),
    /// URL from the viewer.
    Url(&'a str),
    /// Query from the viewer, without `?`.
    Query(&'a str),
    /// Value of the viewer's `Cookie` header.
    Cookies(&'a str),
    /// Value formatted here, of characters that no form of the log encodes.
    Made(Plain),
}

impl<'a> Value<'a> {
    /// Returns the value as it may be logged, `-` if it is empty. No value reaches a line in any other way.
    fn shown(self) -> Shown<'a> {
        let text = match self {
            Value::Word(word) => Cow::Borrowed(word),
            Value::Text(text) => redact_viewer_text(text),
            Value::Url(url) => redact_url(url),
            Value::Query(query) => redact_query(query),
            Value::Cookies(value) => redact_cookies(value),
            Value::Made(plain) => return Shown::Plain(plain),
        };
        Shown::Text(match text.is_empty() {
            true => Cow::Borrowed("-"),
            false => text,
        })
    }
}

enum Shown<'a> {
    Text(Cow<'a, str>),
    Plain(Plain),
}

#[derive(Clone, Copy)]
pub(crate) enum Plain {
    Date(DateTime),
    Time(DateTime),
    Number(u64),
    /// Status, in three digits.
    Status(u16),
    /// Seconds, with three decimals.
    Seconds(Duration),
    Ip(IpAddr),
}

impl Plain {
    fn push(self, out: &mut Vec<u8>) {
        match self {
            Plain::Date(at) => {
                push_digits(out, at.year, 4);
                for part in [at.month, at.day] {
                    out.push(b'-');
                    push_digits(out, part, 2);
                }
            }
            Plain::Time(at) => {
                push_digits(out, at.hour, 2);
                for part in [at.minute, at.second] {
                    out.push(b':');
                    push_digits(out, part, 2);
                }
            }
            Plain::Number(number) => push_digits(out, number, 1),
            Plain::Status(status) => push_digits(out, u64::from(status), 3),
            Plain::Seconds(duration) => {
                push_digits(out, duration.as_secs(), 1);
                out.push(b'.');
                push_digits(out, u64::from(duration.subsec_millis()), 3);
            }
            // Writing to a `Vec` cannot fail.
            Plain::Ip(address) => drop(write!(out, "{address}")),
        }
    }
}

/// Appends `number` in decimal, padded with zeros to `width` digits.
fn push_digits(out: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    let mut rest = number;
    while rest > 0 || digits.len() - first < width {
        first -= 1;
        // A remainder below ten fits.
        digits[first] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[first..]);
}

/// Returns the first lines of a log file with these fields.
pub(crate) fn header_of(fields: &[&str]) -> String {
    format!("#Version: 1.0\n#Fields: {}\n", fields.join(" "))
}

/// Appends the values of one line, tab-separated, and `\n`; an empty value becomes `-`.
pub(crate) fn push_line<'v>(values: impl IntoIterator<Item = Value<'v>>, out: &mut Vec<u8>) {
    for value in values {
        match value.shown() {
            Shown::Text(text) => push_encoded(out, &text),
            Shown::Plain(plain) => plain.push(out),
        }
        out.push(b'\t');
    }
    out.pop();
    out.push(b'\n');
}

/// Appends the values of one line as a JSON object and `\n`, each a string and not percent-encoded, followed by `own`.
pub(crate) fn push_json_line(
    fields: &[&'static str],
    values: &[Value<'_>],
    own: &OwnFields<'_>,
    out: &mut Vec<u8>,
) {
    let fields = fields.iter().copied().zip(values.iter().copied());
    let own = OWN_FIELDS.into_iter().zip(own.values());
    push_json_fields(fields.chain(own), out);
}

/// Appends named values as a JSON object and `\n`, each a string and not percent-encoded.
pub(crate) fn push_json_fields<'v>(
    fields: impl Iterator<Item = (&'static str, Value<'v>)>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (name, value) in fields {
        push_json_string(out, name);
        out.push(b':');
        match value.shown() {
            Shown::Text(text) => push_json_string(out, &text),
            Shown::Plain(plain) => {
                out.push(b'"');
                plain.push(out);
                out.push(b'"');
            }
        }
        out.push(b',');
    }
    out.pop();
    out.extend_from_slice(b"}\n");
}

/// Appends `value` percent-encoded (developer guide, "Standard logs", on values that are URL-encoded).
fn push_encoded(out: &mut Vec<u8>, value: &str) {
    let mut rest = value.as_bytes();
    while let Some(position) = rest.iter().position(|&byte| ENCODED[usize::from(byte)]) {
        out.extend_from_slice(&rest[..position]);
        let byte = rest[position];
        out.push(b'%');
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
        rest = &rest[position + 1..];
    }
    out.extend_from_slice(rest);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Bytes that are encoded: those that are not visible ASCII, and those that CloudFront lists.
const ENCODED: [bool; 256] = {
    let mut encoded = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        encoded[byte] = !(byte as u8).is_ascii_graphic();
        byte += 1;
    }
    let list = b"<>\"#%{}|\\^~[]`'";
    let mut position = 0;
    while position < list.len() {
        encoded[list[position] as usize] = true;
        position += 1;
    }
    encoded
};

/// Appends `value` as a JSON string (RFC 8259 7). DEL, the controls U+0080 to U+009F and bidirectional formatting
/// characters (UAX #9) are escaped as well, since a terminal may act on them.
fn push_json_string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    for character in value.chars() {
        match character {
            '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
            '\n' => out.extend_from_slice(b"\\n"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => push_json_escape(out, character),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Appends `\u` and the four digits of `character`, which is in the Basic Multilingual Plane.
fn push_json_escape(out: &mut Vec<u8>, character: char) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        out.push(HEX[(u32::from(character) >> shift & 15) as usize]);
    }
}
