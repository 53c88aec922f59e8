//! Requests that are signed well and mean ill, and signatures that are not good.

use crate::server::{ADMIN, endpoint};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use privet_bucket::{Endpoint, Settings};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

fn signature(secret: &str, amz_date: &str, text: &str) -> String {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for part in [&amz_date[..8], "us-east-1", "s3", "aws4_request"] {
        let next = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, next.as_ref());
    }
    hex(hmac::sign(&key, text.as_bytes()).as_ref())
}

fn amz_date() -> String {
    Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// An answer as a client sees it.
#[derive(Debug)]
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn has(&self, status: u16, code: &str) -> bool {
        let code = format!("<Code>{code}</Code>");
        self.status == status && self.text.contains(&code)
    }
}

async fn send(endpoint: &Endpoint, request: Request<Full<Bytes>>) -> Seen {
    let answer = endpoint.answer(request, CLIENT).await;
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Seen {
        status: parts.status,
        headers: parts.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}

/// Sends a request that is signed with a key in its header.
async fn ask_as(
    endpoint: &Endpoint,
    (id, secret): (&str, &str),
    (method, target, body): (Method, &str, &'static str),
    fields: &[(&str, &str)],
) -> Seen {
    let amz_date = amz_date();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut signed = vec![
        ("host", "localhost"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-date", amz_date.as_str()),
    ];
    signed.extend(fields);
    signed.sort_unstable();
    let mut canonical = format!("{method}\n{path}\n{query}\n");
    for (name, value) in &signed {
        writeln!(canonical, "{name}:{value}").unwrap();
    }
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    write!(canonical, "\n{names}\nUNSIGNED-PAYLOAD").unwrap();
    let scope = format!("{}/us-east-1/s3/aws4_request", &amz_date[..8]);
    let canonical = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{amz_date}\n{scope}\n{canonical}");
    let signature = signature(secret, &amz_date, &text);
    let credential = format!("{id}/{scope}");
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    );
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("content-length", body.len());
    for (name, value) in signed {
        request = request.header(name, value);
    }
    let request = request
        .header("authorization", authorization)
        .body(Full::new(Bytes::from(body)));
    send(endpoint, request.unwrap()).await
}

/// Sends a request that the admin has signed, with a body.
async fn ask(endpoint: &Endpoint, method: Method, target: &str, fields: &[(&str, &str)]) -> Seen {
    ask_as(endpoint, ADMIN, (method, target, "body"), fields).await
}

/// Sends a request that makes a bucket, which the admin has signed.
async fn create(endpoint: &Endpoint, target: &str) -> Seen {
    ask_as(endpoint, ADMIN, (Method::PUT, target, ""), &[]).await
}

/// Sends a form for the bucket `known`, signed by the admin. `fields` are its fields besides those of the signature.
async fn upload(
    endpoint: &Endpoint,
    conditions: &str,
    fields: &[(&str, &str)],
    file_head: &str,
) -> Seen {
    let amz_date = amz_date();
    let credential = format!("{}/{}/us-east-1/s3/aws4_request", ADMIN.0, &amz_date[..8]);
    let policy = format!(
        r#"{{"expiration":"2999-01-01T00:00:00Z","conditions":[{{"bucket":"known"}},["starts-with","$x-amz-date",""],
        ["starts-with","$x-amz-algorithm",""],["starts-with","$x-amz-credential",""],["starts-with","$key","up/"],
        {conditions}]}}"#
    );
    let policy = BASE64_STANDARD.encode(policy);
    let signature = signature(ADMIN.1, &amz_date, &policy);
    let mut body = String::new();
    let own = [
        ("policy", policy.as_str()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", credential.as_str()),
        ("x-amz-date", amz_date.as_str()),
        ("x-amz-signature", signature.as_str()),
    ];
    for (name, value) in own.iter().chain(fields) {
        let head = format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"");
        write!(body, "{head}\r\n\r\n{value}\r\n").unwrap();
    }
    let head = "--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"";
    write!(body, "{head}\r\n{file_head}\r\nbody\r\n--xx--\r\n").unwrap();
    let request = Request::post("/known")
        .header("host", "localhost")
        .header("content-type", "multipart/form-data; boundary=xx")
        .body(Full::new(Bytes::from(body)));
    send(endpoint, request.unwrap()).await
}

/// An endpoint with the bucket `known`, in which the object `key` lies.
fn with_bucket(folder: &Path) -> Endpoint {
    std::fs::create_dir(folder.join("known")).unwrap();
    std::fs::write(folder.join("known/key"), "content").unwrap();
    endpoint(folder, Settings::default(), false)
}

