//! One line of a bucket's access log (Amazon S3 user guide, "Amazon S3 server access log format"): a request as text.
//! It decides nothing about where the line goes. Signatures of presigned URLs are left out, which would still open
//! objects.

use jiff::Timestamp;
use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

/// A finished request to a bucket, with the fields of the log in their order. `None` and empty texts become `-`.
#[derive(Clone, Copy, Debug)]
pub struct AccessLogRecord<'a> {
    /// Canonical user id of the bucket's owner.
    pub bucket_owner: &'a str,
    /// Name of the bucket.
    pub bucket: &'a str,
    /// Time when the request was received.
    pub received: Timestamp,
    /// Address of the client.
    pub remote_ip: IpAddr,
    /// Canonical user id of who asked, or its ARN; `None` for anonymous requests.
    pub requester: Option<&'a str>,
    /// Id of the request: `x-amz-request-id`.
    pub request_id: &'a str,
    /// Name of the operation, such as `REST.PUT.OBJECT`.
    pub operation: &'a str,
    /// Key of the object, decoded; `None` where the operation is on the bucket.
    pub key: Option<&'a str>,
    /// Method of the request line.
    pub method: &'a str,
    /// Target of the request line, with its query.
    pub target: &'a str,
    /// Version of the request line, such as `HTTP/1.1`.
    pub version: &'a str,
    /// Status of the response.
    pub status: u16,
    /// Code of the error, such as `NoSuchKey`.
    pub error_code: Option<&'a str>,
    /// Bytes of the response's body; 0 becomes `-`.
    pub bytes_sent: u64,
    /// Size of the object.
    pub object_size: Option<u64>,
    /// Time from the receipt of the request to the last byte of the response.
    pub total_time: Duration,
    /// Time from the last byte of the request to the first byte of the response.
    pub turn_around_time: Option<Duration>,
    /// `Referer` as received.
    pub referer: Option<&'a str>,
    /// `User-Agent` as received.
    pub user_agent: Option<&'a str>,
    /// Id of the version in the request.
    pub version_id: Option<&'a str>,
    /// Extended id of the request: `x-amz-id-2`.
    pub host_id: Option<&'a str>,
    /// `SigV4` or `SigV2`; `None` for unsigned requests.
    pub signature_version: Option<&'a str>,
    /// Cipher suite of TLS.
    pub cipher_suite: Option<&'a str>,
    /// `AuthHeader`, `QueryString` or `PostPolicy`; `None` for unsigned requests.
    pub authentication_type: Option<&'a str>,
    /// `Host` as received.
    pub host_header: Option<&'a str>,
    /// Version of TLS, such as `TLSv1.3`.
    pub tls_version: Option<&'a str>,
}

impl AccessLogRecord<'_> {
    /// Returns the line, without its end.
    pub fn line(&self) -> String {
        let received = self.received.strftime("[%d/%b/%Y:%H:%M:%S +0000]");
        let bytes_sent = Some(self.bytes_sent).filter(|&bytes| bytes > 0);
        let millis = |duration: Duration| duration.as_millis().to_string();
        let target = without_signatures(self.target);
        let method = beginning(self.method);
        let request_line = format!("{method} {} {}", beginning(&target), self.version);
        let referer = without_signatures(self.referer.unwrap_or("-"));
        [
            word(self.bucket_owner),
            word(self.bucket),
            received.to_string().into(),
            self.remote_ip.to_string().into(),
            word(self.requester.unwrap_or_default()),
            word(self.request_id),
            word(beginning(self.operation)),
            word(self.key.unwrap_or_default()),
            quoted(&request_line),
            self.status.to_string().into(),
            word(self.error_code.unwrap_or_default()),
            number(bytes_sent),
            number(self.object_size),
            millis(self.total_time).into(),
            self.turn_around_time
                .map_or(DASH, |time| millis(time).into()),
            quoted(beginning(&referer)),
            quoted(beginning(self.user_agent.unwrap_or("-"))),
            word(beginning(self.version_id.unwrap_or_default())),
            word(self.host_id.unwrap_or_default()),
            word(self.signature_version.unwrap_or_default()),
            word(self.cipher_suite.unwrap_or_default()),
            word(self.authentication_type.unwrap_or_default()),
            word(beginning(self.host_header.unwrap_or_default())),
            word(self.tls_version.unwrap_or_default()),
            // There are neither access points nor ACLs.
            DASH,
            DASH,
        ]
        .join(" ")
    }
}

