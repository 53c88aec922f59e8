//! Bodies that pass from a viewer through the edge to an origin.

use super::scripted_origin::{Act, ScriptedOrigin};
use super::{call, client, http_origin, run};
use crate::origin_client::{OriginFaultKind, OriginRequestBody};
use crate::request_body::RequestBody;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use privet_distribution::config::Limits;
use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Returns the outcome of a POST to the origin, when the viewer sends `request` and then nothing.
async fn passed_on(
    scripted: &ScriptedOrigin,
    request: &'static str,
) -> Result<StatusCode, OriginFaultKind> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let viewer = tokio::task::spawn_local(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (stream, _) = listener.accept().await.unwrap();
    let origin = http_origin(scripted.port);
    let (result_sender, result) = oneshot::channel();
    let result_sender = Rc::new(RefCell::new(Some(result_sender)));
    let service = service_fn(move |request: Request<Incoming>| {
        let mut call = call(Method::POST, "/a");
        let limits = Limits {
            body_timeout: Duration::from_secs(1),
            ..Limits::default()
        };
        call.body = OriginRequestBody::viewer(RequestBody::new(request.into_body(), &limits));
        let (origin, result_sender) = (origin.clone(), Rc::clone(&result_sender));
        async move {
            let sent = client().send(&origin, call).await;
            let sent = sent
                .map(|response| response.status)
                .map_err(|fault| fault.kind);
            result_sender.take().unwrap().send(sent).unwrap();
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    // A viewer that has closed its sending side is still there.
    let mut server = hyper::server::conn::http1::Builder::new();
    server.half_close(true);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    tokio::task::spawn_local(async move {
        let _ = connection.await;
    });
    let result = result.await.unwrap();
    viewer.abort();
    result
}

/// Checks the framing header and the body that the origin reads.
async fn check(request: &'static str, size_bytes: usize, framing: &str, expected: &str) {
    let answers: &'static [Act] = vec![Act::SendAfterBody(
        size_bytes,
        "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
    )]
    .leak();
    let scripted = ScriptedOrigin::start(&[answers]).await;
    assert_eq!(passed_on(&scripted, request).await, Ok(StatusCode::CREATED));
    let received = scripted.requests().remove(0);
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(framing), "{head}");
    assert_eq!(body, expected);
}

#[test]
fn a_body_that_breaks_off_is_the_viewers_fault() {
    run(async {
        let answers: &'static [Act] =
            vec![Act::SendAfterBody(9, "HTTP/1.1 201 Created\r\n\r\n")].leak();
        let scripted = ScriptedOrigin::start(&[answers, answers]).await;
        let short = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfour";
        let result = passed_on(&scripted, short).await;
        assert_eq!(result, Err(OriginFaultKind::RequestBody));
        assert_eq!(scripted.connections(), 1);
    });
}

#[test]
fn a_body_keeps_its_length_or_is_chunked() {
    run(async {
        let length = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour";
        check(length, 4, "content-length: 4", "four").await;
        let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n";
        let expected = "4\r\nfour\r\n0\r\n\r\n";
        check(
            chunked,
            expected.len(),
            "transfer-encoding: chunked",
            expected,
        )
        .await;
    });
}
