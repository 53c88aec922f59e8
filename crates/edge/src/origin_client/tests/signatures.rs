//! Signatures of S3 requests, recomputed by another implementation that Amazon's published examples confirm.

use super::scripted_origin::{OK, ScriptedOrigin};
use super::{call, client, http_origin, run};
use crate::origin_client::s3;
use crate::origin_client::{OriginCall, OriginFaultKind, OriginRequestBody};
use aws_lc_rs::{digest, hmac};
use bytes::Bytes;
use http::Method;
use percent_encoding::percent_decode_str;
use privet_distribution::config::{
    CredentialSource, HttpServer, Origin, OriginSource, S3Addressing, S3Origin, SigningBehavior,
};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) fn s3_origin(port: u16) -> Origin {
    Origin {
        source: OriginSource::S3(S3Origin {
            endpoint: HttpServer {
                is_tls: false,
                host: "127.0.0.1".into(),
                port,
            },
            bucket: "videos".into(),
            region: "eu-central-1".into(),
            addressing: S3Addressing::Path,
            signing: SigningBehavior::Always,
            credentials: CredentialSource::Static {
                access_key_id: ACCESS_KEY.into(),
                secret_access_key: SECRET.into(),
                session_token: Some("a-session-token".into()),
            },
        }),
        ..http_origin(port)
    }
}

fn bucket(origin: &mut Origin) -> &mut S3Origin {
    match &mut origin.source {
        OriginSource::S3(s3) => s3,
        OriginSource::Http(_) | OriginSource::Embedded(_) | OriginSource::Folder { .. } => {
            unreachable!()
        }
    }
}

/// A request's head as a server reads it.
struct Received {
    method: String,
    key: Vec<u8>,
    parameters: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Received {
    fn parse(head: &str) -> Self {
        let mut lines = head.trim_end().split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let method = first.next().unwrap().to_owned();
        let (path, query) = first.next().unwrap().split_once('?').map_or_else(
            || (head.split(' ').nth(1).unwrap(), ""),
            |(path, query)| (path, query),
        );
        let mut parameters: Vec<(String, String)> = query
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
            .map(|(name, value)| (read_as_form(name), read_as_form(value)))
            .collect();
        parameters.sort();
        Received {
            method,
            key: percent_decode_str(path).collect(),
            parameters,
            headers: lines
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Computes the signature for the scope and the headers that its `Authorization` names.
    fn expected_signature(&self, secret: &str) -> String {
        let authorization = self.header("authorization").unwrap();
        let scope = part(authorization, "Credential=")
            .split_once('/')
            .unwrap()
            .1;
        let signed = part(authorization, "SignedHeaders=");
        let mut canonical = format!("{}\n{}\n", self.method, encode(&self.key, true));
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| {
                format!(
                    "{}={}",
                    encode(name.as_bytes(), false),
                    encode(value.as_bytes(), false)
                )
            })
            .collect();
        canonical += &parameters.join("&");
        canonical += "\n";
        for name in signed.split(';') {
            canonical += &format!("{name}:{}\n", self.header(name).unwrap());
        }
        let payload = self.header("x-amz-content-sha256").unwrap();
        canonical += &format!("\n{signed}\n{payload}");
        let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let date = self.header("x-amz-date").unwrap();
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashed}");
        let mut key = format!("AWS4{secret}").into_bytes();
        for step in scope.split('/') {
            key = mac(&key, step);
        }
        hex(&mac(&key, &text))
    }

    fn signature(&self) -> &str {
        part(self.header("authorization").unwrap(), "Signature=")
    }
}

fn part<'a>(authorization: &'a str, name: &str) -> &'a str {
    let from = authorization.split_once(name).unwrap().1;
    from.split(',').next().unwrap()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encode(bytes: &[u8], keeps_slash: bool) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte));
            }
            b'/' if keeps_slash => text.push('/'),
            byte => text += &format!("%{byte:02X}"),
        }
    }
    text
}

