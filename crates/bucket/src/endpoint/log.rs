//! The access log: a record of each request to a bucket that has one, written when the last byte of its answer is gone.

use crate::access_log::AccessLogRecord;
use crate::endpoint::finish::{AnswerBody, ErrorCode};
use crate::endpoint::head::{Head, Signed};
use crate::operations::OWNER_ID;
use crate::records::Logging;
use bytes::Bytes;
use http::header::{HOST, REFERER, USER_AGENT};
use http::{HeaderName, Response};
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

/// What is found out about the sender on the way.
#[derive(Clone, Debug, Default)]
pub(super) struct Sender {
    pub(super) name: Option<String>,
    pub(super) signed: Option<Signed>,
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
    address: IpAddr,
    received: Timestamp,
    began: Instant,
}

impl LoggedRequest {
    /// Notes what a head says; `None` if it is about no bucket.
    pub(super) fn of(head: &Head, address: IpAddr) -> Option<Self> {
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
            address,
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
    let body = LoggedBody {
        inner,
        record: Record {
            request,
            sender,
            destination,
            status: parts.status.as_u16(),
            error_code,
            bytes_sent: 0,
            turn_around,
        },
    };
    Response::from_parts(parts, body.boxed_unsync())
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
        let record = AccessLogRecord {
            bucket_owner: OWNER_ID,
            bucket: &request.bucket,
            received: request.received,
            remote_ip: request.address,
            requester: self.sender.name.as_deref(),
            request_id: &self.destination.request_id,
            operation: &request.operation,
            key: request.key.as_deref(),
            method: &request.method,
            target: &request.target,
            version: &request.version,
            status: self.status,
            error_code: self.error_code.as_deref(),
            bytes_sent: self.bytes_sent,
            object_size: None,
            total_time: request.began.elapsed(),
            turn_around_time: Some(self.turn_around.duration_since(request.began)),
            referer: request.referer.as_deref(),
            user_agent: request.user_agent.as_deref(),
            version_id: request.version_id.as_deref(),
            host_id: None,
            signature_version: version,
            cipher_suite: None,
            authentication_type: kind,
            host_header: request.host.as_deref(),
            tls_version: None,
        };
        let Destination { log, target, .. } = &self.destination;
        log.write(target, request.received, record.line());
    }
}
