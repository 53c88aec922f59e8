//! Errors as S3 says them: code, status and message, in one place.

use crate::body::BodyError;
use crate::cors::CorsError;
use crate::form::FormError;
use crate::form::policy::FormPolicyError;
use crate::operators::OperatorsError;
use crate::policy::PolicyError;
use crate::query::QueryError;
use crate::sigv4::Refusal;
use crate::target::TargetError;
use http::StatusCode;
use privet_objects::{ObjectError, OpenError};
use s3s::{S3Error, S3ErrorCode};

/// Makes an error of a code that s3s knows.
pub(crate) fn known(code: S3ErrorCode, message: impl Into<String>) -> S3Error {
    S3Error::with_message(code, message.into())
}

/// Makes an error of a code that s3s has no name for.
pub(crate) fn other(status: StatusCode, code: &'static str, message: impl Into<String>) -> S3Error {
    let mut error = known(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// What is not built, or not permitted to anybody.
pub(crate) fn not_implemented(what: &str) -> S3Error {
    let message = format!(
        "A header or an operation you provided implies functionality that is not implemented: {what}"
    );
    known(S3ErrorCode::NotImplemented, message)
}

/// Says no more than that.
pub(crate) fn access_denied() -> S3Error {
    known(S3ErrorCode::AccessDenied, "Access Denied")
}

/// Says that there is no such bucket.
pub(crate) fn no_such_bucket() -> S3Error {
    known(
        S3ErrorCode::NoSuchBucket,
        "The specified bucket does not exist",
    )
}

/// Errors of the crate that become S3's.
pub(crate) trait IntoS3 {
    fn into_s3(self) -> S3Error;
}

impl IntoS3 for Refusal {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            Refusal::Absent => access_denied(),
            Refusal::VersionTwo => known(
                S3ErrorCode::InvalidRequest,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
            ),
            Refusal::Malformed { .. } => known(S3ErrorCode::AuthorizationHeaderMalformed, message),
            Refusal::SecurityToken => known(S3ErrorCode::InvalidToken, message),
            Refusal::DigestAbsent => known(S3ErrorCode::InvalidRequest, message),
            Refusal::Skewed => known(S3ErrorCode::RequestTimeTooSkewed, message),
            Refusal::HeaderNotSigned(_) | Refusal::NotYet | Refusal::Expired => {
                known(S3ErrorCode::AccessDenied, message)
            }
            Refusal::Differs(_) | Refusal::Mismatch => {
                known(S3ErrorCode::SignatureDoesNotMatch, message)
            }
        }
    }
}

impl IntoS3 for BodyError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            BodyError::TooSlow => known(S3ErrorCode::RequestTimeout, message),
            BodyError::Broken | BodyError::TooShort => known(S3ErrorCode::IncompleteBody, message),
            BodyError::TooLong => known(S3ErrorCode::EntityTooLarge, message),
            BodyError::Digest => other(
                StatusCode::BAD_REQUEST,
                "XAmzContentSHA256Mismatch",
                message,
            ),
            BodyError::ChunkSignature => known(S3ErrorCode::SignatureDoesNotMatch, message),
            BodyError::Chunks(_) => known(S3ErrorCode::InvalidRequest, message),
        }
    }
}

impl IntoS3 for QueryError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            QueryError::Encoding => known(S3ErrorCode::InvalidURI, message),
            QueryError::TooMany | QueryError::Twice(_) => {
                known(S3ErrorCode::InvalidArgument, message)
            }
            QueryError::Unknown(_) => not_implemented(&message),
        }
    }
}

impl IntoS3 for TargetError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            TargetError::Path => known(S3ErrorCode::InvalidURI, message),
            TargetError::BucketName => known(S3ErrorCode::InvalidBucketName, message),
            TargetError::KeyTooLong => known(S3ErrorCode::KeyTooLongError, message),
            TargetError::Host => known(S3ErrorCode::InvalidRequest, message),
        }
    }
}

impl IntoS3 for OperatorsError {
    fn into_s3(self) -> S3Error {
        match self {
            OperatorsError::Unavailable(_) => known(
                S3ErrorCode::ServiceUnavailable,
                "the store cannot be asked; please try again",
            ),
            OperatorsError::TooManyFailures { .. } => {
                known(S3ErrorCode::SlowDown, self.to_string())
            }
            OperatorsError::Denied => access_denied(),
            OperatorsError::Exists => OpenError::Exists.into_s3(),
            OperatorsError::NoSuchBucket => no_such_bucket(),
            OperatorsError::NotEmpty => OpenError::NotEmpty.into_s3(),
            OperatorsError::InUse(reason) => known(S3ErrorCode::InvalidBucketState, reason),
            OperatorsError::Invalid(reason) => known(S3ErrorCode::InvalidRequest, reason),
        }
    }
}