fn read_as_form(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// Checks an example of "Authenticating Requests: Using the Authorization Header" (Amazon S3 API reference).
fn check_example(request: &str, headers: &[&str], signed: &str, signature: &str) {
    let mut head = format!("{request} HTTP/1.1\r\nHost: examplebucket.s3.amazonaws.com\r\n");
    for header in headers {
        head += &format!("{header}\r\n");
    }
    head += &format!(
        "x-amz-date: 20130524T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed},Signature={signature}\r\n\r\n"
    );
    let received = Received::parse(&head);
    assert_eq!(received.expected_signature(SECRET), signature, "{request}");
}

#[test]
fn the_checking_side_agrees_with_published_examples() {
    let empty = format!("x-amz-content-sha256: {EMPTY}");
    check_example(
        "GET /test.txt",
        &["Range: bytes=0-9", &empty],
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    check_example(
        "PUT /test%24file.text",
        &[
            "Date: Fri, 24 May 2013 00:00:00 GMT",
            "x-amz-storage-class: REDUCED_REDUNDANCY",
            "x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        ],
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    check_example(
        "GET /?lifecycle",
        &[&empty],
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    check_example(
        "GET /?max-keys=2&prefix=J",
        &[&empty],
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
}

/// Sends `call` and returns what the origin has received.
async fn sent(call: OriginCall, change: impl FnOnce(&mut S3Origin)) -> Received {
    let scripted = ScriptedOrigin::start(&[&[OK]]).await;
    let mut origin = s3_origin(scripted.port);
    change(bucket(&mut origin));
    client().send(&origin, call).await.unwrap();
    Received::parse(
        scripted.requests()[0]
            .split_inclusive("\r\n\r\n")
            .next()
            .unwrap(),
    )
}

async fn check_key(raw_path: &str, key: &str) {
    let received = sent(call(Method::GET, raw_path), |_| {}).await;
    let key = format!("/videos/{key}");
    assert_eq!(String::from_utf8(received.key.clone()).unwrap(), key);
    assert_eq!(
        received.signature(),
        received.expected_signature(SECRET),
        "{raw_path}"
    );
    assert_eq!(
        received.header("x-amz-security-token"),
        Some("a-session-token")
    );
    assert_eq!(received.header("x-amz-content-sha256"), Some(EMPTY));
}

#[test]
fn every_key_can_be_asked_for() {
    run(async {
        check_key("/a//b", "a//b").await;
        check_key("//a", "/a").await;
        check_key("/x/../y", "x/../y").await;
        check_key("/dot/./z", "dot/./z").await;
        check_key("/trail/", "trail/").await;
        check_key("/a+b", "a+b").await;
        check_key("/a%2Fb", "a/b").await;
        check_key("/%C3%A9%20+%25&", "é +%&").await;
        check_key("/100%", "100%").await;
        check_key("/a%252Fb", "a%2Fb").await;
        check_key("/a%3Fb%23c", "a?b#c").await;
        check_key("/(a)!*'$,;:@=", "(a)!*'$,;:@=").await;
        check_key(
            "/?versionId=a%2Fb+c&response-content-type=text/plain&x&y=",
            "",
        )
        .await;
        check_key("/a?b=%20+%2B&b=1&a=%3D", "a").await;
    });
}

#[test]
fn a_key_that_is_no_text_is_not_sent() {
    run(async {
        let fault = client()
            .send(&s3_origin(1), call(Method::GET, "/%FF"))
            .await
            .unwrap_err();
        assert_eq!(fault.kind, OriginFaultKind::InvalidTarget);
    });
}

#[test]
fn what_the_viewer_says_of_its_keys_is_replaced() {
    run(async {
        let mut call = call(Method::GET, "/a");
        for (name, value) in [
            ("authorization", "Bearer viewer"),
            ("x-amz-date", "20000101T000000Z"),
            ("x-amz-security-token", "viewer"),
            ("x-amz-content-sha256", "viewer"),
            ("x-amz-meta-b", "two   blanks"),
            ("x-amz-meta-a", "one"),
            ("x-amz-meta-a", "two"),
            ("user-agent", "Amazon CloudFront"),
        ] {
            call.headers.append(name, value.parse().unwrap());
        }
        let received = sent(call, |_| {}).await;
        assert_eq!(received.signature(), received.expected_signature(SECRET));
        assert_eq!(
            received.header("x-amz-security-token"),
            Some("a-session-token")
        );
        assert_eq!(received.header("x-amz-content-sha256"), Some(EMPTY));
        assert_eq!(received.header("x-amz-meta-a"), Some("one,two"));
        assert_eq!(received.header("user-agent"), Some("Amazon CloudFront"));
    });
}

/// Returns the names that a signature covers.
fn signed_names(received: &Received) -> Vec<&str> {
    let authorization = received.header("authorization").unwrap();
    part(authorization, "SignedHeaders=").split(';').collect()
}

#[test]
fn s1_every_header_that_is_sent_is_signed() {
    run(async {
        let mut call = call(Method::PUT, "/a?acl");
        call.body = OriginRequestBody::Memory(Bytes::from_static(b"body"));
        for (name, value) in [
            ("content-type", "text/plain;  charset=utf-8"),
            ("content-disposition", "attachment"),
            ("if-match", "\"a\""),
            ("if-match", " \"b\"\t"),
            ("origin", "https://o"),
            ("x_amz_meta_a", "1"),
            ("x-amz-cf-id", "id=="),
            ("user-agent", "Amazon CloudFront"),
            ("connection", "x-other"),
            ("content-length", "9"),
        ] {
            call.headers.append(name, value.parse().unwrap());
        }
        let received = sent(call, |_| {}).await;
        assert_eq!(received.signature(), received.expected_signature(SECRET));
        let content_type = received.header("content-type");
        assert_eq!(content_type, Some("text/plain; charset=utf-8"));
        assert_eq!(received.header("if-match"), Some("\"a\",\"b\""));
        let signed = signed_names(&received);
        let unsigned = received.headers.iter().map(|(name, _)| name.as_str());
        let mut unsigned: Vec<&str> = unsigned.filter(|name| !signed.contains(name)).collect();
        unsigned.sort_unstable();
        assert_eq!(unsigned, ["authorization", "connection", "content-length"]);
    });
}

#[test]
fn what_is_no_text_is_left_out_of_reads_and_stops_changes() {
    run(async {
        let with_etag = |method: Method| {
            let mut call = call(method, "/a");
            let value = http::HeaderValue::from_bytes(b"\"\xe9\"").unwrap();
            call.headers.insert("if-none-match", value);
            call
        };
        let received = sent(with_etag(Method::GET), |_| {}).await;
        assert_eq!(received.header("if-none-match"), None);
        assert_eq!(received.signature(), received.expected_signature(SECRET));
        let change = client()
            .send(&s3_origin(1), with_etag(Method::DELETE))
            .await;
        assert_eq!(change.unwrap_err().kind, OriginFaultKind::InvalidTarget);
    });
}

#[test]
fn a_viewers_token_never_joins_other_keys() {
    run(async {
        let mut call = call(Method::GET, "/a");
        call.headers
            .insert("x-amz-security-token", "viewer".parse().unwrap());
        let received = sent(call, |s3| {
            s3.credentials = CredentialSource::Static {
                access_key_id: ACCESS_KEY.into(),
                secret_access_key: SECRET.into(),
                session_token: None,
            };
        })
        .await;
        assert_eq!(received.header("x-amz-security-token"), None);
        assert_eq!(received.signature(), received.expected_signature(SECRET));
    });
}

#[test]
fn the_query_reaches_the_bucket() {
    run(async {
        let target = "/a?response-content-type=text/plain&versionId=a%2Fb+c%2Bd&x";
        let received = sent(call(Method::GET, target), |_| {}).await;
        let expected = [
            ("response-content-type", "text/plain"),
            ("versionId", "a/b c+d"),
            ("x", ""),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(received.parameters, expected);
        assert_eq!(received.signature(), received.expected_signature(SECRET));
    });
}

#[test]
fn a_bucket_may_stand_in_the_host() {
    let mut origin = s3_origin(9_000);
    let path_style = bucket(&mut origin);
    assert_eq!(s3::server(path_style).host, "127.0.0.1");
    assert_eq!(s3::target(path_style, "/a%2Fb?c"), "/videos/a/b?c");
    path_style.addressing = S3Addressing::VirtualHost;
    path_style.endpoint.host = "s3.example".into();
    assert_eq!(s3::server(path_style).host, "videos.s3.example");
    assert_eq!(s3::target(path_style, "/a%2Fb?c"), "/a/b?c");
    assert_eq!(s3::target(path_style, "/"), "/");
}

/// Servers disagree on what is signed of these.
#[test]
fn parameters_that_break_a_signature_are_left_out() {
    let mut origin = s3_origin(9_000);
    let s3 = bucket(&mut origin);
    for (query, sent) in [
        ("a=1&a=0", "?a=1"),
        ("a=1&%61", "?a=1"),
        ("a&a=1&b", "?a&b"),
        ("a=%ff&b=+", "?b=%20"),
        ("%ff=1", ""),
    ] {
        let target = s3::target(s3, &format!("/k?{query}"));
        assert_eq!(target, format!("/videos/k{sent}"));
    }
}

#[test]
fn a_body_is_signed_by_the_digest_that_the_viewer_gives() {
    run(async {
        for (given, expected) in [
            (None, "UNSIGNED-PAYLOAD"),
            (Some("nonsense"), "UNSIGNED-PAYLOAD"),
            (Some(EMPTY), EMPTY),
        ] {
            let mut call = call(Method::PUT, "/a");
            call.body = OriginRequestBody::Memory(Bytes::from_static(b"body"));
            if let Some(given) = given {
                call.headers
                    .insert("x-amz-content-sha256", given.parse().unwrap());
            }
            let received = sent(call, |_| {}).await;
            assert_eq!(received.header("x-amz-content-sha256"), Some(expected));
            assert_eq!(received.signature(), received.expected_signature(SECRET));
        }
    });
}

#[test]
fn the_origin_access_control_says_whether_to_sign() {
    /// Checks how the `Authorization` that reaches the bucket begins.
    async fn check(signing: SigningBehavior, viewers: Option<&str>, expected: Option<&str>) {
        let mut call = call(Method::GET, "/a");
        if let Some(viewers) = viewers {
            call.headers
                .insert("authorization", viewers.parse().unwrap());
        }
        let received = sent(call, |s3| s3.signing = signing).await;
        let begins = received
            .header("authorization")
            .map(|text| text.split(' ').next().unwrap());
        assert_eq!(begins, expected, "{signing:?}");
    }
    run(async {
        let signed = Some("AWS4-HMAC-SHA256");
        check(SigningBehavior::Always, None, signed).await;
        check(SigningBehavior::Always, Some("Mine x"), signed).await;
        check(SigningBehavior::NoOverride, None, signed).await;
        check(SigningBehavior::NoOverride, Some("Mine x"), Some("Mine")).await;
        check(SigningBehavior::Never, None, None).await;
        check(SigningBehavior::Never, Some("Mine x"), Some("Mine")).await;
    });
}
