//! A viewer over HTTP/2.

use crate::support::{Ask, HOST, PATIENCE, TestEdge, trusted_roots};
use http_body::Body;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Sends all requests at once on one connection; returns the responses in the order of the requests.
pub fn ask_multiplexed(edge: &TestEdge, asks: &[Ask]) -> Vec<http::Response<Vec<u8>>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let all = all_answers(edge.https(), asks);
    runtime.block_on(async { tokio::time::timeout(PATIENCE, all).await.unwrap() })
}

pub fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new());
    builder
}

/// Returns a connection to the edge, and the future that drives it.
pub async fn connect_http2(
    edge: SocketAddr,
    builder: &http2::Builder<TokioExecutor>,
) -> (
    http2::SendRequest<String>,
    impl Future<Output = hyper::Result<()>> + Send + 'static,
) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted_roots())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(edge).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from(HOST).unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let stream = connector.connect(name, stream).await.unwrap();
    builder.handshake(TokioIo::new(stream)).await.unwrap()
}

async fn all_answers(edge: SocketAddr, asks: &[Ask]) -> Vec<http::Response<Vec<u8>>> {
    let (sender, connection) = connect_http2(edge, &http2_builder()).await;
    tokio::spawn(connection);
    let mut waiting = Vec::new();
    for ask in asks {
        let mut request = http::Request::builder()
            .method(ask.method.as_str())
            .uri(ask.url.as_str());
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(String::new()).unwrap();
        let mut sender = sender.clone();
        waiting.push(tokio::spawn(async move {
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            http::Response::from_parts(parts, collect(body).await)
        }));
    }
    let mut answers = Vec::new();
    for answer in waiting {
        answers.push(answer.await.unwrap());
    }
    answers
}

async fn collect(mut body: hyper::body::Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame.unwrap().into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes
}
