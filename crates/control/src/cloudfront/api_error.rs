//! Errors as clients of CloudFront's API receive them: a code that their libraries know, and a message.
//!
//! The one place where errors become answers of this interface. Errors that pass are 500 and above, or `Throttling`:
//! clients repeat those by themselves, and nothing else.

use crate::authentication::AccessError;
use crate::cloudfront::model::{Model, Version};
use crate::cloudfront::xml::{self, escaped};
use crate::interface::Failure;
use crate::operation_error::{Fault, OperationError};
use crate::replay::ReplayRefusal;
use crate::request_error::RequestError;
use crate::sigv4::Refusal;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use privet_distribution::config::ServiceKind;
use privet_edge::InvalidationError;
use privet_store::StoreError;
use std::fmt::Display;

/// Header that raises the time which clients wait before the next attempt, in milliseconds.
const RETRY_AFTER: &str = "x-amz-retry-after";
/// Signatures say the time in whole seconds: after one, the same call has another signature.
const RETRY_AFTER_MS: &str = "1000";

/// Faults that a message names.
const FAULTS_NAMED_MAX: usize = 5;

/// Codes that every service of AWS has, and that the model of this one lacks.
const COMMON: [(&str, StatusCode); 15] = [
    ("AccessDenied", StatusCode::FORBIDDEN),
    ("IncompleteSignature", StatusCode::BAD_REQUEST),
    ("InternalError", StatusCode::INTERNAL_SERVER_ERROR),
    ("InvalidClientTokenId", StatusCode::FORBIDDEN),
    ("InvalidHost", StatusCode::MISDIRECTED_REQUEST),
    ("InvalidationBatchAlreadyExists", StatusCode::CONFLICT),
    ("MalformedXML", StatusCode::BAD_REQUEST),
    ("MissingAuthenticationToken", StatusCode::FORBIDDEN),
    ("RequestEntityTooLarge", StatusCode::PAYLOAD_TOO_LARGE),
    ("RequestExpired", StatusCode::BAD_REQUEST),
    ("RequestTimeout", StatusCode::REQUEST_TIMEOUT),
    ("ServiceUnavailable", StatusCode::SERVICE_UNAVAILABLE),
    ("SignatureDoesNotMatch", StatusCode::FORBIDDEN),
    ("Throttling", StatusCode::BAD_REQUEST),
    ("UnsupportedOperation", StatusCode::BAD_REQUEST),
];

/// An error, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: &'static str,
    message: String,
}

impl ApiError {
    pub(crate) fn new(code: &'static str, message: &(impl Display + ?Sized)) -> Self {
        ApiError {
            code,
            message: words(code).map_or_else(|| message.to_string(), str::to_owned),
        }
    }

    /// Returns the same error with another code.
    pub(crate) fn with_code(self, code: &'static str) -> Self {
        ApiError { code, ..self }
    }

    /// Makes the error of an argument.
    pub(crate) fn argument(message: &(impl Display + ?Sized)) -> Self {
        ApiError::new("InvalidArgument", message)
    }

    /// Makes the error of an operation that is not served.
    pub(crate) fn unsupported(message: &(impl Display + ?Sized)) -> Self {
        ApiError::new("UnsupportedOperation", message)
    }