/// Parameters whose values open something.
const SECRET_PARAMETERS: [&str; 3] = ["x-amz-signature", "x-amz-security-token", "signature"];

/// Returns a URL or target in which the values of such parameters are replaced, however their names are spelt.
fn without_signatures(url: &str) -> String {
    let Some((path, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let parameters = query.split('&').map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let is_secret = |secret: &str| decoded(name).eq_ignore_ascii_case(secret);
        // A page that is given a presigned URL in its own has it in its referer.
        let value = decoded(&decoded(value)).to_ascii_lowercase();
        let has_url = |secret: &str| value.contains(&format!("{secret}="));
        let mut secrets = SECRET_PARAMETERS.iter();
        match secrets.any(|secret| is_secret(secret) || has_url(secret)) {
            true => format!("{name}=redacted"),
            false => parameter.to_owned(),
        }
    });
    let parameters: Vec<String> = parameters.collect();
    format!("{path}?{}", parameters.join("&"))
}

/// Decodes percent-encoding as far as it is one.
fn decoded(name: &str) -> String {
    let mut pieces = name.split('%');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let byte = piece
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                decoded.push(char::from(byte));
                decoded.push_str(&piece[2..]);
            }
            None => decoded.push_str(piece),
        }
    }
    decoded
}

/// Maximum size of a text that a client chooses in a record: strangers write into the log.
const TEXT_SIZE_BYTES_MAX: usize = 4096;

/// Returns the beginning of a text, as much as a record has of it.
fn beginning(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_SIZE_BYTES_MAX))
        .unwrap_or(text)
}

const DASH: Cow<'static, str> = Cow::Borrowed("-");

fn number(number: Option<u64>) -> Cow<'static, str> {
    number.map_or(DASH, |number| number.to_string().into())
}

/// Returns a field that is one word: everything that would end it, or not show, is percent-encoded.
fn word(text: &str) -> Cow<'_, str> {
    if text.is_empty() {
        return DASH;
    }
    encoded(text, |byte| {
        byte.is_ascii_graphic() && byte != b'"' && byte != b'%'
    })
}

/// Returns a field in quotes, in which quotes and everything that does not show are percent-encoded.
fn quoted(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte == b' ' || byte.is_ascii_graphic() && byte != b'"';
    format!("\"{}\"", encoded(text, is_plain)).into()
}

