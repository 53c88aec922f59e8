//! Answers that need no client: to strangers, and what is written down of them.

use crate::server::{endpoint, endpoint_of};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use jiff::Timestamp;
use privet_bucket::{AccessLog, BucketRecord, Client, Endpoint, Logging, Settings};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

#[derive(Debug, Default)]
struct Lines(Mutex<Vec<(String, String)>>);

impl AccessLog for Lines {
    fn write(&self, target: &Logging, _received: Timestamp, line: String) {
        let target = format!("{}/{}", target.bucket, target.prefix);
        self.0.lock().unwrap().push((target, line));
    }
}

/// Sends a request without a signature; returns status and body.
async fn ask(
    endpoint: &Endpoint,
    method: Method,
    target: &str,
    fields: &[(&str, &str)],
) -> (StatusCode, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "localhost");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let body = Full::new(Bytes::from("body"));
    let answer = endpoint.answer(request.body(body).unwrap(), CLIENT).await;
    let status = answer.status();
    assert!(answer.headers().contains_key("x-amz-request-id"));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn strangers_learn_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("known")).unwrap();
    std::fs::write(folder.path().join("known/key"), "content").unwrap();
    let endpoint = endpoint(folder.path(), Settings::default(), false);
    let denied = [
        "/",
        "/known",
        "/known/key",
        "/known/none",
        "/other",
        "/other/key",
        "/known?policy",
        "/known/key?acl",
    ];
    for method in [
        Method::GET,
        Method::HEAD,
        Method::PUT,
        Method::POST,
        Method::DELETE,
    ] {
        for target in denied {
            let (status, body) = ask(&endpoint, method.clone(), target, &[]).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {target}: {body}");
            let is_said = method == Method::HEAD || body.contains("<Code>AccessDenied</Code>");
            assert!(
                is_said && !body.contains("content"),
                "{method} {target}: {body}"
            );
        }
    }
    let asks = [
        ("origin", "https://a.test"),
        ("access-control-request-method", "GET"),
    ];
    let known = ask(&endpoint, Method::OPTIONS, "/known/key", &asks).await;
    let other = ask(&endpoint, Method::OPTIONS, "/other/key", &asks).await;
    assert_eq!(
        (known.0, other.0),
        (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN)
    );
    let form = [("content-type", "multipart/form-data; boundary=x")];
    let (status, body) = ask(&endpoint, Method::POST, "/known", &form).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
}

#[tokio::test]
async fn what_is_not_known_is_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(folder.path(), Settings::default(), false);
    for (target, code) in [
        ("/known/key?renameObject", "NotImplemented"),
        ("/known/key?acl%3D", "NotImplemented"),
        ("/known?prefix=a&prefix=b", "InvalidArgument"),
        ("/known?prefix=%FF", "InvalidURI"),
        ("/known/%FF", "InvalidURI"),
        ("/known/%zz", "InvalidURI"),
        ("/UPPER/key", "InvalidBucketName"),
        (
            "/known/key?X-Amz-Signature=a",
            "AuthorizationHeaderMalformed",
        ),
        ("/known/key?Signature=a", "AuthorizationHeaderMalformed"),
    ] {
        let (_, body) = ask(&endpoint, Method::GET, target, &[]).await;
        assert!(
            body.contains(&format!("<Code>{code}</Code>")),
            "{target}: {body}"
        );
        assert!(body.contains("<RequestId>"), "{target}: {body}");
    }
}

/// The last fields of S3's format say how a request came (S3 User Guide, "Amazon S3 server access log format").
#[tokio::test]
async fn a_request_over_tls_is_logged_with_version_and_cipher_suite() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logged")).unwrap();
    let record = BucketRecord {
        logging: Some(Logging {
            bucket: "logs".to_owned(),
            prefix: String::new(),
        }),
        ..BucketRecord::default()
    };
    let endpoint = endpoint_of(folder.path(), Settings::default(), false, &record);
    let lines = Arc::new(Lines::default());
    endpoint.log_to(Arc::clone(&lines) as Arc<dyn AccessLog>);
    let client = Client {
        address: CLIENT,
        tls: Some(("TLSv1.3".to_owned(), "TLS_AES_128_GCM_SHA256".to_owned())),
    };
    let request = Request::get("/logged/a").header("host", "localhost");
    let request = request.body(Full::new(Bytes::new())).unwrap();
    let answer = endpoint.answer(request, client).await;
    answer.into_body().collect().await.unwrap();
    let lines = lines.0.lock().unwrap();
    let line = &lines[0].1;
    let end = " - TLS_AES_128_GCM_SHA256 - localhost TLSv1.3 - -";
    assert!(line.ends_with(end), "{line}");
}

#[tokio::test]
async fn a_request_is_logged_without_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("logged")).unwrap();
    let logging = Logging {
        bucket: "logs".to_owned(),
        prefix: "of/".to_owned(),
    };
    let record = BucketRecord {
        logging: Some(logging),
        ..BucketRecord::default()
    };
    let endpoint = endpoint_of(folder.path(), Settings::default(), false, &record);
    let lines = Arc::new(Lines::default());
    endpoint.log_to(Arc::clone(&lines) as Arc<dyn AccessLog>);
    ask(
        &endpoint,
        Method::GET,
        "/logged/a?X-Amz-Signature=secret",
        &[("user-agent", "client")],
    )
    .await;
    ask(&endpoint, Method::GET, "/other/a", &[]).await;
    let lines = lines.0.lock().unwrap();
    let [(target, line)] = lines.as_slice() else {
        panic!("{lines:?}");
    };
    assert_eq!(target, "logs/of/");
    for part in [
        " 192.0.2.7 - ",
        " REST.GET.OBJECT a ",
        " 400 AuthorizationHeaderMalformed ",
        " \"client\" ",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(!line.contains("secret"), "{line}");
}
