//! The way of every request: target, signature, body, then the router of s3s, whose gate asks what the operator may do.
//!
//! s3s is given what was verified, in one form: a path in path style, a query without its signature, a body without
//! framing. Its own reading of signatures is not used: it leaves header fields uncovered, takes version 2 and keeps
//! forms in memory.

mod finish;
mod head;
mod log;
mod recognition;
mod upload_form;

pub use finish::AnswerBody;
pub use log::{AccessLog, Client};

use crate::access::{Gate, NoKeys};
use crate::body::{self, BodyError, Pieces, UploadBody};
use crate::cors::{self, Preflight};
use crate::digests;
use crate::endpoint::finish::Answer;
use crate::endpoint::head::{Head, Sent};
use crate::endpoint::log::{Destination, LoggedRequest, Sender};
use crate::error::{self, IntoS3};
use crate::facts::Facts;
use crate::operations::{Operations, check_features};
use crate::operators::Operators;
use crate::policy::Transport;
use crate::settings::Settings;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::StreamBody;
use privet_objects::{BucketName, BucketsFolder};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode};
use std::error::Error as StdError;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The S3 endpoint. Clones are the same.
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

struct Inner {
    operators: Arc<dyn Operators>,
    operations: Operations,
    router: S3Service,
    settings: Settings,
    requests: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    /// Forms whose sender is not known yet.
    forms: Semaphore,
    log: OnceLock<Arc<dyn AccessLog>>,
}

impl Endpoint {
    /// Makes an endpoint over a folder of buckets. `transport` says how requests reach it.
    pub fn new(
        buckets: Arc<BucketsFolder>,
        operators: Arc<dyn Operators>,
        settings: Settings,
        transport: Transport,
    ) -> Self {
        let operations = Operations::new(buckets, Arc::clone(&operators), &settings, transport);
        let mut builder = S3ServiceBuilder::new(operations.clone());
        // Without a provider of keys the gate would not be asked.
        builder.set_auth(NoKeys);
        builder.set_access(Gate(Arc::clone(&operators)));
        Endpoint {
            inner: Arc::new(Inner {
                operators,
                operations,
                router: builder.build(),
                requests: Arc::new(Semaphore::new(settings.limits.requests)),
                uploads: Arc::new(Semaphore::new(settings.limits.uploads)),
                forms: Semaphore::new(settings.limits.forms),
                settings,
                log: OnceLock::new(),
            }),
        }
    }

    /// Has access logs written there, from now on. The first place stays.
    pub fn log_to(&self, log: Arc<dyn AccessLog>) {
        let _ = self.inner.log.set(log);
    }

    /// Answers a request that came from `client`. Errors are answers too.
    pub async fn answer<B>(
        &self,
        request: Request<B>,
        client: impl Into<Client>,
    ) -> Response<AnswerBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let client = client.into();
        let address = client.address;
        let request_id = finish::request_id();
        let method = request.method().clone();
        let Ok(permit) = Arc::clone(&self.inner.requests).try_acquire_owned() else {
            return finish::error(slow_down(), &method, &request_id);
        };
        let (parts, body) = request.into_parts();
        let sent = Sent {
            address,
            request_id: &request_id,
            now: now(),
        };
        let head = match Head::read(parts, self.inner.settings.domain_suffix.as_deref()) {
            Ok(head) => head,
            Err(error) => {
                return finish::answer(Answer::Error(error), &method, &request_id, permit);
            }
        };
        let origin = head.origin();
        let logged = self.inner.logged_request(&head, client);
        let mut sender = Sender::default();
        let answered = self.inner.answer(head, body, (sent, &mut sender)).await;
        let answered = match origin {
            Some(origin) => self.inner.with_cors(answered, &origin).await,
            None => answered,
        };
        let response = finish::answer(answered, &method, &request_id, permit);
        match self.inner.destination(logged, &request_id).await {
            Some((logged, destination)) => log::logged(response, logged, sender, destination),
            None => response,
        }
    }
}

impl Inner {
    async fn answer<B>(
        &self,
        head: Head,
        body: B,
        (sent, sender): (Sent<'_>, &mut Sender),
    ) -> Answer
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let result = if head.parts.method == Method::OPTIONS {
            self.preflight(&head).await
        } else if head.is_form() {
            self.upload_form(head, body, (sent, sender)).await
        } else {
            self.route(head, body, (sent, sender)).await
        };
        match result {
            Ok(answer) => answer,
            Err(error) => Answer::Error(error),
        }
    }

