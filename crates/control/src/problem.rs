//! Errors as operators receive them: `application/problem+json` (RFC 9457) with a stable code, the field, and a hint.
//!
//! The one place where errors become HTTP.

use crate::authentication::AccessError;
use crate::operation_error::{Fault, OperationError};
use crate::replay::ReplayRefusal;
use crate::request_error::RequestError;
use crate::sigv4::Refusal;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, ETAG, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use privet_edge::InvalidationError;
use privet_store::{DocumentName, StoreError};
use serde_json::{Value, json};

/// Faults that are listed; the first one is the problem's own.
const FAULTS_MAX: usize = 100;

/// An error, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// Word that stays the same in later versions.
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    more: Box<More>,
}

/// What only some problems have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    field: Option<String>,
    hint: Option<&'static str>,
    faults: Vec<Fault>,
    used_by: Vec<DocumentName>,
    allow: Option<String>,
    etag: Option<String>,
    retry_after_secs: Option<i64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: &(impl ToString + ?Sized)) -> Self {
        Problem {
            status,
            code,
            detail: detail.to_string(),
            more: Box::default(),
        }
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.more.hint = Some(hint);
        self
    }

    fn field(mut self, field: impl Into<String>) -> Self {
        self.more.field = Some(field.into());
        self
    }

    fn retry_after(mut self, seconds: i64) -> Self {
        self.more.retry_after_secs = Some(seconds);
        self
    }

    /// Returns the response.
    pub(crate) fn respond(&self, request_id: &str) -> Response<Bytes> {
        let More {
            field,
            hint,
            faults,
            used_by,
            allow,
            etag,
            retry_after_secs,
        } = self.more.as_ref();
        let mut body = json!({
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        });
        if let Some(field) = field {
            body["field"] = field.as_str().into();
        }
        if let Some(hint) = hint {
            body["hint"] = (*hint).into();
        }
        if faults.len() > 1 {
            let faults = faults.iter().take(FAULTS_MAX);
            let faults = faults.map(|fault| json!({"field": fault.field, "detail": fault.message}));
            body["faults"] = faults.collect::<Vec<Value>>().into();
        }
        if !used_by.is_empty() {
            let names = used_by.iter();
            let names = names.map(|name| json!({"kind": name.kind, "id": name.id}));
            body["used_by"] = names.collect::<Vec<Value>>().into();
        }
        let mut response = Response::new(Bytes::from(format!("{body}\n")));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"privet\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        let texts = [
            (ALLOW, allow.clone()),
            (ETAG, etag.as_ref().map(|etag| format!("\"{etag}\""))),
            (
                RETRY_AFTER,
                retry_after_secs.map(|seconds| seconds.to_string()),
            ),
        ];
        for (name, text) in texts {
            let value = text.and_then(|text| HeaderValue::try_from(text).ok());
            value.map(|value| headers.insert(name, value));
        }
        response
    }
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        let detail = error.to_string();
        let (status, code) = match &error {
            RequestError::NoSuchPath => (StatusCode::NOT_FOUND, "no_such_path"),
            RequestError::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            RequestError::Host => (StatusCode::MISDIRECTED_REQUEST, "host_not_served"),
            RequestError::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            RequestError::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "body_timeout"),
            RequestError::Timeout => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            RequestError::BodyBroken => (StatusCode::BAD_REQUEST, "body_broken"),
            RequestError::ContentType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content_type_not_json")
            }
            RequestError::BodyUnwanted => (StatusCode::BAD_REQUEST, "body_unwanted"),
            RequestError::Json(_) => (StatusCode::BAD_REQUEST, "json_invalid"),
            RequestError::Query(_) => (StatusCode::BAD_REQUEST, "query_invalid"),
            RequestError::Header { .. } => (StatusCode::BAD_REQUEST, "header_invalid"),
        };
        let mut problem = Problem::new(status, code, &detail);
        match error {
            RequestError::Method { allowed } => problem.more.allow = Some(allowed),
            RequestError::Query(fault) => problem.more.field = fault.field().map(str::to_owned),
            RequestError::Header { name, .. } => problem.more.field = Some(name.to_owned()),
            RequestError::Host => {
                return problem.hint("send a Host that is among the hosts of [control]");
            }
            RequestError::ContentType => {
                return problem.hint("send Content-Type: application/json");
            }
            RequestError::NoSuchPath
            | RequestError::BodyTooLarge
            | RequestError::BodyTimeout
            | RequestError::Timeout
            | RequestError::BodyBroken
            | RequestError::BodyUnwanted
            | RequestError::Json(_) => {}
        }
        problem
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let unauthorized = |code| Problem::new(StatusCode::UNAUTHORIZED, code, &error);
        match &error {
            AccessError::Absent => unauthorized("credentials_absent")
                .hint("sign the request with AWS Signature Version 4, or send Authorization: Bearer ID.SECRET"),
            AccessError::Token => unauthorized("credentials_malformed"),
            AccessError::Refused => unauthorized("credentials_refused")
                .hint("check the access key; it may be disabled or expired; a signature also fails if a proxy changes the request"),
            AccessError::Signature(refusal) => signature(refusal),
            AccessError::Replay(ReplayRefusal::Used) => {
                Problem::new(StatusCode::CONFLICT, "signature_used", &error)
            }
            AccessError::Replay(ReplayRefusal::BeforeStart) => unauthorized("signature_before_start")
                .hint("sign the request again; if that does not help, check the clock"),
            AccessError::Replay(ReplayRefusal::Full) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &error).retry_after(60)
            }
            AccessError::TooManyFailures { wait_secs } => {
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_failures", &error)
                    .retry_after(*wait_secs)
            }
            // The store's own words may name hosts and files: a stranger does not read them.
            AccessError::Store(_) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unreachable",
                "the operators cannot be looked up now",
            )
            .retry_after(5),
        }
    }
}