    /// Returns the response.
    pub(crate) fn respond(&self, version: Version, request_id: &str) -> Response<Bytes> {
        let status = self.status();
        let side = match status.is_server_error() {
            true => "Receiver",
            false => "Sender",
        };
        let body = format!(
            "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"{}\"><Error><Type>{side}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
            version.namespace(),
            self.code,
            escaped(&self.message),
            escaped(request_id),
        );
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        let value = HeaderValue::from_static("text/xml");
        response.headers_mut().insert(CONTENT_TYPE, value);
        if self.code == "Throttling" {
            let value = HeaderValue::from_static(RETRY_AFTER_MS);
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response
    }
}

impl Failure for ApiError {
    fn status(&self) -> StatusCode {
        let common = COMMON.iter().find(|(code, _)| *code == self.code);
        let modelled = || StatusCode::from_u16(Model::get().status(self.code)?).ok();
        let status = common.map(|(_, status)| *status).or_else(modelled);
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn code(&self) -> &str {
        self.code
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        let code = match &error {
            RequestError::NoSuchPath | RequestError::Method { .. } => "UnsupportedOperation",
            RequestError::Host => "InvalidHost",
            RequestError::BodyTooLarge => "RequestEntityTooLarge",
            RequestError::BodyTimeout => "RequestTimeout",
            RequestError::Timeout => "ServiceUnavailable",
            RequestError::BodyBroken => "MalformedXML",
            RequestError::ContentType
            | RequestError::BodyUnwanted
            | RequestError::Json(_)
            | RequestError::Query(_)
            | RequestError::Header { .. } => "InvalidArgument",
        };
        ApiError::new(code, &error)
    }
}

impl From<xml::Fault> for ApiError {
    fn from(fault: xml::Fault) -> Self {
        let code = match &fault {
            xml::Fault::Quantity { .. } => "InconsistentQuantities",
            xml::Fault::Value { .. } => "InvalidArgument",
            xml::Fault::TooLarge => "RequestEntityTooLarge",
            xml::Fault::Encoding
            | xml::Fault::Syntax { .. }
            | xml::Fault::Unwanted { .. }
            | xml::Fault::Root { .. }
            | xml::Fault::Unknown { .. }
            | xml::Fault::Twice { .. }
            | xml::Fault::Missing { .. }
            | xml::Fault::Text { .. } => "MalformedXML",
        };
        ApiError::new(code, &fault)
    }
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match &error {
            AccessError::Absent => ApiError::new("MissingAuthenticationToken", &error),
            AccessError::Token => ApiError::new("InvalidClientTokenId", &error),
            // Unknown keys and wrong secrets get the same answer.
            AccessError::Refused => ApiError::new("SignatureDoesNotMatch", &error),
            AccessError::Signature(refusal) => signature(refusal),
            AccessError::Replay(ReplayRefusal::BeforeStart) => {
                ApiError::new("RequestExpired", &error)
            }
            // A client that repeats within a second what was refused before signs the same again. At this code all
            // clients wait and sign anew by themselves.
            AccessError::Replay(ReplayRefusal::Used | ReplayRefusal::Full)
            | AccessError::TooManyFailures { .. } => ApiError::new("Throttling", &error),
            // The store's own words may name hosts and files: a stranger does not read them.
            AccessError::Store(_) => ApiError::new(
                "ServiceUnavailable",
                "the operators cannot be looked up now",
            ),
        }
    }
}

fn signature(refusal: &Refusal) -> ApiError {
    let code = match refusal {
        Refusal::Expired | Refusal::NotYet => "RequestExpired",
        Refusal::Malformed { .. } => "IncompleteSignature",
        Refusal::SecurityToken => "InvalidClientTokenId",
        Refusal::BodyDigest | Refusal::Service => "SignatureDoesNotMatch",
        Refusal::Absent | Refusal::UnknownKey | Refusal::Mismatch => {
            return AccessError::Refused.into();
        }
    };
    ApiError::new(code, refusal)
}

impl From<OperationError> for ApiError {
    fn from(error: OperationError) -> Self {
        let code = match &error {
            OperationError::Invalid(faults) => return ApiError::argument(&messages(faults)),
            OperationError::Store(error) => return store(error),
            OperationError::NotFound { .. } => "NoSuchResource",
            OperationError::RoleTooLow(_)
            | OperationError::ScopeTooNarrow(_)
            | OperationError::ReadOnly { .. }
            | OperationError::NoStore => "AccessDenied",
            OperationError::NoEdge | OperationError::TooManyJobs => "ServiceUnavailable",
            OperationError::IfMatchMissing => "InvalidIfMatchVersion",
            OperationError::NotDisabled(_) => "DistributionNotDisabled",
            OperationError::ClaimedOutside(_) => "CNAMEAlreadyExists",
            OperationError::IdempotencyKeyReused => "InvalidArgument",
            OperationError::Invalidation(error) => invalidation(error),
            OperationError::BucketNotEmpty(_) => "InvalidArgument",
            OperationError::System(_) | OperationError::BucketsFolder(_) => "InternalError",
        };
        ApiError::new(code, &error)
    }
}

/// Returns CloudFront's own words for an error, where they are known: scripts look for them.
fn words(code: &str) -> Option<&'static str> {
    match code {
        "NoSuchDistribution" => Some("The specified distribution does not exist."),
        "NoSuchStreamingDistribution" => {
            Some("The specified streaming distribution does not exist.")
        }
        "NoSuchInvalidation" => Some("The specified invalidation does not exist."),
        "NoSuchOriginAccessControl" => Some("The specified origin access control does not exist."),
        "NoSuchOrigin" => Some("One or more of your origins or origin groups do not exist."),
        "InvalidIfMatchVersion" => {
            Some("The If-Match version is missing or not valid for the resource.")
        }
        _ => None,
    }
}

