//! Bodies that end, and bodies that break off.

use super::scripted_origin::{Act, OK, ScriptedOrigin};
use super::{call, client, get, http_origin, read, run, run_paused};
use crate::origin_client::{OriginFaultKind, OriginRequestBody};
use bytes::Bytes;
use http::Method;

/// Checks the body that is read, and its promised size.
async fn check(
    method: Method,
    act: Act,
    promised: Option<u64>,
    expected: Result<&str, OriginFaultKind>,
) {
    let script: &'static [Act] = vec![act].leak();
    let scripted = ScriptedOrigin::start(&[script]).await;
    let origin = http_origin(scripted.port);
    let response = client().send(&origin, call(method, "/")).await.unwrap();
    assert_eq!(response.body.promised(), promised, "{act:?}");
    let body = read(response).await;
    let body = body.map_err(|fault| fault.kind);
    assert_eq!(
        body.as_deref(),
        expected.as_ref().map(|text| *text),
        "{act:?}"
    );
}

#[test]
fn bodies_that_break_off_are_faults() {
    run(async {
        let truncated = Err(OriginFaultKind::Truncated);
        let short = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour");
        check(Method::GET, short, Some(5), truncated).await;
        let unfinished =
            Act::Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n");
        check(Method::GET, unfinished, None, truncated).await;
        let no_size =
            Act::Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\nfour\r\n");
        check(Method::GET, no_size, None, truncated).await;
    });
}

#[test]
fn a_body_that_stops_is_waited_for() {
    run_paused(async {
        let stops = Act::SendAndHang("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour");
        let started = tokio::time::Instant::now();
        check(
            Method::GET,
            stops,
            Some(5),
            Err(OriginFaultKind::ResponseTimeout),
        )
        .await;
        assert_eq!(started.elapsed().as_secs(), 30);
    });
}

#[test]
fn a_slow_body_has_the_time_limit_for_each_piece() {
    run_paused(async {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
        let pieces: &'static [&str] = vec![head, "f", "o", "u", "r"].leak();
        check(
            Method::GET,
            Act::SendSlowly(29, pieces),
            Some(4),
            Ok("four"),
        )
        .await;
    });
}

#[test]
fn bodies_end_where_the_origin_ends_them() {
    run(async {
        let length = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour, and more");
        check(Method::GET, length, Some(4), Ok("four")).await;
        let chunked = Act::Send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\nA: b\r\n\r\n",
        );
        check(Method::GET, chunked, None, Ok("four")).await;
        let until_close = Act::Send("HTTP/1.0 200 OK\r\n\r\nfour");
        check(Method::GET, until_close, None, Ok("four")).await;
        let head = Act::Send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
        check(Method::HEAD, head, Some(0), Ok("")).await;
        let not_modified = Act::Send("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n");
        check(Method::GET, not_modified, Some(0), Ok("")).await;
        let early_hints = Act::Send(
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour",
        );
        check(Method::GET, early_hints, Some(4), Ok("four")).await;
    });
}

#[test]
fn a_request_has_its_own_framing() {
    run(async {
        let scripted =
            ScriptedOrigin::start(&[&[Act::SendAfterBody(4, "HTTP/1.1 204 No Content\r\n\r\n")]])
                .await;
        let mut origin = http_origin(scripted.port);
        origin.custom_headers = vec![(
            http::HeaderName::from_static("x-shared"),
            http::HeaderValue::from_static("secret"),
        )];
        let mut call = call(Method::POST, "/a//b/../c?d=%20+&e");
        call.body = OriginRequestBody::Memory(Bytes::from_static(b"body"));
        for (name, value) in [
            ("host", "viewer.example"),
            ("content-length", "99"),
            ("transfer-encoding", "chunked"),
            ("connection", "close"),
            ("x-shared", "guess"),
            ("x-other", "kept"),
        ] {
            call.headers.insert(name, value.parse().unwrap());
        }
        client().send(&origin, call).await.unwrap();
        let request = scripted.requests().remove(0);
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let mut lines: Vec<&str> = head.split("\r\n").collect();
        lines.sort_unstable();
        assert_eq!(
            lines,
            [
                "POST /a//b/../c?d=%20+&e HTTP/1.1",
                "connection: Keep-Alive",
                "content-length: 4",
                "host: viewer.example",
                "x-other: kept",
                "x-shared: secret",
            ]
        );
        assert_eq!(body, "body");
    });
}

#[test]
fn a_response_has_its_head_as_it_came() {
    run(async {
        let scripted = ScriptedOrigin::start(&[&[Act::Send(
            "HTTP/1.0 302 Found\r\nLocation: /b\r\nContent-Encoding: gzip\r\nX: 1\r\nX: 2\r\nContent-Length: 4\r\n\r\nfour",
        )]])
        .await;
        let origin = http_origin(scripted.port);
        let response = client().send(&origin, get("/a")).await.unwrap();
        assert_eq!(response.status, 302);
        assert_eq!(response.headers["location"], "/b");
        assert_eq!(response.headers["content-encoding"], "gzip");
        assert_eq!(response.headers.get_all("x").iter().count(), 2);
        assert_eq!(read(response).await.unwrap(), "four");
        assert_eq!(scripted.requests().len(), 1);
    });
}

#[test]
fn targets_that_are_none_are_not_sent() {
    run(async {
        let scripted = ScriptedOrigin::start(&[&[OK]]).await;
        for target in ["/a b", "/a\r\nHost: b"] {
            let fault = client()
                .send(&http_origin(scripted.port), get(target))
                .await
                .unwrap_err();
            assert_eq!(fault.kind, OriginFaultKind::InvalidTarget);
        }
        assert_eq!(scripted.connections(), 0);
    });
}