    /// Verifies a request, and has it routed.
    async fn route<B>(
        &self,
        head: Head,
        body: B,
        (sent, sender): (Sent<'_>, &mut Sender),
    ) -> Result<Answer, S3Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let (verified, holder, signed) = head.verify(self.operators.as_ref(), sent).await?;
        *sender = Sender {
            name: Some(holder.name.clone()),
            signed: Some(signed),
            key: None,
        };
        head.check_owner()?;
        head.check_length()?;
        check_features(&head.parts.headers)?;
        let announced = head.announced()?;
        let trailer_names = announced.trailer.clone();
        let limits = &self.settings.limits;
        let UploadBody {
            pieces,
            length,
            trailer,
        } = body::checked(body, verified, announced, limits).map_err(IntoS3::into_s3)?;
        let is_upload = head.is_upload();
        let is_completion = head.is_completion();
        let (mut parts, fields) = head.into_routed(length)?;
        let router_body = match is_upload {
            true => streamed(pieces, self.upload_permit()?),
            false => {
                let gathered = body::gather(pieces, limits.document_size_bytes).await;
                let gathered = gathered.map_err(document_error)?;
                // The checksums that complete an upload are the object's.
                if !is_completion {
                    digests::check_document(&parts.headers, trailer.as_ref(), &gathered)?;
                }
                let length = gathered.len().into();
                parts.headers.insert(http::header::CONTENT_LENGTH, length);
                s3s::Body::from(gathered)
            }
        };
        parts.extensions.insert(Facts {
            holder,
            fields,
            trailer,
            trailer_names,
        });
        let routed = self
            .router
            .call(Request::from_parts(parts, router_body))
            .await;
        routed
            .map(Answer::Routed)
            .map_err(|_| S3Error::new(S3ErrorCode::InternalError))
    }

    /// Notes a request for the access log, if there is one.
    fn logged_request(&self, head: &Head, client: Client) -> Option<LoggedRequest> {
        self.log.get()?;
        LoggedRequest::of(head, client)
    }

    /// Returns the place that a request's record goes to, if its bucket has an access log.
    async fn destination(
        &self,
        logged: Option<LoggedRequest>,
        request_id: &str,
    ) -> Option<(LoggedRequest, Destination)> {
        let logged = logged?;
        let bucket = BucketName::new(logged.bucket()).ok()?;
        let record = self.operators.record(&bucket).await.ok()??;
        let destination = Destination {
            log: Arc::clone(self.log.get()?),
            target: record.logging?,
            request_id: request_id.to_owned(),
        };
        Some((logged, destination))
    }

    fn upload_permit(&self) -> Result<OwnedSemaphorePermit, S3Error> {
        let uploads = Arc::clone(&self.uploads);
        uploads.try_acquire_owned().map_err(|_| slow_down())
    }

    /// Answers what a browser asks before it sends a request from another site. It is not signed, and tells nobody
    /// whether a bucket exists.
    async fn preflight(&self, head: &Head) -> Result<Answer, S3Error> {
        let rules = match head.target.bucket() {
            Some(bucket) => self.cors_rules(bucket).await?,
            None => Vec::new(),
        };
        let forbidden =
            |message: &str| error::other(StatusCode::FORBIDDEN, "AccessForbidden", message);
        match cors::preflight(&rules, &head.parts.headers) {
            Preflight::Allowed(headers) => Ok(Answer::Preflight(headers)),
            Preflight::Denied => Err(forbidden("CORSResponse: This CORS request is not allowed.")),
            Preflight::Incomplete => Err(error::known(
                S3ErrorCode::InvalidRequest,
                "Insufficient information. Origin request header needed.",
            )),
        }
    }

    async fn cors_rules(
        &self,
        bucket: &BucketName,
    ) -> Result<Vec<crate::records::CorsRule>, S3Error> {
        let record = self.operators.record(bucket).await;
        let record = record.map_err(IntoS3::into_s3)?;
        Ok(record.map(|record| record.cors).unwrap_or_default())
    }

    /// Lets scripts of the sites that the bucket names read an answer.
    async fn with_cors(&self, answer: Answer, origin: &head::FromSite) -> Answer {
        let rules = self.cors_rules(&origin.bucket).await.unwrap_or_default();
        let headers = cors::answer(&rules, origin.method.as_str(), &origin.headers);
        match (&answer, headers.is_empty()) {
            (Answer::Preflight(_), _) | (_, true) => answer,
            (_, false) => Answer::ForSite(Box::new(answer), headers),
        }
    }
}

/// Makes a body for the router out of pieces that are read as they come.
fn streamed(pieces: Pieces, permit: OwnedSemaphorePermit) -> s3s::Body {
    let frames = pieces.map(move |piece| {
        let _ = &permit;
        piece.map(Frame::data)
    });
    s3s::Body::http_body_unsync(StreamBody::new(frames))
}

fn document_error(error: BodyError) -> S3Error {
    match error {
        BodyError::TooLong => error::known(
            S3ErrorCode::MaxMessageLengthExceeded,
            "Your request was too big.",
        ),
        BodyError::TooSlow
        | BodyError::Broken
        | BodyError::TooShort
        | BodyError::Digest
        | BodyError::ChunkSignature
        | BodyError::Chunks(_) => error.into_s3(),
    }
}

fn slow_down() -> S3Error {
    error::known(S3ErrorCode::SlowDown, "Please reduce your request rate.")
}

/// Returns the seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