/// Returns the first faults of a document with their places in it, in the words of Privet's own configuration.
fn messages(faults: &[Fault]) -> String {
    let named = faults.iter().take(FAULTS_NAMED_MAX);
    let named = named.map(|fault| {
        let place = fault.field.strip_prefix("document").unwrap_or(&fault.field);
        match place.trim_start_matches('.') {
            "" => fault.message.clone(),
            place => format!("{place} {}", fault.message),
        }
    });
    let named: Vec<String> = named.collect();
    match named.is_empty() {
        true => "the request is invalid".to_owned(),
        false => named.join("; "),
    }
}

fn invalidation(error: &InvalidationError) -> &'static str {
    match error {
        InvalidationError::NoItems | InvalidationError::TooLong { .. } => "InvalidArgument",
        InvalidationError::TooManyItems { .. } => "BatchTooLarge",
        InvalidationError::TooManyWildcards { .. } => "TooManyInvalidationsInProgress",
        InvalidationError::UnknownDistribution(_) => "NoSuchDistribution",
        InvalidationError::JournalFull | InvalidationError::Journal(_) => "ServiceUnavailable",
    }
}

fn store(error: &StoreError) -> ApiError {
    let code = match error {
        StoreError::NotFound(_)
        | StoreError::NoSuchOperator(_)
        | StoreError::NoSuchAccessKey(_) => "NoSuchResource",
        StoreError::Stale { .. } => "PreconditionFailed",
        StoreError::NoSuchReference { to, .. } => absent_reference(to.kind.parse().ok()),
        StoreError::InUse { .. } => "ResourceInUse",
        StoreError::Exists(_)
        | StoreError::OperatorExists(_)
        | StoreError::Claimed { .. }
        | StoreError::Invalid { .. }
        | StoreError::Sealed { .. }
        | StoreError::Repeated { .. }
        | StoreError::TooManyAccessKeys(_)
        | StoreError::LastAdmin
        | StoreError::LastAdminKey => "InvalidArgument",
        StoreError::Busy => "Throttling",
        StoreError::Unreachable { .. } | StoreError::Unknown => "ServiceUnavailable",
        StoreError::Newer { .. }
        | StoreError::WrongKey
        | StoreError::MalformedKey
        | StoreError::MalformedUrl { .. }
        | StoreError::Failed { .. }
        | StoreError::Damaged { .. }
        | StoreError::Closed
        | StoreError::NotEmpty
        | StoreError::BackupDamaged { .. }
        | StoreError::File { .. } => "InternalError",
    };
    ApiError::new(code, error)
}

/// Returns the code for something that refers to what is not there.
fn absent_reference(kind: Option<ServiceKind>) -> &'static str {
    match kind {
        Some(ServiceKind::KeyGroup) => "TrustedKeyGroupDoesNotExist",
        Some(ServiceKind::TrustedSigner) => "TrustedSignerDoesNotExist",
        Some(ServiceKind::CachePolicy) => "NoSuchCachePolicy",
        Some(ServiceKind::OriginRequestPolicy) => "NoSuchOriginRequestPolicy",
        Some(ServiceKind::ResponseHeadersPolicy) => "NoSuchResponseHeadersPolicy",
        Some(ServiceKind::Certificate) => "InvalidViewerCertificate",
        Some(ServiceKind::OriginAccessIdentity) => "InvalidOriginAccessIdentity",
        Some(ServiceKind::OriginAccessControl) => "InvalidOriginAccessControl",
        Some(
            ServiceKind::PublicKey
            | ServiceKind::Bucket
            | ServiceKind::Distribution
            | ServiceKind::StreamingDistribution,
        )
        | None => "InvalidArgument",
    }
}