fn signature(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Expired => Problem::new(StatusCode::UNAUTHORIZED, "signature_expired", refusal),
        Refusal::NotYet => Problem::new(StatusCode::UNAUTHORIZED, "signature_not_yet", refusal),
        Refusal::BodyDigest => Problem::new(StatusCode::BAD_REQUEST, "body_digest_wrong", refusal),
        Refusal::Service => Problem::new(StatusCode::UNAUTHORIZED, "signature_service", refusal)
            .hint("sign for the service privet or cloudfront; the region does not matter"),
        Refusal::SecurityToken => Problem::new(StatusCode::UNAUTHORIZED, "security_token", refusal),
        Refusal::Malformed { part, .. } => {
            Problem::new(StatusCode::BAD_REQUEST, "signature_malformed", refusal).field(*part)
        }
        Refusal::Absent | Refusal::UnknownKey | Refusal::Mismatch => AccessError::Refused.into(),
    }
}

impl From<OperationError> for Problem {
    fn from(error: OperationError) -> Self {
        let detail = error.to_string();
        match error {
            OperationError::NotFound { .. } => not_found(&detail),
            OperationError::RoleTooLow(_) => {
                Problem::new(StatusCode::FORBIDDEN, "role_too_low", &detail)
            }
            OperationError::ScopeTooNarrow(_) => {
                Problem::new(StatusCode::FORBIDDEN, "scope_too_narrow", &detail)
            }
            OperationError::ReadOnly { .. } => {
                Problem::new(StatusCode::CONFLICT, "read_only", &detail)
                    .hint("edit the file, or import it into a store with privet import")
            }
            OperationError::NoStore => Problem::new(StatusCode::CONFLICT, "no_store", &detail),
            OperationError::NoEdge => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_edge", &detail)
            }
            OperationError::Invalid(faults) => invalid(&detail, faults),
            OperationError::IfMatchMissing => Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_missing",
                &detail,
            ),
            OperationError::NotDisabled(_) => {
                Problem::new(StatusCode::CONFLICT, "distribution_not_disabled", &detail)
            }
            OperationError::BucketNotEmpty(_) => {
                Problem::new(StatusCode::CONFLICT, "bucket_not_empty", &detail)
            }
            OperationError::BucketsFolder(_) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "buckets_folder_failed",
                &detail,
            ),
            OperationError::ClaimedOutside(_) => {
                Problem::new(StatusCode::CONFLICT, "claimed", &detail)
            }
            OperationError::IdempotencyKeyReused => {
                Problem::new(StatusCode::CONFLICT, "idempotency_key_reused", &detail)
                    .field("Idempotency-Key")
            }
            OperationError::TooManyJobs => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &detail).retry_after(5)
            }
            OperationError::Invalidation(error) => invalidation(&error),
            OperationError::Store(error) => store(error),
            OperationError::System(_) => {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "system_failed", &detail)
            }
        }
    }
}