fn encoded(text: &str, is_plain: impl Fn(u8) -> bool) -> Cow<'_, str> {
    if text.bytes().all(&is_plain) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::new();
    for byte in text.bytes() {
        match is_plain(byte) {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";

    /// The request of the first example in the user guide.
    fn record() -> AccessLogRecord<'static> {
        AccessLogRecord {
            bucket_owner: OWNER,
            bucket: "amzn-s3-demo-bucket1",
            received: "2019-02-06T00:00:38Z".parse().unwrap(),
            remote_ip: "192.0.2.3".parse().unwrap(),
            requester: Some(OWNER),
            request_id: "3E57427F3EXAMPLE",
            operation: "REST.GET.VERSIONING",
            key: None,
            method: "GET",
            target: "/amzn-s3-demo-bucket1?versioning",
            version: "HTTP/1.1",
            status: 200,
            error_code: None,
            bytes_sent: 113,
            object_size: None,
            total_time: Duration::from_millis(7),
            turn_around_time: None,
            referer: None,
            user_agent: Some("S3Console/0.4"),
            version_id: None,
            host_id: Some(
                "s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234=",
            ),
            signature_version: Some("SigV4"),
            cipher_suite: Some("ECDHE-RSA-AES128-GCM-SHA256"),
            authentication_type: Some("AuthHeader"),
            host_header: Some("amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com"),
            tls_version: Some("TLSV1.2"),
        }
    }

    #[test]
    fn no_value_breaks_a_line_or_ends_its_field() {
        let line = AccessLogRecord {
            bucket: "a b",
            requester: Some("\n"),
            key: Some("ü\" %\r\n/x"),
            target: "/a\"b c\n",
            referer: Some("https://x/\" 200 \"\u{7f}é"),
            ..record()
        }
        .line();
        let expected = format!(
            "{OWNER} a%20b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 %0A 3E57427F3EXAMPLE REST.GET.VERSIONING \
             %C3%BC%22%20%25%0D%0A/x \"GET /a%22b c%0A HTTP/1.1\" 200 - 113 - 7 - \
             \"https://x/%22 200 %22%7F%C3%A9\" \"S3Console/0.4\" - "
        );
        assert_eq!(line.get(..expected.len()), Some(expected.as_str()));
    }

    #[test]
    fn signatures_are_left_out() {
        let check = |url: &str, expected: &str| assert_eq!(without_signatures(url), expected);
        check("/b/k", "/b/k");
        check("/b/k?Signature=a%2F", "/b/k?Signature=redacted");
        check(
            "/b/k?X-Amz-Date=1&X-Amz-Signature=ab&x-amz-%73ecurity-Token=c&x",
            "/b/k?X-Amz-Date=1&X-Amz-Signature=redacted&x-amz-%73ecurity-Token=redacted&x",
        );
        for url in [
            "https://a/play?url=https://b/k?X-Amz-Signature=abcd",
            "https://a/play?url=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Dabcd%26x",
            "https://a/play?url=https%253A%252F%252Fb%252Fk%253FSignature%253Dabcd",
        ] {
            check(url, "https://a/play?url=redacted");
        }
        check("https://a/?q=signature", "https://a/?q=signature");
        let line = AccessLogRecord {
            target: "/b/k?X-Amz-Signature=abcd",
            referer: Some("https://b/k?X-Amz-Signature=abcd"),
            ..record()
        }
        .line();
        assert!(!line.contains("abcd"), "{line}");
    }

    #[test]
    fn a_client_does_not_choose_how_long_a_line_is() {
        let long = "\u{e9}\"".repeat(60_000);
        let line = AccessLogRecord {
            method: &long,
            operation: &long,
            version_id: Some(&long),
            target: &long,
            referer: Some(&long),
            user_agent: Some(&long),
            host_header: Some(&long),
            ..record()
        }
        .line();
        assert!(
            line.len() < 7 * 3 * TEXT_SIZE_BYTES_MAX + 1_000,
            "{}",
            line.len()
        );
        assert!(line.contains(" HTTP/1.1\" 200 "), "{line}");
        assert!(
            line.ends_with(" TLSV1.2 - -"),
            "{}",
            &line[line.len() - 60..]
        );
    }

    #[test]
    fn the_examples_of_the_user_guide() {
        let expected = format!(
            "{OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:00:38 +0000] 192.0.2.3 {OWNER} 3E57427F3EXAMPLE \
             REST.GET.VERSIONING - \"GET /amzn-s3-demo-bucket1?versioning HTTP/1.1\" 200 - 113 - 7 - \"-\" \
             \"S3Console/0.4\" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 \
             ECDHE-RSA-AES128-GCM-SHA256 AuthHeader amzn-s3-demo-bucket1.s3.us-west-1.amazonaws.com TLSV1.2 - -"
        );
        assert_eq!(record().line(), expected);
        let put = AccessLogRecord {
            received: "2019-02-06T00:01:57Z".parse().unwrap(),
            request_id: "DD6CC733AEXAMPLE",
            operation: "REST.PUT.OBJECT",
            key: Some("s3-dg.pdf"),
            method: "PUT",
            target: "/amzn-s3-demo-bucket1/s3-dg.pdf",
            bytes_sent: 0,
            object_size: Some(4_406_583),
            total_time: Duration::from_millis(41_754),
            turn_around_time: Some(Duration::from_millis(28)),
            ..record()
        };
        let expected = format!(
            "{OWNER} amzn-s3-demo-bucket1 [06/Feb/2019:00:01:57 +0000] 192.0.2.3 {OWNER} DD6CC733AEXAMPLE \
             REST.PUT.OBJECT s3-dg.pdf \"PUT /amzn-s3-demo-bucket1/s3-dg.pdf HTTP/1.1\" 200 - - 4406583 41754 28 \"-\" \
             \"S3Console/0.4\" - "
        );
        assert_eq!(put.line().get(..expected.len()), Some(expected.as_str()));
    }
}
