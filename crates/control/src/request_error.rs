//! Requests that cannot be read as the interface wants them.

use crate::query::QueryFault;
use thiserror::Error;

/// Maximum size of a body.
pub(crate) const BODY_SIZE_BYTES_MAX: usize = 1024 * 1024;

/// The reason why a request is not looked at further.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum RequestError {
    #[error("there is no such path")]
    NoSuchPath,
    #[error("this method is not supported here")]
    Method { allowed: String },
    #[error("this host is not served here")]
    Host,
    #[error("the body has more than {BODY_SIZE_BYTES_MAX} bytes; split it")]
    BodyTooLarge,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the operation took too long; ask whether it was done before you repeat it")]
    Timeout,
    #[error("the body is truncated")]
    BodyBroken,
    #[error("the body is not declared as JSON")]
    ContentType,
    #[error("this request takes no body")]
    BodyUnwanted,
    #[error("the body is invalid: {0}")]
    Json(String),
    #[error(transparent)]
    Query(#[from] QueryFault),
    #[error("the header {name} {rule}")]
    Header {
        name: &'static str,
        rule: &'static str,
    },
}
