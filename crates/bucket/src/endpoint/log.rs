//! The access log: a record of each request to a bucket that has one, written when the last byte of its answer is gone.

use crate::access_log::AccessLogRecord;
use crate::endpoint::finish::{AnswerBody, ErrorCode};
use crate::endpoint::head::{Head, Signed};
use crate::operations::OWNER_ID;
use crate::records::Logging;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HOST, REFERER, USER_AGENT};
use http::response::Parts;
use http::{HeaderName, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use jiff::Timestamp;
use std::error::Error as StdError;
use std::fmt::Debug;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

/// The place that access logs are written to.
pub trait AccessLog: Debug + Send + Sync + 'static {
    /// Takes a line, without its end, for the bucket and prefix that a bucket's logging names. It never waits: S3's own
    /// access logs are best effort.
    fn write(&self, target: &Logging, received: Timestamp, line: String);
}

/// Who sent a request, as its connection says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Address that it came from.
    pub address: IpAddr,
    /// Version and cipher suite of TLS, in OpenSSL's words; `None` for a connection in the clear.
    pub tls: Option<(String, String)>,
}

impl From<IpAddr> for Client {
    /// A client that is connected in the clear.
    fn from(address: IpAddr) -> Self {
        Client { address, tls: None }
    }
}

/// Size of the object that an answer is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct ObjectSize(pub(super) u64);

/// What is found out about the sender on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Sender {
    pub(super) name: Option<String>,
    pub(super) signed: Option<Signed>,
    /// Key that a form has named.
    pub(super) key: Option<String>,
}

/// A request that will be logged.
#[derive(Debug)]
pub(super) struct LoggedRequest {
    bucket: String,
    key: Option<String>,
    operation: String,
    method: String,
    target: String,
    version: String,
    referer: Option<String>,
    user_agent: Option<String>,
    host: Option<String>,
    version_id: Option<String>,
    client: Client,
    /// Size of the object that a request without a copy or a form writes.
    announced: Option<u64>,
    received: Timestamp,
    began: Instant,
}

impl LoggedRequest {
    /// Notes what a head says; `None` if it is about no bucket.
    pub(super) fn of(head: &Head, client: Client) -> Option<Self> {
        let text = |name: HeaderName| {
            let value = head.parts.headers.get(name);
            value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let uri = &head.parts.uri;
        Some(LoggedRequest {
            bucket: head.target.bucket()?.to_string(),
            key: head.key().map(str::to_owned),
            operation: head.operation(),
            method: head.parts.method.to_string(),
            target: uri
                .path_and_query()
                .map_or("/", |target| target.as_str())
                .to_owned(),
            version: format!("{:?}", head.parts.version),
            referer: text(REFERER),
            user_agent: text(USER_AGENT),
            host: text(HOST),
            version_id: head.version_id().map(str::to_owned),
            client,
            announced: head.announced_size(),
            received: Timestamp::now(),
            began: Instant::now(),
        })
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }
}

/// The destination of a record.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) log: Arc<dyn AccessLog>,
    pub(super) target: Logging,
    pub(super) request_id: String,
}

/// Has a record written once the answer's body has left, or the client has.
pub(super) fn logged(
    response: Response<AnswerBody>,
    request: LoggedRequest,
    sender: Sender,
    destination: Destination,
) -> Response<AnswerBody> {
    let turn_around = Instant::now();
    let (parts, inner) = response.into_parts();
    let error_code = parts
        .extensions
        .get::<ErrorCode>()
        .map(|code| code.0.clone());
    let object_size = object_size(&request, &parts);
    let body = LoggedBody {
        inner,
        record: Record {
            request,
            sender,
            destination,
            status: parts.status.as_u16(),
            error_code,
            object_size,
            bytes_sent: 0,
            turn_around,
        },
    };
    Response::from_parts(parts, body.boxed_unsync())
}

/// Returns the size of the object that was read or written, as far as request and answer say it.
fn object_size(request: &LoggedRequest, answer: &Parts) -> Option<u64> {
    if let Some(ObjectSize(size)) = answer.extensions.get() {
        return Some(*size);
    }
    request.key.as_ref()?;
    let text = |name| answer.headers.get(name)?.to_str().ok();
    if let Some((_, size)) = text(CONTENT_RANGE).and_then(|range| range.rsplit_once('/')) {
        return size.parse().ok();
    }
    match (answer.status, request.operation.as_str()) {
        (StatusCode::OK, "REST.PUT.OBJECT" | "REST.PUT.PART") => request.announced,
        (StatusCode::OK, "REST.GET.OBJECT" | "REST.HEAD.OBJECT") => {
            text(CONTENT_LENGTH)?.parse().ok()
        }
        _ => None,
    }
}

struct LoggedBody {
    inner: AnswerBody,
    record: Record,
}

struct Record {
    request: LoggedRequest,
    sender: Sender,
    destination: Destination,
    status: u16,
    error_code: Option<String>,
    object_size: Option<u64>,
    bytes_sent: u64,
    turn_around: Instant,
}

impl Body for LoggedBody {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(piece) = frame.data_ref()
        {
            self.record.bytes_sent += piece.len() as u64;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let request = &self.request;
        let (version, kind) = match self.sender.signed {
            Some(Signed::Header) => (Some("SigV4"), Some("AuthHeader")),
            Some(Signed::Query) => (Some("SigV4"), Some("QueryString")),
            Some(Signed::Form) => (Some("SigV4"), Some("PostPolicy")),
            Some(Signed::OldQuery) => (Some("SigV2"), Some("QueryString")),
            None => (None, None),
        };
        let tls = request.client.tls.as_ref();
        let record = AccessLogRecord {
            bucket_owner: OWNER_ID,
            bucket: &request.bucket,
            received: request.received,
            remote_ip: request.client.address,
            requester: self.sender.name.as_deref(),
            request_id: &self.destination.request_id,
            operation: &request.operation,
            key: request.key.as_deref().or(self.sender.key.as_deref()),
            method: &request.method,
            target: &request.target,
            version: &request.version,
            status: self.status,
            error_code: self.error_code.as_deref(),
            bytes_sent: self.bytes_sent,
            object_size: self.object_size,
            total_time: request.began.elapsed(),
            turn_around_time: Some(self.turn_around.duration_since(request.began)),
            referer: request.referer.as_deref(),
            user_agent: request.user_agent.as_deref(),
            version_id: request.version_id.as_deref(),
            host_id: None,
            signature_version: version,
            cipher_suite: tls.map(|(_, cipher)| cipher.as_str()),
            authentication_type: kind,
            host_header: request.host.as_deref(),
            tls_version: tls.map(|(version, _)| version.as_str()),
        };
        let Destination { log, target, .. } = &self.destination;
        log.write(target, request.received, record.line());
    }
}