impl IntoS3 for PolicyError {
    fn into_s3(self) -> S3Error {
        known(S3ErrorCode::MalformedPolicy, self.to_string())
    }
}

impl IntoS3 for CorsError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            CorsError::Rules | CorsError::Incomplete => known(S3ErrorCode::MalformedXML, message),
            CorsError::TooLarge => known(S3ErrorCode::EntityTooLarge, message),
            CorsError::Method(_)
            | CorsError::Origin(_)
            | CorsError::Header(_)
            | CorsError::Exposed(_) => known(S3ErrorCode::InvalidRequest, message),
        }
    }
}

impl IntoS3 for FormError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            FormError::Boundary | FormError::Malformed | FormError::Incomplete => {
                known(S3ErrorCode::MalformedPOSTRequest, message)
            }
            FormError::TooLarge => known(S3ErrorCode::MaxPostPreDataLengthExceededError, message),
            FormError::Twice(_) | FormError::NoFile | FormError::Unsendable(_) => {
                known(S3ErrorCode::InvalidArgument, message)
            }
        }
    }
}

impl IntoS3 for FormPolicyError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            FormPolicyError::Malformed(_) => known(S3ErrorCode::InvalidPolicyDocument, message),
            FormPolicyError::Expired
            | FormPolicyError::Failed(_)
            | FormPolicyError::Uncovered(_) => known(S3ErrorCode::AccessDenied, message),
        }
    }
}

impl IntoS3 for OpenError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        match self {
            OpenError::Exists => known(
                S3ErrorCode::BucketAlreadyOwnedByYou,
                "Your previous request to create the named bucket succeeded and you already own it.",
            ),
            OpenError::NoSuchBucket => no_such_bucket(),
            OpenError::NotEmpty => known(
                S3ErrorCode::BucketNotEmpty,
                "The bucket you tried to delete is not empty",
            ),
            OpenError::Missing
            | OpenError::NoAttributes
            | OpenError::NoOpenat2
            | OpenError::System(_) => known(S3ErrorCode::InternalError, message),
        }
    }
}

impl IntoS3 for ObjectError {
    fn into_s3(self) -> S3Error {
        let message = self.to_string();
        let code = match self {
            ObjectError::NotFound => {
                return known(S3ErrorCode::NoSuchKey, "The specified key does not exist.");
            }
            ObjectError::NoSuchBucket => return no_such_bucket(),
            ObjectError::PreconditionFailed => return precondition_failed(),
            // None of these is worth a second attempt, which clients make at 500 and 503.
            ObjectError::Full | ObjectError::ReadOnly => {
                return other(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "InsufficientStorage",
                    message,
                );
            }
            ObjectError::NoSuchUpload => S3ErrorCode::NoSuchUpload,
            ObjectError::MetadataTooLarge => S3ErrorCode::MetadataTooLarge,
            ObjectError::InvalidHeaders | ObjectError::InvalidPartNumber => {
                S3ErrorCode::InvalidArgument
            }
            ObjectError::InvalidTags => S3ErrorCode::InvalidTag,
            ObjectError::SizeMismatch | ObjectError::InvalidChecksumType => {
                S3ErrorCode::InvalidRequest
            }
            ObjectError::EntityTooLarge => S3ErrorCode::EntityTooLarge,
            ObjectError::EntityTooSmall => S3ErrorCode::EntityTooSmall,
            ObjectError::InvalidPart => S3ErrorCode::InvalidPart,
            ObjectError::InvalidPartOrder => S3ErrorCode::InvalidPartOrder,
            ObjectError::TooManyUploads => S3ErrorCode::SlowDown,
            ObjectError::UploadBusy => S3ErrorCode::OperationAborted,
            ObjectError::DigestMismatch | ObjectError::ChecksumMismatch(_) => {
                S3ErrorCode::BadDigest
            }
            ObjectError::Changed
            | ObjectError::Denied
            | ObjectError::NoAttributes
            | ObjectError::System(_) => S3ErrorCode::InternalError,
        };
        known(code, message)
    }
}

/// Says that a condition of the request does not hold.
pub(crate) fn precondition_failed() -> S3Error {
    known(
        S3ErrorCode::PreconditionFailed,
        "At least one of the pre-conditions you specified did not hold",
    )
}
