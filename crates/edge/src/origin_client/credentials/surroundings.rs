//! Sources for the search for access keys: variables, files of this machine, and services such as instance metadata.

use crate::origin_client::OriginRequestBody;
use crate::origin_client::connect::{self, OriginStream};
use crate::origin_client::pool::Destination;
use crate::origin_client::trust::Trust;
use bytes::{Bytes, BytesMut};
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use privet_distribution::config::{AddressFamilies, HttpServer};
use reqsign_core::{Context, Env, Error, FileRead, HttpSend, Result};
use rustix::fs::OFlags;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::timeout;

/// Maximum size of a file with profiles, or with a token.
const FILE_SIZE_BYTES_MAX: u64 = 1024 * 1024;
/// Maximum size of a response of a metadata or token service.
const ANSWER_SIZE_BYTES_MAX: usize = 256 * 1024;
/// Timeout for connecting to such a service: where there is none, nothing refuses the connection either.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout for the whole response of such a service.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Creates a context with the real files and services, and the given variables.
pub(crate) fn with_environment(environment: impl Env, trust: Arc<Trust>) -> Context {
    Context::new()
        .with_env(environment)
        .with_file_read(SmallFiles)
        .with_http_send(PlainSend { trust })
}

#[derive(Debug)]
struct SmallFiles;

impl FileRead for SmallFiles {
    async fn file_read(&self, path: &str) -> Result<Vec<u8>> {
        let unreadable = |error| Error::config_invalid("a file cannot be read").with_source(error);
        // Opening a FIFO would otherwise wait for its writer. The flag has no effect on regular files.
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let mut options = tokio::fs::OpenOptions::new();
        let opened = options.read(true).custom_flags(nonblocking).open(path);
        let file = opened.await.map_err(unreadable)?;
        if !file.metadata().await.map_err(unreadable)?.is_file() {
            return Err(Error::config_invalid("not a regular file"));
        }
        let mut content = Vec::new();
        file.take(FILE_SIZE_BYTES_MAX)
            .read_to_end(&mut content)
            .await
            .map_err(unreadable)?;
        Ok(content)
    }
}

/// A client with one request per connection. Its futures may move between threads, unlike those of the pools.
#[derive(Debug)]
struct PlainSend {
    trust: Arc<Trust>,
}

impl HttpSend for PlainSend {
    async fn http_send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let failed = |text: &str| Error::unexpected(text.to_owned());
        let server = server_of(request.uri()).ok_or_else(|| failed("not an address"))?;
        let destination = Destination {
            server: &server,
            addresses: AddressFamilies::Any,
            roots_pem: None,
        };
        let stream = connect::connect(&self.trust, &destination, CONNECT_TIMEOUT)
            .await
            .map_err(|fault| failed(&fault.to_string()))?;
        let exchange = async {
            match stream {
                OriginStream::Plain(stream) => exchange(stream, request).await,
                OriginStream::Tls(stream) => exchange(stream, request).await,
            }
        };
        timeout(ANSWER_TIMEOUT, exchange)
            .await
            .ok()
            .flatten()
            .ok_or_else(|| failed("no response from the service that provides access keys"))
    }
}

fn server_of(uri: &Uri) -> Option<HttpServer> {
    let is_tls = uri.scheme_str()? == "https";
    let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
    Some(HttpServer {
        is_tls,
        host: host.to_owned(),
        port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
    })
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Bytes>,
) -> Option<Response<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let authority = HeaderValue::from_str(parts.uri.authority()?.as_str()).ok()?;
    parts.headers.entry(HOST).or_insert(authority);
    parts.uri = Uri::from(parts.uri.into_parts().path_and_query?);
    let request = Request::from_parts(parts, OriginRequestBody::Memory(body));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let talk = async {
        let (parts, body) = sender.send_request(request).await.ok()?.into_parts();
        Some(Response::from_parts(parts, read_all(body).await?))
    };
    let mut talk = pin!(talk);
    tokio::select! {
        biased;
        answer = &mut talk => answer,
        // Bytes that have arrived by then can still be read.
        _ = connection => talk.await,
    }
}

async fn read_all(mut body: Incoming) -> Option<Bytes> {
    let mut all = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(bytes) = frame.ok()?.into_data() {
            all.extend_from_slice(&bytes);
        }
        if all.len() > ANSWER_SIZE_BYTES_MAX {
            return None;
        }
    }
    Some(all.freeze())
}