fn not_found(detail: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

fn invalid(detail: &str, faults: Vec<Fault>) -> Problem {
    let field = faults.first().map(|fault| fault.field.clone());
    let mut problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
    problem.more.field = field.filter(|field| !field.is_empty());
    problem.more.faults = faults;
    problem
}

fn invalidation(error: &InvalidationError) -> Problem {
    match error {
        InvalidationError::NoItems
        | InvalidationError::TooManyItems { .. }
        | InvalidationError::TooManyWildcards { .. }
        | InvalidationError::TooLong { .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", error).field("paths")
        }
        InvalidationError::UnknownDistribution(_) => not_found(&error.to_string()),
        InvalidationError::JournalFull | InvalidationError::Journal(_) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "cache_journal", error).retry_after(5)
        }
    }
}

fn secret_unknown(pointer: &str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "secret_unknown", detail)
        .field(format!("document{}", pointer.replace('/', ".")))
        .hint(
            "send the secret in clear, or the sealed value that the document has now, at its place and for the same \
             address of the origin",
        )
}

fn store(error: StoreError) -> Problem {
    let detail = error.to_string();
    match error {
        StoreError::NotFound(name) => OperationError::no_document(&name).into(),
        StoreError::NoSuchOperator(_) | StoreError::NoSuchAccessKey(_) => not_found(&detail),
        StoreError::Exists(_) | StoreError::OperatorExists(_) => {
            Problem::new(StatusCode::CONFLICT, "exists", &detail)
        }
        StoreError::Stale { current, .. } => {
            let mut problem = Problem::new(StatusCode::PRECONDITION_FAILED, "stale", &detail);
            problem.more.etag = Some(current);
            problem
        }
        StoreError::NoSuchReference { .. } => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "no_such_reference",
            &detail,
        )
        .field("document"),
        StoreError::InUse { by, .. } => {
            let mut problem = Problem::new(StatusCode::CONFLICT, "in_use", &detail);
            problem.more.used_by = by;
            problem
        }
        StoreError::Claimed { .. } => Problem::new(StatusCode::CONFLICT, "claimed", &detail),
        StoreError::Invalid { field, .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", &detail).field(field)
        }
        StoreError::Sealed { pointer, .. } => secret_unknown(&pointer, &detail),
        StoreError::Repeated { .. } => {
            Problem::new(StatusCode::CONFLICT, "idempotency_key_reused", &detail)
                .field("Idempotency-Key")
        }
        StoreError::TooManyAccessKeys(_) => {
            Problem::new(StatusCode::CONFLICT, "too_many_access_keys", &detail)
        }
        StoreError::LastAdmin | StoreError::LastAdminKey => {
            Problem::new(StatusCode::CONFLICT, "last_admin", &detail)
        }
        StoreError::Busy => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", &detail).retry_after(1)
        }
        StoreError::Unreachable { .. } => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "store_unreachable",
            &detail,
        )
        .retry_after(5),
        StoreError::Unknown => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "outcome_unknown",
            &detail,
        )
        .hint(
            "read again before you repeat the change, or repeat it with the same Idempotency-Key",
        ),
        StoreError::Newer { .. }
        | StoreError::WrongKey
        | StoreError::MalformedKey
        | StoreError::MalformedUrl { .. }
        | StoreError::Failed { .. }
        | StoreError::Damaged { .. }
        | StoreError::Closed
        | StoreError::NotEmpty
        | StoreError::BackupDamaged { .. }
        | StoreError::File { .. } => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "store_failed", &detail)
        }
    }
}