#[tokio::test]
async fn nothing_goes_into_a_folder_that_is_no_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = with_bucket(folder.path());
    let stray = folder.path().join("stray");
    std::fs::create_dir(&stray).unwrap();
    let source = [("x-amz-copy-source", "known/key")];
    for (method, target, fields) in [
        (Method::PUT, "/stray/key", &[][..]),
        (Method::PUT, "/stray/key", &source[..]),
        (Method::POST, "/stray/key?uploads=", &[][..]),
        (Method::DELETE, "/stray/key", &[][..]),
        (Method::GET, "/stray/key", &[][..]),
        (Method::DELETE, "/stray", &[][..]),
    ] {
        let seen = ask(&endpoint, method, target, fields).await;
        assert!(seen.has(404, "NoSuchBucket"), "{seen:?}");
    }
    let source = [("x-amz-copy-source", "stray/key")];
    let seen = ask(&endpoint, Method::PUT, "/known/copy", &source).await;
    assert!(seen.has(404, "NoSuchBucket"), "{seen:?}");
    assert_eq!(stray.read_dir().unwrap().count(), 0);
    let source = [("x-amz-copy-source", "known/key")];
    let seen = ask(&endpoint, Method::PUT, "/known/copy", &source).await;
    assert_eq!(seen.status, 200, "{seen:?}");
}

#[tokio::test]
async fn a_bucket_that_is_refused_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = with_bucket(folder.path());
    let seen = create(&endpoint, "/not-permitted").await;
    assert!(seen.has(400, "InvalidRequest"), "{seen:?}");
    assert!(!folder.path().join("not-permitted").exists());
    let seen = create(&endpoint, "/known").await;
    assert!(seen.has(409, "BucketAlreadyOwnedByYou"), "{seen:?}");
    assert!(folder.path().join("known/key").exists());
    let seen = create(&endpoint, "/permitted").await;
    assert_eq!(seen.status, 200, "{seen:?}");
}

#[tokio::test]
async fn a_feature_that_is_not_there_is_refused_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = with_bucket(folder.path());
    let fields = [
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-server-side-encryption-customer-key", "a"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
    ];
    for (method, target) in [
        (Method::GET, "/known/key"),
        (Method::PUT, "/known/new"),
        (
            Method::PUT,
            "/known/new?partNumber=1&uploadId=00000000000000000000000000000000",
        ),
    ] {
        for field in fields {
            let seen = ask(&endpoint, method.clone(), target, &[field]).await;
            assert!(seen.has(501, "NotImplemented"), "{target}: {seen:?}");
        }
    }
    let checksum = [("x-amz-checksum-sha512", "AAAA")];
    let seen = ask(&endpoint, Method::PUT, "/known/new", &checksum).await;
    assert!(seen.has(400, "InvalidRequest"), "{seen:?}");
    assert!(!folder.path().join("known/new").exists());
}

#[tokio::test]
async fn a_form_stores_only_what_its_policy_covers() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = with_bucket(folder.path());
    let image = r#"["starts-with","$Content-Type","image/"]"#;
    let html = "Content-Type: text/html\r\n";
    let key = ("key", "up/${filename}");
    for content_type in ["text/html", "image/png\r\n", "image/png\r\nx: y"] {
        let fields = [key, ("Content-Type", content_type)];
        let seen = upload(&endpoint, image, &fields, html).await;
        assert!(seen.status.is_client_error(), "{content_type:?}: {seen:?}");
    }
    assert!(!folder.path().join("known/up").exists());
    let seen = upload(
        &endpoint,
        r#"{"success_action_status":"204"}"#,
        &[key],
        html,
    )
    .await;
    assert_eq!(seen.status, 403, "{seen:?}");
    let none = r#"["content-length-range",0,10]"#;
    let seen = upload(&endpoint, none, &[key], html).await;
    assert_eq!(seen.status, 204, "{seen:?}");
    let seen = ask(&endpoint, Method::GET, "/known/up/a", &[]).await;
    assert_eq!((seen.status.as_u16(), seen.text.as_str()), (200, "body"));
    assert_ne!(seen.headers["content-type"], "text/html");
    let fields = [key, ("Content-Type", "image/png")];
    let seen = upload(&endpoint, image, &fields, html).await;
    assert_eq!(seen.status, 204, "{seen:?}");
    let seen = ask(&endpoint, Method::GET, "/known/up/a", &[]).await;
    assert_eq!(seen.headers["content-type"], "image/png");
}

/// How often an address has failed is told in the same way, whether the key exists or not.
#[tokio::test]
async fn failures_do_not_tell_which_keys_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    for id in ["AKIDUNKNOWN000000000", ADMIN.0] {
        let folder = folder.path().join(id);
        std::fs::create_dir(&folder).unwrap();
        let endpoint = with_bucket(&folder);
        let mut statuses = Vec::new();
        for _ in 0..crate::server::FAILURES_MAX + 5 {
            let seen = ask_as(
                &endpoint,
                (id, "wrong"),
                (Method::GET, "/known/key", ""),
                &[],
            )
            .await;
            statuses.push(seen.status.as_u16());
        }
        // A stranger's failures keep nobody out who has a secret.
        let seen = ask(&endpoint, Method::GET, "/known/key", &[]).await;
        assert_eq!(seen.status, 200, "{seen:?}");
        told.push(statuses);
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[0].first(), told[0].last()), (Some(&403), Some(&503)));
}
