//! Which page stands in for an error, and how long errors are kept.

use crate::config::{CustomErrorResponse, Distribution, ERROR_MIN_TTL_DEFAULT};
use http::StatusCode;
use std::time::Duration;

/// The custom error response of `distribution` for `status`; `None` when it has none.
pub fn custom_error(
    distribution: &Distribution,
    status: StatusCode,
) -> Option<&CustomErrorResponse> {
    let mut responses = distribution.custom_errors.iter();
    responses.find(|response| response.error_status == status)
}

/// How long an error of `status` is kept at least: what the distribution says, else 10 s.
///
/// Whether an error of that status is kept at all is decided elsewhere (developer guide, "How CloudFront caches HTTP
/// 4xx and 5xx status codes").
pub fn error_min_ttl(distribution: &Distribution, status: StatusCode) -> Duration {
    custom_error(distribution, status).map_or(ERROR_MIN_TTL_DEFAULT, |response| response.min_ttl)
}
